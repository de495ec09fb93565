"""Bytes of a file that nothing else shows, a page at a time, with what is known of it."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.ranged import Ranged
from cellfolio.formats.standard import DEFAULT
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.reading import ranged
from cellfolio.web.rendering import fragment

SHOWN = 1024
"""Bytes that are shown."""
_WIDTH = 16
_HEAD = 4096
"""First bytes that tell what a file is."""


def render_octets(request: Request, place: Place) -> Body:
    """Show a page of the bytes of a file; ``?at=`` says from where on."""
    source = ranged(place.entry, place.home)
    size = source.size
    start = read_start(request.query_params.get("at", "0"), size)
    shown = _read(source, start, SHOWN)
    head = shown if start == 0 else _read(source, 0, _HEAD)
    pages = {
        "Start": 0 if start else None,
        "Back": max(0, start - SHOWN) if start else None,
        "Next": start + SHOWN if start + SHOWN < size else None,
        "End": _last(size) if start < _last(size) else None,
    }
    return Body(
        fragment(
            "octets.html",
            place=place,
            lines=list(octet_lines(shown, start)),
            size=size,
            start=start,
            end=start + len(shown),
            looks=DEFAULT.describe(head),
            pages=pages,
        ),
        styles=("documents.css",),
    )


def _read(source: Ranged, start: int, count: int) -> bytes:
    end = min(start + count, source.size)
    return bytes(source.read([(start, end)])[0]) if start < end else b""


def _last(size: int) -> int:
    return max(0, (size - 1) // SHOWN * SHOWN)


def read_start(text: str, size: int) -> int:
    """Return the first byte that is shown: a number, or one of base 16 after ``0x``.

    Raises
    ------
    InvalidArgument
        If it is no number, or not in the file.

    Examples
    --------
    >>> read_start("0x20", 100), read_start("33", 100)
    (32, 32)
    """
    try:
        found = int(text[:20].strip() or "0", 16 if text.lower().startswith("0x") else 10)
    except ValueError:
        raise InvalidArgument(f"at: expected a number of a byte, found {text!r}") from None
    if not 0 <= found < max(1, size):
        raise InvalidArgument(f"at: expected 0 to {max(0, size - 1):,}, found {found:,}")
    return found - found % _WIDTH


def octet_lines(data: bytes, start: int = 0) -> Iterator[tuple[str, str, str]]:
    """Yield offset, bytes and characters of each line.

    Examples
    --------
    >>> list(octet_lines(b"PAR1" + bytes([0])))
    [('00000000', '50 41 52 31 00', 'PAR1·')]
    """
    for at in range(0, len(data), _WIDTH):
        line = data[at : at + _WIDTH]
        text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in line)
        yield f"{start + at:08x}", line.hex(" "), text


OCTETS = Preview("bytes", "Bytes", lambda entry: True, render_octets)
