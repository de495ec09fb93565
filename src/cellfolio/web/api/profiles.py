"""Tables and matrices as points: places and colours as plain numbers, rows as documents."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cellfolio.errors import InvalidArgument
from cellfolio.web.operations import Operation, Parameter, Values
from cellfolio.web.places import Place, read_place
from cellfolio.web.point_shelf import Opened, PointShelf
from cellfolio.workflows.points.colouring import KINDS, MISSING, Colours, colour_by
from cellfolio.workflows.points.embedding import (
    KnownPlaces,
    Way,
    compute_places,
    find_places,
    ways,
)
from cellfolio.workflows.points.points import Points, places_of, telling_columns

_NAMES = 2_000
"""Names of classes that are told; the others have numbers all the same."""
_FEWEST = 3
"""Rows of which an embedding can be computed."""


def shelf_of(request: Request) -> PointShelf:
    """Return what keeps opened points."""
    found: PointShelf = request.app.state.points
    return found


def open_asked(request: Request, values: Values) -> tuple[Place, Opened]:
    """Return the place and the points that a request names."""
    place = read_place(request)
    return place, shelf_of(request).open(place, values["with"])


def show_head(request: Request, values: Values) -> Response:
    """Return what points can have as places and colours."""
    _, opened = open_asked(request, values)
    points = opened.points
    return JSONResponse(
        {
            "rows": points.rows,
            "columns": [{"name": one.name, "kind": one.kind} for one in points.columns],
            "pairs": [list(pair) for pair in points.pairs],
            "ways": list(ways()) if points.rows >= _FEWEST else [],
            "colour": _telling(points),
        }
    )


def _telling(points: Points) -> str:
    """Return the first column that tells something: neither one value for all, nor all its own."""
    names = list(telling_columns(points.columns))
    for name in names:
        try:
            found = colour_by(points.column(name), name)
        except InvalidArgument:
            continue
        if found.kind == "category" and 2 <= len(found.names) <= max(2, points.rows // 2):
            return name
    return ""


def list_names(request: Request, values: Values) -> Response:
    """Return names of columns that have a text in them."""
    _, opened = open_asked(request, values)
    return JSONResponse({"names": opened.points.find_names(values["q"], values["limit"])})


def show_embedding(request: Request, values: Values) -> Response:
    """Return how far the computing of places is; whoever asks first begins it."""
    _, opened = open_asked(request, values)
    way: Way = values["way"]
    known = find_places(opened.source, way)
    if known is not None:
        return JSONResponse({"state": "done", "seconds": 0.0, "labels": known.labels})
    if way not in ways():
        raise InvalidArgument(f"{way} is not installed here", hint="take pca")
    standing = (
        shelf_of(request)
        .background(way)
        .ask(_key(opened, way), lambda: compute_places(opened.points, opened.source, way))
    )
    told: dict[str, Any] = {"state": standing.state, "seconds": round(standing.seconds, 1)}
    if standing.state == "failed":
        told.update(error=standing.message, hint=standing.hint)
    if isinstance(standing.result, KnownPlaces):
        told["labels"] = standing.result.labels
    return JSONResponse(told)


def send_places(request: Request, values: Values) -> Response:
    """Return the places of all rows: x and y of each row in turn."""
    _, opened = open_asked(request, values)
    if values["way"]:
        found = _computed(request, opened, values["way"]).values
    elif values["x"] and values["y"]:
        found = places_of(opened.points, values["x"], values["y"])
    else:
        raise InvalidArgument("places are two columns, x= and y=, or a way to compute them, way=")
    return _raw(found)


def _computed(request: Request, opened: Opened, way: Way) -> KnownPlaces:
    known = find_places(opened.source, way)
    if known is not None:
        return known
    standing = (
        shelf_of(request)
        .background(way)
        .ask(_key(opened, way), lambda: compute_places(opened.points, opened.source, way))
    )
    if isinstance(standing.result, KnownPlaces):
        return standing.result
    raise InvalidArgument(
        standing.message or "the places are not computed yet",
        hint=standing.hint or "ask /api/profiles/embedding until it says done",
    )


def _key(opened: Opened, way: Way) -> tuple[object, ...]:
    digest = opened.source.digest
    return way, str(opened.source.path), "" if digest is None else digest.value


def show_column(request: Request, values: Values) -> Response:
    """Return what a column has, and how its numbers are sent."""
    found = _column(request, values)
    told: dict[str, Any] = {
        "name": found.name,
        "kind": found.kind,
        "type": found.values.dtype.name,
        "rows": len(found.values),
        "missing": found.missing,
    }
    if found.kind == "number":
        told.update(limits=found.limits, span=found.span)
    else:
        told.update(
            names=found.names[:_NAMES],
            counts=found.counts[:_NAMES],
            classes=len(found.names),
            missing_code=MISSING[found.values.dtype.name],
        )
    return JSONResponse(told)


def send_values(request: Request, values: Values) -> Response:
    """Return a column: float32 of numbers, else the number of each row's class."""
    return _raw(_column(request, values).values)


def _column(request: Request, values: Values) -> Colours:
    _, opened = open_asked(request, values)
    if not values["name"]:
        raise InvalidArgument("name= should be a column, found none")
    return colour_by(opened.points.column(values["name"]), values["name"], values["as"])


def _raw(values: Any) -> Response:
    return Response(values.tobytes(), media_type="application/octet-stream")


_WITH = Parameter("with", "Key of a table of the same package whose columns are added.")
_COLUMN = (
    Parameter("name", "Name of the column."),
    Parameter("as", "Whether it has classes or numbers.", default="auto", choices=KINDS),
    _WITH,
)
_ABOUT_KIND = (
    "Little-endian, one after the other; `type` of `/api/profiles/column` names the type. "
    "Classes are sent as their place in `names`, and `missing_code` where there is none; of "
    "numbers, NaN is missing."
)
OPERATIONS = (
    Operation(
        "/api/profiles/head/{reference:path}",
        "Rows of a table or matrix, its columns, which of them are places, and which would do as "
        "colour.",
        show_head,
        (_WITH,),
    ),
    Operation(
        "/api/profiles/names/{reference:path}",
        "Names of columns, features and genes that have a text in them.",
        list_names,
        (
            Parameter("q", "What they have in them.", default=""),
            Parameter("limit", "At most so many.", int, 50, lowest=1, highest=500),
            _WITH,
        ),
    ),
    Operation(
        "/api/profiles/embedding/{reference:path}",
        "How far the computing of places is: waiting, working, done or failed.\n"
        "Asking begins it. Places are kept by the digest of the file.",
        show_embedding,
        (Parameter("way", "How.", default="pca", choices=("pca", "umap")), _WITH),
    ),
    Operation(
        "/api/profiles/places/{reference:path}",
        "Places of all rows: float32, little-endian, x and y in turn; NaN where there is none.",
        send_places,
        (
            Parameter("x", "Column of numbers."),
            Parameter("y", "Column of numbers."),
            Parameter("way", "A computed embedding instead.", choices=("pca", "umap")),
            _WITH,
        ),
        "application/octet-stream",
    ),
    Operation(
        "/api/profiles/column/{reference:path}",
        "What a column has: its type, names and counts of classes, or limits of numbers.",
        show_column,
        _COLUMN,
    ),
    Operation(
        "/api/profiles/values/{reference:path}",
        f"Values of a column in all rows.\n{_ABOUT_KIND}",
        send_values,
        _COLUMN,
        "application/octet-stream",
    ),
)
