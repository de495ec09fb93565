"""Names on a plate: wells, fields of view, channels, image files. Pure values; no network.

Wells are called by row letters and column number. Image files are called as the Opera Phenix
exports them: ``r01c01f01p01-ch1sk1fk1fl1.tiff`` is row 1, column 1, site (field) 1, plane 1,
channel 1.

References
----------
README of the CPJUMP1 data set (jump-cellpainting/2021_Chandrasekaran_submitted) for the image
names and dyes; ``FileName_Orig…`` columns of its ``load_data.csv`` for the channels' names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from cellfolio.errors import InvalidArgument

MAX_SITE = 99
"""Largest site that two digits in an image's name can tell."""

_ANY_CASE = re.ASCII | re.IGNORECASE
_WELL = re.compile(r"([A-Z]{1,2})0?([0-9]{1,2})", _ANY_CASE)
_LETTERED = re.compile(
    r"(?:WELL[\s_:-]*)?(?P<row>[A-Z]{1,2})[\s_-]?0?(?P<column>[0-9]{1,2})", _ANY_CASE
)
_NUMBERED = re.compile(
    r"(?:WELL[\s_:-]*)?R(?:OW)?[\s_-]?0?(?P<row>[0-9]{1,2})"
    r"[\s_,-]*C(?:OL(?:UMN)?)?[\s_-]?0?(?P<column>[0-9]{1,2})"
    r"|\(\s*(?P<first>[0-9]{1,2})\s*,\s*(?P<second>[0-9]{1,2})\s*\)",
    _ANY_CASE,
)
_ROW = re.compile(r"[A-Z]{1,2}")
_NUMBER = re.compile(r"[0-9]{1,2}")
_IMAGE = re.compile(
    r"r([0-9]{2})c([0-9]{2})f([0-9]{2})p([0-9]{2})-ch([0-9]{1,2})"
    r"sk([0-9]{1,4})fk([0-9]{1,4})fl([0-9]{1,4})\.tiff?",
    _ANY_CASE,
)


# Wells


@dataclass(frozen=True, slots=True, order=True)
class Well:
    """A well, in the order of image names: row by row.

    Attributes
    ----------
    row, column : int
        Counted from 1.

    Examples
    --------
    >>> str(Well(1, 1)), str(Well(32, 48))
    ('A01', 'AF48')
    """

    row: int
    column: int

    def __str__(self) -> str:
        return f"{row_letters(self.row)}{self.column:02}"


def row_letters(row: int) -> str:
    """Return what a row, counted from 1, is called: ``A`` … ``Z``, ``AA`` … ``AF``."""
    tens, ones = divmod(row - 1, 26)
    return (chr(ord("A") + tens - 1) if tens else "") + chr(ord("A") + ones)


@dataclass(frozen=True, slots=True)
class PlateFormat:
    """How many rows and columns a plate has.

    Attributes
    ----------
    rows, columns : int
    """

    rows: int
    columns: int

    @property
    def size(self) -> int:
        """Number of wells."""
        return self.rows * self.columns

    def wells(self) -> Iterator[Well]:
        """Yield every well, row by row."""
        for row, column in product(range(1, self.rows + 1), range(1, self.columns + 1)):
            yield Well(row, column)

    def __str__(self) -> str:
        last = Well(self.rows, self.columns)
        return f"a {self.size}-well plate has A01 to {last}"


PLATE_384 = PlateFormat(16, 24)
PLATE_1536 = PlateFormat(32, 48)
PLATES = {
    shape.size: shape
    for shape in (
        PlateFormat(2, 3),
        PlateFormat(3, 4),
        PlateFormat(4, 6),
        PlateFormat(6, 8),
        PlateFormat(8, 12),
        PLATE_384,
        PLATE_1536,
    )
}
"""The usual plates, by number of wells."""


def smallest_plate(wells: Iterable[Well]) -> PlateFormat:
    """Return the smallest of the usual plates that has all of these wells.

    Examples
    --------
    >>> smallest_plate([Well(8, 12), Well(1, 1)]).size
    96
    """
    named = list(wells)
    for shape in PLATES.values():
        if all(well.row <= shape.rows and well.column <= shape.columns for well in named):
            return shape
    raise InvalidArgument(f"{max(named)} is not on the largest plate: {PLATE_1536}")


def parse_well(text: str, shape: PlateFormat = PLATE_1536) -> Well:
    """Read the name of a well in any of the customary forms; case does not matter.

    ``A01``, ``a1``, ``A001``, ``A-1``, ``A 1``, ``Well_A01``; ``r01c01``, ``R1C1``,
    ``row 1, column 1``; ``(1, 1)``, which is row and column. Both are counted from 1. What may
    mean several wells is refused: a bare number, or ``1A``.

    Parameters
    ----------
    text : str
    shape : PlateFormat
        The plate it has to be on.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> parse_well("a1"), parse_well("AF48")
    (Well(row=1, column=1), Well(row=32, column=48))
    >>> str(parse_well("r16c24")), str(parse_well("(2, 11)")), str(parse_well("Well_C-007"))
    ('P24', 'B11', 'C07')
    """
    if found := _LETTERED.fullmatch(text.strip()):
        return Well(_row(found["row"].upper(), text, shape), _column(found["column"], text, shape))
    if found := _NUMBERED.fullmatch(text.strip()):
        row, column = (found["row"] or found["first"], found["column"] or found["second"])
        if not 1 <= int(row) <= shape.rows:
            raise InvalidArgument(f"{text!r} is not on the plate, counted from 1: {shape}")
        return Well(int(row), _column(column, text, shape))
    raise InvalidArgument(
        f"{text!r} is not a well; expected letters and a number, as A01",
        hint="other forms are a1, A-1, Well_A01, r01c01, 'row 1, column 1' and (1, 1); a number "
        "alone may count by row or by column",
    )


def _row(letters: str, text: str, shape: PlateFormat) -> int:
    row = 0
    for letter in letters:
        row = row * 26 + ord(letter) - ord("A") + 1
    if row > shape.rows:
        raise InvalidArgument(f"{text!r} is not on the plate: {shape}")
    return row


def _column(digits: str, text: str, shape: PlateFormat) -> int:
    if not 1 <= int(digits) <= shape.columns:
        raise InvalidArgument(f"{text!r} is not on the plate: {shape}")
    return int(digits)


def parse_wells(words: str | Iterable[str], shape: PlateFormat = PLATE_384) -> tuple[Well, ...]:
    """Read wells, rows, columns and ranges of them, with commas between.

    ``A01`` is a well, ``A`` a row, ``3`` a column. ``A01-B03`` is the rectangle between two
    corners, ``A-C`` three rows, ``1-3`` three columns.

    Parameters
    ----------
    words : str or iterable of str
    shape : PlateFormat
        The plate they have to be on.

    Returns
    -------
    tuple of Well
        Sorted, each once.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> " ".join(map(str, parse_wells("A01-B02,C05")))
    'A01 A02 B01 B02 C05'
    >>> len(parse_wells("P")), len(parse_wells(["1-2", "A01"]))
    (24, 32)
    """
    found: set[Well] = set()
    for word in split_words(words):
        first, dash, last = word.partition("-")
        one = _area(first, word, shape)
        two = _area(last, word, shape) if dash else one
        if one[0] != two[0]:
            raise InvalidArgument(
                f"{word!r} is not a range of wells; expected two wells (A01-B03), "
                "two rows (A-C) or two columns (1-3)"
            )
        rows, columns = one[1] + two[1], one[2] + two[2]
        found.update(
            Well(row, column)
            for row in range(min(rows), max(rows) + 1)
            for column in range(min(columns), max(columns) + 1)
        )
    return tuple(sorted(found))


def _area(part: str, word: str, shape: PlateFormat) -> tuple[str, tuple[int, int], tuple[int, int]]:
    """Return what kind of thing a word names, and its first and last row and column."""
    name = part.strip().upper()
    if _ROW.fullmatch(name):
        row = _row(name, word, shape)
        return "row", (row, row), (1, shape.columns)
    if _NUMBER.fullmatch(name):
        column = _column(name, word, shape)
        return "column", (1, shape.rows), (column, column)
    if not _WELL.fullmatch(name):
        raise InvalidArgument(
            f"{word!r} names no wells; expected a well (A01), a row (A), a column (3) "
            "or a range (A01-B03)"
        )
    well = parse_well(name, shape)
    return "well", (well.row, well.row), (well.column, well.column)


def split_words(words: str | Iterable[str]) -> Iterator[str]:
    """Yield what stands between commas.

    Raises
    ------
    InvalidArgument
        If nothing stands there: an empty word must not come to mean everything.
    """
    for word in [words] if isinstance(words, str) else words:
        for part in word.split(","):
            if not part.strip():
                raise InvalidArgument(f"{word!r} has an empty name in it; expected names as in A,B")
            yield part.strip()


def name_wells(wells: Iterable[Well]) -> str:
    """Return wells in the short form that `parse_wells` reads.

    Examples
    --------
    >>> name_wells(parse_wells("B02,A01-A03,B01,B03,D05"))
    'A01-B03,D05'
    """
    by_row = defaultdict(list)
    for well in sorted(set(wells)):
        by_row[well.row].append(well.column)
    areas: list[tuple[Well, Well]] = []
    above: dict[tuple[int, int], int] = {}
    for row, columns in by_row.items():
        here: dict[tuple[int, int], int] = {}
        for run in _runs(columns):
            at = above.get(run)
            if at is not None and areas[at][1].row == row - 1:
                areas[at] = (areas[at][0], Well(row, run[1]))
            else:
                at = len(areas)
                areas.append((Well(row, run[0]), Well(row, run[1])))
            here[run] = at
        above = here
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in areas)


def name_numbers(numbers: Iterable[int]) -> str:
    """Return numbers in short form.

    Examples
    --------
    >>> name_numbers([1, 2, 3, 5])
    '1-3,5'
    """
    runs = _runs(sorted(set(numbers)))
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def _runs(ordered: Iterable[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in ordered:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


# Image files


@dataclass(frozen=True, slots=True, order=True)
class ImageName:
    """What the name of an image file tells.

    Attributes
    ----------
    row, column, site, plane, channel : int
        Counted from 1.
    sk, fk, fl : int
        Time point, and two numbers that the microscope gives: 1 in CPJUMP1.

    Examples
    --------
    >>> str(ImageName(14, 9, 5, 1, 3))
    'r14c09f05p01-ch3sk1fk1fl1.tiff'
    """

    row: int
    column: int
    site: int
    plane: int
    channel: int
    sk: int = 1
    fk: int = 1
    fl: int = 1

    @property
    def well(self) -> Well:
        """The well it shows."""
        return Well(self.row, self.column)

    def __str__(self) -> str:
        return (
            f"r{self.row:02}c{self.column:02}f{self.site:02}p{self.plane:02}"
            f"-ch{self.channel}sk{self.sk}fk{self.fk}fl{self.fl}.tiff"
        )


def match_image_name(name: str) -> ImageName | None:
    """Return what a file's name tells, or None where it is no plate image.

    ``ch01``, ``.tif`` and upper case are read too.

    Examples
    --------
    >>> match_image_name("r01c21f05p01-ch07sk1fk1fl1.tif").channel
    7
    >>> match_image_name("Index.idx.xml") is None
    True
    """
    found = _IMAGE.fullmatch(name)
    if found is None:
        return None
    numbers = [int(group) for group in found.groups()]
    return ImageName(*numbers) if all(numbers[:5]) else None


def parse_image_name(name: str) -> ImageName:
    """Read the name of an image file.

    Raises
    ------
    InvalidArgument
        If it is no plate image.

    Examples
    --------
    >>> str(parse_image_name("r14c09f05p01-ch03sk1fk1fl1.tiff").well)
    'N09'
    """
    found = match_image_name(name)
    if found is None:
        raise InvalidArgument(
            f"{name!r} is not the name of a plate image; expected one such as "
            "r01c01f01p01-ch1sk1fk1fl1.tiff"
        )
    return found
