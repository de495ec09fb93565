"""Many small images in one picture, in rows and columns, as bytes for a screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.colours import colours_of, is_segmentation, is_transmitted, parse_colour
from cellfolio.imaging.contrast import Contrast, Fixed, Percentile

QUALITY = 88
"""Of JPEG; at 88 no edge of a cell looks softer than in the pixels."""
_MOST_CHANNELS = 3
"""Channels of a composite that nobody chose: the light of more is near white."""
_APART = ("blue", "green", "orange", "magenta", "yellow", "red", "cyan", "grey")
"""Colours in the order in which channels are taken, so that they are told apart."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A channel of a picture.

    Attributes
    ----------
    name, colour : str
    limits : Fixed
        What is black and what is white.
    """

    name: str
    colour: str
    limits: Fixed


def default_channels(names: Sequence[str]) -> tuple[str, ...]:
    """Return three channels for a composite, none in transmitted light and no segmentation.

    Examples
    --------
    >>> default_channels(("AGP", "Brightfield", "DNA", "ER", "Mito", "RNA"))
    ('AGP', 'DNA', 'ER')
    """
    light = tuple(one for one in names if not (is_transmitted(one) or is_segmentation(one)))
    shown = light or tuple(names)
    colours = dict(zip(shown, colours_of(shown), strict=True)) if shown else {}
    ranked = sorted(shown, key=lambda one: (_rank(colours[one]), shown.index(one)))
    kept = ranked[:_MOST_CHANNELS]
    return tuple(one for one in shown if one in kept)


def _rank(colour: str) -> int:
    return _APART.index(colour) if colour in _APART else len(_APART)


def make_layers(
    names: Sequence[str],
    samples: Mapping[str, NDArray[Any]],
    contrast: Contrast | None = None,
    limits: Mapping[str, Fixed] | None = None,
) -> tuple[Layer, ...]:
    """Return how channels are shown, all with one contrast for all images.

    Parameters
    ----------
    names : sequence of str
    samples : mapping of str to array
        Pixels of each channel, of all images.
    contrast : Contrast, optional
        By default percentiles that suit one channel, or several whose light adds up.
    limits : mapping of str to Fixed, optional
        Of channels for which they are told.
    """
    usual = Percentile(5, 99.5) if len(names) > 1 else Percentile()
    chosen = contrast or usual
    colours = colours_of(names) if len(names) > 1 else ("grey",)
    told = limits or {}
    return tuple(
        Layer(name, colour, told[name] if name in told else chosen.limits(samples[name]))
        for name, colour in zip(names, colours, strict=True)
    )


def paint_grid(
    planes: Mapping[str, NDArray[np.float32]],
    layers: Sequence[Layer],
    places: Iterable[tuple[int, int]],
    shape: tuple[int, int],
    *,
    gap: int = 1,
) -> NDArray[np.uint8]:
    """Return images in rows and columns, in colour; what has no image is black.

    Parameters
    ----------
    planes : mapping of str to array of shape (images, Y, X)
        By channel.
    layers : sequence of Layer
    places : iterable of (int, int)
        Row and column of each image, from 0.
    shape : tuple of int
        Rows and columns.
    gap : int
        Black pixels after each image.

    Raises
    ------
    InvalidArgument
        If there are no channels.
    """
    if not layers:
        raise InvalidArgument("no channel to show")
    painted = _paint(planes, layers)
    _, height, width, _ = painted.shape
    steps = height + gap, width + gap
    grid = np.zeros((shape[0] * steps[0], shape[1] * steps[1], 3), np.uint8)
    for (row, column), one in zip(places, painted, strict=True):
        top, left = row * steps[0], column * steps[1]
        grid[top : top + height, left : left + width] = one
    return grid


def _paint(planes: Mapping[str, NDArray[np.float32]], layers: Sequence[Layer]) -> NDArray[np.uint8]:
    """Return all images in colour: light is added, as `cellfolio.imaging.composite.blend` does."""
    shape = tuple(max(planes[one.name].shape[axis] for one in layers) for axis in (0, 1, 2))
    light = np.zeros((3, *shape), np.float32)
    for layer in layers:
        pixels = planes[layer.name]
        low, high = np.float32(layer.limits.low), np.float32(layer.limits.high)
        bright = (pixels - low) * (np.float32(255) / max(high - low, np.finfo(np.float32).tiny))
        np.clip(bright, 0, 255, out=bright)
        np.nan_to_num(bright, copy=False, nan=0.0)
        _, rows, columns = pixels.shape
        for at, part in enumerate(parse_colour(layer.colour)):
            if part:
                light[at, :, :rows, :columns] += bright * np.float32(part)
    np.minimum(light, 255, out=light)
    return np.ascontiguousarray(np.moveaxis((light + np.float32(0.5)).astype(np.uint8), 0, -1))


def to_jpeg(pixels: NDArray[np.uint8], quality: int = QUALITY) -> bytes:
    """Return a picture in colour as JPEG, with all of its colours' pixels."""
    from imagecodecs import jpeg8_encode

    return bytes(jpeg8_encode(np.ascontiguousarray(pixels), level=quality, subsampling="444"))
