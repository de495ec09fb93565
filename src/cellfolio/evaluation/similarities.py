"""How alike profiles are: many at once, by products of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.statistics import Array, Mask
from cellfolio.profiles.tables import ProfileTable

Rows = npt.NDArray[np.int64]

SIMILARITIES = ("cosine", "abs_cosine", "correlation", "euclidean")
"""Cosine of the angle; its absolute value; Pearson's r; 1 / (1 + distance)."""

_AT_ONCE = 2_000_000
"""Similarities that are kept at once."""
_GATHERED = 250_000
"""Values of features of small groups that are copied at once: they stay in the cache."""
_PREPARED = 64
"""Rows that are prepared at once."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Profiles, prepared for one kind of similarity.

    Attributes
    ----------
    rows : array of float, shape (rows, features)
        Of length 1, but for ``euclidean``.
    kind : str
        One of `SIMILARITIES`.
    """

    rows: Array = field(repr=False)
    kind: str

    def __len__(self) -> int:
        return len(self.rows)

    def some(self, rows: Rows) -> Vectors:
        """Return some of them, in this order."""
        return Vectors(self.rows[rows], self.kind)

    def between(self, left: Rows | slice, right: Rows | slice) -> Array:
        """Return similarities of rows: of shape (left, right), or (groups, left, right)."""
        a = self.rows[left]
        b = a if left is right else self.rows[right]
        found: Array = a @ np.swapaxes(b, -1, -2)
        if self.kind == "abs_cosine":
            np.abs(found, out=found)
        elif self.kind == "euclidean":
            squares = np.square(a).sum(-1)[..., :, None] + np.square(b).sum(-1)[..., None, :]
            found = 1 / (1 + np.sqrt(np.maximum(squares - 2 * found, 0)))
        return found


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
    found = np.empty((len(rows), len(values)))
    norms, sizes = np.empty(len(rows)), np.empty(len(rows))
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is told below
        middle = values[:, rows].mean(axis=1) if kind == "euclidean" else 0
        for start in range(0, len(rows), _PREPARED):
            some = slice(start, start + _PREPARED)
            part = np.subtract(values[:, as_slice(rows[some])].T, middle, out=found[some])
            sizes[some] = np.einsum("ij,ij->i", part, part)
            if kind == "correlation":
                part -= part.mean(axis=1, keepdims=True)
            norms[some] = np.einsum("ij,ij->i", part, part)
            if kind != "euclidean":
                part /= np.sqrt(np.where(norms[some] > 0, norms[some], 1))[:, None]
    if not np.isfinite(sizes).all():
        _refuse_missing(table, values[:, rows])
    if kind != "euclidean":
        _refuse_flat(norms <= 1e-26 * sizes, centred=kind == "correlation")
    return Vectors(found, kind)


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


def equal_sizes(order: Rows, bounds: Rows, width: int) -> Iterator[tuple[Rows, Rows]]:
    """Yield groups of one size together, so many that their similarities fit into memory.

    Parameters
    ----------
    order, bounds : array of int
        As of `cellfolio.profiles.rows.Groups`.
    width : int
        Number of features.

    Yields
    ------
    numbers : array of int, shape (groups,)
    members : array of int, shape (groups, size)
    """
    sizes = np.diff(bounds)
    for size in np.unique(sizes):
        numbers = np.flatnonzero(sizes == size)
        step = max(1, min(_AT_ONCE // int(size * size), _GATHERED // int(size * width)))
        for start in range(0, len(numbers), step):
            some = numbers[start : start + step]
            yield some, order[bounds[some][:, None] + np.arange(size)]


def strips(count: int, columns: int) -> Iterator[slice]:
    """Yield parts of some rows, so few that their similarities to all columns fit."""
    step = max(16, _AT_ONCE // max(columns, 1))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
