"""The command that runs a benchmark: evaluate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command
from cellfolio.cli.engines import dask_option
from cellfolio.cli.text import columns, paint, printable

if TYPE_CHECKING:
    from cellfolio.workflows.benchmarks.running import Evaluation
    from cellfolio.workflows.engines.engine import Workers
    from cellfolio.workflows.pages import Fact

_ROWS = 24
_NOTHING: dict[str, Any] = {
    "benchmark": None, "folder": None, "scores": [], "files": [], "inputs": [], "notes": [],
    "benchmarks": [], "example": None,
}  # fmt: skip


@command(
    "evaluate",
    fields={
        "benchmark": "its name; null with --list",
        "folder": "the folder that was written; or null",
        "scores": "rows of its first table",
        "files": "all files of the folder, relative to it",
        "inputs": "name and digest of each file that was read",
        "notes": "what a reader should know, such as features that were left out",
        "benchmarks": "with --list: each with `name` and `about`",
        "example": "with --example: a configuration; or null",
    },
)
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", "folder", metavar="FOLDER", type=click.Path(path_type=Path),
    help="Where the result goes; by default CONFIG without its suffix, and -result.",
)  # fmt: skip
@click.option("--list", "listed", is_flag=True, help="List the benchmarks there are.")
@click.option("--example", metavar="NAME", help="Print a configuration of a benchmark, to edit.")
@dask_option
def evaluate_command(
    config: Path | None, folder: Path | None, listed: bool, example: str | None, workers: Workers
) -> Answer:
    """Run a benchmark; write tables, figures and a page.

    CONFIG is a file in TOML: the name of the benchmark, its inputs (paths, or
    PACKAGE@REVISION/PATH) and what differs from its defaults. The record in the folder has the
    digests of all inputs, and the parameters; the same give the same tables, byte for byte.
    """
    from cellfolio.errors import InvalidArgument
    from cellfolio.workflows.benchmarks import known

    if sum((config is not None, listed, example is not None)) != 1:
        raise InvalidArgument(
            "expected one of CONFIG, --list and --example NAME",
            hint="cellfolio evaluate --example bbbc021-mechanism > mine.toml",
        )
    if listed:
        told = [{"name": name, "about": about} for name, (_, about) in known.BENCHMARKS.items()]
        return Answer(lambda: {**_NOTHING, "benchmarks": told}, _list_lines())
    if example is not None:
        text = known.example(example)
        document = {**_NOTHING, "benchmark": example, "example": text}
        return Answer(lambda: document, text.splitlines())
    assert config is not None
    from cellfolio.workflows.benchmarks.jobs import evaluate_by
    from cellfolio.workflows.benchmarks.running import summary

    configuration = known.read_configuration(config)
    found = evaluate_by(configuration, folder or Path(f"{config.stem}-result"), workers)
    return Answer(lambda: {**_NOTHING, **summary(found)}, _lines(found))


def _list_lines() -> Iterator[str]:
    from cellfolio.workflows.benchmarks.known import BENCHMARKS

    yield from columns([(name, about) for name, (_, about) in BENCHMARKS.items()], "<<")


def _fact_text(fact: Fact) -> str:
    if not fact.more:
        return fact.value
    return f"{fact.value} {fact.more if fact.more.startswith('of ') else f'({fact.more})'}"


def _lines(found: Evaluation) -> Iterator[str]:
    from cellfolio.cli.tables import table_lines
    from cellfolio.workflows.benchmarks.running import PAGE, RECORD

    yield paint(found.benchmark, "bold")
    rows = [(f"  {fact.label}", _fact_text(fact)) for fact in found.facts]
    rows += [("  note", printable(note)) for note in found.notes]
    yield from columns(rows, "<<")
    yield ""
    yield from table_lines(found.scores[list(found.shown)].round(3), _ROWS)
    yield ""
    for name in (PAGE, RECORD):
        yield f"→ {printable(found.folder / name)}"
    yield f"  and {len(found.files) - 1:,} files of tables and figures"
