"""Average precision: whether a profile finds those it should before all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.labels import chosen_rows
from cellfolio.evaluation.precision_pairs import (
    PairRule,
    Positives,
    design_of,
    find_positives,
    negative_strips,
)
from cellfolio.evaluation.similarities import Rows, as_slice, prepare
from cellfolio.profiles.statistics import Array
from cellfolio.profiles.tables import open_table

PARITIES = ("", "copairs")
_TIE = 1e-12
"""Similarities this near are the same: products of matrices differ by as much."""
_FEW = 8


def average_precision(
    profiles: object,
    rule: PairRule,
    similarity: str = "cosine",
    *,
    only: str | None = None,
    features: Sequence[str] | None = None,
    parity: str = "",
) -> pd.DataFrame:
    """Rank others by their similarity to each profile, and see where the positives are.

    Parameters
    ----------
    profiles : pandas.DataFrame, polars.DataFrame or anndata.AnnData
    rule : PairRule
        Which pairs are positive, which negative; other pairs are not ranked.
    similarity : {'cosine', 'abs_cosine', 'correlation', 'euclidean'}
    only : str, optional
        Query that names the rows to use, of which a rule may ask for a column.
    features : sequence of str, optional
        Names of the features; by default those that `split_features` finds.
    parity : {'', 'copairs'}
        With ``'copairs'``, ties are told as copairs 0.5 does: see Notes.

    Returns
    -------
    DataFrame
        The metadata of each profile, with ``average_precision``, ``normalized_average_precision``
        (0 by chance, 1 at best), ``n_pos_pairs`` and ``n_total_pairs``; with labels one row for
        each label of each profile that another has.

    Raises
    ------
    InvalidArgument
        If a column is not there or lacks a value, or no pair is positive, or none negative.

    Notes
    -----
    With k the rank among the positives and n the number of negatives that are at least as similar,
    average precision is the mean of k / (k + n) over the positives. So a tie is lost: a negative as
    similar as a positive is ranked before it. copairs ranks it behind, and compares in single
    precision. A profile without negatives has no average precision; copairs gives 1.

    By chance, with M positives of L ranked, it is ((M-1)/(L-1) · (L-H) + H) / L, where H is the
    L-th harmonic number [1]_.

    References
    ----------
    .. [1] Kalinin et al., A versatile information retrieval framework for evaluating profile
       strength and similarity, Nature Communications 2025.

    Examples
    --------
    >>> wells = pd.DataFrame({
    ...     "drug": ["a", "a", "DMSO", "DMSO"], "control": [False, False, True, True],
    ...     "Cells_1": [1, 2, -1, 3], "Cells_2": [2, 3, 1, -2],
    ... })
    >>> scores = average_precision(wells, PairRule("drug", neg_diffby="control"))
    >>> scores["average_precision"].round(2).tolist()
    [1.0, 1.0, 0.33, 0.33]
    """
    if parity not in PARITIES:
        raise InvalidArgument(f"parity should be one of {PARITIES}, found {parity!r}")
    table = open_table(profiles, features)
    rows = chosen_rows(table, only)
    design = design_of(table, rule, rows)
    vectors = prepare(table, similarity, rows)
    positives = find_positives(design, vectors)
    if not len(positives.values):
        raise InvalidArgument(
            f"no pair is positive: none of {len(rows):,} rows has another with the same "
            f"{', '.join(rule.pos_sameby)}" + (", apart" if rule.pos_diffby else "")
        )
    limits = positives.values - _TIE
    if parity:
        limits = np.nextafter(_as_copairs(positives.values), np.inf)
    before = np.zeros(len(positives.values), dtype=np.int64)
    total = np.zeros(len(rows), dtype=np.int64)
    asks = np.zeros(len(rows), dtype=bool)
    asks[design.owner[positives.count > 0]] = True
    for negatives in negative_strips(design, vectors, asks):
        total[negatives.rows] = negatives.count
        others = _as_copairs(negatives.values) if parity else negatives.values
        _count_before(before, limits, positives, design.questions(negatives.asking), others)
    if not total.any():
        raise InvalidArgument("no pair is negative", hint="look at neg_sameby and neg_diffby")
    n_pos, n_neg = positives.count, total[design.owner]
    precision = _precision(positives, before)
    if not parity:
        precision[n_neg == 0] = np.nan
    metadata = table.columns().reset_index(drop=True).iloc[rows[design.owner]]
    made = metadata.reset_index(drop=True)
    if rule.labels:
        made[rule.labels] = pd.Series(design.asked, dtype=object)
    made = made.assign(
        average_precision=precision,
        normalized_average_precision=normalized(precision, n_pos, n_pos + n_neg),
        n_pos_pairs=n_pos,
        n_total_pairs=n_pos + n_neg,
    )
    return made[n_pos > 0].reset_index(drop=True) if rule.labels else made


def _count_before(
    before: Rows, limits: Array, positives: Positives, asked: tuple[Rows, Rows], others: Array
) -> None:
    """Count the negatives that are ranked before each positive of some questions."""
    at, questions = asked
    start, count = positives.start[questions], positives.count[questions]
    few = count <= _FEW
    for rank in range(int(count[few].max(initial=0))):
        some = np.flatnonzero(few & (count > rank))
        its = start[some] + rank
        ranked = others[as_slice(at[some])] >= limits[its, None]
        before[its] = np.count_nonzero(ranked, axis=1)
    ordered: dict[int, Array] = {}
    for number in np.flatnonzero(~few):
        row = int(at[number])
        if row not in ordered:
            ordered[row] = np.sort(others[row])
        several = slice(start[number], start[number] + count[number])
        before[several] = others.shape[1] - np.searchsorted(ordered[row], limits[several])


def _as_copairs(similarities: Array) -> Array:
    """Return what copairs compares: 1 - similarity in single precision, here with a sign."""
    found: Array = -(np.float32(1) - similarities.astype(np.float32)).astype(np.float64)
    return found


def _precision(positives: Positives, before: Rows) -> Array:
    """Return the mean precision of each question; NaN without positives."""
    some = np.flatnonzero(positives.count)
    some = some[np.argsort(positives.start[some])]
    start, count = positives.start[some], positives.count[some]
    rank = np.arange(1, len(before) + 1) - np.repeat(start, count)
    found = np.full(len(positives.count), np.nan)
    found[some] = np.add.reduceat(rank / (rank + before), start) / count
    return found


def normalized(precision: Array, positives: Rows, total: Rows) -> Array:
    """Return average precision with chance at 0 and the best at 1.

    Examples
    --------
    >>> normalized(np.array([1.0, 0.5]), np.array([1, 1]), np.array([2, 2])).tolist()
    [1.0, -1.0]
    """
    harmonic = np.append(0, np.cumsum(1 / np.arange(1, total.max(initial=0) + 1)))[total]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 1, (positives - 1) / (total - 1), 0)
        chance = (share * (total - harmonic) + harmonic) / total
    chance = np.where(positives == total, 1, chance)
    found: Array = np.clip((precision - chance) / np.maximum(1 - chance, 1e-10), -1, 1)
    return found
