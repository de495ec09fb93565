"""One SQL statement over tables in memory, which can read nothing else and write nothing.

The engine is DuckDB, closed in three ways: it is configured without access to files, network and
extensions, and the configuration is locked; only one statement that reads is let through; and no
variable of Python is a table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

from cellfolio.errors import InvalidArgument

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

    AskedTable: TypeAlias = "pd.DataFrame | pa.Table | ds.Dataset"

_READS = "a query is one statement that reads: SELECT, WITH, VALUES, DESCRIBE or SUMMARIZE"
_SHOWN = 12
_EXACT = 2**53
"""Whole numbers below this are exact as float64."""
_AGAIN = 0.05
"""Seconds after which a statement that goes on is told again to end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a statement may take.

    Attributes
    ----------
    memory : int
        Bytes the engine may use; nothing is put on the disk.
    seconds : float or None
        Time after which it is ended; None for as long as it takes.
    rows : int or None
        Rows of the result; a statement that gives more is ended there, and its rows are as many
        as that.
    """

    memory: int = 2_000_000_000
    seconds: float | None = None
    rows: int | None = None


def tables_named(statement: str) -> tuple[str, ...]:
    """Return the names of the tables that a statement reads, sorted.

    Raises
    ------
    InvalidArgument
        If it is not one statement that reads.

    Examples
    --------
    >>> tables_named('with w as (select * from wells) select * from w join "a/b.csv" using (well)')
    ('a/b.csv', 'wells')
    """
    with _closed(Limits()) as connection, _explained({}, Limits()):
        _check(connection, statement)
        parsed = connection.execute("select json_serialize_sql(?)", [statement]).fetchall()[0][0]
    tree = json.loads(parsed)
    if tree.get("error"):
        raise InvalidArgument(f"SQL: {tree.get('error_message', 'it cannot be read')}")
    nodes = list(_nodes(tree))
    for node in nodes:
        schema = node.get("schema_name") if node.get("type") == "BASE_TABLE" else None
        if schema not in (None, "", "main", "information_schema", "pg_catalog"):
            whole = f'"{schema}.{node["table_name"]}"'
            raise InvalidArgument(f"there is no schema {schema!r}", hint=f"in quotes: {whole}")
    within = {one["key"].casefold() for node in nodes for one in _ctes(node)}
    named = {
        node["table_name"]
        for node in nodes
        if node.get("type") == "BASE_TABLE" and node.get("schema_name") in ("", "main")
    }
    return tuple(sorted(name for name in named if name.casefold() not in within))


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object of a parsed statement."""
    if isinstance(tree, dict):
        yield tree
    for below in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(below, (dict, list)):
            yield from _nodes(below)


def _ctes(node: Mapping[str, Any]) -> list[Any]:
    """Return the tables that a statement makes for itself: WITH name AS (…)."""
    found = node.get("cte_map")
    return found.get("map", []) if isinstance(found, dict) else []


def run_sql(
    statement: str, tables: Mapping[str, AskedTable], limits: Limits | None = None
) -> pd.DataFrame:
    """Return what a statement gives over tables by name.

    Parameters
    ----------
    statement : str
    tables : mapping of str to DataFrame, pyarrow.Table or pyarrow.dataset.Dataset
        Data frames as `cellfolio.metadata.frames.fit_for_sql` makes them; of a data set, what a
        statement needs is read while it runs.
    limits : Limits, optional

    Returns
    -------
    DataFrame
        Whole numbers and truth values with gaps are ``Int64`` and ``boolean``.

    Raises
    ------
    InvalidArgument
        If it is not one statement that reads, is wrong, reads what is no table, or takes more
        than the limits allow.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({"gene": ["TTN", "TTN", "MYH6"], "area": [1.5, 2.5, 9.0]})
    >>> run_sql("select gene, sum(area) as area from cells group by gene order by 1", {
    ...     "cells": cells}).to_dict("list")
    {'gene': ['MYH6', 'TTN'], 'area': [9.0, 4.0]}
    """
    limits = limits or Limits()
    with _closed(limits) as connection, _explained(tables, limits):
        _check(connection, statement)
        for name, frame in tables.items():
            connection.register(name, frame)
        return _executed(connection, statement, limits)


def _executed(
    connection: duckdb.DuckDBPyConnection, statement: str, limits: Limits
) -> pd.DataFrame:
    """Run a statement beside this thread, which hears Ctrl-C and the clock meanwhile."""

    def run() -> pd.DataFrame:
        result = connection.execute(statement)
        kinds = [str(column[1]) for column in result.description]
        return _whole_numbers(_rows(result, limits.rows), kinds)

    with ThreadPoolExecutor(1) as beside:
        future = beside.submit(run)
        try:
            wait([future], limits.seconds)
        finally:
            while not future.done():  # once may be between two pieces of the result
                connection.interrupt()
                wait([future], _AGAIN)
        return future.result()


def _rows(result: duckdb.DuckDBPyConnection, most: int | None) -> pd.DataFrame:
    if most is None:
        return result.df()
    import pandas as pd

    parts = [result.fetch_df_chunk()]
    count = len(parts[0])
    while count < most and len(part := result.fetch_df_chunk()):
        parts.append(part)
        count += len(part)
    return pd.concat(parts, ignore_index=True).head(most) if len(parts) > 1 else parts[0].head(most)


def _whole_numbers(frame: pd.DataFrame, kinds: Sequence[str]) -> pd.DataFrame:
    """Make sums of whole numbers whole numbers again, where they are exact."""
    for at, kind in enumerate(kinds):
        column = frame.iloc[:, at]
        if kind == "HUGEINT" and not (column.abs() >= _EXACT).any():
            frame.isetitem(at, column.astype("Int64" if column.isna().any() else "int64").array)
    return frame


@contextmanager
def _closed(limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "enable_external_access": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "temp_directory": "",
            "memory_limit": f"{limits.memory}B",
            "lock_configuration": True,
        },
    )
    try:
        yield connection
    finally:
        connection.close()


def _check(connection: duckdb.DuckDBPyConnection, statement: str) -> None:
    from duckdb import StatementType

    found = connection.extract_statements(statement)
    if len(found) != 1:
        raise InvalidArgument(f"{_READS}; found {len(found)} statements")
    kind = found[0].type
    if kind == StatementType.MULTI:
        raise InvalidArgument(
            f"{_READS}; found one that makes others",
            hint="PIVOT needs its values: PIVOT … ON column IN ('a', 'b')",
        )
    if kind != StatementType.SELECT:
        raise InvalidArgument(f"{_READS}; found {kind.name}", hint="nothing was done")
    if re.match(r"\s*show\b", found[0].query, re.IGNORECASE):
        raise InvalidArgument(f"{_READS}; found SHOW", hint="--tables lists the tables")


@contextmanager
def _explained(tables: Mapping[str, AskedTable], limits: Limits) -> Iterator[None]:
    """Turn what the engine says into errors of ours."""
    import duckdb

    try:
        yield
    except duckdb.PermissionException as error:
        raise InvalidArgument(
            f"a query reads nothing but the tables of the package: {_first_line(error)}",
            hint="--tables lists them",
        ) from None
    except duckdb.InterruptException:
        raise InvalidArgument(
            f"the query was ended after {limits.seconds:g} s",
            hint="ask for less, or allow more time: --timeout",
        ) from None
    except duckdb.OutOfMemoryException:
        raise InvalidArgument(
            f"the query needs more than the {limits.memory / 1e9:g} GB of memory it may use",
            hint="ask for fewer columns or rows, or aggregate earlier",
        ) from None
    except duckdb.Error as error:
        hint = _advice(str(error), tables)
        raise InvalidArgument(f"SQL: {_first_line(error)}", hint=hint) from None


def _first_line(error: Exception) -> str:
    told = str(error).split("\n\n")[0].split("\nDid you mean")[0].split("\nCandidate bindings")[0]
    return " ".join(re.sub(r"^[A-Za-z ]+ Error: ", "", told).split())


def _advice(message: str, tables: Mapping[str, AskedTable]) -> str:
    """Return a hint: near columns where one is not known, else those of all tables."""
    if "Parser Error" in message or not tables:
        return ""
    known = {name: table for table, asked in tables.items() for name in _names(asked)}
    unknown = re.search(r'[Cc]olumn (?:named )?"([^"]+)"', message)
    near = get_close_matches(unknown[1], known, n=3) if unknown else []
    if near:
        return f"did you mean {', '.join(near)}?"
    return "; ".join(f"{table} has {_listed(asked)}" for table, asked in tables.items())


def _names(table: Any) -> list[str]:
    return [str(name) for name in (table.schema.names if hasattr(table, "schema") else table)]


def _listed(table: Any) -> str:
    names = _names(table)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
