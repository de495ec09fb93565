"""Ranks of many rows that are sorted once, whatever of their values is ranked later."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfolio.profiles.statistics import Array, Mask, blocks

_VALUES = 50_000
"""Values that are worked on at once: so many stay in the processor's cache."""

Order = npt.NDArray[np.int64]


class Ranking:
    """Rows of numbers in their order.

    Parameters
    ----------
    values : array of float, shape (rows, n)
        Finite.
    """

    def __init__(self, values: Array) -> None:
        self._rows = max(_VALUES // max(values.shape[1], 1), 1)
        self._order: Order = np.empty(values.shape, dtype=np.int64)
        self._tied = np.zeros(values.shape, dtype=bool)  # with the next one in this order
        for some in blocks(len(values), self._rows):
            self._order[some], self._tied[some, :-1] = _sorted(values[some])

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
        >>> ranking.centred(np.array([0]), np.array([True, True, False, True]))
        array([[-1.,  1., -0.,  0.]])
        """
        found = np.empty((len(rows), self._order.shape[1]))
        for some in blocks(len(rows), self._rows):
            order, tied = self._order[rows[some]], self._tied[rows[some]]
            flat = order + (np.arange(len(order)) * order.shape[1])[:, None]
            if kept is None:
                ranks = _ranks_of_all(tied)
            elif kept.ndim == 1:
                ranks = _ranks_of_some(kept[order], tied)
            else:
                ranks = _ranks_of_some(kept[some].reshape(-1)[flat], tied)
            found[some].reshape(-1)[flat] = ranks
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
    tied = np.asarray(near[:, 1:] == near[:, :-1], dtype=bool)
    row, at = np.nonzero(tied)
    one, other = values[row, order[row, at]], values[row, order[row, at + 1]]
    tied[row, at] = one == other
    for wrong in np.unique(row[one > other]):
        order[wrong] = np.argsort(values[wrong])
        ordered = values[wrong, order[wrong]]
        tied[wrong] = ordered[1:] == ordered[:-1]
    return order, tied


def _ranks_of_all(tied: Mask) -> Array:
    count = tied.shape[1]
    first = np.arange(1, count + 1, dtype=np.float64)
    ranks = np.repeat((first - (count + 1) / 2)[None], len(tied), axis=0)
    _share(ranks, None, tied)
    return ranks


def _ranks_of_some(kept: Mask, tied: Mask) -> Array:
    """Return centred ranks from which values are kept, both in the order of the values."""
    ranks = np.cumsum(kept, axis=1, dtype=np.int32).astype(np.float64)
    middle = (ranks[:, -1:] + 1) / 2
    _share(ranks, kept, tied)
    ranks -= middle
    ranks *= kept
    return ranks


def _share(ranks: Array, kept: Mask | None, tied: Mask) -> None:
    """Give equal values their mean rank."""
    at = np.flatnonzero(tied)  # the last of a row is tied with none, so runs end with their row
    if not len(at):
        return
    starts = np.flatnonzero(np.diff(at, prepend=-2) != 1)
    lengths = np.diff(starts, append=len(at))
    first, last = at[starts], at[starts] + lengths
    flat = ranks.reshape(-1)
    lowest = flat[first] if kept is None else flat[first] - kept.reshape(-1)[first] + 1
    means = (lowest + flat[last]) / 2
    flat[at] = np.repeat(means, lengths)
    flat[last] = means
