"""Small pictures of images, without letters: quick, and of a bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.colours import parse_colour
from cellfolio.imaging.composite import blend
from cellfolio.imaging.contrast import Fixed
from cellfolio.imaging.outlines import draw_outlines
from cellfolio.imaging.scaling import fit_zoom, zoom_labels, zoom_pixels


def compose(
    planes: Sequence[NDArray[Any]],
    limits: Sequence[Fixed],
    colours: Sequence[str],
    side: int,
    *,
    segmentations: Sequence[tuple[NDArray[Any], str]] = (),
) -> NDArray[np.uint8]:
    """Return channels as one picture in colour, made smaller if it must be, never larger.

    Parameters
    ----------
    planes : sequence of array of shape (Y, X)
        One for each channel, of one size.
    limits : sequence of Fixed
        Contrast of each.
    colours : sequence of str
        See `parse_colour`.
    side : int
        Pixels of the picture's longer side, at most.
    segmentations : sequence of (array of shape (Y, X), str)
        Label images and colours of their outlines.

    Returns
    -------
    array of shape (Y, X, 3), uint8

    Raises
    ------
    InvalidArgument
        If there is no channel, or sizes differ.

    Examples
    --------
    >>> compose([np.full((4, 8), 9)], [Fixed(0, 9)], ["#ff0000"], 4).shape
    (2, 4, 3)
    """
    if not planes:
        raise InvalidArgument("no channel is asked for")
    shape = planes[0].shape
    zoom = min(1.0, fit_zoom((shape[0], shape[1]), side))
    light = [
        limit.apply(zoom_pixels(plane, zoom)) for limit, plane in zip(limits, planes, strict=True)
    ]
    picture = blend(light, [parse_colour(colour) for colour in colours])
    for labels, colour in segmentations:
        if labels.shape != shape:
            raise InvalidArgument(f"labels of shape {labels.shape} for an image of {shape}")
        picture = draw_outlines(picture, zoom_labels(labels, zoom), parse_colour(colour))
    return picture


def encode_png(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture as the bytes of a PNG file.

    Parameters
    ----------
    picture : array of shape (Y, X, 3), uint8

    Examples
    --------
    >>> encode_png(np.zeros((1, 1, 3), np.uint8))[1:4]
    b'PNG'
    """
    import imagecodecs

    return bytes(imagecodecs.png_encode(np.ascontiguousarray(picture), level=4))
