"""Which features say what others say already."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfolio.profiles.connections import DIGITS, connect
from cellfolio.profiles.correlation import Coefficient, correlations
from cellfolio.profiles.statistics import Array
from cellfolio.profiles.threads import one_thread

_EQUAL = 1e-12
"""What a correlation may be above the limit by rounding."""


@one_thread
def find_redundant(
    values: Array, maximum: float, coefficient: Coefficient
) -> list[tuple[int, int]]:
    """Return features to drop, each with a feature that stands for it.

    Parameters
    ----------
    values : array of float, shape (features, rows)
    maximum : float
        Highest correlation that may stay.
    coefficient : {'pearson', 'spearman', 'kendall'}

    Returns
    -------
    list of (int, int)
        Places of the dropped feature and of the least connected one that it correlates with.

    Examples
    --------
    >>> find_redundant(np.array([[1.0, 2, 3], [2, 4, 6.1], [3, 1, 2]]), 0.9, "pearson")
    [(0, 1)]
    """
    known = correlations(values, coefficient)
    found = connect(known, maximum + _EQUAL)
    rank = _ranked(found.sums, known.order)
    partner = np.full(len(values), len(values))
    for one, other in found.pairs():
        lost = np.where(rank[one] > rank[other], one, other)
        np.minimum.at(partner, lost, np.minimum(rank[one], rank[other]))
    by_rank = np.argsort(rank)
    return sorted(
        (int(known.order[lost]), int(known.order[by_rank[partner[lost]]]))
        for lost in np.flatnonzero(partner < len(values))
    )


def _ranked(sums: Array, order: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Rank features by their sums, then by their place in the table."""
    with np.errstate(divide="ignore"):
        digits = DIGITS - 1 - np.floor(np.log10(np.where(sums > 0, sums, 1)))
    rounded = np.round(sums * 10**digits) / 10**digits
    rank = np.empty(len(sums), dtype=np.int64)
    rank[np.lexsort((order, rounded))] = np.arange(len(sums))
    return rank
