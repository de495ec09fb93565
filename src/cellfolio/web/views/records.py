"""Records and what they are related to: from plate to well to field to segmentation, and back."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.opening import names_image
from cellfolio.package.entry import Entry
from cellfolio.web.operations import Parameter, read_values
from cellfolio.web.places import Place, read_place
from cellfolio.web.record_places import records_of
from cellfolio.web.rendering import page
from cellfolio.web.views.view import View
from cellfolio.workflows.record_pages import PER_PAGE, list_records, record_page

_PARAMETERS = (
    Parameter("kind", "Such as wells."),
    Parameter("q", "Part of a name, or conditions.", default=""),
    Parameter("start", "Records that are left out.", int, 0, lowest=0),
)
_QUILT_2 = ("load", "image")
"""What images may be called where the name has no suffix."""


def show_records(request: Request) -> Response:
    """Return the page that lists the records of a kind."""
    place = read_place(request)
    values = read_values(_PARAMETERS, request)
    graph = records_of(place)
    trouble = None
    try:
        found = list_records(graph, values["kind"] or "", values["q"], values["start"])
    except InvalidArgument as error:  # of the search; the page stays, so that it can be mended
        trouble = error
        found = list_records(graph, values["kind"] or "")
    return page(
        request,
        "records.html",
        place=place,
        graph=graph,
        kinds=[(shelf.kind.name, len(shelf.names)) for shelf in graph.shelves],
        found=found,
        search=values["q"],
        trouble=trouble,
        step=PER_PAGE,
    )


def show_record(request: Request) -> Response:
    """Return the page of a record."""
    place = read_place(request)
    graph = records_of(place)
    found = record_page(graph, request.query_params.get("id", ""))
    fields = found.fields
    plain = {name: one for name, one in fields.items() if not isinstance(one, list | dict)}
    nested = {name: _written(one) for name, one in fields.items() if name not in plain}
    return page(
        request,
        "record.html",
        place=place,
        found=found,
        record=found.record,
        plain=plain,
        nested=nested,
        picture=_picture(place, found.image),
        viewer=_viewer(place, found.image, found.labels),
        over=_viewer(place, found.under, (found.image,)) if found.under and found.image else None,
    )


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


def _picture(place: Place, image: Entry | None) -> str | None:
    """Return the address of a small picture of an image."""
    if image is None or not (names_image(image.name) or image.name in _QUILT_2):
        return None
    return place.link("api/picture", image.logical_key, size=384)


def _viewer(place: Place, image: Entry | None, labels: tuple[Entry, ...]) -> str | None:
    """Return the address of the viewer, with the segmentations that are linked to the image."""
    if image is None:
        return None
    keys = [one.logical_key for one in labels]
    return place.link("image", image.logical_key, labels=keys or None)


VIEWS = (
    View("/records/{reference:path}", show_records),
    View("/record/{reference:path}", show_record),
)
