"""Contrast: which pixel value is black, and which one is white."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument

SAMPLE = 1_000_000
"""Pixels that percentiles are taken of, where there are more; spread evenly over all of them."""
_LARGEST = 1e300
"""No limit is further from 0, so that their difference is a number."""


class Contrast(Protocol):
    """How limits are found."""

    def limits(self, pixels: NDArray[Any]) -> Fixed:
        """Return what is black and what is white."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Contrast between two values.

    Parameters
    ----------
    low : float
        This and all below is black (0).
    high : float
        This and all above is white (1).

    Raises
    ------
    InvalidArgument
        If `low` is not below `high`, or they are no numbers.

    Examples
    --------
    >>> Fixed(0, 200).apply(np.array([0, 50, 200, 4000], np.uint16))
    array([0.  , 0.25, 1.  , 1.  ], dtype=float32)
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse what is no range."""
        if not (math.isfinite(self.high - self.low) and self.low < self.high):
            raise InvalidArgument(
                f"contrast from {self.low:g} to {self.high:g}: expected two numbers, the lower "
                "one first"
            )

    def limits(self, pixels: NDArray[Any]) -> Fixed:
        """Return itself, whatever the pixels."""
        return self

    def apply(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Return brightness from 0 to 1.

        What is no number (NaN) is 0; infinities are the end that they are at.

        Parameters
        ----------
        pixels : array
            Of integers, real numbers or truth values; not changed.

        Returns
        -------
        array of the same shape, float32
        """
        found = _numbers(pixels).astype(np.float64)
        np.clip(found, self.low, self.high, out=found)
        found -= self.low
        found /= self.high - self.low
        return np.nan_to_num(found, copy=False, nan=0.0).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Percentile:
    """Contrast between two percentiles of the pixels, robust against few very bright ones.

    Parameters
    ----------
    low, high : float
        From 0 to 100.

    Raises
    ------
    InvalidArgument
        If they are not in this order and range.

    Examples
    --------
    >>> Percentile(0, 100).limits(np.array([3, 5, 9]))
    Fixed(low=3.0, high=9.0)
    """

    low: float = 0.5
    high: float = 99.5

    def __post_init__(self) -> None:
        """Refuse what are no percentiles."""
        if not 0 <= self.low < self.high <= 100:
            raise InvalidArgument(
                f"contrast between percentiles {self.low:g} and {self.high:g}: expected two "
                "numbers from 0 to 100, the lower first"
            )

    def limits(self, pixels: NDArray[Any]) -> Fixed:
        """Return the values at the percentiles.

        Of large arrays, `SAMPLE` pixels are looked at. What is not finite does not count, nor do
        pixels that are exactly 0 where others are not: they lie around images that were turned or
        stitched, and are the background of images that were processed. Where both percentiles are
        one value, the lowest and the highest pixel are taken. An image of one value, or of no
        pixels, is black; but where the value is the highest that its type can hold, the image is
        saturated, and white.

        Parameters
        ----------
        pixels : array
        """
        found = _finite(sample(pixels))
        if not found.any():
            return Fixed(0.0, 1.0)
        low, high = np.percentile(found[found != 0], (self.low, self.high)).tolist()
        if low == high:
            everything = _finite(_numbers(pixels))
            low, high = float(everything.min()), float(everything.max())
        low, high = max(low, -_LARGEST), min(high, _LARGEST)
        if low < high:
            return Fixed(low, high)
        saturated = pixels.dtype.kind in "iu" and low == np.iinfo(pixels.dtype).max
        step = max(1.0, abs(low) * 1e-9)
        return Fixed(low - step, low) if saturated else Fixed(low, low + step)


def to_bytes(brightness: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return brightness from 0 to 1 as bytes, rounded.

    Examples
    --------
    >>> to_bytes(np.array([0, 0.5, 1], np.float32))
    array([  0, 128, 255], dtype=uint8)
    """
    return (brightness * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def sample(pixels: NDArray[Any], count: int = SAMPLE) -> NDArray[Any]:
    """Return `count` pixels at most, spread evenly; the same ones for the same shape."""
    flat = _numbers(pixels).reshape(-1)
    step = -(-flat.size // count)
    # A step that divides the width would look at some columns only.
    while step > 1 and math.gcd(step, pixels.shape[-1]) > 1:
        step += 1
    return flat[::step] if step > 1 else flat


def _finite(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.dtype.kind != "f":
        return pixels
    wide: NDArray[Any] = pixels[np.isfinite(pixels)].astype(np.float64, copy=False)
    return wide.clip(-_LARGEST, _LARGEST)


def _numbers(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.dtype.kind == "b":
        return pixels.view(np.uint8)
    if pixels.dtype.kind not in "iuf":
        raise InvalidArgument(f"pixels of type {pixels.dtype} have no brightness")
    return pixels
