"""The command that runs recipes: profile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.engines import engine_options
from cellfolio.cli.failures import DIFFERENT
from cellfolio.cli.text import columns, paint, plural, printable
from cellfolio.cli.writing import output_folder

if TYPE_CHECKING:
    from cellfolio.workflows.profiling.parts import ProfiledPart
    from cellfolio.workflows.profiling.recipe import Recipe
    from cellfolio.workflows.profiling.running import ProfileRun

_NAMED = 1
"""Most files that are listed by name."""
FIELDS = {
    "output": "the folder",
    "dry_run": "whether nothing was written, and `made` is what would be",
    "parts": "a plate each, then those taken together: name, files made and why, files kept, "
    "wells, features, features selected, problems, failure (error, message, hint) or null",
    "made": "number of files that were made",
    "failed": "names of the parts that failed",
    "left_out": "what was not looked at, and why; or empty",
}


@command("profile", fields=FIELDS)
@click.argument(
    "recipe", required=False, type=click.Path(path_type=Path, dir_okay=False), metavar="[RECIPE]"
)
@click.option(
    "--from-recipe",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A configuration of profiling-recipe (YAML) instead of RECIPE.",
)
@output_folder("Where the files go: FOLDER/BATCH/PLATE/.")
@click.option(
    "--plate", "plates", metavar="PLATE", multiple=True, help="Only this plate; may be repeated."
)
@engine_options()
@click.option("-n", "--dry-run", is_flag=True, help="Tell what would be made, and why.")
@click.option(
    "--root",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the project, for --from-recipe; by default that of FILE, or the one above "
    "if FILE is in config_files.",
)
@click.option(
    "--parity", metavar="NAME", help="For --from-recipe: 'cpjump1-2021' does what was done then."
)
def profile_command(output: Path, plates: tuple[str, ...], **how: Any) -> Answer:
    """Make the profiles of all plates of a recipe; only what changed.

    RECIPE is a TOML file: see the reference of recipes. Only what changed since the last run is
    made; a run that was stopped goes on. If a plate fails, the others go on, and the exit code
    is 1.
    """
    from cellfolio.workflows.profiling.running import plan_recipe, run_recipe

    workers, dry_run = how.pop("workers"), how.pop("dry_run")
    recipe = _read(**how)
    if dry_run:
        run = plan_recipe(recipe, output, plates=plates)
    else:
        run = run_recipe(
            recipe, output, plates=plates, workers=workers, progress=terminal_progress()
        )
    lines = _planned_lines(run) if dry_run else _lines(run)
    return Answer(
        lambda: _document(run, dry_run=dry_run), lines, code=DIFFERENT if run.failed else 0
    )


def _read(
    recipe: Path | None, from_recipe: Path | None, root: Path | None, parity: str | None
) -> Recipe:
    from cellfolio.errors import InvalidArgument
    from cellfolio.workflows.profiling.toml_recipe import read_recipe
    from cellfolio.workflows.profiling.yaml_recipe import read_profiling_recipe

    if (recipe is None) == (from_recipe is None):
        raise InvalidArgument(
            "expected either a RECIPE or --from-recipe FILE",
            hint="cellfolio profile RECIPE.toml -o FOLDER",
        )
    if from_recipe is not None:
        return read_profiling_recipe(from_recipe, root=root, parity=parity or "")
    if root is not None or parity is not None:
        raise InvalidArgument(
            "--root and --parity are for --from-recipe", hint="write parity = … into the recipe"
        )
    assert recipe is not None
    return read_recipe(recipe)


def _document(run: ProfileRun, *, dry_run: bool) -> dict[str, Any]:
    return {
        "output": str(run.output),
        "dry_run": dry_run,
        "parts": [asdict(part) for part in run.parts],
        "made": run.made,
        "failed": [part.name for part in run.failed],
        "left_out": run.left_out,
    }


def _lines(run: ProfileRun) -> Iterator[str]:
    header = ("plate", "wells", "features", "selected", "made", "up to date")
    rows = [header, *(_row(part) for part in run.parts if part.failure is None)]
    if len(rows) > 1:
        for number, line in enumerate(columns(rows, "<>>>>>")):
            yield paint(line, "bold") if number == 0 else line
    yield from _told(run)
    yield f"{plural(run.made, 'file')} made in {printable(run.output)}"


def _row(part: ProfiledPart) -> tuple[str, ...]:
    counts = (part.wells, part.features, part.selected)
    texts = ("" if one is None else f"{one:,}" for one in counts)
    return printable(part.name), *texts, str(len(part.made)), str(len(part.kept))


def _planned_lines(run: ProfileRun) -> Iterator[str]:
    rows = [row for part in run.parts for row in _planned_rows(part)]
    yield from columns(rows, "<><")
    yield from _told(run)
    kept = sum(len(part.kept) for part in run.parts)
    yield f"{plural(run.made, 'file')} would be made, {kept:,} up to date"


def _planned_rows(part: ProfiledPart) -> Iterator[tuple[str, str, str]]:
    """Yield the reasons there are, each with its number of files, and their names if few."""
    for why in dict.fromkeys(part.reasons):
        pairs = zip(part.made, part.reasons, strict=True)
        names = [name for name, reason in pairs if reason == why]
        listed = f": {', '.join(names)}" if len(names) <= _NAMED else ""
        yield printable(part.name), plural(len(names), "file"), printable(why + listed)


def _told(run: ProfileRun) -> Iterator[str]:
    """Yield what went wrong, and what was left out."""
    for part in run.parts:
        for problem in part.problems:
            yield f"{printable(part.name)}: left out {printable(problem)}"
    for part in run.failed:
        assert part.failure is not None
        yield paint(f"{printable(part.name)} failed: {printable(part.failure.message)}", "bold")
        if part.failure.hint:
            yield f"  hint: {printable(part.failure.hint)}"
    if run.left_out:
        yield f"left out: {printable(run.left_out)}"
