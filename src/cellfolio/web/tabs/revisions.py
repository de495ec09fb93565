"""All revisions of a package, with messages and times."""

from __future__ import annotations

from starlette.requests import Request

from cellfolio.web.history import REVISIONS, History
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body
from cellfolio.web.rendering import fragment
from cellfolio.web.tabs.tab import Tab


def has_revisions(place: Place) -> bool:
    """Whether what is shown may have revisions."""
    return place.shown.kind != "folder"


def _render(request: Request, place: Place) -> Body:
    history: History = request.app.state.history
    lines = history.revisions(place.shown)
    return Body(fragment("tabs/revisions.html", place=place, lines=lines, most=REVISIONS))


REVISIONS_TAB = Tab(
    "revisions", "Revisions", lambda place: has_revisions(place) and not place.key, _render
)
