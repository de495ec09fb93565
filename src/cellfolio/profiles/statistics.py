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
_ROWS = 8
"""Rows that are ranked at once."""
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
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total(values, axis=1) / counts
        rest = values - mean[:, None]
        correction = total(rest, axis=1)
        np.square(rest, out=rest)
        variance = (total(rest, axis=1) - correction**2 / counts) / counts
    eps = np.finfo(np.float64).eps
    constant = variance <= counts * eps * variance + (counts * mean * eps) ** 2
    return mean, variance, constant


def value_counts(values: Floats) -> Counts:
    """Return how many values of each feature are there."""
    missing: Counts = np.isnan(values).sum(axis=1)
    return np.asarray(values.shape[1] - missing, dtype=np.int64)


def medians(values: Floats) -> Array:
    """Return the median of each feature; NaN where it has no value.

    Parameters
    ----------
    values : array of float, shape (features, rows)
        Of 32 bits, too: the median is the same as if they were converted before.

    Examples
    --------
    >>> medians(np.array([[3.0, 1.0, 2.0], [1.0, np.nan, 4.0]]))
    array([2. , 2.5])
    """
    return in_blocks(lambda some: (_medians(some),), values)[0]


def _medians(values: Floats) -> Array:
    n = values.shape[1]
    found = np.full(len(values), np.nan)
    if n == 0:
        return found
    # A NaN would be sorted to the end, so a maximum that is none says that the feature is whole.
    half = n // 2
    parted = np.partition(values, half, axis=1)
    whole = ~np.isnan(parted[:, half:].max(axis=1))
    found[whole] = parted[whole, half]
    if n % 2 == 0:
        with np.errstate(invalid="ignore"):  # the middle between -inf and inf is none
            found[whole] = (found[whole] + parted[whole, :half].max(axis=1)) / 2
    if not whole.all():
        some = np.sort(values[~whole].astype(np.float64, copy=False), axis=1)
        counts = value_counts(some)
        low, high = _at(some, (counts - 1) // 2), _at(some, counts // 2)
        with np.errstate(invalid="ignore"):
            found[~whole] = np.where(counts > 0, (low + high) / 2, np.nan)
    return found


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
    return in_blocks(lambda some: _quantiles(some, shares), values)


def _quantiles(values: Array, shares: tuple[float, ...]) -> tuple[Array, ...]:
    ordered = np.sort(values, axis=1)  # NaN last
    counts = value_counts(values)
    return tuple(_quantile(ordered, counts, share) for share in shares)


def _quantile(ordered: Array, counts: Counts, share: float) -> Array:
    place = share * (counts - 1)
    below = np.floor(place).astype(np.int64)
    low = _at(ordered, below)
    high = _at(ordered, np.minimum(below + 1, counts - 1))
    part = place - below
    # From the nearer end, as NumPy does: a share of 1 then gives the maximum itself.
    step = high - low
    between = np.where(part < 0.5, low + step * part, high - step * (1 - part))
    return np.where(counts > 0, between, np.nan)


def _at(ordered: Array, places: Counts) -> Array:
    inside = np.clip(places, 0, max(ordered.shape[1] - 1, 0))
    found: Array = np.take_along_axis(ordered, inside[:, None], axis=1)[:, 0]
    return found


def ranks(values: Array) -> Array:
    """Return the ranks of the values of each row from 1; equal ones share their mean rank.

    Parameters
    ----------
    values : array of float, shape (rows, n)
        Without NaN.

    Examples
    --------
    >>> ranks(np.array([[10.0, 30.0, 10.0]]))
    array([[1.5, 3. , 1.5]])
    """
    parts = [_ranks(values[some]) for some in blocks(len(values), _ROWS)]
    return np.concatenate(parts) if parts else values.copy()


def _ranks(values: Array) -> Array:
    n = values.shape[1]
    order = np.argsort(values, axis=1)
    order += (np.arange(len(values)) * n)[:, None]  # places in the flat array
    ordered = values.ravel()[order]
    place = np.broadcast_to(np.arange(1, n + 1, dtype=np.float64), values.shape)
    same = ordered[:, 1:] == ordered[:, :-1]
    if same.any():
        new = np.ones(values.shape, dtype=bool)
        new[:, 1:] = ~same
        starts = np.flatnonzero(new)
        lengths = np.diff(starts, append=new.size)
        means = starts % n + (lengths + 1) / 2
        place = np.repeat(means, lengths).reshape(values.shape)
    found = np.empty(values.size)
    found[order] = place
    return found.reshape(values.shape)
