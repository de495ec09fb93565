"""From the images of sites to a table of deep features for each."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import CellfolioError, InvalidArgument
from cellfolio.formats.images.opening import open_image
from cellfolio.formats.images.site import open_site
from cellfolio.formats.single_cells.source import CellProblem
from cellfolio.measurement.crops import Crops, CropSettings, crop_cells
from cellfolio.measurement.networks import Images, Presentation, embed_cells
from cellfolio.package.digests import digest_of
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.registries.selection import Channel, parse_channels
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Meter, Progress
from cellfolio.workflows.featurizing.networks import DEFAULT, LoadedNetwork, load_network
from cellfolio.workflows.featurizing.sites import (
    PlateSite,
    SiteLabels,
    find_labels,
    find_sites,
)
from cellfolio.workflows.getting import fetch_entries

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

KEY = b"cellfolio"
"""Of the files' metadata: version of the code, network, settings, and digests of the inputs."""
_PLACES = ("Metadata_Location_Center_X", "Metadata_Location_Center_Y")


@dataclass(frozen=True, slots=True)
class FeaturizeOptions:
    """How cells are shown to a network.

    Attributes
    ----------
    channels : str
        Words for channels, see `parse_channels`; the order is that of the numbers of channels.
    objects : str
        The kind of objects in the names of files of labels, where there are several.
    plate : str, optional
        Barcode of all images, where folders do not tell it.
    crops : CropSettings
    presentation : Presentation
    """

    channels: str = "fluorescence"
    objects: str = ""
    plate: str | None = None
    crops: CropSettings = field(default_factory=CropSettings)
    presentation: Presentation = field(default_factory=Presentation)


@dataclass(frozen=True, slots=True)
class Featurized:
    """What became of the sites.

    Attributes
    ----------
    folder : Path
    network : LoadedNetwork
    channels : tuple of str
        In the order of the features.
    features : int
        Of each cell.
    cells : int
        In the sites that were featurized now.
    done : tuple of str
        Sites that were featurized: plate, well and site.
    kept : tuple of str
        Sites that were finished before.
    problems : tuple of CellProblem
        Sites that failed, and why.
    """

    folder: Path
    network: LoadedNetwork
    channels: tuple[str, ...]
    features: int
    cells: int
    done: tuple[str, ...]
    kept: tuple[str, ...]
    problems: tuple[CellProblem, ...]


def featurize(
    images: Package | Path | str,
    output: Path | str,
    labels: Package | Path | str,
    *,
    network: LoadedNetwork | str = DEFAULT,
    options: FeaturizeOptions | None = None,
    progress: Progress | None = None,
    home: Home | None = None,
) -> Featurized:
    """Let a network describe each cell of the images of plates.

    A crop around each object of the labels is shown to the network; what it says becomes a row of
    ``OUTPUT/PLATE/WELL/SITE.parquet``. A file is there once it is whole. Sites that are finished
    are not done again, unless their images or labels, the network or a setting are others. A site
    that fails is told of, and the others go on. The same input gives the same bytes on a machine.

    Parameters
    ----------
    images : Package, Path or str
        A package, or a folder, with images that are called as the Opera Phenix calls them.
    output : path
        A folder.
    labels : Package, Path or str
        A package, or a folder, with images of labels (see `find_labels`).
    network : LoadedNetwork or str
        See `load_network`.
    options : FeaturizeOptions, optional
    progress : callable, optional
    home : Home, optional

    Returns
    -------
    Featurized

    Raises
    ------
    InvalidArgument
        If there are no images or labels, or the network does not take such crops.
    DigestMismatch, NotFound, UnknownFormat, BrokenFile
        Of the network.

    Examples
    --------
    ::

        cellfolio.featurize("./images", "features", "./labels")
        wells = cellfolio.aggregate_cells(cellfolio.open_cells("features"))
    """
    home, options = home or Home(), options or FeaturizeOptions()
    output = Path(output)
    if output.exists() and not output.is_dir():
        raise InvalidArgument(f"features are written to a folder, and {output} is a file")
    channels = parse_channels(options.channels)
    sites = find_sites(images, home, plate=options.plate)
    found = find_labels(labels, home, objects=options.objects)
    loaded = load_network(network, home=home) if isinstance(network, str) else network
    run = _Run(loaded, options, channels, found, home)
    width = run.width()
    meter = Meter(progress, "featurize", len(sites), 0)
    cells = 0
    done: list[str] = []
    kept: list[str] = []
    problems: list[CellProblem] = []
    for site in sites:
        try:
            count = run.write(site, output / f"{site.key}.parquet")
        except CellfolioError as error:
            problems.append(CellProblem(site.key, str(error)))
        else:
            cells += count or 0
            (kept if count is None else done).append(site.key)
        meter.advance(files=1)
        meter.tell()
    meter.tell(finished=True)
    names = tuple(one.name for one in channels)
    return Featurized(
        output, loaded, names, width, cells, tuple(done), tuple(kept), tuple(problems)
    )


@dataclass(frozen=True)
class _Run:
    """What is the same for all sites."""

    network: LoadedNetwork
    options: FeaturizeOptions
    channels: tuple[Channel, ...]
    labels: SiteLabels
    home: Home

    def width(self) -> int:
        """Return how many features a cell has; raise if the network does not take such crops."""
        import numpy as np

        square = np.zeros((self.options.crops.size,) * 2, dtype=np.uint8)
        nothing = {one.name: square for one in self.channels}
        return int(self._embed(crop_cells(square, nothing, self.options.crops)).shape[1])

    def write(self, site: PlateSite, path: Path) -> int | None:
        """Write the features of a site; return the number of cells, or None if it is finished."""
        numbers = {one.number for one in self.channels}
        chosen = {name: one for name, one in site.images.items() if name.channel in numbers}
        labels = self.labels.of(site)
        inputs = self._inputs({str(name): one for name, one in chosen.items()}, labels)
        record = self._record(inputs)
        if _recorded(path) == record:
            return None
        planes = self._planes(site, list(chosen.values()))
        crops = crop_cells(_read_labels(labels, self.home), planes, self.options.crops)
        _write(_table(site, crops, self._embed(crops), self.network.name), record, path)
        return len(crops)

    def _embed(self, crops: Crops) -> Images:
        return embed_cells(crops, self.network, self.options.presentation)

    def _inputs(self, images: Mapping[str, Path | Entry], labels: Path | Entry) -> dict[str, str]:
        """Return the digests of what is read; files of packages are fetched and checked first."""
        files = {**images, "labels": labels}
        entries = {name: one for name, one in files.items() if isinstance(one, Entry)}
        paths = fetch_entries(list(entries.values()), self.home) if entries else []
        held = dict(zip(entries, paths, strict=True))
        found = {}
        for name, one in sorted(files.items()):
            if isinstance(one, Entry):
                path, known = held[name], one.digest
            else:
                path, known = one, None
            found[name] = str(known or digest_of(path.read_bytes(), "SHA256"))
        return found

    def _record(self, inputs: Mapping[str, str]) -> dict[str, Any]:
        """Return what decides the bytes of a site's file."""
        return {
            "version": version("cellfolio"),
            "network": {
                "name": self.network.name,
                "digest": str(self.network.digest),
                "format": self.network.format,
                "device": self.network.device,
            },
            "channels": [one.name for one in self.channels],
            "crops": asdict(self.options.crops)
            | {"percentiles": list(self.options.crops.percentiles)},
            "presentation": asdict(self.options.presentation),
            "inputs": inputs,
        }

    def _planes(
        self, site: PlateSite, images: Sequence[Path | Entry]
    ) -> dict[str, npt.NDArray[Any]]:
        """Read the channels of a site."""
        wanted = [one.name for one in self.channels]
        numbers = {name.channel for name in site.images}
        lacking = [one.name for one in self.channels if one.number not in numbers]
        if lacking:
            raise InvalidArgument(f"it lacks the channels {', '.join(lacking)}")
        image = open_site(images, home=self.home, channels=self.channels)
        if set(image.axes) - set("CYX"):
            raise InvalidArgument(
                f"it has several depths or times (axes {image.axes}); expected one plane"
            )
        pixels = image.read().reshape(len(wanted), *image.shape[-2:])
        return dict(zip(wanted, pixels, strict=True))


def _read_labels(source: Path | Entry, home: Home) -> npt.NDArray[Any]:
    image = open_image(source, home=home)
    if image.axes != "YX":
        raise InvalidArgument(f"labels should be one plane, found the axes {image.axes}")
    return image.read()


def _table(site: PlateSite, crops: Crops, features: Images, name: str) -> pa.Table:
    """Return a row for each cell: where it is, then its features."""
    import numpy as np
    import pyarrow as pa

    count = len(crops)
    columns = {
        "Metadata_Plate": pa.array([site.plate] * count, pa.string()),
        "Metadata_Well": pa.array([str(site.well)] * count, pa.string()),
        "Metadata_Site": pa.array(np.full(count, site.site)),
        "Metadata_ObjectNumber": pa.array(crops.numbers),
        _PLACES[0]: pa.array(np.ascontiguousarray(crops.centers[:, 1])),
        _PLACES[1]: pa.array(np.ascontiguousarray(crops.centers[:, 0])),
    }
    rows = np.ascontiguousarray(features.T)
    columns |= {f"{name}_{number}": pa.array(row) for number, row in enumerate(rows)}
    return pa.table(columns)


def _write(table: pa.Table, record: Mapping[str, Any], path: Path) -> None:
    """Write a table so that it is whole or not there."""
    import pyarrow.parquet as pq

    told = table.replace_schema_metadata({KEY: json.dumps(record).encode()})
    # Measured numbers do not repeat, and what is known of them is never asked.
    others = [name for name in table.column_names if name.startswith("Metadata_")]
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{uuid.uuid4().hex}.unfinished")
    try:
        pq.write_table(told, unfinished, use_dictionary=others, write_statistics=others)
        unfinished.replace(path)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _recorded(path: Path) -> object:
    """Return what a file tells that it was made of; None if there is no such file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = pq.read_schema(path).metadata or {}
        return json.loads(told.get(KEY, b"null"))
    except (OSError, ValueError, pa.ArrowException):  # none, or not ours: it is made again
        return None
