"""Does the place on the plate tell the value? Effects of rows, columns and the edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellfolio.profiles.statistics import Array, Mask


@dataclass(frozen=True)
class PositionEffect:
    """How much of the differences between wells their places tell.

    Attributes
    ----------
    of : str
        What differs, such as ``objects``.
    row, column, edge : float
        Share of the variance that the row, the column, or lying at the edge explains: adjusted R²,
        about 0 where places tell nothing, 1 where they tell everything. NaN where there are too
        few wells.
    by_row, by_column : dict of int to float
        Mean of each row and column, counted from 1.

    Notes
    -----
    Where perturbations fill whole rows or columns, or controls lie at the edge, they are told
    with it.
    """

    of: str
    row: float
    column: float
    edge: float
    by_row: dict[int, float]
    by_column: dict[int, float]

    @property
    def largest(self) -> float:
        """The largest of the three shares; NaN if there is none."""
        shares = [one for one in (self.row, self.column, self.edge) if np.isfinite(one)]
        return max(shares, default=np.nan)


def position_effect(
    of: str, values: Array, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
) -> PositionEffect:
    """Return how much of the differences between wells their places tell.

    Parameters
    ----------
    of : str
        What differs.
    values : array of float, shape (wells,)
        Those that are not finite are left out.
    rows, columns : array of int, shape (wells,)
        Counted from 1. The edge is the outermost wells of those that are there.

    Examples
    --------
    >>> rows, columns = np.repeat([1, 2, 3], 3), np.tile([1, 2, 3], 3)
    >>> found = position_effect("objects", 10.0 * rows + [0, 1, 2] * 3, rows, columns)
    >>> round(found.row, 2), found.by_row
    (0.99, {1: 11.0, 2: 21.0, 3: 31.0})
    """
    known = np.isfinite(values)
    edge = _at_edge(rows) | _at_edge(columns)
    values, rows, columns, edge = values[known], rows[known], columns[known], edge[known]
    return PositionEffect(
        of,
        _explained(values, rows),
        _explained(values, columns),
        _explained(values, edge.astype(np.int64)),
        _means(values, rows),
        _means(values, columns),
    )


def _at_edge(places: npt.NDArray[np.int64]) -> Mask:
    if not len(places):
        return np.zeros(0, dtype=bool)
    return np.asarray((places == places.min()) | (places == places.max()), dtype=bool)


def _means(values: Array, places: npt.NDArray[np.int64]) -> dict[int, float]:
    return {int(one): float(values[places == one].mean()) for one in np.unique(places)}


def _explained(values: Array, places: npt.NDArray[np.int64]) -> float:
    """Return the adjusted R² of the means of groups."""
    means = _means(values, places)
    free = len(values) - len(means)
    total = float(((values - values.mean()) ** 2).sum()) if len(values) else 0.0
    if len(means) < 2 or free < 1 or total <= 0:
        return np.nan
    rest = float(((values - np.array([means[int(one)] for one in places])) ** 2).sum())
    return 1 - (rest / free) / (total / (len(values) - 1))
