"""Records of runs: the page of the run itself."""

from __future__ import annotations

from starlette.requests import Request

from cellfolio.errors import NotFound
from cellfolio.package.entry import Entry
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.runs import folder_of, run_body
from cellfolio.workflows.run_folders import RECORDS


def suits_record(entry: Entry) -> bool:
    """Whether a file is a record, by its name."""
    return entry.name in RECORDS


def render_record(request: Request, place: Place) -> Body:
    """Show the run that a record is of."""
    folder = folder_of(place, place.entry)
    if folder is None:
        raise NotFound(f"{place.key} is in no folder")
    return Body(run_body(place.at(folder.key), folder, "h2"), styles=("run.css",))


RECORD = Preview("run", "Run", suits_record, render_record)
