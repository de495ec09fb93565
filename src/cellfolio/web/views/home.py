"""The first page: what there is, searched as one types."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.web.finding import Finder
from cellfolio.web.rendering import page
from cellfolio.web.views.view import View
from cellfolio.workflows.searching.facets import FACETS, Chosen

_SHOWN_CHOICES = 12
"""Choices of a facet that are seen without unfolding it."""
_LONGEST = 200
"""Characters that are searched for."""


def show_home(request: Request) -> Response:
    """Return the first page, as its address has it narrowed down."""
    query = request.query_params
    words = query.get("q", "")[:_LONGEST]
    chosen = {facet.name: query.getlist(facet.name) for facet in FACETS}
    here = query.get("here") == "1"
    finder: Finder = request.app.state.finder
    found = finder.find(words, chosen, here=here)
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
        address=address_of(words, chosen, here=here),
        most=_SHOWN_CHOICES,
    )


def address_of(words: str, chosen: Chosen, *, here: bool) -> str:
    """Return the address of the first page, narrowed down.

    Examples
    --------
    >>> address_of("u2os", {"modality": ["images"]}, here=True)
    '/?q=u2os&modality=images&here=1'
    """
    pairs = [("q", words)] if words else []
    pairs += [(name, value) for name, values in chosen.items() for value in values]
    pairs += [("here", "1")] if here else []
    return f"/?{urlencode(pairs)}" if pairs else "/"


VIEWS = (View("/", show_home),)
