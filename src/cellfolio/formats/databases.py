"""SQLite files, never written to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.options import check_columns
from cellfolio.formats.streams import empty, faults_named
from cellfolio.package.nearest import suggest

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Database:
    """The tables of a database.

    Attributes
    ----------
    source : Source
    tables : tuple of str
        Names of tables and views, sorted.
    """

    source: Source
    tables: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Database({self.source.name}, tables={list(self.tables)})"

    def size(self, table_name: str) -> tuple[int, int]:
        """Return how many rows and columns a table has.

        Raises
        ------
        BrokenFile, InvalidArgument
        """
        self._check(table_name)
        with faults_named(self.source, "sqlite"), opened(self.source) as connection:
            found = connection.execute(f"SELECT * FROM {quoted(table_name)} LIMIT 0").description
            rows = connection.execute(f"SELECT COUNT(*) FROM {quoted(table_name)}").fetchone()[0]
            return rows, len(found)

    def read(
        self,
        table_name: str,
        *,
        columns: Sequence[str] | None = None,
        most: int | None = None,
    ) -> pd.DataFrame:
        """Read a table.

        Parameters
        ----------
        table_name : str
        columns : sequence of str, optional
            Those wanted, in this order.
        most : int, optional
            Rows at most, the first ones.

        Raises
        ------
        BrokenFile
            If the file is damaged.
        InvalidArgument
            If there is no such table or column.
        """
        import pandas as pd

        self._check(table_name)
        with faults_named(self.source, "sqlite"), opened(self.source) as connection:
            shown = "*"
            if columns is not None:
                rows = connection.execute(f"SELECT * FROM {quoted(table_name)} LIMIT 0")
                check_columns(self.source, columns, [one[0] for one in rows.description])
                shown = ", ".join(map(quoted, columns))
            query = f"SELECT {shown} FROM {quoted(table_name)}"
            query += "" if most is None else f" LIMIT {int(most)}"
            return pd.read_sql_query(query, connection)

    def _check(self, table_name: str) -> None:
        if table_name not in self.tables:
            raise InvalidArgument(
                f"{self.source.name} has no table {table_name!r}; it has "
                f"{', '.join(self.tables) or 'none'}",
                hint=suggest(table_name, self.tables),
            )


def read_sqlite(
    source: Source,
    *,
    table_name: str | None = None,
    columns: Sequence[str] | None = None,
) -> Database | pd.DataFrame:
    """Open a database, or read one of its tables.

    Parameters
    ----------
    source : Source
    table_name : str, optional
    columns : sequence of str, optional
        Those wanted of that table.

    Raises
    ------
    BrokenFile
        If it is cut off, damaged, or another program is writing to it.
    InvalidArgument
        If there is no such table or column.
    """
    if columns is not None and table_name is None:
        raise InvalidArgument("columns= are of a table; name it with table_name=")
    check_size(source)
    with faults_named(source, "sqlite"), opened(source) as connection:
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        )
        database = Database(source, tuple(name for (name,) in found))
    return database if table_name is None else database.read(table_name, columns=columns)


def check_size(source: Source) -> None:
    """Raise BrokenFile if the file has not the number of pages that its header tells.

    References
    ----------
    https://www.sqlite.org/fileformat2.html, sections 1.3.2 and 1.3.7: a page size of 1 means
    65,536; the number of pages counts where the two change counters agree.
    """
    found = source.path.stat().st_size
    if not found:
        raise empty(source, "sqlite")
    with source.path.open("rb") as file:
        header = file.read(100)
    page = int.from_bytes(header[16:18], "big")
    page = 65536 if page == 1 else page
    pages = int.from_bytes(header[28:32], "big")
    needed = page * pages if header[24:28] == header[92:96] else 0
    if len(header) < 100 or found < needed or (page and found % page):
        raise BrokenFile(
            source.name,
            "sqlite",
            f"it is cut off: expected {max(needed, 100)} bytes, found {found}",
            hint="get the file again",
        )


@contextmanager
def opened(source: Source) -> Iterator[sqlite3.Connection]:
    """Open a database that is not written to.

    Raises
    ------
    BrokenFile
        If another program has not finished writing to it.
    """
    log = source.path.with_name(source.path.name + "-wal")
    if log.exists() and log.stat().st_size:
        raise BrokenFile(
            source.name,
            "sqlite",
            f"changes that are not in it yet lie in {log.name}",
            hint="end the program that writes to it, or open it once with sqlite3",
        )
    # Immutable: no lock and no journal, so that files of the store and read-only disks will do.
    uri = f"file:{quote(str(source.path.resolve()))}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True)
    try:
        yield connection
    finally:
        connection.close()


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
