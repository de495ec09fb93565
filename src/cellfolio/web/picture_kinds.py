"""What a picture is that a browser may be given: by its bytes, never by its name.

Rule 1: only PNG, JPEG, GIF, WebP and SVG; what a browser is told it is, is what it starts as.
Rule 2: a picture says in its first bytes how many pixels it has. One that has too many is refused
here, before anybody decodes it: a file of 1 MB can have 10 gigapixels.
Rule 3: SVG is a document. One that declares entities, which can make it long, is refused; others
are sent with a policy by which nothing in them runs or loads, however they are looked at.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from cellfolio.errors import BrokenFile
from cellfolio.formats.images.decoding import jpeg_size
from cellfolio.formats.images.malformed import Malformed

PIXELS = 100_000_000
"""Pixels of a picture, at most."""
SIZE = 50_000_000
"""Bytes of a picture, at most."""
SVG_SIZE = 8_000_000
SVG_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
_GIF = (b"GIF87a", b"GIF89a")
_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = re.compile(
    r"\A\s*(?:<\?xml[^>]*\?>\s*|<!--(?:(?!-->).)*-->\s*|<!DOCTYPE\s[^\[>]*>\s*)*<svg[\s>]",
    re.DOTALL,
)
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg")


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture is.

    Attributes
    ----------
    media : str
        Such as ``image/png``.
    width, height : int or None
        In pixels; None for SVG.
    """

    media: str
    width: int | None = None
    height: int | None = None


def find_picture(data: bytes, name: str) -> Picture:
    """Return what a picture is.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        For messages.

    Raises
    ------
    BrokenFile
        If it is no picture that may be shown, or has too many pixels.

    Examples
    --------
    >>> find_picture(b"GIF89a" + bytes([2, 0, 1, 0]), "x.gif")
    Picture(media='image/gif', width=2, height=1)
    """
    try:
        found = _raster(data)
    except (Malformed, struct.error, IndexError) as error:
        raise BrokenFile(name, "picture", f"its size cannot be read: {error}") from None
    if found is None:
        if not _is_svg(data, name):
            raise BrokenFile(
                name, "picture", "its bytes are none of PNG, JPEG, GIF, WebP and SVG",
                hint="it can be shown as bytes",
            )  # fmt: skip
        return Picture("image/svg+xml")
    media, width, height = found
    if not 0 < width * height <= PIXELS:
        raise BrokenFile(
            name, "picture", f"it says to have {width:,} × {height:,} pixels",
            hint=f"up to {PIXELS:,} are shown",
        )  # fmt: skip
    return Picture(media, width, height)


def _raster(data: bytes) -> tuple[str, int, int] | None:
    if data.startswith(_PNG):
        if data[12:16] != b"IHDR":
            raise Malformed("it does not start with a header")
        return ("image/png", *struct.unpack_from(">II", data, 16))
    if data.startswith(b"\xff\xd8\xff"):
        height, width = jpeg_size(memoryview(data))
        return "image/jpeg", width, height
    if data.startswith(_GIF):
        return ("image/gif", *struct.unpack_from("<HH", data, 6))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ("image/webp", *_webp_size(data))
    return None


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height (RFC 9649, sections 2.5 to 2.7)."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        if len(data) < 30:
            raise Malformed("it is cut off")
        return width, height
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise Malformed("it has no image")


def _is_svg(data: bytes, name: str) -> bool:
    if len(data) > SVG_SIZE or b"\0" in data[:1024]:
        return False
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    if re.search(r"<!ENTITY|<!DOCTYPE[^>]*\[", text, re.IGNORECASE):
        raise BrokenFile(name, "picture", "it declares entities, which are refused")
    return _SVG.match(text) is not None
