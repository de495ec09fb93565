"""Mean average precision of groups, and whether it is more than chance gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.labels import names_of
from cellfolio.evaluation.nulls import check_seed
from cellfolio.evaluation.precision_nulls import Member, copairs_nulls, paired_null
from cellfolio.profiles.statistics import Array

NULLS = ("paired", "copairs")
_NEEDED = (
    "average_precision", "normalized_average_precision", "n_pos_pairs", "n_total_pairs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Mean average precision of groups.

    Attributes
    ----------
    table : DataFrame
        One row for each group, sorted: its columns, ``members``, ``mean_average_precision``,
        ``mean_normalized_average_precision``, ``p_value``, ``corrected_p_value`` and
        ``significant``.
    level : float
        Corrected p-values below it are significant.
    retrieved : float
        Share of groups that are.
    mean : float
        Mean over the groups of mean average precision.
    left_out : int
        Profiles without average precision.
    """

    table: pd.DataFrame = field(repr=False)
    level: float
    retrieved: float
    mean: float
    left_out: int


def mean_average_precision(
    scores: pd.DataFrame,
    by: str | Sequence[str],
    *,
    null: str = "paired",
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.05,
) -> Retrieval:
    """Average the precision of the members of each group, and compare it with chance.

    Parameters
    ----------
    scores : DataFrame
        As `average_precision` returns.
    by : str or sequence of str
        Columns that groups have in common, mostly those of ``pos_sameby``. Rows without a value
        are left out.
    null : {'paired', 'copairs'}
        Whether pairs of members share their similarity, as they do; or all members with the same
        counts have the same draws, as in copairs 0.5, whose p-values are too large.
    draws : int
        Of each null distribution; the least p-value is 1 / (draws + 1).
    seed : int
    level : float

    Returns
    -------
    Retrieval
        With p-values corrected for their number [1]_.

    Raises
    ------
    InvalidArgument
        If a column is not there, or no profile has an average precision.

    References
    ----------
    .. [1] Benjamini and Hochberg, Controlling the false discovery rate, 1995.

    Examples
    --------
    >>> scores = pd.DataFrame({
    ...     "drug": ["a", "a", "a", "b", "b"], "average_precision": [1, 1, 1, 0.1, 0.2],
    ...     "normalized_average_precision": [1, 1, 1, -0.1, 0.05],
    ...     "n_pos_pairs": [2, 2, 2, 1, 1], "n_total_pairs": [22, 22, 22, 21, 21],
    ... })
    >>> found = mean_average_precision(scores, "drug")
    >>> found.table[["drug", "mean_average_precision", "significant"]]
      drug  mean_average_precision  significant
    0    a                    1.00         True
    1    b                    0.15        False
    """
    names = names_of(by)
    check_seed(seed)
    _check(scores, names, null, draws)
    known = scores["average_precision"].notna() & (scores["n_pos_pairs"] > 0)
    used = scores[known].reset_index(drop=True)
    grouped = used.groupby(list(names), observed=True, sort=True)
    table = grouped.agg(
        members=("average_precision", "size"),
        mean_average_precision=("average_precision", "mean"),
        mean_normalized_average_precision=("normalized_average_precision", "mean"),
    ).reset_index()
    if not len(table):
        raise InvalidArgument(
            f"no group of {', '.join(names)} has an average precision among {len(scores):,} rows"
        )
    positives = used["n_pos_pairs"].to_numpy(dtype=np.int64)
    negatives = used["n_total_pairs"].to_numpy(dtype=np.int64) - positives
    counts = list(zip(positives.tolist(), negatives.tolist(), strict=True))
    number = grouped.ngroup().to_numpy()
    groups: list[list[Member]] = [[] for _ in range(len(table))]
    for at, one in zip(number.tolist(), counts, strict=True):
        if at >= 0:
            groups[at].append(one)
    means = table["mean_average_precision"].to_numpy()
    p_values = (
        _by_pairs(groups, means, draws, seed)
        if null == "paired"
        else _as_copairs(groups, means, copairs_nulls(counts, draws, seed), draws)
    )
    corrected = _corrected(p_values)
    table = table.assign(
        p_value=p_values, corrected_p_value=corrected, significant=corrected < level
    )
    left_out = len(scores) - int(np.count_nonzero(number >= 0))
    return Retrieval(
        table, level, float(table["significant"].mean()), float(means.mean()), left_out
    )


def _check(scores: pd.DataFrame, names: Sequence[str], null: str, draws: int) -> None:
    absent = [name for name in (*names, *_NEEDED) if name not in scores.columns]
    if absent or not names:
        raise InvalidArgument(f"there is no column {absent[0]!r}" if absent else "by= is empty")
    if null not in NULLS:
        raise InvalidArgument(f"null should be one of {NULLS}, found {null!r}")
    if draws < 1:
        raise InvalidArgument(f"expected 1 draw or more, found {draws}")


def _by_pairs(groups: Sequence[list[Member]], means: Array, draws: int, seed: int) -> Array:
    alike: dict[tuple[Member, ...], list[int]] = {}
    for at, members in enumerate(groups):
        alike.setdefault(tuple(sorted(members)), []).append(at)
    found = np.empty(len(groups))
    for members, places in alike.items():
        null = np.sort(paired_null(members, draws, seed))
        # Equal means differ in their last bits, as sums of other orders.
        reached = draws - np.searchsorted(null, means[places] - 1e-12)
        found[places] = (reached + 1) / (draws + 1)
    return found


def _as_copairs(
    groups: Sequence[list[Member]], means: Array, nulls: dict[Member, Array], draws: int
) -> Array:
    made: dict[tuple[Member, ...], Array] = {}
    found = np.empty(len(groups))
    for at, members in enumerate(groups):
        key = tuple(members)
        if key not in made:
            made = {key: np.array([nulls[one] for one in members]).mean(axis=0)}
        # Compared in single precision, which decides where a mean is reached exactly.
        found[at] = ((made[key] > np.float32(means[at])).sum() + 1) / (draws + 1)
    return found


def _corrected(p_values: Array) -> Array:
    from scipy.stats import false_discovery_control

    found: Array = false_discovery_control(p_values)
    return found
