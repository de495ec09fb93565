"""Which colour is which channel, above a picture in colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellfolio.imaging.colours import parse_colour
from cellfolio.imaging.contrast import to_bytes
from cellfolio.imaging.lettering import shorten, text_width
from cellfolio.imaging.picture import Words

_EDGE = 90
"""Brightness of the line around a patch, so that white and yellow are seen on paper."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch of colour and the name after it.

    Attributes
    ----------
    name, colour : str
    left, top, side : int
        Of the patch, in pixels.
    letters : float
    """

    name: str
    colour: str
    left: int
    top: int
    side: int
    letters: float

    def draw(self, canvas: NDArray[np.uint8]) -> Words:
        """Draw the patch; return its name as words to be written."""
        bottom, right = self.top + self.side, self.left + self.side
        canvas[self.top : bottom, self.left : right] = _EDGE
        inner = to_bytes(np.asarray(parse_colour(self.colour), np.float32))
        canvas[self.top + 1 : bottom - 1, self.left + 1 : right - 1] = inner
        middle = self.top + self.side / 2
        return Words(self.name, right + self.letters * 0.4, middle, self.letters, "left")


def place_legend(
    entries: Sequence[tuple[str, str]], left: int, width: int, letters: float
) -> tuple[list[Patch], int]:
    """Return where patches lie, in as many rows as they need, and the height of all.

    Parameters
    ----------
    entries : sequence of (name, colour)
    left, width : int
        Where they begin, and what room there is.
    letters : float
        Size of the letters, in pixels.

    Examples
    --------
    >>> patches, height = place_legend([("DNA", "blue"), ("ER", "green")], 0, 200, 12)
    >>> [patch.top for patch in patches], height
    ([4, 4], 19)
    """
    side, line = round(letters * 0.8), round(letters * 1.6)
    patches: list[Patch] = []
    x, row = left, 0
    for name, colour in entries:
        shown = shorten(name, width - side - letters, letters)
        needed = round(side + letters * 1.4 + text_width(shown, letters))
        if x > left and x + needed > left + width:
            x, row = left, row + 1
        top = round(row * line + (line - side) / 2)
        patches.append(Patch(shown, colour, x, top, side, letters))
        x += needed
    return patches, (row + 1) * line if patches else 0
