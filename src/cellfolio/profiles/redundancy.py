"""Which features say what others say already."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from cellfolio.profiles.correlation import Coefficient, Correlations, correlations
from cellfolio.profiles.statistics import Array
from cellfolio.profiles.threads import one_thread

_ROWS = 256
"""Features whose correlations with all others are held at once."""
_EQUAL = 1e-12
"""What a correlation may be above the limit by rounding."""
_DIGITS = 10
"""Significant digits in which two sums of correlations have to differ."""


@one_thread
def find_redundant(
    values: Array, maximum: float, coefficient: Coefficient
) -> list[tuple[int, int]]:
    """Return features to drop, each with a feature that stands for it.

    Parameters
    ----------
    values : array of float, shape (features, rows)
    maximum : float
        Highest correlation that may stay.
    coefficient : {'pearson', 'spearman', 'kendall'}

    Returns
    -------
    list of (int, int)
        Places of the dropped feature and of the least connected one that it correlates with.

    Examples
    --------
    >>> find_redundant(np.array([[1.0, 2, 3], [2, 4, 6.1], [3, 1, 2]]), 0.9, "pearson")
    [(0, 1)]
    """
    known = correlations(values, coefficient)
    sums = np.zeros(len(values))
    above = [_look_at(known, rows, maximum, sums) for rows in known.row_blocks(_ROWS)]
    rank = _ranked(sums, known.order)
    partner = np.full(len(values), len(values))
    for rows, bits in above:
        for one, other in _pairs(rows, bits):
            lost = np.where(rank[one] > rank[other], one, other)
            np.minimum.at(partner, lost, np.minimum(rank[one], rank[other]))
    by_rank = np.argsort(rank)
    return sorted(
        (int(known.order[lost]), int(known.order[by_rank[partner[lost]]]))
        for lost in np.flatnonzero(partner < len(values))
    )


def _look_at(
    known: Correlations, rows: slice, maximum: float, sums: Array
) -> tuple[slice, npt.NDArray[np.uint8]]:
    """Add a block to the sums, and return which of its pairs are above the limit, as bits."""
    found = known.block(rows, rows.stop)
    with np.errstate(invalid="ignore"):
        bits = np.packbits(found > maximum + _EQUAL, axis=1)
    np.abs(found, out=found)
    own = found.sum(axis=1)
    if np.isnan(own).any():
        found[np.isnan(found)] = 0
        own = found.sum(axis=1)
    sums[rows] += own
    sums[: rows.start] += found[:, : rows.start].sum(axis=0)
    return rows, bits


def _ranked(sums: Array, order: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Rank features by their sums, then by their place in the table."""
    with np.errstate(divide="ignore"):
        digits = _DIGITS - 1 - np.floor(np.log10(np.where(sums > 0, sums, 1)))
    rounded = np.round(sums * 10**digits) / 10**digits
    rank = np.empty(len(sums), dtype=np.int64)
    rank[np.lexsort((order, rounded))] = np.arange(len(sums))
    return rank


def _pairs(
    rows: slice, bits: npt.NDArray[np.uint8]
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    some = np.flatnonzero(bits)  # most bytes have no bit
    at, bit = np.nonzero(np.unpackbits(bits.reshape(-1)[some, None], axis=1))
    one, byte = np.divmod(some[at], bits.shape[1])
    one, other = one + rows.start, 8 * byte + bit
    once = other < one
    yield one[once], other[once]
