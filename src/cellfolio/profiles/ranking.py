"""Ranks of many rows that are sorted once, whatever of their values is ranked later."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfolio.profiles.statistics import Array, Mask, blocks

_VALUES = 50_000
"""Values that are worked on at once: so many stay in the processor's cache."""

Order = npt.NDArray[np.int64]
Ranks = npt.NDArray[np.int32]


class Ranking:
    """Ranks of rows of numbers, which are sorted once.

    Equal values share their mean rank, so ranks are kept twice as large, as whole numbers.

    Parameters
    ----------
    values : array of float, shape (rows, n)
        Finite.
    """

    def __init__(self, values: Array) -> None:
        self._rows = max(_VALUES // max(values.shape[1], 1), 1)
        self._twice: Ranks = np.empty(values.shape, dtype=np.int32)
        for some in blocks(len(values), self._rows):
            order, tied = _sorted(values[some])
            order += (np.arange(len(order)) * order.shape[1])[:, None]
            self._twice[some].reshape(-1)[order] = _twice_the_ranks(tied)

    def centred(self, rows: Order, kept: Mask | None = None) -> Array:
        """Return ranks less their mean; equal values share their mean rank.

        Parameters
        ----------
        rows : array of int
        kept : array of bool, shape (n,) or (rows, n), optional
            Which values are ranked; by default all. Others are 0.

        Examples
        --------
        >>> ranking = Ranking(np.array([[10.0, 30.0, 10.0, 20.0]]))
        >>> ranking.centred(np.array([0]))
        array([[-1. ,  1.5, -1. ,  0.5]])
        >>> abs(ranking.centred(np.array([0]), np.array([True, True, False, True])))
        array([[1., 1., 0., 0.]])
        """
        twice: Ranks
        count = self._twice.shape[1]
        found = np.empty((len(rows), count))
        for some in blocks(len(rows), self._rows):
            twice = self._twice[rows[some]]
            if kept is None:
                np.subtract(twice, count + 1, out=found[some])
            else:
                own = np.broadcast_to(kept if kept.ndim == 1 else kept[some], twice.shape)
                np.multiply(_left_over(twice, own), own, out=found[some])
            found[some] /= 2
        return found


def _sorted(values: Array) -> tuple[Order, Mask]:
    """Return the order of each row, and which values are equal to the next one in it.

    Sorting numbers is twice as fast as sorting their places, so the last bits of each number are
    replaced by its place. Where numbers differ in nothing but these bits, the true ones are looked
    at; a row that is in the wrong order then is sorted again.
    """
    count = values.shape[1]
    low = (1 << max(count - 1, 0).bit_length()) - 1
    keys = np.ascontiguousarray(values).view(np.int64) & ~low
    keys |= np.arange(count)
    keys = np.sort(keys.view(np.float64), axis=1).view(np.int64)
    order = keys & low
    keys &= ~low
    near = keys.view(np.float64)
    tied = np.zeros(values.shape, dtype=bool)  # the last with none
    np.equal(near[:, 1:], near[:, :-1], out=tied[:, :-1])
    row, at = np.nonzero(tied)
    one, other = values[row, order[row, at]], values[row, order[row, at + 1]]
    tied[row, at] = one == other
    for wrong in np.unique(row[one > other]):
        order[wrong] = np.argsort(values[wrong])
        ordered = values[wrong, order[wrong]]
        tied[wrong, :-1] = ordered[1:] == ordered[:-1]
    return order, tied


def _twice_the_ranks(tied: Mask) -> Ranks:
    """Return ranks in the order of the values, twice as large."""
    count = tied.shape[1]
    ranks = np.tile(np.arange(2, 2 * count + 2, 2, dtype=np.int32), (len(tied), 1))
    at = np.flatnonzero(tied)  # the last of a row is tied with none, so runs end with their row
    if len(at):
        starts = np.flatnonzero(np.diff(at, prepend=-2) != 1)
        lengths = np.diff(starts, append=len(at))
        first, last = at[starts], at[starts] + lengths
        flat = ranks.reshape(-1)
        means = (flat[first] + flat[last]) // 2
        flat[at] = np.repeat(means, lengths)
        flat[last] = means
    return ranks


def _left_over(twice: Ranks, kept: Mask) -> Ranks:
    """Return twice the ranks of the values that are kept, less twice their mean.

    Each value that goes takes a rank from those above it, and half a rank from its equals.
    """
    rows, count = twice.shape
    wide = 2 * count + 1
    places = twice + (np.arange(rows, dtype=np.int64) * wide)[:, None]
    lost = np.bincount(places[~kept], minlength=rows * wide).astype(np.int32).reshape(rows, wide)
    taken = 2 * np.cumsum(lost, axis=1, dtype=np.int32) - lost
    taken += np.count_nonzero(kept, axis=1).astype(np.int32)[:, None] + np.int32(1)
    left: Ranks = twice - np.take(taken.reshape(-1), places)
    return left
