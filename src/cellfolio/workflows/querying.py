"""Questions to a package: SQL and conditions over its tables and files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.errors import EntryNotFound, InvalidArgument
from cellfolio.metadata.cardio import JoinedCells
from cellfolio.metadata.conditions import Condition, parse_conditions
from cellfolio.metadata.entry_tables import select_entries, select_rows
from cellfolio.metadata.named_files import NamedFiles, find_named_files
from cellfolio.metadata.sql import Limits, run_sql, tables_named
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.package.patterns import literal_pattern
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.getting import GetOptions, Got, get_package
from cellfolio.workflows.loading import openable
from cellfolio.workflows.opening import Opened, open_package
from cellfolio.workflows.package_tables import NamedTable, list_tables, read_tables

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked.

    Attributes
    ----------
    sql : str or None
    where : tuple of str
    table : str or None
    """

    sql: str | None = None
    where: tuple[str, ...] = ()
    table: str | None = None


@dataclass(frozen=True)
class QueryResult:
    """What a query found.

    Attributes
    ----------
    table : DataFrame
    opened : Opened
        The package, and where it is from.
    part : Package
        What of it was asked: all, or what a path names.
    asked : Asked
    bases : tuple of str
        Folders of the tables that were read: paths in the result may start from them.
    column : str or None
        The column that names files, if it was named.
    joined : JoinedCells or None
        How the table ``cells`` joined, if it was read.
    """

    table: pd.DataFrame
    opened: Opened
    part: Package
    asked: Asked
    bases: tuple[str, ...] = ()
    column: str | None = None
    joined: JoinedCells | None = None

    @cached_property
    def named(self) -> NamedFiles:
        """The files that the result names, and values that name none."""
        return find_named_files(self.table, self.part, self.bases, self.column)

    def naming(self, column: str) -> QueryResult:
        """Return the same result, whose files are those that a column names."""
        return replace(self, column=column)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The files that the result names, by key."""
        return tuple(self.part.select(self.named.indices).walk())

    @property
    def unknown(self) -> tuple[str, ...]:
        """Values of the column with files that name none."""
        return self.named.unknown

    @cached_property
    def package(self) -> Package:
        """The package of just these files; its metadata tells where it is from.

        Metadata of the whole package stays; ``subset_of`` in it has name, registry and top hash of
        the package, and the query.
        """
        whole = self.opened.package
        part = self.part.select(self.named.indices)
        kept = whole.meta if isinstance(whole.meta, Mapping) else {}
        origin = {
            "package": self.opened.name,
            "registry": self.opened.registry,
            "top_hash": whole.top_hash,
            "sql": self.asked.sql,
            "where": list(self.asked.where),
            "table": self.asked.table,
            "column": self.named.column,
        }
        files = f"{part.file_count:,} of {whole.file_count:,} files"
        return part.with_header(
            user_meta={**kept, "subset_of": origin}, message=f"{files} of {whole.title}"
        )

    def __repr__(self) -> str:
        rows, columns = self.table.shape
        return f"QueryResult({rows} rows, {columns} columns, of {self.opened.package.title})"


def query(
    package: Package | str,
    sql: str | None = None,
    *,
    where: Sequence[str | Condition] = (),
    table: str | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
    home: Home | None = None,
) -> QueryResult:
    r"""Ask the tables of a package, with SQL or with conditions.

    Every CSV, TSV, Parquet, JSON, SQLite and h5ad file is a table, called as its key (see
    `tables`). So are ``entries`` (the files), ``entry_meta`` (their metadata) and, of the
    cardiomyocyte study, ``cells``. Only the tables that are named are fetched.

    Parameters
    ----------
    package : Package or str
        A package, or the name of one (see `open`); a path after it names a part.
    sql : str, optional
        One statement that reads; nothing else can be reached from it.
    where : sequence of str
        Conditions such as ``gene=TTN``, ``size>1MB``, ``name~*.tiff``, which all hold (see
        `cellfolio.metadata.conditions`): of the files and their metadata; with `table`, of a
        table; with `sql`, of the result.
    table : str, optional
        Table that `where` is about, instead of SQL.
    limits : Limits, optional
        Memory and time of a statement.
    progress : callable, optional
    home : Home, optional

    Returns
    -------
    QueryResult
        With ``.table``, ``.entries`` (the files it names), ``.package`` (of just those).

    Raises
    ------
    InvalidArgument
        If the statement or a condition is wrong, or a table, column or field is not there.
    BrokenFile, TransferIncomplete
        If a table cannot be read or fetched.

    Examples
    --------
    >>> import tempfile, cellfolio
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "wells.csv").write_text("well,gene\nA01,TTN\nA02,MYH6\n")
    ...     found = cellfolio.query(folder, "select well from wells where gene = 'TTN'")
    >>> found.table["well"].tolist()
    ['A01']
    """
    home = home or Home()
    opened, part = _opened(package, home, progress)
    conditions = parse_conditions(where)
    asked = Asked(sql, tuple(map(str, conditions)), table)
    return ask(opened, openable(part, home), asked, limits, progress=progress, home=home)


def ask(
    opened: Opened,
    part: Package,
    asked: Asked,
    limits: Limits | None = None,
    *,
    progress: Progress | None = None,
    home: Home,
) -> QueryResult:
    """Ask a package that is open already (see `query`)."""
    sql, table, conditions = asked.sql, asked.table, parse_conditions(asked.where)
    if sql is not None and table is not None:
        raise InvalidArgument("a statement names its tables; a table is named beside conditions")
    if sql is None and table is None:
        if not conditions:
            raise InvalidArgument(
                "nothing is asked", hint="give a SELECT statement, or conditions (--where)"
            )
        return QueryResult(select_entries(part, conditions), opened, part, asked)
    names = tables_named(sql) if sql is not None else (str(table),)
    found = read_tables(part, names, home, progress)
    frame = next(iter(found.frames.values())) if sql is None else run_sql(sql, found.frames, limits)
    if conditions:
        frame = select_rows(frame, conditions)
    return QueryResult(frame, opened, part, asked, found.bases, joined=found.joined)


def get_found(
    result: QueryResult,
    folder: Path,
    home: Home,
    *,
    confirm: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> Got:
    """Get the files that a result names into a folder (see `cellfolio.workflows.getting`).

    The folder's record names the whole package, so that it can be verified and mended.
    """
    keys = tuple(literal_pattern(entry.logical_key) for entry in result.entries)
    if not keys:
        raise EntryNotFound(f"the result names no file of {result.opened.package.title}")
    options = GetOptions(keys, confirm=confirm)
    return get_package(result.opened, folder, home, options, progress=progress)


def _opened(
    package: Package | str, home: Home, progress: Progress | None
) -> tuple[Opened, Package]:
    if isinstance(package, Package):
        return Opened(package, "", package.name), package
    return split_path(open_package(package, home, progress=progress))


def split_path(opened: Opened) -> tuple[Opened, Package]:
    """Return a whole package, and the part of it that a path in its reference names."""
    part = opened.package.subset(opened.path) if opened.path else opened.package
    return replace(opened, path=""), part


def tables(
    package: Package | str, *, progress: Progress | None = None, home: Home | None = None
) -> tuple[NamedTable, ...]:
    """Return the tables of a package that can be asked (see `query`); no file is read.

    Parameters
    ----------
    package : Package or str
    progress : callable, optional
    home : Home, optional
    """
    home = home or Home()
    return list_tables(_opened(package, home, progress)[1], home)
