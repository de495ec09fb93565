"""The first page: what there is."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.registries.catalogue import load_catalogue
from cellfolio.web.rendering import page
from cellfolio.web.shelf import Shelf
from cellfolio.web.views.view import View
from cellfolio.workflows.opening import list_packages


def show_home(request: Request) -> Response:
    """Return the first page."""
    shelf: Shelf = request.app.state.shelf
    return page(
        request,
        "home.html",
        told=shelf.told,
        packages=list_packages(None, shelf.home),
        data_sets=load_catalogue(shelf.home).data_sets,
    )


VIEWS = (View("/", show_home),)
