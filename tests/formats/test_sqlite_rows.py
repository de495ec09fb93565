"""Rows out of pages of SQLite: what SQLite itself gives, whatever their size and types."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import BrokenFile
from cellfolio.formats.databases import opened
from cellfolio.formats.format import Source
from cellfolio.formats.sqlite_rows import TableRows
from cellfolio.formats.streams import faults_named

WHOLE = st.one_of(
    st.sampled_from([0, 1, -1]),
    *(st.integers(-(1 << n), (1 << n) - 1) for n in (7, 15, 23, 47, 63)),
)
VALUES = st.one_of(
    st.none(), st.just("nan"), st.just("NaN"), WHOLE, st.floats(allow_nan=False), st.just("1.5")
)


def write(path: Path, rows: list[list[Any]], *, page: int = 4096, kind: str = "") -> list[str]:
    names = [f"c{at}" for at in range(len(rows[0]))]
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(f"PRAGMA page_size = {page}")
        file.execute(f"CREATE TABLE t (key TEXT, {', '.join(f'{name} {kind}' for name in names)})")
        slots = ", ".join("?" * (len(names) + 1))
        file.executemany(f"INSERT INTO t VALUES ({slots})", [["k" * 32, *row] for row in rows])
    file.close()
    return names


def numbers(path: Path, names: list[str]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Row numbers, and what SQLite gives, as floats of shape (columns, rows)."""
    file = sqlite3.connect(path)
    rows = file.execute(f"SELECT rowid, {', '.join(names)} FROM t").fetchall()
    file.close()
    values = [[np.nan if value is None else float(value) for value in row[1:]] for row in rows]
    return np.array([row[0] for row in rows]), np.array(values, dtype=float).T


def check(path: Path, names: list[str], order: np.ndarray[Any, Any] | None = None) -> None:
    rowids, expected = numbers(path, names)
    order = np.arange(len(rowids)) if order is None else order
    with opened(Source(path, path.name)) as connection:
        found = TableRows(connection, path, "t").read(rowids[order], names)
    np.testing.assert_array_equal(found, expected[:, order])


@given(
    rows=st.integers(1, 60).flatmap(
        lambda width: st.lists(st.lists(VALUES, min_size=width, max_size=width), min_size=1)
    ),
    kind=st.sampled_from(["", "FLOAT", "BIGINT"]),
    page=st.sampled_from([512, 1024]),
)
@settings(max_examples=60)
def test_the_numbers_are_those_that_sqlite_gives(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[Any]], kind: str, page: int
) -> None:
    path = tmp_path_factory.mktemp("rows") / "cells.sqlite"
    check(path, write(path, rows, page=page, kind=kind))


@pytest.mark.parametrize("page", [512, 4096, 65536])
@pytest.mark.parametrize("width", [1, 55, 400, 1500])
def test_rows_longer_than_pages_in_any_order(tmp_path: Path, page: int, width: int) -> None:
    chance = np.random.default_rng(width)
    values = chance.normal(size=(200, width))
    values[:, ::7] = np.round(values[:, ::7])
    names = write(tmp_path / "cells.sqlite", values.tolist(), page=page, kind="FLOAT")
    check(tmp_path / "cells.sqlite", names, chance.permutation(200))


def test_rows_that_were_deleted_and_columns_that_were_added(tmp_path: Path) -> None:
    path = tmp_path / "cells.sqlite"
    names = write(path, np.arange(900.0).reshape(300, 3).tolist())
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM t WHERE rowid % 3 = 0")
        file.execute("ALTER TABLE t ADD COLUMN later REAL DEFAULT 2.5")
        file.execute("INSERT INTO t VALUES (?, 1, 2, 3, 4)", ["long" * 100])
    file.close()
    check(path, [*names, "later"])


def test_column_that_is_the_number_of_the_row(tmp_path: Path) -> None:
    path = tmp_path / "cells.sqlite"
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a FLOAT)")
        file.executemany("INSERT INTO t VALUES (?, ?)", [(7, 1.5), (3, 2.0)])
    file.close()
    check(path, ["a", "id"])


def test_text_that_is_no_number_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cells.sqlite"
    write(path, [[1.0, "blue"]])
    with (
        opened(Source(path, path.name)) as connection,
        pytest.raises(BrokenFile, match="c1 should hold numbers, found 'blue'"),
    ):
        TableRows(connection, path, "t").read(np.array([1]), ["c0", "c1"])


@pytest.mark.parametrize("seed", range(12))
def test_damaged_pages_never_give_anything_but_an_error(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "cells.sqlite"
    chance = np.random.default_rng(seed)
    names = write(path, chance.normal(size=(60, 300)).tolist(), page=1024)
    data = bytearray(path.read_bytes())
    for place in chance.integers(1024, len(data), 4000):
        data[place] = chance.integers(256)
    path.write_bytes(data)
    source = Source(path, path.name)
    # What is damaged may be a number, and then nobody can know.
    with suppress(BrokenFile), faults_named(source, "sqlite"), opened(source) as connection:
        TableRows(connection, path, "t").read(np.arange(1, 61), names)
