"""The page of a run: its record, scores against chance, tables, pictures and pages."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.errors import InvalidArgument
from cellfolio.package.entry import Entry
from cellfolio.web.places import read_place
from cellfolio.web.rendering import page
from cellfolio.web.runs import run_body
from cellfolio.web.views.view import View


def show_run(request: Request) -> Response:
    """Return the page of the run that wrote a folder."""
    place = read_place(request)
    folder = place.found
    if isinstance(folder, Entry):
        raise InvalidArgument(
            f"{folder.logical_key} is a file; a run is a folder", hint="name the folder it is in"
        )
    return page(request, "run.html", place=place, body=run_body(place, folder))


VIEWS = (View("/run/{reference:path}", show_run),)
