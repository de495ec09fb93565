"""Files of a package that a table names.

A column names files if its values are logical keys: as the package has them, or from the folder of
the table they are in, as tables made by quilt3distribute have them. Which column it is, is found:
one called ``logical_key``, else the only one whose values are all files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.package.nearest import suggest
from cellfolio.package.package import Package

if TYPE_CHECKING:
    import pandas as pd

KEY_COLUMN = "logical_key"


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """What the values of a column name.

    Attributes
    ----------
    column : str
    base : str
        Folder that the values start from, with a closing ``/``; empty for the root.
    indices : tuple of int
        The files, among the rows of the package, ascending. Of a folder, all in it.
    unknown : tuple of str
        Values that name nothing, in the order of the table.
    """

    column: str
    base: str
    indices: tuple[int, ...]
    unknown: tuple[str, ...]


def find_named_files(
    frame: pd.DataFrame, package: Package, bases: Sequence[str] = (), column: str | None = None
) -> NamedFiles:
    """Find the files that a table names.

    Parameters
    ----------
    frame : DataFrame
    package : Package
    bases : sequence of str
        Folders that values may start from, besides the root.
    column : str, optional
        By default it is found.

    Raises
    ------
    InvalidArgument
        If no column names files, or several do, or there is none of that name.

    Examples
    --------
    >>> import pandas as pd
    >>> from cellfolio.package.entry import Entry
    >>> package = Package.of([Entry(key, "file:///x") for key in ("a/t.csv", "a/i/1.tif")])
    >>> find_named_files(pd.DataFrame({"n": [1], "path": ["i/1.tif"]}), package, ["a/"])
    NamedFiles(column='path', base='a/', indices=(0,), unknown=())
    """
    folders = tuple(dict.fromkeys(("", *bases)))
    names = [str(name) for name in frame.columns]
    if column is not None and column not in names:
        raise InvalidArgument(
            f"the result has no column {column!r}; it has {', '.join(names[:12])}",
            hint=suggest(column, names),
        )
    if column is None and KEY_COLUMN in names:
        column = KEY_COLUMN
    if column is not None:
        values = _texts(frame.iloc[:, names.index(column)])
        if values is None:
            raise InvalidArgument(f"the column {column!r} names no files: it is not text")
        return _named(column, values, package, folders)
    return _only_one(frame, names, package, folders)


def _only_one(
    frame: pd.DataFrame, names: Sequence[str], package: Package, folders: Sequence[str]
) -> NamedFiles:
    found: list[NamedFiles] = []
    partly: list[str] = []
    for at, name in enumerate(names):
        values = _texts(frame.iloc[:, at])
        if not values:
            continue
        base = next((one for one in folders if _is_file(package, one + values[0])), None)
        if base is None:
            continue
        named = _named(name, values, package, folders)
        if named.unknown:
            partly.append(f"{len(named.unknown):,} of {len(values):,} values of {name} name none")
        else:
            found.append(named)
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidArgument(
            f"several columns name files: {', '.join(one.column for one in found)}",
            hint="name the one you mean: --files COLUMN",
        )
    raise InvalidArgument(
        "; ".join(["no column of the result names files of the package", *partly]),
        hint="select logical_key from entries, or a column with paths of files; "
        "--files COLUMN uses one that is not all files",
    )


def _texts(column: pd.Series[Any]) -> list[str] | None:
    """Return the values of a column, each once; None if some are no text."""
    values = dict.fromkeys(column[column.notna()].tolist())
    return list(values) if all(isinstance(value, str) for value in values) else None


def _named(
    column: str, values: Iterable[str], package: Package, folders: Sequence[str]
) -> NamedFiles:
    """Look all values up from each folder; the one from which most are found is meant."""
    best: NamedFiles | None = None
    for base in folders:
        indices: set[int] = set()
        unknown: list[str] = []
        for value in values:
            found = _indices(package, base + value)
            indices.update(found)
            if not found:
                unknown.append(value)
        if best is None or len(unknown) < len(best.unknown):
            best = NamedFiles(column, base, tuple(sorted(indices)), tuple(unknown))
    assert best is not None
    return best


def _is_file(package: Package, key: str) -> bool:
    return package.rows.find(key) is not None


def _indices(package: Package, key: str) -> Sequence[int]:
    index = package.rows.find(key)
    if index is not None:
        return (index,)
    return range(*package.rows.folder(key.rstrip("/") + "/")) if key.strip("/") else ()
