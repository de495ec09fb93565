"""A site as it was segmented: channels in colour, with an outline around each object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.colours import colours_of, is_transmitted, parse_colour
from cellfolio.imaging.composite import blend
from cellfolio.imaging.contrast import Percentile, sample
from cellfolio.imaging.montage import Panel, montage
from cellfolio.imaging.outlines import check_labels, draw_outlines
from cellfolio.imaging.picture import Picture, ShownChannel
from cellfolio.imaging.scaling import fit_zoom, sides, zoom_labels, zoom_pixels
from cellfolio.package.nearest import suggest

SHOWN = ("DNA", "RNA")
"""Channels that nuclei and cells are found in, by CPJUMP1."""
LINES = {"Cells": "magenta", "Nuclei": "cyan"}
"""Kinds of objects and the colours of their outlines, in the order in which they are drawn."""
_OTHERS = ("orange", "yellow", "white")
_CONTRAST = Percentile(5, 99.8)


def draw_segmentation(
    images: Mapping[str, NDArray[Any]],
    segmentations: Mapping[str, NDArray[Any]],
    *,
    channels: Sequence[str] = (),
    title: str = "",
    side: int = 1080,
) -> Picture:
    """Draw outlines of objects over a site.

    Parameters
    ----------
    images : mapping of str to array of shape (Y, X)
        By name of the channel.
    segmentations : mapping of str to array of shape (Y, X)
        By kind of object; see `find_outlines`. Cytoplasm has the outlines of cells and nuclei, and
        is not drawn where both are there.
    channels : sequence of str
        Those that are shown; by default `SHOWN`, or else the first two that are no transmitted
        light.
    title : str
        Such as the name of the site.
    side : int
        Pixels of the longer side of the site in the picture, at most. The number of objects in the
        legend is that of the segmentation, whatever is left of it in a smaller picture.

    Returns
    -------
    Picture

    Raises
    ------
    InvalidArgument
        If there is no such channel, no image, or one has another size than the others.

    Examples
    --------
    >>> dna = np.zeros((40, 60), np.uint16)
    >>> dna[10:20, 10:30] = 900
    >>> draw_segmentation({"DNA": dna}, {"Nuclei": (dna > 0).astype(np.int32)}).channels[0].name
    'DNA'
    """
    names = _shown(images, channels)
    shape = np.shape(images[names[0]])
    layers = _layers(segmentations)
    _check_sizes({name: images[name] for name in names} | layers, shape)
    zoom = min(1.0, fit_zoom((shape[0], shape[1]), side))
    limits = [_CONTRAST.limits(sample(np.asarray(images[name]))) for name in names]
    colours = colours_of(names)
    light = [
        limit.apply(zoom_pixels(np.asarray(images[name]), zoom))
        for name, limit in zip(names, limits, strict=True)
    ]
    pixels = blend(light, [parse_colour(colour) for colour in colours])
    legend = list(zip(names, colours, strict=True))
    for kind, colour in _colours(layers):
        labels = layers[kind]
        pixels = draw_outlines(pixels, zoom_labels(labels, zoom), parse_colour(colour))
        count = len(np.unique(labels[labels != 0]))
        legend.append((f"{kind} ({count:,})", colour))
    picture = montage([Panel(pixels, title)], legend=legend)
    told = tuple(
        ShownChannel(name, colour, (limit,))
        for name, colour, limit in zip(names, colours, limits, strict=True)
    )
    return Picture(picture.pixels, picture.words, picture.bars, told, zoom)


def _shown(images: Mapping[str, NDArray[Any]], channels: Sequence[str]) -> list[str]:
    for name in channels:
        if name not in images:
            raise InvalidArgument(f"there is no channel {name!r}", hint=suggest(name, list(images)))
    if channels:
        return list(channels)
    known = [name for name in SHOWN if name in images]
    light = [name for name in images if not is_transmitted(name)]
    found = known or light[:2] or list(images)[:1]
    if not found:
        raise InvalidArgument("there is no image to show")
    return found


def _layers(segmentations: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    both = set(LINES) <= set(segmentations)
    return {
        kind: check_labels(np.asarray(labels))
        for kind, labels in segmentations.items()
        if not (both and kind == "Cytoplasm")
    }


def _colours(layers: Mapping[str, NDArray[Any]]) -> list[tuple[str, str]]:
    """Return kinds and colours, in the order in which they are drawn: the smallest objects last."""
    others = [kind for kind in layers if kind not in LINES]
    found = [(kind, _OTHERS[at % len(_OTHERS)]) for at, kind in enumerate(others)]
    return found + [(kind, colour) for kind, colour in LINES.items() if kind in layers]


def _check_sizes(planes: Mapping[str, NDArray[Any]], shape: tuple[int, ...]) -> None:
    for name, plane in planes.items():
        if np.ndim(plane) != 2 or np.shape(plane) != shape:
            raise InvalidArgument(
                f"{name} is of shape {np.shape(plane)}; expected one plane of "
                f"{sides(shape) if len(shape) == 2 else shape} pixels, as the first channel is"
            )
