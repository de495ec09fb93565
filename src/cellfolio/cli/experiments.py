"""The command that runs an experiment: run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.engines import engine_options
from cellfolio.cli.failures import DIFFERENT
from cellfolio.cli.text import columns, paint, printable

if TYPE_CHECKING:
    from cellfolio.workflows.engines.engine import Workers
    from cellfolio.workflows.experiment.configuration import Experiment
    from cellfolio.workflows.experiment.running import ExperimentRun

_NOTHING: dict[str, Any] = {
    "output": None, "dry_run": False, "steps": [], "package": None, "page": None, "costs": [],
    "example": None,
}  # fmt: skip


@command(
    "run",
    fields={
        "output": "the folder of the run; null with --example",
        "dry_run": "whether nothing was written",
        "steps": "each with `step`, `state` (made, up to date, would be made, waits, failed), "
        "`told`, and `facts`: what is recorded of it",
        "package": "the name of the package that was built, with its top hash; or null",
        "page": "the page about the experiment; null if none was written",
        "costs": "of this run, a plate, an experiment and JUMP: `sites`, vCPU `hours`, `money`, "
        "and those of the published fleet (`fleet_hours`, `fleet_money`)",
        "example": "with --example: a configuration; or null",
    },
)
@click.argument("experiment", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--example", is_flag=True, help="Print a configuration, to edit.")
@click.option("-n", "--dry-run", is_flag=True, help="Tell what each step would do.")
@click.option(
    "--price", metavar="AMOUNT", type=float, help="Of a vCPU for an hour, for what it costs."
)
@engine_options()
def run_command(
    experiment: Path | None, example: bool, dry_run: bool, price: float | None, workers: Workers
) -> Answer:
    """Run an experiment from its images to its package; only what is to be done.

    EXPERIMENT is a file in TOML. Images are got, measured, made into profiles and evaluated; a
    page tells the results and what they cost, and all becomes a package of the local registry. A
    run that was stopped goes on. Sites that fail are told of, the others go on, and the exit
    code is 1.
    """
    from cellfolio.errors import InvalidArgument
    from cellfolio.workflows.experiment import configuration

    if (experiment is not None) == example:
        raise InvalidArgument(
            "expected either EXPERIMENT or --example", hint="cellfolio run --example > mine.toml"
        )
    if experiment is None:
        text = configuration.example()
        return Answer(lambda: {**_NOTHING, "example": text}, text.splitlines())
    read = configuration.read_experiment(experiment)
    if price is not None:
        read = replace(read, price=replace(read.price, amount=price))
    run = _run(read, workers, dry_run=dry_run)
    return Answer(
        lambda: _document(run, dry_run=dry_run),
        _lines(run, read, dry_run=dry_run),
        code=DIFFERENT if run.failed else 0,
    )


def _run(experiment: Experiment, workers: Workers, *, dry_run: bool) -> ExperimentRun:
    from cellfolio.workflows.experiment.running import plan_experiment, run_experiment

    if dry_run:
        return plan_experiment(experiment)
    return run_experiment(experiment, workers=workers, progress=terminal_progress())


def _document(run: ExperimentRun, *, dry_run: bool) -> dict[str, Any]:
    built = run.outcome("package")
    made = built is not None and built.facts
    return {
        **_NOTHING,
        "output": str(run.output),
        "dry_run": dry_run,
        "steps": [
            {"step": one.step, "state": one.state, "told": one.told, "facts": dict(one.facts)}
            for one in run.outcomes
        ],
        "package": f"{built.facts['name']}@{built.facts['top_hash']}" if built and made else None,
        "page": str(run.page) if run.page.is_file() else None,
        "costs": _costs(run),
    }


def _costs(run: ExperimentRun) -> list[dict[str, Any]]:
    report = run.outcome("report")
    return list(report.spent.get("costs", ())) if report is not None else []


def _lines(run: ExperimentRun, experiment: Experiment, *, dry_run: bool) -> Iterator[str]:
    from cellfolio.workflows.experiment.cost import amount

    rows = [(one.step, one.state, printable(one.told)) for one in run.outcomes]
    for line, one in zip(columns(rows, "<<<"), run.outcomes, strict=True):
        yield paint(line, "bold") if one.state == "failed" else line
    for one in run.outcomes:
        for failed in one.facts.get("failed", ()):
            yield paint(f"failed: {printable(failed)}", "bold")
    costs = _costs(run)
    if costs and not dry_run:
        yield ""
        currency = printable(experiment.price.currency)
        table = [("measuring", "sites", "vCPU hours", currency, "fleet: hours", currency)]
        for cost in costs:
            numbers = (
                amount(cost[key]) for key in ("hours", "money", "fleet_hours", "fleet_money")
            )
            table.append((cost["what"], f"{cost['sites']:,}", *numbers))
        yield from columns(table, "<>>>>>")
        yield "the fleet measured all features of eight channels; starting and waiting are in it"
