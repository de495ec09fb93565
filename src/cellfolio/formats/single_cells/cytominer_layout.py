"""What tables a database of single cells has, and how their rows belong together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.formats.databases import quoted
from cellfolio.profiles.linking import Step, find_steps

COMPARTMENTS = frozenset({"Cells", "Cytoplasm", "Nuclei"})
_OWN = "Per_"
"""How CellProfiler begins the names of its tables; cytominer-database does not."""
_TABLE, _NUMBER = "TableNumber", "ImageNumber"
_ROWS = 10_000
_SHIFT = 32
"""Bits of a key that are the number of the object; above them is that of the image."""

Numbers = npt.NDArray[np.int64]


class BrokenLayout(Exception):
    """What is wrong with the tables."""


@dataclass(frozen=True, slots=True)
class Compartment:
    """A table of objects.

    Attributes
    ----------
    name, table : str
        Such as ``Cells``, and ``Per_Cells``.
    number : str
        Column with the number of an object in its image.
    parents : mapping of str to str
        Other compartment → column with the numbers of its objects.
    features : tuple of str
    """

    name: str
    table: str
    number: str
    parents: Mapping[str, str]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The tables of a database.

    Attributes
    ----------
    images : str
        The table of images.
    keys : tuple of str
        Columns that tell images.
    image_columns : tuple of str
        Columns of metadata of images.
    compartments : tuple of Compartment
    base : Compartment
        That of which a row is a cell: it names its objects of all others, itself or through them.
    steps : tuple of Step
        How from its rows those of the others are found.
    missing : tuple of str
        Compartments that are named as parents, and have no table.
    """

    images: str
    keys: tuple[str, ...]
    image_columns: tuple[str, ...]
    compartments: tuple[Compartment, ...]
    base: Compartment
    steps: tuple[Step, ...]
    missing: tuple[str, ...]

    def parent_column(self, step: Step) -> str:
        """Return the column of a compartment that names its objects of another."""
        return _named(self.compartments, step.child).parents[step.parent]


def read_layout(connection: sqlite3.Connection) -> Layout:
    """Read what tables there are.

    Raises
    ------
    BrokenLayout
        If there are no images or objects, or they cannot be linked.
    """
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    tables = {name: _columns(connection, name) for (name,) in found.fetchall()}
    images = next((name for name in ("Image", f"{_OWN}Image") if name in tables), None)
    if images is None or _NUMBER not in tables[images]:
        raise BrokenLayout(f"it has no table Image or Per_Image with a column {_NUMBER}")
    prefix = images.removesuffix("Image")
    objects = {
        name.removeprefix(prefix): name
        for name, columns in tables.items()
        if name.startswith(prefix) and name != images and _number(name, prefix, columns)
    }
    if not objects:
        raise BrokenLayout(
            f"it has no table of objects, such as {prefix}Cells with the columns {_NUMBER} and "
            f"ObjectNumber"
        )
    has_table = all(_TABLE in tables[name] for name in (images, *objects.values()))
    keys = (_TABLE, _NUMBER) if has_table else (_NUMBER,)
    compartments = tuple(
        _compartment(name, table, prefix, tables[table], set(objects))
        for name, table in objects.items()
    )
    parents = {column for one in objects.values() for column in tables[one]}
    missing = sorted(
        name
        for name in COMPARTMENTS.difference(objects)
        if any(f"{one}_Parent_{name}" in parents for one in objects)
    )
    kept = tuple(
        name for name in tables[images] if name.startswith(("Metadata_", "Image_Metadata_"))
    )
    try:
        steps = find_steps({one.name: one.parents for one in compartments})
    except InvalidArgument as error:
        raise BrokenLayout(error.message) from None
    base = _named(compartments, steps[0].child) if steps else compartments[0]
    return Layout(images, keys, kept, compartments, base, steps, tuple(missing))


def _columns(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    return tuple(row[1] for row in connection.execute(f"PRAGMA table_info({quoted(table)})"))


def _number(table: str, prefix: str, columns: tuple[str, ...]) -> str | None:
    """Return the column with the numbers of objects, if it is a table of objects."""
    name = table.removeprefix(prefix)
    known = ("ObjectNumber", f"{name}_Number_Object_Number", f"{name}_ObjectNumber")
    return next((one for one in known if one in columns and _NUMBER in columns), None)


def _compartment(
    name: str, table: str, prefix: str, columns: tuple[str, ...], known: set[str]
) -> Compartment:
    start = f"{name}_Parent_"
    parents = {one.removeprefix(start): one for one in columns if one.startswith(start)}
    keys = {f"{name}_Number_Object_Number", f"{name}_ObjectNumber", *parents.values()}
    features = tuple(one for one in columns if one.startswith(f"{name}_") and one not in keys)
    linked = {other: column for other, column in parents.items() if other in known - {name}}
    return Compartment(name, table, _number(table, prefix, columns) or "", linked, features)


def _named(compartments: tuple[Compartment, ...], name: str) -> Compartment:
    return next(one for one in compartments if one.name == name)


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of a table, by image and number.

    Attributes
    ----------
    keys, rowids : array of int
        In the order of images, and of their number in them.
    strays : int
        Objects that were left out, as they have no image.
    doubled : array of int
        Images in which a number is there twice; their objects are left out.
    """

    keys: Numbers
    rowids: Numbers
    strays: int
    doubled: Numbers

    @property
    def images(self) -> Numbers:
        """Numbers of the images of the objects."""
        return self.keys >> _SHIFT

    @property
    def numbers(self) -> Numbers:
        """Numbers of the objects in their images."""
        return self.keys & ((1 << _SHIFT) - 1)

    def find(self, images: Numbers, numbers: npt.NDArray[np.float64]) -> Numbers:
        """Return the rows of objects of some images; -1 for those that are not there."""
        if not len(self.keys):
            return np.full(len(images), -1)
        asked = (images << _SHIFT) | np.nan_to_num(numbers, nan=0).astype(np.int64)
        at = np.minimum(np.searchsorted(self.keys, asked), len(self.keys) - 1)
        return np.where((self.keys[at] == asked) & (numbers > 0), self.rowids[at], -1)

    def without(self, images: Numbers) -> Objects:
        """Leave out all objects of some images."""
        kept = ~np.isin(self.images, images)
        return Objects(self.keys[kept], self.rowids[kept], self.strays, self.doubled)

    def pieces(self, size: int) -> Iterator[slice]:
        """Yield slices of about so many objects, each of whole images."""
        images = self.images
        ends = np.append(np.flatnonzero(np.diff(images)) + 1, len(images))
        cuts = [0]
        for end in ends.tolist():
            if end - cuts[-1] >= size:
                cuts.append(end)
        if cuts[-1] < len(images):
            cuts.append(len(images))
        yield from (slice(start, end) for start, end in pairwise(cuts))


def read_objects(
    connection: sqlite3.Connection,
    one: Compartment,
    keys: tuple[str, ...],
    images: Mapping[tuple[object, ...], int],
) -> Objects:
    """Read which objects a table has.

    Parameters
    ----------
    connection : sqlite3.Connection
    one : Compartment
    keys : tuple of str
        Columns that tell images.
    images : mapping of tuple to int
        Number of an image by the values of these columns; negative if it is to be left out.
    """
    shown = ", ".join(map(quoted, (*keys, one.number)))
    cursor = connection.execute(f"SELECT rowid, {shown} FROM {quoted(one.table)}")
    parts = []
    while rows := cursor.fetchmany(_ROWS):
        numbers = (images.get(row[1:-1], -1) for row in rows)
        parts.append(
            (
                np.fromiter((row[0] for row in rows), np.int64, len(rows)),
                np.fromiter(numbers, np.int64, len(rows)),
                np.fromiter((row[-1] for row in rows), np.int64, len(rows)),
            )
        )
    empty = (np.empty(0, np.int64),) * 3
    rowids, image, number = (np.concatenate(part) for part in zip(empty, *parts, strict=True))
    if len(number) and not 0 <= number.min() <= number.max() < 1 << _SHIFT:
        raise BrokenLayout(f"{one.table}: {one.number} should be a number from 1")
    strays = int((image == -1).sum())
    there = image >= 0
    found = (image[there] << _SHIFT) | number[there]
    order = np.argsort(found, kind="stable")
    found, rowids = found[order], rowids[there][order]
    doubled = np.unique(found[1:][found[1:] == found[:-1]] >> _SHIFT)
    return Objects(found, rowids, strays, doubled)
