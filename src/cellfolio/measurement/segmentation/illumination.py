"""Illumination: the uneven light of an image, and images without it.

The definitions are those of CellProfiler's modules CorrectIlluminationCalculate and
CorrectIlluminationApply (version 4.2): Background, in each image, and Regular, in all images of a
plate.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Ints, Plane
from cellfolio.measurement.segmentation.settings import Background

_SMALLEST = float(np.finfo(np.float64).eps)
_FULL_WIDTH = 2.35
"""Of a Gaussian at half of its height, in sigmas, as CellProfiler rounds it."""


def subtract_background(image: Plane, settings: Background) -> Plane:
    """Return an image without its smooth background.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    settings : Background

    Returns
    -------
    array of float32
        What would be negative is 0.

    Examples
    --------
    >>> image = np.full((90, 90), 0.25, dtype=np.float32)
    >>> image[40:50, 40:50] = 0.75
    >>> subtract_background(image, Background())[[0, 45], [0, 45]].round(6).tolist()
    [0.0, 0.5]
    """
    found: Plane = np.maximum(image - find_background(image, settings), np.float32(0))
    return found


def find_background(image: Plane, settings: Background) -> Plane:
    """Return the background of an image: the least values of blocks, smoothed by a Gaussian.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
    settings : Background

    Notes
    -----
    Blocks are as large as `block_size`, or somewhat larger, so that all are alike. Along each axis,
    a smoothed pixel is a sum over blocks, with the part of the Gaussian that lies in each.
    """
    if not image.size:
        return image
    sigma = settings.filter_size / _FULL_WIDTH
    firsts = [_first_of_blocks(size, settings.block_size) for size in image.shape]
    down = np.minimum.reduceat(image, firsts[0], axis=0)
    least = np.minimum.reduceat(down, firsts[1], axis=1)
    parts = [_parts(first, size, sigma) for first, size in zip(firsts, image.shape, strict=True)]
    down = np.einsum("ij,jk->ik", parts[0].T, least).astype(np.float32)
    there = parts[1] > 0
    ends = there.shape[1] - there[:, ::-1].argmax(axis=1)
    spans = np.stack([there.argmax(axis=1), ends], axis=1)
    found = np.empty(image.shape, dtype=np.float32)
    inside = (parts[0].sum(axis=0), parts[1].sum(axis=0))
    _spread(down, (parts[1], spans), inside, np.empty(image.shape[1]), found)
    return found


def _first_of_blocks(size: int, block: int) -> Ints:
    count = max(size // block, 1)
    which = (np.arange(size) * (count / size)).astype(np.int64)
    return np.searchsorted(which, np.arange(count)).astype(np.int64)


def _parts(first: Ints, size: int, sigma: float) -> Floats:
    """Return, by block, how much of the Gaussian around each pixel lies in it."""
    which = np.zeros((len(first), size))
    which[np.searchsorted(first, np.arange(size), side="right") - 1, np.arange(size)] = 1
    if sigma == 0:
        return which
    found: Floats = ndi.gaussian_filter1d(which, sigma, axis=1, mode="constant")
    return found


@compiled
def _spread(
    down: Plane,
    blocks: tuple[Floats, Ints],
    inside: tuple[Floats, Floats],
    sums: Floats,
    found: Plane,
) -> None:
    """Fill in the sum over blocks, by their parts; those of a block lie within its span."""
    parts, spans = blocks
    rows_inside, columns_inside = inside
    columns = len(sums)
    for y in range(len(down)):
        for x in range(columns):
            sums[x] = 0.0
        for block in range(len(parts)):
            value = np.float64(down[y, block])
            for x in range(spans[block, 0], spans[block, 1]):
                sums[x] += value * parts[block, x]
        for x in range(columns):
            share = rows_inside[y] * columns_inside[x] + _SMALLEST
            found[y, x] = np.float32(np.float64(np.float32(sums[x])) / share)
