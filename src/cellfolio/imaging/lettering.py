"""Letters on pictures: how wide they are, and only those that the font has."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

FONT = "DejaVu Sans"
"""Comes with matplotlib, so that pictures are the same everywhere."""
_MISSING = "\N{WHITE SQUARE}"


def font_of(size: float) -> FontProperties:
    """Return the font in a size."""
    from matplotlib.font_manager import FontProperties

    return FontProperties(family=FONT, size=size)


def text_width(text: str, size: float) -> float:
    """Return how wide a text is, in the unit of `size`."""
    from matplotlib.textpath import text_to_path

    width, _, _ = text_to_path.get_text_width_height_descent(text, font_of(size), False)
    return float(width)


def shorten(text: str, width: float, size: float) -> str:
    """Return as much of a text as fits, its end left out where it does not.

    Examples
    --------
    >>> shorten("nucleus_segmentation", 80, 12), shorten("DNA", 80, 12)
    ('nucleus_se…', 'DNA')
    """
    shown = drawable(text)
    if text_width(shown, size) <= width:
        return shown
    fits, tried = 0, len(shown)
    while fits < tried:
        middle = (fits + tried + 1) // 2
        if text_width(f"{shown[:middle].rstrip()}…", size) <= width:
            fits = middle
        else:
            tried = middle - 1
    return f"{shown[:fits].rstrip()}…"


def drawable(text: str) -> str:
    """Return a text in one line, with a square for each letter that the font has not."""
    known = _known()
    return "".join(
        letter if ord(letter) in known else _MISSING for letter in " ".join(text.split())
    )


@lru_cache(maxsize=1)
def _known() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(font_of(10))).get_charmap())
