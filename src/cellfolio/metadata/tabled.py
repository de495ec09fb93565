"""What a graph needs to know of the rows of a table, and of the files that they name."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cellfolio.metadata.json_columns import frame_of, free_name
from cellfolio.metadata.kinds import Kind
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package

if TYPE_CHECKING:
    import pandas as pd

ASSOCIATES = "associates"
"""What a file's metadata calls the files of its row: an object, column → logical key."""


@dataclass(frozen=True)
class FileList:
    """The files below a folder of a package, by logical keys without that folder.

    Attributes
    ----------
    package : Package
    base : str
        The folder with a closing ``/``, or empty.
    """

    package: Package
    base: str = ""

    @cached_property
    def metas(self) -> Mapping[str, Mapping[str, Any]]:
        """Logical key → metadata that the authors gave the file; empty where none."""
        rows = self.package.rows
        span = rows.folder(self.base) if self.base else (0, len(rows))
        cut = len(self.base)
        return {row.key.decode()[cut:]: _user_meta(row.meta) for row in rows.between(*span)}

    @cached_property
    def folders(self) -> Collection[str]:
        """Every folder that has files below it."""
        found: set[str] = set()
        for key in self.metas:
            folder = key.rpartition("/")[0]
            while folder and folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return found

    def __contains__(self, key: object) -> bool:
        return key in self.metas or key in self.folders

    def entries(self, key: str) -> tuple[Entry, ...]:
        """Return a file, or the files of a folder."""
        rows = self.package.rows
        at = rows.find(self.base + key)
        if at is not None:
            return (rows.row(at).entry(self.package.opener),)
        span = rows.folder(f"{self.base}{key}/")
        return tuple(row.entry(self.package.opener) for row in rows.between(*span))


def _user_meta(text: bytes) -> Mapping[str, Any]:
    if b'"user_meta"' not in text:
        return {}
    found = json.loads(text)
    told = found.get("user_meta") if isinstance(found, dict) else None
    return told if isinstance(told, dict) else {}


@dataclass(frozen=True)
class RowShelf:
    """The rows of a table.

    Attributes
    ----------
    kind : Kind
    table : pandas.DataFrame
    columns : tuple of str
        Those that hold logical keys.
    files : FileList
    """

    kind: Kind
    table: pd.DataFrame
    columns: tuple[str, ...]
    files: FileList

    @cached_property
    def names(self) -> Sequence[str]:
        """Their numbers, from 0."""
        return [str(number) for number in range(len(self.table))]

    @property
    def attributes(self) -> Collection[str]:
        """The columns."""
        return list(self.table.columns)

    def info(self, position: int) -> Mapping[str, Any]:
        """Return a row."""
        return {column: self.values(column, [position])[0] for column in self.attributes}

    def values(self, attribute: str, positions: Sequence[int]) -> Sequence[Any]:
        """Return a column of some rows; missing values as None."""
        column = self.table[attribute].iloc[list(positions)]
        return [
            None if gap else one for one, gap in zip(column.tolist(), column.isna(), strict=True)
        ]

    def entries(self, position: int) -> tuple[Entry, ...]:
        """Return the files that a row names, those that are there."""
        keys = [key for key in map(self.info(position).get, self.columns) if isinstance(key, str)]
        return tuple(one for key in dict.fromkeys(keys) for one in self.files.entries(key))

    def frame(self, positions: Sequence[int]) -> pd.DataFrame:
        """Return some rows as they are."""
        part = self.table.iloc[list(positions)]
        return part.set_axis([self.names[one] for one in positions]).rename_axis("name")


@dataclass(frozen=True)
class FileShelf:
    """The files that one column names.

    Attributes
    ----------
    kind : Kind
        Called like the column.
    keys : tuple of str
        Their logical keys.
    files : FileList
    """

    kind: Kind
    keys: tuple[str, ...]
    files: FileList

    @cached_property
    def names(self) -> Sequence[str]:
        """Logical keys, without the folder if all are in the same one."""
        folders = {key.partition("/")[0] for key in self.keys}
        cut = len(next(iter(folders))) + 1 if len(folders) == 1 else 0
        return [key[cut:] for key in self.keys]

    @cached_property
    def attributes(self) -> Collection[str]:
        """What their metadata tell."""
        return dict.fromkeys(name for key in self.keys for name in self._meta(key)).keys()

    def _meta(self, key: str) -> Mapping[str, Any]:
        return self.files.metas.get(key, {})

    def info(self, position: int) -> Mapping[str, Any]:
        """Return the metadata of a file."""
        return self._meta(self.keys[position])

    def values(self, attribute: str, positions: Sequence[int]) -> Sequence[Any]:
        """Return one thing that the metadata of some files tell."""
        return [self.info(position).get(attribute) for position in positions]

    def entries(self, position: int) -> tuple[Entry, ...]:
        """Return the file, or all files if it is a folder."""
        return self.files.entries(self.keys[position])

    def frame(self, positions: Sequence[int]) -> pd.DataFrame:
        """Return the metadata of some files as a table."""
        rows = [self.info(position) for position in positions]
        frame = frame_of(rows, [self.names[one] for one in positions], (ASSOCIATES,))
        name = free_name("logical_key", frame.columns)
        frame.insert(0, name, [self.keys[one] for one in positions])
        return frame
