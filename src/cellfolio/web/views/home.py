"""The first page: what there is, searched as one types."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.web.finding import Finder, Results
from cellfolio.web.rendering import page
from cellfolio.web.tabs.tab import read_page
from cellfolio.web.views.view import View
from cellfolio.workflows.searching.facets import FACETS, Chosen

_SHOWN_CHOICES = 12
"""Choices of a facet that are seen without unfolding it."""
PAGE = 100
"""Data sets and packages of a page."""
_LONGEST = 200
"""Characters that are searched for."""


def show_home(request: Request) -> Response:
    """Return the first page, as its address has it narrowed down."""
    query = request.query_params
    words = query.get("q", "")[:_LONGEST]
    chosen = {facet.name: query.getlist(facet.name) for facet in FACETS}
    here = query.get("here") == "1"
    finder: Finder = request.app.state.finder

    def find(number: int) -> Results:
        shown = slice((number - 1) * PAGE, number * PAGE)
        return finder.find(words, chosen, here=here, shown=shown)

    number = read_page(request)
    found = find(number)
    pages = max(1, -(-found.total // PAGE))
    if number > pages:
        number = pages
        found = find(number)
    if "hx-request" in request.headers:  # the page is there: large packages may take their time
        finder.add_up(found)
    return page(
        request,
        "home.html",
        words=words,
        here=here,
        narrowed=here or any(chosen.values()),
        found=found,
        told=request.app.state.shelf.told,
        number=number,
        pages=pages,
        address=lambda number: address_of(words, chosen, here=here, page=number),
        most=_SHOWN_CHOICES,
    )


def address_of(words: str, chosen: Chosen, *, here: bool = False, page: int = 1) -> str:
    """Return the address of the first page, narrowed down.

    Examples
    --------
    >>> address_of("u2os", {"modality": ["images"]}, here=True)
    '/?q=u2os&modality=images&here=1'
    >>> address_of("", {}, page=2)
    '/?page=2'
    """
    pairs = [("q", words)] if words else []
    pairs += [(name, value) for name, values in chosen.items() for value in values]
    pairs += [("here", "1")] if here else []
    pairs += [("page", str(page))] if page > 1 else []
    return f"/?{urlencode(pairs)}" if pairs else "/"


VIEWS = (View("/", show_home),)
