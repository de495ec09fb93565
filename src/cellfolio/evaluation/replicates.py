"""Do the replicates of a perturbation agree? Correlations within, against those by chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellfolio.profiles.correlation import correlations
from cellfolio.profiles.rows import Groups, group_rows
from cellfolio.profiles.statistics import Array, Mask
from cellfolio.profiles.tables import ProfileTable
from cellfolio.profiles.threads import one_thread

DRAWS = 1000
"""Groups of wells that are no replicates."""
_PERCENTILE = 95


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
    kept = np.flatnonzero(~controls & table.columns(by).notna().any(axis=1).to_numpy())
    groups = [rows[np.isin(rows, kept)] for rows in named]
    known = correlations(np.ascontiguousarray(table.values().T), "pearson").matrix()
    np.fill_diagonal(known, np.nan)
    null = _null(known, [rows for rows in groups if len(rows)], seed)
    threshold = float(np.percentile(null, _PERCENTILE)) if len(null) else np.nan
    within = np.full(len(known), np.nan)
    outliers: list[int] = []
    for rows in groups:
        if len(rows) > 1:
            own = known[np.ix_(rows, rows)]
            within[rows] = [_median(one) for one in own]
            outliers += (int(rows[at]) for at in _far(own, threshold))
    found = _perturbations(named, groups, known)
    return ReplicateAgreement(found, null, threshold, within, tuple(sorted(outliers)))


def _perturbations(
    named: Groups, groups: Sequence[npt.NDArray[np.int64]], known: Array
) -> pd.DataFrame:
    found = named.keys.assign(
        wells=[len(rows) for rows in groups],
        correlation=[_median(known[np.ix_(rows, rows)]) for rows in groups],
    )
    several = found[found["wells"] > 1]
    return several.sort_values("correlation", ascending=False, kind="stable", ignore_index=True)


def _median(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else np.nan


def _null(known: Array, groups: Sequence[npt.NDArray[np.int64]], seed: int) -> Array:
    """Draw wells of different perturbations, as many as perturbations have wells."""
    counts = [min(len(rows), len(groups)) for rows in groups if len(rows) > 1]
    if len(groups) < 2 or not counts:
        return np.empty(0)
    drawn = _strangers(groups, counts, np.random.default_rng(seed))
    found = [_median(known[np.ix_(rows, rows)]) for rows in drawn]
    return np.array([one for one in found if np.isfinite(one)])


def _strangers(
    groups: Sequence[npt.NDArray[np.int64]], counts: Sequence[int], random: np.random.Generator
) -> Iterator[npt.NDArray[np.int64]]:
    for count in islice(cycle(counts), DRAWS):
        chosen = random.choice(len(groups), count, replace=False)
        yield np.array([random.choice(groups[one]) for one in chosen])


def _far(own: Array, threshold: float) -> list[int]:
    """Return the wells below the threshold with all others, where those agree with each other."""
    found = []
    for at in range(len(own)):
        others = np.delete(np.arange(len(own)), at)
        together = _median(own[np.ix_(others, others)])
        nearest = own[at, others][np.isfinite(own[at, others])].max(initial=-np.inf)
        if together > threshold and nearest < threshold and np.isfinite(nearest):
            found.append(at)
    return found
