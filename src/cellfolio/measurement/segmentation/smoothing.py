"""Smoothing by Gaussians, in which what lies beyond the image has no part."""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from cellfolio.measurement.objects import Floats, Plane


def smooth(image: Plane, sigma: float) -> Floats:
    """Return an image smoothed by a Gaussian.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
    sigma : float
        In pixels; the Gaussian ends at four of them.

    Notes
    -----
    Each pixel is divided by the part of the Gaussian that lies within the image. The Gaussian goes
    down first, and what is between the two is in single precision.

    Examples
    --------
    >>> smooth(np.full((3, 3), 0.5, dtype=np.float32), 2.0).round(6).tolist()
    [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]
    """
    if sigma == 0 or not image.size:
        return image.astype(np.float64)
    inside = [ndi.gaussian_filter1d(np.ones(size), sigma, mode="constant") for size in image.shape]
    found: Floats = np.outer(*inside)
    found += np.finfo(np.float64).eps
    blurred = image
    for axis in (0, 1):
        blurred = ndi.gaussian_filter1d(blurred, sigma, axis=axis, mode="constant")
    return np.divide(blurred, found, out=found)
