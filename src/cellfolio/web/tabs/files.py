"""What is in a folder, a page at a time."""

from __future__ import annotations

from starlette.requests import Request

from cellfolio.package.folder import Folder
from cellfolio.web.listing import has_images, list_folder
from cellfolio.web.places import Place
from cellfolio.web.previews.image import SCRIPTS, STYLES
from cellfolio.web.previews.preview import Body
from cellfolio.web.rendering import fragment
from cellfolio.web.tabs.tab import Tab, read_page

_LONGEST = 200
"""Characters that names are filtered by."""


def _render(request: Request, place: Place) -> Body:
    folder = place.found
    assert isinstance(folder, Folder)
    words = request.query_params.get("filter", "")[:_LONGEST]
    listing = list_folder(
        place.package, folder, request.app.state.holdings, words=words, page=read_page(request)
    )
    html = fragment("tabs/files.html", place=place, folder=folder, listing=listing)
    if has_images(place.package, folder.prefix):
        return Body(html, SCRIPTS, STYLES)  # an image that is chosen comes into this page
    return Body(html)


FILES = Tab("files", "Files", lambda place: isinstance(place.found, Folder), _render)
