"""Distances within objects: from pixels to the outside, and from one pixel to the others."""

from __future__ import annotations

import numpy as np

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Ints, Labels, Objects

_FAR = 2**40
_ROOT_2 = np.sqrt(2.0)


def distance_to_edge(objects: Objects) -> Floats:
    """Return how far each pixel of an object is from the next pixel that is not of it.

    Parameters
    ----------
    objects : Objects

    Returns
    -------
    array of float64
        Euclidean, in pixels; in the order of `Objects.pixels`. What lies beyond the image does not
        count as outside. Where an object fills the image, infinite.

    Examples
    --------
    >>> distance_to_edge(Objects.of(np.array([[0, 1, 1, 1, 0]]))).tolist()
    [1.0, 2.0, 1.0]
    """
    return _to_edge(objects.labels, objects.pixels, objects.bounds, objects.boxes)


@compiled
def _to_edge(labels: Labels, pixels: Ints, bounds: Ints, boxes: Ints) -> Floats:
    rows, columns = labels.shape
    found = np.empty(len(pixels))
    for number in range(len(bounds) - 1):
        top, left = max(boxes[number, 0] - 1, 0), max(boxes[number, 1] - 1, 0)
        bottom, right = min(boxes[number, 2] + 1, rows), min(boxes[number, 3] + 1, columns)
        height, width = bottom - top, right - left
        # Down each column the rows to the next pixel outside, then along rows the least sum of
        # squares (Saito and Toriwaki 1994).
        squares = np.empty((height, width), dtype=np.int64)
        for x in range(width):
            run = _FAR
            for y in range(height):
                run = 0 if labels[top + y, left + x] != number + 1 else run + 1
                squares[y, x] = run
            run = _FAR
            for y in range(height - 1, -1, -1):
                run = 0 if labels[top + y, left + x] != number + 1 else run + 1
                squares[y, x] = min(squares[y, x], run)
        for y in range(height):
            for x in range(width):
                down = squares[y, x]
                squares[y, x] = down * down if down < _FAR else _FAR
        for at in range(bounds[number], bounds[number + 1]):
            row, column = divmod(pixels[at], columns)
            y, x = row - top, column - left
            best = squares[y, x]
            along = 1
            while along * along < best and (x >= along or x + along < width):
                if x >= along:
                    best = min(best, squares[y, x - along] + along * along)
                if x + along < width:
                    best = min(best, squares[y, x + along] + along * along)
                along += 1
            found[at] = np.sqrt(np.float64(best)) if best < _FAR else np.inf
    return found


def distance_from(objects: Objects, seeds: Ints) -> Floats:
    """Return the length of the shortest way, within an object, from its seed to each pixel.

    Parameters
    ----------
    objects : Objects
    seeds : array of int64, shape (objects,)
        Flat index of a pixel of each object.

    Returns
    -------
    array of float64
        In the order of `Objects.pixels`; steps to the 8 neighbours are 1 and √2 long. Where no way
        leads, infinite.

    Examples
    --------
    >>> objects = Objects.of(np.array([[1, 1], [0, 1]]))
    >>> distance_from(objects, np.array([0])).round(3).tolist()
    [0.0, 1.0, 1.414]
    """
    return _from_seed(objects.labels, objects.pixels, objects.bounds, objects.boxes, seeds)


@compiled
def _from_seed(labels: Labels, pixels: Ints, bounds: Ints, boxes: Ints, seeds: Ints) -> Floats:
    """Visit pixels by the whole part of their distance.

    No step is shorter than 1, so pixels whose distances have one whole part cannot shorten each
    other's.
    """
    rows, columns = labels.shape
    found = np.empty(len(pixels))
    for number in range(len(bounds) - 1):
        top, left = boxes[number, 0], boxes[number, 1]
        width = boxes[number, 3] - left
        ways = np.full((boxes[number, 2] - top) * width, np.inf)
        seed_row, seed_column = divmod(seeds[number], columns)
        ways[(seed_row - top) * width + seed_column - left] = 0.0
        # Pixels wait in three rings: those of this whole part, of the next, and of the one after.
        size = 8 * (bounds[number + 1] - bounds[number]) + 1
        rings = np.empty((3, size), dtype=np.int64)
        held = np.zeros(3, dtype=np.int64)
        rings[0, 0], held[0] = seeds[number], 1
        whole = 0
        while held.any():
            ring = whole % 3
            for at in range(held[ring]):
                row, column = divmod(rings[ring, at], columns)
                way = ways[(row - top) * width + column - left]
                if way < whole:
                    continue  # found shorter meanwhile, and visited
                for y in range(max(row - 1, 0), min(row + 2, rows)):
                    for x in range(max(column - 1, 0), min(column + 2, columns)):
                        if labels[y, x] != number + 1:
                            continue
                        step = _ROOT_2 if y != row and x != column else 1.0
                        place = (y - top) * width + x - left
                        if way + step < ways[place]:
                            ways[place] = way + step
                            into = int(way + step) % 3
                            rings[into, held[into]] = y * columns + x
                            held[into] += 1
            held[ring] = 0
            whole += 1
        for at in range(bounds[number], bounds[number + 1]):
            row, column = divmod(pixels[at], columns)
            found[at] = ways[(row - top) * width + column - left]
    return found
