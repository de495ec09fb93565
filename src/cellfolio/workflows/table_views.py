"""Tables of a package looked at in parts: opened once, sorted, filtered, asked.

Rule 1: a Parquet file is read where it is, by groups of rows; of a remote one, only what is shown.
Rule 2: delimited text becomes Parquet once, kept in the home as everywhere (`formats.tables`).
Rule 3: of a file that is too large for that, or too far away, the first rows are shown, and said
to be no more than that.
Rule 4: SQL reaches what `cellfolio.metadata.sql` lets it: the tables of the package.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.table_rows import MemoryRows, TableRows
from cellfolio.metadata.conditions import Condition
from cellfolio.metadata.frames import fit_for_sql
from cellfolio.metadata.row_order import Sorting, order_rows
from cellfolio.metadata.sql import Limits, run_sql, tables_named
from cellfolio.metadata.table_names import BUILT_IN, find_table, list_table_files
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.workflows.kept import Kept
from cellfolio.workflows.package_tables import read_tables
from cellfolio.workflows.table_opening import FilePlace, OpenTable, open_table, place_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

THIS = "this"
"""What a statement calls the table that is shown."""
ROWS = 1_000_000
"""Rows of the result of a statement."""
LIMITS = Limits(memory=1_500_000_000, seconds=30.0, rows=ROWS + 1)
_TABLES = 1_500_000_000
_ORDERS = 300_000_000
"""Bytes of tables, and of orders of rows, that are kept."""
AT_ONCE = 2
"""Tables that are opened at a time, and statements that run: each may take a lot of memory."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which rows of a table are wanted, and in which order.

    Attributes
    ----------
    sql : str
        A statement whose result takes the place of the table; empty for none.
    where : tuple of Condition
    sort : tuple of Sorting
    """

    sql: str = ""
    where: tuple[Condition, ...] = ()
    sort: tuple[Sorting, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a table in the order that is wanted.

    Attributes
    ----------
    table : OpenTable
    order : ndarray of int or None
        Numbers of rows; None for all as they are.
    """

    table: OpenTable
    order: np.ndarray | None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.table.rows.count if self.order is None else len(self.order)

    def read(self, columns: Sequence[int], first: int = 0, count: int | None = None) -> pa.Table:
        """Return some columns of some rows in order; all rows without `count`."""
        end = self.count if count is None else min(first + count, self.count)
        if self.order is None:
            return self.table.rows.read(columns, slice(first, end))
        return self.table.rows.read(columns, self.order[first:end])


class TableViews:
    """Opens tables, keeps those in use, and answers questions about them.

    Parameters
    ----------
    home : Home
    limits : Limits, optional
        What a statement of SQL may take.
    """

    def __init__(self, home: Home, limits: Limits = LIMITS) -> None:
        self._home = home
        self._limits = limits
        self._tables: Kept[tuple[Any, ...], OpenTable] = Kept(_TABLES, lambda one: one.weight)
        self._opening = threading.BoundedSemaphore(AT_ONCE)
        self._asking = threading.BoundedSemaphore(AT_ONCE)
        self._orders: Kept[tuple[Any, ...], np.ndarray] = Kept(_ORDERS, lambda one: one.nbytes)

    def open(self, package: Package, entry: Entry, part: str = "") -> OpenTable:
        """Open a table.

        Parameters
        ----------
        package : Package
        entry : Entry
        part : str
            Which table of a database; by default its first.

        Raises
        ------
        BrokenFile, UnknownFormat, InvalidArgument, TransferIncomplete
        """
        place = place_of(entry, self._home)
        key = ("table", place.identity, part)

        def make() -> OpenTable:
            with self._opening:
                return open_table(place, package, self._home, part)

        return self._tables.get(key, make)

    def find(self, package: Package, entry: Entry, part: str, sought: Sought) -> Found:
        """Return the rows that are wanted.

        Raises
        ------
        InvalidArgument
            If the statement, a condition or a column is wrong, or it takes too much.
        BrokenFile, TransferIncomplete
        """
        place = place_of(entry, self._home)
        table = self.open(package, entry, part)
        key: tuple[Any, ...] = (place.identity, part, sought.sql)
        if sought.sql:
            # Other tables that are named may change meanwhile, so the revision is in the key.
            key = (*key, package.top_hash)
            shown = table
            table = self._tables.get(key, lambda: self._ask(package, place, shown, sought.sql))
        if not sought.where and not sought.sort:
            return Found(table, None)
        rows = table.rows
        wanted = (key, sought.where, sought.sort)
        order = self._orders.get(wanted, lambda: _order(rows, sought))
        return Found(table, order)

    def _ask(self, package: Package, place: FilePlace, shown: OpenTable, sql: str) -> OpenTable:
        asked: dict[str, Any] = {}
        try:
            names = tables_named(sql)
            listed = list_table_files(package) if any(_is_file(one) for one in names) else ()
            for name in names:
                asked[name] = self._asked(package, place, shown, name, listed)
            with self._asking:
                frame = run_sql(sql, asked, self._limits)
        except InvalidArgument as error:
            raise InvalidArgument(error.message, hint=_hint(error.hint)) from None
        cut = len(frame) > ROWS
        table = MemoryRows(_arrow(frame.head(ROWS) if cut else frame))
        note = f"The statement gives more rows; these are the first {ROWS:,}." if cut else ""
        return OpenTable(table, shown.name, shown.part, shown.parts, note)

    def _asked(
        self, package: Package, place: FilePlace, shown: OpenTable, name: str, listed: Any
    ) -> Any:
        """Return a table as SQL reads it."""
        if name.casefold() == THIS:
            return shown.for_sql()
        if name.casefold() in BUILT_IN:
            return read_tables(package, [name], self._home).frames[name]
        file = find_table(name, listed)
        if file.key == place.entry.logical_key and file.part in ("", shown.part):
            return shown.for_sql()
        entry = package.entry(file.key)
        other = place_of(entry, self._home)
        other.require_near()
        if file.format in ("h5ad", "json"):
            return read_tables(package, [name], self._home).frames[name]
        opened = self.open(package, entry, file.part)
        if opened.note:
            raise InvalidArgument(f"{name} is too large to be asked here", hint=_ELSEWHERE)
        return opened.for_sql()


_ELSEWHERE = "ask with `cellfolio query`, which has no such limits"


def _is_file(name: str) -> bool:
    return name.casefold() != THIS and name.casefold() not in BUILT_IN


def _hint(hint: str) -> str:
    """Return a hint without words of the command line."""
    if "--tables" in hint:
        return f'call this table {THIS}; others by their path in quotes, "folder/file.csv"'
    return _ELSEWHERE if "--timeout" in hint else hint


def _order(rows: TableRows, sought: Sought) -> np.ndarray:
    import numpy as np

    found = order_rows(rows, sought.where, sought.sort)
    return np.arange(rows.count) if found is None else found


def _arrow(frame: Any) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pandas(fit_for_sql(frame), preserve_index=False)
