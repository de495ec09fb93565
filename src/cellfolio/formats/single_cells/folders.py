"""Which files of a tree of folders CellProfiler wrote, and which image each is about."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.single_cells.columns import METADATA, renamed
from cellfolio.formats.single_cells.object_table import CSV, IMAGE, ObjectTable, open_object_table
from cellfolio.formats.streams import faults_named, read_all
from cellfolio.registries.plates import parse_well

PLATE, WELL, SITE = "Metadata_Plate", "Metadata_Well", "Metadata_Site"
TOGETHER = ""
"""Stands for the compartment of a file that has all of them."""
SUFFIXES = (".csv", ".csv.gz")
_IMAGES = "image"
_FILE_NAME = "FileName_"
_KEPT = (METADATA, f"Image_{METADATA}", _FILE_NAME, f"Image_{_FILE_NAME}")
_LEVELS = 3
"""Folders whose names may tell plate, well and site."""
_NUMBER = re.compile(r"[0-9]{1,6}")

Tell = Callable[[BrokenFile], None]
"""Called with what is wrong with a file: raises it, or keeps it and returns."""
Place = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class ImageRow:
    """What the table of images tells of one.

    Attributes
    ----------
    number : int
    values : mapping of str to str
        By our names of the columns; empty texts are left out.
    """

    number: int
    values: Mapping[str, str]

    @property
    def place(self) -> Place:
        """What images are sorted by: plate, well, site, number."""
        texts = [self.values.get(name, "") for name in (PLATE, WELL, SITE)]
        return (*map(_natural, texts), _natural(str(self.number)))


@dataclass(frozen=True, slots=True)
class CellFolder:
    """A folder with the tables of one or many images.

    Attributes
    ----------
    path : str
        Below the tree.
    images : tuple of ImageRow
        In the order of the table; at least one.
    tables : mapping of str to ObjectTable
        By compartment, or one of `TOGETHER`.
    image_file : Source
    """

    path: str
    images: tuple[ImageRow, ...]
    tables: Mapping[str, ObjectTable]
    image_file: Source

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files that are read."""
        return (self.image_file, *(table.source for table in self.tables.values()))


@dataclass(frozen=True, slots=True)
class _Files:
    """Files of a folder by what they are about."""

    path: str
    images: Source | None
    objects: Mapping[str, Source]


def find_folders(root: Path, compartments: Sequence[str], tell: Tell) -> list[CellFolder]:
    """Return the folders of a tree that hold cells, by plate, well and site.

    Parameters
    ----------
    root : Path
    compartments : sequence of str
        Those that every folder should have.
    tell : callable

    Raises
    ------
    BrokenFile
    """
    found = []
    for files in _walk(root):
        tables = dict(_open_tables(files, compartments, tell))
        if not tables and not set(files.objects).intersection(compartments):
            continue  # of something else, such as settings
        images = _open_images(files, root, tell)
        if images and tables and files.images is not None:
            found.append(CellFolder(files.path, images, tables, files.images))
    found.sort(key=lambda folder: (min(image.place for image in folder.images), folder.path))
    return found


def find_compartments(root: Path, usual: Sequence[str]) -> tuple[str, ...]:
    """Return the compartments of a tree: the usual ones that are there, else all.

    Raises
    ------
    InvalidArgument
        If there is none.
    """
    names: set[str] = set()
    for files in _walk(root):
        names.update(files.objects)
    there = tuple(name for name in usual if name in names)
    if there:
        return there
    for files in _walk(root):
        for name, source in files.objects.items():
            if open_object_table(source) is not None:
                there += (name,) if name not in there else ()
    if not there:
        raise InvalidArgument(
            f"{root} has no tables of objects: expected files such as Image.csv and Cells.csv "
            f"with the columns {IMAGE} and ObjectNumber"
        )
    return there


def _walk(root: Path) -> Iterator[_Files]:
    by_folder: dict[Path, list[Path]] = {}
    for path in sorted(root.rglob("*")):
        if path.name.lower().endswith(SUFFIXES) and path.is_file():
            by_folder.setdefault(path.parent, []).append(path)
    for folder, paths in sorted(by_folder.items()):
        named = {_stem(path): Source(path, path.relative_to(root).as_posix()) for path in paths}
        images = next((name for name in named if name.lower().endswith(_IMAGES)), None)
        start = "" if images is None else images[: -len(_IMAGES)]  # as in MyExpt_Image.csv
        objects = {
            _compartment(name.removeprefix(start)): source
            for name, source in named.items()
            if name != images and name.startswith(start)
        }
        where = folder.relative_to(root).as_posix()
        yield _Files(where, named[images] if images else None, objects)


def _stem(path: Path) -> str:
    return path.name[: path.name.lower().rindex(".csv")]


def _compartment(name: str) -> str:
    return name[:1].upper() + name[1:]


def _open_tables(
    files: _Files, compartments: Sequence[str], tell: Tell
) -> Iterator[tuple[str, ObjectTable]]:
    """Yield the tables of a folder, if all are there."""
    whole = {"Object": TOGETHER} if "Object" in files.objects else {}
    wanted = whole if compartments == (TOGETHER,) else {name: name for name in compartments}
    if not set(wanted).intersection(files.objects):
        return
    tables = {}
    for name, compartment in wanted.items():
        if name not in files.objects:
            missing = f"{files.path}/{name}.csv".removeprefix("./")
            tell(BrokenFile(missing, CSV, "there is no such file"))
            continue
        try:
            table = open_object_table(files.objects[name])
            if table is None:
                reason = f"its header has no {IMAGE} and ObjectNumber"
                raise BrokenFile(files.objects[name].name, CSV, reason)
            tables[compartment] = table
        except BrokenFile as error:
            tell(error)
    if len(tables) == len(wanted):
        yield from tables.items()


def _open_images(files: _Files, root: Path, tell: Tell) -> tuple[ImageRow, ...]:
    """Return the images of a folder; none if the table is broken."""
    if files.images is None:
        missing = f"{files.path}/Image.csv".removeprefix("./")
        tell(BrokenFile(missing, CSV, "there is no such file"))
        return ()
    try:
        return tuple(_image_rows(files.images, _told_by_name(root, files.path)))
    except BrokenFile as error:
        tell(error)
        return ()


def _image_rows(source: Source, told: Mapping[str, str]) -> Iterator[ImageRow]:
    header, *rows = read_image_table(source)
    if IMAGE not in header:
        raise BrokenFile(source.name, CSV, f"it has no column {IMAGE}")
    if not rows:
        raise BrokenFile(source.name, CSV, "it has no row")
    names = renamed([name for name in header if name.startswith(_KEPT)])
    ours = {
        (f"Image_{new}" if new.startswith(_FILE_NAME) else new): header.index(old)
        for new, old in names.items()
    }
    seen = set()
    for row in rows:
        if len(row) != len(header):
            found = f"a row has {len(row):,} values, expected {len(header):,}"
            raise BrokenFile(source.name, CSV, found)
        number = row[header.index(IMAGE)]
        if not _NUMBER.fullmatch(number) or number in seen:
            what = "is there twice" if number in seen else "is no number"
            raise BrokenFile(source.name, CSV, f"{IMAGE} {number!r} {what}")
        seen.add(number)
        values = {name: row[at] for name, at in ours.items() if row[at] not in ("", "nan")}
        yield ImageRow(int(number), {**told, **values})


def read_image_table(source: Source) -> list[list[str]]:
    """Return the rows of a table as texts."""
    data = read_all(source, CSV)
    with faults_named(source, CSV):
        lines = data.decode("utf-8-sig").splitlines(keepends=True)
        try:
            return [row for row in csv.reader(lines) if row]
        except csv.Error:  # a thumbnail in a field is more than Python's reader takes
            import io

            import pandas as pd

            plain = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False, header=None)
            rows: list[list[str]] = plain.to_numpy().tolist()
            return rows


def _told_by_name(root: Path, folder: str) -> dict[str, str]:
    """Return what the names of folders tell: ``plate-well-site``, ``plate/well-site`` and so on."""
    parts = [part for part in (root.resolve().name, *folder.split("/")) if part != "."]
    found: dict[str, str] = {}
    for levels in range(1, min(_LEVELS, len(parts)) + 1):
        plate, well, site = ["", "", *"-".join(parts[-levels:]).rsplit("-", 2)][-3:]
        if not _NUMBER.fullmatch(site) or not _is_well(well):
            continue
        found = {WELL: well, SITE: site, **({PLATE: plate} if plate else {})}
        if plate:
            break
    return found


def _is_well(text: str) -> bool:
    try:
        parse_well(text)
    except InvalidArgument:
        return False
    return True


def _natural(value: str) -> tuple[int, str]:
    """Return what numbers are sorted by before texts, 9 before 10."""
    return (len(value), value) if value.isdecimal() else (1 << 30, value)
