"""Plates, what is known of their wells, and pictures of them, for programs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.imaging.plate_colours import CategoryScale, NumberScale, scale_of
from cellfolio.web.operations import Operation, Parameter, Values
from cellfolio.web.places import read_place
from cellfolio.web.plate_places import CONTRASTS, choose_plate, choose_well, plate_shelf
from cellfolio.workflows.plate_views.pictures import (
    LARGEST,
    PictureOptions,
    choose_channels,
    plate_limits,
    site_picture,
)
from cellfolio.workflows.plate_views.plates import channels_of
from cellfolio.workflows.plate_views.values import choose_column, column_names, well_values

FACTS = "x-cellfolio-picture"
"""Header of a picture of a plate that tells, as JSON, how it was made."""
_KEPT = {"cache-control": "private, max-age=600"}


def list_plates(request: Request, values: Values) -> Response:
    """Return the plates of a package or folder."""
    place = read_place(request)
    plates = plate_shelf(place).plates(place)
    return JSONResponse(
        {
            "plates": [
                {
                    "name": one.name,
                    "batches": one.batches,
                    "images": one.images,
                    "wells_with_images": one.wells,
                    "tables": [
                        {"name": table.name, "rows_are": table.kind, "columns": len(table.columns)}
                        for table in one.tables
                    ],
                }
                for one in plates.summaries
            ],
            "notes": plates.notes,
        }
    )


def list_columns(request: Request, values: Values) -> Response:
    """Return the columns that the wells of a plate have, by table; the plate map's first."""
    place = read_place(request)
    plates = plate_shelf(place).plates(place)
    plate = choose_plate(plates, values["plate"])
    found = column_names(plates, plate)
    tables = [{"table": table, "columns": names} for table, names in found.items()]
    return JSONResponse({"plate": plate, "tables": tables})


def show_wells(request: Request, values: Values) -> Response:
    """Return a value and a colour scale for the wells of a plate."""
    place = read_place(request)
    plates = plate_shelf(place).plates(place)
    plate = choose_plate(plates, values["plate"])
    table, column = values["table"], values["colour"]
    if column is None:
        table, column = choose_column(plates, plate)
    found = well_values(plates, plate, column, table)
    scale = scale_of(found.values, low=values["low"], high=values["high"])
    return JSONResponse(
        {
            "plate": plate,
            "rows": found.shape.rows,
            "columns": found.shape.columns,
            "colour": found.column,
            "table": found.table,
            "note": found.note,
            "scale": _scale(scale),
            "controls": sorted(map(str, found.controls)),
            "wells": {str(well): _value(value) for well, value in sorted(found.values.items())},
        }
    )


def _scale(scale: CategoryScale | NumberScale | None) -> dict[str, Any]:
    if scale is None:
        return {"kind": "none"}
    kind = "numbers" if isinstance(scale, NumberScale) else "categories"
    return {"kind": kind, **asdict(scale)}


def _value(value: Any) -> Any:
    """Return a value as JSON has it; numbers that are none are null."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


def send_montage(request: Request, values: Values) -> Response:
    """Return a picture of all wells of a plate, all with one contrast."""
    place = read_place(request)
    shelf = plate_shelf(place)
    plate = choose_plate(shelf.plates(place), values["plate"])
    contrast = CONTRASTS[values["contrast"]]
    options = PictureOptions(values["channel"], contrast, values["site"])
    made = shelf.picture(place, plate, options)
    facts = {
        "rows": made.shape.rows,
        "columns": made.shape.columns,
        "step": made.step,
        "channels": [
            {"name": one.name, "colour": one.colour, "low": one.limits.low, "high": one.limits.high}
            for one in made.layers
        ],
        "sites": {str(well): number for well, number in made.sites.items()},
        "waiting": made.waiting,
        "failures": {str(well): why[:200] for well, why in made.failures[:20]},
    }
    kept = {"cache-control": "no-store"} if made.waiting else _KEPT
    headers = {FACTS: json.dumps(facts), **kept}
    return Response(made.jpeg, media_type="image/jpeg", headers=headers)


def send_site(request: Request, values: Values) -> Response:
    """Return a picture of a site, with the contrast of its plate or of another."""
    place = read_place(request)
    shelf = plate_shelf(place)
    plates = shelf.plates(place)
    plate, well = choose_plate(plates, values["plate"]), choose_well(values["well"])
    sites = [one for one in plates.sites_of(plate, well) if values["site"] in (0, one.number)]
    if not sites:
        raise NotFound(f"the plate {plate} has no image of {well}, site {values['site'] or 'any'}")
    channels = choose_channels(plates.sites(plate), values["channel"])
    scale = plates.find(values["contrast_of"] or plate).name
    there = channels_of(plates.sites(scale))
    limits = plate_limits(
        plates, scale, shelf.store, [one for one in channels if one in there],
        CONTRASTS[values["contrast"]],
    )  # fmt: skip
    if not limits:
        raise InvalidArgument(f"the plate {scale} has none of the channels {', '.join(channels)}")
    jpeg = site_picture(sites[0], shelf.store, channels, limits, values["size"])
    return Response(jpeg, media_type="image/jpeg", headers=_KEPT)


_PLATE = Parameter("plate", "Its name; where there is only one, it may be left out.")
_CHANNEL = Parameter("channel", "Channel that is shown; may be there several times.", several=True)
_CONTRAST = Parameter(
    "contrast", "What is black and white.", default="usual", choices=tuple(CONTRASTS)
)
_SITE = Parameter("site", "Its number; 0 for the first of a well.", int, 0, lowest=0, highest=999)

OPERATIONS = (
    Operation(
        "/api/plates/{reference:path}",
        "Plates of a package or of a folder of it, and which files tell of each.",
        list_plates,
    ),
    Operation(
        "/api/columns/{reference:path}",
        "Columns that the wells of a plate have, by table.\n"
        "The table without a name is the plate map with what joins to it.",
        list_columns,
        (_PLATE,),
    ),
    Operation(
        "/api/wells/{reference:path}",
        "A value for each well of a plate, and colours that suit the values.\n"
        "Wells with null are there, but have no value. Of several rows of a well, numbers are "
        "their mean.",
        show_wells,
        (
            _PLATE,
            Parameter("colour", "Column of the plate map or of a table; by default one that fits."),
            Parameter("table", "Table that has the column; by default the first one that has it."),
            Parameter("low", "Lower end of the colours, in place of the 1st percentile.", float),
            Parameter("high", "Upper end of the colours, in place of the 99th percentile.", float),
        ),
    ),
    Operation(
        "/api/montage/{reference:path}",
        "Picture of a plate: a site of each well, all with one contrast.\n"
        f"The header `{FACTS}` tells as JSON where wells are and how channels are shown. "
        "Where `waiting` in it is not 0, so many wells are still being read: ask again.",
        send_montage,
        (_PLATE, _CHANNEL, _CONTRAST, _SITE),
        media="image/jpeg",
    ),
    Operation(
        "/api/site/{reference:path}",
        "Picture of a site of a well, with the contrast of its plate.",
        send_site,
        (
            _PLATE,
            Parameter("well", "Such as A01."),
            _SITE,
            _CHANNEL,
            _CONTRAST,
            Parameter("contrast_of", "Plate whose contrast is used; by default its own."),
            Parameter("size", "Longest side in pixels.", int, 256, lowest=16, highest=LARGEST),
        ),
        media="image/jpeg",
    ),
)
