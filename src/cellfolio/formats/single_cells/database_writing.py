"""Tables of CellProfiler in CSV files become one database, laid out as cytominer-database does.

A table of images with the names of their CSV columns, and one for each compartment, whose features
begin with it; ``TableNumber`` tells the folders apart.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from math import isnan
from pathlib import Path
from typing import NoReturn

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.databases import quoted
from cellfolio.formats.single_cells.folders import (
    TOGETHER,
    CellFolder,
    find_compartments,
    find_folders,
    read_image_table,
)
from cellfolio.formats.single_cells.object_table import IMAGE, ObjectTable
from cellfolio.profiles.linking import OBJECT, PARENT
from cellfolio.storage.disk import writing

TABLE = "TableNumber"
IMAGES = "Image"
_USUAL = ("Cells", "Cytoplasm", "Nuclei")
_KEYS = (TABLE, IMAGE, OBJECT)


def write_database(tree: Path, output: Path, *, plate_column: str | None = None) -> None:
    """Write the tables of a tree of folders into a database; a folder is read at a time.

    Parameters
    ----------
    tree : Path
    output : Path
        Appears when it is whole, and takes the place of what was there.
    plate_column : str, optional
        Column of images that becomes ``Metadata_Plate``, where there is none.

    Raises
    ------
    InvalidArgument
        If there are no tables of objects, a column is not there, or there are more columns than a
        database takes.
    BrokenFile
    """
    wanted = find_compartments(tree, _USUAL)
    folders = find_folders(tree, (TOGETHER,) if wanted == ("Object",) else wanted, _fail)
    with writing(output, ".sqlite") as unfinished, closing(sqlite3.connect(unfinished)) as file:
        try:
            _write(file, folders, plate_column)
        except sqlite3.OperationalError as error:  # such as too many columns
            raise InvalidArgument(f"{output.name} cannot be written: {error}") from None


def _fail(error: BrokenFile) -> NoReturn:
    raise error


def _write(file: sqlite3.Connection, folders: Sequence[CellFolder], plate: str | None) -> None:
    columns = _object_columns(folders)
    images = [_images(folder, plate) for folder in folders]
    names = dict.fromkeys(name for rows in images for row in rows for name in row)
    _create(file, IMAGES, (TABLE, *(name for name in names if name != TABLE)))
    for compartment, own in columns.items():
        _create(file, compartment, own)
    for folder, rows in zip(folders, images, strict=True):
        for row in rows:
            _insert(file, IMAGES, tuple(row), [tuple(row.values())])
        for compartment, table in folder.tables.items():
            for name, own, values in _objects(compartment, table, str(rows[0][TABLE])):
                _insert(file, name, own, values)
    for name in (IMAGES, *columns):
        keys = _KEYS if name in columns else _KEYS[:2]
        file.execute(
            f"CREATE INDEX {quoted(f'{name.lower()}_index')} ON {quoted(name)} "
            f"({', '.join(map(quoted, keys))})"
        )
    file.commit()


def _create(file: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
    file.execute(f"CREATE TABLE {quoted(table)} ({', '.join(map(quoted, columns))})")


def _insert(
    file: sqlite3.Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    named, marks = ", ".join(map(quoted, columns)), ", ".join("?" * len(columns))
    file.executemany(f"INSERT INTO {quoted(table)} ({named}) VALUES ({marks})", rows)


def _images(folder: CellFolder, plate: str | None) -> list[dict[str, object]]:
    """Return the images of a folder; numbers are numbers."""
    header, *rows = read_image_table(folder.image_file)
    number = hashlib.md5(folder.image_file.path.read_bytes(), usedforsecurity=False).hexdigest()
    found = []
    for row in rows:
        values = {TABLE: number, **dict(zip(header, map(_value, row), strict=True))}
        if plate is not None and "Metadata_Plate" not in values:
            if plate not in values:
                raise InvalidArgument(f"{folder.image_file.name} has no column {plate!r}")
            values["Metadata_Plate"] = values[plate]
        found.append(values)
    return found


def _value(text: str) -> object:
    if text == "":
        return None
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        # 007 is a name, and NaN is no number that a database has.
        return value if kind is float or str(value) == text else text
    return text


def _object_columns(folders: Sequence[CellFolder]) -> dict[str, tuple[str, ...]]:
    """Return the columns of each compartment, as any of its files has them."""
    found: dict[str, dict[str, None]] = {}
    for folder in folders:
        for compartment, table in folder.tables.items():
            for told, places in _by_compartment(compartment, table).items():
                names = dict.fromkeys(places)
                found.setdefault(told, dict.fromkeys(_KEYS)).update(names)
    return {name: tuple(columns) for name, columns in found.items()}


def _by_compartment(compartment: str, table: ObjectTable) -> dict[str, dict[str, int]]:
    """Return the place of each column, by the compartment and our name of the column."""
    found: dict[str, dict[str, int]] = {}
    shared = {name: at for at, (_, name) in enumerate(table.header) if name in (IMAGE, OBJECT)}
    for at, (told, name) in enumerate(table.header):
        one = told if compartment == TOGETHER else compartment
        if name not in shared and one != IMAGES:
            found.setdefault(one, dict(shared))[f"{one}_{name}"] = at
    return found


def _objects(
    compartment: str, table: ObjectTable, number: str
) -> Iterator[tuple[str, tuple[str, ...], list[tuple[object, ...]]]]:
    """Yield the rows of each image."""
    parts: Mapping[str, dict[str, int]] = _by_compartment(compartment, table)
    for _, lines in table.images():
        values = table.read(lines)
        for name, places in parts.items():
            columns = [_plain(own, values[at].tolist()) for own, at in places.items()]
            rows = [(number, *row) for row in zip(*columns, strict=True)]
            yield name, (TABLE, *places), rows


def _plain(name: str, values: list[float]) -> list[object]:
    """Return values as a database takes them: keys are integers, and NaN is NULL."""
    whole = name in (IMAGE, OBJECT) or f"_{PARENT}" in name
    kind = int if whole else float
    return [None if isnan(value) else kind(value) for value in values]
