"""The list of pages of a TIFF file, classic or BigTIFF, of either byte order.

Rule 1: nothing that a file claims is believed before it fits: every position lies within the
file, a page has as many strips as its height asks for, no page is met twice.
Rule 2: what we cannot decode is refused here, by name, before any pixel is asked for.

References
----------
TIFF 6.0 (Adobe, 1992); TIFF Technical Note 3 (predictor 3); BigTIFF design (AWare Systems).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cellfolio.formats.images.decoding import check_layout
from cellfolio.formats.images.malformed import Malformed
from cellfolio.formats.images.pages import PageIndex, PageLayout, index_of
from cellfolio.formats.images.ranged import Ranged, Window

MAX_PAGES = 1_000_000
MAX_DESCRIPTION = 64 * 1024 * 1024
"""Bytes of OME-XML, or of another description."""
MAX_SIDE = 2**20
"""Pixels along one side of a page."""
MAX_PIECE = 2**32
"""Decoded bytes of a strip or tile."""

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_FILL, _DESCRIPTION, _STRIP_OFFSETS, _SAMPLES, _ROWS, _STRIP_COUNTS = 266, 270, 273, 277, 278, 279
_PLANAR, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = (
    284, 317, 322, 323, 324, 325,
)  # fmt: skip
_FORMAT, _JPEG_TABLES = 339, 347
_READ = frozenset(
    (
        _SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL, _STRIP_OFFSETS,
        _SAMPLES, _ROWS, _STRIP_COUNTS, _PLANAR, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT,
        _TILE_OFFSETS, _TILE_COUNTS, _FORMAT, _JPEG_TABLES,
    )
)  # fmt: skip
_TYPES = {
    1: ("B", 1), 2: ("B", 1), 3: ("H", 2), 4: ("I", 4), 6: ("b", 1), 7: ("B", 1), 8: ("h", 2),
    9: ("i", 4), 13: ("I", 4), 16: ("Q", 8), 17: ("q", 8), 18: ("Q", 8),
}  # fmt: skip
"""Type numbers of values we read, their letter in `struct` and bytes; fractions are none."""
_SAMPLE_KINDS = {1: "u", 2: "i", 3: "f"}

_Tags = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How numbers are written: classic TIFF or BigTIFF, and the byte order."""

    order: str
    big: bool

    @property
    def count(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def entry(self) -> struct.Struct:
        return struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))

    @property
    def link(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "I"))


def is_tiff(first: bytes | memoryview) -> bool:
    """Whether the first bytes of a file are those of TIFF or BigTIFF."""
    return bytes(first[:4]) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_page_index(source: Ranged, head: memoryview) -> PageIndex:
    """Walk the list of pages of a TIFF file.

    Parameters
    ----------
    source : Ranged
    head : memoryview
        Its first bytes.

    Returns
    -------
    PageIndex

    Raises
    ------
    Malformed
        If it is cut off, contradicts itself, or is written in a way that we cannot decode.
    """
    window = Window(source, head)
    dialect, first = _read_header(window)
    description = ""
    pages = []
    for number, start in enumerate(_walk(window, dialect, first)):
        tags, text = _read_tags(window, dialect, start, described=not number)
        description = description or text
        layout = _layout(tags, dialect)
        pages.append((layout, *_segments(tags, layout, window.size)))
    if not pages:
        raise Malformed("it has no pages")
    return index_of(window.size, description, pages)


def _read_header(window: Window) -> tuple[_Dialect, int]:
    if window.size < 8:
        raise Malformed(f"it has {window.size} bytes")
    head = bytes(window.read(0, 8))
    if not is_tiff(head):
        raise Malformed(f"it begins with {head[:4]!r}, which is not TIFF")
    dialect = _Dialect("<" if head[:2] == b"II" else ">", b"+" in head[2:4])
    if not dialect.big:
        return dialect, dialect.link.unpack(head[4:8])[0]
    if struct.unpack(dialect.order + "HH", head[4:8]) != (8, 0):
        raise Malformed("its header is not that of BigTIFF")
    return dialect, dialect.link.unpack(window.read(8, 8))[0]


def _walk(window: Window, dialect: _Dialect, first: int) -> Iterator[int]:
    """Yield where the entries of each page begin, with their number there."""
    seen: set[int] = set()
    start = first
    while start:
        if start in seen or len(seen) >= MAX_PAGES:
            raise Malformed("its list of pages has no end")
        seen.add(start)
        yield start
        (entries,) = dialect.count.unpack(window.read(start, dialect.count.size))
        link = start + dialect.count.size + entries * dialect.entry.size
        (start,) = dialect.link.unpack(window.read(link, dialect.link.size))


def _read_tags(
    window: Window, dialect: _Dialect, start: int, *, described: bool
) -> tuple[_Tags, str]:
    """Return the values of a page's tags, and its description if that is asked for."""
    (entries,) = dialect.count.unpack(window.read(start, dialect.count.size))
    if not 0 < entries <= 65535:
        raise Malformed(f"a page has {entries} entries")
    raw = bytes(window.read(start + dialect.count.size, entries * dialect.entry.size))
    tags: dict[int, tuple[int, ...]] = {}
    text = ""
    for tag, kind, count, value in dialect.entry.iter_unpack(raw):
        if tag == _DESCRIPTION and described and kind in (1, 2, 7):
            text = _read_text(window, dialect, count, value)
        elif tag in _READ and tag not in tags:
            tags[tag] = _read_values(window, dialect, kind, count, value)
    return tags, text


def _read_values(
    window: Window, dialect: _Dialect, kind: int, count: int, value: bytes
) -> tuple[int, ...]:
    if kind not in _TYPES:
        raise Malformed(f"a tag has values of type {kind}, which are no whole numbers")
    letter, size = _TYPES[kind]
    if count * size <= len(value):
        return struct.unpack_from(f"{dialect.order}{count}{letter}", value)
    data = window.read(dialect.link.unpack(value)[0], count * size)
    return struct.unpack(f"{dialect.order}{count}{letter}", data)


def _read_text(window: Window, dialect: _Dialect, count: int, value: bytes) -> str:
    if count > MAX_DESCRIPTION:
        raise Malformed(f"its description has {count} bytes; at most {MAX_DESCRIPTION} are read")
    short = count <= len(value)
    data = value[:count] if short else window.read(dialect.link.unpack(value)[0], count)
    return bytes(data).rstrip(b"\0").decode("utf-8", "replace")


def _layout(tags: _Tags, dialect: _Dialect) -> PageLayout:
    width, height = _one(tags, _WIDTH, 0), _one(tags, _HEIGHT, 0)
    samples = _one(tags, _SAMPLES, 1)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and 0 < samples <= 64):
        raise Malformed(f"a page has {height} × {width} pixels of {samples} samples")
    if _one(tags, _FILL, 1) != 1:
        raise Malformed("its bits are in reverse order, which is not supported")
    tiled = _TILE_WIDTH in tags or _TILE_OFFSETS in tags
    if tiled:
        segment = _one(tags, _TILE_HEIGHT, 0), _one(tags, _TILE_WIDTH, 0)
    else:
        segment = min(_one(tags, _ROWS, height), height), width
    layout = PageLayout(
        height=height,
        width=width,
        samples=samples,
        separate=samples > 1 and _one(tags, _PLANAR, 1) == 2,
        dtype=_dtype(tags, dialect),
        compression=_one(tags, _COMPRESSION, 1),
        predictor=_one(tags, _PREDICTOR, 1),
        photometric=_one(tags, _PHOTOMETRIC, 1),
        segment=segment,
        tiled=tiled,
        reduced=bool(_one(tags, _SUBFILE, 0) & 1),
        jpeg_tables=bytes(tags.get(_JPEG_TABLES, ())).hex(),
    )
    if min(segment) <= 0 or max(segment) > MAX_SIDE or layout.row_bytes * segment[0] > MAX_PIECE:
        raise Malformed(
            f"a page of {height} × {width} pixels is in pieces of {segment[0]} × {segment[1]}; "
            f"at most {MAX_PIECE} bytes are decoded for a piece"
        )
    check_layout(layout)
    return layout


def _dtype(tags: _Tags, dialect: _Dialect) -> str:
    bits, forms = set(tags.get(_BITS) or (1,)), set(tags.get(_FORMAT) or (1,))
    kinds = {_SAMPLE_KINDS.get(form) for form in forms}
    width, kind = next(iter(bits)), next(iter(kinds))
    allowed = (16, 32, 64) if kind == "f" else (8, 16, 32, 64)
    if len(bits) != 1 or len(kinds) != 1 or kind is None or width not in allowed:
        raise Malformed(
            f"its samples have {sorted(bits)} bits of kind {sorted(forms)}; expected 8, 16, 32 or "
            "64 bits, whole numbers or (from 16 on) floating point"
        )
    return f"{'|' if width == 8 else dialect.order}{kind}{width // 8}"


def _segments(
    tags: _Tags, layout: PageLayout, size: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    offsets = tags.get(_TILE_OFFSETS if layout.tiled else _STRIP_OFFSETS, ())
    counts = tags.get(_TILE_COUNTS if layout.tiled else _STRIP_COUNTS, ())
    if not layout.tiled and not counts and layout.compression == 1 and len(offsets) == 1:
        counts = (layout.row_bytes * layout.height,)  # optional in the first versions of TIFF
    if len(offsets) != layout.segments or len(counts) != layout.segments:
        raise Malformed(
            f"a page of {layout.height} × {layout.width} pixels needs {layout.segments} pieces; "
            f"it has {len(offsets)} positions and {len(counts)} lengths"
        )
    for start, count in zip(offsets, counts, strict=True):
        if count <= 0:
            raise Malformed("a piece of a page has no bytes")
        if start < 8 or start + count > size:
            raise Malformed(
                f"pixels up to byte {start + count} are expected, and it has {size} bytes; it is "
                "cut off or damaged"
            )
    if sum(counts) > size:
        raise Malformed(f"the pieces of a page have {sum(counts)} bytes, and the file has {size}")
    return offsets, counts


def _one(tags: _Tags, tag: int, default: int) -> int:
    found = tags.get(tag)
    return found[0] if found else default
