"""The command about profiles of single cells: aggregate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.engines import engine_options
from cellfolio.cli.text import paint, plural, printable
from cellfolio.cli.writing import output_file

if TYPE_CHECKING:
    from cellfolio.workflows.cell_profiles import CellProfiles

FIELDS = {
    "cells": "number of cells that were averaged",
    "profiles": "number of profiles",
    "features": "number of features",
    "by": "the columns that cells of a profile have in common",
    "method": "how they were averaged",
    "problems": "what was left out, with --keep-going: objects with path and what",
    "output": "the file that was written, or null",
}
_ROWS = 8
_PROBLEMS = 10


@command("aggregate", fields=FIELDS)
@click.argument("cells")
@output_file("Write the profiles (.csv, .csv.gz, .tsv, .parquet, .json).")
@click.option(
    "--by",
    metavar="COLUMNS",
    default="Metadata_Plate,Metadata_Well",
    show_default=True,
    help="What the cells of a profile have in common.",
)
@click.option(
    "--method", type=click.Choice(["median", "mean"]), default="median", show_default=True
)
@click.option("--count-objects", is_flag=True, help="Add a column Metadata_Object_Count.")
@click.option("--keep-going", is_flag=True, help="Leave out what is broken, and tell of it.")
@engine_options("Processes for .csv; one for a core.")
def aggregate_command(cells: str, output: Path | None, by: str, method: Any, **how: Any) -> Answer:
    """Make a profile of each well of single cells.

    CELLS is a Parquet file of CytoTable or cellfolio, a database of cytominer or CellProfiler
    (.sqlite), features of DeepProfiler (.npz), or a folder of such files or of CellProfiler's
    tables (.csv); or PACKAGE/PATH.
    Memory is bounded, however many cells there are.
    """
    from cellfolio.formats.saving import check_table_name, write_table
    from cellfolio.storage.home import Home
    from cellfolio.workflows.cell_profiles import aggregate_named

    if output is not None:
        check_table_name(output)
    columns = [name.strip() for name in by.split(",") if name.strip()]
    found = aggregate_named(
        cells,
        Home(),
        by=columns,
        method=method,
        keep_going=how["keep_going"],
        workers=how["workers"],
        progress=terminal_progress(),
    )
    table = found.table(count_objects=how["count_objects"])
    if output is not None:
        write_table(table, output)
    document = {
        "cells": found.cells,
        "profiles": len(table),
        "features": found.features,
        "by": columns,
        "method": method,
        "problems": [{"path": one.path, "what": one.what} for one in found.problems],
        "output": None if output is None else str(output),
    }
    return Answer(lambda: document, _lines(found, table, output))


def _lines(found: CellProfiles, table: Any, output: Path | None) -> Iterator[str]:
    from cellfolio.cli.tables import table_lines

    if output is None:
        yield from table_lines(table, _ROWS)
    yield (
        f"{plural(found.cells, 'cell')} became {plural(len(table), 'profile')} of "
        f"{plural(found.features, 'feature')}"
    )
    for one in found.problems[:_PROBLEMS]:
        yield paint(printable(f"left out: {one.path}: {one.what}"), "yellow")
    if len(found.problems) > _PROBLEMS:
        yield paint(f"… and {len(found.problems) - _PROBLEMS:,} more: see --json", "yellow")
    if output is not None:
        yield f"wrote {printable(output)}"
