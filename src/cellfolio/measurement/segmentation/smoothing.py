"""Smoothing by Gaussians, in which what lies beyond the image has no part."""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Plane

_REACH = 4.0
"""Where a Gaussian ends, in sigmas."""


def smooth(image: Plane, sigma: float) -> Floats:
    """Return an image smoothed by a Gaussian.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
    sigma : float
        In pixels; the Gaussian ends at four of them.

    Notes
    -----
    Each pixel is divided by the part of the Gaussian that lies within the image. Sums are those of
    scipy.ndimage: from far to near, down first, and in single precision between the two.

    Examples
    --------
    >>> smooth(np.full((3, 3), 0.5, dtype=np.float32), 2.0).round(6).tolist()
    [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]
    """
    if sigma == 0 or not image.size:
        return image.astype(np.float64)
    reach = int(_REACH * sigma + 0.5)
    weights = np.exp(-0.5 / sigma**2 * np.arange(-reach, reach + 1) ** 2)
    weights = (weights / weights.sum())[reach:]
    inside = [ndi.gaussian_filter1d(np.ones(size), sigma, mode="constant") for size in image.shape]
    found: Floats = np.outer(*inside)
    found += np.finfo(np.float64).eps
    blurred = np.empty(image.shape, dtype=np.float32)
    line = np.zeros(image.shape[1] + 2 * reach)
    _blur(image, weights, np.empty(image.shape[1]), line, blurred)
    return np.divide(blurred, found, out=found)


@compiled
def _blur(image: Plane, weights: Floats, sums: Floats, line: Floats, found: Plane) -> None:
    """Fill in the weighted sum of pixels around each; the first weight is that of the pixel.

    `sums` has room for a row, and `line` for one that is 0 as far as weights reach beyond it.
    """
    rows, columns = image.shape
    reach = len(weights) - 1
    for y in range(rows):
        for x in range(columns):
            sums[x] = image[y, x] * weights[0]
        for away in range(reach, 0, -1):
            above, below, weight = y - away, y + away, weights[away]
            if above >= 0 and below < rows:
                for x in range(columns):
                    sums[x] += (np.float64(image[above, x]) + np.float64(image[below, x])) * weight
            elif above >= 0 or below < rows:
                near = above if above >= 0 else below
                for x in range(columns):
                    sums[x] += image[near, x] * weight
        for x in range(columns):
            line[reach + x] = np.float32(sums[x])
        for x in range(columns):
            sums[x] = line[reach + x] * weights[0]
        for away in range(reach, 0, -1):
            weight = weights[away]
            for x in range(columns):
                sums[x] += (line[reach + x - away] + line[reach + x + away]) * weight
        for x in range(columns):
            found[y, x] = np.float32(sums[x])
