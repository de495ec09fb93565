"""Planes at a fraction of their size, read band by band, so that memory holds the result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.pieces import largest_piece
from cellfolio.imaging.projection import Projection, project
from cellfolio.imaging.scaling import sides

BAND = 32 * 1024 * 1024
"""Bytes of a plane that are read at once, unless a strip of it has more."""
PIECE = 512 * 1024 * 1024
"""Most decoded bytes of a strip, tile or chunk; larger ones are refused."""


def reduced_shape(shape: tuple[int, int], factor: int) -> tuple[int, int]:
    """Return height and width of a plane whose pixels stand for `factor` × `factor` each.

    Pixels at the lower and right edge that do not fill one are left out.

    Examples
    --------
    >>> reduced_shape((1080, 1), 4), reduced_shape((7, 9), 2)
    ((270, 1), (3, 4))
    """
    return max(1, shape[0] // factor), max(1, shape[1] // factor)


def reduce_plane(
    image: Image, factor: int = 1, how: Projection = "max", *, labels: bool = False
) -> NDArray[Any]:
    """Read one plane, or a stack as its projection, at a fraction of its size.

    Parameters
    ----------
    image : Image
        Of the axes Y and X, and maybe Z.
    factor : int
        How many pixels become one along each axis.
    how : {'max', 'mean', 'sum'}
        How depths become one.
    labels : bool
        Whether pixels are numbers of objects, of which one is taken, not the mean of all.

    Returns
    -------
    array of shape `reduced_shape`
        Of the type of the image or, if it was projected, of the projection; means of whole
        numbers are rounded.

    Raises
    ------
    InvalidArgument
        If the image has other axes, or pieces that take too much memory to decode.
    BrokenFile, TransferError
        See `Image.read`.

    Examples
    --------
    >>> from cellfolio.formats.images import image_of
    >>> reduce_plane(image_of(np.array([[0, 2, 9], [4, 6, 9]]), "YX"), 2)
    array([[3]])
    """
    if set(image.lead) - {"Z"} or image.axes[-2:] != "YX" or not image.size:
        raise InvalidArgument(f"{image!r} is no plane or stack of planes")
    check_piece(image)
    shape = image.shape[-2], image.shape[-1]
    steps = min(factor, shape[0]), min(factor, shape[1])
    bands = [_shrink(band, steps, labels=labels) for band in _bands(image, steps[0], how)]
    return bands[0] if len(bands) == 1 else np.concatenate(bands)


def check_piece(image: Image) -> None:
    """Refuse an image of which any pixel takes too much memory to decode.

    Raises
    ------
    InvalidArgument
    """
    piece = largest_piece(image.planes)
    if piece > PIECE:
        raise InvalidArgument(
            f"{image.name}: a piece of it takes {piece:,} bytes to decode, and at most {PIECE:,} "
            "are",
            hint="save it as tiles, or as OME-Zarr",
        )


def _bands(image: Image, step: int, how: Projection) -> Iterator[NDArray[Any]]:
    height, width = image.shape[-2:]
    row = width * image.dtype.itemsize
    # A strip is decoded as a whole for any row of it: bands are no smaller.
    rows = max(BAND, largest_piece(image.planes)) // (row * step) * step
    whole = height // step * step
    rows = max(rows, step)
    for top in range(0, whole, rows):
        band = image.select(y=slice(top, min(top + rows, whole)))
        yield project(band, how).read() if "Z" in image.lead else band.read()


def _shrink(band: NDArray[Any], steps: tuple[int, int], *, labels: bool) -> NDArray[Any]:
    down, across = steps
    if steps == (1, 1):
        return band
    high, wide = band.shape[0] // down, band.shape[1] // across
    if labels:
        return band[down // 2 :: down, across // 2 :: across][:high, :wide].copy()
    whole = band[: high * down, : wide * across]
    # Whole numbers are summed as such: exact, and several times as fast as a mean over two axes.
    kind = np.uint64 if band.dtype.kind in "ub" else np.int64 if band.dtype.kind == "i" else None
    rows = np.add.reduce(whole.reshape(high, down, -1), axis=1, dtype=_summed(band.dtype, down))
    sums = np.add.reduce(rows.reshape(high, wide, across), axis=2, dtype=kind or np.float64)
    means = sums / (down * across)
    found: NDArray[Any] = np.rint(means) if band.dtype.kind in "iub" else means
    return found.astype(band.dtype)


def _summed(kind: np.dtype[Any], count: int) -> type[np.generic]:
    """Return the smallest type that holds the sum of so many pixels."""
    if kind.kind not in "iub":
        return np.float64
    if kind.itemsize * 8 + count.bit_length() <= 32:
        return np.int32 if kind.kind == "i" else np.uint32
    return np.int64 if kind.kind == "i" else np.uint64


def told_reduction(shape: tuple[int, int], reduced: tuple[int, int]) -> str:
    """Return what a reader is told of a plane that is shown at a fraction of its size.

    Examples
    --------
    >>> told_reduction((8000, 9000), (4000, 4500))
    'shown at 4500 × 4000 of 9000 × 8000 pixels'
    """
    return f"shown at {sides(reduced)} of {sides(shape)} pixels"
