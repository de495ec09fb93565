"""The command about plates: wells."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, package_argument
from cellfolio.cli.plate_text import plate_lines
from cellfolio.cli.text import columns, paint, plural, printable
from cellfolio.cli.writing import output_file

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.workflows.plates import PlateWells

PICTURES = (".png", ".svg", ".pdf")
_ROWS = 8
_LONG = 24
"""Characters of most values from which a column is shown last: formulas and the like."""
_FALLBACK = (100, 24)
FIELDS = {
    "plate": "its barcode",
    "batch": "its batch, or empty",
    "plate_map": "name of its plate map",
    "perturbations": "the file that tells of the perturbations, or null",
    "key": "name of the column that joined it to the plate map, or null",
    "size": "wells of the smallest usual plate that has all of these",
    "wells": "the rows, each an object; empty with --output",
    "controls": "number of wells by control type, or null where no column tells it",
    "without_perturbation": "wells whose perturbation is empty",
    "without_metadata": "perturbations that the metadata does not have",
    "repeated": "perturbations with several rows of metadata that differ; the first is used",
    "output": "the file that was written, or null",
}


@command("wells", fields=FIELDS)
@package_argument("source")
@click.argument("barcode")
@click.option("-c", "--column", metavar="COLUMN", help="Show this column, laid out as the plate.")
@click.option("--batch", metavar="NAME", help="Batch of the plate, where several have it.")
@click.option(
    "--perturbations",
    metavar="FILE",
    help="File of SOURCE that tells of the perturbations, if not the one in external_metadata "
    "that tells most.",
)
@click.option("--well-column", metavar="COLUMN", help="Column of the plate map with the wells.")
@output_file("Write the table (.csv, .tsv, .parquet, .json), or draw a column (.png, .svg, .pdf).")
def wells_command(
    source: str, barcode: str, column: str | None, output: Path | None, **how: Any
) -> Answer:
    """Show the wells of a plate: perturbations and controls; draw them.

    SOURCE is a folder that starts with '/', '.' or '~', or PACKAGE[/PATH], with metadata as
    CPJUMP1 keeps it: barcode_platemap.csv names the plate map of BARCODE, and external_metadata
    tells of its perturbations. Of a data set of the Cell Painting Gallery, such as
    cpjump1/images, the metadata beside the images is read. A file is taken as the plate map
    itself; then BARCODE is what the plate shall be called.
    """
    from cellfolio.workflows.plates import column_of, draw_wells, plate_wells

    drawn = output is not None and output.suffix.lower() in PICTURES
    _check_output(output, column, drawn=drawn)
    found = plate_wells(source, barcode, **how)
    for problem in found.report.problems:
        warnings.warn(f"{barcode}: {problem}", stacklevel=2)
    name = None if column is None else column_of(found.table, column)
    if output is not None:
        if drawn and name is not None:
            draw_wells(found, name, output)
        else:
            _write(found.table, name, output)
    lines = _lines(found, name) if output is None else [f"wrote {printable(output)}"]
    return Answer(lambda: _document(found, name, output), lines)


def _check_output(output: Path | None, column: str | None, *, drawn: bool) -> None:
    """Refuse what cannot be written, before anything is read."""
    from cellfolio.errors import InvalidArgument
    from cellfolio.formats.saving import check_table_name
    from cellfolio.imaging.saving import check_picture_path

    if output is None:
        return
    if drawn:
        check_picture_path(output)
        if column is None:
            raise InvalidArgument(
                "a picture shows one column of the table, and none is named",
                hint="name it, such as --column control_type; without -o, columns are listed",
            )
        return
    try:
        check_table_name(output)
    except InvalidArgument as error:
        error.hint = error.hint or f"with --column, a picture is {', '.join(PICTURES)}"
        raise


def _narrowed(table: pd.DataFrame, name: str | None) -> pd.DataFrame:
    keys = ["Metadata_Plate", "Metadata_Well"]
    return table if name is None else table[[*keys, *([name] if name not in keys else [])]]


def _write(table: pd.DataFrame, name: str | None, output: Path) -> None:
    from cellfolio.formats.saving import write_table

    write_table(_narrowed(table, name), output)


def _document(found: PlateWells, name: str | None, output: Path | None) -> dict[str, Any]:
    from cellfolio.formats.saving import plain_records

    rows = [] if output is not None else plain_records(_narrowed(found.table, name))
    return {
        "plate": found.barcode,
        "batch": found.batch,
        "plate_map": found.plate_map,
        "perturbations": found.perturbations,
        "key": found.report.key,
        "size": found.shape.size,
        "wells": rows,
        "controls": found.controls,
        "without_perturbation": list(found.report.empty),
        "without_metadata": list(found.report.unknown),
        "repeated": list(found.report.repeated),
        "output": None if output is None else str(output),
    }


def _lines(found: PlateWells, name: str | None) -> Iterator[str]:
    title = f"{found.barcode} · {found.batch}" if found.batch else found.barcode
    yield paint(printable(title), "bold")
    yield from columns(_facts(found), "<<")
    yield ""
    if name is None:
        from cellfolio.cli.tables import table_lines

        told = {"Metadata_Plate", "Metadata_Batch", "Metadata_plate_map_name", *found.constant}
        own = [one for one in found.table if one not in told]
        own.sort(key=lambda one: found.table[one].astype(str).str.len().median() > _LONG)
        yield from table_lines(found.table[own].rename(columns=_plain), _ROWS)
        return
    yield from _column_lines(found, name)


def _facts(found: PlateWells) -> Iterator[tuple[str, str]]:
    report = found.report
    yield "  plate map", f"{printable(found.plate_map)}, {plural(report.wells, 'well')}"
    if found.perturbations is not None:
        yield "  perturbations", printable(f"{found.perturbations}, by {report.key}")
    told = [printable(f"{_plain(key)} {value}") for key, value in found.constant.items()]
    for number, text in enumerate(_wrapped(told)):
        yield "" if number else "  plate", text
    if found.controls:
        counts = ", ".join(f"{key} {count:,}" for key, count in found.controls.items())
        yield "  control type", printable(counts)
    if report.empty:
        known = "told by the metadata" if report.empty_told else "and nothing is known of them"
        yield "  no perturbation", f"{plural(len(report.empty), 'well')}, {known}"


def _wrapped(words: list[str]) -> Iterator[str]:
    """Yield words with commas between, a line at a time."""
    line = ""
    for word in words:
        if line and len(line) + len(word) > 76:
            yield line + ","
            line = word
        else:
            line = f"{line}, {word}" if line else word
    if line:
        yield line


def _plain(name: str) -> str:
    return name.removeprefix("Metadata_")


def _column_lines(found: PlateWells, name: str) -> Iterator[str]:
    from cellfolio.workflows.plates import values_by_well

    values = values_by_well(found.table, name)
    texts = {
        well: None if one is None else f"{one:.4g}" if isinstance(one, float) else str(one)
        for well, one in values.items()
    }
    room = shutil.get_terminal_size(_FALLBACK).columns
    grid = plate_lines(texts, found.shape, room)
    yield paint(printable(_plain(name)), "bold")
    if grid is not None:
        yield from grid
        return
    listed = [("", str(well), printable(text or "")) for well, text in texts.items()]
    yield from columns(listed[:_ROWS], "<<<")
    if len(listed) > _ROWS:
        yield paint(f"  … {len(listed) - _ROWS:,} more wells: write them with -o FILE", "dim")
