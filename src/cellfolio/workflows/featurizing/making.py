"""Featurizing one site: from its images to a table with a row for each cell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from cellfolio.errors import CellfolioError, InvalidArgument
from cellfolio.measurement import CropSettings, Presentation, SegmentationSettings
from cellfolio.storage.home import Home
from cellfolio.workflows.featurizing.networks import LoadedNetwork, NetworkChoice, load_network
from cellfolio.workflows.measuring.labels import CELLS
from cellfolio.workflows.measuring.making import read_images, segment_site
from cellfolio.workflows.measuring.reading import Reader, identity
from cellfolio.workflows.measuring.settings import plain
from cellfolio.workflows.measuring.sites import ImagePart, SiteImages
from cellfolio.workflows.measuring.tables import write_cells
from cellfolio.workflows.processes import Failure
from cellfolio.workflows.profiling.inputs import Digests
from cellfolio.workflows.single_cells import KEY

if TYPE_CHECKING:
    import pyarrow as pa

    from cellfolio.measurement import Crops
    from cellfolio.measurement.networks import Images

Around: TypeAlias = Literal["nuclei", "cells"]
_METHODS = 1
"""Raised when a site gives other numbers than before, so that it is done again."""


@dataclass(frozen=True, slots=True)
class FeaturizeOptions:
    """How cells are shown to a network.

    Attributes
    ----------
    network : NetworkChoice
    around : {'nuclei', 'cells'}
        Whose centre a crop is around. What is masked are cells in any case.
    crops : CropSettings
    presentation : Presentation
    segmentation : SegmentationSettings
        How nuclei and cells are found, where no labels are given.
    """

    network: NetworkChoice = field(default_factory=NetworkChoice)
    around: Around = "nuclei"
    crops: CropSettings = field(default_factory=CropSettings)
    presentation: Presentation = field(default_factory=Presentation)
    segmentation: SegmentationSettings = field(default_factory=SegmentationSettings)

    def __post_init__(self) -> None:
        if self.around not in get_args(Around):
            raise InvalidArgument(
                f"around should be one of {get_args(Around)}, found {self.around!r}"
            )

    def deciding(self, *, segmented: bool) -> dict[str, Any]:
        """Return what decides the numbers, but for the network, as JSON has it.

        Parameters
        ----------
        segmented : bool
            Whether something is segmented, so that its settings matter.
        """
        found = {name: plain(getattr(self, name)) for name in ("around", "crops", "presentation")}
        if segmented:
            found["segmentation"] = plain(self.segmentation)
        return found


@dataclass(frozen=True, slots=True)
class FeatureJob:
    """A site to featurize; it can be sent to another process.

    Attributes
    ----------
    site : SiteImages
    channels : tuple of str
        Those that are shown, in the order of features.
    labels : tuple of (str, ImagePart)
        By kind; where there are none, the site is segmented.
    options : FeaturizeOptions
        With the digest and device of the network that were found.
    output, home : Path
    """

    site: SiteImages
    channels: tuple[str, ...]
    labels: tuple[tuple[str, ImagePart], ...]
    options: FeaturizeOptions
    output: Path
    home: Path

    @property
    def path(self) -> Path:
        """The table of its cells."""
        return self.output / self.site.folder / f"{self.site.name}.parquet"

    @property
    def parts(self) -> tuple[ImagePart, ...]:
        """All files that it is made of."""
        return self.site.all_parts(self.labels)

    def told(self, made_of: Mapping[str, str]) -> dict[str, Any]:
        """Return what decides the table, as its metadata have it.

        Parameters
        ----------
        made_of : mapping of str to str
            Digest of each file by its key.
        """
        network = self.options.network
        return {
            "version": f"{version('cellfolio')}+{_METHODS}",
            "network": {
                "name": network.prefix,
                "digest": network.digest,
                "device": network.device,
            },
            "channels": list(self.channels),
            "settings": self.options.deciding(segmented=CELLS not in dict(self.labels)),
            "inputs": dict(sorted(made_of.items())),
        }

    def is_done(self, home: Home) -> bool:
        """Whether the table is there, and of these images, labels, network and settings."""
        recorded = _recorded(self.path)
        if recorded is None:
            return False
        digests = Digests({})
        try:
            made_of = {one.key: identity(one.source, home, digests) for one in self.parts}
        except (CellfolioError, OSError):
            return False  # it fails with a reason when it is done
        return bool(recorded == json.loads(json.dumps(self.told(made_of))))


@dataclass(frozen=True, slots=True)
class FeaturizedSite:
    """What became of a site.

    Attributes
    ----------
    plate, well : str
    number : int
    cells : int
    features : int
        Of each cell.
    kept : bool
        Whether it was finished before.
    failure : Failure or None
    """

    plate: str
    well: str
    number: int
    cells: int = 0
    features: int = 0
    kept: bool = False
    failure: Failure | None = None

    @classmethod
    def failed(cls, site: SiteImages, failure: Failure) -> FeaturizedSite:
        """Return a site that failed."""
        return cls(site.plate, str(site.well), site.number, failure=failure)

    def __str__(self) -> str:
        return f"{self.plate} {self.well} site {self.number}"


def featurize_one(job: FeatureJob) -> FeaturizedSite:
    """Featurize a site, and write its table; what goes wrong is told, and not raised.

    Of a site that fails, no table is left.
    """
    site = job.site
    try:
        home = Home(job.home)
        kept = job.is_done(home)
        cells, features = _shape(job.path) if kept else _featurize(job, home)
        return FeaturizedSite(site.plate, str(site.well), site.number, cells, features, kept)
    except (CellfolioError, OSError, MemoryError) as error:
        job.path.unlink(missing_ok=True)
        return FeaturizedSite.failed(site, Failure.of(error))


def _featurize(job: FeatureJob, home: Home) -> tuple[int, int]:
    """Write the table of a site; return how many cells and features there are."""
    from cellfolio.measurement import crop_cells, embed_cells

    if job.site.problem:
        raise InvalidArgument(job.site.problem)
    reader = Reader(home, Digests({}))
    _, images = read_images(job.site, reader)
    found = segment_site(images, job.labels, job.options.segmentation, reader)
    crops = crop_cells(
        found.cells,
        {name: images[name] for name in job.channels},
        job.options.crops,
        around=found.nuclei if job.options.around == "nuclei" else None,
    )
    features = embed_cells(crops, _ready(job.options.network, home), job.options.presentation)
    table = _table(job.site, crops, features, job.options.network.prefix)
    write_cells(table, job.path, job.told(reader.made_of))
    return features.shape[0], features.shape[1]


_READY: dict[NetworkChoice, LoadedNetwork] = {}
"""The network of this process, by what it was asked for, its digest among it; at most one."""


def get_ready(choice: NetworkChoice, network: LoadedNetwork) -> NetworkChoice:
    """Keep a network for all sites of this process; return what stands for it in jobs.

    Parameters
    ----------
    choice : NetworkChoice
        What it was loaded by.
    network : LoadedNetwork

    Returns
    -------
    NetworkChoice
        With the digest and device that were found, so that other processes load the same.
    """
    pinned = replace(choice, digest=str(network.digest), device=network.device)
    _READY.clear()
    _READY[pinned] = network
    return pinned


def _ready(choice: NetworkChoice, home: Home) -> LoadedNetwork:
    if choice not in _READY:
        get_ready(choice, load_network(choice, home=home))
    return _READY[choice]


def _table(site: SiteImages, crops: Crops, features: Images, name: str) -> pa.Table:
    """Return a row for each cell: where it is, then its features."""
    import numpy as np
    import pyarrow as pa

    count = len(crops)
    columns = {
        "Metadata_ImageNumber": pa.array(np.full(count, site.image_number)),
        "Metadata_Plate": pa.array([site.plate] * count, pa.string()),
        "Metadata_Well": pa.array([str(site.well)] * count, pa.string()),
        "Metadata_Site": pa.array(np.full(count, site.number)),
        "Metadata_ObjectNumber": pa.array(crops.numbers),
        "Metadata_Location_Center_X": pa.array(np.ascontiguousarray(crops.centers[:, 1])),
        "Metadata_Location_Center_Y": pa.array(np.ascontiguousarray(crops.centers[:, 0])),
    }
    rows = np.ascontiguousarray(features.T)
    return pa.table(
        columns | {f"{name}_{number}": pa.array(row) for number, row in enumerate(rows)}
    )


def _recorded(path: Path) -> object:
    """Return what a table tells that it was made of; None if there is no such table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return json.loads((pq.read_schema(path).metadata or {}).get(KEY, b"null"))
    except (OSError, ValueError, pa.ArrowException):  # none, or none of ours: it is made again
        return None


def _shape(path: Path) -> tuple[int, int]:
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path)
    names = metadata.schema.names
    return metadata.num_rows, sum(not name.startswith("Metadata_") for name in names)
