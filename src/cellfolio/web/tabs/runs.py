"""The run that wrote a folder, or those below it."""

from __future__ import annotations

from functools import lru_cache

from starlette.requests import Request

from cellfolio.errors import NotFound
from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.package.package import Package
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body
from cellfolio.web.runs import run_body
from cellfolio.web.tabs.tab import Tab
from cellfolio.workflows.run_folders import LOOKED_AT, RECORDS


def has_runs(place: Place) -> bool:
    """Whether names of files tell of runs; nothing is opened."""
    if place.key and isinstance(place.found, Entry):
        return False
    return _has_records(place.package, place.key)


@lru_cache(64)
def _has_records(package: Package, folder: str) -> bool:
    rows = package.rows
    start, stop = rows.folder(f"{folder.rstrip('/')}/") if folder else (0, len(rows))
    names = (rows.key(at).rpartition("/")[2] for at in range(start, min(stop, start + LOOKED_AT)))
    return any(name in RECORDS for name in names)


def _render(request: Request, place: Place) -> Body:
    folder = place.found
    if not isinstance(folder, Folder):
        raise NotFound(f"{place.key} is a file; a run is a folder")
    return Body(run_body(place, folder, "h2"), styles=("run.css",))


RUNS = Tab("runs", "Runs", has_runs, _render)
