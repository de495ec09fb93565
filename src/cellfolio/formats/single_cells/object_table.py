"""Tables of objects as CellProfiler writes them, read image by image."""

from __future__ import annotations

import csv
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from cellfolio.errors import BrokenFile
from cellfolio.formats.format import Source
from cellfolio.formats.streams import Contents, empty, faults_named
from cellfolio.profiles.linking import OBJECT, PARENT

if TYPE_CHECKING:
    import pyarrow as pa

CSV = "csv"
IMAGE = "ImageNumber"
_BLOCK = 4 << 20
_HEADER_BLOCK = 128 << 10
_MISSING = ["", "nan", "-nan", "na", "n/a", "none", "null", "1.#QNAN", "-1.#IND", "1.#IND"]
_WORDS = [*_MISSING, *(form(one) for one in _MISSING for form in (str.upper, str.title)), "NaN"]
"""What stands for a missing value, in CellProfiler's tables of all systems and in others."""

Header = tuple[tuple[str, str], ...]
"""Compartment and name of each column; the compartment is empty where the file does not tell."""


@dataclass(frozen=True, slots=True)
class ObjectTable:
    """A file with a row for each object of one or many images.

    Attributes
    ----------
    source : Source
    header : Header
    header_lines : int
        2 where a first line tells compartments, as in ``object.csv`` of all of them together.
    """

    source: Source
    header: Header
    header_lines: int

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.header)

    def images(self) -> Generator[tuple[int, list[bytes]], None, None]:
        """Yield the number of each image and its lines; the rows of an image follow each other.

        Raises
        ------
        BrokenFile
        """
        at = next(place for place, (_, name) in enumerate(self.header) if name == IMAGE)
        seen: set[bytes] = set()
        with faults_named(self.source, CSV), closing(_lines(self.source)) as lines:
            rows = enumerate(lines, 1)
            for _ in range(self.header_lines):
                next(rows)
            whole = (self._checked(number, line) for number, line in rows)
            for key, some in groupby(whole, lambda line: _field(line, at)):
                if key in seen:
                    self._fail(f"the rows of image {_text(key)} do not follow each other")
                seen.add(key)
                yield self._image_number(key), list(some)

    def read(self, lines: Sequence[bytes]) -> npt.NDArray[np.float64]:
        """Return the numbers of lines, shape (columns, rows); missing ones are NaN.

        Every number is the double that is nearest to what is written.

        Raises
        ------
        BrokenFile
            If there is something else than a number.
        """
        import pyarrow as pa
        import pyarrow.csv as reader

        # Rule: a column is what readers of CSV spend their time on. All numbers are read as one
        # column of many rows, which takes a fifth of the time of 2,000 columns of few rows.
        one = b"\n".join(lines).replace(b",", b"\n") + b"\n"
        try:
            table = reader.read_csv(
                pa.py_buffer(one),
                reader.ReadOptions(use_threads=False, block_size=len(one), column_names=["x"]),
                reader.ParseOptions(quote_char=False, ignore_empty_lines=False),
                reader.ConvertOptions(column_types={"x": pa.float64()}, null_values=_WORDS),
            )
        except pa.ArrowInvalid:
            self._fail_at(lines)
        values: npt.NDArray[np.float64] = table.column(0).to_numpy()
        return np.ascontiguousarray(values.reshape(-1, self.width).T)

    def _checked(self, number: int, line: bytes) -> bytes:
        if b'"' in line:
            fields = next(csv.reader([_text(line)]))
            line = ",".join(field.replace(",", ";") for field in fields).encode()
        found = line.count(b",") + 1
        if found != self.width:
            self._fail(f"line {number} has {found:,} values, expected {self.width:,}")
        return line

    def _image_number(self, key: bytes) -> int:
        try:
            found = float(key)
            if found == int(found) >= 0:
                return int(found)
        except (ValueError, OverflowError):
            pass
        return self._fail(f"{IMAGE} should be a whole number, found {_text(key)!r}")

    def _fail_at(self, lines: Sequence[bytes]) -> NoReturn:
        """Raise an error that tells where there is no number."""
        for line in lines:
            for (_, name), value in zip(self.header, _text(line).split(","), strict=True):
                try:
                    float("nan" if value in _WORDS else value)
                except ValueError:
                    self._fail(f"column {name} should hold numbers, found {value!r}")
        self._fail("a number in it cannot be read")

    def _fail(self, what: str) -> NoReturn:
        raise BrokenFile(self.source.name, CSV, what)


def open_object_table(source: Source) -> ObjectTable | None:
    """Read the header of a file; None if it is no table of objects.

    Raises
    ------
    BrokenFile
        If it is empty or cannot be read.
    """
    with faults_named(source, CSV), closing(_lines(source, _HEADER_BLOCK)) as lines:
        first = next(lines, b"")
        if not first:
            raise empty(source, CSV)
        names = _fields(first)
        if IMAGE in names:
            return _opened(source, tuple(("", name) for name in names), 1)
        second = _fields(next(lines, b""))
        if IMAGE in second and len(second) == len(names):
            return _opened(source, tuple(zip(names, second, strict=True)), 2)
    return None


def _opened(source: Source, header: Header, lines: int) -> ObjectTable | None:
    if OBJECT not in {name for _, name in header}:
        return None
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise BrokenFile(source.name, CSV, f"column {'_'.join(filter(None, twice))} is there twice")
    return ObjectTable(source, header, lines)


def to_columns(
    names: Sequence[str], values: npt.NDArray[np.float64], wanted: Sequence[str]
) -> pa.Table:
    """Return rows of numbers as columns, without a copy; missing values are null.

    Numbers of objects become integers.

    Raises
    ------
    ValueError
        If one of them is no whole number.
    """
    import pyarrow as pa

    count = values.shape[1] if len(names) else 0
    buffer = pa.py_buffer(values)
    gaps = np.asarray(np.isnan(values).any(axis=1))
    at = {name: place for place, name in enumerate(names)}
    made: list[Any] = []
    for name in wanted:
        place = at[name]
        if name == OBJECT or name.startswith(PARENT):
            made.append(_whole(name, values[place]))
        elif gaps[place]:
            made.append(pa.array(values[place], from_pandas=True))
        else:
            room = [None, buffer]
            made.append(pa.Array.from_buffers(pa.float64(), count, room, 0, place * count))
    return pa.table(made, names=list(wanted))


def _whole(name: str, values: npt.NDArray[np.float64]) -> pa.Array:
    """Return keys as integers; a missing one is 0, CellProfiler's word for none."""
    import pyarrow as pa

    found = np.nan_to_num(values, nan=0)
    whole = found.astype(np.int64)
    wrong_ones = np.flatnonzero(np.not_equal(found, whole))
    if len(wrong_ones):
        wrong = found[wrong_ones[0]]
        raise ValueError(f"column {name} should hold whole numbers, found {wrong:g}")
    return pa.array(whole)


def _lines(source: Source, size: int = _BLOCK) -> Generator[bytes, None, None]:
    """Yield the lines of a file, decompressed, without their ends; blank ones are left out."""
    with Contents(source, CSV) as contents:
        rest = b""
        while block := contents.block(size):
            lines = (rest + block).split(b"\n") if rest else block.split(b"\n")
            rest = lines.pop()
            yield from (line for one in lines if (line := one.removesuffix(b"\r")))
        if last := rest.rstrip():
            yield last


def _field(line: bytes, at: int) -> bytes:
    start = 0
    for _ in range(at):
        start = line.index(b",", start) + 1
    end = line.find(b",", start)
    return line[start:] if end < 0 else line[start:end]


def _fields(line: bytes) -> list[str]:
    text = _text(line).removeprefix("\ufeff")
    return next(csv.reader([text])) if '"' in text else text.split(",")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
