"""The page of a package, of a folder of it, or of a file."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.errors import CellfolioError
from cellfolio.package.entry import Entry
from cellfolio.registries.catalogue import load_catalogue
from cellfolio.registries.reference import parse_reference
from cellfolio.web.failures import status_of, words_of
from cellfolio.web.places import Place, read_place
from cellfolio.web.previews.known import choose_preview, previews_of
from cellfolio.web.previews.preview import Body, Preview, show_failure
from cellfolio.web.rendering import page
from cellfolio.web.tabs.known import choose_tab, tabs_of
from cellfolio.web.tabs.tab import Tab
from cellfolio.web.views.fetching import summary_of
from cellfolio.web.views.view import View


def show_package(request: Request) -> Response:
    """Return the page of what an address names."""
    try:
        place = read_place(request)
        found = place.found
    except CellfolioError as error:
        answer = _show_data_set(request, error)
        if answer is None:
            raise
        return answer
    name = request.query_params.get("tab")
    if isinstance(found, Entry) and name is None:
        return _show_file(request, place, found)
    tab = choose_tab(place, name)
    body = _shown(lambda: tab.render(request, place))
    if isinstance(found, Entry):
        return _file_page(request, place, body, tab=tab)
    return page(
        request,
        "folder.html",
        place=place,
        folder=found,
        tab=tab,
        tabs=tabs_of(place),
        body=body,
        summary=summary_of(request, place),
    )


def _shown(render: Callable[[], Body]) -> Body:
    """Return what is shown. Rule: what cannot be shown has a page all the same."""
    try:
        return render()
    except Exception as error:
        if not isinstance(error, CellfolioError):
            traceback.print_exception(error, file=sys.stderr)
        return Body(show_failure(error))


def _show_file(request: Request, place: Place, entry: Entry) -> Response:
    preview = choose_preview(entry, request.query_params.get("as"))
    body = _shown(lambda: preview.render(request, place))
    return _file_page(request, place, body, preview=preview)


def _file_page(
    request: Request,
    place: Place,
    body: Body,
    *,
    tab: Tab | None = None,
    preview: Preview | None = None,
) -> Response:
    entry = place.entry
    return page(
        request,
        "file.html",
        place=place,
        entry=entry,
        previews=previews_of(entry),
        tabs=tabs_of(place),
        held=request.app.state.holdings.is_held(entry),
        body=body,
        tab=tab,
        preview=preview,
    )


def _show_data_set(request: Request, error: CellfolioError) -> Response | None:
    """Return what the catalogue says of a data set that cannot be opened now."""
    try:
        reference = parse_reference(request.path_params["reference"])
        data_set = load_catalogue(request.app.state.shelf.home).get(reference.name)
    except CellfolioError:
        return None
    if data_set is None or reference.path:
        return None
    message, hint = words_of(error)
    facts = {"data_set": data_set, "message": message, "hint": hint}
    return page(request, "data_set.html", status=status_of(error), **facts)


VIEWS = (View("/package/{reference:path}", show_package),)
