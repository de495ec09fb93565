"""How alike profiles are: many at once, by products of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.statistics import Array, Mask, blocks, medians
from cellfolio.profiles.tables import ProfileTable

Rows = npt.NDArray[np.int64]

SIMILARITIES = ("cosine", "abs_cosine", "correlation", "euclidean")
"""Cosine of the angle; its absolute value; Pearson's r; 1 / (1 + distance)."""

_ALL = slice(None)
_AT_ONCE = 2_000_000
"""Similarities that are kept at once."""
_FEW = 8
"""Members of a group up to which a product of matrices is not worth its while."""
_GATHERED = 100_000
"""Values of few members that are copied at once: they stay in the cache."""


class Similarities(Protocol):
    """What knows how alike rows are."""

    def among(self, groups: Rows) -> Array:
        """Return similarities of the members of each group, shape (groups, members, members)."""


@dataclass(frozen=True, slots=True)
class Known:
    """Similarities of all rows, computed before.

    Attributes
    ----------
    matrix : array of float, shape (rows, rows)
        Missing where there is none.
    """

    matrix: Array = field(repr=False)

    def among(self, groups: Rows) -> Array:
        """See `Similarities`."""
        found: Array = self.matrix[groups[:, :, None], groups[:, None, :]]
        return found


@dataclass(frozen=True, slots=True)
class Vectors:
    """Profiles, prepared for one kind of similarity.

    Attributes
    ----------
    columns : array of float, shape (features, rows)
        For ``cosine`` the features as they are: lengths come out of the products afterwards, so
        that a large table is not copied. Otherwise less a mean.
    squares : array of float, shape (rows,)
        Of the lengths of `columns`.
    kind : str
        One of `SIMILARITIES`.
    """

    columns: Array = field(repr=False)
    squares: Array = field(repr=False)
    kind: str

    def __len__(self) -> int:
        return len(self.squares)

    def some(self, rows: Rows | slice) -> Vectors:
        """Return some of them, in this order."""
        return Vectors(_taken(self.columns, rows), self.squares[rows], self.kind)

    def to(self, others: Vectors) -> Array:
        """Return similarities to others, shape (rows, others); to themselves in half the time."""
        found: Array = self.columns.T @ others.columns
        return self._scaled(found, self.squares[:, None], others.squares)

    def among(self, groups: Rows, some: slice = _ALL) -> Array:
        """Return similarities of some members of groups to all, shape (groups, some, members)."""
        if groups.shape[1] <= _FEW:
            return self._among_few(groups)[:, some]
        every = [self.some(members) for members in groups]
        return np.stack([members.some(some).to(members) for members in every])

    def _among_few(self, groups: Rows) -> Array:
        """Return similarities of few members: values of many groups are multiplied at once."""
        count, size = groups.shape
        found = np.zeros((size, size, count))
        members, pairs = groups.T.ravel(), list(combinations(range(size), 2))
        for block in blocks(len(self.columns), max(1, _GATHERED // len(members))):
            values = _taken(self.columns[block], members).reshape(-1, size, count)
            for one, other in pairs:
                found[one, other] += np.einsum("ij,ij->j", values[:, one], values[:, other])
        squares = self.squares[groups.T]
        for one, other in pairs:
            scaled = self._scaled(found[one, other], squares[one], squares[other])
            found[one, other] = found[other, one] = scaled
        found[range(size), range(size)] = 1
        return found.transpose(2, 0, 1)

    def _scaled(self, products: Array, squares: Array, others: Array) -> Array:
        """Return similarities that products are; the products change."""
        if self.kind == "euclidean":
            products *= -2
            products += squares
            products += others
            found: Array = 1 / (1 + np.sqrt(np.maximum(products, 0)))
            return found
        products /= np.sqrt(squares)
        products /= np.sqrt(others)
        return np.abs(products, out=products) if self.kind == "abs_cosine" else products


def prepare(table: ProfileTable, kind: str, rows: Rows) -> Vectors:
    """Return some profiles of a table, ready to be compared.

    Raises
    ------
    InvalidArgument
        If a value is missing or infinite, or a profile has no direction.
    """
    if kind not in SIMILARITIES:
        raise InvalidArgument(f"similarity should be one of {SIMILARITIES}, found {kind!r}")
    values = table.values()
    if not values.size:
        raise InvalidArgument("expected at least one row and one feature, found none")
    which = as_slice(rows)
    columns = _taken(values, which)
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is told below
        sizes = squares = _squares(columns)
        if kind in ("correlation", "euclidean"):
            mean = columns.mean(axis=0 if kind == "correlation" else 1, keepdims=True)
            ours = columns if which is rows else None
            columns = np.subtract(columns, mean, out=ours)
            squares = _squares(columns)
    if not np.isfinite(sizes).all():
        _refuse_missing(table, values[:, rows])
    if kind != "euclidean":
        _refuse_flat(squares <= 1e-26 * sizes, centred=kind == "correlation")
    return Vectors(columns, squares, kind)


def _taken(columns: Array, rows: Rows | slice) -> Array:
    """Return some rows; a slice is not copied."""
    if isinstance(rows, slice):
        return columns[:, rows]
    # Numbers of rows are right; to look at each one again takes as long as to copy.
    return np.take(columns, rows, axis=1, mode="clip")


def _squares(columns: Array) -> Array:
    found: Array = np.einsum("ij,ij->j", columns, columns)
    return found


def _refuse_missing(table: ProfileTable, values: Array) -> None:
    wrong = ~np.isfinite(values).all(axis=1)
    first = int(np.flatnonzero(wrong)[0]) if wrong.any() else 0
    what = "have missing or infinite values" if wrong.any() else "have values too large to square"
    raise InvalidArgument(
        f"{wrong.sum():,} of {len(values):,} features {what}, such as {table.features[first]}",
        hint="leave them out: --drop-missing, or cellfolio.profiles.feature_select "
        "with DropMissing(0)",
    )


def _refuse_flat(flat: Mask, *, centred: bool) -> None:
    if flat.any():
        what = "the same value in all features" if centred else "0 in all features"
        raise InvalidArgument(
            f"{flat.sum():,} of {len(flat):,} profiles have {what}, the first in row "
            f"{int(np.flatnonzero(flat)[0])} of those used, so they are like nothing",
            hint="leave them out with only=",
        )


def as_slice(numbers: Rows) -> Rows | slice:
    """Return numbers as a slice if they follow each other, so that nothing is copied."""
    if len(numbers) and (np.diff(numbers) == 1).all():
        return slice(int(numbers[0]), int(numbers[-1]) + 1)
    return numbers


def equal_sizes(order: Rows, bounds: Rows) -> Iterator[tuple[Rows, Rows]]:
    """Yield groups of one size together, so many that their similarities fit; no empty ones.

    Parameters
    ----------
    order, bounds : array of int
        As of `cellfolio.profiles.rows.Groups`.

    Yields
    ------
    numbers : array of int, shape (groups,)
    members : array of int, shape (groups, size)
    """
    sizes = np.diff(bounds)
    for size in np.unique(sizes[sizes > 0]):
        numbers = np.flatnonzero(sizes == size)
        step = max(1, _AT_ONCE // int(size * size))
        for start in range(0, len(numbers), step):
            some = numbers[start : start + step]
            yield some, order[bounds[some][:, None] + np.arange(size)]


def middles(similarities: Similarities, order: Rows, bounds: Rows) -> Array:
    """Return the median of the similarities within each group; missing where there is none.

    Parameters
    ----------
    similarities : Similarities
    order, bounds : array of int
        As of `cellfolio.profiles.rows.Groups`.
    """
    found = np.full(len(bounds) - 1, np.nan)
    for numbers, members in equal_sizes(order, bounds):
        first, second = np.triu_indices(members.shape[1], 1)
        found[numbers] = medians(similarities.among(members)[:, first, second])
    return found


def strips(count: int, columns: int) -> Iterator[slice]:
    """Yield parts of some rows, so few that their similarities to all columns fit."""
    step = max(16, _AT_ONCE // max(columns, 1))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
