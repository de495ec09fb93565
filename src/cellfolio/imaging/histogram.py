"""How many pixels have which value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of pixels in bins of one width.

    Attributes
    ----------
    low, high : float
        Smallest and largest pixel: where the first bin begins and the last one ends.
    counts : tuple of int
    strange : int
        Pixels that are no finite number.
    """

    low: float
    high: float
    counts: tuple[int, ...]
    strange: int = 0


def find_histogram(pixels: NDArray[Any], bins: int = 256) -> Histogram:
    """Count pixels by value.

    Parameters
    ----------
    pixels : array
        Of integers, real numbers or truth values.
    bins : int

    Examples
    --------
    >>> find_histogram(np.array([0, 1, 1, 3], np.uint8), 3)
    Histogram(low=0.0, high=3.0, counts=(1, 2, 1), strange=0)
    """
    flat = pixels.ravel()
    if flat.dtype.kind == "b":
        flat = flat.view(np.uint8)
    finite = flat[np.isfinite(flat)] if flat.dtype.kind == "f" else flat
    if not finite.size:
        return Histogram(0.0, 0.0, (0,) * bins, flat.size)
    low, high = float(finite.min()), float(finite.max())
    # The span of real numbers may be more than a real number can hold.
    scaled = finite / 2 if not np.isfinite(high - low) else finite
    edges = (low / 2, high / 2) if scaled is not finite else (low, high)
    counts, _ = np.histogram(scaled, bins, edges if low < high else (low, low + 1))
    return Histogram(low, high, tuple(counts.tolist()), flat.size - finite.size)
