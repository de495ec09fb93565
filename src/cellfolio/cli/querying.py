"""The command that asks: query."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import (
    Answer,
    command,
    package_argument,
    registry_option,
    terminal_progress,
    unverified_option,
)
from cellfolio.cli.text import columns, paint, plural, printable, short, size_text
from cellfolio.cli.writing import output_file

if TYPE_CHECKING:
    from cellfolio.metadata.cardio import JoinedCells
    from cellfolio.package.package import Package
    from cellfolio.storage.home import Home
    from cellfolio.workflows.getting import Got
    from cellfolio.workflows.package_tables import NamedTable
    from cellfolio.workflows.querying import QueryResult

NOT_FOUND = 3
_ROWS = 20
_SHOWN = 5

FIELDS = {
    "package": "its name, or the folder",
    "registry": "URI of its registry; empty for a folder",
    "top_hash": "name of the revision",
    "tables": "with --tables: each with `name`, `short`, `key`, `size`, `here`, `about`; else null",
    "rows": "number of rows",
    "columns": "each with `name` and `type`",
    "records": "the rows, each an object; empty with --output",
    "output": "the file that was written, or null",
    "files": "with --get, --subset or --files: `column` that names them, `keys`, `size`, and the "
    "values that are `unknown`; else null",
    "got": "with --get: `folder`, `placed`, `kept`, `fetched`, `bytes_fetched`; else null",
    "subset": "with --subset: `package` and `top_hash`; else null",
    "report": "with --report: how the table `cells` joined; else null",
}


@command("query", fields=FIELDS)
@package_argument()
@click.argument("sql", required=False)
@registry_option
@click.option("--tables", "only_tables", is_flag=True, help="List the tables.")
@click.option(
    "-w",
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="Only what fits, such as gene=TTN, 'size>1MB' or 'name~*.tiff'; all of several.",
)
@click.option("-t", "--table", metavar="NAME", help="Table that --where is about, without SQL.")
@click.option("--files", metavar="COLUMN", help="Column of the result that names files.")
@click.option(
    "--get",
    "target",
    is_flag=False,
    flag_value="",
    metavar="[FOLDER]",
    help="Get the files that the result names, by default into a folder of the package's name.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask before a download of over 10 GB.")
@click.option(
    "--subset", metavar="NAME", help="Keep these files as the local package NAMESPACE/NAME."
)
@click.option("-m", "--message", metavar="TEXT", help="What the subset is about.")
@output_file("Write the result: .csv, .tsv, .parquet or .json.")
@click.option(
    "--rows",
    type=click.IntRange(0),
    default=_ROWS,
    help=f"Rows that are shown; by default {_ROWS}.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="End the statement after that time.",
)
@click.option("--report", is_flag=True, help="Tell how the table 'cells' joined, and what did not.")
@unverified_option
def query_command(package: str, sql: str | None, registry: str | None, **how: Any) -> Answer:
    """Ask the tables of a package: SQL, or conditions; get what is found.

    PACKAGE is as in 'show'; with a path, only that part is asked. SQL is one SELECT (or WITH,
    VALUES, DESCRIBE, SUMMARIZE) over its tables, which --tables lists; only those it names are
    fetched. Without SQL, --where selects files by their key, size and metadata, or rows of
    --table; with SQL, rows of the result.
    """
    from cellfolio.formats.saving import check_table_name, write_table
    from cellfolio.metadata.sql import Limits
    from cellfolio.storage.home import Home
    from cellfolio.workflows.opening import open_package
    from cellfolio.workflows.package_tables import list_tables
    from cellfolio.workflows.querying import Asked, ask, split_path

    home, progress = Home(), terminal_progress()
    if how["output"] is not None:
        check_table_name(how["output"])
    opened = open_package(
        package, home, registry=registry, verify=not how["unverified"], progress=progress
    )
    opened, part = split_path(opened)
    if how["only_tables"]:
        found = list_tables(part, home)
        return Answer(lambda: _tables_document(opened, found), _tables_lines(found))
    asked = Asked(sql, how["where"], how["table"])
    result = ask(opened, part, asked, Limits(seconds=how["timeout"]), progress=progress, home=home)
    if how["files"] is not None:
        result = result.naming(how["files"])
    if how["output"] is not None:
        write_table(result.table, how["output"])
    done = _done(result, how, home)
    return Answer(
        lambda: _document(result, done, how),
        _lines(result, done, how),
        NOT_FOUND if done.named and result.unknown else 0,
    )


@dataclass(frozen=True, slots=True)
class _Done:
    """What was done with the files of a result, and whether anything was asked of them."""

    named: bool = False
    subset: Package | None = None
    got: Got | None = None


def _done(result: QueryResult, how: dict[str, Any], home: Home) -> _Done:
    """Get the files, or keep them as a package, if that is asked."""
    from cellfolio.cli.moving import confirmation, target_folder
    from cellfolio.workflows.publishing import Label, save
    from cellfolio.workflows.querying import get_found

    if how["target"] is None and not how["subset"] and how["files"] is None:
        return _Done()
    if result.unknown:
        warnings.warn(_unknown_message(result), stacklevel=2)
    subset = got = None
    if how["subset"]:
        subset = save(result.package, how["subset"], home, Label(how["message"]))
    if how["target"] is not None:
        folder = target_folder(result.opened, Path(how["target"]) if how["target"] else None)
        confirm = confirmation(yes=how["yes"])
        got = get_found(result, folder, home, confirm=confirm, progress=terminal_progress())
    return _Done(True, subset, got)


def _unknown_message(result: QueryResult) -> str:
    listed = ", ".join(map(repr, result.unknown[:_SHOWN]))
    more = f" and {len(result.unknown) - _SHOWN} more" if len(result.unknown) > _SHOWN else ""
    what = plural(len(result.unknown), "value")
    return f"no file of the package for {what} of {result.named.column!r}: {listed}{more}"


def _lines(result: QueryResult, done: _Done, how: dict[str, Any]) -> Iterator[str]:
    from cellfolio.cli.moving import got_lines
    from cellfolio.cli.tables import table_lines

    if how["output"] is None:
        yield from table_lines(result.table, how["rows"])
    else:
        rows, count = result.table.shape
        written = f"{plural(rows, 'row')}, {plural(count, 'column')}"
        yield f"{written} → {printable(how['output'])}"
    if how["report"]:
        yield ""
        yield from _report_lines(result.joined)
    if done.named:
        size = sum(entry.size or 0 for entry in result.entries)
        files = plural(len(result.entries), "file")
        yield f"{files}, {size_text(size)}, named by {printable(result.named.column)}"
    if done.subset is not None:
        name, top_hash = printable(done.subset.name), short(done.subset.top_hash)
        yield paint(f"{name} @ {top_hash}", "bold") + ": a package of these files; nothing copied"
    if done.got is not None:
        yield paint(f"→ {printable(done.got.folder)}", "bold")
        yield from got_lines(done.got)


def _report_lines(joined: JoinedCells | None) -> Iterator[str]:
    if joined is None:
        yield "nothing to report: the table 'cells' was not asked"
        return
    cells, fields = plural(len(joined.table), "cell"), plural(joined.fields, "field")
    yield paint(f"{cells} of {fields}", "bold")
    rows = [
        (
            f"  {report.name}",
            f"{report.rows:,}",
            f"{report.joined:,}",
            ", ".join(map(printable, report.keys)) or "absent",
        )
        for report in joined.reports
    ]
    yield from columns([("  table", "rows", "joined", "by"), *rows], "<>><")
    for report in joined.reports:
        for problem in report.problems:
            style = "red" if problem.is_error else "yellow"
            yield paint(f"  {report.name}: {printable(problem.message)}", style)
            yield from (f"    {printable(one)}" for one in problem.examples)
    if joined.without_cells:
        count = plural(len(joined.without_cells), "field")
        yield paint(f"  {count} without any cell", "yellow")
        yield from (f"    {printable(one)}" for one in joined.without_cells)


def _tables_lines(found: tuple[NamedTable, ...]) -> Iterator[str]:
    rows = [
        (
            printable(table.short),
            printable(table.key or "built in"),
            "" if table.size is None else size_text(table.size),
            "here" if table.here else "",
            table.about,
        )
        for table in found
    ]
    yield from columns([("table", "file", "size", "", ""), *rows], "<<><<")


def _package_document(result: Any) -> dict[str, Any]:
    return {
        **dict.fromkeys(FIELDS),
        "package": result.name,
        "registry": result.registry,
        "top_hash": result.package.top_hash,
    }


def _tables_document(opened: Any, found: tuple[NamedTable, ...]) -> dict[str, Any]:
    from dataclasses import asdict

    return {**_package_document(opened), "tables": [asdict(table) for table in found]}


def _document(result: QueryResult, done: _Done, how: dict[str, Any]) -> dict[str, Any]:
    from cellfolio.formats.saving import plain_records

    table, output = result.table, how["output"]
    kinds = zip(map(str, table.columns), map(str, table.dtypes), strict=True)
    return {
        **_package_document(result.opened),
        "rows": len(table),
        "columns": [{"name": name, "type": kind} for name, kind in kinds],
        "records": plain_records(table) if output is None else [],
        "output": None if output is None else str(output),
        "files": _files_document(result) if done.named else None,
        "got": None if done.got is None else _got_document(done.got),
        "subset": None
        if done.subset is None
        else {"package": done.subset.name, "top_hash": done.subset.top_hash},
        "report": _report_document(result.joined) if how["report"] and result.joined else None,
    }


def _files_document(result: QueryResult) -> dict[str, Any]:
    return {
        "column": result.named.column,
        "keys": [entry.logical_key for entry in result.entries],
        "size": sum(entry.size or 0 for entry in result.entries),
        "unknown": list(result.unknown),
    }


def _got_document(got: Got) -> dict[str, Any]:
    return {
        "folder": str(got.folder),
        "placed": got.placed,
        "kept": got.kept,
        "fetched": got.fetched,
        "bytes_fetched": got.bytes_fetched,
    }


def _report_document(joined: JoinedCells) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "cells": len(joined.table),
        "fields": joined.fields,
        "without_cells": list(joined.without_cells),
        "tables": [asdict(report) for report in joined.reports],
    }
