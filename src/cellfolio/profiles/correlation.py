"""Correlations of many rows with each other, a block at a time.

The whole matrix of 5,800 features would take 270 MB, and what is wanted of it is one sum and a few
bits for each pair. Missing and infinite values are left out pair by pair.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.ranking import Ranking
from cellfolio.profiles.statistics import Array, Mask, blocks, moments

Coefficient: TypeAlias = Literal["pearson", "spearman", "kendall"]
_TINY = 1e-13
"""Share of a sum of squares below which what is left of it is rounding."""
_PAIRS = 4096
"""Pairs of values that Kendall's coefficient compares at once."""


def check_coefficient(name: str) -> None:
    """Raise InvalidArgument if a coefficient is not known."""
    if name not in get_args(Coefficient):
        raise InvalidArgument(
            f"a correlation should be one of {get_args(Coefficient)}, found {name!r}"
        )


class Correlations(ABC):
    """Correlations of rows, in an order with incomplete rows last.

    Parameters
    ----------
    values : array of float, shape (rows, n)

    Attributes
    ----------
    order : array of int
        The rows of `values` in the order that is used here.
    whole : int
        How many of them are complete.
    """

    def __init__(self, values: Array) -> None:
        complete = np.isfinite(values).all(axis=1)
        self.order = np.concatenate([np.flatnonzero(complete), np.flatnonzero(~complete)])
        self.whole = int(complete.sum())
        self._place = np.argsort(self.order)
        self._values = values if complete.all() else values[self.order]

    @property
    def unit(self) -> Array | None:
        """Complete rows as vectors whose products are the correlations, if there are such.

        NaN where a row has no correlation.
        """
        return None

    def block(self, rows: slice, end: int) -> Array:
        """Return correlations of some rows with the first `end` rows; NaN where there is none.

        The rows should be all complete or all incomplete, and `end` not before their end.
        """
        if rows.stop <= self.whole:
            return self._complete(rows, end)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.clip(self._pairwise(rows, end), -1, 1)

    def row_blocks(self, size: int) -> list[slice]:
        """Return slices that cover the rows, each of complete or incomplete ones."""
        rest = len(self.order) - self.whole
        after = [slice(b.start + self.whole, b.stop + self.whole) for b in blocks(rest, size)]
        return [*blocks(self.whole, size), *after]

    def matrix(self) -> Array:
        """Return all correlations, in the order of `values`."""
        count = len(self.order)
        found = np.empty((count, count))
        for rows in self.row_blocks(512):
            part = self.block(rows, rows.stop)
            found[np.ix_(self.order[rows], self.order[: rows.stop])] = part
            found[np.ix_(self.order[: rows.stop], self.order[rows])] = part.T
        return found

    def among(self, rows: npt.NDArray[np.int64]) -> Array:
        """Return the correlations of some rows, counted as in `values`, with each other."""
        return type(self)(self._values[self._place[rows]]).matrix()

    @abstractmethod
    def _complete(self, rows: slice, end: int) -> Array: ...

    @abstractmethod
    def _pairwise(self, rows: slice, end: int) -> Array: ...


def correlations(values: Array, coefficient: Coefficient) -> Correlations:
    """Return the correlations of rows.

    Parameters
    ----------
    values : array of float, shape (rows, n)
    coefficient : {'pearson', 'spearman', 'kendall'}
        Kendall's is tau-b.

    Examples
    --------
    >>> correlations(np.array([[1.0, 2, 3], [2, 4, 5], [3, 3, 3]]), "spearman").matrix()
    array([[ 1.,  1., nan],
           [ 1.,  1., nan],
           [nan, nan, nan]])
    """
    check_coefficient(coefficient)
    return _KINDS[coefficient](values)


class _OfUnits(Correlations):
    """Products of vectors: of the values or their ranks, centred and of length 1.

    ``_unit`` holds those of complete rows; after them, what a kind keeps of the others.
    """

    _unit: Array

    @property
    def unit(self) -> Array:
        """Complete rows as vectors whose products are the correlations."""
        return self._unit[: self.whole]

    def among(self, rows: npt.NDArray[np.int64]) -> Array:
        """Return the correlations of some rows, counted as in `values`, with each other."""
        place = self._place[rows]
        if (place >= self.whole).any():
            return super().among(rows)
        unit = self._unit[place]
        found: Array = unit @ unit.T
        return found

    def _complete(self, rows: slice, end: int) -> Array:
        found: Array = self._unit[rows] @ self._unit[:end].T
        return found


class _Pearson(_OfUnits):
    def __init__(self, values: Array) -> None:
        super().__init__(values)
        self._valid = np.isfinite(self._values[self.whole :])
        # Centred and of length 1 by what is known of each row, zero where nothing is known. A row
        # without spread has no correlation.
        known = self._values.copy()
        known[self.whole :][~self._valid] = np.nan
        mean, variance, constant = moments(known)
        length = np.sqrt(variance * known.shape[1])
        with np.errstate(invalid="ignore", divide="ignore"):
            for some in blocks(len(known)):
                known[some] -= mean[some, None]
                known[some] /= length[some, None]
        known[self.whole :][~self._valid] = 0
        known[constant | ~(variance > 0)] = np.nan
        self._unit = known

    def _pairwise(self, rows: slice, end: int) -> Array:
        ours = slice(rows.start - self.whole, rows.stop - self.whole)
        x, y = self._unit[rows], self._unit[:end]
        seen = self._valid[ours].astype(np.float64)
        count, sum_x, square_x = (self._with_others(one, end) for one in (seen, x, x * x))
        sum_y, square_y = seen @ y.T, seen @ (y * y).T
        rest_x = square_x - sum_x**2 / count
        rest_y = square_y - sum_y**2 / count
        found: Array = (x @ y.T - sum_x * sum_y / count) / np.sqrt(rest_x * rest_y)
        found[~((rest_x > _TINY * square_x) & (rest_y > _TINY * square_y))] = np.nan
        return found

    def _with_others(self, values: Array, end: int) -> Array:
        """Sum up values where others are there, too, which of complete rows is everywhere."""
        also = self._valid[: end - self.whole].astype(np.float64)
        total = np.repeat(values.sum(axis=1, keepdims=True), self.whole, axis=1)
        return np.hstack([total, values @ also.T])


class _Spearman(_OfUnits):
    def __init__(self, values: Array) -> None:
        super().__init__(values)
        self._unit = Ranking(self._values[: self.whole]).centred(np.arange(self.whole))
        for some in blocks(self.whole):
            with np.errstate(invalid="ignore"):  # a row without spread has no correlation
                self._unit[some] /= np.sqrt(_dots(self._unit[some], self._unit[some]))[:, None]

    def _pairwise(self, rows: slice, end: int) -> Array:
        """Rank what two rows have in common."""
        whole = np.arange(self.whole)
        found = np.full((rows.stop - rows.start, end), np.nan)
        for number, row in enumerate(range(rows.start, rows.stop)):
            own, rest = self._valid[row], np.arange(self.whole, row)
            found[number, whole] = self._ranked(whole, row, own)
            found[number, rest] = self._ranked(rest, row, self._valid[rest] & own)
            varied = np.ptp(self._values[row, own]) > 0 if own.any() else False
            found[number, row] = 1 if varied else np.nan
        square = found[:, rows]
        upper = np.triu_indices(len(square), 1)
        square[upper] = square.T[upper]
        return found

    def _ranked(self, rows: npt.NDArray[np.int64], other: int, common: Mask) -> Array:
        """Return the correlations of some rows with another by what they have in common."""
        if not len(rows):
            return np.empty(0)
        alike = np.array([other]) if common.ndim == 1 else np.full_like(rows, other)
        one, two = self._ranking.centred(rows, common), self._ranking.centred(alike, common)
        found: Array = _dots(one, two) / np.sqrt(_dots(one, one) * _dots(two, two))
        return found

    @cached_property
    def _valid(self) -> Mask:
        return np.isfinite(self._values)

    @cached_property
    def _ranking(self) -> Ranking:
        return Ranking(np.where(self._valid, self._values, 0))


def _dots(one: Array, other: Array) -> Array:
    found: Array = np.einsum("ij,ij->i", *np.broadcast_arrays(one, other))
    return found


class _Kendall(Correlations):
    """Tau-b: agreement of the signs of all differences, a share of those that are not zero."""

    def _complete(self, rows: slice, end: int) -> Array:
        """Compare signs; differences that are zero are the same in every pair of rows."""
        agree, untied = np.zeros((rows.stop - rows.start, end)), np.zeros(end)
        for sign in self._signs(end):
            agree += sign[rows] @ sign.T
            untied += np.abs(sign).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return self._shares(agree, untied[rows, None], untied)

    def _pairwise(self, rows: slice, end: int) -> Array:
        agree, untied_x, untied_y = np.zeros((3, rows.stop - rows.start, end))
        for sign in self._signs(end):
            valid = ~np.isnan(sign)
            sign[~valid] = 0
            seen, untied = valid.astype(np.float32), np.abs(sign)
            agree += sign[rows] @ sign.T
            untied_x += untied[rows] @ seen.T
            untied_y += seen[rows] @ untied.T
        return self._shares(agree, untied_x, untied_y)

    def _signs(self, end: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield signs of differences: whole numbers, exact in any order of adding up."""
        values = np.where(np.isfinite(self._values[:end]), self._values[:end], np.nan)
        first, second = np.triu_indices(values.shape[1], 1)
        for some in blocks(len(first), _PAIRS):
            yield np.sign(values[:, first[some]] - values[:, second[some]]).astype(np.float32)

    @staticmethod
    def _shares(agree: Array, untied_x: Array, untied_y: Array) -> Array:
        return np.clip(agree / np.sqrt(untied_x) / np.sqrt(untied_y), -1, 1)


_KINDS: dict[str, Callable[[Array], Correlations]] = {
    "pearson": _Pearson,
    "spearman": _Spearman,
    "kendall": _Kendall,
}
