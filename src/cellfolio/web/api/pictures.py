"""Pictures that browsers draw: PNG, JPEG, GIF, WebP, SVG."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.errors import BrokenFile
from cellfolio.package.sizes import format_size
from cellfolio.web.operations import Operation, Values
from cellfolio.web.picture_kinds import SIZE, SVG_POLICY, Picture, find_picture
from cellfolio.web.places import Place, read_place
from cellfolio.web.reading import ranged

_SHORT_POLICY = "sandbox; default-src 'none'"


def read_picture(place: Place) -> tuple[bytes, Picture]:
    """Return the bytes of a picture, and what it is.

    Raises
    ------
    BrokenFile
        If it is none that may be shown, or too large.
    """
    entry = place.entry
    source = ranged(entry, place.home)
    if source.size > SIZE:
        size = format_size(source.size)
        raise BrokenFile(entry.logical_key, "picture", f"it has {size}, too much to be shown")
    data = bytes(source.read([(0, source.size)])[0]) if source.size else b""
    return data, find_picture(data, entry.logical_key)


def send_picture(request: Request, values: Values) -> Response:
    """Return a picture, as what its bytes are."""
    data, found = read_picture(read_place(request))
    policy = SVG_POLICY if found.media == "image/svg+xml" else _SHORT_POLICY
    headers = {"content-security-policy": policy}
    return Response(data, headers=headers, media_type=found.media)


OPERATIONS = (
    Operation(
        "/api/inline/{reference:path}",
        "A picture as browsers draw it: PNG, JPEG, GIF, WebP or SVG.\n"
        "What it is, its bytes tell. One of more than 100 megapixels is refused.",
        send_picture,
        media="image/*",
    ),
)
