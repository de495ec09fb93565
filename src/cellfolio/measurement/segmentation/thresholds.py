"""Thresholds: from what brightness on a pixel is foreground."""

from __future__ import annotations

import numpy as np

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Plane
from cellfolio.measurement.segmentation.labelling import Mask
from cellfolio.measurement.segmentation.settings import Threshold
from cellfolio.measurement.segmentation.smoothing import smooth

_SIGMA = 1 / (2 * 0.6744)
"""Of a smoothing scale of 1: half of a smoothed pixel comes from within the scale."""
_STEPS = 65536


def find_threshold(image: Plane, settings: Threshold) -> float:
    """Return the threshold of an image, corrected and within its bounds.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    settings : Threshold

    Notes
    -----
    Minimum cross-entropy (Li and Tam 1998) begins at the mean, and goes on until the threshold
    moves less than half of the least difference of two pixels, or of 2⁻¹⁶ if that is more. Otsu's
    method takes 256 bins for two classes, and 128 for three. Where all pixels are equal, the
    threshold is their value.

    Examples
    --------
    >>> image = np.repeat(np.float32([0.1, 0.2, 0.8, 0.9]), 4).reshape(4, 4)
    >>> round(find_threshold(image, Threshold()), 2)
    0.36
    >>> find_threshold(image, Threshold(upper_bound=0.2))
    0.2
    """
    if settings.method == "Manual":
        return settings.manual
    if not image.size:
        return settings.lower_bound
    low, high = image.min(), image.max()
    if low == high:
        found = float(low)
    elif settings.method == "Otsu":
        found = _otsu(image, settings)
    else:
        values = image.ravel()
        found = float(_cross_entropy(values, low, _tolerance(values)))
    corrected = found * settings.correction_factor
    return min(max(corrected, settings.lower_bound), settings.upper_bound)


def find_foreground(image: Plane, settings: Threshold) -> Mask:
    """Return where an image is, smoothed, at least as bright as its threshold.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    settings : Threshold

    Examples
    --------
    >>> image = np.repeat(np.float32([0.1, 0.2, 0.8, 0.9]), 4).reshape(4, 4)
    >>> int(find_foreground(image, Threshold()).sum())
    8
    """
    threshold = find_threshold(image, settings)
    if settings.smoothing_scale == 0:
        return image >= np.float32(threshold)
    return smooth(image, settings.smoothing_scale * _SIGMA) >= threshold


@compiled
def _cross_entropy(values: Plane, low: float, tolerance: float) -> float:
    total = 0.0
    for value in values:
        total += value - low
    threshold = total / len(values)
    before = -2 * tolerance
    while abs(threshold - before) > tolerance:
        before = threshold
        dark, bright, count = 0.0, 0.0, 0
        for value in values:
            height = value - low
            if height > before:
                bright += height
                count += 1
            else:
                dark += height
        mean_bright = bright / count
        mean_dark = dark / (len(values) - count)
        if mean_dark == 0:
            threshold = 0.0
            break
        threshold = (mean_dark - mean_bright) / (np.log(mean_dark) - np.log(mean_bright))
    return threshold + low


def _tolerance(values: Plane) -> float:
    """Return half of the least difference of two values, at least half of a step."""
    least, most = np.full(_STEPS + 1, np.inf), np.full(_STEPS + 1, -np.inf)
    return max(_least_difference(values, least, most), 0.5 / _STEPS)


@compiled
def _least_difference(values: Plane, least: Floats, most: Floats) -> float:
    steps = len(least) - 1
    for at in range(len(values)):
        value = np.float64(values[at])
        step = np.int64(values[at] * steps)
        least[step] = value if value < least[step] else least[step]
        most[step] = value if value > most[step] else most[step]
    nearest = np.inf
    before = -np.inf
    for at in range(steps + 1):
        if most[at] == -np.inf:
            continue
        if most[at] > least[at]:
            return 0.5 / steps
        apart = least[at] - before
        nearest = apart if apart < nearest else nearest
        before = most[at]
    return nearest / 2


def _otsu(image: Plane, settings: Threshold) -> float:
    three = settings.classes == 3
    counts, edges = np.histogram(image, bins=128 if three else 256)
    middles = (edges[:-1] + edges[1:]) / 2
    if not three:
        return float(middles[_best_split(counts.astype(np.float64), middles)])
    low, high = _best_two_splits(counts.astype(np.float64))
    return float(middles[low if settings.middle_is_foreground else high])


def _best_split(counts: Floats, middles: Floats) -> int:
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    mean_below = np.cumsum(counts * middles) / below
    mean_above = (np.cumsum((counts * middles)[::-1]) / above[::-1])[::-1]
    return int(np.argmax(below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2))


def _best_two_splits(counts: Floats) -> tuple[int, int]:
    """Return the last bins of the first and the second class, of the greatest variance between.

    The numbers are those of scikit-image: sums are in single precision, the first two bins have one
    rank, and a class of the first bin alone counts nothing.
    """
    size = len(counts)
    shares = (counts / counts.sum()).astype(np.float32)
    weights = np.concatenate([np.zeros(1, np.float32), np.cumsum(shares)])
    ranks = np.maximum(np.arange(size, dtype=np.float32), 1)
    sums = np.concatenate([np.zeros(1, np.float32), np.cumsum(shares * ranks)])
    first, last = np.triu_indices(size)
    weight, total = weights[last + 1] - weights[first], sums[last + 1] - sums[first]
    some = weight > 0
    scores = np.zeros((size, size), dtype=np.float32)
    scores[first[some], last[some]] = total[some] ** 2 / weight[some]
    scores[0, 0] = 0
    low, high = np.triu_indices(size - 1, 1)
    best = int(np.argmax(scores[0, low] + scores[high + 1, size - 1] + scores[low + 1, high]))
    return int(low[best]), int(high[best])
