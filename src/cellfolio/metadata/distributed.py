"""The graph of a table and its files, as quilt3distribute lays them out.

Such a package has a ``metadata.csv`` whose path columns hold logical keys, most often
``<column>/<hash>_<name>``. The metadata of each file has columns of its row, and in ``associates``
the files of its row by column. Either of the two is enough to tell what belongs together.
(Format: https://github.com/AllenCellModeling/quilt3distribute.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cellfolio.metadata.graph import Link, Problem, RecordGraph
from cellfolio.metadata.json_columns import frame_of
from cellfolio.metadata.kinds import Kind
from cellfolio.metadata.links import Links
from cellfolio.metadata.tabled import ASSOCIATES, FileList, FileShelf, RowShelf

if TYPE_CHECKING:
    import pandas as pd

TABLE = "metadata.csv"
ROWS = Kind("rows", "row")
Associates = Mapping[str, str]


def build_file_graph(
    files: FileList, table: pd.DataFrame | None, *, title: str = ""
) -> RecordGraph | None:
    """Return the graph of rows and files; None if nothing links one to the other.

    Files of one row are related to each other, and to the row. Nothing that is wrong stops it; it
    is told in `RecordGraph.problems` and `RecordGraph.dangling`.

    Parameters
    ----------
    files : FileList
    table : pandas.DataFrame or None
        ``metadata.csv``; without one, the rows are made of what the metadata of the files tell.
    title : str
        What they are the records of.

    Examples
    --------
    >>> import pandas as pd
    >>> from cellfolio.package.entry import Entry
    >>> from cellfolio.package.package import Package
    >>> package = Package.of([Entry(key, "file:///x") for key in ("3d/a.tiff", "2d/b.tiff")])
    >>> table = pd.DataFrame({"CellId": [7], "3d": ["3d/a.tiff"], "2d": ["2d/b.tiff"]})
    >>> graph = build_file_graph(FileList(package), table)
    >>> graph["3d"][0].related("2d").names, graph["2d/b.tiff"].row["CellId"]
    (['b.tiff'], 7)
    """
    told = _Told(files)
    named = None if table is None else _Named(files, table, told)
    if (named is None or not named.columns) and told.of_here:
        named = _Named(files, told.rows(), told)
    return _graph(named, title) if named is not None and named.columns else None


@dataclass(frozen=True)
class _Told:
    """What the metadata of files tell."""

    files: FileList

    @cached_property
    def associates(self) -> Mapping[str, Associates]:
        """File → label → file."""
        return {
            key: {
                label: other for label, other in meta[ASSOCIATES].items() if isinstance(other, str)
            }
            for key, meta in self.files.metas.items()
            if isinstance(meta.get(ASSOCIATES), dict)
        }

    @cached_property
    def of_here(self) -> bool:
        """Whether the keys are those of this folder: one file at least names itself."""
        return any(key in one.values() for key, one in self.associates.items())

    @cached_property
    def bad(self) -> Mapping[str, list[str]]:
        """File → what is wrong with its associates."""
        found: dict[str, list[str]] = {}
        for key, meta in self.files.metas.items():
            told = meta.get(ASSOCIATES)
            texts = isinstance(told, dict) and all(isinstance(one, str) for one in told.values())
            if told is not None and not texts:
                what = f"{ASSOCIATES} is {told!r:.60}; expected an object of logical keys"
                found[key] = [what]
        return found

    def rows(self) -> pd.DataFrame:
        """Return a row for each set of files that belong together."""
        rows: dict[frozenset[str], dict[str, Any]] = {}
        for key, associates in self.associates.items():
            row = rows.setdefault(frozenset(associates.values()), dict(associates))
            for name, value in self.files.metas[key].items():
                if name != ASSOCIATES:
                    row.setdefault(name, value)
        return frame_of(list(rows.values()), [str(number) for number in range(len(rows))])


@dataclass(frozen=True)
class _Named:
    """What the rows of a table name."""

    files: FileList
    table: pd.DataFrame
    told: _Told

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns that hold logical keys: one at least names a file, or all look like it."""
        told = self.told.associates if self.told.of_here else {}
        labels = {label for one in told.values() for label in one}
        return tuple(column for column in self.table.columns if self._holds_keys(column, labels))

    def _holds_keys(self, column: str, labels: set[str]) -> bool:
        if self.table[column].dtype.kind in "biuf":
            return False
        texts = {one for one in self.table[column].tolist() if isinstance(one, str)}
        return bool(texts) and (
            column in labels
            or any("/" in text and text in self.files for text in texts)
            or all(text.startswith(f"{column}/") for text in texts)
        )

    @cached_property
    def cells(self) -> Mapping[str, Sequence[Any]]:
        """Column → its keys; something else than text where there is none."""
        return {column: self.table[column].tolist() for column in self.columns}

    @cached_property
    def values(self) -> Mapping[str, Sequence[Any]]:
        """Other column → its values."""
        others = [column for column in self.table.columns if column not in self.columns]
        return {column: self.table[column].tolist() for column in others}

    @cached_property
    def rows_of(self) -> Mapping[str, Sequence[int]]:
        """Key → rows that name it."""
        found: dict[str, list[int]] = {}
        for values in self.cells.values():
            for row, key in enumerate(values):
                if isinstance(key, str):
                    found.setdefault(key, []).append(row)
        return found

    @cached_property
    def keys_of(self) -> Sequence[set[str]]:
        """All keys that each row names."""
        rows = zip(*self.cells.values(), strict=True)
        return [{key for key in row if isinstance(key, str)} for row in rows]

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Label of associates, or folder of files → column."""
        found = {
            key.partition("/")[0]: column
            for column in reversed(self.columns)
            for key in self.cells[column]
            if isinstance(key, str) and key in self.files
        }
        for associates in self.told.associates.values():
            for label, key in associates.items():
                found.setdefault(label, found.get(key.partition("/")[0], label))
        return {**found, **{column: column for column in self.columns}}

    @cached_property
    def kinds(self) -> Mapping[str, tuple[str, ...]]:
        """Kind of files → those that are there: first those that rows name, in their order."""
        found: dict[str, dict[str, None]] = {
            column: {key: None for key in values if isinstance(key, str) and key in self.files}
            for column, values in self.cells.items()
        }
        for key in self.files.metas:
            folder, slash, _ = key.partition("/")
            if slash and folder in self.labels and not self._is_named(key):
                found.setdefault(self.labels[folder], {})[key] = None
        return {kind: tuple(keys) for kind, keys in found.items()}

    def _is_named(self, key: str) -> bool:
        """Whether a row names a file, or a folder that it is in."""
        while key and key not in self.rows_of:
            key = key.rpartition("/")[0]
        return bool(key)


@dataclass(frozen=True)
class _Gathered:
    """What is found while rows and files are compared."""

    pairs: list[tuple[int, int]] = field(default_factory=list)
    dangling: list[Link] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def _graph(named: _Named, title: str) -> RecordGraph:
    rows = RowShelf(ROWS, named.table, named.columns, named.files)
    shelves = [FileShelf(Kind(kind), keys, named.files) for kind, keys in named.kinds.items()]
    names = {
        (one.kind.name, key): name
        for one in shelves
        for key, name in zip(one.keys, one.names, strict=True)
    }
    numbers = {file: number for number, file in enumerate(names, start=len(rows.names))}
    found = _Gathered()
    for column, values in named.cells.items():
        for row, key in enumerate(values):
            if (column, key) in numbers:
                found.pairs.append((row, numbers[column, key]))
            elif isinstance(key, str):
                found.dangling.append(Link(ROWS.name, str(row), column, key))
    for file, name in names.items():
        _check_file(named, file, name, numbers, found)
    tellers, others = np.array(found.pairs, np.int64).reshape(-1, 2).T
    return RecordGraph(
        [rows, *shelves],
        Links(len(rows.names) + len(names), tellers, others),
        dangling=found.dangling,
        problems=found.problems,
        title=title,
        through=0,
    )


def _check_file(
    named: _Named,
    file: tuple[str, str],
    name: str,
    numbers: Mapping[tuple[str, str], int],
    found: _Gathered,
) -> None:
    """Compare what the metadata of a file tell with its rows."""
    kind, key = file
    rows = named.rows_of.get(key, ())
    if not rows and key in named.files.metas:
        found.problems.append(Problem(kind, name, "no row", f"no row of the table names {key}"))
    for what in named.told.bad.get(key, ()):
        found.problems.append(Problem(kind, name, "bad link", what))
    for what in _contradictions(named, key, rows):
        found.problems.append(Problem(kind, name, "contradiction", what))
    associates = named.told.associates.get(key)
    if not associates:
        return
    others = set(associates.values())
    agreeing = [row for row in rows if named.keys_of[row] == others]
    found.pairs.extend((numbers[file], row) for row in agreeing)
    if agreeing:
        return
    if rows:
        what = f"its associates are of none of its rows: {', '.join(sorted(others)[:3])}"
        found.problems.append(Problem(kind, name, "contradiction", what))
    for label, other in associates.items():
        where = (named.labels[label], other)
        if where in numbers and other != key:
            found.pairs.append((numbers[file], numbers[where]))
        elif where not in numbers:
            found.dangling.append(Link(kind, name, *where))


def _contradictions(named: _Named, key: str, rows: Sequence[int]) -> Iterator[str]:
    """Yield what the metadata of a file tell otherwise than each of its rows."""
    for attribute, told in named.files.metas.get(key, {}).items():
        if not rows or attribute not in named.values:
            continue
        cells = [named.values[attribute][row] for row in rows]
        listed = told if isinstance(told, list) else [told]
        if not all(any(_same(one, cell) for cell in cells) for one in listed):
            shown = ", ".join(f"{cell!r:.40}" for cell in cells[:3])
            yield f"{attribute} is {told!r:.40} in its metadata, {shown} in row {rows[0]}"


def _same(told: Any, cell: Any) -> bool:
    """Whether metadata tell the value of a cell; they may have it as text."""
    if told is None or cell is None or cell != cell:  # noqa: PLR0124 - NaN
        return told in (None, "", "nan", "None") or told != told  # noqa: PLR0124
    if told == cell or str(told) == str(cell):
        return True
    try:
        return float(told) == float(cell)
    except (TypeError, ValueError):
        return False
