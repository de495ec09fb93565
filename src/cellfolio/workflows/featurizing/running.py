"""Featurizing plates: which sites there are, in processes of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cellfolio.errors import CellfolioError, InvalidArgument, NotFound
from cellfolio.measurement import crop_cells, embed_cells
from cellfolio.package.nearest import suggest_or_list
from cellfolio.package.package import Package
from cellfolio.registries.plates import Well, parse_wells
from cellfolio.registries.selection import CPJUMP1_CHANNELS, parse_sites
from cellfolio.storage.disk import write_atomically
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Meter, Progress
from cellfolio.workflows.featurizing.making import (
    FeatureJob,
    FeaturizedSite,
    FeaturizeOptions,
    featurize_one,
    get_ready,
)
from cellfolio.workflows.featurizing.networks import (
    DEFAULT,
    LoadedNetwork,
    NetworkChoice,
    load_network,
)
from cellfolio.workflows.measuring.channels import ChannelNames
from cellfolio.workflows.measuring.labels import ReadyLabels
from cellfolio.workflows.measuring.places import find_places
from cellfolio.workflows.measuring.settings import plain
from cellfolio.workflows.measuring.sites import ImagePart, SiteImages, find_sites
from cellfolio.workflows.processes import Failure, alone_in, count_workers, do_all

RUN_RECORD = "featurized.json"
Where = Package | Path | str
_TRANSMITTED = frozenset(one.name for one in CPJUMP1_CHANNELS if one.kind == "brightfield")


@dataclass(frozen=True, slots=True)
class FeaturizeInputs:
    """Whose cells are featurized.

    Attributes
    ----------
    what : Package, path or str
        A folder or package with images of plates, or a table of them: ``load_data.csv`` or
        ``Index.idx.xml``.
    images : Package, path or str, optional
        Where the images are that a table names, if not where it says.
    labels : Package, path or str, optional
        Labels that were made elsewhere, see `ReadyLabels`; by default sites are segmented.
    channels : str or sequence of str
        Those to show, ``NAME`` or ``NAME=WHAT``; by default all but those of transmitted light.
    plate : str
        Name of the plate, where files do not tell it.
    select : mapping of str to str
        ``well`` and ``site``: which to featurize. Of a data set of plates, ``batch`` and ``plate``
        tell which.
    """

    what: Where
    images: Where | None = None
    labels: Where | None = None
    channels: str | Sequence[str] = ()
    plate: str = ""
    select: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FeaturizedRun:
    """What was featurized.

    Attributes
    ----------
    output : Path
    network : LoadedNetwork
    channels : tuple of str
        In the order of the features.
    features : int
        Of each cell.
    sites : tuple of FeaturizedSite
        All that were asked for, by plate, well and number.
    """

    output: Path
    network: LoadedNetwork
    channels: tuple[str, ...]
    features: int
    sites: tuple[FeaturizedSite, ...]

    @property
    def failed(self) -> tuple[FeaturizedSite, ...]:
        """Sites that could not be featurized."""
        return tuple(one for one in self.sites if one.failure is not None)

    @property
    def kept(self) -> tuple[FeaturizedSite, ...]:
        """Sites that were finished before."""
        return tuple(one for one in self.sites if one.kept)

    @property
    def cells(self) -> int:
        """Cells of all sites."""
        return sum(one.cells for one in self.sites)


def featurize(
    inputs: FeaturizeInputs | Where,
    output: Path | str,
    network: NetworkChoice | str | Path = DEFAULT,
    options: FeaturizeOptions | None = None,
    *,
    workers: int | None = 1,
    progress: Progress | None = None,
    home: Home | None = None,
) -> FeaturizedRun:
    """Let a network describe each cell of the images of plates.

    A crop around each cell is shown to the network, and what it says becomes a row of
    ``OUTPUT/PLATE/A01_1.parquet``. A file is there once it is whole. Sites that are finished are
    not done again, unless their images or labels, the network or a setting are others. A site
    that fails is told of, and the others go on. The same input gives the same bytes on machines of
    one kind, whatever the number of workers.

    Parameters
    ----------
    inputs : FeaturizeInputs, Package, path or str
    output : path
        A folder; made if need be.
    network : NetworkChoice, str or Path
    options : FeaturizeOptions, optional
    workers : int, optional
        Processes, each with the network; None for as many as there are cores. With 1, this process
        does everything. In a script, more than one need ``if __name__ == "__main__":`` around the
        call.
    progress : callable, optional
    home : Home, optional

    Returns
    -------
    FeaturizedRun

    Raises
    ------
    InvalidArgument, NotFound
        If the inputs cannot be used, there is no site, or the network does not take such crops.
    DigestMismatch, UnknownFormat, BrokenFile, TransferIncomplete
        Of the network.
    StoreError
        If another run is at work in the folder.

    Examples
    --------
    ::

        cellfolio.featurize("./images", "deep")
        wells = cellfolio.aggregate_cells(cellfolio.open_cells("deep"))
    """
    count_workers(workers, 1)
    home, output = home or Home(), Path(output)
    options = options or FeaturizeOptions()
    chosen = network if isinstance(network, NetworkChoice) else NetworkChoice(network)
    given = inputs if isinstance(inputs, FeaturizeInputs) else FeaturizeInputs(inputs)
    ready = load_network(chosen, home=home)
    jobs = _plan(given, output, get_ready(chosen, ready), options, home)
    channels = jobs[0].channels
    features = _count_features(ready, channels, options)
    output.mkdir(parents=True, exist_ok=True)
    with alone_in(output):
        sites = _do(jobs, workers, progress)
        run = FeaturizedRun(output, ready, channels, features, sites)
        _record(run, options)
    return run


def _do(
    jobs: Sequence[FeatureJob], workers: int | None, progress: Progress | None
) -> tuple[FeaturizedSite, ...]:
    meter = Meter(progress, "featurize", len(jobs), 0)
    found: dict[tuple[str, Well, int], FeaturizedSite] = {}
    for job, result in do_all(featurize_one, jobs, workers):
        found[job.site.order] = (
            FeaturizedSite.failed(job.site, result) if isinstance(result, Failure) else result
        )
        meter.advance(files=1)
        meter.tell()
    meter.tell(finished=True)
    return tuple(found[job.site.order] for job in jobs)


def _plan(
    inputs: FeaturizeInputs,
    output: Path,
    network: NetworkChoice,
    options: FeaturizeOptions,
    home: Home,
) -> list[FeatureJob]:
    names = ChannelNames.parse(inputs.channels)
    select = {key: inputs.select[key] for key in inputs.select if key not in ("well", "site")}
    places = find_places(inputs.what, home, select)
    images = None if inputs.images is None else find_places(inputs.images, home)
    sites = find_sites(places, images, names, plate=inputs.plate, home=home)
    sites = _chosen(sites, inputs.select)
    channels = tuple(
        name
        for name in dict.fromkeys(name for site in sites for name, _ in site.parts)
        if names.of or name not in _TRANSMITTED
    )
    if not channels:
        raise InvalidArgument("all channels are of transmitted light", hint="name those to show")
    labels = None
    if inputs.labels is not None:
        labels = ReadyLabels.of(find_places(inputs.labels, home))
    jobs = []
    for one in sites:
        site, ready = _labelled(one, labels)
        jobs.append(FeatureJob(site, channels, ready, network, options, output, home.folder))
    return jobs


def _labelled(
    site: SiteImages, labels: ReadyLabels | None
) -> tuple[SiteImages, tuple[tuple[str, ImagePart], ...]]:
    """Return a site with its labels; where they are missing, with the reason as its problem."""
    if labels is None:
        return site, ()
    try:
        return site, tuple(sorted(labels.find(site).items()))
    except CellfolioError as error:
        problem = "; ".join(filter(None, (site.problem, str(error))))
        return replace(site, problem=problem), ()


def _chosen(sites: Sequence[SiteImages], select: Mapping[str, str]) -> list[SiteImages]:
    wells = set(parse_wells(select["well"])) if select.get("well") else None
    numbers = set(parse_sites(select["site"])) if select.get("site") else None
    found = [
        site
        for site in sites
        if (wells is None or site.well in wells) and (numbers is None or site.number in numbers)
    ]
    if not found:
        there = dict.fromkeys(str(site.well) for site in sites)
        raise NotFound(
            "none of the sites was asked for",
            hint=suggest_or_list(select.get("well", ""), there),
        )
    return found


def _count_features(
    network: LoadedNetwork, channels: Sequence[str], options: FeaturizeOptions
) -> int:
    """Return how many features a cell has, by showing the network a black one.

    So a network that does not take such crops is told of at once, and not for each site.
    """
    import numpy as np

    square = np.zeros((options.crops.size,) * 2, dtype=np.uint8)
    nothing = crop_cells(square, dict.fromkeys(channels, square), options.crops)
    return int(embed_cells(nothing, network, options.presentation).shape[1])


def _record(run: FeaturizedRun, options: FeaturizeOptions) -> None:
    """Write what was featurized, and with what."""
    plates: dict[str, list[FeaturizedSite]] = {}
    for one in run.sites:
        plates.setdefault(one.plate, []).append(one)
    document = {
        "form": "cellfolio featurizing 1",
        "version": version("cellfolio"),
        "network": {
            "name": run.network.name,
            "format": run.network.format,
            "digest": str(run.network.digest),
            "device": run.network.device,
        },
        "channels": list(run.channels),
        "features": run.features,
        "options": plain(options),
        "plates": {plate: dict(_told(sites)) for plate, sites in plates.items()},
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    write_atomically(run.output / RUN_RECORD, text.encode())


def _told(sites: Sequence[FeaturizedSite]) -> Iterator[tuple[str, Any]]:
    yield "sites", len(sites)
    yield "cells", sum(one.cells for one in sites)
    yield (
        "failed",
        {f"{one.well}_{one.number}": one.failure.message for one in sites if one.failure},
    )
