"""The first bytes of a file that nothing else shows."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request

from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.reading import ranged
from cellfolio.web.rendering import fragment

SHOWN = 1024
"""Bytes that are shown."""
_WIDTH = 16


def render_octets(request: Request, place: Place) -> Body:
    """Show the first bytes of a file."""
    head = bytes(ranged(place.entry, place.home).read_first(SHOWN))
    return Body(fragment("octets.html", lines=list(octet_lines(head)), size=place.entry.size))


def octet_lines(head: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield offset, bytes and characters of each line.

    Examples
    --------
    >>> list(octet_lines(b"PAR1" + bytes([0])))
    [('00000000', '50 41 52 31 00', 'PAR1·')]
    """
    for start in range(0, len(head), _WIDTH):
        line = head[start : start + _WIDTH]
        text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in line)
        yield f"{start:08x}", line.hex(" "), text


OCTETS = Preview("bytes", "Bytes", lambda entry: True, render_octets)
