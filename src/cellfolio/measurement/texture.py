"""Texture: how gray levels of neighbours go together.

The definitions are those of CellProfiler's module MeasureTexture (version 4.2), which are the first
13 of Haralick et al. 1973, https://doi.org/10.1109/TSMC.1973.4309314.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Ints, Labels, Objects, Plane

Grays = npt.NDArray[np.uint8]

LEVELS = 256
NAMES = (
    "AngularSecondMoment", "Contrast", "Correlation", "Variance", "InverseDifferenceMoment",
    "SumAverage", "SumVariance", "SumEntropy", "Entropy", "DifferenceVariance",
    "DifferenceEntropy", "InfoMeas1", "InfoMeas2",
)  # fmt: skip
DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""Rows and columns to the neighbour."""


def gray_levels(image: Plane) -> Grays:
    """Return an image from 0 to 1 in 256 gray levels, each value as the next one.

    Examples
    --------
    >>> gray_levels(np.array([[0, 0.5, 1]], dtype=np.float32)).tolist()
    [[0, 128, 255]]
    """
    scaled: Plane = np.rint(np.asarray(image, dtype=np.float32) * np.float32(LEVELS - 1))
    found: Grays = np.clip(scaled, 0, LEVELS - 1).astype(np.uint8)
    return found


def measure_texture(
    objects: Objects, image: Plane, channel: str, scales: Sequence[int] = (3, 5, 10)
) -> dict[str, Floats]:
    """Measure the texture of objects in one channel.

    Parameters
    ----------
    objects : Objects
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    channel : str
    scales : sequence of int
        Distances of neighbours in pixels; diagonal ones are √2 as far.

    Returns
    -------
    dict of str to array of float64, shape (objects,)
        ``Texture_<feature>_<channel>_<scale>_<direction>_256``; directions: right, down right,
        down, down left.

    Notes
    -----
    Pairs count in both orders, those with gray level 0 do not. An object that has no pair in some
    direction of a scale has 0 in all directions of it.

    Examples
    --------
    >>> objects = Objects.of(np.ones((2, 4), dtype=int))
    >>> image = np.array([[0.2, 0.4, 0.2, 0.4]] * 2, dtype=np.float32)
    >>> found = measure_texture(objects, image, "DNA", scales=[1])
    >>> float(found["Texture_Contrast_DNA_1_00_256"][0]) == 51**2
    True
    """
    grays = gray_levels(image)
    wanted = np.asarray(tuple(scales), dtype=np.int64)
    measured = _textures(grays, objects.labels, objects.pixels, objects.bounds, wanted)
    return {
        f"Texture_{name}_{channel}_{scale}_{direction:02d}_{LEVELS}": measured[
            at, direction, number
        ]
        for at, scale in enumerate(scales)
        for direction in range(len(DIRECTIONS))
        for number, name in enumerate(NAMES)
    }


def haralick_of_pairs(pairs: npt.NDArray[np.int64], levels: int) -> Floats:
    """Return the 13 features of pairs of gray levels that were counted.

    Parameters
    ----------
    pairs : array of int, shape (256, 256)
        How many pixels of the first level have a neighbour of the second one.
    levels : int
        The brightest gray level + 1.

    Returns
    -------
    array of float64, shape (13,)
        As `NAMES`; 0 without pairs.

    Examples
    --------
    >>> pairs = np.zeros((256, 256), dtype=np.int64)
    >>> pairs[3, 5] = 8
    >>> float(haralick_of_pairs(pairs, 6)[1])
    4.0
    """
    found = np.zeros(len(NAMES))
    counts = (np.triu(pairs) + np.tril(pairs, -1).T).astype(np.int32)
    cells = np.flatnonzero(counts).astype(np.int32)
    if len(cells):
        _haralick(counts, cells, np.zeros(1), levels, found)
    return found


@compiled
def _textures(grays: Grays, labels: Labels, pixels: Ints, bounds: Ints, scales: Ints) -> Floats:
    columns = labels.shape[1]
    downs, rights = (0, 1, 1, 1), (1, 1, 0, -1)
    found = np.zeros((len(scales), 4, 13, len(bounds) - 1))
    counts = np.zeros((LEVELS, LEVELS), dtype=np.int32)
    cells = np.empty((LEVELS * (LEVELS + 1)) // 2, dtype=np.int32)
    logs = np.zeros(4096)
    for count in range(1, len(logs)):
        logs[count] = count * np.log2(count)
    for number in range(len(bounds) - 1):
        brightest = 0
        for at in range(bounds[number], bounds[number + 1]):
            row, column = divmod(pixels[at], columns)
            brightest = max(brightest, int(grays[row, column]))
        for scale in range(len(scales)):
            whole = True
            for direction in range(4):
                step = (downs[direction] * scales[scale], rights[direction] * scales[scale])
                own = pixels[bounds[number] : bounds[number + 1]]
                used = _count_pairs(grays, labels, own, step, counts, cells)
                if used == 0:
                    whole = False
                    break
                _haralick(
                    counts, cells[:used], logs, brightest + 1, found[scale, direction, :, number]
                )
            if not whole:
                found[scale, :, :, number] = 0
    return found


@compiled
def _count_pairs(
    grays: Grays,
    labels: Labels,
    pixels: Ints,
    step: tuple[int, int],
    counts: npt.NDArray[np.int32],
    cells: npt.NDArray[np.int32],
) -> int:
    """Count pairs of one object by their gray levels, the lower first; list the cells used."""
    rows, columns = labels.shape
    used = 0
    for pixel in pixels:
        row, column = divmod(pixel, columns)
        y, x = row + step[0], column + step[1]
        if y >= rows or x < 0 or x >= columns or labels[y, x] != labels[row, column]:
            continue
        one, other = int(grays[row, column]), int(grays[y, x])
        if one == 0 or other == 0:
            continue
        if one > other:
            one, other = other, one
        if counts[one, other] == 0:
            cells[used] = one * LEVELS + other
            used += 1
        counts[one, other] += 1
    return used


@compiled
def _count_log(count: int, logs: Floats) -> float:
    """Return n log₂ n."""
    return float(logs[count]) if count < len(logs) else float(count * np.log2(float(count)))


@compiled
def _haralick(
    counts: npt.NDArray[np.int32],
    cells: npt.NDArray[np.int32],
    logs: Floats,
    levels: int,
    found: Floats,
) -> None:
    """Turn counts of pairs, each in one order, into 13 features; leave no count behind.

    Entropies come from whole numbers: H = log₂ N − Σ n log₂ n / N.
    """
    single = np.zeros(LEVELS, dtype=np.int64)
    sums = np.zeros(2 * LEVELS, dtype=np.int64)
    apart = np.zeros(LEVELS, dtype=np.int64)
    squares, both_logs, near = 0.0, 0.0, 0.0
    products = 0
    for cell in cells:
        one, other = divmod(int(cell), LEVELS)
        count = int(counts[one, other])
        counts[one, other] = 0
        single[one] += count
        single[other] += count
        sums[one + other] += 2 * count
        apart[other - one] += 2 * count
        products += 2 * count * one * other
        if one == other:  # both orders fall into one cell
            squares += 4.0 * count * count
            both_logs += _count_log(2 * count, logs)
        else:
            squares += 2.0 * count * count
            both_logs += 2 * _count_log(count, logs)
    total = np.float64(single.sum())
    log_total = np.log2(total)
    mean, square_mean, single_logs = 0.0, 0.0, 0.0
    for level in range(levels):
        count = single[level]
        mean += np.float64(level) * count
        square_mean += np.float64(level) * level * count
        single_logs += _count_log(count, logs)
    mean /= total
    variance = square_mean / total - mean * mean
    contrast, apart_squares, apart_logs = 0.0, 0.0, 0.0
    for step in range(levels):
        count = apart[step]
        if count:
            contrast += np.float64(step) * step * count
            near += count / (1.0 + np.float64(step) * step)
            apart_squares += np.float64(count) * count
            apart_logs += _count_log(count, logs)
    sum_mean, sum_squares, sum_logs = 0.0, 0.0, 0.0
    for level in range(2 * levels - 1):
        count = sums[level]
        if count:
            sum_mean += np.float64(level) * count
            sum_squares += np.float64(level) * level * count
            sum_logs += _count_log(count, logs)
    sum_mean /= total
    entropy = log_total - both_logs / total
    marginal = log_total - single_logs / total
    if single.max() == single.sum():  # one level: nothing is left by rounding
        entropy, marginal = 0.0, 0.0
    found[0] = squares / (total * total)
    found[1] = contrast / total
    found[2] = 1.0 if variance <= 0 else (products / total - mean * mean) / variance
    found[3] = variance
    found[4] = near / total
    found[5] = sum_mean
    found[6] = sum_squares / total - sum_mean * sum_mean
    found[7] = log_total - sum_logs / total
    found[8] = entropy
    found[9] = apart_squares / (total * total) / levels - 1.0 / levels / levels
    found[10] = log_total - apart_logs / total
    found[11] = entropy - 2 * marginal if marginal == 0 else (entropy - 2 * marginal) / marginal
    found[12] = np.sqrt(max(0.0, 1 - np.exp(-2 * (2 * marginal - entropy))))
