"""Outlines of objects: how long they are, what they enclose, and how much their hulls hold."""

from __future__ import annotations

import numpy as np

from cellfolio.measurement.compiled import compiled, compiled_within
from cellfolio.measurement.objects import Floats, Ints, Labels, Objects, Runs

_NONE = 2**31
"""Where a row has no pixel."""


def _weights() -> Floats:
    """Return lengths by 1 + 2 · neighbours along sides + 10 · along diagonals."""
    found = np.zeros(50)
    found[[5, 7, 15, 17, 25, 27]] = 1
    found[[21, 33]] = np.sqrt(2)
    found[[13, 23]] = (1 + np.sqrt(2)) / 2
    return found


def perimeters(objects: Objects) -> Floats:
    """Return the length of the line through the pixels of the edge of each object.

    A step along a side counts 1, a diagonal one √2, and a turn the mean of both. What lies beyond
    the image is outside.

    References
    ----------
    Benkrid and Crookes 2000, Design and FPGA implementation of a perimeter estimator.

    Examples
    --------
    >>> perimeters(Objects.of(np.ones((3, 5), dtype=int))).tolist()
    [12.0]
    """
    rows, columns = objects.places
    height, width = objects.shape
    at_border = (rows == 0) | (rows == height - 1) | (columns == 0) | (columns == width - 1)
    edge = np.flatnonzero(objects.edges | at_border)
    places = (rows[edge] + 1) * (width + 2) + columns[edge] + 1
    marked = np.zeros((height + 2) * (width + 2), dtype=np.int32)
    marked[places] = objects.labels.ravel()[objects.pixels[edge]]
    found = np.zeros(len(objects))
    _add_lengths(marked, places, _weights(), width + 2, found)
    return found


@compiled
def _add_lengths(marked: Labels, places: Ints, weights: Floats, width: int, found: Floats) -> None:
    for place in places:
        own = marked[place]
        kind = 1
        for near in (place - width, place - 1, place + 1, place + width):
            if marked[near] == own:
                kind += 2
        for near in (place - width - 1, place - width + 1, place + width - 1, place + width + 1):
            if marked[near] == own:
                kind += 10
        found[own - 1] += weights[kind]


def euler_numbers(objects: Objects) -> Ints:
    """Return pieces minus holes of each object, with 8 neighbours.

    This is the number of runs along rows less the number of times that two of them touch.

    Examples
    --------
    >>> ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    >>> euler_numbers(Objects.of(ring)).tolist()
    [0]
    """
    if not len(objects):
        return np.zeros(0, dtype=np.int64)
    rows, columns, lengths, bounds = objects.runs
    height, width = objects.shape
    numbers = np.repeat(np.arange(len(objects)), np.diff(bounds))
    begins = (numbers * (height + 1) + rows) * (width + 1) + columns
    # Of the runs in the next row, those touch that begin in time and do not end too early.
    begun = np.searchsorted(begins, begins + lengths + width + 1, side="right")
    ended = np.searchsorted(begins + lengths, begins + width + 1, side="left")
    return np.diff(bounds) - np.add.reduceat(begun - ended, bounds[:-1])


def convex_areas(objects: Objects) -> Floats:
    """Count the pixels whose middles lie in the hull of the middles of all sides of pixels.

    Examples
    --------
    >>> convex_areas(Objects.of(np.array([[1, 0, 0], [1, 0, 0], [1, 1, 1]]))).tolist()
    [6.0]
    """
    found = np.zeros(len(objects))
    height = int((objects.boxes[:, 2] - objects.boxes[:, 0]).max(initial=0))
    room = np.zeros((5, 2 * height + 1), dtype=np.int64)
    _fill(objects.runs, objects.boxes, room, found)
    return found


@compiled
def _fill(runs: Runs, boxes: Ints, room: Ints, found: Floats) -> None:
    """Count pixels of hulls in half pixels: no point on the hull is missed by rounding."""
    rows, columns, lengths, bounds = runs
    low, high, left, right, chain = room[0], room[1], room[2], room[3], room[4]
    for number in range(len(boxes)):
        height = boxes[number, 2] - boxes[number, 0]
        # The places farthest to the left, and to the right, negative, of each half row.
        for row in range(2 * height + 1):
            low[row] = high[row] = _NONE
        for run in range(bounds[number], bounds[number + 1]):
            middle = 2 * (rows[run] - boxes[number, 0]) + 1
            for row in range(middle - 1, middle + 2):
                inwards = np.int64(row != middle)
                first = 2 * columns[run] + inwards
                last = inwards - 2 * (columns[run] + lengths[run])
                low[row] = first if first < low[row] else low[row]
                high[row] = last if last < high[row] else high[row]
        _first_middles(low, height, chain, left)
        _first_middles(high, height, chain, right)
        for row in range(height):
            if left[row] <= -right[row]:
                found[number] += (-right[row] - left[row]) // 2 + 1


@compiled_within
def _first_middles(places: Ints, height: int, chain: Ints, found: Ints) -> None:
    """Fill in the first middle of a pixel in each row that is not left of the hull of places."""
    size = np.int64(0)
    for row in range(2 * height + 1):
        if places[row] == _NONE:
            continue
        while size > 1:
            one, two = chain[size - 2], chain[size - 1]
            across = (places[row] - places[one]) * (two - one)
            if across > (places[two] - places[one]) * (row - one):
                break
            size -= 1
        chain[size] = row
        size += 1
    at = np.int64(0)
    for row in range(1, 2 * height + 1, 2):
        while chain[at + 1] < row:
            at += 1
        one, two = chain[at], chain[at + 1]
        place = places[one] - (places[one] - places[two]) * (row - one) // (two - one)
        found[row >> 1] = place + 1 - (place & 1)  # middles of pixels have odd places
