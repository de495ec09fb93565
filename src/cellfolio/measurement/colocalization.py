"""Colocalization: how alike two channels are within objects.

The definitions are those of CellProfiler's module MeasureColocalization (version 4.2). Manders'
coefficients: Manders et al. 1993, https://doi.org/10.1111/j.1365-2818.1993.tb03313.x. Rank
weighted: Singan et al. 2011, https://doi.org/10.1186/1471-2105-12-407.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Ints, Objects, Plane

Ranks = npt.NDArray[np.int32]

_ROWS = ("Correlation", "Overlap", "K", "K", "Manders", "Manders", "RWC", "RWC")
_TURNED = (False, False, False, True, False, True, False, True)
"""Which rows are of the second channel in the first."""


def measure_colocalization(
    objects: Objects, images: Mapping[str, Plane], *, threshold: float = 15.0
) -> dict[str, Floats]:
    """Measure how alike each two channels are within objects.

    Parameters
    ----------
    objects : Objects
    images : mapping of str to array of float32, shape (rows, columns)
        By name of the channel; from 0 to 1.
    threshold : float
        Per cent of the brightest pixel of an object, in each channel, from which pixels count as
        stained. All but the correlation use it.

    Returns
    -------
    dict of str to array of float64, shape (objects,)
        ``Correlation_Correlation_A_B`` (Pearson) and ``Correlation_Overlap_A_B`` once for each two
        channels, by the alphabet; ``Correlation_K_…``, ``Correlation_Manders_…`` and
        ``Correlation_RWC_…`` for both orders. Missing where it is 0/0.

    Raises
    ------
    InvalidArgument
        If the threshold is not from 0 to 100.

    Notes
    -----
    With a and b the pixels of an object, s those stained in both, and t the threshold of each:
    overlap = Σs ab / √(Σs a² Σs b²); K of A, B = Σs ab / Σs a²; Manders of A, B = Σs a / Σt a.
    RWC is Manders with each pixel of s weighted by 1 − |rank of a − rank of b| / R: ranks are
    dense, over all pixels of all objects, and R is the number of ranks of the channel with more.
    Products are taken in single precision, as CellProfiler has its images.

    Examples
    --------
    >>> objects = Objects.of(np.array([[1, 1, 1]]))
    >>> images = {name: np.array([[0.1, 0.2, 0.4]], dtype=np.float32) for name in ("ER", "RNA")}
    >>> found = measure_colocalization(objects, images)
    >>> round(float(found["Correlation_Correlation_ER_RNA"][0]), 6)
    1.0
    """
    if not 0 <= threshold <= 100:
        raise InvalidArgument(f"threshold should be from 0 to 100 per cent, found {threshold!r}")
    part = np.float32(threshold / 100)
    values, ranks, counts, limits = {}, {}, {}, {}
    for name, image in images.items():
        values[name] = image.ravel()[objects.pixels]
        ranks[name], counts[name] = dense_ranks(values[name])
        limits[name] = _limits(values[name], objects.bounds, part)
    found: dict[str, Floats] = {}
    for one, other in combinations(sorted(images), 2):
        measured = _pair(
            (values[one], values[other]),
            (ranks[one], ranks[other]),
            (limits[one], limits[other]),
            objects.bounds,
            max(counts[one], counts[other]),
        )
        for name, turned, row in zip(_ROWS, _TURNED, measured, strict=True):
            pair = f"{other}_{one}" if turned else f"{one}_{other}"
            found[f"Correlation_{name}_{pair}"] = row
    return found


def dense_ranks(values: Plane) -> tuple[Ranks, int]:
    """Return the rank of each value, from 0, equal values having one; and the number of ranks."""
    if not len(values):
        return np.zeros(0, dtype=np.int32), 0
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    steps = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])]).astype(np.int32)
    ranks = np.empty(len(values), dtype=np.int32)
    ranks[order] = steps
    return ranks, int(steps[-1]) + 1


@compiled
def _limits(values: Plane, bounds: Ints, part: np.float32) -> Plane:
    found = np.zeros(len(bounds) - 1, dtype=np.float32)
    for number in range(len(bounds) - 1):
        found[number] = part * values[bounds[number] : bounds[number + 1]].max()
    return found


@compiled
def _pair(
    values: tuple[Plane, Plane],
    ranks: tuple[Ranks, Ranks],
    limits: tuple[Plane, Plane],
    bounds: Ints,
    rank_count: int,
) -> Floats:
    a, b = values
    found = np.full((8, len(bounds) - 1), np.nan)
    for number in range(len(bounds) - 1):
        start, end = bounds[number], bounds[number + 1]
        sum_a, sum_b = 0.0, 0.0
        for at in range(start, end):
            sum_a += a[at]
            sum_b += b[at]
        mean_a, mean_b = sum_a / (end - start), sum_b / (end - start)
        cross, square_a, square_b = 0.0, 0.0, 0.0
        above_a, above_b = 0.0, 0.0
        both_a, both_b, both_aa, both_bb, both_ab = 0.0, 0.0, 0.0, 0.0, 0.0
        weighted_a, weighted_b = 0.0, 0.0
        for at in range(start, end):
            one, other = a[at], b[at]
            away_a, away_b = one - mean_a, other - mean_b
            cross += away_a * away_b
            square_a += away_a * away_a
            square_b += away_b * away_b
            in_a, in_b = one >= limits[0][number], other >= limits[1][number]
            if in_a:
                above_a += one
            if in_b:
                above_b += other
            if in_a and in_b:
                both_a += one
                both_b += other
                both_aa += one * one
                both_bb += other * other
                both_ab += one * other
                apart = abs(ranks[0][at] - ranks[1][at])
                weight = (rank_count - apart) / rank_count
                weighted_a += one * weight
                weighted_b += other * weight
        found[0, number] = cross / np.sqrt(square_a * square_b)
        found[1, number] = both_ab / np.sqrt(both_aa * both_bb)
        found[2, number], found[3, number] = both_ab / both_aa, both_ab / both_bb
        found[4, number], found[5, number] = both_a / above_a, both_b / above_b
        found[6, number], found[7, number] = weighted_a / above_a, weighted_b / above_b
    return found
