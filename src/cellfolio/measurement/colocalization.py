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
from cellfolio.measurement.intensity import summarize
from cellfolio.measurement.objects import Floats, Ints, Objects, Plane

Ranks = npt.NDArray[np.int32]

_MOST = 65535
"""Of the whole numbers that most images were made of, so that they need no sorting."""
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
    values, ranks, counts, sums = {}, {}, {}, {}
    for name, image in images.items():
        values[name] = objects.values(image)
        ranks[name], counts[name] = dense_ranks(values[name])
        sums[name] = _sum_channel(objects, values[name], part)
    found: dict[str, Floats] = {}
    for one, other in combinations(sorted(images), 2):
        measured = np.zeros((len(_ROWS), len(objects)))
        _compare(
            (values[one], values[other]),
            (ranks[one], ranks[other]),
            (sums[one], sums[other]),
            objects.bounds,
            max(counts[one], counts[other]),
            measured,
        )
        for name, turned, row in zip(_ROWS, _TURNED, measured, strict=True):
            pair = f"{other}_{one}" if turned else f"{one}_{other}"
            found[f"Correlation_{name}_{pair}"] = row
    return found


def _sum_channel(objects: Objects, values: Plane, part: np.float32) -> Floats:
    """Return mean, sum of squares around it, threshold and the sum of what is stained."""
    whole, stained = np.zeros((5, len(objects))), np.zeros((5, len(objects)))
    summarize(values, objects.bounds, np.ones(len(values), dtype=np.bool_), whole)
    limits = part * whole[4].astype(np.float32)
    summarize(values, objects.bounds, values >= np.repeat(limits, objects.areas), stained)
    return np.stack([whole[1], whole[2] ** 2 * objects.areas, limits, stained[0]])


def dense_ranks(values: Plane) -> tuple[Ranks, int]:
    """Return the rank of each value, from 0, equal values having one; and the number of ranks."""
    if not len(values):
        return np.zeros(0, dtype=np.int32), 0
    levels = np.rint(values * np.float32(_MOST)).astype(np.int32)
    if not np.array_equal(levels.astype(np.float32) / np.float32(_MOST), values):
        levels = np.unique(values, return_inverse=True)[1].astype(np.int32)
    there = np.zeros(int(levels.max()) + 1, dtype=np.bool_)
    there[levels] = True
    ranks = np.cumsum(there, dtype=np.int32) - 1
    return ranks[levels], int(ranks[-1]) + 1


@compiled
def _compare(
    values: tuple[Plane, Plane],
    ranks: tuple[Ranks, Ranks],
    sums: tuple[Floats, Floats],
    bounds: Ints,
    rank_count: int,
    found: Floats,
) -> None:
    a, b = values
    ranks_a, ranks_b = ranks
    sums_a, sums_b = sums
    for number in range(len(bounds) - 1):
        mean_a, mean_b = sums_a[0, number], sums_b[0, number]
        limit_a, limit_b = sums_a[2, number], sums_b[2, number]
        cross = both_aa = both_bb = both_ab = np.float64(0)
        both_a = both_b = weighted_a = weighted_b = np.float64(0)
        for at in range(bounds[number], bounds[number + 1]):
            cross += (a[at] - mean_a) * (b[at] - mean_b)
            both = (a[at] >= limit_a) & (b[at] >= limit_b)
            one, other = a[at] if both else np.float32(0), b[at] if both else np.float32(0)
            both_a += one
            both_b += other
            both_aa += one * one
            both_bb += other * other
            both_ab += one * other
            weight = (rank_count - abs(ranks_a[at] - ranks_b[at])) / rank_count
            weighted_a += one * weight
            weighted_b += other * weight
        found[0, number] = cross / np.sqrt(sums_a[1, number] * sums_b[1, number])
        found[1, number] = both_ab / np.sqrt(both_aa * both_bb)
        found[2, number], found[3, number] = both_ab / both_aa, both_ab / both_bb
        found[4, number], found[5, number] = both_a / sums_a[3, number], both_b / sums_b[3, number]
        found[6, number] = weighted_a / sums_a[3, number]
        found[7, number] = weighted_b / sums_b[3, number]
