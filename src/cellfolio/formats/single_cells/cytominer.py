"""Single cells in SQLite, as cytominer-database and CellProfiler write them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import BrokenFile
from cellfolio.formats.databases import check_size, opened, quoted
from cellfolio.formats.format import Source
from cellfolio.formats.options import check_columns
from cellfolio.formats.single_cells.columns import METADATA, renamed
from cellfolio.formats.single_cells.source import CellBatch, CellProblem
from cellfolio.formats.streams import faults_named

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from cellfolio.formats.single_cells.cytominer_layout import Layout, Numbers, Objects
    from cellfolio.formats.sqlite_rows import TableRows

_BATCH = 32 << 20
"""Bytes of a batch, at most about; at least an image."""
_VALUE = 8
_LISTED = 3
_ORDER = ("Metadata_Plate", "Metadata_Well", "Metadata_Site", "Metadata_ImageNumber")


class SqliteCells:
    """Cells in the tables Image, Cells, Cytoplasm and Nuclei, or Per_Image, Per_Cells and so on.

    A cell is a row of the table that names the objects of all others as its parents, usually that
    of the cytoplasm. Objects that no such row names are left out, and so are rows whose parents
    are not there. Cells come by plate, well, site and image.

    Parameters
    ----------
    path : Path
    keep_going : bool
        Whether to go on without tables that are missing, images of which a table has a key twice,
        and objects without an image. Damage to the file itself is always raised.

    Raises
    ------
    BrokenFile
    """

    def __init__(self, path: Path, *, keep_going: bool = False) -> None:
        from cellfolio.formats.single_cells.cytominer_layout import read_layout

        self._source = Source(path, path.name)
        self._keep_going = keep_going
        self._problems: list[CellProblem] = []
        check_size(self._source)
        with self._connection() as connection:
            self._layout = read_layout(connection)
        layout = self._layout
        for name in layout.missing:
            self._fail(f"it has no table of {name}, which another names as parents")
        self._names = renamed(layout.image_columns)
        metadata = {**self._names, **dict.fromkeys(METADATA + key for key in layout.keys)}
        numbers = [_number_name(one.name) for one in layout.compartments]
        parents = [METADATA + layout.parent_column(step) for step in layout.steps]
        features = [name for one in layout.compartments for name in one.features]
        self.columns: tuple[str, ...] = (*metadata, *numbers, *parents, *features)

    @property
    def wells_in_order(self) -> bool:
        """Whether images have plates and wells."""
        return {"Metadata_Plate", "Metadata_Well"}.issubset(self._names)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[CellBatch]:
        """Read the cells, or some of their columns (see `CellSource`)."""
        from cellfolio.formats.sqlite_rows import TableRows

        wanted = self.columns if columns is None else tuple(columns)
        check_columns(self._source, wanted, self.columns)
        with self._connection() as connection:
            problems = list(self._problems)
            images = _read_images(connection, self._layout, self._names)
            objects = self._objects(connection, images, problems)
            rows = {
                one.name: TableRows(connection, self._source.path, one.table)
                for one in self._layout.compartments
            }
            reader = _Reader(self._layout, images, objects, rows)
            size = max(1, _BATCH // (_VALUE * len(wanted)))
            empty = True
            for piece in objects[self._layout.base.name].pieces(size):
                yield CellBatch(reader.read(piece, wanted), tuple(problems))
                problems, empty = [], False
            if empty:
                yield CellBatch(reader.read(slice(0, 0), wanted), tuple(problems))

    def _objects(
        self, connection: sqlite3.Connection, images: _Images, problems: list[CellProblem]
    ) -> dict[str, Objects]:
        """Read which objects there are, without those that cannot be used."""
        import numpy as np

        from cellfolio.formats.single_cells.cytominer_layout import read_objects

        layout = self._layout
        if images.doubled:
            named = ", ".join(map(str, images.doubled[:_LISTED]))
            self._fail(f"{layout.images} has several rows of image {named}", problems)
        found = {
            one.name: read_objects(connection, one, layout.keys, images.numbers)
            for one in layout.compartments
        }
        for one in layout.compartments:
            of = found[one.name]
            if of.strays:
                self._fail(f"{one.table} has {of.strays} objects without an image", problems)
            if len(of.doubled):
                named = ", ".join(images.describe(image) for image in of.doubled[:_LISTED])
                self._fail(
                    f"{one.table} has objects of the same number in {len(of.doubled)} images, "
                    f"such as {named}",
                    problems,
                )
        doubled = np.concatenate([of.doubled for of in found.values()])
        return {name: of.without(doubled) for name, of in found.items()}

    def _fail(self, what: str, problems: list[CellProblem] | None = None) -> None:
        """Raise BrokenFile, or keep it as a problem."""
        if not self._keep_going:
            raise BrokenFile(
                self._source.name, "sqlite", what, hint="--keep-going or keep_going=True goes on"
            )
        kept = self._problems if problems is None else problems
        kept.append(CellProblem(self._source.name, what))

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        from cellfolio.formats.single_cells.cytominer_layout import BrokenLayout

        with faults_named(self._source, "sqlite"), opened(self._source) as connection:
            try:
                yield connection
            except BrokenLayout as error:
                raise BrokenFile(self._source.name, "sqlite", str(error)) from None


@dataclass(frozen=True, slots=True)
class _Images:
    """The images by plate and well.

    Attributes
    ----------
    columns : mapping of str to Array
        Metadata and keys, by our names.
    numbers : mapping of tuple to int
        Place of an image by its key; -2 if several have it.
    keys : list of tuple
    doubled : list of tuple
    """

    columns: Mapping[str, pa.Array]
    numbers: Mapping[tuple[Any, ...], int]
    keys: list[tuple[Any, ...]]
    doubled: list[tuple[Any, ...]]

    def describe(self, image: int) -> str:
        """Name an image in a message."""
        return f"image {self.keys[image][-1]}"


def _number_name(compartment: str) -> str:
    return f"{METADATA}{compartment}_Number_Object_Number"


def _read_images(
    connection: sqlite3.Connection, layout: Layout, names: Mapping[str, str]
) -> _Images:
    shown = {**names, **{f"{METADATA}{key}": key for key in layout.keys}}
    query = f"SELECT {', '.join(map(quoted, shown.values()))} FROM {quoted(layout.images)}"
    rows = connection.execute(query).fetchall()
    ours = list(shown)
    order = [ours.index(one) for one in _ORDER if one in shown]
    rows.sort(key=lambda row: [_natural(row[at]) for at in order])
    at_keys = [ours.index(f"{METADATA}{key}") for key in layout.keys]
    keys = [tuple(row[at] for at in at_keys) for row in rows]
    numbers: dict[tuple[Any, ...], int] = {}
    doubled = []
    for at, key in enumerate(keys):
        if key in numbers:
            doubled.append(key)
        numbers[key] = -2 if key in numbers else at
    columns = {name: _array([row[at] for row in rows]) for at, name in enumerate(ours)}
    return _Images(columns, numbers, keys, doubled)


def _natural(value: Any) -> tuple[int, str]:
    """Return what numbers are sorted by before texts, 9 before 10, whatever type they have."""
    text = str(value)
    return (len(text), text) if text.isdecimal() else (1 << 30, text)


def _array(values: list[Any]) -> pa.Array:
    """Return values as a column: texts, where types are mixed."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


@dataclass(frozen=True, slots=True)
class _Reader:
    """Joins the objects of cells."""

    layout: Layout
    images: _Images
    objects: Mapping[str, Objects]
    rows: Mapping[str, TableRows]

    def read(self, piece: slice, wanted: tuple[str, ...]) -> pa.Table:
        """Read some cells."""
        import numpy as np
        import pyarrow as pa

        base, asked = self.layout.base, set(wanted)
        of = self.objects[base.name]
        rowids, images = of.rowids[piece], of.images[piece]
        links = {step.parent: self.layout.parent_column(step) for step in self.layout.steps}
        own = tuple(column for column in links.values() if column in base.parents.values())
        found = self._features(base.name, asked, rowids, own)
        linked = {base.name: rowids}
        for step in self.layout.steps:
            column = links[step.parent]
            if column not in found:
                found[column] = self._numbers(step.child, column, linked[step.child])
            linked[step.parent] = self.objects[step.parent].find(images, found[column])
        kept = np.all([some >= 0 for some in linked.values()], axis=0)
        if not kept.all():
            linked = {name: some[kept] for name, some in linked.items()}
            found = {name: some[kept] for name, some in found.items()}
            images = images[kept]
        for other in links:
            found |= self._features(other, asked, linked[other])
        numbers = {_number_name(base.name): of.numbers[piece][kept]}
        for other, column in links.items():
            numbers[METADATA + column] = found[column].astype(np.int64)
            numbers[_number_name(other)] = numbers[METADATA + column]
        made = {name: pa.array(some) for name, some in (found | numbers).items() if name in asked}
        for name in asked.intersection(self.images.columns):
            made[name] = self.images.columns[name].take(pa.array(images))
        return pa.table({name: made[name] for name in wanted})

    def _numbers(self, name: str, column: str, rowids: Numbers) -> npt.NDArray[np.float64]:
        """Read numbers of parents for rows, some of which are not there."""
        import numpy as np

        there = rowids >= 0
        found = np.zeros(len(rowids))
        found[there] = self.rows[name].read(rowids[there], [column])[0]
        return found

    def _features(
        self, name: str, asked: set[str], rowids: Numbers, more: tuple[str, ...] = ()
    ) -> dict[str, npt.NDArray[np.float64]]:
        one = next(each for each in self.layout.compartments if each.name == name)
        columns = [*(each for each in one.features if each in asked), *more]
        return dict(zip(columns, self.rows[name].read(rowids, columns), strict=True))
