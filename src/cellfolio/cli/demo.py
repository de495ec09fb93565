"""The command that demonstrates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.text import paint, plural, printable, short, size_text

if TYPE_CHECKING:
    from cellfolio.workflows.demo.evaluation import Judged
    from cellfolio.workflows.demo.folder import Demo
    from cellfolio.workflows.demo.profiles import Measured, Profiled
    from cellfolio.workflows.demo.revisions import Compared, Shared, Simulated
    from cellfolio.workflows.demo.steps import Outcome

_DIFF_LINES = 12


@command(
    "demo",
    fields={
        "folder": "the folder of the demonstration",
        "home": "its own CELLFOLIO_HOME",
        "package": "name of the package",
        "seed": "what all chance in the simulation comes from",
        "found": "whether it was there already, and nothing was done",
        "revisions": "the oldest first; each with `top_hash` and `files`",
        "added": "number of files that the last revision has and the first has not",
        "removed": "number of files that only the first revision has",
        "changed": "number of files with other bytes",
        "bytes_whole": "bytes of all revisions as if each were whole",
        "bytes_stored": "bytes in the store",
        "next": "commands to try",
        "portal": "`command` that opens all of it in a browser, and its `url`",
    },
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default="cellfolio-demo",
    show_default=True,
    metavar="FOLDER",
    help="Where it is made.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="NUMBER",
    help="Of all chance.",
)
@click.option("--again", is_flag=True, help="Clear away the demonstration there; make it anew.")
def demo_command(folder: Path, seed: int, again: bool) -> Answer:
    """Show what this can do on a simulated experiment; no network.

    Simulates a Cell Painting experiment in a folder, publishes it and a corrected revision,
    gets it, verifies it, compares the revisions, draws cells, measures them, makes profiles and
    shows that benchmarks find what is true of them.
    Your own store is not touched.
    """
    from cellfolio.workflows.demo.folder import DESIGN, prepare_demo

    demo = prepare_demo(folder, replace(DESIGN, seed=seed), again=again)
    return Answer(lambda: _document(demo), _lines(demo, seed))


def _document(demo: Demo) -> dict[str, Any]:
    from cellfolio.workflows.demo.outline import outline
    from cellfolio.workflows.demo.revisions import PACKAGE
    from cellfolio.workflows.demo.steps import demo_steps

    if not demo.finished:
        for step in demo_steps(demo):
            step.run(None)
    found = outline(demo)
    return {
        "folder": str(demo.folder),
        "home": str(demo.home.folder),
        "package": PACKAGE,
        "seed": demo.design.seed,
        "found": demo.finished,
        "revisions": [
            {"top_hash": top_hash, "files": files}
            for top_hash, files in zip(found.top_hashes, found.files, strict=True)
        ],
        "added": len(found.compared.diff.added),
        "removed": len(found.compared.diff.removed),
        "changed": len(found.compared.diff.changed),
        "bytes_whole": found.shared.whole,
        "bytes_stored": found.shared.stored,
        "next": [suggestion.command for suggestion in found.suggestions],
        "portal": {"command": found.portal.command, "url": _portal_url()},
    }


def _lines(demo: Demo, seed: int) -> Iterator[str]:
    from cellfolio.workflows.demo.steps import demo_steps

    if demo.finished:
        yield from _found_lines(demo, seed)
    else:
        yield f"A demonstration in {printable(demo.folder)}. Everything in it is simulated."
        progress = terminal_progress()
        for number, step in enumerate(demo_steps(demo), start=1):
            yield ""
            yield paint(f"{number}. {step.title}", "bold")
            for line in _outcome_lines(step.run(progress)):
                yield f"   {line}".rstrip()
    yield from _suggestion_lines(demo)


def _found_lines(demo: Demo, seed: int) -> Iterator[str]:
    from cellfolio.workflows.demo.outline import outline

    found = outline(demo)
    yield f"The demonstration in {printable(demo.folder)} is finished (seed {demo.design.seed})."
    for number, (top_hash, files) in enumerate(
        zip(found.top_hashes, found.files, strict=True), start=1
    ):
        yield f"   revision {number}  {short(top_hash)}  {plural(files, 'file')}"
    yield f"   {_shared_line(found.shared)}"
    anew = "" if seed == demo.design.seed else f" with seed {seed}"
    yield f"Make it anew{anew} with --again."


def _suggestion_lines(demo: Demo) -> Iterator[str]:
    from cellfolio.workflows.demo.outline import suggest, suggest_portal

    yield ""
    yield paint("Try next", "bold")
    for suggestion in suggest(demo):
        yield paint(f"   {suggestion.purpose}", "dim")
        yield f"     {suggestion.command}"
    yield ""
    yield paint("See all of it", "bold")
    yield f"   {suggest_portal(demo).command}"
    yield f"   and open {_portal_url()}"


def _portal_url() -> str:
    from cellfolio.web.serving import ADDRESS, PORT

    return f"http://{ADDRESS}:{PORT}/"


def _outcome_lines(outcome: Outcome) -> Iterator[str]:
    from cellfolio.cli.keeping import verified_lines
    from cellfolio.cli.moving import got_lines, pushed_line
    from cellfolio.cli.tree import TreeLimits, tree_lines
    from cellfolio.package.package import Package
    from cellfolio.registries.publish import Pushed
    from cellfolio.workflows.checking import Verified
    from cellfolio.workflows.demo.evaluation import Judged
    from cellfolio.workflows.demo.profiles import Measured, Profiled
    from cellfolio.workflows.demo.revisions import Compared, Drawn, Simulated
    from cellfolio.workflows.getting import Got

    match outcome:
        case Simulated():
            yield _simulated_line(outcome)
        case Pushed():
            yield f"{outcome.package.name} @ {short(outcome.package.top_hash)}"
            yield pushed_line(outcome)
        case Got():
            yield f"→ {printable(outcome.folder)}"
            yield from got_lines(outcome)
        case Verified():
            yield from verified_lines(outcome)
        case Package():
            yield from tree_lines(outcome, TreeLimits(1))
        case Drawn():
            yield f"{outcome.site}, {outcome.perturbation}: DNA, ER and AGP, cells outlined"
            yield f"→ {printable(outcome.path)}"
        case Compared():
            yield from _compared_lines(outcome)
        case Measured():
            yield from _measured_lines(outcome)
        case Profiled():
            yield from _profiled_lines(outcome)
        case Judged():
            yield from _judged_lines(outcome)
        case _:
            yield _shared_line(outcome)


def _simulated_line(found: Simulated) -> str:
    return (
        f"{plural(found.plates, 'plate')}, {plural(found.sites, 'site')} of "
        f"{plural(found.channels, 'channel')}: "
        f"{plural(found.files, 'file')}, {size_text(found.size)}"
    )


def _measured_lines(found: Measured) -> Iterator[str]:
    yield (
        f"{plural(found.cells, 'cell')} found of {found.simulated:,} simulated (those at the "
        f"border are left out), {found.features} features of each"
    )
    yield f"→ {printable(found.paths[0].parent.parent)}"


def _profiled_lines(found: Profiled) -> Iterator[str]:
    yield (
        f"{plural(found.wells, 'well')}, {found.selected} of {found.features} features: normalized "
        "by the negative controls of each plate"
    )
    for path in (found.table, found.plate, found.embedding):
        yield f"→ {printable(path)}"


def _judged_lines(found: Judged) -> Iterator[str]:
    yield (
        f"{found.found} of {plural(found.active, 'perturbation')} that "
        f"{'changes' if found.active == 1 else 'change'} cells replicate, "
        f"and {found.wrong} of {found.inactive} that {'does' if found.inactive == 1 else 'do'} not"
    )
    if found.pairs:
        yield f"{found.matched} of {plural(found.pairs, 'pair')} with one mechanism look alike"
    for path in found.pages:
        yield f"→ {printable(path)}"


def _compared_lines(found: Compared) -> Iterator[str]:
    from cellfolio.cli.comparing import diff_lines

    lines = list(diff_lines(found.older, found.newer, found.diff))
    yield from islice(lines, min(_DIFF_LINES, len(lines) - 1))
    if len(lines) - 1 > _DIFF_LINES:
        yield f"… {plural(len(lines) - 1 - _DIFF_LINES, 'more line')}"
    yield lines[-1]


def _shared_line(found: Shared) -> str:
    part = found.saved / found.whole if found.whole else 0.0
    return (
        f"{plural(found.revisions, 'revision')} of {size_text(found.whole)} together take "
        f"{size_text(found.stored)}: {size_text(found.saved)} ({part:.0%}) are not stored twice"
    )
