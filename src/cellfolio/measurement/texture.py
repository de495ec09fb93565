"""Texture: how gray levels of neighbours go together.

The definitions are those of CellProfiler's module MeasureTexture (version 4.2), which are the first
13 of Haralick et al. 1973, https://doi.org/10.1109/TSMC.1973.4309314.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfolio.measurement.compiled import compiled, compiled_within
from cellfolio.measurement.haralick import NAMES, Counts, Sums, features_of
from cellfolio.measurement.objects import Floats, Ints, Objects, Plane, Runs

Grays = npt.NDArray[np.uint8]

LEVELS = 256
DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""Rows and columns to the neighbour."""


_CELLS = LEVELS * LEVELS


class _Scratch(NamedTuple):
    """Room for one object: a plane around it, places of its pixels, and counts of its pairs.

    Counts are kept by direction and both gray levels. `cells` lists which are used, `used` tells
    where the list of each direction ends, and `steps` leads to its neighbour.
    """

    plane: Grays
    places: Counts
    counts: Counts
    cells: Counts
    steps: Ints
    used: Ints
    tallies: Ints


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
    sums = np.zeros((len(wanted), len(DIRECTIONS), len(objects), len(Sums._fields)))
    _textures(
        grays,
        objects.runs,
        objects.boxes,
        wanted,
        _count_logs(objects),
        _scratch(objects, max(scales)),
        sums,
    )
    measured = features_of(Sums(*np.moveaxis(sums, 3, 0)))
    return {
        f"Texture_{name}_{channel}_{scale}_{direction:02d}_{LEVELS}": measured[
            number, at, direction
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


def _scratch(objects: Objects, margin: int) -> _Scratch:
    sides = objects.boxes[:, 2:] - objects.boxes[:, :2] + margin + 1
    return _Scratch(
        np.zeros(int(sides.prod(axis=1).max(initial=0)), dtype=np.uint8),
        np.zeros(int(objects.areas.max(initial=0)), dtype=np.int32),
        np.zeros(len(DIRECTIONS) * _CELLS, dtype=np.int32),
        np.zeros(len(DIRECTIONS) * _CELLS + 1, dtype=np.int32),
        np.zeros(len(DIRECTIONS), dtype=np.int64),
        np.zeros(len(DIRECTIONS), dtype=np.int64),
        np.zeros(4 * LEVELS, dtype=np.int64),
    )


@compiled
def _textures(
    grays: Grays,
    runs: Runs,
    boxes: Ints,
    scales: Ints,
    logs: Floats,
    scratch: _Scratch,
    found: Floats,
) -> None:
    rows, columns, lengths, bounds = runs
    plane, places, used = scratch.plane, scratch.places, scratch.used
    margin = np.int64(0)
    for scale in scales:
        margin = scale if scale > margin else margin
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
                    darkest = gray if gray < darkest else darkest
                    brightest = gray if gray > brightest else brightest
        for scale in range(len(scales)):
            if not _count_pairs(end, scales[scale], width, scratch):
                continue
            for direction in range(len(used)):
                _sum_up(
                    scratch.counts,
                    (scratch.cells, direction * _CELLS, used[direction]),
                    scratch.tallies,
                    logs,
                    (darkest, brightest),
                    found[scale, direction, number],
                )


@compiled_within
def _count_pairs(end: np.int64, scale: int, width: int, scratch: _Scratch) -> bool:
    """Count pairs of one object by their gray levels, the brighter first; list the cells used.

    Returns whether there are pairs in every direction; else, no count is left behind.
    """
    plane, places, counts, cells = scratch.plane, scratch.places, scratch.counts, scratch.cells
    steps, used = scratch.steps, scratch.used
    steps[0] = scale
    for direction in range(len(used)):
        if direction > 0:
            steps[direction] = scale * (width + 2 - direction)
        used[direction] = direction * _CELLS
    # All directions at once, so that the next count seldom waits for the one before.
    for at in range(end):
        place = np.int64(places[at])
        one = np.int64(plane[place])
        for direction in range(len(steps)):
            other = np.int64(plane[place + steps[direction]])
            if other > 0:
                cell = one * LEVELS + other if one > other else other * LEVELS + one
                cell += direction * _CELLS
                cells[used[direction]] = cell  # stays if the cell was empty
                used[direction] += counts[cell] == 0
                counts[cell] += 1
    every = True
    for direction in range(len(used)):
        every = every and used[direction] > direction * _CELLS
    if not every:
        for direction in range(len(used)):
            for at in range(direction * _CELLS, used[direction]):
                counts[cells[at]] = 0
    return every


@compiled_within
def _sum_up(
    counts: Counts,
    listed: tuple[Counts, int, int],
    tallies: Ints,
    logs: Floats,
    grays: tuple[np.int64, np.int64],
    found: Floats,
) -> None:
    """Turn counts of pairs, each in one order, into `Sums`; leave no count behind."""
    cells, start, end = listed
    darkest, brightest = grays
    total, products = np.int64(0), np.int64(0)
    squares, both_logs = 0.0, 0.0
    for at in range(start, end):
        cell = np.int64(cells[at])
        one, other = cell >> 8 & (LEVELS - 1), cell & (LEVELS - 1)
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
            both_logs += logs[2 * count]
        else:
            squares += 2.0 * count * count
            both_logs += 2 * logs[count]
    levels = brightest + 1
    weighted, square_weighted, most = np.int64(0), np.int64(0), np.int64(0)
    single_logs = 0.0
    for level in range(darkest, levels):
        count = tallies[level]
        tallies[level] = 0
        most = count if count > most else most
        weighted += level * count
        square_weighted += level * level * count
        single_logs += logs[count]
    contrast, sum_squares = np.int64(0), np.int64(0)
    near, apart_squares, apart_logs, sum_logs = 0.0, 0.0, 0.0, 0.0
    for step in range(levels - darkest):
        count = tallies[LEVELS + step]
        tallies[LEVELS + step] = 0
        contrast += step * step * count
        near += count / (1.0 + step * step)
        apart_squares += np.float64(count) * count
        apart_logs += logs[count]
    for level in range(2 * darkest, 2 * levels - 1):
        count = tallies[2 * LEVELS + level]
        tallies[2 * LEVELS + level] = 0
        sum_squares += level * level * count
        sum_logs += logs[count]
    found[0], found[1], found[2], found[3] = total, levels, products, squares
    found[4], found[5], found[6], found[7] = both_logs, weighted, square_weighted, most
    found[8], found[9], found[10], found[11] = single_logs, contrast, near, apart_squares
    found[12], found[13], found[14] = apart_logs, sum_squares, sum_logs
