"""Colours: of channels by what they show, of objects by their number.

The colours of channels are bright variants of the palette of Okabe and Ito, which people with any
kind of colour blindness tell apart [1]_.

References
----------
.. [1] Okabe and Ito, Color Universal Design, 2002, https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument

Colour = tuple[float, float, float]
"""Red, green and blue, from 0 to 1."""

NAMED: Mapping[str, str] = {
    "blue": "#3d7bff",
    "cyan": "#2fd6ff",
    "green": "#00d695",
    "yellow": "#ffe83d",
    "orange": "#ff9500",
    "red": "#ff3b30",
    "magenta": "#ff4fc3",
    "grey": "#ffffff",
}
"""What these words mean here, in place of harsher colours of the same name."""

STAINS: Mapping[str, str] = {
    "dna": "blue", "hoechst": "blue", "hoechst33342": "blue", "dapi": "blue", "nuc": "blue",
    "nuclei": "blue", "nucleus": "blue", "draq5": "blue", "h3342": "blue",
    "er": "green", "concanavalin": "green", "cona": "green", "egfp": "green", "gfp": "green",
    "structure": "green", "488": "green", "tubulin": "green", "microtubules": "green",
    "rna": "yellow", "syto": "yellow", "syto14": "yellow",
    "agp": "orange", "actin": "orange", "phalloidin": "orange", "wga": "orange",
    "golgi": "orange", "561": "orange", "rfp": "orange", "mcherry": "orange",
    "mito": "magenta", "mitotracker": "magenta", "mitochondria": "magenta",
    "membrane": "magenta", "cellmask": "magenta", "cmdrp": "magenta", "plasma": "magenta",
    "638": "magenta", "640": "magenta", "cy5": "magenta",
    "red": "red", "blue": "blue",
}  # fmt: skip
"""Word in a channel's name → its colour."""

RGB = ("R", "G", "B")
"""Channels of a picture that is in colour already."""
_FREE = ("magenta", "green", "yellow", "blue", "orange", "cyan", "red")
"""In this order, where no word tells."""
_BRIGHTFIELD = re.compile(r"bright|(high|low)zbf|\bbf\b|phase|transmi|\btl\b|\bdic\b")
_SEGMENTATION = re.compile(r"seg|(?<!cell)(?<!cell )mask|label|contour")


def parse_colour(text: str) -> Colour:
    """Read a colour: a word, or hexadecimal digits.

    Parameters
    ----------
    text : str
        One of `NAMED`, another name that CSS knows, or ``#rrggbb``; ``#`` may be left out.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> parse_colour("#FF0000"), parse_colour("ff0000"), parse_colour("white")
    ((1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    """
    from matplotlib.colors import to_rgb

    word = text.strip().lower().replace("gray", "grey")
    word = NAMED.get(word, word)
    if re.fullmatch(r"[0-9a-f]{6}", word):
        word = f"#{word}"
    try:
        if not re.fullmatch(r"#[0-9a-f]{6}|(?!none$)[a-z]+", word):
            raise ValueError
        red, green, blue = to_rgb(word)
    except ValueError:
        raise InvalidArgument(
            f"{text!r} is no colour",
            hint=f"use {', '.join(NAMED)}, a colour of CSS, or digits as #ff9500",
        ) from None
    return (float(red), float(green), float(blue))


def colours_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return a colour for each channel: by `STAINS` where its name tells, else one that is free.

    Images in transmitted light, segmentations, and a channel that is alone and tells nothing are
    grey.

    Examples
    --------
    >>> colours_of(["DNA", "ER", "Mito", "something"])
    ('blue', 'green', 'magenta', 'yellow')
    >>> colours_of(["channel 0"]), colours_of(["Brightfield", "OrigDNA"])
    (('grey',), ('grey', 'blue'))
    """
    if tuple(names) == RGB:
        return ("#ff0000", "#00ff00", "#0000ff")
    told: list[str | None] = []
    for name in names:
        colour = _told(name)
        told.append(colour if colour == "grey" or colour not in told else None)
    free = [colour for colour in _FREE if colour not in told] or list(_FREE)
    if len(told) == 1:
        free = ["grey"]
    spare = cycle(free)
    return tuple(colour or next(spare) for colour in told)


def _told(name: str) -> str | None:
    if is_transmitted(name) or is_segmentation(name):
        return "grey"
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)
    plain = name.lower()
    tried = [plain, *(word.lower() for word in words), *re.findall(r"[a-z]+\d+", plain)]
    return next((STAINS[word] for word in tried if word in STAINS), None)


def is_transmitted(name: str) -> bool:
    """Whether a channel's name tells of brightfield, phase contrast and the like."""
    return _BRIGHTFIELD.search(name.lower()) is not None


def is_segmentation(name: str) -> bool:
    """Whether a channel's name tells that it has objects, not light."""
    return _SEGMENTATION.search(name.lower()) is not None


def label_colours(labels: Iterable[int] | NDArray[Any]) -> NDArray[np.uint8]:
    """Return a colour for each label: always the same, and unlike those of near numbers.

    Hue and lightness step by the fractions of the plastic number [1]_: whatever labels are
    neighbours by number, one of the two differs.

    Parameters
    ----------
    labels : array of int
        0 is background, and black.

    Returns
    -------
    array of shape (labels, 3), uint8

    References
    ----------
    .. [1] Roberts, The unreasonable effectiveness of quasirandom sequences, 2018.
    """
    from matplotlib.colors import hsv_to_rgb

    numbers = np.asarray(labels).astype(np.float64)
    hue = numbers * 0.7548776662466927 % 1
    level = numbers * 0.5698402909980532 % 1
    colours = hsv_to_rgb(np.stack([hue, 0.45 + 0.55 * level, 1 - 0.4 * (1 - level)], axis=-1))
    colours[numbers == 0] = 0
    found: NDArray[np.uint8] = np.rint(colours * 255).astype(np.uint8)
    return found
