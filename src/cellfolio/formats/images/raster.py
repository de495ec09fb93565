"""PNG and JPEG: one plane, or three of a colour image."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.formats.images.building import lazy_image
from cellfolio.formats.images.decoding import jpeg_size
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.malformed import Malformed
from cellfolio.formats.images.planes import ArrayPlanes

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
_JPEG = b"\xff\xd8\xff"
MAX_PIXELS = 2**30


def is_raster(first: bytes | memoryview) -> bool:
    """Whether the first bytes of a file are those of PNG or JPEG."""
    return bytes(first[:8]) == _PNG or bytes(first[:3]) == _JPEG


def read_raster(data: memoryview, name: str) -> Image:
    """Decode a PNG or JPEG file.

    Parameters
    ----------
    data : memoryview
    name : str
        Of the image.

    Raises
    ------
    Malformed
        If it is cut off or damaged.
    """
    import imagecodecs

    png = bytes(data[:8]) == _PNG
    height, width = _png_size(data) if png else jpeg_size(data)
    if not 0 < height * width <= min(MAX_PIXELS, len(data) * 16_384):
        raise Malformed(f"{len(data)} bytes cannot stand for {height} × {width} pixels")
    try:
        found: NDArray[Any] = (imagecodecs.png_decode if png else imagecodecs.jpeg8_decode)(
            bytes(data)
        )
    except Exception as error:  # each codec of imagecodecs has an error of its own
        raise Malformed(f"it cannot be decoded: {error}") from error
    if found.shape[:2] != (height, width):
        raise Malformed(f"it gives {found.shape[:2]} pixels; expected {height} × {width}")
    return _as_image(found, name)


def raster_size(first: memoryview) -> tuple[int, int] | None:
    """Return height and width that the first bytes of a PNG or JPEG file tell; None if none do.

    Whether the file is whole is not looked at.
    """
    if bytes(first[:8]) == _PNG and len(first) >= 24:
        width, height = struct.unpack(">II", first[16:24])
        return height, width
    if bytes(first[:3]) != _JPEG:
        return None
    try:
        return jpeg_size(memoryview(bytes(first) + b"\xff\xd9"))
    except (Malformed, struct.error):
        return None


def _as_image(pixels: NDArray[Any], name: str) -> Image:
    if pixels.ndim == 2:
        return lazy_image(ArrayPlanes(pixels[None]), "YX", pixels.shape, pixels.dtype, name=name)
    planes = np.moveaxis(pixels, 2, 0)
    letters = {2: "LA", 3: "RGB", 4: "RGBA"}.get(len(planes), "")
    return lazy_image(
        ArrayPlanes(planes), "CYX", planes.shape, planes.dtype, channels=tuple(letters), name=name
    )


def _png_size(data: memoryview) -> tuple[int, int]:
    if len(data) < 33 or bytes(data[12:16]) != b"IHDR":
        raise Malformed("it is cut off")
    if _PNG_END not in bytes(data[-64:]):
        raise Malformed("it has no end mark; it is cut off")
    width, height = struct.unpack(">II", data[16:24])
    return height, width
