"""The files of a package as tables, and those for which conditions hold.

The fields of a file are `FILE_FIELDS`, those of its ``user_meta``, and those of the metadata of the
folders it is in, the nearest first. A field of the metadata that has the name of another is
reached as ``user_meta.NAME`` or ``folder_meta.NAME``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.conditions import Condition, find_values
from cellfolio.metadata.frames import table_of
from cellfolio.package.entry import Entry
from cellfolio.package.nearest import suggest
from cellfolio.package.package import Package

if TYPE_CHECKING:
    import pandas as pd

FILE_FIELDS = ("logical_key", "name", "suffix", "folder", "size", "digest", "physical_key")
"""Fields that every file has; `size` is missing where it is unknown."""
_SHOWN = ("logical_key", "size")
_MOST_NAMES = 12


def entries_table(package: Package) -> pd.DataFrame:
    """Return one row for each file: `FILE_FIELDS`, and its metadata as JSON.

    ``meta`` is all of it as the manifest has it, ``user_meta`` what its authors gave it,
    ``folder_meta`` that of the folders it is in, merged.

    Examples
    --------
    >>> entry = Entry("a/x.csv", "s3://b/x", 3, meta={"user_meta": {"gene": "TTN"}})
    >>> table = entries_table(Package.of([entry]))
    >>> table[["folder", "suffix", "size", "user_meta"]].to_numpy().tolist()
    [['a', '.csv', 3, '{"gene": "TTN"}']]
    """
    import pandas as pd

    around = _FolderMeta(package)
    rows = [
        (
            *_file_values(entry),
            _json(entry.meta),
            _json(entry.user_meta),
            _json(_merged(around.of(entry.logical_key))),
        )
        for entry in package.walk()
    ]
    names = [*FILE_FIELDS, "meta", "user_meta", "folder_meta"]
    frame = pd.DataFrame(rows, columns=names, dtype=object)
    return frame.astype({"size": "Int64"})


def entry_meta_table(package: Package) -> pd.DataFrame:
    """Return one row for each file, one column for each field of its metadata.

    Nested fields are named with dots, ``associates.2dReadPath``; lists are JSON. What a file does
    not say itself is taken from the folders it is in.
    """
    around = _FolderMeta(package)
    return table_of(
        [
            {"logical_key": entry.logical_key}
            | _flat(_merged([entry.user_meta, *around.of(entry.logical_key)]))
            for entry in package.walk()
        ]
    )


def select_entries(package: Package, conditions: Sequence[Condition]) -> pd.DataFrame:
    """Find the files for which all conditions hold.

    Parameters
    ----------
    package : Package
    conditions : sequence of Condition

    Returns
    -------
    DataFrame
        Their keys and sizes, and the fields that the conditions name.

    Raises
    ------
    InvalidArgument
        If no file has a field of that name.
    """
    around = _FolderMeta(package)
    fields = tuple(dict.fromkeys(condition.field for condition in conditions))
    met: set[str] = set()
    records: list[dict[str, Any]] = []
    for entry in package.walk():
        values = {field: _values(entry, field, around) for field in fields}
        met.update(field for field, found in values.items() if found)
        if all(condition.holds(values[condition.field]) for condition in conditions):
            records.append(_record(entry, values))
    for field in fields:
        if field not in met and field not in FILE_FIELDS:
            raise _unknown(field, package)
    return table_of(records).reindex(columns=list(dict.fromkeys((*_SHOWN, *fields))))


def _record(entry: Entry, values: Mapping[str, list[Any]]) -> dict[str, Any]:
    record: dict[str, Any] = {"logical_key": entry.logical_key, "size": entry.size}
    for field, found in values.items():
        one: Any = found[0] if found else None
        record[field] = one if len(found) < 2 else found
    return record


def _values(entry: Entry, field: str, around: _FolderMeta) -> list[Any]:
    if field in FILE_FIELDS:
        return [_file_values(entry)[FILE_FIELDS.index(field)]]
    source, _, rest = field.partition(".")
    documents: Sequence[Any] = [entry.user_meta, *around.of(entry.logical_key)]
    if rest and source in ("user_meta", "folder_meta"):
        documents, field = documents[:1] if source == "user_meta" else documents[1:], rest
    for document in documents:
        found = find_values(document, field)
        if found:
            return found
    return []


def _file_values(entry: Entry) -> tuple[Any, ...]:
    folder, _, name = entry.logical_key.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    return (
        entry.logical_key,
        name,
        f".{suffix}" if dot and stem else "",
        folder,
        entry.size,
        None if entry.digest is None else str(entry.digest),
        entry.physical_key,
    )


class _FolderMeta:
    """The metadata of the folders that a file is in, the nearest first."""

    def __init__(self, package: Package) -> None:
        self._meta = package.folder_meta
        self._of_folder = lru_cache(maxsize=1024)(self._documents)

    def of(self, key: str) -> list[Any]:
        if not self._meta:
            return []
        return list(self._of_folder(key.rpartition("/")[0]))

    def _documents(self, folder: str) -> tuple[Any, ...]:
        parts = folder.split("/") if folder else []
        prefixes = ("/".join(parts[:end]) + "/" for end in range(len(parts), 0, -1))
        return tuple(self._meta[prefix] for prefix in prefixes if self._meta.get(prefix))


def _merged(documents: Sequence[Any]) -> dict[str, Any]:
    """Merge documents; the first that has a field wins."""
    merged: dict[str, Any] = {}
    for document in reversed(documents):
        if isinstance(document, Mapping):
            merged.update(document)
    return merged


def _flat(document: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            flat.update(_flat(value, f"{before}{name}."))
        else:
            flat[f"{before}{name}"] = value
    return flat


def _json(document: Any) -> str | None:
    return json.dumps(document, ensure_ascii=False) if document else None


def _unknown(field: str, package: Package) -> InvalidArgument:
    known = dict.fromkeys(name for entry in package.walk() for name in _flat(entry.user_meta))
    known.update(
        dict.fromkeys(
            name
            for meta in package.folder_meta.values()
            if isinstance(meta, Mapping)
            for name in _flat(meta)
        )
    )
    names = [*FILE_FIELDS, *known]
    shown = ", ".join(names[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return InvalidArgument(
        f"no file of {package.title} has a field {field!r}; fields are {shown}{more}",
        hint=suggest(field, names),
    )


def select_rows(frame: pd.DataFrame, conditions: Sequence[Condition]) -> pd.DataFrame:
    """Return the rows of a table for which all conditions hold; fields are its columns.

    Raises
    ------
    InvalidArgument
        If there is no such column.

    Examples
    --------
    >>> import pandas as pd
    >>> from cellfolio.metadata.conditions import parse_condition
    >>> frame = pd.DataFrame({"gene": ["TTN", "MYH6"], "cells": [3, 8]})
    >>> select_rows(frame, [parse_condition("cells>5")])["gene"].tolist()
    ['MYH6']
    """
    names = {str(name): name for name in frame.columns}
    fits = _all_true(frame)
    for condition in conditions:
        if condition.field not in names:
            raise InvalidArgument(
                f"the table has no column {condition.field!r}; it has "
                f"{', '.join(list(names)[:_MOST_NAMES])}"
                + (f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""),
                hint=suggest(condition.field, list(names)),
            )
        values = list(_python(frame[names[condition.field]]))
        fits &= [condition.holds([value]) for value in values]
    rows: pd.DataFrame = frame.loc[fits].reset_index(drop=True)
    return rows


def _all_true(frame: pd.DataFrame) -> Any:
    import numpy as np

    return np.ones(len(frame), dtype=bool)


def _python(column: pd.Series[Any]) -> Iterator[Any]:
    """Yield the values of a column as Python has them, missing ones as None."""
    missing = column.isna()
    return (None if gone else value for value, gone in zip(column.tolist(), missing, strict=True))
