"""Which rows correlate above a limit, and how much each correlates with all.

Rule: products of 32 bits take half the time of those of 64. How far rounding may lead them is known
(Higham 2002, section 3.1), so they are taken first, and what they leave open is decided in 64 bits:
of 5,800 features of a plate, the sums of some dozens. The answer is that of 64 bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellfolio.profiles.correlation import Correlations
from cellfolio.profiles.statistics import Array, Mask, blocks

_ROWS = 256
"""Rows whose correlations with all others are held at once."""
_TILE = 512
"""Rows whose correlations of 32 bits with as many others are held at once, in the cache."""
_WORTH = 1024
"""Rows from which it is worth it to begin with 32 bits."""
_LONGEST = 4096
"""Values of a row up to which rounding of 32 bits leaves little open."""
_UNIT = 2.0**-24
"""Largest error of rounding to 32 bits, relative to the number."""
DIGITS = 10
"""Significant digits in which two sums have to differ."""

Indices = npt.NDArray[np.int64]
_Rough = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tile:
    """Pairs of some rows with others: a bit is set where they are above the limit.

    Attributes
    ----------
    rows : slice
    first : int
        The row of the first bit of each line.
    bits : array of uint8
    """

    rows: slice
    first: int
    bits: npt.NDArray[np.uint8]

    def pairs(self) -> tuple[Indices, Indices]:
        """Return the pairs above the limit, the later row first."""
        some = np.flatnonzero(self.bits)  # most bytes have no bit
        at, bit = np.nonzero(np.unpackbits(self.bits.reshape(-1)[some, None], axis=1))
        one, byte = np.divmod(some[at], self.bits.shape[1])
        one, other = one + self.rows.start, 8 * byte + bit + self.first
        once = other < one
        return one[once], other[once]


@dataclass(frozen=True, slots=True)
class Connections:
    """What is known of rows, in the order of `Correlations`.

    Attributes
    ----------
    tiles : sequence of Tile
    sums : array of float
        Of absolute correlations of each row with all. Those that no choice depends on, among a row
        and its partners, may be a little off.
    """

    tiles: Sequence[Tile]
    sums: Array

    def pairs(self) -> Iterator[tuple[Indices, Indices]]:
        """Yield the pairs above the limit, some at once; the later row first."""
        for tile in self.tiles:
            yield tile.pairs()


def connect(known: Correlations, limit: float) -> Connections:
    """Return which pairs are above a limit, which is positive, and the sums of all rows."""
    unit = known.unit
    if unit is not None and len(unit) >= _WORTH and unit.shape[1] <= _LONGEST:
        found = _connect_roughly(known, unit, limit)
        if found is not None:
            return found
    return connect_exactly(known, limit)


def connect_exactly(known: Correlations, limit: float) -> Connections:
    """Do as `connect`, all of it in 64 bits."""
    sums = np.zeros(len(known.order))
    tiles = [_look_at(known, rows, limit, sums) for rows in known.row_blocks(_ROWS)]
    return Connections(tiles, sums)


def _look_at(known: Correlations, rows: slice, limit: float, sums: Array) -> Tile:
    """Add a block to the sums, and return which of its pairs are above the limit."""
    found = known.block(rows, rows.stop)
    with np.errstate(invalid="ignore"):
        bits = np.packbits(found > limit, axis=1)
    np.abs(found, out=found)
    own = found.sum(axis=1)
    if np.isnan(own).any():
        found[np.isnan(found)] = 0
        own = found.sum(axis=1)
    sums[rows] += own
    sums[: rows.start] += found[:, : rows.start].sum(axis=0)
    return Tile(rows, 0, bits)


def _connect_roughly(known: Correlations, unit: Array, limit: float) -> Connections | None:
    """Begin with 32 bits for complete rows; None if that leaves too much open."""
    whole = len(unit)
    screen = _Screen(unit, limit)
    tiles = list(screen.tiles())
    beside = np.zeros(len(known.order))  # with incomplete rows
    tiles += [
        _look_at(known, rows, limit, beside)
        for rows in known.row_blocks(_ROWS)
        if rows.start >= whole
    ]
    sums = beside.copy()
    sums[:whole] += screen.sums
    error = sums * 2 * 10.0 ** (1 - DIGITS)  # what is a tie after rounding is open, too
    error[:whole] += screen.errors()
    found = Connections(tiles, sums)
    open_ = _undecided(found, sums - error, sums + error)
    open_ = open_[open_ < whole]
    if 2 * len(open_) > whole:
        return None
    sums[open_] = beside[open_]
    for some in blocks(len(open_), _ROWS):
        sums[open_[some]] += screen.exact_sums(open_[some])
    return found


class _Screen:
    """Correlations of complete rows in 32 bits, with bounds of their errors."""

    def __init__(self, unit: Array, limit: float) -> None:
        self._unit = unit
        self._limit = limit
        self._rough: _Rough = unit.astype(np.float32)
        self._flat: Mask = np.isnan(self._rough[:, 0])
        self._rough[self._flat] = 0  # has no correlation, and so is never above the limit
        # Of a product of unit vectors: each of its values is rounded twice, and then once a term.
        self._share = 1.01 * (unit.shape[1] + 4) * _UNIT
        self.sums = np.zeros(len(unit))

    def tiles(self) -> Iterator[Tile]:
        """Yield all pairs, and add up the sums."""
        parts = list(blocks(len(self._rough), _TILE))
        for number, rows in enumerate(parts):
            for columns in parts[: number + 1]:
                found = self._rough[rows] @ self._rough[columns].T
                bits = np.packbits(self._above(found, rows, columns), axis=1)
                np.abs(found, out=found)
                self.sums[rows] += found.sum(axis=1)
                if columns != rows:
                    self.sums[columns] += found.sum(axis=0)
                yield Tile(rows, columns.start, bits)

    def _above(self, found: _Rough, rows: slice, columns: slice) -> Mask:
        """Tell which are above the limit; what rounding leaves open is computed again."""
        above: Mask = found > np.float32(self._limit - self._share)
        places = np.flatnonzero(above)  # much quicker than places in two dimensions
        near = found.reshape(-1)[places] <= np.float32(self._limit + self._share)
        at, to = np.divmod(places[near], above.shape[1])
        for some in blocks(len(at), _TILE):
            one, other = self._unit[rows][at[some]], self._unit[columns][to[some]]
            above[at[some], to[some]] = np.einsum("ij,ij->i", one, other) > self._limit
        return above

    def errors(self) -> Array:
        """Return how far each sum may be off."""
        size = np.abs(self._rough)
        products = size @ size.sum(axis=0, dtype=np.float64).astype(np.float32)
        return np.asarray(self._share * products + 1.01 * (_TILE + 4) * _UNIT * self.sums)

    def exact_sums(self, rows: Indices) -> Array:
        """Return the sums of some rows."""
        found = np.abs(self._unit[rows] @ self._unit.T)
        found[:, self._flat] = 0
        return np.asarray(found.sum(axis=1))


def _undecided(found: Connections, low: Array, high: Array) -> Indices:
    """Return rows whose sums have to be known better.

    Of each row and its partners, the one with the least sum is looked for. Its sum is between `low`
    and `high`; it is known if all others begin above its end.
    """
    least = high.copy()
    for one, other in found.pairs():
        np.minimum.at(least, one, high[other])
        np.minimum.at(least, other, high[one])
    candidates = (low <= least).astype(np.int64)
    for one, other in found.pairs():
        np.add.at(candidates, one[low[other] <= least[one]], 1)
        np.add.at(candidates, other[low[one] <= least[other]], 1)
    several = candidates > 1
    open_ = several & (low <= least)
    for one, other in found.pairs():
        open_[other[several[one] & (low[other] <= least[one])]] = True
        open_[one[several[other] & (low[one] <= least[other])]] = True
    return np.flatnonzero(open_)
