"""How sure a score is: intervals of shares, and of statistics of what was scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.nulls import check_seed
from cellfolio.profiles.statistics import Array

_Z = 1.959963984540054
"""Of 95 percent of a normal distribution."""
_DRAWS = 2_000


def share_interval(hits: int, count: int) -> tuple[float, float]:
    """Return the 95% interval of a share, after Wilson [1]_: within 0 and 1 even at the ends.

    Parameters
    ----------
    hits, count : int

    References
    ----------
    .. [1] Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    >>> [round(one, 3) for one in share_interval(9, 10)], share_interval(0, 0)
    ([0.596, 0.982], (nan, nan))
    """
    if not 0 <= hits <= count:
        raise InvalidArgument(f"expected 0 to {count} hits, found {hits}")
    if not count:
        return float("nan"), float("nan")
    share, square = hits / count, _Z**2 / count
    centre = (share + square / 2) / (1 + square)
    half = _Z * np.sqrt(share * (1 - share) / count + square / count / 4) / (1 + square)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def bootstrap_interval(
    values: Sequence[float] | Array,
    statistic: Callable[..., Array] = np.mean,
    *,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95% interval of a statistic: that of 2,000 samples with replacement [1]_.

    Parameters
    ----------
    values : array of float
        What was scored, such as perturbations; missing values are left out.
    statistic : callable
        Takes ``axis``, as `numpy.mean` and `numpy.median` do.
    seed : int

    References
    ----------
    .. [1] Efron 1979, https://doi.org/10.1214/aos/1176344552

    Examples
    --------
    >>> low, high = bootstrap_interval([1.0, 2, 3, 4, 5, 6, 7, 8, 9])
    >>> 2 < low < 5 < high < 8
    True
    """
    check_seed(seed)
    found = np.asarray(values, dtype=np.float64)
    found = found[np.isfinite(found)]
    if not len(found):
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    # A few samples at once: a table of 30,000 values would take half a gigabyte.
    at_once = max(1, 2_000_000 // len(found))
    parts = [
        statistic(found[generator.integers(0, len(found), (some, len(found)))], axis=1)
        for some in np.diff([*range(0, _DRAWS, at_once), _DRAWS])
    ]
    low, high = np.percentile(np.concatenate(parts), [2.5, 97.5])
    return float(low), float(high)
