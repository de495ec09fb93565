"""Questions to a package: SQL and conditions over its tables and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import EntryNotFound, InvalidArgument
from cellfolio.metadata.cardio import JoinedCells
from cellfolio.metadata.conditions import Condition, parse_conditions
from cellfolio.metadata.entry_tables import (
    entries_table,
    entry_meta_table,
    select_entries,
    select_rows,
)
from cellfolio.metadata.frames import fit_for_sql, table_of
from cellfolio.metadata.named_files import NamedFiles, find_named_files
from cellfolio.metadata.sql import Limits, run_sql, tables_named
from cellfolio.metadata.table_names import (
    BUILT_IN,
    CELLS,
    ENTRIES,
    ENTRY_META,
    TableFile,
    find_table,
    list_table_files,
    quoted,
)
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.package.patterns import literal_pattern
from cellfolio.package.plan import want
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.progress import Progress
from cellfolio.workflows.cardio import cardio_cells, find_cardio_tables
from cellfolio.workflows.getting import GetOptions, Got, get_package
from cellfolio.workflows.loading import load
from cellfolio.workflows.opening import Opened, open_package

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class NamedTable:
    """A table that can be asked.

    Attributes
    ----------
    name : str
        As SQL takes it, quoted where it has to be.
    short : str
        A shorter name that will do.
    key : str
        Logical key of its file; empty for a built-in table.
    size : int or None
        Bytes of the file.
    here : bool
        Whether nothing has to be fetched for it.
    about : str
    """

    name: str
    short: str
    key: str
    size: int | None
    here: bool
    about: str


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
        rows = self.part.rows
        return tuple(rows.row(index).entry() for index in self.named.indices)

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
    return ask(opened, part, asked, limits, progress=progress, home=home)


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
        return QueryResult(select_entries(part, conditions)[1], opened, part, asked)
    names = tables_named(sql) if sql is not None else (str(table),)
    found = _Tables(part, home, progress).read(names)
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


def list_tables(package: Package, home: Home) -> tuple[NamedTable, ...]:
    """Return the tables of a package that is open already (see `tables`)."""
    built_in = [ENTRIES, ENTRY_META]
    if find_cardio_tables(package):
        built_in.append(CELLS)
    return (
        *(NamedTable(name, name, "", None, True, BUILT_IN[name]) for name in built_in),
        *_file_tables(package, home),
    )


def _file_tables(package: Package, home: Home) -> Iterator[NamedTable]:
    files = list_table_files(package)
    entries = {table.key: package.entry(table.key) for table in files}
    held = home.blobs.find([want(entry) for entry in entries.values()])
    lasts = [table.short.rpartition("/")[2].casefold() for table in files]
    for table, last in zip(files, lasts, strict=True):
        short = table.short.rpartition("/")[2]
        unique = lasts.count(last) == 1 and last not in BUILT_IN and table.part == ""
        entry = entries[table.key]
        yield NamedTable(
            quoted(table.name),
            quoted(short if unique else table.short),
            table.key,
            entry.size,
            want(entry) in held,
            _about(table),
        )


def _about(table: TableFile) -> str:
    if table.format == "json":
        return "json, if it is a list of objects"
    return f"{table.format}, all of its tables" if table.part == "*" else table.format


@dataclass(frozen=True, slots=True)
class _Read:
    """Tables by the name they were asked for, folders they are in, how the cells joined."""

    frames: dict[str, pd.DataFrame]
    bases: tuple[str, ...]
    joined: JoinedCells | None


class _Tables:
    """Reads the tables of a package by name."""

    def __init__(self, package: Package, home: Home, progress: Progress | None) -> None:
        self._package = package
        self._home = home
        self._progress = progress

    def read(self, names: Sequence[str]) -> _Read:
        """Fetch and read tables, all files at once."""
        built_in = {name for name in names if name.casefold() in BUILT_IN}
        others = [name for name in names if name not in built_in]
        listed = list_table_files(self._package) if others else ()
        files = {name: find_table(name, listed) for name in others}
        entries = {file.key: self._package.entry(file.key) for file in files.values()}
        ensure_held(entries.values(), self._home, self._progress)
        frames = {name: self._frame(file) for name, file in files.items()}
        bases = {file.folder: None for file in files.values()}
        joined = None
        for name in sorted(built_in):
            if name.casefold() == CELLS:
                joined = cardio_cells(self._package, progress=self._progress, home=self._home)
                frames[name] = fit_for_sql(joined.table)
                keys = find_cardio_tables(self._package).values()
                bases.update((key.rpartition("/")[0] + "/", None) for key in keys if "/" in key)
            elif name.casefold() == ENTRIES:
                frames[name] = entries_table(self._package)
            else:
                frames[name] = entry_meta_table(self._package)
        return _Read(frames, tuple(base for base in bases if base), joined)

    def _frame(self, file: TableFile) -> pd.DataFrame:
        if file.format == "sqlite":
            return fit_for_sql(self._load(file.key, table_name=file.part))
        found = self._load(file.key, **({"lazy": True} if file.format == "h5ad" else {}))
        if file.format == "h5ad":
            return fit_for_sql(_annotations(found, file.part))
        if file.format in ("json", "jsonl"):
            return _records(found, file.key)
        return fit_for_sql(found)

    def _load(self, key: str, **options: Any) -> Any:
        return load(self._package, key, home=self._home, **options)


def _annotations(data: Any, part: str) -> pd.DataFrame:
    """Return the table of observations or variables of AnnData, with their names as a column."""
    try:
        frame: pd.DataFrame = data.obs if part == "obs" else data.var
        name = str(frame.index.name or f"{part}_names")
        return frame.reset_index(names=name if name not in frame else f"{part}_names")
    finally:
        data.file.close()


def _records(document: Any, key: str) -> pd.DataFrame:
    if not isinstance(document, list) or not all(isinstance(one, dict) for one in document):
        found = type(document).__name__ if not isinstance(document, list) else "a list of others"
        raise InvalidArgument(f"{key} is no table: expected a list of objects, found {found}")
    return table_of(document)
