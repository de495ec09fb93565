"""Folders as zip files."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cellfolio.errors import InvalidArgument
from cellfolio.package.entry import Entry
from cellfolio.web.archives import check_bounds, stream_zip
from cellfolio.web.operations import Operation, Values
from cellfolio.web.places import read_place


def send_zip(request: Request, values: Values) -> Response:
    """Return a package, or a folder of it, as a zip file."""
    place = read_place(request)
    folder = place.found
    if isinstance(folder, Entry):
        raise InvalidArgument(
            f"{place.key} is a file; expected a folder", hint="its bytes are at /api/bytes"
        )
    check_bounds(folder)
    entries = list(folder.walk())
    root = (place.key or place.shown.name).replace("/", "-")
    root = f"{root}-{place.package.top_hash[:8]}"
    pieces = stream_zip(entries, root, len(folder.prefix), place.home)
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(root, safe='')}.zip",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return StreamingResponse(pieces, headers=headers, media_type="application/zip")


OPERATIONS = (
    Operation(
        "/api/zip/{reference:path}",
        "A package, or a folder of it, as a zip file.\n"
        "What is not on this machine is fetched and checked first, some files at a time.",
        send_zip,
        media="application/zip",
    ),
)
