"""How alike profiles are: many at once, by products of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.statistics import Array
from cellfolio.profiles.tables import ProfileTable

Rows = npt.NDArray[np.int64]

SIMILARITIES = ("cosine", "abs_cosine", "correlation", "euclidean")
"""Cosine of the angle; its absolute value; Pearson's r; 1 / (1 + distance)."""

_AT_ONCE = 2_000_000
"""Similarities, or values of features, that are worked on at once."""


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

    def between(self, left: Rows, right: Rows) -> Array:
        """Return similarities of rows: of shape (left, right), or (groups, left, right)."""
        a, b = self.rows[left], self.rows[right]
        found: Array = a @ np.swapaxes(b, -1, -2)
        if self.kind == "abs_cosine":
            np.abs(found, out=found)
        elif self.kind == "euclidean":
            squares = np.square(a).sum(-1)[..., :, None] + np.square(b).sum(-1)[..., None, :]
            found = 1 / (1 + np.sqrt(np.maximum(squares - 2 * found, 0)))
        return found


def prepare(table: ProfileTable, kind: str, rows: Rows | None = None) -> Vectors:
    """Return the profiles of a table, or of some of its rows, ready to be compared.

    Raises
    ------
    InvalidArgument
        If a value is missing or infinite, or a profile has no direction.
    """
    if kind not in SIMILARITIES:
        raise InvalidArgument(f"similarity should be one of {SIMILARITIES}, found {kind!r}")
    values = table.values()
    values = values if rows is None else values[:, rows]
    if not values.size:
        raise InvalidArgument("expected at least one row and one feature, found none")
    wrong = ~np.isfinite(values).all(axis=1)
    if wrong.any():
        name = table.features[int(np.flatnonzero(wrong)[0])]
        raise InvalidArgument(
            f"{wrong.sum():,} of {len(values):,} features have missing or infinite values, "
            f"such as {name}",
            hint="drop them first: cellfolio.profiles.feature_select with DropMissing(0)",
        )
    if kind == "euclidean":
        # Distances stay the same, and lose less to rounding.
        return Vectors(np.ascontiguousarray((values - values.mean(axis=1, keepdims=True)).T), kind)
    return Vectors(_units(np.ascontiguousarray(values.T), centred=kind == "correlation"), kind)


def _units(rows: Array, *, centred: bool) -> Array:
    size = np.abs(rows).max(axis=1)
    if centred:
        rows = rows - rows.mean(axis=1, keepdims=True)
    norms = np.sqrt(np.square(rows).sum(axis=1))
    flat = norms <= 1e-13 * np.sqrt(rows.shape[1]) * size
    if flat.any():
        what = "the same value in all features" if centred else "0 in all features"
        raise InvalidArgument(
            f"{flat.sum():,} of {len(rows):,} profiles have {what}, the first in row "
            f"{int(np.flatnonzero(flat)[0])}, so they are like nothing",
            hint="leave them out with only=",
        )
    found: Array = rows / norms[:, None]
    return found


def equal_sizes(order: Rows, bounds: Rows) -> Iterator[tuple[Rows, Rows]]:
    """Yield groups of one size together, so many that their similarities fit into memory.

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
    for size in np.unique(sizes):
        numbers = np.flatnonzero(sizes == size)
        step = max(1, _AT_ONCE // int(size * max(size, 800)))
        for start in range(0, len(numbers), step):
            some = numbers[start : start + step]
            yield some, order[bounds[some][:, None] + np.arange(size)]


def strips(count: int, columns: int) -> Iterator[slice]:
    """Yield parts of some rows, so few that their similarities to all columns fit."""
    step = max(16, _AT_ONCE // max(columns, 1))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
