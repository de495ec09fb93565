"""Statistics of many features at once, missing values left out.

Arrays have one row for each feature, so that the values of a feature lie side by side: sums come
out the same as those of a column of a pandas data frame, and sorting is fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]
Floats: TypeAlias = npt.NDArray[np.floating[Any]]
"""Decimals of 64 bits, or of 32, as files of single cells have them."""
Mask: TypeAlias = npt.NDArray[np.bool_]
Counts: TypeAlias = npt.NDArray[np.int64]

BLOCK = 128
"""Features that are worked on at once: so many of a plate stay in the processor's cache."""
_VALUES = 50_000
"""Values that are worked on at once, where rows are few."""


def blocks(count: int, size: int = BLOCK) -> Iterator[slice]:
    """Yield slices that cover a number of features."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def in_blocks(
    statistic: Callable[[Any], tuple[npt.NDArray[Any], ...]], values: Floats
) -> tuple[npt.NDArray[Any], ...]:
    """Return statistics of each feature, a block of features after the other."""
    size = max(BLOCK, _VALUES // max(values.shape[1], 1))
    parts = [statistic(values[some]) for some in blocks(len(values), size)]
    if len(parts) < 2:
        return parts[0] if parts else statistic(values)
    return tuple(np.concatenate(found) for found in zip(*parts, strict=True))


class Moments(NamedTuple):
    """Mean and variance of each feature.

    Attributes
    ----------
    mean, variance : array of float, shape (features,)
        NaN where a feature has no value. The variance is that of the population.
    constant : array of bool, shape (features,)
        Where all values are the same, but for rounding.
    """

    mean: Array
    variance: Array
    constant: Mask


def moments(values: Array) -> Moments:
    """Return mean and variance of each feature.

    The variance is corrected for the rounding of the mean, and is called zero below the error
    bound of that algorithm (Chan, Golub, LeVeque 1983), as in scikit-learn.

    Parameters
    ----------
    values : array of float, shape (features, rows)

    Examples
    --------
    >>> moments(np.array([[1.0, 3.0, np.nan], [0.1, 0.1, 0.1]])).variance.round(3)
    array([1., 0.])
    """
    return Moments(*in_blocks(_moments, values))


def _moments(values: Array) -> tuple[Array, Array, Mask]:
    counts = value_counts(values)
    whole = bool((counts == values.shape[1]).all())
    total = np.sum if whole else np.nansum
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = total(values, axis=1) / counts
        rest = values - mean[:, None]
        correction = total(rest, axis=1)
        np.square(rest, out=rest)
        variance = (total(rest, axis=1) - correction**2 / counts) / counts
        eps = np.finfo(np.float64).eps
        constant = variance <= counts * eps * variance + (counts * mean * eps) ** 2
    for row in np.flatnonzero(np.isnan(variance)):  # squares beyond the largest number
        known = values[row][~np.isnan(values[row])]
        if len(known) and known.min() == known.max():
            mean[row], variance[row], constant[row] = known[0], 0.0, True
    return mean, variance, constant


def value_counts(values: Floats) -> Counts:
    """Return how many values of each feature are there."""
    missing: Counts = np.isnan(values).sum(axis=1)
    return np.asarray(values.shape[1] - missing, dtype=np.int64)


def medians(values: Floats, *, own: bool = False) -> Array:
    """Return the median of each feature; NaN where it has no value.

    Parameters
    ----------
    values : array of float, shape (features, rows)
        Of 32 bits, too: the median is the same as if they were converted before.
    own : bool
        Whether the values are of no use after, and may change their places.

    Examples
    --------
    >>> medians(np.array([[3.0, 1.0, 2.0], [1.0, np.nan, 4.0]]))
    array([2. , 2.5])
    """
    return in_blocks(lambda some: (_medians(some if own else some.copy()),), values)[0]


def _medians(values: Floats) -> Array:
    """Return the median of each feature; the values change their places."""
    n = values.shape[1]
    found = np.full(len(values), np.nan)
    if n == 0:
        return found
    # A NaN would be sorted to the end, so a maximum that is none says that the feature is whole.
    half = n // 2
    values.partition(half, axis=1)
    whole = ~np.isnan(values[:, half:].max(axis=1))
    all_whole = bool(whole.all())
    parted = values if all_whole else values[whole]
    found[whole] = parted[:, half]
    if n % 2 == 0:
        with np.errstate(invalid="ignore"):  # the middle between -inf and inf is none
            found[whole] = (found[whole] + parted[:, :half].max(axis=1)) / 2
    if not all_whole:
        some = np.sort(values[~whole].astype(np.float64, copy=False), axis=1)
        counts = value_counts(some)[:, None]
        low, high = _at(some, (counts - 1) // 2), _at(some, counts // 2)
        with np.errstate(invalid="ignore"):
            found[~whole] = np.where(counts > 0, (low + high) / 2, np.nan)[:, 0]
    return found


def medians_and_deviations(values: Array) -> tuple[Array, Array]:
    """Return the median of each feature, and the median of the distances from it.

    NaN where a feature has no value, and for distances from an infinite median.

    Parameters
    ----------
    values : array of float, shape (features, rows)

    Examples
    --------
    >>> medians_and_deviations(np.array([[3.0, 1.0, 2.0, np.nan, 9.0]]))
    (array([2.5]), array([1.]))
    """
    middle, deviation = in_blocks(_medians_and_deviations, values)
    deviation[np.isinf(middle)] = np.nan
    return middle, deviation


def _medians_and_deviations(values: Array) -> tuple[Array, Array]:
    """Sort once: the values nearest to a median lie side by side.

    The distance of the k-th nearest value is the least, of all runs of k values in order, of the
    larger distance of the two at its ends.
    """
    n = values.shape[1]
    if n == 0:
        return np.full(len(values), np.nan), np.full(len(values), np.nan)
    ordered = np.sort(values, axis=1)  # NaN last
    whole = ~np.isnan(ordered[:, -1])
    low, high = (n - 1) // 2, n // 2
    with np.errstate(invalid="ignore"):  # the middle between -inf and inf, and inf - inf
        middle = ordered[:, low] if low == high else (ordered[:, low] + ordered[:, high]) / 2
        below = middle[:, None] - ordered[:, : n - low]
        above = ordered[:, low:] - middle[:, None]
        found = [
            np.maximum(below[:, : n - end], above[:, end - low :]).min(axis=1)
            for end in dict.fromkeys((low, high))
        ]
        deviation = sum(found) / len(found)
        if not whole.all():
            some = values[~whole]
            middle[~whole] = medians(some)
            deviation[~whole] = medians(np.abs(some - middle[~whole, None]))
    return middle, deviation


def quantiles(values: Array, shares: tuple[float, ...]) -> tuple[Array, ...]:
    """Return quantiles of each feature, interpolated linearly; NaN where it has no value.

    Parameters
    ----------
    values : array of float, shape (features, rows)
    shares : tuple of float
        Such as 0.25.

    Examples
    --------
    >>> quantiles(np.array([[4.0, 1.0, 2.0, np.nan]]), (0.25, 0.5))
    (array([1.5]), array([2.]))
    """
    return tuple(quantile_table(values, np.array(shares)).T)


def quantile_table(values: Array, shares: Array) -> Array:
    """Return quantiles of each feature, as `quantiles`, shape (features, shares)."""
    found: Array = in_blocks(lambda some: (_quantiles(some, shares),), values)[0]
    return found


def _quantiles(values: Array, shares: Array) -> Array:
    ordered = np.sort(values, axis=1)  # NaN last
    counts = value_counts(values)
    whole = bool((counts == values.shape[1]).all())
    last = (counts[:1] if whole else counts)[:, None] - 1
    place = shares * last
    below = np.floor(place).astype(np.int64)
    low = _at(ordered, below)
    high = _at(ordered, np.minimum(below + 1, last))
    part = place - below
    # From the nearer end, as NumPy does: a share of 1 then gives the maximum itself.
    step = high - low
    between = np.where(part < 0.5, low + step * part, high - step * (1 - part))
    return np.where(counts[:, None] > 0, between, np.nan)


def _at(ordered: Array, places: Counts) -> Array:
    """Return values by their place; of one row of places, the same of each feature."""
    inside = np.clip(places, 0, max(ordered.shape[1] - 1, 0))
    if len(inside) == 1:
        return np.asarray(ordered[:, inside[0]], dtype=np.float64)
    found: Array = np.take_along_axis(ordered, inside, axis=1)
    return found
