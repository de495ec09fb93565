"""Single cells in the CSV files that CellProfiler writes: a tree of folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.options import check_columns
from cellfolio.formats.single_cells.folders import (
    PLATE,
    SITE,
    TOGETHER,
    WELL,
    CellFolder,
    ImageRow,
    find_compartments,
    find_folders,
)
from cellfolio.formats.single_cells.object_table import CSV, IMAGE, ObjectTable, to_columns
from cellfolio.formats.single_cells.source import CellBatch, CellProblem
from cellfolio.profiles.linking import (
    METADATA,
    OBJECT,
    PARENT,
    joined_names,
    link_compartments,
)

if TYPE_CHECKING:
    import pyarrow as pa

_USUAL = ("Cytoplasm", "Cells", "Nuclei")
"""In the order of CytoTable's joined tables."""
_TEXTS = (PLATE, WELL)
_SHOWN = 3


class CellProfilerCells:
    """Cells in the files Image, Cells, Cytoplasm and Nuclei (``.csv``, ``.csv.gz``) of folders.

    The folders may be by site, by well or whatever; an image is read at a time. Cells come by
    plate, well and site, as the table of images tells them, else the names of the folders. Within a
    folder of many images they come in its order. How objects become cells: `link_compartments`.

    All features are decimals, and missing ones are null. A column that a folder lacks is null
    there, and told of.

    Parameters
    ----------
    path : Path
    keep_going : bool
        Whether folders that are broken are left out, and told of by the batches, instead of raised.
    compartments : sequence of str, optional
        By default Cells, Cytoplasm and Nuclei, as far as they are there; else all there are.

    Raises
    ------
    InvalidArgument
        If there are no tables of objects.
    BrokenFile
    """

    def __init__(
        self, path: Path, *, keep_going: bool = False, compartments: Sequence[str] = ()
    ) -> None:
        self._keep_going = keep_going
        self._root = Source(path, path.name)
        self._problems: list[CellProblem] = []
        wanted = tuple(compartments) or find_compartments(path, _USUAL)
        if wanted == ("Object",):
            wanted = (TOGETHER,)
        self._folders = self._without_copies(find_folders(path, wanted, self._tell))
        if not self._folders:
            raise BrokenFile(path.name, CSV, "no folder in it has tables of cells that can be read")
        self._kinds = self._find_kinds()
        self.columns: tuple[str, ...] = tuple(self._kinds)

    def __len__(self) -> int:
        """Return the number of images."""
        return sum(len(folder.images) for folder in self._folders)

    @property
    def parts(self) -> int:
        """Number of folders, each of which can be read by itself."""
        return len(self._folders)

    @property
    def files(self) -> tuple[Source, ...]:
        """The files that are read, in order."""
        return tuple(source for folder in self._folders for source in folder.sources)

    @property
    def wells_in_order(self) -> bool:
        """Whether the cells of a well follow each other."""
        images = (image for folder in self._folders for image in folder.images)
        wells = [(image.values.get(PLATE), image.values.get(WELL)) for image in images]
        starts = [one for at, one in enumerate(wells) if not at or wells[at - 1] != one]
        return len(starts) == len(set(starts))

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[CellBatch]:
        """Read the cells, or some of their columns (see `CellSource`)."""
        wanted = self.check(columns)
        for at in range(self.parts):
            yield from self.read_part(at, wanted)

    def check(self, columns: Sequence[str] | None) -> tuple[str, ...]:
        """Return the columns that are asked for; all if none are named.

        Raises
        ------
        InvalidArgument
            If one is not there.
        """
        wanted = self.columns if columns is None else tuple(columns)
        check_columns(self._root, wanted, self.columns)
        return wanted

    def read_part(self, at: int, columns: tuple[str, ...]) -> Iterator[CellBatch]:
        """Read the cells of a folder; those of all folders in order are all `batches`.

        Raises
        ------
        BrokenFile
        """
        import pyarrow as pa

        types = {int: pa.int64(), float: pa.float64(), str: pa.string()}
        schema = pa.schema([(name, types[self._kinds[name]]) for name in columns])
        problems = [] if at else list(self._problems)
        try:
            for image, cells in _read(self._folders[at], frozenset(columns)):
                made = _fitted(schema, image, cells.table)
                yield CellBatch(made, (*problems, *cells.problems))
                problems = []
        except BrokenFile as error:
            self._tell(error, problems)
        if problems:
            yield CellBatch(schema.empty_table(), tuple(problems))

    def only(self, at: int) -> CellProfilerCells:
        """Return the source with one folder alone, which can be sent to another process."""
        part = copy(self)
        part._folders = [self._folders[at]]
        part._problems = [] if at else self._problems
        return part

    def _tell(self, error: BrokenFile, problems: list[CellProblem] | None = None) -> None:
        """Raise an error, or keep it as a problem."""
        if not self._keep_going:
            error.hint = "--keep-going or keep_going=True goes on without it"
            raise error
        kept = self._problems if problems is None else problems
        kept.append(CellProblem(error.path, error.reason))

    def _without_copies(self, folders: Sequence[CellFolder]) -> list[CellFolder]:
        """Leave out folders with an image that another has already."""
        seen: dict[object, str] = {}
        kept = []
        for folder in folders:
            known = [image.place for image in folder.images if PLATE in image.values]
            twice = next((place for place in known if place in seen), None)
            if twice is not None:
                told = " ".join(text or "?" for _, text in twice[:-1])
                what = f"plate, well and site {told} are those of {seen[twice]}, too"
                self._tell(BrokenFile(folder.image_file.name, CSV, what))
                continue
            seen.update(dict.fromkeys(known, folder.image_file.name))
            kept.append(folder)
        return kept

    def _find_kinds(self) -> dict[str, type]:
        """Return the columns in order with their types, and tell of files that lack some."""
        keys, features = self._object_columns()
        image = _image_kinds(self._folders)
        own = {name: kind for name, kind in image.items() if name.startswith(METADATA)}
        numbers = dict.fromkeys((METADATA + IMAGE, METADATA + OBJECT, *keys), int)
        return {**own, **numbers, **image, **dict.fromkeys(features, float)}

    def _object_columns(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of keys and features, those of a compartment side by side."""
        headers: dict[tuple[str, object], dict[str, tuple[str, ...]]] = {}
        found: dict[str, dict[str, None]] = {}
        tables = [one for folder in self._folders for one in folder.tables.items()]
        for compartment, table in tables:
            if (compartment, table.header) not in headers:
                parts = _parts(compartment, table)
                headers[compartment, table.header] = parts
                for name, columns in parts.items():
                    found.setdefault(name, {}).update(dict.fromkeys(columns))
        lacking = {key: _lacking(parts, found) for key, parts in headers.items()}
        for compartment, table in tables:
            if missing := lacking[compartment, table.header]:
                shown = ", ".join(missing[:_SHOWN]) + (" …" if len(missing) > _SHOWN else "")
                what = f"it lacks {len(missing):,} columns that others have: {shown}"
                self._problems.append(CellProblem(table.source.name, what))
        names = [
            new for one, columns in found.items() for new in joined_names(one, columns).values()
        ]
        keys = [name for name in names if name.startswith(METADATA)]
        return tuple(keys), tuple(name for name in names if not name.startswith(METADATA))


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of an image, with what is to be told of them."""

    table: pa.Table
    problems: tuple[CellProblem, ...] = ()


class _Ahead:
    """The images of a table, one looked at ahead."""

    def __init__(self, images: Iterator[tuple[int, list[bytes]]]) -> None:
        self._images = images
        self.next = next(images, None)

    def take(self, number: int) -> list[bytes]:
        """Return the lines of an image, if it is the next; of others there are none."""
        if self.next is None or self.next[0] != number:
            return []
        lines = self.next[1]
        self.next = next(self._images, None)
        return lines


def _parts(compartment: str, table: ObjectTable) -> dict[str, tuple[str, ...]]:
    """Return the columns of each compartment in a file."""
    found: dict[str, list[str]] = {}
    for told, name in table.header:
        if name != IMAGE:
            found.setdefault(told or compartment, []).append(name)
    return {name: tuple(columns) for name, columns in found.items()}


def _lacking(
    parts: Mapping[str, tuple[str, ...]], found: Mapping[str, Mapping[str, None]]
) -> list[str]:
    """Return the columns that other files of the same compartments have."""
    sets = {one: set(own) for one, own in parts.items()}
    return [name for one, own in sets.items() for name in found[one] if name not in own]


def _image_kinds(folders: Sequence[CellFolder]) -> dict[str, type]:
    """Return the columns of images; numbers are numbers if they are that everywhere."""
    kinds: dict[str, type] = dict.fromkeys((PLATE, WELL, SITE), int)
    for folder in folders:
        for image in folder.images:
            for name, value in image.values.items():
                kind = kinds.get(name, int)
                kinds[name] = kind if kind is str else max(kind, _kind(value), key=_RANKS.index)
    texts = dict.fromkeys(_TEXTS, str)
    files = {name: str for name in kinds if not name.startswith(METADATA)}
    return {**kinds, **texts, **files}


_RANKS = [int, float, str]


def _kind(value: str) -> type:
    if value.removeprefix("-").isdecimal() and value.isascii() and len(value) < 18:
        return int if value == str(int(value)) else str  # 007 is a name
    try:
        float(value)
    except ValueError:
        return str
    return float


def _read(folder: CellFolder, wanted: frozenset[str]) -> Iterator[tuple[ImageRow, _Cells]]:
    """Yield the images of a folder with their cells."""
    with ExitStack() as stack:
        streams = {
            name: _Ahead(stack.enter_context(closing(table.images())))
            for name, table in folder.tables.items()
        }
        for image in folder.images:
            lines = {name: stream.take(image.number) for name, stream in streams.items()}
            yield image, _read_image(folder.tables, lines, wanted)
        for name, stream in streams.items():
            if stream.next is not None:
                what = f"image {stream.next[0]} is not in {folder.image_file.name}"
                if stream.next[0] in {image.number for image in folder.images}:
                    what = f"image {stream.next[0]} has another place in {folder.image_file.name}"
                raise BrokenFile(folder.tables[name].source.name, CSV, what)


def _read_image(
    tables: Mapping[str, ObjectTable], lines: Mapping[str, list[bytes]], wanted: frozenset[str]
) -> _Cells:
    made = {}
    for name, table in tables.items():
        values = table.read(lines[name]) if lines[name] else np.empty((table.width, 0))
        try:
            if name == TOGETHER:
                return _Cells(_already_joined(table, values, wanted))
            columns = [column for _, column in table.header]
            new = joined_names(name, columns)
            asked = [
                column for column in columns
                if column == OBJECT or column.startswith(PARENT) or new.get(column) in wanted
            ]  # fmt: skip
            made[name] = to_columns(columns, values, asked)
        except ValueError as error:
            raise BrokenFile(table.source.name, CSV, str(error)) from None
    try:
        linked = link_compartments(made)
    except InvalidArgument as error:
        source = next(iter(tables.values())).source
        raise BrokenFile(source.name, CSV, str(error), hint=error.hint) from None
    base = tables[linked.base].source.name
    rows = len(made[linked.base])
    what = f"{linked.left_out:,} of {rows:,} objects have no partner in the other tables"
    return _Cells(linked.table, (CellProblem(base, what),) if linked.left_out else ())


def _already_joined(table: ObjectTable, values: np.ndarray, wanted: frozenset[str]) -> pa.Table:
    """Return the cells of a file that has all compartments side by side."""
    names = []
    for compartment, name in table.header:
        new = METADATA + IMAGE if name == IMAGE else joined_names(compartment, [name]).get(name, "")
        names.append(METADATA + OBJECT if name == OBJECT else new)
    return to_columns(names, values, [name for name in names if name in wanted])


def _fitted(schema: pa.Schema, image: ImageRow, table: pa.Table) -> pa.Table:
    """Return cells with the columns of a schema, and what is known of their image."""
    import pyarrow as pa

    there = dict(zip(table.column_names, table.columns, strict=True))
    known = {METADATA + IMAGE: str(image.number), **image.values}
    made = []
    for name, kind in zip(schema.names, schema.types, strict=True):
        found = None if name == METADATA + IMAGE else there.get(name)
        if found is None:
            value = known.get(name)
            told = value if value is None or kind == pa.string() else float(value)
            found = pa.repeat(pa.scalar(told, kind), len(table))
        made.append(found)
    return pa.Table.from_arrays(made, schema=schema)
