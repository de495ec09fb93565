"""The records of a package or folder, by kind."""

from __future__ import annotations

from starlette.requests import Request

from cellfolio.metadata.distributed import TABLE
from cellfolio.metadata.kinds import AICS_KINDS
from cellfolio.package.entry import Entry
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body
from cellfolio.web.record_places import records_of
from cellfolio.web.rendering import fragment
from cellfolio.web.tabs.tab import Tab

_LEAST_KINDS = 2
"""Folders called like kinds that make a package one of records."""


def may_have_records(place: Place) -> bool:
    """Whether names of folders and files tell of records; nothing is opened."""
    if place.key and isinstance(place.found, Entry):
        return False
    base = f"{place.key.rstrip('/')}/" if place.key else ""
    rows = place.package.rows
    if rows.find(base + TABLE) is not None:
        return True
    spans = (rows.folder(f"{base}{word}/") for kind in AICS_KINDS for word in kind.words)
    return sum(start < stop for start, stop in spans) >= _LEAST_KINDS


def _render(request: Request, place: Place) -> Body:
    graph = records_of(place)
    kinds = [(shelf.kind.name, len(shelf.names)) for shelf in graph.shelves]
    return Body(fragment("records_part.html", place=place, kinds=kinds, links=graph.link_count))


RECORDS = Tab("records", "Records", may_have_records, _render)
