"""Watershed: markers grow into what is lowest next, until they meet."""

from __future__ import annotations

import numpy as np

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Ints, Labels
from cellfolio.measurement.segmentation.labelling import Mask


def flood(values: Floats, markers: Labels, mask: Mask) -> Labels:
    """Return markers, grown over a mask from low values to high ones, with 8 neighbours.

    Parameters
    ----------
    values : array of float64, shape (rows, columns)
    markers : array of int32
        Where objects begin; those outside of the mask do not count.
    mask : array of bool
        Where they may grow.

    Returns
    -------
    array of int32

    Notes
    -----
    A pixel belongs to the object that reaches it first. Pixels wait in a heap, ordered by value and
    then by when they were reached; all pixels of markers were reached at once (Beucher and Meyer
    1993). Of pixels with one value and one time the heap decides: a binary heap, filled row by row,
    in which the first of two equal children moves up. So it gives what scikit-image gave up to
    version 0.24, which CellProfiler uses.

    Examples
    --------
    >>> values = np.array([[0.0, 1.0, 2.0, 1.0, 0.0]])
    >>> markers = np.array([[1, 0, 0, 0, 2]], dtype=np.int32)
    >>> flood(values, markers, np.ones((1, 5), dtype=bool)).tolist()
    [[1, 1, 1, 2, 2]]
    """
    rows, columns = values.shape
    # A frame that nothing enters, so that no neighbour is beyond the image.
    found = np.zeros((rows + 2, columns + 2), dtype=np.int32)
    levels = np.zeros((rows + 2, columns + 2))
    closed = np.ones((rows + 2, columns + 2), dtype=bool)
    levels[1:-1, 1:-1] = values
    closed[1:-1, 1:-1] = ~mask
    found[1:-1, 1:-1] = np.where(mask, markers, 0)
    closed |= found != 0
    seeds = np.flatnonzero(found)
    most = int(np.count_nonzero(mask))
    _flood(levels.ravel(), found.ravel(), closed.ravel(), seeds, (columns + 2, most))
    return found[1:-1, 1:-1].copy()


@compiled
def _flood(
    levels: Floats, found: Labels, closed: Mask, seeds: Ints, sizes: tuple[int, int]
) -> None:
    width, most = sizes
    steps = np.array([-width, -1, 1, width, -width - 1, 1 - width, width - 1, width + 1])
    heights = np.empty(most)
    times = np.empty(most, dtype=np.int32)
    pixels = np.empty(most, dtype=np.int32)
    held, time = 0, 0
    for seed in seeds:
        _push(heights, times, pixels, held, (levels[seed], 0, seed))
        held += 1
    while held > 0:
        pixel = pixels[0]
        held -= 1
        _sink(heights, times, pixels, held)
        for step in steps:
            near = pixel + step
            if not closed[near]:
                closed[near] = True
                found[near] = found[pixel]
                time += 1
                _push(heights, times, pixels, held, (levels[near], time, near))
                held += 1


@compiled
def _push(
    heights: Floats, times: Labels, pixels: Labels, held: int, item: tuple[float, int, int]
) -> None:
    """Add an item behind `held` others, and let it rise."""
    height, time, pixel = item
    at = held
    while at > 0:
        above = (at - 1) >> 1
        if not (height < heights[above] or (height == heights[above] and time < times[above])):
            break
        heights[at], times[at], pixels[at] = heights[above], times[above], pixels[above]
        at = above
    heights[at], times[at], pixels[at] = height, time, pixel


@compiled
def _sink(heights: Floats, times: Labels, pixels: Labels, held: int) -> None:
    """Put the item at `held` in the place of the first, and let it sink."""
    height, time, pixel = heights[held], times[held], pixels[held]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= held:
            break
        beside = below + 1
        if beside < held and (
            heights[beside] < heights[below]
            or (heights[beside] == heights[below] and times[beside] < times[below])
        ):
            below = beside
        if not (heights[below] < height or (heights[below] == height and times[below] < time)):
            break
        heights[at], times[at], pixels[at] = heights[below], times[below], pixels[below]
        at = below
    heights[at], times[at], pixels[at] = height, time, pixel
