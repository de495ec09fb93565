"""Revisions of packages and what changed between them, for programs."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cellfolio.package.diff import meta_changes
from cellfolio.package.entry import Entry
from cellfolio.web.history import REVISIONS, History
from cellfolio.web.operations import Operation, Parameter, Values
from cellfolio.web.places import read_place


def list_revisions(request: Request, values: Values) -> Response:
    """Return the revisions of a package, the newest first."""
    place = read_place(request)
    history: History = request.app.state.history
    lines = history.revisions(place.shown)[: values["limit"]]
    return JSONResponse(
        {
            "package": place.shown.name,
            "top_hash": place.package.top_hash,
            "revisions": [
                {
                    "top_hash": line.revision.top_hash,
                    "time": line.revision.time.isoformat(),
                    "pointer": line.revision.pointer,
                    "message": line.message,
                }
                for line in lines
            ],
        }
    )


def show_diff(request: Request, values: Values) -> Response:
    """Return what changed in a place since another revision."""
    place = read_place(request)
    history: History = request.app.state.history
    found = history.compare(place, values["with"])
    diff, limit = found.diff, values["limit"]
    counts = {
        "added": len(diff.added),
        "removed": len(diff.removed),
        "changed": len(diff.changed),
        "meta_changed": len(diff.meta_changed),
    }
    return JSONResponse(
        {
            "package": place.shown.name,
            "from": found.older.top_hash,
            "to": found.newer.top_hash,
            "counts": counts,
            "added": [_file(one) for one in diff.added[:limit]],
            "removed": [_file(one) for one in diff.removed[:limit]],
            "changed": [_pair(*pair) for pair in diff.changed[:limit]],
            "meta_changed": [_pair(*pair) for pair in diff.meta_changed[:limit]],
            "folder_meta_changed": list(diff.folder_meta_changed[:limit]),
            "package_meta_changed": _package_meta(found.older.meta, found.newer.meta)[:limit],
        }
    )


def _file(entry: Entry) -> dict[str, Any]:
    return {"key": entry.logical_key, "size": entry.size}


def _pair(before: Entry, after: Entry) -> dict[str, Any]:
    return {"before": _file(before), "after": _file(after)}


def _package_meta(before: Any, after: Any) -> list[dict[str, Any]]:
    return [
        {"path": list(one.path), "before": one.before, "after": one.after}
        for one in meta_changes(before, after)
    ]


_LIMIT = Parameter("limit", "Files of each kind, at most.", int, 1_000, lowest=0, highest=100_000)
OPERATIONS = (
    Operation(
        "/api/revisions/{reference:path}",
        "Revisions of a package with messages and times, the newest first.",
        list_revisions,
        (Parameter("limit", "Revisions, at most.", int, 100, lowest=1, highest=REVISIONS),),
    ),
    Operation(
        "/api/diff/{reference:path}",
        "What changed since another revision, in a package, or in a folder or file of it.",
        show_diff,
        (Parameter("with", "The other revision.", default="latest"), _LIMIT),
    ),
)
