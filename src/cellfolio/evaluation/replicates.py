"""Do the replicates of a perturbation agree? Correlations within, against those by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cellfolio.evaluation.nulls import Cutoff, SampledPerturbations
from cellfolio.evaluation.similarities import Known, Rows, middles
from cellfolio.profiles.correlation import correlations
from cellfolio.profiles.rows import group_rows
from cellfolio.profiles.statistics import Array, Mask, medians
from cellfolio.profiles.tables import ProfileTable
from cellfolio.profiles.threads import one_thread


@dataclass(frozen=True)
class ReplicateAgreement:
    """How well replicates agree.

    Attributes
    ----------
    perturbations : pandas.DataFrame
        Of each with at least two wells: the columns that name it, ``wells`` and ``correlation``,
        the median of the correlations of its wells with each other; the highest first.
    null : array of float
        The same of wells of different perturbations, drawn by chance. Empty if there are fewer
        than two perturbations, or no correlations.
    threshold : float
        95th percentile of `null`; NaN if that is empty.
    with_replicates : array of float, shape (rows,)
        Median correlation of each well with its replicates; NaN where it has none.
    outliers : tuple of int
        Rows of wells that are far from all of their replicates, which agree.
    """

    perturbations: pd.DataFrame = field(repr=False)
    null: Array = field(repr=False)
    threshold: float
    with_replicates: Array = field(repr=False)
    outliers: tuple[int, ...]

    @property
    def agreeing(self) -> int:
        """Number of perturbations above the threshold."""
        return int((self.perturbations["correlation"] > self.threshold).sum())


@one_thread
def agreement(
    table: ProfileTable, by: Sequence[str], controls: Mask, *, seed: int = 0
) -> ReplicateAgreement:
    """Compare correlations of replicates with those of other wells.

    Parameters
    ----------
    table : ProfileTable
    by : sequence of str
        Columns that name a perturbation. Rows that miss all of them are left out, and so are
        controls: they are of another number.
    controls : array of bool, shape (rows,)
    seed : int
        Of what is drawn.

    Raises
    ------
    InvalidArgument
        If a column is not there.
    """
    named = group_rows(table, by)  # complains of columns that are not there
    kept = ~controls & table.columns(by).notna().any(axis=1).to_numpy()
    order = named.order[kept[named.order]]
    sizes = np.add.reduceat(kept[named.order], named.bounds[:-1], dtype=np.int64)
    bounds = np.append(0, np.cumsum(sizes))
    matrix = correlations(np.ascontiguousarray(table.values().T), "pearson").matrix()
    np.fill_diagonal(matrix, np.nan)
    null = _null(matrix, order, sizes, seed)
    threshold = Cutoff().limits(null)[1] if len(null) else np.nan
    within = np.full(len(matrix), np.nan)
    outliers: list[int] = []
    for rows in np.split(order, bounds[1:-1]):
        if len(rows) > 1:
            own = matrix[np.ix_(rows, rows)]
            within[rows] = medians(own)
            outliers += (int(rows[at]) for at in _far(own, threshold))
    made = named.keys.assign(wells=sizes, correlation=middles(Known(matrix), order, bounds))
    several = made[made["wells"] > 1].sort_values(
        "correlation", ascending=False, kind="stable", ignore_index=True
    )
    return ReplicateAgreement(several, null, threshold, within, tuple(sorted(outliers)))


def _null(matrix: Array, order: Rows, sizes: Rows, seed: int) -> Array:
    """Draw wells of different perturbations; none where there is too little to draw from."""
    if (sizes > 0).sum() < 2 or sizes.max() < 2:
        return np.empty(0)
    own = Known(matrix[np.ix_(order, order)])
    found = SampledPerturbations(seed=seed).draw(own, np.repeat(np.arange(len(sizes)), sizes), 2)
    return found[np.isfinite(found)]


def _far(own: Array, threshold: float) -> list[int]:
    """Return the wells below the threshold with all others, where those agree with each other."""
    found = []
    for at in range(len(own)):
        others = np.delete(np.arange(len(own)), at)
        together = medians(own[np.ix_(others, others)].reshape(1, -1))[0]
        nearest = own[at, others][np.isfinite(own[at, others])].max(initial=-np.inf)
        if together > threshold and nearest < threshold and np.isfinite(nearest):
            found.append(at)
    return found
