"""The page of an image that is no single file: a site of a plate, an OME-Zarr; or any other."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.web.images import WHICH, asked_of, open_asked
from cellfolio.web.places import read_place
from cellfolio.web.previews.image import SCRIPTS, STYLES, viewer
from cellfolio.web.previews.preview import show_failure
from cellfolio.web.rendering import page
from cellfolio.web.views.view import View
from cellfolio.workflows.shown_images.finding import Asked


def show_image(request: Request) -> Response:
    """Return the page of an image."""
    place = read_place(request)
    asked = read_asked(request)
    title = place.key.rpartition("/")[2] or place.shown.name
    try:
        query = request.query_params
        labels = tuple(query.getlist("labels"))
        body = viewer(request, place, asked, labels=labels, table=query.get("table"))
        title = open_asked(request, place, asked).files.name
    except Exception as error:  # Rule: an image that cannot be shown has a page all the same.
        body = show_failure(error)
    return page(
        request, "image.html", place=place, title=title, body=body, scripts=SCRIPTS, styles=STYLES
    )


def read_asked(request: Request) -> Asked:
    """Return which image the address of a page means."""
    query = request.query_params
    values = {one.name: one.read(query[one.name]) if one.name in query else one.default
              for one in WHICH}  # fmt: skip
    return asked_of(values)


VIEWS = (View("/image/{reference:path}", show_image),)
