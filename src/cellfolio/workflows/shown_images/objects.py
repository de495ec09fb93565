"""What was measured of an object that a viewer points at: one row of the table of its site.

Tables are found by their place::

    …/Nuclei.parquet, Cells.csv        beside the labels, one for each kind of object
    …/cells/<plate>/A01_1.parquet      what `measure` wrote of the site

Other tables are named; they tell the object by its number, and plate, well and site where they
have several.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import EntryNotFound, InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.streams import faults_named
from cellfolio.metadata.columns import PLATE, SITE, WELL
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.package.sizes import format_size
from cellfolio.storage.home import Home
from cellfolio.workflows.loading import entry_source
from cellfolio.workflows.measuring.labels import site_of
from cellfolio.workflows.shown_images.index import Site, labels_kind

if TYPE_CHECKING:
    import pyarrow as pa

MOST = 256 * 1024 * 1024
"""Bytes of a table that is fetched to find an object in it."""
_SUFFIXES = (".parquet", ".csv", ".tsv")
_NUMBERS = ("Metadata_{kind}_Number_Object_Number", "Metadata_ObjectNumber", "ObjectNumber",
            "Number_Object_Number", "object_id", "label")  # fmt: skip
"""Columns that tell an object's number, the best first."""


@dataclass(frozen=True, slots=True)
class ObjectAsked:
    """Which object.

    Attributes
    ----------
    labels : str
        Key of the label image.
    number : int
        Its pixel value there.
    site : Site or None
        Of the image.
    table : str
        Key of the table; empty to look for one.
    """

    labels: str
    number: int
    site: Site | None = None
    table: str = ""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What a table tells of an object.

    Attributes
    ----------
    kind : str
    number : int
    table : str
        Key of the table.
    values : mapping of str to object
        By column, the table's order; numbers that are not finite are None.
    """

    kind: str
    number: int
    table: str
    values: Mapping[str, Any]


def find_table(keys: Sequence[str], asked: ObjectAsked) -> str | None:
    """Return the key of the table that an object should be in; None if there is none.

    Parameters
    ----------
    keys : sequence of str
        Of all files that may be it.
    asked : ObjectAsked

    Examples
    --------
    >>> keys = ["a/Cells_labels.tiff", "a/Cells.parquet", "cells/P1/A01_1.parquet"]
    >>> find_table(keys, ObjectAsked("a/Cells_labels.tiff", 1))
    'a/Cells.parquet'
    """
    folder = asked.labels.rpartition("/")[0]
    kind = labels_kind(asked.labels)
    named = [f"{kind}{suffix}" for suffix in _SUFFIXES]
    place = site_of(asked.labels) or (asked.site[1:] if asked.site is not None else None)
    measured: list[str] = []
    for key in keys:
        if not key.lower().endswith(_SUFFIXES):
            continue
        above, _, name = key.rpartition("/")
        if above == folder and name.lower() in named:
            return key
        is_measured = above.rpartition("/")[0].rpartition("/")[2] == "cells"
        if is_measured and place is not None and name == f"{place[0]}_{place[1]}.parquet":
            measured.append(key)
    plates = set(asked.labels.split("/")) | set(asked.site[0].split("/") if asked.site else ())
    same = [key for key in measured if key.split("/")[-2] in plates]
    return next(iter(same or (measured if len(measured) == 1 else ())), None)


def read_object(package: Package, asked: ObjectAsked, table: str, home: Home) -> ObjectFacts:
    """Read what a table tells of an object.

    Raises
    ------
    EntryNotFound
        If there is no such table, or no such object in it.
    InvalidArgument
        If the table does not tell objects by number, or is too large.
    BrokenFile, TransferIncomplete
    """
    entry = package.entry(table)
    if (entry.size or 0) > MOST:
        raise InvalidArgument(
            f"{table} has {format_size(entry.size or 0)}; of tables of objects, at most "
            f"{format_size(MOST)} are read for one"
        )
    kind = labels_kind(asked.labels)
    source = entry_source(entry, home, package)
    with faults_named(source, "table"):
        data = _dataset(source, entry)
        columns = dict(zip(data.schema.names, data.schema.types, strict=True))
        rows = data.to_table(filter=_condition(columns, kind, asked)).to_pylist()
    if not rows:
        raise EntryNotFound(f"{table} has no object {asked.number} of {kind}")
    if len(rows) > 1:
        raise InvalidArgument(
            f"{table} has {len(rows)} objects of number {asked.number}",
            hint="expected columns that tell plate, well and site",
        )
    prefix = f"{kind.capitalize()}_"
    own = [name for name in columns if name.startswith(prefix)]
    told = own or [name for name in columns if not name.startswith("Metadata_")]
    values = {name.removeprefix(prefix): _plain(rows[0][name]) for name in told}
    return ObjectFacts(kind, asked.number, table, values)


def _dataset(source: Source, entry: Entry) -> Any:
    import pyarrow.dataset as ds
    from pyarrow import csv

    if entry.name.lower().endswith(".parquet"):
        return ds.dataset(source.path, format="parquet")
    delimiter = "\t" if entry.name.lower().endswith(".tsv") else ","
    options = csv.ParseOptions(delimiter=delimiter)
    return ds.dataset(csv.read_csv(source.path, parse_options=options))


def _condition(columns: Mapping[str, Any], kind: str, asked: ObjectAsked) -> Any:
    import pyarrow.dataset as ds

    candidates = [name.format(kind=kind.capitalize()) for name in _NUMBERS]
    number = next((name for name in candidates if name in columns), None)
    if number is None:
        raise InvalidArgument(
            f"the table does not tell objects by number; expected a column {candidates[1]}"
        )
    condition = ds.field(number) == asked.number
    if asked.site is None:
        return condition
    folder, well, site = asked.site
    for name, wanted in ((WELL, str(well)), (SITE, site)):
        if name in columns and _is_text(columns[name]) == isinstance(wanted, str):
            condition &= ds.field(name) == wanted
    if PLATE in columns and _is_text(columns[PLATE]):
        plates = [part for part in folder.split("/") if part]
        condition &= ds.field(PLATE).isin(plates) if plates else True
    return condition


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
