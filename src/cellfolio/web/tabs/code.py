"""How to have what one looks at by other means: text to be copied."""

from __future__ import annotations

from starlette.requests import Request

from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body
from cellfolio.web.rendering import fragment
from cellfolio.web.tabs.tab import Tab
from cellfolio.workflows.snippets import Spot, snippets_of


def spot_of(place: Place) -> Spot:
    """Return where in which package a place is."""
    opened = place.opened
    return Spot(place.shown.word, opened.registry, opened.name, place.package.top_hash, place.found)


def _render(request: Request, place: Place) -> Body:
    snippets = snippets_of(spot_of(place))
    return Body(fragment("tabs/code.html", place=place, snippets=snippets), scripts=("copying.js",))


CODE = Tab("code", "Code", lambda place: True, _render)
