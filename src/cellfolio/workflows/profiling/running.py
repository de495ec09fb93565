"""Running a recipe: plates in processes of their own, then what needs several plates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cellfolio.storage.disk import remove_unfinished, write_atomically
from cellfolio.storage.progress import Meter, Progress
from cellfolio.workflows.engines.doing import do_all
from cellfolio.workflows.engines.engine import Workers, as_engine
from cellfolio.workflows.processes import Failure, alone_in
from cellfolio.workflows.profiling.inputs import Plate, find_plates
from cellfolio.workflows.profiling.jobs import Job, pooled_jobs
from cellfolio.workflows.profiling.making import plate_folder
from cellfolio.workflows.profiling.pages import PAGES, page_stages
from cellfolio.workflows.profiling.parts import ProfiledPart
from cellfolio.workflows.profiling.recipe import Recipe

RUN_RECORD = "run.json"


@dataclass(frozen=True, slots=True)
class ProfileRun:
    """What a recipe made.

    Attributes
    ----------
    output : Path
    parts : tuple of ProfiledPart
        One for each plate, then those for plates taken together.
    left_out : str
        What was not looked at, and why; empty if everything was.
    """

    output: Path
    parts: tuple[ProfiledPart, ...]
    left_out: str = ""

    @property
    def failed(self) -> tuple[ProfiledPart, ...]:
        """What could not be made."""
        return tuple(part for part in self.parts if part.failure is not None)

    @property
    def made(self) -> int:
        """Number of files that were made."""
        return sum(len(part.made) for part in self.parts)


def plan_recipe(recipe: Recipe, output: Path | str, *, plates: Sequence[str] = ()) -> ProfileRun:
    """Tell what a recipe would make, and why; nothing is written.

    Parameters
    ----------
    recipe : Recipe
    output : path
    plates : sequence of str
        See `run_recipe`.

    Returns
    -------
    ProfileRun

    Raises
    ------
    InvalidArgument, NotFound
    """
    jobs, left_out = _plan(recipe, Path(output), plates)
    return ProfileRun(Path(output), tuple(job.look() for job in jobs), left_out)


def run_recipe(
    recipe: Recipe,
    output: Path | str,
    *,
    plates: Sequence[str] = (),
    workers: Workers = None,
    progress: Progress | None = None,
) -> ProfileRun:
    """Make the files of a recipe; those that are up to date are left as they are.

    A plate that fails is told of in the result, and the others go on. A run that is stopped
    leaves no half file, and the next one goes on.

    Parameters
    ----------
    recipe : Recipe
        See `read_recipe` and `read_profiling_recipe`.
    output : path
        A folder; made if need be.
    plates : sequence of str
        ``PLATE`` or ``BATCH/PLATE``; by default all of the recipe. What plates are taken together
        for is only made without it.
    workers : int or Engine, optional
        Processes, or a cluster; by default as many processes as there are cores. With 1, this
        process does everything. In a script, more than one need
        ``if __name__ == "__main__":`` around the call.
    progress : callable, optional

    Returns
    -------
    ProfileRun

    Raises
    ------
    InvalidArgument, NotFound
        If the recipe cannot be run, or has no plate.
    StoreError
        If another run is at work in the folder.
    """
    as_engine(workers)  # before anything is made
    output = Path(output)
    jobs, left_out = _plan(recipe, output, plates)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    output.mkdir(parents=True, exist_ok=True)
    with alone_in(output):
        _sweep(output, jobs)
        meter = Meter(progress, "profile", len(jobs), 0)
        parts: dict[str, ProfiledPart] = {}
        for level in ("plate", "batch", "all"):
            some = [job for job in jobs if job.level == level]
            for job, part in _done(_ready(some, parts), workers):
                parts[_key(job)] = part
                meter.advance(files=1)
                meter.tell()
            for job in some:
                if _key(job) not in parts:
                    parts[_key(job)] = ProfiledPart(job.name, failure=_waiting(job, parts))
        meter.tell(finished=True)
        run = ProfileRun(output, tuple(parts[_key(job)] for job in jobs), left_out)
        _record(recipe, run, started)
    return run


def _sweep(output: Path, jobs: Sequence[Job]) -> None:
    """Remove what a killed run was writing."""
    own = dict.fromkeys(plate_folder(output, plate) for job in jobs for plate in job.plates)
    pages = [one / PAGES for one in own]
    pictures = [one for page in pages if page.is_dir() for one in page.iterdir() if one.is_dir()]
    for folder in dict.fromkeys((output, *(one.parent for one in own), *own, *pages, *pictures)):
        remove_unfinished(folder)


def _key(job: Job) -> str:
    return f"{job.level} {job.name}"


def _plan(recipe: Recipe, output: Path, wanted: Sequence[str]) -> tuple[list[Job], str]:
    plates = find_plates(recipe, tuple(wanted))
    jobs = [Job(recipe, "plate", (plate,), output) for plate in plates]
    pooled = list(pooled_jobs(recipe, plates, output))
    if pooled and wanted:
        names = dict.fromkeys(stage.name for stage in recipe.stages if stage.level != "plate")
        if recipe.page is not None and page_stages(recipe)[-1].name in names:
            names[PAGES] = None
        return jobs, f"{', '.join(names)}: made of several plates, and only some were asked for"
    return jobs + pooled, ""


def _ready(jobs: list[Job], parts: dict[str, ProfiledPart]) -> list[Job]:
    """Return the jobs whose plates were all made."""
    return [job for job in jobs if job.level == "plate" or not _failed_plates(job, parts)]


def _failed_plates(job: Job, parts: dict[str, ProfiledPart]) -> list[Plate]:
    return [one for one in job.plates if parts[f"plate {one}"].failure is not None]


def _waiting(job: Job, parts: dict[str, ProfiledPart]) -> Failure:
    failed = _failed_plates(job, parts)
    return Failure(
        "InvalidArgument",
        f"{len(failed)} of its {len(job.plates)} plates failed, such as {failed[0]}",
        "mend them, or name the others with plates in [input]",
    )


def _done(jobs: list[Job], workers: Workers) -> Iterator[tuple[Job, ProfiledPart]]:
    """Yield the jobs that are done, as they are."""
    for done in do_all(Job.do, jobs, workers):
        job, found = done.job, done.result
        yield job, ProfiledPart(job.name, failure=found) if isinstance(found, Failure) else found


def _record(recipe: Recipe, run: ProfileRun, started: str) -> None:
    """Write what this run did, and with what."""
    import numpy as np
    import pandas as pd

    document = {
        "form": "cellfolio run 1",
        "recipe": {
            "input": recipe.inputs.pattern,
            "stages": [stage.name for stage in recipe.stages],
            "parity": recipe.parity,
            "output": asdict(recipe.outputs),
            "page": None if recipe.page is None else asdict(recipe.page),
        },
        "parts": [
            {
                "name": part.name,
                "files": sorted((*part.made, *part.kept)),
                "failure": None if part.failure is None else asdict(part.failure),
            }
            for part in run.parts
        ],
        "version": version("cellfolio"),
        "not_compared": {
            "started": started,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "made": run.made,
            "numpy": np.__version__,
            "pandas": pd.__version__,
        },
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    write_atomically(run.output / RUN_RECORD, text.encode())
