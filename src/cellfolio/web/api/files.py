"""Bytes of files, whole or by range."""

from __future__ import annotations

import re
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cellfolio.errors import ObjectNotFound
from cellfolio.formats.images.ranged import Ranged
from cellfolio.web.operations import Operation, Values
from cellfolio.web.places import read_place
from cellfolio.web.reading import ranged

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_PIECE = 4 * 1024 * 1024
"""Bytes that are in memory at a time."""


def send_bytes(request: Request, values: Values) -> Response:
    """Return a file, or the range of it that the request's header names.

    Rule: nothing is shown by a browser as what it is; pages of ours show files.
    """
    entry = read_place(request).entry
    source = ranged(entry, request.app.state.shelf.home)
    size = source.size
    span = find_span(request.headers.get("range"), size)
    headers = {
        "accept-ranges": "bytes",
        "content-security-policy": "sandbox; default-src 'none'",
        "content-disposition": f"attachment; filename*=UTF-8''{_quoted(entry.name)}",
    }
    if span is None:
        return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
    headers["content-length"] = str(span[1] - span[0])
    part = span != (0, size)
    if part:
        headers["content-range"] = f"bytes {span[0]}-{span[1] - 1}/{size}"
    return StreamingResponse(
        _pieces(source, span),
        206 if part else 200,
        headers=headers,
        media_type="application/octet-stream",
    )


def find_span(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the first byte that is asked for and the one after the last; None if there is none.

    Parameters
    ----------
    header : str or None
        ``Range`` of the request; one of several ranges, or of another form, is taken as none, as
        RFC 9110 (section 14.2) lets a server do.
    size : int
        Bytes of the file.

    Examples
    --------
    >>> find_span("bytes=2-4", 10), find_span("bytes=-3", 10), find_span("bytes=10-", 10)
    ((2, 5), (7, 10), None)
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or match.group(1, 2) == ("", ""):
        return 0, size
    first, last = match.group(1, 2)
    if not first:
        span = max(0, size - int(last)), size
    else:
        span = int(first), min(int(last) + 1 if last else size, size)
    return span if span[0] < span[1] else None


def _pieces(source: Ranged, span: tuple[int, int]) -> Iterator[bytes]:
    for start in range(span[0], span[1], _PIECE):
        found = source.read([(start, min(start + _PIECE, span[1]))])
        if not found:
            raise ObjectNotFound(f"{source.name} ended early")
        yield bytes(found[0])


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")


OPERATIONS = (
    Operation(
        "/api/bytes/{reference:path}",
        "Bytes of a file; a `Range` header is honoured.",
        send_bytes,
        media="application/octet-stream",
    ),
)
