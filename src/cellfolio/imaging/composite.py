"""Channels as one picture in colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.colours import Colour
from cellfolio.imaging.contrast import to_bytes


def blend(channels: Sequence[NDArray[np.float32]], colours: Sequence[Colour]) -> NDArray[np.uint8]:
    """Return the sum of channels, each in its colour.

    Light is added, as microscope programs do: red, green and blue of all channels are summed, and
    what is more than white is white.

    Parameters
    ----------
    channels : sequence of array of shape (Y, X), float32
        Brightness from 0 to 1.
    colours : sequence of tuple of float
        One for each.

    Returns
    -------
    array of shape (Y, X, 3), uint8

    Raises
    ------
    InvalidArgument
        If there are no channels, another number of colours, or two sizes.

    Examples
    --------
    >>> light = np.ones((1, 1), np.float32)
    >>> blend([light, light / 2], [(0, 0, 1), (1, 1, 0)])
    array([[[128, 128, 255]]], dtype=uint8)
    """
    shapes = {channel.shape for channel in channels}
    if len(shapes) != 1 or len(channels) != len(colours):
        raise InvalidArgument(
            f"{len(channels)} channels of sizes {sorted(shapes)} and {len(colours)} colours; "
            "expected channels of one size, and a colour for each"
        )
    found = np.zeros((*shapes.pop(), 3), np.float32)
    for channel, colour in zip(channels, colours, strict=True):
        found += channel[..., None] * np.asarray(colour, np.float32)
    return to_bytes(np.minimum(found, 1, out=found))
