"""Numbers of wide SQLite tables, many rows at once.

SQLite's own interface gives a value after the other, and takes 80 ns and more for each where rows
are longer than a page: minutes for the cells of a plate. Here the pages of a table are read as
arrays. Whatever is unusual in a row (long texts, fewer values than columns) is left to SQLite.

References
----------
https://www.sqlite.org/fileformat2.html, sections 1.5 (pages), 1.6 (what lies in a cell, and when
it goes on in overflow pages) and 2.1 (records); names and formulas are those of that document.
"""

from __future__ import annotations

import mmap
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cellfolio.errors import BrokenFile
from cellfolio.formats.databases import quoted

Bytes: TypeAlias = npt.NDArray[np.uint8]
Places: TypeAlias = npt.NDArray[np.int64]

_LEAF, _INTERIOR = 13, 5
"""Kinds of pages of a table."""
_DECIMAL, _ZERO, _ONE, _TEXT = 7, 8, 9, 12
"""Types of values: whole numbers are 1 to 6, missing ones 0, bytes and texts 12 and more."""
_SIZES = np.array(
    [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0] + [(n - 12) // 2 for n in range(12, 256)]
).astype(np.uint8)
_LONG_TYPE = 128
"""From here on, a type takes more than a byte."""
_PAD = 8
_DEPTH = 20
"""Levels that a tree has at most, as in SQLite itself."""
_MOST = 9
"""Bytes of a number and its type."""
_TEXTS = 4096
"""Bytes that texts of a row may take, lest a damaged row asks for all memory."""
_TOUCHED = 64 << 20
"""Bytes of rows after which pages of the file are given back."""


class TableRows:
    """Rows of a table, found by their `rowid`.

    Parameters
    ----------
    connection : sqlite3.Connection
        To the same file.
    path : Path
    table : str

    Attributes
    ----------
    columns : tuple of str

    Raises
    ------
    BrokenFile
        If the pages of the table are not what the format says, or it has no `rowid`.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, table: str) -> None:
        self._connection, self._path, self._table = connection, path, table
        about = connection.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
        self.columns: tuple[str, ...] = tuple(row[1] for row in about)
        self._positions = {name: at for at, name in enumerate(self.columns)}
        keys = [row[0] for row in about if row[5]]
        alone = len(keys) == 1 and about[keys[0]][2].upper() == "INTEGER"
        self._rowid_column = keys[0] if alone else None
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
        ).fetchone()
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._data: Bytes = np.frombuffer(self._map, np.uint8)
        size = int(_number(self._data, np.array([16]), 2)[0])
        self._page = 65536 if size == 1 else size
        self._usable = self._page - int(self._data[20])
        self._touched = 0
        self._find_rows(root)

    def _broken(self, what: str) -> BrokenFile:
        return BrokenFile(
            self._path.name, "sqlite", f"table {self._table}: {what}", hint="get the file again"
        )

    def _begin(self, pages: Places) -> Places:
        """Return where pages begin in the file."""
        if len(pages) and not (1 < pages.min() <= pages.max() <= len(self._data) // self._page):
            raise self._broken("it refers to a page that is not there")
        return (pages - 1) * self._page

    def _find_rows(self, root: int) -> None:
        """Find where each row begins, going down the tree one level after the other."""
        cells = self._cells(self._leaves(root), 8)
        self._sizes, length = _varints(self._data, cells)
        if len(cells) and not 0 <= self._sizes.min() <= self._sizes.max() <= len(self._data):
            raise self._broken("a row is longer than the file")
        rowids, more = _varints(self._data, cells + length)
        order = np.argsort(rowids, kind="stable")
        self._rowids = rowids[order]
        self._sizes = self._sizes[order]
        self._bodies = (cells + length + more)[order]

    def _leaves(self, root: int) -> Places:
        """Return where the pages with rows begin; all have the same distance to the root."""
        pages = np.array([root])
        for _ in range(_DEPTH):
            begin = self._begin(pages)
            kinds = self._data[begin]
            if (kinds == _LEAF).all():
                return begin
            if not (kinds == _INTERIOR).all() or len(pages) > len(self._data) // self._page:
                break
            children = _number(self._data, self._cells(begin, 12), 4)
            pages = np.concatenate([children, _number(self._data, begin + 8, 4)])
        raise self._broken("its pages are no tree, or it was made WITHOUT ROWID")

    def _cells(self, begin: Places, header: int) -> Places:
        """Return where the cells of pages begin."""
        counts = _number(self._data, begin + 3, 2)
        owners = np.repeat(begin, counts)
        within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        if len(owners) and int((header + 2 * counts).max()) > self._page:
            raise self._broken("a page has more cells than it has room for")
        return owners + _number(self._data, owners + header + 2 * within, 2)

    def read(self, rowids: Places, columns: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return numbers, shape (columns, rows); missing ones and the word ``nan`` are NaN.

        Raises
        ------
        BrokenFile
            If a row is not there, is damaged, or holds another text.
        """
        found = np.empty((len(columns), len(rowids)))
        if not len(rowids) or not len(columns):
            return found
        at = np.searchsorted(self._rowids, rowids)
        if (self._rowids[np.minimum(at, len(self._rowids) - 1)] != rowids).any():
            raise self._broken("a row of its index is not in it")
        wanted = np.array([self._positions[name] for name in columns])
        usual = self._sizes[at] <= _MOST * len(self.columns) + _TEXTS
        if usual.any():
            record = _Records(*self._records(at[usual]), len(self.columns))
            numbers = record.numbers(wanted)
            if usual.all():
                found = numbers
            else:
                found[:, usual] = numbers
            usual[usual] = record.usual(wanted)
            self._forget(record.size)
        if self._rowid_column in wanted:
            found[wanted == self._rowid_column] = rowids
        for row in np.flatnonzero(~usual):
            found[:, row] = list(self._slowly(int(rowids[row]), columns))
        return found

    def _records(self, at: Places) -> tuple[Bytes, Places, Places]:
        """Return the bytes of rows, where each begins, and their sizes.

        What a row has in its own page ends at the same place for all, and the overflow follows.
        """
        bodies, sizes = self._bodies[at], self._sizes[at]
        usable = self._usable
        most, least = usable - 35, (usable - 12) * 32 // 255 - 23
        part = least + (sizes - least) % (usable - 4)
        local = np.where(sizes <= most, sizes, np.where(part <= most, part, least))
        longest = int(local.max())
        more = -(-(sizes - local) // (usable - 4))
        room = np.zeros((len(at), _PAD + longest + int(more.max()) * (usable - 4)), np.uint8)
        if int((bodies + local).max()) + 4 > len(self._data) + 4 * (not more.any()):
            raise self._broken("a row ends behind the file")
        room[:, _PAD : _PAD + longest] = _windows(self._data, bodies + local - longest, longest)
        following = np.zeros(len(at), np.int64)
        following[more > 0] = _number(self._data, (bodies + local)[more > 0], 4)
        for number in range(int(more.max())):
            active = more > number
            begin = self._begin(following[active])
            start = _PAD + longest + number * (usable - 4)
            room[active, start : start + usable - 4] = _windows(self._data, begin + 4, usable - 4)
            following[active] = _number(self._data, begin, 4)
        return room, _PAD + longest - local, sizes

    def _slowly(self, rowid: int, columns: Sequence[str]) -> Iterator[float]:
        """Read a row with SQLite."""
        names = ", ".join(map(quoted, columns))
        query = f"SELECT {names} FROM {quoted(self._table)} WHERE rowid = ?"
        for name, value in zip(
            columns, self._connection.execute(query, (rowid,)).fetchone(), strict=True
        ):
            try:
                yield float("nan" if value is None or value == "" else value)
            except (TypeError, ValueError):
                raise self._broken(f"{name} should hold numbers, found {value!r}") from None

    def _forget(self, size: int) -> None:
        """Tell the system now and then that pages of the file need not stay in memory."""
        self._touched += size
        if self._touched > _TOUCHED and hasattr(self._map, "madvise"):
            self._map.madvise(mmap.MADV_DONTNEED)
            self._touched = 0


class _Records:
    """Rows as the format has them: a header with the type of each value, then the values."""

    def __init__(self, room: Bytes, starts: Places, sizes: Places, columns: int) -> None:
        count, width = room.shape
        self.size = room.size
        self._flat = room.reshape(-1)
        self._rows = np.arange(count) * width
        header, length = _varints(self._flat, self._rows + starts)
        fits = (header == length + columns) & (starts + header <= width)
        types = _windows(self._flat, self._rows + np.where(fits, starts + length, 0), columns)
        self._types = np.where(fits[:, None], types, np.uint8(0))
        self._ends = np.cumsum(_SIZES[self._types], axis=1, dtype=np.int32)
        self._ends += (starts + header).astype(np.int32)[:, None]
        # Types of two bytes, or a row with fewer values, do not add up.
        self._usual = fits & (self._types < _LONG_TYPE).all(axis=1)
        self._usual &= self._ends[:, -1] - starts == sizes
        self._ends[~self._usual] = _PAD

    def usual(self, wanted: Places) -> npt.NDArray[np.bool_]:
        """Return which rows hold nothing but numbers and ``nan`` in some columns."""
        odd = wanted[(self._types[:, wanted] >= _TEXT).any(axis=0)]
        words = self._types[:, odd] >= _TEXT
        found: npt.NDArray[np.bool_] = self._usual & (~words | self._nan(odd)).all(axis=1)
        return found

    def _nan(self, columns: Places) -> npt.NDArray[np.bool_]:
        """Return which values are the text ``nan``; it is of type 13 + 2 × 3."""
        last = _number(self._flat, self._rows[:, None] + self._ends[:, columns] - 4, 4)
        found: npt.NDArray[np.bool_] = (self._types[:, columns] == 19) & (
            (last & 0xDFDFDF) == int.from_bytes(b"NAN")
        )
        return found

    def numbers(self, wanted: Places) -> npt.NDArray[np.float64]:
        """Return the numbers of columns, shape (columns, rows)."""
        into = np.empty((len(wanted), len(self._rows)))
        whole = (self._types[:, wanted] == _DECIMAL).all(axis=0) & self._usual.all()
        breaks = np.flatnonzero((np.diff(wanted) != 1) | (np.diff(whole) != 0)) + 1
        for places in np.split(np.arange(len(wanted)), breaks):
            if whole[places[0]]:
                first = self._rows + self._ends[:, wanted[places[0]]] - 8
                run = _windows(self._flat, first, 8 * len(places)).view(">f8")
                into[places[0] : places[-1] + 1] = run.T
        odd = np.flatnonzero(~whole)
        if len(odd):
            into[odd] = self._each(wanted[odd]).T
        return into

    def _each(self, columns: Places) -> npt.NDArray[np.float64]:
        types = self._types[:, columns]
        raw = _number(self._flat, self._rows[:, None] + self._ends[:, columns] - 8, 8)
        found = raw.view(np.float64)
        is_whole = (types > 0) & (types < _DECIMAL)
        if is_whole.any():
            bits = 64 - 8 * _SIZES[types[is_whole]].astype(np.int64)
            found[is_whole] = (raw[is_whole] << bits) >> bits
        found[types == _ZERO] = 0
        found[types == _ONE] = 1
        found[(types == 0) | (types > _ONE)] = np.nan
        return found


def _windows(data: Bytes, starts: Places, width: int) -> Bytes:
    """Return as many bytes from each place on, shape (places, width)."""
    if not width or int(starts.min()) < 0 or int(starts.max()) + width > len(data):
        raise IndexError("outside of the file")
    kind = np.dtype((np.void, width))
    each: Any = np.ndarray((len(data) - width + 1,), kind, data, strides=(1,))
    return np.ascontiguousarray(each[starts]).view(np.uint8).reshape(len(starts), width)


def _number(data: Bytes, places: Places, size: int) -> Places:
    """Return the whole numbers of 2, 4 or 8 bytes, the highest first, at some places."""
    if places.size and (int(places.min()) < 0 or int(places.max()) + size > len(data)):
        raise IndexError("outside of the file")
    each: Any = np.ndarray((len(data) - size + 1,), f">u{size}", data, strides=(1,))
    return np.asarray(each[places]).astype(np.uint64).view(np.int64)


def _varints(data: Bytes, places: Places) -> tuple[Places, Places]:
    """Return the numbers of 1 to 9 bytes at some places, and how many bytes each has."""
    found = np.zeros(len(places), np.int64)
    length = np.zeros(len(places), np.int64)
    active = np.arange(len(places))
    for number in range(9):
        byte = data[np.minimum(places[active] + number, len(data) - 1)].astype(np.int64)
        if number == 8:
            found[active] = (found[active] << 8) | byte
        else:
            found[active] = (found[active] << 7) | (byte & 127)
        length[active] = number + 1
        active = active[byte >= 128]
        if not len(active):
            break
    return found, length
