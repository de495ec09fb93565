"""Rows of a table for people: what they are, and pictures of the cells or wells they are of."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cellfolio.errors import CellfolioError, InvalidArgument
from cellfolio.web.api.profiles import open_asked, shelf_of
from cellfolio.web.operations import Operation, Parameter, Values
from cellfolio.web.places import Place, find_place, read_place
from cellfolio.workflows.points.crops import CropImages, Spot, spot_columns, spots_of
from cellfolio.workflows.points.points import Points

MOST = 200
"""Rows that are told at a time."""
_COLUMNS = 10
"""Columns of metadata that are told of each."""
_SIZE = 80
"""Pixels of a site that a side of a crop has."""


def show_rows(request: Request, values: Values) -> Response:
    """Return some rows, and where pictures of them are."""
    place, opened = open_asked(request, values)
    points, rows = opened.points, list(values["row"])
    if len(rows) > MOST:
        raise InvalidArgument(f"up to {MOST} rows are told at a time, found {len(rows)}")
    if any(row >= points.rows for row in rows):
        raise InvalidArgument(f"rows are 0 to {points.rows - 1}, found {max(rows)}")
    names = _told_columns(points, values["column"])
    columns = spot_columns(names)
    frame = points.rows_of(rows, names)
    spots = spots_of(frame, columns)
    images, reason = _images(request, place, values, spots)
    shown = [name for name in names if name not in (columns.get("x"), columns.get("y"))]
    told = [
        {
            "row": row,
            "values": {name: _plain(held[name]) for name in shown},
            **_picture(images, spot),
        }
        for row, held, spot in zip(rows, frame.to_dict("records"), spots, strict=True)
    ]
    return JSONResponse({"columns": shown, "rows": told, "no_pictures": reason})


def _told_columns(points: Points, wanted: Sequence[str]) -> list[str]:
    """Return columns that say what rows are: of plates, then what is asked for, then metadata."""
    listed = [one.name for one in points.columns]
    metadata = [name for name in listed if name.startswith(("Metadata_", "obs:"))]
    texts = [one.name for one in points.columns if one.kind == "text"]
    first = list(spot_columns(listed).values())
    names = dict.fromkeys([*first, *wanted, *texts, *metadata])
    return list(names)[: max(_COLUMNS, len(first) + len(wanted))]


def _images(
    request: Request, place: Place, values: Values, spots: Sequence[Spot | None]
) -> tuple[tuple[Place, CropImages] | None, str]:
    """Return where images are, or why there are none."""
    if not any(spots):
        return None, "the table does not tell plates and wells"
    try:
        where = _image_place(place, values["images"])
        return (where, shelf_of(request).images(where, place.key)), ""
    except CellfolioError as error:
        return None, error.message


def _image_place(place: Place, reference: str | None) -> Place:
    if not reference:
        return place.at("")
    return find_place(place.shelf, reference)


def _picture(images: tuple[Place, CropImages] | None, spot: Spot | None) -> dict[str, Any]:
    if images is None or spot is None:
        return {}
    where, found = images
    site = found.find(spot)
    if site is None:
        return {}
    folder = where.at(found.folder)
    picture = folder.link(
        "api/crop", plate=spot.plate, well=spot.well, site=site.number, x=spot.x, y=spot.y
    )
    key = site.parts[0][1].key
    image = key if key in where.package else f"{found.folder}/{key}"
    link = where.link("package", image) if image in where.package else None
    title = f"{site.plate} {site.well}" if spot.site is None else str(site)
    return {"picture": picture, "image": link, "title": title}


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    text = str(value)
    return None if text in ("nan", "NaT", "<NA>") else text


def send_crop(request: Request, values: Values) -> Response:
    """Return a picture around a cell, or of a whole site."""
    from PIL import Image

    place = read_place(request)
    if not values["well"]:
        raise InvalidArgument("well= should name a well, found none")
    images = shelf_of(request).images(place, place.key)
    spot = Spot(values["plate"], values["well"], values["site"], values["x"], values["y"])
    written = io.BytesIO()
    Image.fromarray(images.crop(spot, values["size"])).save(written, "png", compress_level=1)
    fixed = "max-age=3600" if place.revision else "max-age=60"
    return Response(
        written.getvalue(), media_type="image/png", headers={"cache-control": f"private, {fixed}"}
    )


OPERATIONS = (
    Operation(
        "/api/profiles/rows/{reference:path}",
        "Some rows: their metadata, and addresses of pictures of the cells or wells they are of.",
        show_rows,
        (
            Parameter("row", "Number of a row, from 0.", int, lowest=0, several=True),
            Parameter("column", "A further column.", several=True),
            Parameter(
                "images",
                "NAMESPACE/NAME[@REVISION][/FOLDER] with the images of the plates; by default "
                "what the same package has nearest to the table.",
            ),
            Parameter("with", "Key of a table of the same package whose columns are added."),
        ),
    ),
    Operation(
        "/api/crop/{reference:path}",
        "A picture around a cell, or of a whole site, its channels in colours.\n"
        "The reference is that of the folder with the images of the plates.",
        send_crop,
        (
            Parameter("plate", "Name of the plate.", default=""),
            Parameter("well", "Such as A01."),
            Parameter("site", "Number of the site.", int, lowest=0),
            Parameter("x", "Centre, in pixels of the site from the left.", float),
            Parameter("y", "Centre, in pixels of the site from the top.", float),
            Parameter("size", "Pixels of a side.", int, _SIZE, lowest=8, highest=512),
        ),
        "image/png",
    ),
)
