"""The page of a table or matrix as points."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.errors import InvalidArgument
from cellfolio.web.places import read_place
from cellfolio.web.previews.points import render_points, suits_points
from cellfolio.web.rendering import page
from cellfolio.web.views.view import View


def show_scatter(request: Request) -> Response:
    """Return the page of points of the file that an address names."""
    place = read_place(request)
    if not suits_points(place.entry):
        raise InvalidArgument(
            f"{place.entry.name} cannot be shown as points",
            hint="choose a CSV, Parquet or h5ad file",
        )
    return page(request, "scatter.html", place=place, body=render_points(request, place))


VIEWS = (View("/scatter/{reference:path}", show_scatter),)
