"""The command that joins single cells: single-cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.engines import engine_options
from cellfolio.cli.text import paint, plural, printable
from cellfolio.cli.writing import output_file

if TYPE_CHECKING:
    from cellfolio.workflows.engines.engine import Workers
    from cellfolio.workflows.single_cells import WrittenCells

FIELDS = {
    "output": "the file that was written",
    "sites": "number of parts that were read and hold a cell, such as the images of sites",
    "cells": "number of cells",
    "columns": "number of columns",
    "features": "number of columns that are measurements",
    "inputs": "number of files; their digests are in the output's metadata",
    "problems": "what was left out or is missing: objects with `path` and `what`",
}
_PROBLEMS = 10


@command("single-cells", fields=FIELDS)
@click.argument("cells")
@output_file("File for the cells (.parquet).", required=True)
@click.option("--keep-going", is_flag=True, help="Leave out what is broken, and tell of it.")
@engine_options()
def single_cells_command(cells: str, output: Path, keep_going: bool, workers: Workers) -> Answer:
    """Join single cells of many files into one Parquet file.

    CELLS is a folder of CellProfiler's tables (Image, Cells, Cytoplasm, Nuclei; .csv or .csv.gz),
    in it or in folders by site or well; whatever `aggregate` reads; or PACKAGE/PATH. A site is
    read at a time by each process; the file is the same for any number of them.
    """
    from cellfolio.workflows.single_cells import single_cells

    found = single_cells(
        cells, output, keep_going=keep_going, workers=workers, progress=terminal_progress()
    )
    document = {
        "output": str(found.path),
        "sites": found.sites,
        "cells": found.cells,
        "columns": found.columns,
        "features": found.features,
        "inputs": found.inputs,
        "problems": [{"path": one.path, "what": one.what} for one in found.problems],
    }
    return Answer(lambda: document, _lines(found))


def _lines(found: WrittenCells) -> Iterator[str]:
    parts = f"{plural(found.sites, 'site')}, {plural(found.cells, 'cell')}"
    yield f"{parts}, {plural(found.features, 'feature')}"
    for one in found.problems[:_PROBLEMS]:
        yield paint(printable(f"{one.path}: {one.what}"), "yellow")
    if len(found.problems) > _PROBLEMS:
        yield paint(f"… and {len(found.problems) - _PROBLEMS:,} more: see --json", "yellow")
    yield f"→ {printable(found.path)}"
