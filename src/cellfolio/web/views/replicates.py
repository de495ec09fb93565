"""Wells of the same perturbation, side by side over plates, with one contrast."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.errors import CellfolioError
from cellfolio.imaging.sprites import default_channels
from cellfolio.web.operations import Parameter, read_values
from cellfolio.web.places import read_place
from cellfolio.web.plate_places import CONTRASTS, plate_shelf
from cellfolio.web.rendering import page
from cellfolio.web.views.view import View
from cellfolio.workflows.plate_views.plates import Plates, channels_of
from cellfolio.workflows.plate_views.replicates import Replicates, find_replicates

_PARAMETERS = (
    Parameter("perturbation", "Such as a compound."),
    Parameter("by", "Column that tells it."),
    Parameter("channel", "Channel that is shown.", several=True),
    Parameter("contrast", "Black and white.", default="usual", choices=tuple(CONTRASTS)),
    Parameter("controls", "Negative controls of each plate.", int, 2, lowest=0, highest=12),
    Parameter("size", "Of a picture, in pixels.", int, 192, lowest=64, highest=512),
)
_MOST_KNOWN = 2_000
"""Perturbations that can be chosen from; what is typed need not be one of them."""


def show_replicates(request: Request) -> Response:
    """Return the page of the replicates of a perturbation."""
    place = read_place(request)
    values = read_values(_PARAMETERS, request)
    plates = plate_shelf(place).plates(place)
    found = find_replicates(plates, values["perturbation"] or None, values["by"] or None)
    known = _channels(plates, found)
    chosen = [one for one in values["channel"] if one in known] or list(default_channels(known))
    imaged = [one.plate for one in found.plates if one.with_images]
    return page(
        request,
        "replicates.html",
        place=place,
        found=found,
        known=found.known[:_MOST_KNOWN],
        channels=known,
        chosen=chosen,
        contrasts=tuple(CONTRASTS),
        values=values,
        scale=imaged[0] if imaged else None,
    )


def _channels(plates: Plates, found: Replicates) -> tuple[str, ...]:
    """Return the channels of the plates that are shown."""
    names: dict[str, None] = {}
    for one in found.plates:
        try:
            names.update(dict.fromkeys(channels_of(plates.sites(one.plate))))
        except CellfolioError:
            continue
    return tuple(names)


VIEWS = (View("/replicates/{reference:path}", show_replicates),)
