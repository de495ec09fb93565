"""Further parts of documents, which their pages ask for."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from cellfolio.errors import CellfolioError, InvalidArgument
from cellfolio.web.json_documents import read_json, value_at
from cellfolio.web.places import read_place
from cellfolio.web.previews.json_tree import children_html
from cellfolio.web.previews.preview import show_failure
from cellfolio.web.previews.text import text_html
from cellfolio.web.texts import read_part
from cellfolio.web.views.view import View


def show_text_part(request: Request) -> Response:
    """Return a further part of a text."""
    place, first = read_place(request), _number(request, "first")
    try:
        return HTMLResponse(text_html(place, read_part(place, first)))
    except CellfolioError as error:
        return HTMLResponse(show_failure(error))


def show_json_part(request: Request) -> Response:
    """Return what is in a value of a JSON document."""
    place, first = read_place(request), _number(request, "first")
    pointer = request.query_params.get("at", "")
    try:
        value = value_at(read_json(place), pointer)
        if not isinstance(value, dict | list):
            raise InvalidArgument(f"there is nothing in {pointer!r}")
        return HTMLResponse(children_html(place, value, pointer, first))
    except CellfolioError as error:
        return HTMLResponse(show_failure(error))


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidArgument(f"{name}: expected a number, found {text!r}")
    return int(text)


VIEWS = (
    View("/part/text/{reference:path}", show_text_part),
    View("/part/json/{reference:path}", show_json_part),
)
