"""Commands about records: records, schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
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
from cellfolio.cli.writing import output_file

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.metadata.graph import RecordGraph
    from cellfolio.metadata.records import Record, Records
    from cellfolio.metadata.schema import Schema
    from cellfolio.metadata.schema_check import SchemaReport
    from cellfolio.workflows.opening import Opened
    from cellfolio.workflows.record_parts import RecordPart

_ROWS = 20
_NAMES = 4
_WIDEST = 90

RECORDS_FIELDS = {
    "package": "its name, or the folder",
    "registry": "URI of its registry; empty for a folder",
    "top_hash": "name of the revision",
    "kinds": "number of records by kind",
    "links": "number of links, each pair of records once",
    "kind": "kind of the records that were asked for; null for none",
    "records": "those records, each with `name`, `info`, `related` (names by kind) and `files` "
    "(logical keys); empty with --output",
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
@output_file("Write them as a table: .csv, .tsv, .parquet or .json; without KIND, all links.")
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
    from cellfolio.formats.saving import check_table_name
    from cellfolio.storage.home import Home
    from cellfolio.workflows.record_parts import Asked, open_records, write_records

    if output is not None:
        check_table_name(output)
    asked = Asked(where, related)
    part = open_records(package, asked, Home(), registry=registry, progress=terminal_progress())
    if output is not None:
        rows, count = write_records(part, output, report=dangling).shape
        lines: Iterator[str] = iter([f"{_count(rows, count)} → {printable(output)}"])
    else:
        lines = _lines(part, dangling=dangling, most=None if everything else _ROWS)
    return Answer(lambda: _document(part, output), lines)


def _count(rows: int, count: int) -> str:
    return f"{plural(rows, 'row')}, {plural(count, 'column')}"


def _lines(part: RecordPart, *, dangling: bool, most: int | None) -> Iterator[str]:
    from cellfolio.cli.tables import table_lines

    name, top_hash = printable(part.opened.name), short(part.opened.package.top_hash)
    if part.record is not None and not dangling:
        yield paint(printable(f"{part.record.kind}/{part.record.name}"), "bold")
        yield from _record_lines(part.record)
        return
    yield paint(f"{name} @ {top_hash}", "bold")
    if dangling:
        yield from _report(part, most)
    elif part.records is None:
        yield from columns(_overview(part.graph), "<><")
    elif not len(part.records):
        yield f"no {printable(part.records.kind)} like that"
    else:
        table = _for_people(part)
        yield from table_lines(table, len(table) if most is None else most, whole=1)


def _overview(graph: RecordGraph) -> Iterator[tuple[str, str, str]]:
    for kind in graph.kinds:
        records = graph.records(kind)
        shown = ", ".join(records.names[:1]) + (", …" if len(records) > 1 else "")
        yield f"  {printable(kind)}", f"{len(records):,}", printable(shown)
    yield "  links", f"{graph.link_count:,}", ""
    if graph.dangling:
        yield "  dangling", f"{len(graph.dangling):,}", "--dangling tells which"
    if graph.problems:
        about = ", ".join(sorted({one.about for one in graph.problems}))
        yield "  problems", f"{len(graph.problems):,}", f"{about}: --dangling tells which"


def _for_people(part: RecordPart) -> pd.DataFrame:
    """Return a table with related records counted, and first what tells records apart."""
    from cellfolio.metadata.json_columns import free_name

    table = part.table()
    assert part.records is not None
    if part.records.at == part.graph.through:
        table.insert(0, free_name("row", table.columns), part.records.names)
    lists = [kind for kind in part.graph.kinds if kind in table and _is_nested(table[kind].iloc[0])]
    table = table.assign(**{kind: table[kind].map(len) for kind in lists})
    name, *others = table.columns
    nested = [one for one in others if table[one].map(_is_nested).any()]
    plain = [one for one in others if one not in nested]
    if part.graph.through is None:
        plain.sort(key=lambda one: table[one].nunique(dropna=False) < 2)
    return table[[name, *plain, *nested]]


def _is_nested(value: Any) -> bool:
    return isinstance(value, list | dict)


def _report(part: RecordPart, most: int | None) -> Iterator[str]:
    rows = [
        tuple(map(printable, (f"  {kind}/{name}", about, what)))
        for kind, name, about, what in part.report().itertuples(index=False)
    ]
    if not rows:
        yield "nothing is wrong with links and info documents"
        return
    yield from columns(rows[:most], "<<<")
    if most is not None and len(rows) > most:
        yield paint(f"{most} of {plural(len(rows), 'problem')}: --all shows them", "dim")


def _record_lines(record: Record) -> Iterator[str]:
    info = record.info
    kinds = record.graph.kinds
    hidden = {word for shelf in record.graph.shelves for word in shelf.kind.words}
    if record.at == record.graph.through:
        hidden = set()
    yield from columns(
        [
            (f"  {printable(key)}", _cut(_value(key, value)))
            for key, value in info.items()
            if key not in hidden and key != "associates"
        ]
        or [("  no info", "")],
        "<<",
    )
    related = [(kind, record.related(kind)) for kind in kinds]
    rows = [(f"  {printable(kind)}", _names(found)) for kind, found in related if len(found)]
    if rows:
        yield paint("related", "bold")
        yield from columns(rows, "<<")
    if record.entries:
        yield paint("files", "bold")
        yield from columns(
            [(f"  {printable(one.logical_key)}", size_text(one.size)) for one in record.entries],
            "<>",
        )
    for one in record.graph.problems:
        if (one.kind, one.name) == (record.kind, record.name):
            yield paint(f"{one.about}: {printable(one.what)}", "yellow")


def _value(key: str, value: Any) -> str:
    """Return a value for people; of channels, their names and which are not to be used."""
    if key == "channels" and isinstance(value, list) and all(isinstance(v, dict) for v in value):
        return ", ".join(
            f"{one.get('dye_name')}" + (" (not used)" if one.get("use") is False else "")
            for one in value
        )
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _cut(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 1]}…"


def _names(records: Records) -> str:
    """Return the first names, as many as fit, and how many more there are."""
    names = list(map(printable, records.names[:_NAMES]))
    while len(names) > 1 and len(", ".join(names)) > _WIDEST:
        names.pop()
    more = len(records) - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")


def _document(part: RecordPart, output: Path | None) -> dict[str, Any]:
    from dataclasses import asdict

    from cellfolio.formats.saving import plain

    graph, package = part.graph, part.opened.package
    return {
        "package": part.opened.name,
        "registry": part.opened.registry,
        "top_hash": package.top_hash,
        "kinds": {kind: len(graph.records(kind)) for kind in graph.kinds},
        "links": graph.link_count,
        "kind": None if part.records is None else part.records.kind,
        "records": [
            {
                "name": record.name,
                "info": plain(record.info),
                "related": {kind: record.related(kind).names for kind in graph.kinds},
                "files": [entry.logical_key for entry in record.entries],
            }
            for record in (part.records or () if output is None else ())
        ],
        "dangling": [asdict(one) for one in graph.dangling],
        "problems": [asdict(one) for one in graph.problems],
        "output": None if output is None else str(output),
    }


SCHEMA_FIELDS = {
    "package": "its name, or the folder",
    "registry": "URI of its registry; empty for a folder",
    "top_hash": "name of the revision",
    "document": "logical key of the SCHEMA document",
    "kinds": "what it describes, each with `key`, `kind` and `attributes`: `name`, `in_documents` "
    "(its name in info documents), `description`, `types`, `example`, `origin`",
    "missing": "keys of known kinds that it does not have",
    "checked": "with --check: number of info documents compared; else null",
    "findings": "with --check: each with `kind`, `attribute`, `about`, `count`, `of`, `expected`, "
    "`found`, `examples` (names of records); else null",
    "output": "the file that was written, or null",
}


@command("schema", fields=SCHEMA_FIELDS)
@package_argument()
@registry_option
@click.option("--check", is_flag=True, help="Compare all info documents with it.")
@output_file("Write it as a page of Markdown; with --check, the findings as a table.")
def schema_command(package: str, registry: str | None, check: bool, output: Path | None) -> Answer:
    """Show what the info documents of a package have, or check them.

    The SCHEMA document of the package tells it. PACKAGE is as in 'show'; with a path, the folder
    that has the document. With --check, attributes that are missing, unknown, of another type or
    null are counted; then the exit code is 1.
    """
    from cellfolio.formats.saving import check_table_name
    from cellfolio.storage.home import Home
    from cellfolio.workflows.records import open_schema, write_schema

    if output is not None and check:
        check_table_name(output)
    opened, found, report = open_schema(
        package, Home(), registry=registry, check=check, progress=terminal_progress()
    )
    lines = _schema_lines(found) if report is None else _report_lines(report)
    title = paint(f"{printable(opened.name)} @ {short(opened.package.top_hash)}", "bold")
    if output is not None:
        write_schema(found, report, output, opened.name)
        lines = iter([f"→ {printable(output)}"])
    return Answer(
        lambda: _schema_document(opened, found, report, output),
        chain([title], lines),
        DIFFERENT if report is not None and not report.clean else 0,
    )


def _schema_lines(schema: Schema) -> Iterator[str]:
    from cellfolio.metadata.schema_page import short_json

    for section in schema.sections:
        yield ""
        yield f"{paint(printable(section.kind), 'bold')}  {printable(section.key)}"
        yield from columns(
            [
                (
                    f"  {printable(one.in_documents)}",
                    printable(" or ".join(one.types)),
                    "" if one.example is None else printable(short_json(one.example, 30)),
                    _cut(one.description),
                )
                for one in section.attributes
            ]
            or [("  no attributes", "", "", "")],
            "<<<<",
        )
    if schema.missing:
        yield ""
        yield paint(f"not described: {', '.join(schema.missing)}", "yellow")


def _report_lines(report: SchemaReport) -> Iterator[str]:
    from cellfolio.cli.tables import table_lines

    documents = plural(report.checked, "document")
    if report.clean:
        yield f"{documents} as SCHEMA says"
        return
    yield f"{documents} compared; {plural(len(report.findings), 'finding')}:"
    table = report.table()
    table["records"] = [f"{one.count:,} of {one.of:,}" for one in report.findings]
    table["example"] = [one.examples[0] for one in report.findings]
    shown = table[["kind", "attribute", "about", "records", "expected", "found", "example"]]
    yield from table_lines(shown, len(shown))


def _schema_document(
    opened: Opened, schema: Schema, report: SchemaReport | None, output: Path | None
) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "package": opened.name,
        "registry": opened.registry,
        "top_hash": opened.package.top_hash,
        "document": schema.name,
        "kinds": [
            {
                "key": section.key,
                "kind": section.kind,
                "attributes": [
                    {**asdict(one), "in_documents": one.in_documents} for one in section.attributes
                ],
            }
            for section in schema.sections
        ],
        "missing": list(schema.missing),
        "checked": None if report is None else report.checked,
        "findings": None if report is None else [asdict(one) for one in report.findings],
        "output": None if output is None else str(output),
    }
