"""The tables of a package that tell of plates: a row for each well, site or object.

Rule 1: a table tells of plates if a column names wells, and one names plates.
Rule 2: files that are called by wells, in one folder (``A01_1.parquet``, …), are one table.
Rule 3: to see that, nothing large is fetched or parsed; what was not looked into is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cellfolio.errors import CellfolioError, InvalidArgument
from cellfolio.formats.lazy_table import LazyTable
from cellfolio.formats.loading import load_lazily
from cellfolio.metadata.columns import BARCODE_NAMES, WELL_NAMES, as_text, called
from cellfolio.metadata.table_names import TableFile, list_table_files
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.package.plan import want
from cellfolio.registries.plates import parse_well
from cellfolio.storage.home import Home
from cellfolio.storage.places import local_path
from cellfolio.workflows.loading import entry_source

if TYPE_CHECKING:
    import pandas as pd

TableKind = Literal["wells", "sites", "objects", "images"]
MOST_TABLES = 300
"""Tables that are looked into."""
_MOST_TEXT = 64 << 20
"""Bytes of text that are parsed to see which plates a table has."""
_MOST_FETCHED = 4 << 20
"""Bytes of a table that is fetched to look into it."""
_MOST_FETCHES = 40
_FORMATS = ("csv", "tsv", "parquet")
_OF_WELL = re.compile(r"[A-Z]{1,2}[0-9]{1,2}(?:_[0-9]{1,3})?", re.ASCII)
_OBJECT = re.compile(r"(?:Metadata_|Image_)?(?:[A-Za-z]+_)?(?:ObjectNumber|Number_Object_Number)")
_NO_DATA = ("platemap", "platemaps", "external_metadata", "experiment")
"""Folders of tables that are joined to wells by `cellfolio.workflows.plates`."""


@dataclass(frozen=True, slots=True)
class PlateTable:
    """A table that tells of plates.

    Attributes
    ----------
    keys : tuple of str
        Logical keys of its files.
    kind : {'wells', 'sites', 'objects', 'images'}
        What a row is of; images are those of a table of image files.
    columns : tuple of str
    plate_column : str or None
        None where all rows are of one plate.
    well_column : str
    plates : tuple of str
        In the order of the rows.
    """

    keys: tuple[str, ...]
    kind: TableKind
    columns: tuple[str, ...]
    plate_column: str | None
    well_column: str
    plates: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it is called: its logical key, or that of the folder of its files."""
        return self.keys[0] if len(self.keys) == 1 else self.keys[0].rpartition("/")[0] + "/"


@dataclass(frozen=True, slots=True)
class FoundTables:
    """Tables that tell of plates.

    Attributes
    ----------
    tables : tuple of PlateTable
    notes : tuple of str
        What was not looked into, for people.
    """

    tables: tuple[PlateTable, ...]
    notes: tuple[str, ...] = ()


def find_plate_tables(package: Package, home: Home, folder: str = "") -> FoundTables:
    """Return the tables of a package that tell of plates.

    Parameters
    ----------
    package : Package
    home : Home
    folder : str
        Logical key of a folder, or of the one table, that is meant; empty for all of it.
    """
    only = folder if package.rows.find(folder) is not None else ""
    groups = list(_groups(package, folder))
    notes: list[str] = []
    if len(groups) > MOST_TABLES:
        notes.append(f"{len(groups) - MOST_TABLES:,} more tables were not looked into")
    chosen = groups[:MOST_TABLES]
    readable = _readable([package.entry(keys[0]) for keys in chosen], home)
    left = len(chosen) - sum(readable)
    if left:
        notes.append(
            f"{left:,} tables that are large, or not on this machine, were not looked into"
        )
    found = []
    for keys, is_readable in zip(chosen, readable, strict=True):
        if not is_readable:
            continue
        try:
            table = _look_into(keys, package, home, by_name=bool(only))
        except CellfolioError as error:
            notes.append(f"{keys[0]}: {error.message}")
            continue
        if table is not None:
            found.append(table)
    return FoundTables(tuple(found), tuple(notes))


def _groups(package: Package, folder: str) -> Iterator[tuple[str, ...]]:
    """Yield the files of each table."""
    of_wells: dict[str, list[str]] = {}
    for table in list_table_files(package):
        if not _is_below(table.key, folder) or not _may_tell(table):
            continue
        place, _, stem = table.stem.rpartition("/")
        if _OF_WELL.fullmatch(stem):
            of_wells.setdefault(place, []).append(table.key)
        else:
            yield (table.key,)
    yield from map(tuple, of_wells.values())


def _is_below(key: str, folder: str) -> bool:
    return not folder or key == folder or key.startswith(folder.rstrip("/") + "/")


def _may_tell(table: TableFile) -> bool:
    folders = table.key.split("/")[:-1]
    return (
        table.format in _FORMATS
        and not any(one in _NO_DATA for one in folders[-2:])
        and not table.stem.rpartition("/")[2].startswith("barcode_platemap")
    )


def _readable(entries: Sequence[Entry], home: Home) -> list[bool]:
    """Return of each table whether it can be looked into without much being fetched or parsed."""
    held = home.blobs.held([want(entry) for entry in entries])
    fetched, found = 0, []
    for entry in entries:
        size = entry.size if entry.size is not None else _MOST_TEXT + 1
        here = want(entry) in held or local_path(entry.physical_key) is not None
        fits = size <= _MOST_TEXT or entry.name.lower().endswith((".parquet", ".pq"))
        if not here:
            fits = size <= _MOST_FETCHED and fetched < _MOST_FETCHES
            fetched += fits
        found.append(fits)
    return found


def open_part(package: Package, key: str, home: Home) -> LazyTable:
    """Open a file of a table; its rows are not read.

    Raises
    ------
    InvalidArgument
        If it is no table.
    BrokenFile, TransferIncomplete
    """
    found: Any = load_lazily(entry_source(package.entry(key), home, package))
    if not isinstance(found, LazyTable):
        raise InvalidArgument(f"{key} is no table of columns")
    return found


def _look_into(
    keys: tuple[str, ...], package: Package, home: Home, *, by_name: bool
) -> PlateTable | None:
    table = open_part(package, keys[0], home)
    columns = table.columns
    well, plate = find_column(columns, WELL_NAMES), find_column(columns, BARCODE_NAMES)
    if well is None or (plate is None and not by_name):
        return None
    if plate is None:
        names: tuple[str, ...] = (keys[0].rpartition("/")[2].partition(".")[0],)
        rows = table[[well]]
    else:
        rows = table[[plate, well]]
        names = tuple(dict.fromkeys(filter(None, map(as_text, rows[plate].unique().tolist()))))
    for one in rows[well].dropna().iloc[:1]:
        parse_well(str(one))
    repeated = len(keys) > 1 or bool(rows.duplicated().any())
    kind = _kind(columns, repeated=repeated)
    return PlateTable(keys, kind, columns, plate, well, names) if names else None


def _kind(columns: Sequence[str], *, repeated: bool) -> TableKind:
    measured = any(one.startswith(("Count_", "Image", "Cells_", "Nuclei_")) for one in columns)
    if not measured and any(one.startswith("FileName_") for one in columns):
        return "images"
    if not repeated:
        return "wells"
    return "objects" if any(map(_OBJECT.fullmatch, columns)) else "sites"


def find_column(columns: Sequence[str], names: frozenset[str]) -> str | None:
    """Return the first column of such a name; ``Metadata_`` and ``Image_`` aside.

    Examples
    --------
    >>> find_column(("Image_Metadata_Plate", "Image_Metadata_Well"), WELL_NAMES)
    'Image_Metadata_Well'
    """
    import pandas as pd

    plain = {one.removeprefix("Image_"): one for one in reversed(columns)}
    found = called(pd.DataFrame(columns=list(reversed(plain))), names)
    exact = [one for one in found if one.startswith("Metadata_")]
    return plain[(exact or found)[0]] if found else None


def rows_of_plate(
    package: Package, table: PlateTable, plate: str, columns: Sequence[str], home: Home
) -> pd.DataFrame:
    """Return columns of a table for the rows of a plate; its index is the wells.

    Raises
    ------
    InvalidArgument
        If it has no such column, or names no wells.
    BrokenFile, TransferIncomplete
    """
    import pandas as pd

    needed = dict.fromkeys((*filter(None, (table.plate_column,)), table.well_column, *columns))
    parts = [open_part(package, key, home).read(list(needed)) for key in table.keys]
    frame = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    if table.plate_column is not None:
        frame = frame[frame[table.plate_column].map(as_text) == plate]
    frame = frame[frame[table.well_column].notna()].reset_index(drop=True)
    known = {one: parse_well(str(one)) for one in frame[table.well_column].unique().tolist()}
    wells = [known[one] for one in frame[table.well_column].tolist()]
    found: pd.DataFrame = frame[list(dict.fromkeys(columns))]
    return found.set_axis(pd.Index(wells, dtype=object))
