"""Featurizing plates: which sites there are, in processes of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cellfolio.errors import InvalidArgument
from cellfolio.measurement import crop_cells, embed_cells
from cellfolio.registries.plates import Well
from cellfolio.registries.selection import CPJUMP1_CHANNELS
from cellfolio.storage.disk import write_atomically
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Meter, Progress
from cellfolio.workflows.engines.doing import do_all
from cellfolio.workflows.engines.engine import Workers, as_engine
from cellfolio.workflows.featurizing.making import (
    FeatureJob,
    FeaturizedSite,
    FeaturizeOptions,
    featurize_one,
    get_ready,
)
from cellfolio.workflows.featurizing.networks import (
    LoadedNetwork,
    load_network,
)
from cellfolio.workflows.measuring.making import sweep_files
from cellfolio.workflows.measuring.running import MeasureInputs, find_labelled
from cellfolio.workflows.measuring.shards import Shard, alone_for, write_shard
from cellfolio.workflows.processes import Failure

RUN_RECORD = "featurized.json"
_TRANSMITTED = frozenset(one.name for one in CPJUMP1_CHANNELS if one.kind == "brightfield")


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


def featurize_plates(
    inputs: MeasureInputs,
    output: Path | str,
    options: FeaturizeOptions | None = None,
    *,
    shard: Shard | None = None,
    workers: Workers = 1,
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
    inputs : MeasureInputs
        Channels are by default all but those of transmitted light.
    output : path
        A folder; made if need be.
    options : FeaturizeOptions, optional
    shard : Shard, optional
        Do only a part of the sites: other machines do the others.
    workers : int or Engine, optional
        Processes, each with the network, or a cluster; None for as many processes as there are
        cores. With 1, this process does everything. In a script, more than one need
        ``if __name__ == "__main__":`` around the call.
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
        If another run is at work on the same sites in the folder.

    Examples
    --------
    ::

        cellfolio.featurize_plates(MeasureInputs("images"), "deep")
        wells = cellfolio.aggregate_cells(cellfolio.open_cells("deep"))
    """
    as_engine(workers)  # before anything is made
    home, output, options = home or Home(), Path(output), options or FeaturizeOptions()
    network = load_network(options.network, home=home)
    options = replace(options, network=get_ready(options.network, network))
    jobs = _plan(inputs, output, options, home)
    channels = jobs[0].channels
    features = _count_features(network, channels, options)
    output.mkdir(parents=True, exist_ok=True)
    with alone_for(output, shard):
        own = jobs if shard is None else shard.of(jobs)
        sweep_files((*(job.path for job in own), output / RUN_RECORD))
        sites = _do(own, workers, progress)
        run = FeaturizedRun(output, network, channels, features, sites)
        if shard is None:
            _record(run, options)
        else:
            failed = [f"{one.plate} {one.well}_{one.number}" for one in run.failed]
            write_shard(output, shard, failed)
    return run


def _do(
    jobs: Sequence[FeatureJob], workers: Workers, progress: Progress | None
) -> tuple[FeaturizedSite, ...]:
    meter = Meter(progress, "featurize", len(jobs), 0)
    found: dict[tuple[str, Well, int], FeaturizedSite] = {}
    for done in do_all(featurize_one, jobs, workers):
        site, result = done.job.site, done.result
        found[site.order] = (
            FeaturizedSite.failed(site, result) if isinstance(result, Failure) else result
        )
        meter.advance(files=1)
        meter.tell()
    meter.tell(finished=True)
    return tuple(found[job.site.order] for job in jobs)


def _plan(
    inputs: MeasureInputs, output: Path, options: FeaturizeOptions, home: Home
) -> list[FeatureJob]:
    found = list(find_labelled(inputs, home))
    there = dict.fromkeys(name for site, _ in found for name, _ in site.parts)
    shown = tuple(name for name in there if inputs.channels or name not in _TRANSMITTED)
    if not shown:
        raise InvalidArgument("all channels are of transmitted light", hint="name those to show")
    return [FeatureJob(site, shown, labels, options, output, home.folder) for site, labels in found]


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
        "options": options.deciding(segmented=True),
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
