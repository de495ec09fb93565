"""Running an experiment: each step in its turn; what was done is recorded after each.

A run that is stopped goes on with the step that it was at, and each step with what it had not yet
done. So nothing is decided here but what comes next.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cellfolio.errors import CellfolioError
from cellfolio.storage.disk import write_atomically
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.engines.engine import Workers, as_engine
from cellfolio.workflows.experiment.configuration import Experiment
from cellfolio.workflows.experiment.reporting import page_of, report
from cellfolio.workflows.experiment.steps import VERSION, Outcome, Work, package, steps_of
from cellfolio.workflows.processes import alone_in

RUN_RECORD = "experiment.json"
STEPS = "steps.json"
FORM = "cellfolio experiment 1"
_STEPS_FORM = "cellfolio steps 1"


@dataclass(frozen=True, slots=True)
class ExperimentRun:
    """What a run did, or would do.

    Attributes
    ----------
    output : Path
    outcomes : tuple of Outcome
        One for each step, in order.
    """

    output: Path
    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> bool:
        """Whether a step failed, or sites that the others went on without."""
        failed = any(one.state == "failed" for one in self.outcomes)
        return failed or any(one.facts.get("failed") for one in self.outcomes)

    @property
    def page(self) -> Path:
        """The page about it."""
        return page_of(self.output / "result")

    def outcome(self, step: str) -> Outcome | None:
        """Return what came of a step; None if the experiment has none such."""
        return next((one for one in self.outcomes if one.step == step), None)


def plan_experiment(experiment: Experiment, *, home: Home | None = None) -> ExperimentRun:
    """Tell what each step would do; nothing is written.

    Parameters
    ----------
    experiment : Experiment
    home : Home, optional

    Raises
    ------
    CellfolioError
        If a step could not begin.
    """
    work = Work(experiment, home or Home(), recorded=_recorded(experiment.output))
    outcomes: list[Outcome] = []
    for step in steps_of(experiment).values():
        outcomes.append(step(work, dry_run=True))
    moved = any(one.state in ("would be made", "waits") for one in outcomes)
    if moved or "report" not in work.recorded:
        outcomes.append(report(work, {}, dry_run=True))
        if experiment.package is not None:
            outcomes.append(Outcome("package", "would be made", experiment.package.name))
    else:
        outcomes.append(Outcome("report", "up to date", str(page_of(work.result))))
        if experiment.package is not None:
            outcomes.append(package(work, dry_run=True))
    return ExperimentRun(experiment.output, tuple(outcomes))


def run_experiment(
    experiment: Experiment,
    *,
    workers: Workers = None,
    home: Home | None = None,
    progress: Progress | None = None,
) -> ExperimentRun:
    """Run an experiment from its images to its package; only what is to be done is done.

    Parameters
    ----------
    experiment : Experiment
        See `read_experiment`.
    workers : int or Engine, optional
        Processes, or a cluster; by default as many processes as there are cores. With 1, this
        process does everything. In a script, more than one need
        ``if __name__ == "__main__":`` around the call.
    home : Home, optional
    progress : callable, optional

    Returns
    -------
    ExperimentRun
        Where profiles or benchmarks fail, there is a report, and no package.

    Raises
    ------
    CellfolioError
        If a step cannot begin: images that are not there, no site that can be measured, another
        run at work in the folder. What was done before is recorded.
    """
    as_engine(workers)  # before anything is made
    output = experiment.output
    (output / "result").mkdir(parents=True, exist_ok=True)
    with alone_in(output):
        work = Work(experiment, home or Home(), workers, progress, _recorded(output))
        times: dict[str, Any] = {}
        outcomes: list[Outcome] = []
        for name, step in steps_of(experiment).items():
            begun = _now()
            try:
                outcome = step(work, dry_run=False)
            except CellfolioError as error:
                times[name] = {"started": begun, "finished": _now(), "failed": str(error)}
                _write_steps(work, times)
                raise
            outcomes.append(outcome)
            times[name] = {"started": begun, "finished": _now(), **outcome.spent}
            work = _noted(work, outcome, times)
            if outcome.state == "failed":
                break
        work = _finish(work, outcomes, times)
    return ExperimentRun(output, tuple(outcomes))


def _finish(work: Work, outcomes: list[Outcome], times: dict[str, Any]) -> Work:
    """Write the page and the record, and build the package if all went well."""
    done = report(work, times.get("measure", {}), dry_run=False)
    outcomes.append(done)
    times["report"] = dict(done.spent)
    work = _noted(work, done, times)
    _write_record(work, times)
    if work.experiment.package is None:
        return work
    failed = next((one for one in outcomes if one.state == "failed"), None)
    if failed is not None:
        outcomes.append(Outcome("package", "waits", f"for {failed.step}"))
        return work
    begun = _now()
    built = package(work, dry_run=False)
    outcomes.append(built)
    times["package"] = {"started": begun, "finished": _now()}
    return _noted(work, built, times)


def _noted(work: Work, outcome: Outcome, times: Mapping[str, Any]) -> Work:
    """Record what came of a step."""
    noted = replace(work, recorded={**work.recorded, outcome.step: outcome.facts})
    _write_steps(noted, times)
    return noted


def _recorded(output: Path) -> dict[str, Mapping[str, Any]]:
    try:
        found = json.loads((output / STEPS).read_text(encoding="utf-8"))
        if found["form"] != _STEPS_FORM:
            return {}
        return {str(name): dict(facts) for name, facts in found["steps"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write_steps(work: Work, times: Mapping[str, Any]) -> None:
    document = {"form": _STEPS_FORM, "steps": work.recorded, "not_compared": times}
    _write(work.experiment.output / STEPS, document)


def _write_record(work: Work, times: Mapping[str, Any]) -> None:
    """Write what was run, of what, and the digests of what came of it."""
    there = (*steps_of(work.experiment), "report")
    document = {
        "form": FORM,
        "version": VERSION,
        "configuration_sha256": work.experiment.sha256,
        "parameters": work.experiment.document,
        "steps": {name: work.recorded[name] for name in there if name in work.recorded},
        "not_compared": times,
    }
    _write(work.result / RUN_RECORD, document)


def _write(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, indent=1, ensure_ascii=False, default=str) + "\n"
    write_atomically(path, text.encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
