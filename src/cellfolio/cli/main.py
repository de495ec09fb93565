"""Entry point of the command ``cellfolio``. Each command is imported when it is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module

import click

from cellfolio.cli.failures import CLOSED_PIPE, MEANINGS, report, warnings_as_notes

PROGRAM = "cellfolio"
COMPLETE_VARIABLE = "_CELLFOLIO_COMPLETE"

SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Start": {
        "demo": ("demo", "Show what this can do on a simulated experiment; no network."),
        "run": (
            "experiments",
            "Run an experiment from its images to its package; only what is to be done.",
        ),
        "completion": ("completion", "Print the script that completes commands on tab."),
    },
    "Look": {
        "list": ("looking", "List the known data sets, and the packages of a registry."),
        "show": ("looking", "Show a data set, a package, or a folder or file of it."),
        "log": ("looking", "List the revisions of a package, the newest first."),
        "diff": ("comparing", "Show what changed from one package to another."),
        "serve": (
            "serving",
            "Open the portal: packages, images, tables, plates and profiles in a browser.",
        ),
        "view": ("viewing", "Make a picture of images, or show it in the terminal."),
        "stitch": (
            "stitching",
            "Put the sites of a well or a plate together, where they were taken.",
        ),
    },
    "Ask": {
        "query": (
            "querying",
            "Ask the tables of a package: SQL, or conditions; get what is found.",
        ),
        "records": ("records", "Show the records of a package, and what is related to what."),
        "schema": ("records", "Show what the info documents of a package have, or check them."),
        "image-files": (
            "stitching",
            "Show the image files that a load_data table or an Index.idx.xml names.",
        ),
        "wells": ("plates", "Show the wells of a plate: perturbations and controls; draw them."),
    },
    "Measure": {
        "measure": ("measuring", "Measure every cell of every site of plates, from the images."),
        "warmup": (
            "measuring",
            "Compile what measures images once, so that later runs begin at once.",
        ),
        "featurize": ("featurizing", "Describe each cell of images by a network: deep features."),
    },
    "Profiles": {
        "profile": ("profiling", "Make the profiles of all plates of a recipe; only what changed."),
        "single-cells": ("single_cells", "Join single cells of many files into one Parquet file."),
        "aggregate": ("aggregating", "Make a profile of each well of single cells."),
        "annotate": ("profiles", "Add to profiles what was in their wells."),
        "normalize": ("profiles", "Make features of different scales comparable."),
        "select-features": ("profiles", "Drop features that say nothing, or what others say."),
        "consensus": ("profiles", "Make one profile of all replicates."),
        "quality": ("quality", "Write a page about the quality of each plate, with pictures."),
        "embed": ("embedding", "Draw profiles as points, similar ones near each other."),
    },
    "Get": {
        "get": ("moving", "Get a data set, a package, or a part of it, into a folder."),
        "status": ("comparing", "Show what you changed in a folder since it was filled."),
        "verify": ("keeping", "Hash what is on this machine and compare it with what it must be."),
        "convert": (
            "converting",
            "Write a file in another format; the suffix of OUT tells which.",
        ),
    },
    "Known data sets": {
        "cells": (
            "atlas",
            "Show cells of the Allen Brain Cell Atlas with all that is known of them.",
        ),
        "genes": ("atlas", "Show some genes in cells of the Allen Brain Cell Atlas."),
        "slice": ("slices", "Show a slice of an image volume (NIfTI); with -o, draw it."),
        "rosetta": ("rosetta", "Load profiles of a Rosetta data set, by well or perturbation."),
    },
    "Evaluate": {
        "evaluate": (
            "benchmarks",
            "Run a benchmark; write tables, figures and a page.",
        ),
        "replicating": (
            "evaluating",
            "Tell how many perturbations look alike each time they are done.",
        ),
        "matching": ("evaluating", "Tell how many perturbations of one target look alike."),
        "map": (
            "retrieving",
            "Tell whether profiles find those they should: mean average precision.",
        ),
        "predict": ("predicting", "Predict one modality from the other, each target by itself."),
        "mechanism": (
            "predicting",
            "Tell the mechanism of action from profiles of one modality or two.",
        ),
    },
    "Publish": {
        "build": ("moving", "Make a revision of a package from a folder, in the local registry."),
        "push": ("moving", "Publish a package in a registry; only what it lacks is sent."),
    },
    "Keep": {
        "du": ("keeping", "Show how much room things take."),
        "doctor": (
            "doctor",
            "Tell what is wrong with this installation, and how to mend it.",
        ),
        "gc": ("keeping", "Remove bytes that no local package and no folder needs."),
    },
}
"""Section → command → module of this package, and one line of help."""

COMMANDS = {name: found for section in SECTIONS.values() for name, found in section.items()}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used, and listed without that."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command: ``<name>_command`` of its module."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"cellfolio.cli.{COMMANDS[cmd_name][0]}")
        found: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section."""
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, about) for name, (_, about) in section.items()], 12)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        import cellfolio

        click.echo(f"{PROGRAM} {cellfolio.__version__}")
        ctx.exit()


def _exit_codes() -> str:
    lines = [f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items()]
    return "\n".join(["\b", "Exit codes:", *lines])


@click.command(PROGRAM, cls=LazyGroup, epilog=_exit_codes())
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
def cli() -> None:
    """Find, get, verify and publish open cell data.

    A package is named [REGISTRY/]NAMESPACE/NAME[@REVISION][/PATH]:

    \b
      abc/atlas                              a data set that is known by name: see 'list'
      demo/cell-painting                     the latest revision in the local registry
      demo/cell-painting@1c517d7/metadata    a part of the revision of that top hash
      s3://bucket/namespace/name@2026-03-01  as it was then, in another registry

    The local registry and the store of files are in CELLFOLIO_HOME, by default in your user's
    data folder.
    """  # noqa: D301 - click's mark of a paragraph that is not wrapped


def run(args: Sequence[str]) -> int:
    """Run a command line; return its exit code. Nothing is raised.

    Parameters
    ----------
    args : sequence of str
        Without the program's name.
    """
    as_json = "--json" in args
    with warnings_as_notes(as_json=as_json):
        try:
            with cli.make_context(PROGRAM, list(args) or ["--help"]) as context:
                cli.invoke(context)
            sys.stdout.flush()
        except click.exceptions.Exit as done:
            return _flushed(done.exit_code)
        except BrokenPipeError:
            _forget_output()
            return CLOSED_PIPE
        except (Exception, KeyboardInterrupt) as error:
            return report(error, as_json=as_json)
    return 0


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return CLOSED_PIPE
    return code


def _forget_output() -> None:
    """Keep Python from writing once more, at its end, to a reader that is gone."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Run the command line of this process, and end it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if instruction := os.environ.get(COMPLETE_VARIABLE):
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(cli, {}, PROGRAM, COMPLETE_VARIABLE, instruction))
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
