"""Tables: a window of rows and columns at a time, sorted, filtered, asked by SQL."""

from __future__ import annotations

from starlette.requests import Request

from cellfolio.formats.standard import DEFAULT
from cellfolio.package.entry import Entry
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.rendering import fragment
from cellfolio.workflows.table_opening import TABLES
from cellfolio.workflows.table_views import THIS, TableViews

_SOON = 4_000_000
"""Bytes of a table that is opened in a moment."""


def is_table(entry: Entry) -> bool:
    """Whether a file is a table, by its name."""
    found = DEFAULT.named(entry.name)
    return found is not None and found.name in TABLES


def render_table(request: Request, place: Place) -> Body:
    """Show a table; its rows are asked for by the page.

    One that is soon opened is, so that what is wrong with it is told at once.
    """
    size = place.entry.size
    if size is not None and size <= _SOON:
        views: TableViews = request.app.state.tables
        views.open(place.package, place.entry, request.query_params.get("table", ""))
    html = fragment("table.html", place=place, this=THIS)
    return Body(html, ("tables/view.js",), ("tables.css",))


TABLE = Preview("table", "Table", is_table, render_table)
