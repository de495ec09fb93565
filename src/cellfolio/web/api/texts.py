"""Text of files, by range."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cellfolio.web.operations import Operation, Parameter, Values
from cellfolio.web.places import read_place
from cellfolio.web.texts import PART, read_part


def show_text(request: Request, values: Values) -> Response:
    """Return a part of a text."""
    return JSONResponse(asdict(read_part(read_place(request), values["first"], values["count"])))


OPERATIONS = (
    Operation(
        "/api/text/{reference:path}",
        "A part of a text, decompressed if need be; `end` is where the next one begins.",
        show_text,
        (
            Parameter("first", "Number of the first byte.", int, 0, lowest=0),
            Parameter("count", "Bytes, at most.", int, PART, lowest=16, highest=PART),
        ),
    ),
)
