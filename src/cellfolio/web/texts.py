"""Text of files, a part at a time, by range; of compressed ones, up to a bound."""

from __future__ import annotations

import io
from dataclasses import dataclass

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.format import COMPRESSIONS
from cellfolio.formats.images.ranged import Ranged
from cellfolio.formats.streams import compression, read_inside
from cellfolio.formats.table_rows import RangedFile
from cellfolio.package.sizes import format_size
from cellfolio.web.places import Place
from cellfolio.web.reading import ranged

PART = 256 * 1024
"""Bytes of a part."""
INSIDE = 64 * 1024 * 1024
"""Bytes inside a compressed file that are read to come to a part."""
_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part of a text.

    Attributes
    ----------
    text : str
    first, end : int
        Its first byte, and the one after its last; inside, of a compressed file.
    more : bool
        Whether there is more.
    size : int or None
        Bytes of the whole; None where only reading it would tell.
    note : str
        What a reader has to know; empty for nothing.
    """

    text: str
    first: int
    end: int
    more: bool
    size: int | None
    note: str = ""


def read_part(place: Place, first: int = 0, count: int = PART) -> TextPart:
    """Return a part of a text file, that ends with a line if it can.

    Parameters
    ----------
    place : Place
    first : int
        Its first byte.
    count : int
        Bytes, at most.

    Raises
    ------
    BrokenFile
        If it is no text, or its compressed data cannot be read.
    InvalidArgument
        If it begins too far inside a compressed file.
    """
    name = place.entry.logical_key
    source = ranged(place.entry, place.home)
    data, size, note = _bytes(source, name, first, count + 4)
    more = len(data) > count
    data = data[:count]
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BrokenFile(name, "text", "it has NUL bytes, so it is no text",
                         hint="it can be shown as bytes")  # fmt: skip
    if more:
        data = data[: data.rfind(b"\n") + 1] or _whole_characters(data)
    text, other = _decoded(data)
    notes = " ".join(filter(None, (note, other)))
    return TextPart(text, first, first + len(data), more, size, notes)


def _bytes(source: Ranged, name: str, first: int, count: int) -> tuple[bytes, int | None, str]:
    kind = compression(bytes(source.read_first(8))) if source.size else ""
    if not kind:
        size = source.size
        end = min(first + count, size)
        return (bytes(source.read([(first, end)])[0]) if first < end else b""), size, ""
    if first + count > INSIDE:
        raise InvalidArgument(
            f"of what is inside a compressed file, the first {format_size(INSIDE)} can be shown",
            hint="get the file to see more",
        )
    file = io.BufferedReader(RangedFile(source), _BUFFER)
    inside, fault = read_inside(file, kind, first + count)
    if fault and not inside:
        raise BrokenFile(name, kind[1:], fault, hint="get the file again")
    note = f"What follows cannot be read: {fault}." if fault else ""
    return inside[first:], None, note


def _whole_characters(data: bytes) -> bytes:
    """Return UTF-8 without the beginning of a character at its end."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return data
        if byte >= 0xC0:  # it begins a character, and tells how many bytes that has
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data if back >= needed else data[:-back]
    return data


def _decoded(data: bytes) -> tuple[str, str]:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, "replace"), ""
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return data.decode("latin-1"), "It is not UTF-8; it is shown as Latin-1."


def plain_name(name: str) -> str:
    """Return a file's name without the suffix of its compression.

    Examples
    --------
    >>> plain_name("a.json.gz"), plain_name("a.json")
    ('a.json', 'a.json')
    """
    ends = (end for end in COMPRESSIONS if name.lower().endswith(end))
    return next((name[: -len(end)] for end in ends), name)
