"""From the bytes of a strip or tile to numbers.

Rule: a piece has to give exactly the pixels that it stands for, neither fewer nor more.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.formats.images.malformed import Malformed
from cellfolio.formats.images.pages import PageLayout

NONE, JPEG = 1, 7
_CODECS: Mapping[int, tuple[str, int]] = {
    5: ("lzw", 4096),
    8: ("zlib", 1100),
    32773: ("packbits", 128),
    32946: ("zlib", 1100),
    50000: ("zstd", 100_000),
    34926: ("zstd", 100_000),
}
"""By TIFF's number: the codec, and how much it can make of a byte at most."""
_JPEG_SPACES = {2: "RGB", 6: "YCBCR"}
_HORIZONTAL, _FLOATING = 2, 3


def check_layout(layout: PageLayout) -> None:
    """Refuse what cannot be decoded.

    Raises
    ------
    Malformed
    """
    dtype = np.dtype(layout.dtype)
    if layout.compression not in (NONE, JPEG, *_CODECS):
        raise Malformed(
            f"it is compressed by method {layout.compression}, which is not supported; expected "
            "none, LZW (5), JPEG (7), deflate (8), PackBits (32773) or Zstandard (50000)"
        )
    if layout.predictor not in (1, _HORIZONTAL, _FLOATING):
        raise Malformed(f"its predictor {layout.predictor} is unknown")
    if layout.predictor == _FLOATING and dtype.kind != "f":
        raise Malformed("its predictor is for floating point, and its samples are whole numbers")
    if layout.compression == JPEG and (dtype != np.uint8 or layout.samples not in (1, 3)):
        raise Malformed(f"its JPEG has {layout.samples} samples of {dtype}; expected 1 or 3 uint8")


def decode_segment(data: memoryview, layout: PageLayout, rows: int) -> NDArray[Any]:
    """Return the pixels of a strip or tile.

    Parameters
    ----------
    data : memoryview
    layout : PageLayout
    rows : int
        Rows of pixels that the piece must have: fewer than `layout.segment` for the last strip.

    Returns
    -------
    array of shape (rows, width, samples)
        In the byte order of the file.

    Raises
    ------
    Malformed
    """
    if layout.compression == JPEG:
        return _decode_jpeg(data, layout, rows)
    needed = layout.row_bytes * rows
    found = _decompress(data, layout, needed)
    shape = (rows, layout.segment[1], layout.segment_samples)
    pixels = np.frombuffer(found, layout.dtype, count=needed // np.dtype(layout.dtype).itemsize)
    return _unpredict(pixels.reshape(shape), layout)


def _decompress(data: memoryview, layout: PageLayout, needed: int) -> Any:
    if layout.compression == NONE:
        if len(data) < needed:
            raise Malformed(f"a piece needs {needed} bytes, and has {len(data)}")
        return data
    import imagecodecs

    name, most = _CODECS[layout.compression]
    if needed > len(data) * most + 4096:
        raise Malformed(f"{len(data)} bytes of {name} cannot stand for {needed}")
    # Some programs fill up the last strip; then it has the rows of the others.
    whole = layout.row_bytes * layout.segment[0]
    room = whole if whole <= len(data) * most else needed
    try:
        found = getattr(imagecodecs, f"{name}_decode")(data, out=room)
    except Exception as error:  # each codec of imagecodecs has an error of its own
        raise Malformed(f"a piece of it is no valid {name}: {error}") from error
    if len(found) not in (needed, whole):
        raise Malformed(f"a piece gives {len(found)} bytes; expected {needed}")
    return found


def _unpredict(pixels: NDArray[Any], layout: PageLayout) -> NDArray[Any]:
    if layout.predictor == 1 or layout.compression == NONE:
        return pixels
    import imagecodecs

    undo = (
        imagecodecs.delta_decode
        if layout.predictor == _HORIZONTAL
        else imagecodecs.floatpred_decode
    )
    found: NDArray[Any] = undo(pixels, axis=-2)
    return found


def _ends_as_jpeg(data: bytes | memoryview) -> bool:
    """Whether JPEG data has its end mark."""
    return bytes(data[-64:]).rstrip(b"\0").endswith(b"\xff\xd9")


def jpeg_size(data: memoryview) -> tuple[int, int]:
    """Return height and width of JPEG data, from its frame header (ITU T.81, B.2.2).

    Raises
    ------
    Malformed
        If it has none, or no end mark: the decoder makes up what is missing before that.
    """
    if not _ends_as_jpeg(data):
        raise Malformed("it has no end mark; it is cut off")
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return height, width
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    raise Malformed("it has no frame header")


def _decode_jpeg(data: memoryview, layout: PageLayout, rows: int) -> NDArray[Any]:
    import imagecodecs

    expected = (rows, layout.segment[1], layout.segment_samples)
    high, wide = jpeg_size(data)
    if wide != expected[1] or not rows <= high <= layout.segment[0]:
        raise Malformed(f"a piece has {high} × {wide} pixels; expected {rows} × {expected[1]}")
    space = None if b"JFIF" in data[:64].tobytes() else _JPEG_SPACES.get(layout.photometric)
    try:
        found: NDArray[Any] = imagecodecs.jpeg_decode(
            bytes(data),
            tables=bytes.fromhex(layout.jpeg_tables) or None,
            colorspace=space,
            outcolorspace="RGB" if space else None,
        )
    except Exception as error:
        raise Malformed(f"a piece of it is no valid JPEG: {error}") from error
    found = found[..., None] if found.ndim == 2 else found
    if found.shape != (high, *expected[1:]):
        raise Malformed(f"a piece gives {found.shape} pixels; expected {expected}")
    return found[:rows]
