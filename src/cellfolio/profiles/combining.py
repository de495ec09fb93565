"""Consensus profiles: replicates become one profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.aggregating import (
    WELLS,
    Average,
    average_groups,
    check_average,
    group_profiles,
)
from cellfolio.profiles.correlation import Coefficient, check_coefficient, correlations
from cellfolio.profiles.rows import Groups
from cellfolio.profiles.statistics import Array, blocks
from cellfolio.profiles.tables import T, open_table
from cellfolio.profiles.threads import one_thread


@dataclass(frozen=True, slots=True)
class Modz:
    """A mean in which replicates weigh as much as they agree with the others (MODZ).

    The weight of a replicate is its mean correlation with the others, negative ones taken as
    zero; then weights are divided by their sum, and rounded.

    Parameters
    ----------
    coefficient : {'spearman', 'pearson', 'kendall'}
    minimum : float
        Least weight before they are divided by their sum.
    digits : int
        Decimals to which weights are rounded.

    References
    ----------
    Subramanian et al. 2017, https://doi.org/10.1016/j.cell.2017.10.049
    """

    coefficient: Coefficient = "spearman"
    minimum: float = 0.01
    digits: int = 4

    def __post_init__(self) -> None:
        check_coefficient(self.coefficient)
        if not 0 <= self.minimum <= 1:
            raise InvalidArgument(f"minimum should be from 0 to 1, found {self.minimum!r}")
        if self.digits < 0:
            raise InvalidArgument(f"digits should be at least 0, found {self.digits!r}")

    def combine(self, replicates: Array) -> Array:
        """Return the consensus of replicates, an array of shape (replicates, features).

        Examples
        --------
        >>> Modz().combine(np.array([[1.0, 2, 3], [1, 2, 3], [3, 2, 1]])).round(3)
        array([1.02, 2.  , 2.98])
        """
        agreement = correlations(replicates, self.coefficient).matrix()
        return self._combine(replicates, agreement)

    @one_thread
    def combine_groups(self, values: Array, groups: Groups) -> Array:
        """Return the consensus of each group of rows.

        Parameters
        ----------
        values : array of float, shape (features, rows)
        groups : Groups

        Returns
        -------
        array of float, shape (features, groups)
        """
        sizes = np.diff(groups.bounds)
        alone = sizes == 1
        found = np.empty((len(values), len(groups)))
        found[:, alone] = values[:, groups.order[groups.bounds[:-1][alone]]]
        rows_of = groups.order[np.repeat(~alone, sizes)]
        together = np.empty((len(rows_of), len(values)))
        for some in blocks(len(values)):
            together[:, some] = values[some][:, rows_of].T
        known = correlations(together, self.coefficient)
        combined = np.empty((int((~alone).sum()), len(values)))
        end = 0
        for number, size in enumerate(sizes[~alone]):
            rows = slice(end, end := end + size)
            agreement = known.among(np.arange(rows.start, rows.stop))
            combined[number] = self._combine(together[rows], agreement)
        several = np.flatnonzero(~alone)
        for some in blocks(len(values)):
            found[some, several] = combined[:, some].T
        return found

    def _combine(self, replicates: Array, agreement: Array) -> Array:
        if len(replicates) == 1:
            return np.asarray(replicates[0], dtype=np.float64)
        weights = self._weights(agreement)
        with np.errstate(invalid="ignore"):
            found: Array = weights @ replicates
        return _completed(replicates, weights) if np.isnan(found).any() else found

    def _weights(self, agreement: Array) -> Array:
        np.fill_diagonal(agreement, np.nan)
        known = ~np.isnan(agreement)
        with np.errstate(invalid="ignore", divide="ignore"):
            total = np.where(known, np.maximum(agreement, 0), 0).sum(axis=1)
            raw = np.maximum(total / known.sum(axis=1), self.minimum)
        whole = np.nansum(raw)
        if whole == 0:
            raw, whole = np.ones(len(raw)), float(len(raw))
        return np.asarray(np.round(raw / whole, self.digits), dtype=np.float64)


def _completed(replicates: Array, weights: Array) -> Array:
    """Return the weighed sum where replicates that have a value weigh in for those that miss it."""
    seen = ~np.isnan(replicates) & ~np.isnan(weights)[:, None]
    weight = np.where(seen, weights[:, None], 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (np.where(seen, replicates, 0) * weight).sum(axis=0)
        found *= np.nansum(weights) / weight.sum(axis=0)
    return np.asarray(found, dtype=np.float64)


def consensus(
    profiles: T,
    by: str | Sequence[str] = WELLS,
    method: Modz | Average = "median",
    *,
    features: Sequence[str] | None = None,
) -> T:
    """Combine replicates into one profile.

    Parameters
    ----------
    profiles : pandas.DataFrame, polars.DataFrame or anndata.AnnData
    by : str or sequence of str
        Columns that tell replicates, such as ``"Metadata_broad_sample"``.
    method : Modz or {'median', 'mean'}
    features : sequence of str, optional
        Names of the features; by default those that `split_features` finds.

    Returns
    -------
    table of the same kind
        The columns of `by` and the features, sorted by the columns of `by`.

    Raises
    ------
    InvalidArgument
        If a column is not there, or a feature holds something else than numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> profiles = pd.DataFrame(
    ...     {"drug": ["b", "b", "a"], "Cells_A": [1.0, 1.2, 0], "Cells_B": [2.0, 2.4, 0]}
    ... )
    >>> consensus(profiles, by="drug", method=Modz())
      drug  Cells_A  Cells_B
    0    a      0.0      0.0
    1    b      1.1      2.2
    """
    if not isinstance(method, Modz):
        check_average(method)
    table = open_table(profiles, features)
    groups = group_profiles(table, by)
    values = table.values()
    if isinstance(method, Modz):
        found = method.combine_groups(values, groups)
    else:
        found = average_groups(values, groups, method)
    return table.made_of(groups.keys, table.features, found)  # type: ignore[no-any-return]
