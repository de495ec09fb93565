"""What the tables of a package are called.

Every file that is a table has these names, from the surest to the shortest:

1. its logical key, ``2d_fields/metadata.csv``;
2. the key without the suffix of its format, ``2d_fields/metadata``;
3. an identifier made of that, ``_2d_fields_metadata``, which SQL takes without quotes;
4. the last components of 1 and 2, such as ``metadata``, and an identifier of the last one.

A name is used only if one table has it. Files that hold several tables lend their name to each:
``counts.h5ad/obs``, ``counts.h5ad/var``, ``wells.sqlite/TABLE``. `BUILT_IN` names are always
those of the built-in tables; a file of such a name is reached by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from cellfolio.errors import InvalidArgument
from cellfolio.formats.standard import DEFAULT
from cellfolio.package.keys import identifier
from cellfolio.package.package import Package

ENTRIES, ENTRY_META, CELLS = "entries", "entry_meta", "cells"
BUILT_IN = {
    ENTRIES: "one row for each file: key, size, digest, where it is, metadata as JSON",
    ENTRY_META: "one row for each file, one column for each field of its metadata",
    CELLS: "the joined cells of the cardiomyocyte study",
}
"""Name → what the table is."""
PARTS = {"h5ad": ("obs", "var"), "sqlite": ("*",)}
"""Tables within files of a format; ``*`` where only the file can tell."""
_TABULAR = ("csv", "tsv", "parquet", "json", "jsonl", "h5ad", "sqlite")
_NOT_TABLES = (".ipynb", ".geojson")
_SUFFIXES = sorted(
    (
        (suffix, one.name)
        for one in DEFAULT
        if one.name in _TABULAR
        for suffix in one.suffixes
        if suffix not in _NOT_TABLES
    ),
    key=lambda pair: -len(pair[0]),
)
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table of a package, and the file it is in.

    Attributes
    ----------
    key : str
        Logical key of the file.
    stem : str
        The key without the suffix of its format.
    format : str
    part : str
        Which table within the file; empty where the file is one table, ``*`` for all of a
        database.
    """

    key: str
    stem: str
    format: str
    part: str = ""

    @property
    def name(self) -> str:
        """The name that always works, quoted."""
        return f"{self.key}/{self.part}" if self.part else self.key

    @property
    def short(self) -> str:
        """The name without the suffix of the format."""
        return f"{self.stem}/{self.part}" if self.part else self.stem

    @property
    def folder(self) -> str:
        """Logical key of the folder it is in, with a closing ``/``; empty for the root."""
        return self.key.rpartition("/")[0] + "/" if "/" in self.key else ""


def list_table_files(package: Package) -> tuple[TableFile, ...]:
    """Return the tables among the files of a package, by key; no file is read.

    Examples
    --------
    >>> from cellfolio.package.entry import Entry
    >>> package = Package.of([Entry(k, "file:///x") for k in ("a/x.csv", "b.h5ad", "c.tiff")])
    >>> [table.name for table in list_table_files(package)]
    ['a/x.csv', 'b.h5ad/obs', 'b.h5ad/var']
    """
    return tuple(
        table for index in range(len(package.rows)) for table in _tables_in(package.rows.key(index))
    )


def _tables_in(key: str) -> Iterator[TableFile]:
    lower = key.lower()
    for suffix, format_name in _SUFFIXES:
        if lower.endswith(suffix):
            for part in PARTS.get(format_name, ("",)):
                yield TableFile(key, key[: -len(suffix)], format_name, part)
            return


def find_table(name: str, tables: Sequence[TableFile]) -> TableFile:
    """Return the table that a name stands for.

    Parameters
    ----------
    name : str
    tables : sequence of TableFile
        From `list_table_files`.

    Raises
    ------
    InvalidArgument
        If no table has the name, or several have.

    Examples
    --------
    >>> tables = [TableFile("a/x.csv", "a/x", "csv"), TableFile("w.db", "w", "sqlite", "*")]
    >>> find_table("x", tables).key, find_table("w.db/plates", tables).part
    ('a/x.csv', 'plates')
    """
    for changed in (str, str.casefold):
        for fits in _LEVELS:
            found = [one for table in tables for one in fits(changed(name), table, changed)]
            if len(found) == 1:
                return found[0]
            if found:
                raise _ambiguous(name, found)
    known = dict.fromkeys(one for table in tables for one in _names(table))
    near = dict.fromkeys(map(quoted, get_close_matches(name, known, n=3)))
    raise InvalidArgument(
        f"there is no table {name!r}",
        hint=(f"did you mean {', '.join(near)}? " if near else "")
        + 'quote names that hold dots or slashes: "a/b.csv"; --tables lists all',
    )


def quoted(name: str) -> str:
    """Return a name as SQL takes it: in quotes if it is no identifier.

    Examples
    --------
    >>> quoted("a/b.csv"), quoted("wells")
    ('"a/b.csv"', 'wells')
    """
    return name if name == identifier(name) else '"' + name.replace('"', '""') + '"'


def _names(table: TableFile) -> tuple[str, ...]:
    return table.stem.rpartition("/")[2], table.short, identifier(table.short), table.name


def _ambiguous(name: str, found: Sequence[TableFile]) -> InvalidArgument:
    shown = ", ".join(quoted(one.short) for one in found[:_SHOWN])
    if len({one.short for one in found}) < len(found):
        shown = ", ".join(quoted(one.name) for one in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return InvalidArgument(
        f"the name {name!r} is that of {len(found)} tables: {shown}{more}",
        hint="name one of them in full",
    )


_Change = Callable[[str], str]


def _by_key(name: str, table: TableFile, changed: _Change) -> Iterator[TableFile]:
    yield from _if_named(name, (table.key,), table, changed, whole=True)


def _by_stem(name: str, table: TableFile, changed: _Change) -> Iterator[TableFile]:
    yield from _if_named(name, (table.stem,), table, changed, whole=True)


def _by_identifier(name: str, table: TableFile, changed: _Change) -> Iterator[TableFile]:
    if table.part != "*" and changed(identifier(table.short)) == name:
        yield table


def _by_end(name: str, table: TableFile, changed: _Change) -> Iterator[TableFile]:
    yield from _if_named(name, (table.key, table.stem), table, changed, whole=False)


def _by_last(name: str, table: TableFile, changed: _Change) -> Iterator[TableFile]:
    last = f"{table.stem.rpartition('/')[2]}/{table.part}" if table.part else table.stem
    if table.part != "*" and changed(identifier(last.rpartition("/")[2])) == name:
        yield table


_LEVELS = (_by_key, _by_stem, _by_identifier, _by_end, _by_last)


def _if_named(
    name: str, bases: Sequence[str], table: TableFile, changed: _Change, *, whole: bool
) -> Iterator[TableFile]:
    """Yield the table if `name` is one of `bases`, or its end, with the table's part behind."""
    part = table.part
    if part == "*":  # the last component names the table, as it is written
        name, _, part = name.rpartition("/")
    elif part:
        if not name.endswith(f"/{part}"):
            return
        name = name.removesuffix(f"/{part}")
    for base in map(changed, bases):
        if name and (base == name or (not whole and base.endswith(f"/{name}"))):
            yield replace(table, part=part)
            return
