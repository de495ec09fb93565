"""The tables of a package, by name: those in its files, and those that are built in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.cardio import JoinedCells
from cellfolio.metadata.entry_tables import entries_table, entry_meta_table
from cellfolio.metadata.frames import fit_for_sql, table_of
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
from cellfolio.package.package import Package
from cellfolio.package.plan import want
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.progress import Progress
from cellfolio.workflows.cardio import cardio_cells, find_cardio_tables
from cellfolio.workflows.loading import load

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


def list_tables(package: Package, home: Home) -> tuple[NamedTable, ...]:
    """Return the tables of a package that can be asked; no file is read."""
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
class ReadTables:
    """Tables by the name they were asked for, folders they are in, how the cells joined."""

    frames: dict[str, pd.DataFrame]
    bases: tuple[str, ...]
    joined: JoinedCells | None


def read_tables(
    package: Package, names: Sequence[str], home: Home, progress: Progress | None = None
) -> ReadTables:
    """Fetch and read tables by name, all files at once.

    Raises
    ------
    InvalidArgument
        If there is no table of a name, or several.
    BrokenFile, TransferIncomplete
    """
    built_in = [name for name in names if name.casefold() in BUILT_IN]
    others = [name for name in names if name not in built_in]
    listed = list_table_files(package) if others else ()
    files = {name: find_table(name, listed) for name in others}
    entries = {file.key: package.entry(file.key) for file in files.values()}
    ensure_held(entries.values(), home, progress)
    frames = {name: _frame(file, package, home) for name, file in files.items()}
    folders = [file.folder for file in files.values()]
    joined = None
    for name in built_in:
        if name.casefold() == CELLS:
            joined = cardio_cells(package, progress=progress, home=home)
            frames[name] = fit_for_sql(joined.table)
            keys = find_cardio_tables(package).values()
            folders += [key[: key.rfind("/") + 1] for key in keys]
        else:
            make = entries_table if name.casefold() == ENTRIES else entry_meta_table
            frames[name] = make(package)
    return ReadTables(frames, tuple(dict.fromkeys(filter(None, folders))), joined)


def _frame(file: TableFile, package: Package, home: Home) -> pd.DataFrame:
    if file.format == "sqlite":
        return fit_for_sql(load(package, file.key, home=home, table_name=file.part))
    if file.format == "h5ad":
        return fit_for_sql(_annotations(load(package, file.key, home=home, lazy=True), file.part))
    found = load(package, file.key, home=home)
    return _records(found, file.key) if file.format in ("json", "jsonl") else fit_for_sql(found)


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
