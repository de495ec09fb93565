"""Planes in their contrast and colours, with segmentations drawn over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.imaging.choosing import are_named, channel_colours, contrast_of
from cellfolio.imaging.colours import RGB, parse_colour
from cellfolio.imaging.composite import blend
from cellfolio.imaging.options import ViewOptions
from cellfolio.imaging.outlines import draw_outlines, fill_labels
from cellfolio.imaging.picture import ShownChannel
from cellfolio.imaging.shown import ShownImage, find_limits

OUTLINES = ("yellow", "cyan", "magenta", "orange")
"""Colours of segmentations, in their order."""


def shown_channels(
    shown: Sequence[ShownImage], names: tuple[str, ...], options: ViewOptions
) -> tuple[ShownChannel, ...]:
    """Return how each channel is shown, over all images."""
    contrast = contrast_of(names, options)
    alone = not are_named(names) if options.each is None else options.each
    together = [[image] for image in shown] if alone else [shown]
    limits = zip(*(find_limits(images, contrast) for images in together), strict=True)
    colours = channel_colours(names, options)
    return tuple(
        ShownChannel(name, colour, tuple(found))
        for name, colour, found in zip(names, colours, limits, strict=True)
    )


def paint(
    shown: Sequence[ShownImage], channels: Sequence[ShownChannel], *, composite: bool
) -> Iterator[list[NDArray[np.uint8]]]:
    """Yield each image in colour, or each of its channels."""
    colours = [parse_colour(channel.colour) for channel in channels]
    for number, image in enumerate(shown):
        light = [
            channel.limits[number % len(channel.limits)].apply(plane)
            for channel, plane in zip(channels, image.planes, strict=True)
        ]
        if composite:
            yield [blend(light, colours)]
        else:
            yield [blend([one], [colour]) for one, colour in zip(light, colours, strict=True)]


def legend_of(channels: Sequence[ShownChannel]) -> list[tuple[str, str]]:
    """Return what a composite's legend tells: names and colours of channels that have a name."""
    if tuple(one.name for one in channels) == RGB:
        return []
    return [(one.name, one.colour) for one in channels if one.name]


def draw_segmentations(
    pixels: NDArray[np.uint8], layers: Sequence[NDArray[Any]], options: ViewOptions
) -> NDArray[np.uint8]:
    """Draw segmentations over a picture, as they are asked for."""
    colours = options.outline_colours or OUTLINES
    width = max(1, round(max(pixels.shape[:2]) / 600))
    for number, labels in enumerate(layers):
        if options.fill:
            pixels = fill_labels(pixels, labels)
        else:
            colour = parse_colour(colours[number % len(colours)])
            pixels = draw_outlines(pixels, labels, colour, width=width)
    return pixels
