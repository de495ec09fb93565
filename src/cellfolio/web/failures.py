"""What a request that fails is answered: a page for people, a document for programs."""

from __future__ import annotations

import sys
import traceback

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cellfolio.errors import (
    AccessRefused,
    CellfolioError,
    FormatError,
    InvalidArgument,
    NotFound,
    TransferError,
)
from cellfolio.web.rendering import page
from cellfolio.web.working import TooBusy

_STATUS = (
    (TooBusy, 503),
    (NotFound, 404),
    (InvalidArgument, 400),
    (FormatError, 422),
    (AccessRefused, 403),
    (TransferError, 502),
)
_UNFORESEEN = "the portal has an error; what it was is in the terminal that it was started from"


def status_of(error: Exception) -> int:
    """Return the HTTP status of an error.

    Examples
    --------
    >>> from cellfolio.errors import EntryNotFound
    >>> status_of(EntryNotFound("no 'a.csv'"))
    404
    """
    if isinstance(error, HTTPException):
        return error.status_code
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def words_of(error: Exception) -> tuple[str, str]:
    """Return what a reader is told: what happened, and what to do. Never a traceback."""
    if isinstance(error, CellfolioError):
        return error.message, error.hint
    if isinstance(error, HTTPException):
        return error.detail, ""
    return _UNFORESEEN, ""


def answer_failure(request: Request, error: Exception) -> Response:
    """Return the answer to a request that failed."""
    status = status_of(error)
    if not isinstance(error, CellfolioError | HTTPException):
        traceback.print_exception(error, file=sys.stderr)
    message, hint = words_of(error)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": message, "hint": hint}, status)
    return page(request, "failure.html", status=status, message=message, hint=hint)
