"""Pages and pictures that are in packages, so that they neither do nor ask for anything."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.package.sizes import format_size
from cellfolio.web.operations import Operation, Values
from cellfolio.web.places import Place, read_place
from cellfolio.web.reading import ranged

LARGEST = 32_000_000
"""Bytes of a page or picture that is sent."""
POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'; form-action 'none'; base-uri 'none'"
)
"""What a page of a package may do: look as it was made, and no more. It has no origin."""
_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def send_page(request: Request, values: Values) -> Response:
    """Return a page of HTML for a frame: without scripts, forms, links that lead out."""
    place = read_place(request)
    if not place.entry.name.lower().endswith((".html", ".htm")):
        raise InvalidArgument(f"{place.entry.name} is no page", hint="choose a file of HTML")
    return Response(
        _whole(place), media_type="text/html", headers={"content-security-policy": POLICY}
    )


def send_picture(request: Request, values: Values) -> Response:
    """Return a picture of pixels; what it is, its first bytes tell, not its name."""
    place = read_place(request)
    content = _whole(place)
    kind = next((kind for start, kind in _PICTURES.items() if content.startswith(start)), None)
    if kind is None:
        raise BrokenFile(place.entry.logical_key, "picture", "it is no PNG, JPEG or GIF")
    return Response(content, media_type=kind, headers={"content-security-policy": POLICY})


def _whole(place: Place) -> bytes:
    source = ranged(place.entry, place.home)
    if source.size > LARGEST:
        raise InvalidArgument(
            f"{place.entry.name} is {format_size(source.size)}; up to {format_size(LARGEST)} are "
            "shown in a page",
            hint="download it",
        )
    if not source.size:
        return b""
    return bytes(source.read([(0, source.size)])[0])


OPERATIONS = (
    Operation(
        "/api/page/{reference:path}",
        "A page of HTML of a package, with a policy by which it runs nothing and loads nothing.",
        send_page,
        media="text/html",
    ),
    Operation(
        "/api/figure/{reference:path}",
        "A PNG, JPEG or GIF of a package, as a picture.",
        send_picture,
        media="image/png",
    ),
)
