"""Percent replicating: how many perturbations look alike each time they are done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.labels import chosen_rows, codes_of, names_of
from cellfolio.evaluation.nulls import Cutoff, Null, SampledGroups, beyond
from cellfolio.evaluation.similarities import Rows, Vectors, equal_sizes, prepare
from cellfolio.profiles.statistics import Array
from cellfolio.profiles.tables import open_table

STATISTICS = ("median", "mean")


@dataclass(frozen=True, slots=True)
class Replicability:
    """How alike the replicates of each perturbation are.

    Attributes
    ----------
    table : DataFrame
        One row for each perturbation, sorted: its columns, ``replicates``, ``correlation`` (missing
        where there is one replicate), ``replicating``.
    null : array of float
        Correlations without replicates.
    limits : tuple of float
        A perturbation replicates below the first or above the second; infinite where an end does
        not count.
    score : float
        Share of perturbations that replicate, those with one replicate among the others.
    pair_score : float
        Share of all pairs of replicates that are beyond the limits.
    without_perturbation : int
        Rows without one: no replicates of anything, but part of the null distribution.
    """

    table: pd.DataFrame = field(repr=False)
    null: Array = field(repr=False)
    limits: tuple[float, float]
    score: float
    pair_score: float
    without_perturbation: int


def percent_replicating(
    profiles: object,
    by: str | Sequence[str],
    null: Null | None = None,
    cutoff: Cutoff | None = None,
    *,
    statistic: str = "median",
    only: str | None = None,
    features: Sequence[str] | None = None,
) -> Replicability:
    """Compare the replicates of each perturbation with rows that are no replicates.

    Parameters
    ----------
    profiles : pandas.DataFrame, polars.DataFrame or anndata.AnnData
        One row for each well.
    by : str or sequence of str
        Columns that name the perturbation, such as ``"Metadata_broad_sample"``, or compound and
        dose.
    null : Null, optional
        `SampledGroups` (the default), `AllPairs` or `OneOfEach`.
    cutoff : Cutoff, optional
        By default the 95th percentile, from the right.
    statistic : {'median', 'mean'}
        What is made of the correlations between the replicates of a perturbation.
    only : str, optional
        Query that names the rows to use, such as ``"Metadata_control_type != 'negcon'"``.
    features : sequence of str, optional
        Names of the features; by default those that `split_features` finds.

    Returns
    -------
    Replicability

    Raises
    ------
    InvalidArgument
        If a column is not there, a feature has missing values, or rows are too few for the null.

    Notes
    -----
    Correlations are Pearson's. With z the centred profiles of length 1, the mean over the pairs of
    n replicates is (|Σz|² - n) / (n (n - 1)), in closed form as in [1]_; `pair_score` needs the
    pairs anyway, so it is taken of them. Medians and the null distribution of random groups are
    those of CPJUMP1 [2]_.

    References
    ----------
    .. [1] Haghighi et al., High-dimensional gene expression and morphology profiles of cells
       across 28,000 genetic and chemical perturbations, Nature Methods 2022.
    .. [2] Chandrasekaran et al., Three million images and morphological profiles of cells treated
       with matched chemical and genetic perturbations, Nature Methods 2024.

    Examples
    --------
    >>> wells = pd.DataFrame({
    ...     "drug": ["a", "a", "b", "b"],
    ...     "Cells_1": [1, 2, 5, 9], "Cells_2": [2, 3, 1, 2], "Cells_3": [4, 7, 0, 1],
    ... })
    >>> from cellfolio.evaluation import AllPairs
    >>> found = percent_replicating(wells, "drug", AllPairs())
    >>> found.score
    1.0
    >>> found.table.round(3)
      drug  replicates  correlation  replicating
    0    a           2        0.990         True
    1    b           2        0.997         True
    """
    if statistic not in STATISTICS:
        raise InvalidArgument(f"statistic should be one of {STATISTICS}, found {statistic!r}")
    table = open_table(profiles, features)
    names, rows = names_of(by), chosen_rows(table, only)
    codes, unknown = codes_of(table, names, rows)
    if unknown.all():
        raise InvalidArgument(f"no row has a value in {', '.join(names)}")
    vectors = prepare(table, "correlation", rows)
    places = np.unique(codes[~unknown], return_inverse=True)[1]
    # A row that nothing is known of is a perturbation of its own to the null distribution.
    apart = codes.copy()
    apart[unknown] = codes.max() + 1 + np.arange(unknown.sum())
    order = np.flatnonzero(~unknown)[np.argsort(places, kind="stable")]
    bounds = np.append(0, np.cumsum(np.bincount(places)))
    cutoff, null = cutoff or Cutoff(), null or SampledGroups()
    drawn = null.draw(vectors, apart, _usual(np.diff(bounds)))
    limits = cutoff.limits(drawn)
    correlation, pairs = _correlations(vectors, order, bounds, limits, statistic)
    keys = table.columns(names).reset_index(drop=True).iloc[rows[order[bounds[:-1]]]]
    made = keys.reset_index(drop=True).assign(
        replicates=np.diff(bounds),
        correlation=correlation,
        replicating=beyond(correlation, limits),
    )
    score = float(made["replicating"].mean())
    return Replicability(made, drawn, limits, score, pairs, int(unknown.sum()))


def _usual(sizes: Rows) -> int:
    """Return the most common number of replicates of those that have several."""
    several = sizes[sizes > 1]
    return int(np.bincount(several).argmax()) if len(several) else 2


def _correlations(
    vectors: Vectors, order: Rows, bounds: Rows, limits: tuple[float, float], statistic: str
) -> tuple[Array, float]:
    """Return what the correlations of each perturbation are, and the share of pairs beyond."""
    found = np.full(len(bounds) - 1, np.nan)
    pairs = hits = 0
    for numbers, members in equal_sizes(order, bounds):
        size = members.shape[1]
        if size < 2:
            continue
        first, second = np.triu_indices(size, 1)
        between = vectors.among(members)[:, first, second]
        pairs += between.size
        hits += int(beyond(between, limits).sum())
        found[numbers] = (np.median if statistic == "median" else np.mean)(between, axis=1)
    return found, hits / pairs if pairs else np.nan
