"""Searching what the portal shows, for programs."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cellfolio.web.finding import Finder, Result
from cellfolio.web.operations import Operation, Parameter, Values
from cellfolio.workflows.searching.facets import FACETS


def search(request: Request, values: Values) -> Response:
    """Return what has the words and the values chosen."""
    finder: Finder = request.app.state.finder
    chosen = {facet.name: values[facet.name] for facet in FACETS}
    found = finder.find(values["q"], chosen, here=values["here"])
    finder.add_up(found)
    facets = {
        facet.name: [{"value": one.value, "count": one.count} for one in choices]
        for facet, choices in found.facets
    }
    return JSONResponse(
        {
            "results": [_document(one) for one in found.results],
            "facets": facets,
            "unread": list(found.unread),
            "too_large": list(found.too_large),
        }
    )


def _document(result: Result) -> dict[str, Any]:
    card, held, files = result.card, result.held, result.match.files
    return {
        "name": card.name,
        "title": card.title,
        "description": card.description,
        "sources": list(card.sources),
        "modalities": list(card.modalities),
        "organisms": list(card.organisms),
        "cell_lines": list(card.cell_lines),
        "size": card.size,
        "files": card.files,
        "held": None if held is None else {"files": held.files, "size": held.size},
        "matching": {"keys": list(files.keys), "count": files.count, "more": files.more},
    }


OPERATIONS = (
    Operation(
        "/api/search",
        "Data sets and packages that have all words, in their texts or names of their files.\n"
        "`unread` are packages whose file names are still being read: ask again.",
        search,
        (
            Parameter("q", "Words, separated by white space.", str, ""),
            *(
                Parameter(facet.name, f"{facet.label}: any of these.", several=True)
                for facet in FACETS
            ),
            Parameter("here", "Only that of which something is on this machine.", bool, False),
        ),
    ),
)
