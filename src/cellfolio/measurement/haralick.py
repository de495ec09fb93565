"""What Haralick's features are made of, from counts of pairs of gray levels (see `texture`)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellfolio.measurement.objects import Floats, Ints

Counts = npt.NDArray[np.int32]

NAMES = (
    "AngularSecondMoment", "Contrast", "Correlation", "Variance", "InverseDifferenceMoment",
    "SumAverage", "SumVariance", "SumEntropy", "Entropy", "DifferenceVariance",
    "DifferenceEntropy", "InfoMeas1", "InfoMeas2",
)  # fmt: skip


class Sums(NamedTuple):
    """What features are made of: sums over pairs in both orders, and over n, and n log₂ n.

    `levels` is the brightest gray level + 1, `most` the greatest n of a level; `squares` of pairs,
    `single` of levels, `apart` of differences, `sum` of sums of two.
    """

    total: Any
    levels: Any
    products: Any
    squares: Any
    both_logs: Any
    weighted: Any
    square_weighted: Any
    most: Any
    single_logs: Any
    contrast: Any
    near: Any
    apart_squares: Any
    apart_logs: Any
    sum_squares: Any
    sum_logs: Any


def features_of_pairs(pairs: Counts, levels: int) -> Floats:
    """Return the 13 features of pairs of gray levels that were counted.

    Parameters
    ----------
    pairs : array of int32, shape (directions, 256, 256)
        How many pixels of the first level have a neighbour of the second one.
    levels : int
        The brightest gray level + 1.

    Returns
    -------
    array of float64, shape (13, directions)
        As `NAMES`; all 0 if there are no pairs in a direction.

    Examples
    --------
    >>> pairs = np.zeros((1, 256, 256), dtype=np.int32)
    >>> pairs[0, 3, 5] = 8
    >>> features_of_pairs(pairs, 6)[1].tolist()
    [4.0]
    """
    sums = np.zeros((len(pairs), len(Sums._fields)))
    for counted, found in zip(pairs, sums, strict=True):
        both = (counted + counted.T)[:levels, :levels]
        one, other = np.nonzero(both)
        if not len(one):
            return np.zeros((len(NAMES), len(pairs)))
        found[:] = _sums_of(both[one, other].astype(np.float64), one, other)
    return features_of(Sums(*sums.T))


def _sums_of(counts: Floats, one: Ints, other: Ints) -> Sums:
    """Return the sums over pairs in both orders, from how many there are of each."""
    of_levels, apart, sums = (
        np.bincount(places, counts).astype(np.float64)
        for places in (one, np.abs(one - other), one + other)
    )
    return Sums(
        total=counts.sum(),
        levels=len(of_levels),
        products=counts @ (one * other),
        squares=counts @ counts,
        both_logs=_log_sum(counts),
        weighted=of_levels @ np.arange(len(of_levels)),
        square_weighted=of_levels @ np.arange(len(of_levels)) ** 2,
        most=of_levels.max(),
        single_logs=_log_sum(of_levels),
        contrast=apart @ np.arange(len(apart)) ** 2,
        near=(apart / (1 + np.arange(len(apart)) ** 2)).sum(),
        apart_squares=apart @ apart,
        apart_logs=_log_sum(apart),
        sum_squares=sums @ np.arange(len(sums)) ** 2,
        sum_logs=_log_sum(sums),
    )


def _log_sum(counts: Floats) -> np.float64:
    some = counts[counts > 0]
    return np.float64((some * np.log2(some)).sum())


def features_of(sums: Sums) -> Floats:
    """Return the 13 features, as `NAMES`, in the first dimension; 0 where there is no pair.

    Entropies come from whole numbers: H = log₂ N − Σ n log₂ n / N.
    """
    none = sums.total == 0
    total = np.where(none, 1, sums.total)
    mean = sums.weighted / total
    variance = sums.square_weighted / total - mean * mean
    # One level: nothing is left by rounding.
    level = sums.most == total
    log_total = np.log2(total)
    entropy = np.where(level, 0, log_total - sums.both_logs / total)
    marginal = np.where(level, 0, log_total - sums.single_logs / total)
    away = entropy - 2 * marginal
    levels = np.where(none, 1, sums.levels)
    apart = sums.apart_squares / (total * total) / levels - 1 / levels**2
    found = np.array([
        sums.squares / (total * total),
        sums.contrast / total,
        np.divide(
            sums.products / total - mean * mean, variance,
            out=np.ones_like(mean), where=variance > 0,
        ),
        variance,
        sums.near / total,
        2 * mean,
        sums.sum_squares / total - 4 * mean * mean,
        log_total - sums.sum_logs / total,
        entropy,
        apart,
        log_total - sums.apart_logs / total,
        np.divide(away, marginal, out=away.copy(), where=marginal != 0),
        np.sqrt(np.maximum(0, 1 - np.exp(-2 * (2 * marginal - entropy)))),
    ])  # fmt: skip
    found[:, none] = 0
    return found
