"""Images: what they are, their planes, pictures of them, and what was measured of their objects."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cellfolio.imaging.projection import PROJECTIONS
from cellfolio.web.image_facts import describe_image
from cellfolio.web.images import (
    LABELS,
    TABLE,
    TAG,
    WHICH,
    Addressed,
    asked_of,
    desk_of,
    keep,
    open_asked,
)
from cellfolio.web.operations import Operation, Parameter, Values
from cellfolio.web.places import read_place
from cellfolio.workflows.shown_images.facts import measure_channels
from cellfolio.workflows.shown_images.objects import ObjectAsked, find_table, read_object
from cellfolio.workflows.shown_images.pictures import PictureAsked, draw_picture, read_limits
from cellfolio.workflows.shown_images.planes import PlaneAsked

_AT = (
    Parameter("z", "Depth, counted from 0.", int, 0, lowest=0),
    Parameter("t", "Time point, counted from 0.", int, 0, lowest=0),
    Parameter("projection", "How depths become one plane.", choices=PROJECTIONS),
)
_PLANE = (
    Parameter("c", "Channel, counted from 0.", int, 0, lowest=0),
    *_AT,
    Parameter("level", "Resolution, 0 for the finest; see `levels` of the image.", int, 0,
              lowest=0),
    Parameter("kind", "Whether pixels are light, or numbers of objects.", default="light",
              choices=("light", "labels")),
)  # fmt: skip
_PICTURE = (
    Parameter("size", "Pixels of the longer side, at most.", int, 512, lowest=1, highest=2048),
    Parameter("channel", "Channels by name or number; by default those that suit.", several=True),
    Parameter("contrast", "CHANNEL:LOW:HIGH; by default found in the image.", several=True),
    *_AT,
    Parameter("x", "Left edge of a part of the image, in pixels.", int, 0, lowest=0),
    Parameter("y", "Its upper edge.", int, 0, lowest=0),
    Parameter("width", "Its width; by default all.", int, 0, lowest=0, highest=65_536),
    Parameter("height", "Its height.", int, 0, lowest=0, highest=65_536),
)


def show_image(request: Request, values: Values) -> Response:
    """Return what an image is."""
    place, asked = read_place(request), asked_of(values)
    opened = open_asked(request, place, asked)
    desk = desk_of(request)
    document = describe_image(
        Addressed(place, asked, opened), desk, values["labels"], values["table"]
    )
    if values["contrast"]:
        z = min(values["z"], document["sizes"]["Z"] - 1)
        measured = measure_channels(desk, opened, values["t"], z)
        for channel, (limits, found) in zip(document["channels"], measured, strict=True):
            channel["contrast"] = [limits.low, limits.high]
            channel["histogram"] = {
                "low": found.low, "high": found.high, "counts": found.counts,
                "not_numbers": found.strange,
            }  # fmt: skip
    return JSONResponse(document)


def send_plane(request: Request, values: Values) -> Response:
    """Return the pixels of a plane."""
    place = read_place(request)
    opened = open_asked(request, place, asked_of(values))
    wanted = PlaneAsked(
        values["c"], values["z"], values["t"], values["level"], values["projection"],
        values["kind"] == "labels",
    )  # fmt: skip
    tag = opened.tag if values["kind"] == "light" else place.package.top_hash[:20]
    fresh = keep(request, place, tag, values["v"], Response())
    if fresh.status_code == 304:
        return fresh
    plane = desk_of(request).plane(opened, wanted)
    return keep(
        request,
        place,
        tag,
        values["v"],
        Response(
            plane.tobytes(),
            media_type="application/octet-stream",
            headers={
                "x-height": str(plane.shape[0]),
                "x-width": str(plane.shape[1]),
                "x-dtype": str(plane.dtype),
                "content-security-policy": "sandbox; default-src 'none'",
            },
        ),
    )


def send_picture(request: Request, values: Values) -> Response:
    """Return a picture of an image."""
    place = read_place(request)
    opened = open_asked(request, place, asked_of(values))
    fresh = keep(request, place, opened.tag, values["v"], Response())
    if fresh.status_code == 304:
        return fresh
    crop = (values["x"], values["y"], values["width"], values["height"])
    wanted = PictureAsked(
        values["size"],
        values["channel"],
        read_limits(values["contrast"]),
        PlaneAsked(0, values["z"], values["t"], project=values["projection"]),
        crop,
        tuple(values["labels"]),
    )
    data = draw_picture(desk_of(request), place.package, opened, wanted)
    return keep(request, place, opened.tag, values["v"], Response(data, media_type="image/png"))


def show_object(request: Request, values: Values) -> Response:
    """Return what was measured of an object."""
    place = read_place(request)
    opened = open_asked(request, place, asked_of(values))
    package = place.package
    wanted = ObjectAsked(values["labels"], values["label"], opened.files.site, values["table"])
    keys = desk_of(request).keys(package)
    table = wanted.table or find_table(keys, wanted)
    if table is None:
        return JSONResponse({"label": wanted.number, "table": None, "features": {}})
    facts = read_object(package, wanted, table, place.home)
    return JSONResponse(
        {
            "label": facts.number,
            "kind": facts.kind,
            "table": table,
            "page": place.link("package", table),
            "features": dict(facts.values),
        }
    )


def list_sites(request: Request, values: Values) -> Response:
    """Return the sites of a folder."""
    place = read_place(request)
    below = f"{place.key}/" if place.key else ""
    index = desk_of(request).index(place.package, place.key)
    found = sorted(site for site in index.sites if f"{site[0]}/".startswith(below))
    listed = [
        {"folder": one[0], "well": str(one[1]), "site": one[2], "keys": index.sites[one]}
        for one in found[values["start"] : values["start"] + values["limit"]]
    ]
    return JSONResponse({"sites": listed, "count": len(found)})


OPERATIONS = (
    Operation(
        "/api/image/{reference:path}",
        "What an image is: axes, channels, resolutions, labels that lie over it.\n"
        "A file of one channel of a site stands for the whole site.",
        show_image,
        (
            *WHICH,
            LABELS,
            TABLE,
            Parameter("contrast", "Read pixels too, for contrast and histograms.", bool, False),
            *_AT[:2],
        ),
    ),
    Operation(
        "/api/plane/{reference:path}",
        "Pixels of one plane: little-endian, row by row.\n"
        "Headers tell `x-height`, `x-width` and `x-dtype`: uint8, uint16 or float32, and uint32 "
        "of labels.",
        send_plane,
        (*WHICH, *_PLANE, TAG),
        media="application/octet-stream",
    ),
    Operation(
        "/api/picture/{reference:path}",
        "A picture of an image or of a part of it: channels in colour, outlines of labels.",
        send_picture,
        (*WHICH, *_PICTURE, Parameter("labels", "Keys of label images; by default none.",
                                      several=True), TAG),
        media="image/png",
    ),
    Operation(
        "/api/object/{reference:path}",
        "What was measured of an object of a label image.",
        show_object,
        (
            *WHICH,
            Parameter("labels", "Key of the label image.", default=""),
            Parameter("label", "Number of the object in it.", int, 1, lowest=1, highest=2**32),
            TABLE,
        ),
    ),
    Operation(
        "/api/sites/{reference:path}",
        "Sites of plates in a package or folder: well, number and files of each.",
        list_sites,
        (
            Parameter("start", "Sites that are left out at the start.", int, 0, lowest=0),
            Parameter("limit", "Sites, at most.", int, 1_000, lowest=0, highest=100_000),
        ),
    ),
)  # fmt: skip
