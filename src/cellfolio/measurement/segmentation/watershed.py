"""Watershed: markers grow into what is lowest next, until they meet."""

from __future__ import annotations

import numpy as np

from cellfolio.measurement.compiled import compiled
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
    _flood(levels, found.ravel(), closed.ravel(), (columns + 2, int(np.count_nonzero(mask))))
    return found[1:-1, 1:-1].copy()


def _levels(values: Floats | Plane, mask: Mask) -> Labels:
    """Return whole numbers in the order of values, in a frame."""
    found = np.zeros((values.shape[0] + 2, values.shape[1] + 2), dtype=np.int32)
    if values.dtype == np.float32:
        # The bits of numbers from 0 on have the order of the numbers.
        found[1:-1, 1:-1] = values.view(np.int32)
    else:
        found[1:-1, 1:-1][mask] = np.unique(values[mask], return_inverse=True)[1]
    return found.ravel()


@compiled
def _flood(levels: Labels, found: Labels, closed: Mask, sizes: tuple[int, int]) -> None:
    width, most = sizes
    steps = np.array([-width, -1, 1, width, -width - 1, 1 - width, width - 1, width + 1])
    keys = np.empty(most + 1, dtype=np.int64)  # level, then time
    pixels = np.empty(most + 1, dtype=np.int32)
    held, time = 0, 0
    for pixel in range(len(found)):
        if found[pixel] != 0:
            _push(keys, pixels, held, (int(levels[pixel]) << 32, pixel))
            held += 1
    while held > 0:
        pixel = int(pixels[0])
        held -= 1
        _sink(keys, pixels, held)
        for step in steps:
            near = pixel + step
            if not closed[near]:
                closed[near] = True
                found[near] = found[pixel]
                time += 1
                _push(keys, pixels, held, ((int(levels[near]) << 32) + time, near))
                held += 1


@compiled
def _push(keys: Ints, pixels: Labels, held: int, item: tuple[int, int]) -> None:
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


@compiled
def _sink(keys: Ints, pixels: Labels, held: int) -> None:
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
