"""Watershed: markers grow into what is lowest next, until they meet."""

from __future__ import annotations

import numpy as np

from cellfolio.measurement.compiled import compiled, compiled_within
from cellfolio.measurement.objects import Floats, Ints, Labels, Plane
from cellfolio.measurement.segmentation.labelling import Mask


def flood(values: Floats | Plane, markers: Labels, mask: Mask) -> Labels:
    """Return markers, grown over a mask from low values to high ones, with 8 neighbours.

    Parameters
    ----------
    values : array of float64 or float32, shape (rows, columns)
        From 0.
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
    levels = _levels(values, mask)
    # A frame that nothing enters, so that no neighbour is beyond the image.
    found = np.zeros((rows + 2, columns + 2), dtype=np.int32)
    closed = np.ones((rows + 2, columns + 2), dtype=bool)
    np.multiply(markers, mask, out=found[1:-1, 1:-1])
    np.not_equal(found[1:-1, 1:-1], 0, out=closed[1:-1, 1:-1])
    closed[1:-1, 1:-1] |= ~mask
    # Level, then time; and the pixel that waits.
    room = int(np.count_nonzero(mask)) + 1
    keys, pixels = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int32)
    _flood(levels, found.ravel(), closed.ravel(), _steps(columns + 2), (keys, pixels))
    return found[1:-1, 1:-1].copy()


def _levels(values: Floats | Plane, mask: Mask) -> Labels:
    """Return whole numbers in the order of values, in a frame."""
    found = np.zeros((values.shape[0] + 2, values.shape[1] + 2), dtype=np.int32)
    if values.dtype == np.float32:
        # The bits of numbers from 0 on have the order of the numbers.
        found[1:-1, 1:-1] = values.view(np.int32)
    else:
        held = values[mask]
        order = np.argsort(held)
        ordered = held[order]
        ranks = np.empty(len(held), dtype=np.int32)
        ranks[order] = np.cumsum(np.diff(ordered, prepend=ordered[:1]) > 0)
        found[1:-1, 1:-1][mask] = ranks
    return found.ravel()


def _steps(width: int) -> Ints:
    """Return the steps to the 8 neighbours, in rows of a width; those at sides come first."""
    return np.array([-width, -1, 1, width, -width - 1, 1 - width, width - 1, width + 1])


@compiled
def _flood(
    levels: Labels, found: Labels, closed: Mask, steps: Ints, waiting: tuple[Ints, Labels]
) -> None:
    keys, pixels = waiting
    held, time = np.int64(0), np.int64(0)
    for pixel in range(len(found)):
        if found[pixel] != 0:
            _push(keys, pixels, held, (np.int64(levels[pixel]) << 32, np.int64(pixel)))
            held += 1
    while held > 0:
        place = np.int64(pixels[0])
        held -= 1
        _sink(keys, pixels, held)
        for side in range(len(steps)):
            near = place + steps[side]
            if not closed[near]:
                closed[near] = True
                found[near] = found[place]
                time += 1
                _push(keys, pixels, held, ((np.int64(levels[near]) << 32) + time, near))
                held += 1


@compiled_within
def _push(keys: Ints, pixels: Labels, held: np.int64, item: tuple[np.int64, np.int64]) -> None:
    """Add an item behind `held` others, and let it rise."""
    key, pixel = item
    at = held
    while at > 0:
        above = (at - 1) >> 1
        if key >= keys[above]:
            break
        keys[at], pixels[at] = keys[above], pixels[above]
        at = above
    keys[at], pixels[at] = key, pixel


@compiled_within
def _sink(keys: Ints, pixels: Labels, held: np.int64) -> None:
    """Put the item at `held` in the place of the first, and let it sink.

    The gap sinks to the end, and the item rises from there: it seldom goes far.
    """
    key, pixel = keys[held], pixels[held]
    at, below = 0, 1
    while below + 1 < held:
        below += keys[below + 1] < keys[below]
        keys[at], pixels[at] = keys[below], pixels[below]
        at, below = below, 2 * below + 1
    if below < held:
        keys[at], pixels[at] = keys[below], pixels[below]
        at = below
    while at > 0:
        above = (at - 1) >> 1
        if key > keys[above]:
            break
        keys[at], pixels[at] = keys[above], pixels[above]
        at = above
    keys[at], pixels[at] = key, pixel
