"""The page of a package, of a folder of it, or of a file."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.package.entry import Entry
from cellfolio.package.html import first_children
from cellfolio.web.places import Place, read_place
from cellfolio.web.previews.known import choose_preview, previews_of
from cellfolio.web.previews.preview import Body, show_failure
from cellfolio.web.rendering import page
from cellfolio.web.views.view import View

CHILDREN = 500
"""Files and folders of a folder that are listed."""


def show_package(request: Request) -> Response:
    """Return the page of what an address names."""
    place = read_place(request)
    found = place.found
    if isinstance(found, Entry):
        return _show_file(request, place, found)
    children = list(first_children(found, CHILDREN))
    return page(request, "folder.html", place=place, folder=found, children=children)


def _show_file(request: Request, place: Place, entry: Entry) -> Response:
    preview = choose_preview(entry, request.query_params.get("as"))
    try:
        body = preview.render(request, place)
    except Exception as error:  # Rule: a file that cannot be shown has a page all the same.
        body = Body(show_failure(error))
    return page(
        request,
        "file.html",
        place=place,
        entry=entry,
        preview=preview,
        previews=previews_of(entry),
        body=body,
    )


VIEWS = (View("/package/{reference:path}", show_package),)
