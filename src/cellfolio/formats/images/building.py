"""Images from planes, and from arrays in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.picking import Picked
from cellfolio.formats.images.pixel_size import PixelSize
from cellfolio.formats.images.planes import ArrayPlanes, Planes

AXES = "TCZYX"
"""Time, channel, depth, row and column, in the order that every image has them."""


def image_of(
    array: NDArray[Any],
    axes: str,
    *,
    channels: Sequence[str] = (),
    pixel_size: PixelSize | None = None,
    name: str = "",
) -> Image:
    """Return an image of an array in memory.

    Parameters
    ----------
    array : array
    axes : str
        What its axes are, in any order, Y and X last.
    channels : sequence of str
    pixel_size : PixelSize, optional
    name : str

    Raises
    ------
    InvalidArgument
        If axes and array do not fit.
    """
    ordered, lead = order_axes(array, axes)
    flat = ordered.reshape(-1, *ordered.shape[-2:])
    return lazy_image(
        ArrayPlanes(flat),
        lead + "YX",
        ordered.shape,
        array.dtype,
        channels=tuple(channels),
        pixel_size=pixel_size or PixelSize(),
        name=name,
    )


def order_axes(array: NDArray[Any], axes: str) -> tuple[NDArray[Any], str]:
    """Return an array with its axes in the order T, C, Z, Y, X, and those before Y and X.

    Raises
    ------
    InvalidArgument
    """
    lead = axes[:-2]
    if axes[-2:] != "YX" or len(set(lead)) != len(lead) or set(lead) - set("TCZ"):
        raise InvalidArgument(f"axes {axes!r}: expected some of T, C and Z, each once, then YX")
    if array.ndim != len(axes):
        raise InvalidArgument(f"axes {axes!r} for an array of {array.ndim} dimensions")
    order = sorted(range(len(lead)), key=lambda at: AXES.index(lead[at]))
    ordered = array.transpose(*order, len(lead), len(lead) + 1)
    return ordered, "".join(lead[at] for at in order)


def lazy_image(
    planes: Planes,
    axes: str,
    shape: Sequence[int],
    dtype: np.dtype[Any],
    *,
    channels: tuple[str, ...] = (),
    pixel_size: PixelSize | None = None,
    name: str = "",
) -> Image:
    """Return the image of planes that are numbered in the order of its first axes.

    Parameters
    ----------
    planes : Planes
    axes : str
        In the order of `AXES`, Y and X included.
    shape : sequence of int
    dtype : numpy.dtype
    channels : tuple of str
        As many as C, or none.
    pixel_size : PixelSize, optional
    name : str
    """
    numbers = np.arange(int(np.prod(shape[:-2], dtype=np.int64)), dtype=np.int64)
    return Image(
        planes=planes,
        numbers=numbers.reshape(shape[:-2]),
        rows=Picked.all(shape[-2]),
        columns=Picked.all(shape[-1]),
        dtype=np.dtype(dtype).newbyteorder("="),
        lead=axes[:-2],
        channels=channels,
        pixel_size=pixel_size or PixelSize(),
        name=name,
    )


def without_single_axes(image: Image) -> Image:
    """Return the image without those of T, C and Z that are of length one."""
    single = {
        axis.lower(): 0 for axis, size in zip(image.lead, image.numbers.shape, strict=True)
        if size == 1
    }  # fmt: skip
    return image.select(**single)
