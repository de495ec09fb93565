"""Tables in parts: their columns, some rows, what the values of a column are like."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.column_facts import describe_column, kind_of, unit_of
from cellfolio.metadata.conditions import parse_conditions
from cellfolio.metadata.row_order import column_number, parse_sorting
from cellfolio.web.cells import MEDIA, as_csv, as_parquet, cells_of, parts_of
from cellfolio.web.operations import Operation, Parameter, Values
from cellfolio.web.places import read_place
from cellfolio.workflows.table_views import Found, Sought, TableViews

ROWS = 1_000
"""Rows of an answer, at most."""
CELLS = 50_000
"""Values of an answer, at most."""
_LONGEST_SQL = 20_000

_SOUGHT = (
    Parameter("table", "Which table of a database; by default its first.", default=""),
    Parameter(
        "sql",
        "A statement that reads, whose result takes the place of the table. It calls the table "
        "`this`, and others of the package by their path.",
        default="",
    ),
    Parameter(
        "where", "A condition, such as `gene=TTN`, `area>5`, `name~*.tiff`; all hold.", several=True
    ),
)
_SORT = Parameter(
    "sort", "A column to sort by, with `-` before it for falling; the first counts most.",
    several=True,
)  # fmt: skip


def read_sought(values: Values) -> Sought:
    """Return which rows a request wants.

    Raises
    ------
    InvalidArgument
    """
    sql = values["sql"].strip()
    if len(sql) > _LONGEST_SQL:
        raise InvalidArgument(f"a statement has at most {_LONGEST_SQL:,} characters")
    sort = tuple(parse_sorting(one) for one in values.get("sort") or ())
    return Sought(sql, parse_conditions(values["where"] or ()), sort)


def _found(request: Request, values: Values, sought: Sought) -> Found:
    place = read_place(request)
    views: TableViews = request.app.state.tables
    return views.find(place.package, place.entry, values["table"], sought)


def show_columns(request: Request, values: Values) -> Response:
    """Return the columns of a table, and how many rows it has."""
    found = _found(request, values, read_sought(values))
    table = found.table
    return JSONResponse(
        {
            "key": table.name,
            "table": table.part,
            "tables": list(table.parts),
            "rows": table.rows.count,
            "found": found.count,
            "note": table.note,
            "columns": [
                {"name": one.name, "kind": kind_of(one.type), "unit": unit_of(one)}
                for one in table.rows.schema
            ],
        }
    )


def show_rows(request: Request, values: Values) -> Response:
    """Return some rows, as JSON or as a file."""
    found = _found(request, values, read_sought(values))
    columns = _columns(found, values["column"] or ())
    if values["format"] != "json":
        return _file(request, found, columns, values["format"])
    first, count = values["first"], values["count"]
    if not values["column"]:
        columns = columns[values["from"] : values["from"] + values["columns"]]
    count = min(count, max(1, CELLS // max(1, len(columns))))
    read = found.read(columns, first, count)
    schema = found.table.rows.schema
    cells = [cells_of(column, values["longest"]) for column in read.columns]
    return JSONResponse(
        {
            "found": found.count,
            "first": first,
            "columns": [schema.names[at] for at in columns],
            "numbers": columns,
            "rows": list(map(list, zip(*cells, strict=True))) if cells else [],
        }
    )


def _columns(found: Found, names: tuple[str, ...]) -> list[int]:
    schema = found.table.rows.schema
    if not names:
        return list(range(len(schema)))
    return [column_number(schema, name) for name in names]


def _file(request: Request, found: Found, columns: list[int], format_name: str) -> Response:
    parts = parts_of(found, columns)
    pieces = as_csv(parts) if format_name == "csv" else as_parquet(parts)
    stem = read_place(request).entry.name.partition(".")[0] or "table"
    name = quote(f"{stem}.{format_name}", safe="")
    disposition = f"attachment; filename*=UTF-8''{name}"
    headers = {"content-disposition": disposition, "content-security-policy": "sandbox"}
    return StreamingResponse(pieces, headers=headers, media_type=MEDIA[format_name])


def show_summary(request: Request, values: Values) -> Response:
    """Return what the values of a column are like."""
    found = _found(request, values, read_sought(values))
    at = values["number"]
    schema = found.table.rows.schema
    if at is None:
        at = column_number(schema, values["column"] or "")
    if at >= len(schema):
        raise InvalidArgument(f"expected a column below {len(schema)}, found {at}")
    facts = describe_column(found.read([at]).column(0))
    field = schema.field(at)
    told: dict[str, Any] = {"name": field.name, "kind": kind_of(field.type), "unit": unit_of(field)}
    told |= {name: _number(value) for name, value in asdict(facts).items()}
    told["top"] = [[_text(value), count] for value, count in facts.top]
    return JSONResponse(told)


def _number(value: Any) -> Any:
    """Return numbers that JSON has; others are None."""
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return [_number(one) for one in value] if isinstance(value, tuple | list) else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = value.hex(" ") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 120 else text[:120] + "…"


OPERATIONS = (
    Operation(
        "/api/table-columns/{reference:path}",
        "Columns of a table, and how many rows it has.\n"
        "CSV, TSV, Parquet, GCT, JSON lines, tables of SQLite.",
        show_columns,
        _SOUGHT,
    ),
    Operation(
        "/api/table/{reference:path}",
        "Rows of a table, sorted and filtered.\n"
        "As CSV or Parquet, all rows that fit are sent; as JSON, at most 1,000 at a time.",
        show_rows,
        (
            *_SOUGHT,
            _SORT,
            Parameter("column", "A column that is wanted; by default all.", several=True),
            Parameter("from", "Number of the first column, of JSON.", int, 0, lowest=0),
            Parameter("columns", "How many columns, of JSON.", int, 50, lowest=1, highest=500),
            Parameter("first", "Number of the first row, of JSON.", int, 0, lowest=0),
            Parameter("count", "How many rows, of JSON.", int, 200, lowest=1, highest=ROWS),
            Parameter(
                "longest", "Characters of a text before it is cut, of JSON.", int, 300,
                lowest=1, highest=100_000,
            ),
            Parameter("format", "Of the answer.", default="json",
                      choices=("json", "csv", "parquet")),
        ),
    ),
    Operation(
        "/api/table-summary/{reference:path}",
        "What the values of a column are like: histogram, quantiles, most frequent values.",
        show_summary,
        (
            *_SOUGHT,
            Parameter("column", "Name of the column."),
            Parameter("number", "Number of the column, instead of its name.", int, lowest=0),
        ),
    ),
)  # fmt: skip
