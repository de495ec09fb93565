"""Commands about records: records, schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import (
    Answer,
    command,
    package_argument,
    registry_option,
    terminal_progress,
)
from cellfolio.cli.failures import DIFFERENT
from cellfolio.cli.text import columns, paint, plural, printable, short, size_text

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.metadata.graph import RecordGraph
    from cellfolio.metadata.records import Record, Records
    from cellfolio.metadata.schema import Schema
    from cellfolio.metadata.schema_check import SchemaReport
    from cellfolio.workflows.record_parts import RecordPart

_ROWS = 20
_NAMES = 4
_WIDEST = 90
_TABLES = (".csv", ".tsv", ".parquet", ".json")

RECORDS_FIELDS = {
    "package": "its name, or the folder",
    "registry": "URI of its registry; empty for a folder",
    "top_hash": "name of the revision",
    "kinds": "number of records by kind",
    "links": "number of links, each pair of records once",
    "kind": "kind of the records that were asked for; null for none",
    "records": "those records, each with `name`, `info`, `related` (names by kind) and `files` "
    "(logical keys)",
    "dangling": "links to records that do not exist, each with `kind`, `name`, `other_kind`, "
    "`other_name`",
    "problems": "what is wrong with the metadata, each with `kind`, `name`, `about`, `what`",
    "output": "the file that was written, or null",
}


@command("records", fields=RECORDS_FIELDS)
@package_argument()
@registry_option
@click.option("--related", metavar="KIND", default="", help="Those of KIND related to them.")
@click.option(
    "-w",
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="Only what fits, such as passage>=36 or channels.dye_name=EGFP; all of several.",
)
@click.option("--dangling", is_flag=True, help="Links to what is not there, and other problems.")
@click.option("--all", "everything", is_flag=True, help="All rows, however many.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write them as a table: .csv, .tsv, .parquet or .json; without KIND, all links.",
)
def records_command(
    package: str,
    registry: str | None,
    related: str,
    where: Sequence[str],
    dangling: bool,
    everything: bool,
    output: Path | None,
) -> Answer:
    """Show the records of a package, and what is related to what.

    PACKAGE is PACKAGE[/KIND[/NAME]]: aics/aics_23, aics/aics_23/fovs, or one record. KIND is
    lines, plates, wells, fovs, cell_segs, nuclei_segs or structure_segs. If the package is a table
    whose rows name files, as quilt3distribute makes them, KIND is 'rows' or a column with files.
    """
    from cellfolio.formats.saving import check_table_name, write_table
    from cellfolio.storage.home import Home
    from cellfolio.workflows.record_parts import Asked, open_records

    if output is not None:
        check_table_name(output)
    part = open_records(
        package,
        Asked(where, related),
        Home(),
        registry=registry,
        progress=terminal_progress(),
    )
    if output is not None:
        table = part.dangling_table() if dangling else part.table()
        write_table(table if output.suffix == ".json" else part.flat(table), output)
    return Answer(
        lambda: _document(part, output),
        _lines(part, output, dangling=dangling, everything=everything),
    )
