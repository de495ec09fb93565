"""Measuring plates: sites in processes of their own, shards on other machines, one table each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from cellfolio.errors import CellfolioError, InvalidArgument, NotFound
from cellfolio.package.nearest import suggest_or_list
from cellfolio.package.package import Package
from cellfolio.registries.plates import parse_wells
from cellfolio.registries.selection import parse_sites
from cellfolio.storage.disk import remove_unfinished, write_atomically
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Meter, Progress
from cellfolio.workflows.engines.doing import do_all
from cellfolio.workflows.engines.engine import Workers, as_engine
from cellfolio.workflows.measuring.channels import ChannelNames
from cellfolio.workflows.measuring.illumination import PlateIllumination
from cellfolio.workflows.measuring.labels import CELLS, NUCLEI, ReadyLabels
from cellfolio.workflows.measuring.making import SiteJob, finish, measure_one, sweep_files
from cellfolio.workflows.measuring.records import SiteRecord
from cellfolio.workflows.measuring.settings import MeasureOptions, plain
from cellfolio.workflows.measuring.shards import Shard, alone_for, shards_missing, write_shard
from cellfolio.workflows.measuring.sites import ImagePart, SiteImages, find_sites
from cellfolio.workflows.measuring.tables import image_table, write_images
from cellfolio.workflows.places import find_places
from cellfolio.workflows.processes import Failure

RUN_RECORD = "measured.json"
Where = Package | Path | str


@dataclass(frozen=True, slots=True)
class MeasureInputs:
    """What is measured.

    Attributes
    ----------
    what : Package, path or str
        A folder or package with images of plates, or a table of them: ``load_data.csv`` or
        ``Index.idx.xml``.
    images : Package, path or str, optional
        Where the images are that a table names, if not where it says.
    labels : Package, path or str, optional
        Labels that were made elsewhere, see `ReadyLabels`; by default sites are segmented.
    illumination : Package, path or str, optional
        Illumination functions that images are divided by: ``…IllumDNA.npy``. By default those that
        the table names.
    channels : str or sequence of str
        Those to measure, ``NAME`` or ``NAME=WHAT``; by default all there are.
    plate : str
        Name of the plate, where files do not tell it.
    select : mapping of str to str
        ``well`` and ``site``: which to measure. Of a data set of plates, ``batch`` and ``plate``
        tell which.
    """

    what: Where
    images: Where | None = None
    labels: Where | None = None
    illumination: Where | None = None
    channels: str | Sequence[str] = ()
    plate: str = ""
    select: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedSite:
    """A site, and why it has to be measured; empty if it is up to date."""

    job: SiteJob
    why: str
    record: SiteRecord | None


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """What was measured.

    Attributes
    ----------
    output : Path
    records : tuple of SiteRecord
        Of all sites that were asked for, by plate, well and number; those that were up to date,
        too.
    made : int
        Number of sites that were measured now.
    waiting : tuple of (str, str)
        Sites that are not measured, and why: where nothing was to be written.
    missing_shards : tuple of Shard
        Those with sites that were not measured, where sites were measured in shards.
    shard : Shard or None
    makers : mapping of str to str
        Which worker made each site that was measured now.
    """

    output: Path
    records: tuple[SiteRecord, ...]
    made: int
    waiting: tuple[tuple[str, str], ...] = ()
    missing_shards: tuple[Shard, ...] = ()
    shard: Shard | None = None
    makers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def failed(self) -> tuple[SiteRecord, ...]:
        """Sites that could not be measured."""
        return tuple(one for one in self.records if one.failure is not None)

    @property
    def plates(self) -> dict[str, tuple[SiteRecord, ...]]:
        """Records by plate."""
        names = dict.fromkeys(one.plate for one in self.records)
        return {name: tuple(one for one in self.records if one.plate == name) for name in names}

    @property
    def made_by(self) -> dict[str, list[str]]:
        """Sites that were measured now, by the worker that made them."""
        names = sorted(set(self.makers.values()))
        return {name: [site for site, one in self.makers.items() if one == name] for name in names}

    @property
    def seconds_per_site(self) -> float | None:
        """CPU seconds that half of the sites took at most; None if none was measured.

        The first site of a process also loads the kernels, so a mean of few sites says little.
        """
        found = [one.seconds for one in self.records if one.failure is None]
        return median(found) if found else None


def plan_measurement(
    inputs: MeasureInputs,
    output: Path | str,
    options: MeasureOptions | None = None,
    *,
    shard: Shard | None = None,
    home: Home | None = None,
) -> MeasuredRun:
    """Tell which sites would be measured, and why; nothing is written.

    Parameters
    ----------
    inputs : MeasureInputs
    output : path
    options : MeasureOptions, optional
    shard : Shard, optional
    home : Home, optional

    Raises
    ------
    InvalidArgument, NotFound
    """
    home, output = home or Home(), Path(output)
    planned = _plan(inputs, output, options or MeasureOptions(), home)
    own = planned if shard is None else shard.of(planned)
    waiting = tuple((str(one.job.site), one.why) for one in own if one.why)
    kept = tuple(one.record for one in own if one.record is not None and not one.why)
    missing = shards_missing(output, [bool(one.why) for one in planned])
    return MeasuredRun(output, kept, 0, waiting, missing, shard)


def measure_plates(
    inputs: MeasureInputs,
    output: Path | str,
    options: MeasureOptions | None = None,
    *,
    shard: Shard | None = None,
    workers: Workers = None,
    home: Home | None = None,
    progress: Progress | None = None,
) -> MeasuredRun:
    """Measure the sites of plates; those that are up to date are left as they are.

    A site that fails is recorded with its reason, and the others go on. A run that is stopped
    leaves no half file, and the next one goes on. The same images and settings give the same
    tables, whatever the number of workers and shards.

    Parameters
    ----------
    inputs : MeasureInputs
    output : path
        A folder; made if need be. See `cellfolio.workflows.measuring.records`.
    options : MeasureOptions, optional
    shard : Shard, optional
        Measure only a part of the sites, and write no table of images: other machines do the other
        parts, and a run without it is the last.
    workers : int or Engine, optional
        Processes, or a cluster; by default as many processes as there are cores. With 1, this
        process does everything. In a script, more than one need
        ``if __name__ == "__main__":`` around the call.
    home : Home, optional
    progress : callable, optional

    Returns
    -------
    MeasuredRun

    Raises
    ------
    InvalidArgument, NotFound
        If the inputs cannot be used, or there is no site.
    StoreError
        If another run is at work on the same sites in the folder.
    """
    as_engine(workers)  # before anything is made
    home, output, options = home or Home(), Path(output), options or MeasureOptions()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    planned = _plan(inputs, output, options, home)
    own = planned if shard is None else shard.of(planned)
    output.mkdir(parents=True, exist_ok=True)
    with alone_for(output, shard):
        sweep_files(path for one in own for path in one.job.files)
        records, makers = _measure(own, workers, progress)
        run = MeasuredRun(output, records, len(makers), shard=shard, makers=makers)
        if shard is not None:
            failed = [f"{one.plate} {one.well}_{one.site}" for one in run.failed]
            write_shard(output, shard, failed)
            return run
        missing = shards_missing(output, [bool(one.why) for one in planned])
        remove_unfinished(output / "images")
        remove_unfinished(output, {RUN_RECORD})
        for folder in dict.fromkeys(one.job.site.folder for one in planned):
            _write_images(output, folder)
        run = replace(run, missing_shards=missing)
        _record(inputs, options, run, started)
    return run


def _measure(
    own: Sequence[PlannedSite], workers: Workers, progress: Progress | None
) -> tuple[tuple[SiteRecord, ...], dict[str, str]]:
    """Measure sites; return all records, and who made those that were made now."""
    jobs = [one.job for one in own if one.why]
    meter = Meter(progress, "measure", len(jobs), 0)
    found = {one.job.site.order: one.record for one in own if one.record is not None}
    makers = {}
    for done in do_all(measure_one, jobs, workers):
        job, result = done.job, done.result
        found[job.site.order] = _lost(job, result) if isinstance(result, Failure) else result
        makers[str(job.site)] = done.worker
        meter.advance(files=1)
        meter.tell()
    meter.tell(finished=True)
    return tuple(found[one.job.site.order] for one in own), makers


def _lost(job: SiteJob, failure: Failure) -> SiteRecord:
    """Record a site whose process ended."""
    site = job.site
    record = SiteRecord(site.plate, str(site.well), site.number, site.image_number, {})
    return finish(job, replace(record, failure=failure))


def _plan(
    inputs: MeasureInputs, output: Path, options: MeasureOptions, home: Home
) -> list[PlannedSite]:
    jobs = [
        SiteJob(site, labels, options, output, home.folder)
        for site, labels in find_labelled(inputs, home)
    ]
    _check_channels(jobs, options, given=inputs.labels is not None)
    return list(_compared(jobs, home))


def find_labelled(
    inputs: MeasureInputs, home: Home
) -> Iterator[tuple[SiteImages, tuple[tuple[str, ImagePart], ...]]]:
    """Yield the sites that are asked for, each with its labels by kind.

    A site that lacks labels, while others are given, has that as its problem.

    Raises
    ------
    InvalidArgument, NotFound
    """
    labels = None
    if inputs.labels is not None:
        labels = ReadyLabels.of(find_places(inputs.labels, home))
    for site in _chosen(list(_find(inputs, home)), inputs.select):
        try:
            ready = {} if labels is None else labels.find(site)
        except CellfolioError as error:
            problem = "; ".join(filter(None, (site.problem, str(error))))
            yield replace(site, problem=problem), ()
        else:
            yield site, tuple(sorted(ready.items()))


def _find(inputs: MeasureInputs, home: Home) -> Iterator[SiteImages]:
    select = {key: inputs.select[key] for key in inputs.select if key not in ("well", "site")}
    places = find_places(inputs.what, home, select)
    images = None if inputs.images is None else find_places(inputs.images, home)
    names = ChannelNames.parse(inputs.channels)
    sites = find_sites(places, images, names, plate=inputs.plate, home=home)
    if inputs.illumination is None:
        yield from sites
        return
    functions = PlateIllumination.of(find_places(inputs.illumination, home))
    yield from (functions.add_to(site) for site in sites)


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


def _check_channels(jobs: Sequence[SiteJob], options: MeasureOptions, *, given: bool) -> None:
    """Refuse to begin where the channels that nuclei or cells are found in are nowhere."""
    there = dict.fromkeys(name for job in jobs for name, _ in job.site.parts)
    settings = options.segmentation
    wanted = {} if given else {NUCLEI: settings.nuclei.channel}
    if not given or any(job.labels and CELLS not in dict(job.labels) for job in jobs):
        wanted[CELLS] = settings.cells.channel
    for kind, channel in wanted.items():
        if channel not in there:
            raise InvalidArgument(
                f"{kind} are found in the channel {channel!r}, and no image is of it",
                hint=suggest_or_list(channel, there),
            )


def _compared(jobs: Sequence[SiteJob], home: Home) -> Iterator[PlannedSite]:
    for job in jobs:
        record = SiteRecord.read(job.paths.record)
        yield PlannedSite(job, job.outdated(record, home), record)


def _write_images(output: Path, folder: str) -> None:
    """Write the table of a plate's images, of all sites that were ever measured."""
    paths = sorted((output / "records" / folder).glob("*.json"))
    records = [one for one in map(SiteRecord.read, paths) if one is not None]
    write_images(image_table(records), output / "images" / f"{folder}.csv.gz")


def _record(inputs: MeasureInputs, options: MeasureOptions, run: MeasuredRun, started: str) -> None:
    """Write what was measured, and with what."""
    document: dict[str, Any] = {
        "form": "cellfolio measuring 1",
        "version": version("cellfolio"),
        "input": {name: _told(getattr(inputs, name)) for name in inputs.__dataclass_fields__},
        "options": plain(options),
        "plates": {
            plate: {
                "sites": len(records),
                "cells": sum(one.cells for one in records),
                "failed": {
                    f"{one.well}_{one.site}": one.failure.message
                    for one in records
                    if one.failure is not None
                },
            }
            for plate, records in run.plates.items()
        },
        "not_compared": {
            "started": started,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "measured": run.made,
            "cpu_seconds": sum(one.seconds for one in run.records),
            "made_by": run.made_by,
        },
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    write_atomically(run.output / RUN_RECORD, text.encode())


def _told(value: Any) -> Any:
    if value is None or isinstance(value, Mapping):
        return value
    if isinstance(value, Package):
        return value.title
    return str(value) if isinstance(value, (str, Path)) else list(value)
