"""How large a pixel is, in micrometres, from what files say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

_MICROMETRES: Mapping[str, float] = {
    "pm": 1e-6, "Å": 1e-4, "angstrom": 1e-4, "nm": 1e-3, "nanometer": 1e-3, "mm": 1e3,
    "millimeter": 1e3, "cm": 1e4, "centimeter": 1e4, "m": 1e6, "meter": 1e6, "in": 25_400.0,
    "inch": 25_400.0, "µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0,
    "micrometer": 1.0,
}  # fmt: skip
"""Names of units in OME-XML, OME-Zarr and ImageJ; "µ" has two code points."""


@dataclass(frozen=True, slots=True)
class PixelSize:
    """Distance between neighbouring pixels in µm; None where it is not known.

    Attributes
    ----------
    x, y, z : float or None

    Examples
    --------
    >>> PixelSize(0.29, 0.29)
    PixelSize(x=0.29, y=0.29, z=None)
    """

    x: float | None = None
    y: float | None = None
    z: float | None = None

    def times(self, x: float | None, y: float | None, z: float | None) -> PixelSize:
        """Return the distances between pixels that are so many apart; None where that differs."""
        pairs = ((self.x, x), (self.y, y), (self.z, z))
        return PixelSize(*(None if not (a and b) else a * b for a, b in pairs))

    @property
    def known(self) -> bool:
        """Whether anything is known."""
        return (self.x, self.y, self.z) != (None, None, None)


def micrometres(size: str | float | None, unit: str | None) -> float | None:
    """Return a length in µm, or None where it is not one.

    Units that are no length ("pixel", "reference frame") and sizes that cannot be give None.

    Examples
    --------
    >>> micrometres("290", "nm"), micrometres("1", "pixel"), micrometres(None, "µm")
    (0.29, None, None)
    """
    factor = _MICROMETRES.get("µm" if unit is None else unit)
    try:
        number = math.nan if size is None else float(size)
    except ValueError:
        return None
    if factor is None or not 0 < number < math.inf:
        return None
    return number if factor == 1 else round(number * factor, 12)
