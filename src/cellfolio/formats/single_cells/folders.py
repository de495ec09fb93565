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
from cellfolio.formats.single_cells.object_table import (
    CSV,
    IMAGE,
    ObjectTable,
    open_object_table,
)
from cellfolio.formats.streams import empty, faults_named, read_all
from cellfolio.registries.plates import parse_well

PLATE, WELL, SITE = "Metadata_Plate", "Metadata_Well", "Metadata_Site"
_SUFFIXES = (".csv", ".csv.gz")
_IMAGES = "image"
_KEPT = ("Metadata_", "Image_Metadata_", "FileName_", "Image_FileName_")
_FILE_NAME = "FileName_"
_LEVELS = 3
_NUMBER = re.compile(r"[0-9]{1,6}")

Tell = Callable[[BrokenFile], None]
"""Called with what is wrong with a file; raises it, or keeps it and returns."""


@dataclass(frozen=True, slots=True)
class ImageRow:
    """What the table of images tells of one.

    Attributes
    ----------
    number : int
    values : mapping of str to str
        By our names of the columns; a value that is not there is missing.
    """

    number: int
    values: Mapping[str, str]

    @property
    def place(self) -> tuple[tuple[int, str], ...]:
        """What images are sorted by: plate, well, site, number."""
        texts = (self.values.get(name, "") for name in (PLATE, WELL, SITE))
        return (*map(_natural, texts), (self.number, ""))


@dataclass(frozen=True, slots=True)
class CellFolder:
    """A folder with tables of one or many images.

    Attributes
    ----------
    images : tuple of ImageRow
        In the order of the table.
    tables : tuple of ObjectTable
    by_compartment : mapping of str to ObjectTable
        Empty if all are in one file.
    """

    path: str
    images: tuple[ImageRow, ...]
    tables: Mapping[str, ObjectTable]
    """By compartment; a single one called `COMBINED` holds all of them."""

    @property
    def place(self) -> tuple[tuple[int, str], ...]:
        """That of its first image."""
        return min(image.place for image in self.images)
