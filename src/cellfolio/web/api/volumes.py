"""Volumes: what they are, and their slices as plain numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cellfolio.errors import InvalidArgument
from cellfolio.formats.volumes import Volume
from cellfolio.web.background import Standing
from cellfolio.web.operations import Operation, Parameter, Values
from cellfolio.web.places import read_place
from cellfolio.web.volume_shelf import VolumeShelf
from cellfolio.workflows.volumes import limits_of, planes_of, read_slice


def show_volume(request: Request, values: Values) -> Response:
    """Return what a volume is, or how far its unpacking is."""
    volume = _opened(request)
    if isinstance(volume, Standing):
        told: dict[str, Any] = {"state": volume.state, "seconds": round(volume.seconds, 1)}
        if volume.state == "failed":
            told.update(error=volume.message, hint=volume.hint)
        return JSONResponse(told)
    shape = volume.data.shape
    middle, _ = read_slice(volume, planes_of(volume)[0].name, 0)
    return JSONResponse(
        {
            "state": "done",
            "shape": shape[:3],
            "times": shape[3] if len(shape) > 3 else 1,
            "type": middle.dtype.name,
            "stored": volume.data.dtype.name,
            "spacing": volume.spacing,
            "orientation": volume.orientation,
            "notes": volume.notes,
            "limits": limits_of(volume),
            "planes": [asdict(one) for one in planes_of(volume)],
        }
    )


def send_slice(request: Request, values: Values) -> Response:
    """Return a slice: its rows from the top, each from the left."""
    volume = _opened(request)
    if isinstance(volume, Standing):
        raise InvalidArgument(
            volume.message or "the volume is not unpacked yet",
            hint=volume.hint or "ask /api/volume until it says done",
        )
    if values["plane"] is None:
        raise InvalidArgument("plane= should name a plane, found none")
    data, position = read_slice(volume, values["plane"], values["index"], values["time"])
    place = position.encode("ascii", "replace").decode()
    headers = {"x-position": place, "x-shape": f"{data.shape[0]},{data.shape[1]}"}
    return Response(data.tobytes(), media_type="application/octet-stream", headers=headers)


def _opened(request: Request) -> Volume | Standing:
    shelf: VolumeShelf = request.app.state.volumes
    return shelf.open(read_place(request))


OPERATIONS = (
    Operation(
        "/api/volume/{reference:path}",
        "What a volume is: its grid, spacing in mm, planes and limits of contrast.\n"
        "A large compressed file is unpacked first; `state` tells how far that is.",
        show_volume,
    ),
    Operation(
        "/api/slice/{reference:path}",
        "A slice of a volume as it is shown: little-endian numbers of the `type` of `/api/volume`.",
        send_slice,
        (
            Parameter("plane", "One of those that `/api/volume` names."),
            Parameter("index", "Voxel along the axis that it is cut across.", int, 0, lowest=0),
            Parameter("time", "Place along the fourth axis.", int, 0, lowest=0),
        ),
        "application/octet-stream",
    ),
)
