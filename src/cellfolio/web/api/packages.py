"""Packages and what is in them, for programs."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.package.html import first_children
from cellfolio.registries.catalogue import load_catalogue
from cellfolio.web.operations import Operation, Parameter, Values
from cellfolio.web.places import read_place
from cellfolio.web.shelf import Shelf
from cellfolio.workflows.opening import list_packages


def list_shown(request: Request, values: Values) -> Response:
    """Return what the portal shows."""
    shelf: Shelf = request.app.state.shelf
    told = [{"name": one.name, "kind": one.kind} for one in shelf.told]
    local = [{"name": name, "kind": "package"} for name in list_packages(None, shelf.home)]
    known = [{"name": one.name, "kind": "data set"} for one in load_catalogue(shelf.home).data_sets]
    found = {one["name"]: one for one in (*known, *local, *told)}
    return JSONResponse({"packages": [found[name] for name in sorted(found)]})


def show_entries(request: Request, values: Values) -> Response:
    """Return what a package, or a folder of it, has."""
    place = read_place(request)
    found = place.found
    if isinstance(found, Entry):
        return JSONResponse(_entry(found))
    children = list(first_children(found, values["limit"]))
    return JSONResponse(
        {
            "package": place.shown.name,
            "top_hash": place.package.top_hash,
            "key": found.prefix,
            "files": found.file_count,
            "size": found.size,
            "meta": found.meta,
            "children": [
                _folder(one) if isinstance(one, Folder) else _entry(one) for one in children
            ],
            "more": len(found) - len(children),
        }
    )


def _folder(folder: Folder) -> dict[str, Any]:
    return {"key": folder.prefix, "files": folder.file_count, "size": folder.size}


def _entry(entry: Entry) -> dict[str, Any]:
    digest = None if entry.digest is None else f"{entry.digest.algorithm}:{entry.digest.value}"
    return {
        "key": entry.logical_key,
        "size": entry.size,
        "digest": digest,
        "meta": dict(entry.user_meta),
    }


OPERATIONS = (
    Operation("/api/packages", "What this portal shows: packages, folders, data sets.", list_shown),
    Operation(
        "/api/entries/{reference:path}",
        "Files and folders of a package or of a folder of it; of a file, its size and digest.",
        show_entries,
        (Parameter("limit", "Files and folders, at most.", int, 1_000, lowest=0, highest=100_000),),
    ),
)
