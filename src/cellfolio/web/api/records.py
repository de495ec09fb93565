"""Records and what they are related to, for programs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cellfolio.web.operations import Operation, Parameter, Values
from cellfolio.web.places import read_place
from cellfolio.web.record_places import records_of
from cellfolio.workflows.record_pages import json_value, list_records, record_page


def show_records(request: Request, values: Values) -> Response:
    """Return the kinds of records, and records of one kind."""
    graph = records_of(read_place(request))
    found = list_records(graph, values["kind"] or "", values["q"], values["start"])
    return JSONResponse(
        {
            "kinds": {shelf.kind.name: len(shelf.names) for shelf in graph.shelves},
            "links": graph.link_count,
            "kind": found.kind,
            "found": found.found,
            "start": found.start,
            "records": [
                {
                    "name": name,
                    **{"fields": dict(zip(found.columns, json_value(row), strict=True))},
                    "related": {kind: counts[at] for kind, counts in found.related if counts[at]},
                }
                for at, (name, row) in enumerate(found.rows)
            ],
        }
    )


def show_record(request: Request, values: Values) -> Response:
    """Return a record."""
    graph = records_of(read_place(request))
    found = record_page(graph, values["id"])
    return JSONResponse(
        {
            "kind": found.record.kind,
            "name": found.record.name,
            "fields": json_value(found.fields),
            "files": [{"key": one.logical_key, "size": one.size} for one in found.files],
            "image": found.image.logical_key if found.image else None,
            "labels": [one.logical_key for one in found.labels],
            "related": {
                one.kind: {"count": one.count, "names": one.names} for one in found.relations
            },
            "problems": found.problems,
        }
    )


OPERATIONS = (
    Operation(
        "/api/records/{reference:path}",
        "Kinds of records of a package or folder, and some records of one kind.",
        show_records,
        (
            Parameter("kind", "Such as wells; by default the first that has records."),
            Parameter("q", "Part of a name, or conditions such as passage>=36.", default=""),
            Parameter("start", "Records that are left out at the start.", int, 0, lowest=0),
        ),
    ),
    Operation(
        "/api/record/{reference:path}",
        "A record: its fields, its files, and what it is related to.",
        show_record,
        (Parameter("id", "KIND/NAME.", default=""),),
    ),
)
