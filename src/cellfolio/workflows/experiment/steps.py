"""The steps of an experiment: each is restartable by itself, and tells what it made.

::

    <output>/images/              what was got of a package
    <output>/steps.json           what was done, of what; so what is next
    <output>/result/              what becomes the package:
        measured/  profiles/  evaluation/NAME/  report.html  experiment.json
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from os import path as paths
from pathlib import Path
from typing import Any, Literal

from cellfolio.errors import CellfolioError, NotFound
from cellfolio.package.entry import Entry
from cellfolio.storage.disk import sha256_of
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.engines.doing import do_all
from cellfolio.workflows.engines.engine import Workers
from cellfolio.workflows.experiment.configuration import Experiment
from cellfolio.workflows.measuring.running import (
    MeasuredRun,
    MeasureInputs,
    measure_plates,
    plan_measurement,
)
from cellfolio.workflows.processes import Failure
from cellfolio.workflows.profiling.recipe import Recipe
from cellfolio.workflows.profiling.running import ProfileRun, plan_recipe, run_recipe

State = Literal["made", "up to date", "would be made", "waits", "failed"]
VERSION = version("cellfolio")
_TIMES = frozenset(("measured.json", "run.json", "record.json", "experiment.json"))
"""Records that tell times, too, and so are others after each run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step.

    Attributes
    ----------
    step : str
    state : str
        'made', 'up to date', 'would be made', 'waits' (for one before it) or 'failed'.
    told : str
        In one line.
    facts : mapping
        What is recorded of it, as JSON has it; the same for the same inputs.
    spent : mapping
        What it took; recorded, and not compared.
    """

    step: str
    state: State
    told: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    spent: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """What every step is given.

    Attributes
    ----------
    experiment : Experiment
    home : Home
    workers : int, Engine or None
    progress : callable or None
    recorded : mapping
        Of each step, what was recorded when it was last done; of those done now, just that.
    """

    experiment: Experiment
    home: Home
    workers: Workers = None
    progress: Progress | None = None
    recorded: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def result(self) -> Path:
        """What becomes the package."""
        return self.experiment.output / "result"

    @property
    def movers(self) -> Workers:
        """Who moves bytes: a cluster; on one machine, this process does it all."""
        return 1 if isinstance(self.workers, int | None) else self.workers

    @property
    def images(self) -> Path:
        """Where images are on this machine."""
        part = self.experiment.images
        return self.experiment.output / "images" if part.packaged else Path(part.origin)

    @property
    def inputs(self) -> MeasureInputs:
        """What is measured."""
        part = self.experiment.images

        def below(word: str) -> Path | None:
            return self.images / word if word else None

        return MeasureInputs(
            self.images / part.path,
            below(part.images),
            below(part.labels),
            below(part.illumination),
            part.channels,
            part.plate,
            part.select,
        )

    @property
    def recipe(self) -> Recipe:
        """How profiles are made; paths of metadata are below the images."""
        from cellfolio.workflows.profiling.toml_recipe import parse_recipe

        # A path upwards from behind a link goes elsewhere: both are as they are on the disk.
        root = (self.images if self.images.is_dir() else self.images.parent).resolve()
        cells = paths.relpath((self.result / "measured/cells").resolve(), root)
        document = {**(self.experiment.profile or {}), "input": {"cells": f"{cells}/{{plate}}"}}
        return parse_recipe(document, root)


def get(work: Work, *, dry_run: bool) -> Outcome:
    """Get the images of a package; a folder stays where it is."""
    from cellfolio.workflows.getting import GetOptions, get_package
    from cellfolio.workflows.opening import open_package

    part = work.experiment.images
    if not part.packaged:
        if not work.images.exists():
            raise NotFound(f"there is no folder {work.images}", hint="see from of [images]")
        return Outcome("get", "up to date", f"{work.images} is a folder of this machine")
    opened = open_package(part.origin, work.home, progress=work.progress)
    options = GetOptions(part.files, dry_run=dry_run, workers=work.movers)
    got = get_package(opened, work.images, work.home, options, progress=work.progress)
    facts = {"package": opened.name, "top_hash": opened.package.top_hash, "files": got.files}
    changed = got.placed + got.removed
    told = f"{got.files:,} files of {opened.name}@{(opened.package.top_hash or '')[:7]}"
    return Outcome("get", _state(bool(changed), dry_run=dry_run), told, facts)


def measure(work: Work, *, dry_run: bool) -> Outcome:
    """Measure the cells of all sites."""
    output, options = work.result / "measured", work.experiment.measure
    if dry_run:
        if not work.images.exists():
            return Outcome("measure", "waits", "images are not here yet")
        run = plan_measurement(work.inputs, output, options, home=work.home)
        told = f"{len(run.waiting):,} sites would be measured, {len(run.records):,} up to date"
        return Outcome("measure", _state(bool(run.waiting), dry_run=True), told)
    run = measure_plates(
        work.inputs, output, options, workers=work.workers, home=work.home, progress=work.progress
    )
    if run.records and len(run.failed) == len(run.records):
        failure = run.failed[0].failure
        raise CellfolioError(
            f"none of {len(run.records):,} sites could be measured: {failure and failure.message}",
            hint=failure.hint if failure else "",
        )
    spent = {
        "cpu_seconds": sum(one.seconds for one in run.records),
        "cpu_seconds_per_site": run.seconds_per_site,
        "made_by": {name: len(sites) for name, sites in run.made_by.items()},
    }
    return Outcome("measure", _state(bool(run.made)), _told_sites(run), _site_facts(run), spent)


def _told_sites(run: MeasuredRun) -> str:
    failed = f", {len(run.failed):,} failed" if run.failed else ""
    cells = sum(one.cells for one in run.records)
    kept = len(run.records) - run.made
    return f"{cells:,} cells; {run.made:,} sites measured, {kept:,} up to date{failed}"


def _site_facts(run: MeasuredRun) -> dict[str, Any]:
    lines = [
        f"{one.plate} {one.well} {one.site} {one.table.sha256 if one.table else ''}\n"
        for one in run.records
    ]
    return {
        "sites": len(run.records),
        "cells": sum(one.cells for one in run.records),
        "failed": [f"{one.plate} {one.well} site {one.site}" for one in run.failed],
        "tables_sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
    }


def profile(work: Work, *, dry_run: bool) -> Outcome:
    """Make the profiles of all plates."""
    output = work.result / "profiles"
    if dry_run:
        if not (work.result / "measured/cells").is_dir():
            return Outcome("profile", "waits", "no cell is measured yet")
        plan = plan_recipe(work.recipe, output)
        told = f"{plan.made:,} files would be made"
        return Outcome("profile", _state(bool(plan.made), dry_run=True), told)
    run = run_recipe(work.recipe, output, workers=work.workers, progress=work.progress)
    kept = sum(len(part.kept) for part in run.parts)
    told = f"{run.made:,} files made, {kept:,} up to date"
    facts = {"files": run.made + kept, "files_sha256": files_digest(output)}
    if run.failed:
        return Outcome("profile", "failed", _told_parts(run), facts)
    return Outcome("profile", _state(bool(run.made)), told, facts)


def _told_parts(run: ProfileRun) -> str:
    first = run.failed[0]
    assert first.failure is not None
    return (
        f"{len(run.failed)} of {len(run.parts)} parts failed; {first.name}: {first.failure.message}"
    )


def evaluate(work: Work, *, dry_run: bool) -> Outcome:
    """Run the benchmarks whose inputs or configuration changed."""
    from cellfolio.workflows.benchmarks.jobs import EvaluationJob

    output, profiles = work.result / "evaluation", work.result / "profiles"
    if dry_run and not profiles.is_dir():
        return Outcome("evaluate", "waits", "there are no profiles yet")
    recorded = work.recorded.get("evaluate", {}).get("keys", {})
    keys = {
        name: _key({"of": document, "profiles": files_digest(profiles), "version": VERSION})
        for name, document in work.experiment.evaluate
    }
    waiting = {
        name: EvaluationJob(document, work.result, output / name, work.home.folder)
        for name, document in work.experiment.evaluate
        if recorded.get(name) != keys[name] or not _same(work.result, output / name)
    }
    told = f"{len(waiting)} of {len(keys)} benchmarks"
    if dry_run:
        return Outcome("evaluate", _state(bool(waiting), dry_run=True), f"{told} would be run")
    names = {job.folder: name for name, job in waiting.items()}
    failed: dict[str, Failure] = {}
    for done in do_all(EvaluationJob.do, list(waiting.values()), work.workers):
        if done.result is not None:
            failed[names[done.job.folder]] = done.result
    good = {name: key for name, key in keys.items() if name not in failed}
    facts = {"keys": good, "files_sha256": files_digest(output)}
    if failed:
        name, failure = next(iter(failed.items()))
        return Outcome("evaluate", "failed", f"{name}: {failure.message}", facts)
    return Outcome("evaluate", _state(bool(waiting)), f"{told} run", facts)


def _same(root: Path, folder: Path) -> bool:
    """Whether an evaluation is whole, and its inputs are as they were; those of packages, too."""
    try:
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        inputs = {one["name"]: one["digest"] for one in record["inputs"]}
        files = {str(folder / name): f"SHA256:{one}" for name, one in record["files"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    for name, digest in {**inputs, **files}.items():
        path = root / name
        if path.is_file():
            if str(sha256_of(path)) != digest:
                return False
        elif "@" not in name:  # without a revision, the name may stand for another file now
            return False
    return True


def package(work: Work, *, dry_run: bool) -> Outcome:
    """Build the package of the result, and push it if that is wanted."""
    from cellfolio.workflows.publishing import Label, build_package, push_package

    part = work.experiment.package
    assert part is not None
    label = Label(part.message or None, dict(part.meta) or None)
    about = [part.name, part.message, dict(part.meta), part.push, VERSION]
    made_of = {name: work.recorded.get(name) for name in (*steps_of(work.experiment), "report")}
    key = _key({"of": about, "made_of": made_of})
    recorded = work.recorded.get("package", {})
    if recorded.get("key") == key:
        told = f"{part.name}@{recorded['top_hash'][:7]}"
        return Outcome("package", "up to date", told, recorded)
    if dry_run:
        return Outcome("package", "would be made", part.name)
    built = build_package(
        work.result, part.name, work.home, label, keep=is_result, progress=work.progress
    )
    where = ""
    if part.push:
        push_package(
            built.package,
            part.push,
            work.home,
            workers=work.movers,
            progress=work.progress,
        )
        where = f", pushed to {part.push}"
    facts = {
        "key": key,
        "name": part.name,
        "top_hash": built.package.top_hash,
        "files": built.package.file_count,
        "pushed": part.push,
    }
    told = f"{part.name}@{(built.package.top_hash or '')[:7]}, {built.package.file_count:,} files"
    return Outcome("package", "made", told + where, facts)


def is_result(entry: Entry) -> bool:
    """Whether a file belongs into the package: no lock, and nothing unfinished."""
    return not any(one.startswith(".") for one in entry.logical_key.split("/"))


def files_digest(folder: Path) -> str:
    """Return a digest of the names and bytes of what a folder holds; records of times do not count.

    Parameters
    ----------
    folder : Path
        One that is not there is empty.
    """
    lines = [
        f"{path.relative_to(folder).as_posix()}\0{sha256_of(path).value}\n"
        for path in _compared(folder)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _compared(folder: Path) -> Iterable[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(one.startswith(".") for one in parts)
        records = path.name in _TIMES or "records" in parts
        if path.is_file() and not hidden and not records and not path.name.startswith("shard-"):
            yield path


def _key(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _state(changed: bool, *, dry_run: bool = False) -> State:
    if not changed:
        return "up to date"
    return "would be made" if dry_run else "made"


Step = Callable[..., Outcome]


def steps_of(experiment: Experiment) -> dict[str, Step]:
    """Return the steps of an experiment that come before its report, in order."""
    found: dict[str, Step] = {"get": get, "measure": measure}
    if experiment.profile is not None:
        found["profile"] = profile
    if experiment.evaluate:
        found["evaluate"] = evaluate
    return found
