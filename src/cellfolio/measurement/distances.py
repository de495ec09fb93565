"""Distances within objects: from pixels to the outside, and from one pixel to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cellfolio.measurement.compiled import compiled

if TYPE_CHECKING:
    from cellfolio.measurement.objects import Floats, Ints, Labels, Objects

_FAR = 2**20
"""Pixels, more than any image has in a row."""


def distances_to_edge(labels: Labels, pixels: Ints, bounds: Ints, boxes: Ints) -> Floats:
    """Return what `Objects.depths` tells."""
    sides = boxes[:, 2:] - boxes[:, :2] + 2
    squares = np.empty(int(sides.prod(axis=1).max(initial=0)), dtype=np.int64)
    found = np.empty(len(pixels))
    _to_edge(labels, pixels, bounds, boxes, squares, found)
    return found


@compiled
def _to_edge(
    labels: Labels, pixels: Ints, bounds: Ints, boxes: Ints, squares: Ints, found: Floats
) -> None:
    """Fill in the distances of pixels to the edge of their objects.

    Down each column the pixels to the next one outside, then along rows the least sum of squares
    (Saito and Toriwaki 1994).
    """
    rows, columns = labels.shape
    for number in range(len(bounds) - 1):
        top, left = boxes[number, 0], boxes[number, 1]
        top, left = top - (top > 0), left - (left > 0)
        bottom, right = boxes[number, 2], boxes[number, 3]
        height, width = bottom + (bottom < rows) - top, right + (right < columns) - left
        for y in range(height):
            for x in range(width):
                place = y * width + x
                above = squares[place - width] if y else _FAR
                squares[place] = above + 1 if labels[top + y, left + x] == number + 1 else 0
        for place in range((height - 1) * width - 1, -1, -1):
            own, below = squares[place], squares[place + width] + 1
            squares[place] = below if below < own else own
        for at in range(bounds[number], bounds[number + 1]):
            y = pixels[at] // columns - top
            x = pixels[at] % columns - left
            place = y * width + x
            best = squares[place] * squares[place]
            along = 1
            while along * along < best and (x >= along or x + along < width):
                if x >= along:
                    down = squares[place - along]
                    square = down * down + along * along
                    best = square if square < best else best
                if x + along < width:
                    down = squares[place + along]
                    square = down * down + along * along
                    best = square if square < best else best
                along += 1
            found[at] = np.sqrt(np.float64(best)) if best < _FAR * _FAR else np.inf


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
    >>> from cellfolio.measurement.objects import Objects
    >>> distance_from(Objects.of(np.array([[1, 1], [0, 1]])), np.array([0])).round(3).tolist()
    [0.0, 1.0, 1.414]
    """
    # Pixels wait in three rings: those of this whole part, of the next, and of the one after.
    rings = np.empty((3, 8 * int(objects.areas.max(initial=0)) + 1), dtype=np.int64)
    sides = objects.boxes[:, 2:] - objects.boxes[:, :2] + 2
    ways = np.empty(int(sides.prod(axis=1).max(initial=0)))
    found = np.empty(len(objects.pixels))
    places = (objects.pixels, objects.bounds, objects.boxes)
    waiting = (rings, np.zeros(3, np.int64))
    _from_seeds(objects.shape[1], places, seeds, waiting, _steps(), ways, found)
    return found


def _steps() -> tuple[Ints, Ints, Floats]:
    """Return rows, columns and length of the steps to the 8 neighbours."""
    down, across = np.mgrid[-1:2, -1:2].reshape(2, -1)
    some = (down != 0) | (across != 0)
    down, across = down[some], across[some]
    return down, across, np.sqrt(down**2.0 + across**2)


@compiled
def _from_seeds(
    columns: int,
    places: tuple[Ints, Ints, Ints],
    seeds: Ints,
    waiting: tuple[Ints, Ints],
    steps: tuple[Ints, Ints, Floats],
    ways: Floats,
    found: Floats,
) -> None:
    """Visit pixels by the whole part of their distance.

    No step is shorter than 1, so pixels whose distances have one whole part cannot shorten each
    other's. Outside of the object ways have the length -1, so that none is shorter.
    """
    pixels, bounds, boxes = places
    rings, held = waiting
    downs, acrosses, lengths = steps
    for number in range(len(seeds)):
        top, left = boxes[number, 0] - 1, boxes[number, 1] - 1
        width = boxes[number, 3] - left + 1
        for at in range((boxes[number, 2] - top + 1) * width):
            ways[at] = -1.0
        for at in range(bounds[number], bounds[number + 1]):
            ways[(pixels[at] // columns - top) * width + pixels[at] % columns - left] = np.inf
        seed = (seeds[number] // columns - top) * width + seeds[number] % columns - left
        ways[seed] = 0.0
        rings[0, 0], held[0] = seed, 1
        whole = np.int64(0)
        while held[0] + held[1] + held[2] > 0:
            for at in range(held[whole % 3]):
                place = rings[whole % 3, at]
                way = ways[place]
                if way < whole:
                    continue  # found shorter meanwhile, and visited
                for side in range(len(lengths)):
                    near, longer = place + downs[side] * width + acrosses[side], way + lengths[side]
                    if longer < ways[near]:
                        ways[near] = longer
                        ring = np.int64(longer) % 3
                        rings[ring, held[ring]] = near
                        held[ring] += 1
            held[whole % 3] = 0
            whole += 1
        for at in range(bounds[number], bounds[number + 1]):
            place = (pixels[at] // columns - top) * width + pixels[at] % columns - left
            found[at] = ways[place]
