"""Pages of HTML, such as reports of quality, in a frame that can do nothing."""

from __future__ import annotations

from starlette.requests import Request

from cellfolio.package.entry import Entry
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.rendering import fragment


def suits_page(entry: Entry) -> bool:
    """Whether a file is a page, by its name."""
    return entry.name.lower().endswith((".html", ".htm"))


def render_page(request: Request, place: Place) -> Body:
    """Show a page in a frame."""
    return Body(fragment("html_page.html", place=place), styles=("run.css",))


PAGE = Preview("page", "Page", suits_page, render_page)
