"""Texture: how gray levels of neighbours go together.

The definitions are those of CellProfiler's module MeasureTexture (version 4.2), which are the first
13 of Haralick et al. 1973, https://doi.org/10.1109/TSMC.1973.4309314.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cellfolio.measurement.compiled import compiled, compiled_within
from cellfolio.measurement.objects import Floats, Ints, Objects, Plane, Runs

Grays = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int32]

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
    grays = gray_levels(objects.values(image))
    wanted = np.asarray(tuple(scales), dtype=np.int64)
    measured = np.zeros((len(wanted), len(DIRECTIONS), len(objects), len(NAMES)))
    _textures(
        grays,
        objects.runs,
        objects.boxes,
        wanted,
        _count_logs(objects),
        _scratch(objects, max(scales)),
        measured,
    )
    return {
        f"Texture_{name}_{channel}_{scale}_{direction:02d}_{LEVELS}": measured[
            at, direction, :, number
        ]
        for at, scale in enumerate(scales)
        for direction in range(len(DIRECTIONS))
        for number, name in enumerate(NAMES)
    }


def _count_logs(objects: Objects) -> Floats:
    """Return n log₂ n for all numbers of pairs that an object can have, in both orders."""
    counts = np.arange(2.0 * objects.areas.max(initial=0) + 1)
    counts[1:] *= np.log2(counts[1:])
    return counts


def _scratch(objects: Objects, margin: int) -> tuple[Grays, Counts, Counts, Counts, Ints]:
    """Return room for the plane and places of an object, counts of pairs, cells used and sums."""
    sides = objects.boxes[:, 2:] - objects.boxes[:, :2] + margin + 1
    return (
        np.zeros(int(sides.prod(axis=1).max(initial=0)), dtype=np.uint8),
        np.zeros(int(objects.areas.max(initial=0)), dtype=np.int32),
        np.zeros(LEVELS * LEVELS, dtype=np.int32),
        np.zeros(LEVELS * LEVELS + 1, dtype=np.int32),
        np.zeros(4 * LEVELS, dtype=np.int64),
    )


def haralick_of_pairs(pairs: npt.NDArray[np.integer], levels: int) -> Floats:
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
    counts = (np.tril(pairs) + np.triu(pairs, 1).T).astype(np.int32).ravel()
    cells = np.flatnonzero(counts).astype(np.int32)
    if len(cells):
        listed, tallies = (cells, np.int64(len(cells))), np.zeros(4 * LEVELS, dtype=np.int64)
        grays = (np.int64(0), np.int64(levels - 1))
        _haralick(counts, listed, tallies, np.zeros(1), grays, found)
    return found


@compiled
def _textures(
    grays: Grays,
    runs: Runs,
    boxes: Ints,
    scales: Ints,
    logs: Floats,
    scratch: tuple[Grays, Counts, Counts, Counts, Ints],
    found: Floats,
) -> None:
    rows, columns, lengths, bounds = runs
    plane, places, counts, cells, tallies = scratch
    margin = np.int64(0)
    for scale in scales:
        margin = max(margin, scale)
    begin = np.int64(0)
    for number in range(len(boxes)):
        top, left = boxes[number, 0], boxes[number, 1]
        # Around the object all is 0, so that no pair leaves it; what is left of a row is right of
        # the row above.
        width = boxes[number, 3] - left + margin
        for place in range((boxes[number, 2] - top + margin + 1) * width):
            plane[place] = 0
        end = np.int64(0)
        darkest, brightest = np.int64(LEVELS), np.int64(0)
        for run in range(bounds[number], bounds[number + 1]):
            start = (rows[run] - top) * width + columns[run] - left + margin
            for place in range(start, start + lengths[run]):
                gray = np.int64(grays[begin])
                begin += 1
                if gray > 0:
                    plane[place] = gray
                    places[end] = place
                    end += 1
                    darkest, brightest = min(darkest, gray), max(brightest, gray)
        for scale in range(len(scales)):
            for direction in range(4):
                step = scales[scale] * (width if direction else 1)
                if direction == 1:
                    step += scales[scale]
                elif direction == 3:
                    step -= scales[scale]
                used = _count_pairs(plane, (places, end), step, counts, cells)
                if used == 0:
                    for before in range(direction):
                        for feature in range(13):
                            found[scale, before, number, feature] = 0.0
                    break
                _haralick(
                    counts,
                    (cells, used),
                    tallies,
                    logs,
                    (darkest, brightest),
                    found[scale, direction, number],
                )


@compiled_within
def _count_pairs(
    plane: Grays, listed: tuple[Counts, np.int64], step: int, counts: Counts, cells: Counts
) -> np.int64:
    """Count pairs of one object by their gray levels, the brighter first; list the cells used."""
    places, end = listed
    used = np.int64(0)
    for at in range(end):
        one, other = np.int64(plane[places[at]]), np.int64(plane[places[at] + step])
        if other > 0:
            cell = max(one, other) * LEVELS + min(one, other)
            cells[used] = cell  # stays if the cell was empty
            used += counts[cell] == 0
            counts[cell] += 1
    return used


@compiled_within
def _count_log(count: np.int64, logs: Floats) -> float:
    """Return n log₂ n."""
    return float(logs[count]) if count < len(logs) else float(count * np.log2(float(count)))


@compiled
def _haralick(
    counts: Counts,
    listed: tuple[Counts, np.int64],
    tallies: Ints,
    logs: Floats,
    grays: tuple[np.int64, np.int64],
    found: Floats,
) -> None:
    """Turn counts of pairs, each in one order, into 13 features; leave no count behind.

    Entropies come from whole numbers: H = log₂ N − Σ n log₂ n / N.
    """
    cells, used = listed
    darkest, brightest = grays
    total, products = np.int64(0), np.int64(0)
    squares, both_logs = 0.0, 0.0
    for at in range(used):
        cell = np.int64(cells[at])
        one, other = cell >> 8, cell & (LEVELS - 1)
        count = np.int64(counts[cell])
        counts[cell] = 0
        tallies[one] += count
        tallies[other] += count
        tallies[LEVELS + one - other] += 2 * count
        tallies[2 * LEVELS + one + other] += 2 * count
        total += 2 * count
        products += 2 * count * one * other
        if one == other:  # both orders fall into one cell
            squares += 4.0 * count * count
            both_logs += _count_log(2 * count, logs)
        else:
            squares += 2.0 * count * count
            both_logs += 2 * _count_log(count, logs)
    levels = brightest + 1
    log_total = np.log2(np.float64(total))
    weighted, square_weighted, most = np.int64(0), np.int64(0), np.int64(0)
    single_logs = 0.0
    for level in range(darkest, levels):
        count = tallies[level]
        tallies[level] = 0
        most = max(most, count)
        weighted += level * count
        square_weighted += level * level * count
        single_logs += _count_log(count, logs)
    contrast, sum_squares = np.int64(0), np.int64(0)
    near, apart_squares, apart_logs, sum_logs = 0.0, 0.0, 0.0, 0.0
    for step in range(levels - darkest):
        count = tallies[LEVELS + step]
        tallies[LEVELS + step] = 0
        contrast += step * step * count
        near += count / (1.0 + step * step)
        apart_squares += np.float64(count) * count
        apart_logs += _count_log(count, logs)
    for level in range(2 * darkest, 2 * levels - 1):
        count = tallies[2 * LEVELS + level]
        tallies[2 * LEVELS + level] = 0
        sum_squares += level * level * count
        sum_logs += _count_log(count, logs)
    mean = weighted / total
    variance = square_weighted / total - mean * mean
    entropy = log_total - both_logs / total
    marginal = log_total - single_logs / total
    if most == total:  # one level: nothing is left by rounding
        entropy, marginal = 0.0, 0.0
    found[0] = squares / (np.float64(total) * total)
    found[1] = contrast / total
    found[2] = 1.0 if variance <= 0 else (products / total - mean * mean) / variance
    found[3] = variance
    found[4] = near / total
    found[5] = 2 * mean
    found[6] = sum_squares / total - 4 * mean * mean
    found[7] = log_total - sum_logs / total
    found[8] = entropy
    found[9] = apart_squares / (np.float64(total) * total) / levels - 1.0 / levels / levels
    found[10] = log_total - apart_logs / total
    found[11] = entropy - 2 * marginal if marginal == 0 else (entropy - 2 * marginal) / marginal
    found[12] = np.sqrt(max(0.0, 1 - np.exp(-2 * (2 * marginal - entropy))))
