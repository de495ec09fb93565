"""Projections: many planes become one, while only few are in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.building import image_of
from cellfolio.formats.images.image import Image

Projection = Literal["max", "mean", "sum"]
PROJECTIONS: tuple[Projection, ...] = ("max", "mean", "sum")
_BATCH = 16_000_000
"""Bytes that are read at once: planes of a bucket come together, and memory stays bounded."""


def project(image: Image, how: Projection = "max", axes: str = "Z") -> Image:
    """Return the image with the planes along some axes made into one.

    Planes are read a few at a time, so that memory holds the result and some planes, however many
    there are.

    Parameters
    ----------
    image : Image
    how : {'max', 'mean', 'sum'}
        ``max`` has the image's type, ``mean`` is float32, and ``sum`` is int64 or uint64 for
        integers and float64 else, so that it does not overflow. Where one of the planes is NaN,
        so is the result.
    axes : str
        Some of Z and T. Those that the image has not are of length one.

    Returns
    -------
    Image
        In memory, without these axes.

    Raises
    ------
    InvalidArgument
        If there is no such projection or axis, or no plane along it.
    BrokenFile, TransferError
        See `Image.read`.

    Examples
    --------
    >>> stack = image_of(np.arange(12, dtype=np.uint8).reshape(3, 2, 2), "ZYX")
    >>> project(stack).read()
    array([[ 8,  9],
           [10, 11]], dtype=uint8)
    >>> project(stack, "sum").dtype
    dtype('uint64')
    """
    if how not in PROJECTIONS or not axes or set(axes) - set("ZT"):
        raise InvalidArgument(
            f"projection {how!r} along {axes!r}: expected max, mean or sum along Z, T or ZT"
        )
    kept = [axis for axis in image.lead if axis not in axes]
    sizes = dict(zip(image.axes, image.shape, strict=True))
    planes = [
        _project_planes(image.select(**dict(zip(map(str.lower, kept), at, strict=True))), how)
        for at in product(*(range(sizes[axis]) for axis in kept))
    ]
    shape = tuple(sizes[axis] for axis in kept)
    array = np.stack(planes).reshape(*shape, *planes[0].shape)
    depth = None if "Z" in axes else image.pixel_size.z
    return image_of(
        array,
        "".join(kept) + "YX",
        channels=image.channels,
        pixel_size=replace(image.pixel_size, z=depth),
        name=image.name,
    )


def _project_planes(image: Image, how: Projection) -> NDArray[Any]:
    """Return all planes of an image as one."""
    found: NDArray[Any] | None = None
    count = 0
    wide = _wide(image.dtype)
    for planes in _batches(image):
        count += len(planes)
        part = planes.max(axis=0) if how == "max" else planes.sum(axis=0, dtype=wide)
        if found is None:
            found = part
        elif how == "max":
            np.maximum(found, part, out=found)
        else:
            found += part
    if found is None:
        raise InvalidArgument(f"{image!r} has no planes")
    return (found / count).astype(np.float32) if how == "mean" else found


def _batches(image: Image) -> Iterator[NDArray[Any]]:
    """Yield all planes, some at a time, as arrays of shape (planes, Y, X)."""
    flat = replace(image, numbers=image.numbers.reshape(-1), lead="Z")
    length = len(flat.numbers)
    most = max(1, _BATCH * length // max(1, flat.nbytes))
    for start in range(0, length, most):
        yield flat.select(z=slice(start, start + most)).read()


def _wide(dtype: np.dtype[Any]) -> type[np.int64 | np.uint64 | np.float64]:
    return np.int64 if dtype.kind == "i" else np.uint64 if dtype.kind in "ub" else np.float64
