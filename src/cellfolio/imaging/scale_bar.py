"""Scale bars of a round length."""

from __future__ import annotations

import math
from dataclasses import dataclass

_SHARE = 0.25
"""A bar is at most this part of the picture's width."""


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """A length, and how long it is on the screen.

    Attributes
    ----------
    micrometres : float
    pixels : float
        The same on the screen.
    """

    micrometres: float
    pixels: float

    @property
    def label(self) -> str:
        """The length with its unit."""
        for factor, unit in ((1e-3, "mm"), (1.0, "µm"), (1e3, "nm")):
            if self.micrometres * factor >= 1 or unit == "nm":
                return f"{self.micrometres * factor:.6g} {unit}"
        raise AssertionError("unreachable")


def fit_scale_bar(pixel: float, width: float) -> ScaleBar:
    """Return the longest bar of 1, 2 or 5 times a power of ten µm that fits a picture.

    Parameters
    ----------
    pixel : float
        Width of a pixel of the screen, in µm.
    width : float
        Of the picture, in pixels of the screen; the bar takes a quarter of it at most.

    Examples
    --------
    >>> fit_scale_bar(0.5, 1000)
    ScaleBar(micrometres=100.0, pixels=200.0)
    >>> fit_scale_bar(0.5, 1000).label, fit_scale_bar(0.001, 300).label
    ('100 µm', '50 nm')
    """
    longest = pixel * width * _SHARE
    power = 10.0 ** math.floor(math.log10(longest))
    # Powers are not exact: 5 times 0.1 may be just above what fits.
    steps = [step * power for step in (1, 2, 5, 10) if step * power <= longest * (1 + 1e-9)]
    length = float(f"{max(steps, default=power):.3g}")
    return ScaleBar(length, length / pixel)
