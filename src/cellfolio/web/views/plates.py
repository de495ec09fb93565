"""Plates: the list, a plate as a map or as images, a well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.errors import CellfolioError
from cellfolio.imaging.sprites import default_channels
from cellfolio.registries.plates import Well
from cellfolio.web.failures import words_of
from cellfolio.web.places import Place, read_place
from cellfolio.web.plate_places import CONTRASTS, choose_plate, choose_well, plate_shelf
from cellfolio.web.rendering import page
from cellfolio.web.views.view import View
from cellfolio.workflows.measuring.sites import SiteImages
from cellfolio.workflows.plate_views.plates import Plates, channels_of
from cellfolio.workflows.plate_views.profiles import WellProfile, well_profile
from cellfolio.workflows.plate_views.tables import PlateTable, rows_of_plate
from cellfolio.workflows.plate_views.values import (
    annotation_table,
    described,
    negative_controls,
    perturbation_column,
    wells_of,
)

_SHOWN_SITES = 16
"""Sites of a well whose pictures are shown."""
_SHOWN_TABLES = 12
_PLAIN = re.compile(r"[\w.-]+", re.ASCII)
"""Values that conditions take as they are."""


@dataclass(frozen=True, slots=True)
class ShownSite:
    """A site of a well on the page.

    Attributes
    ----------
    number : int
    link : str
        To the viewer.
    problem : str
        What is wrong with it, if anything.
    """

    number: int
    link: str
    problem: str


@dataclass(frozen=True, slots=True)
class ShownObjects:
    """A table of sites or objects on the page of a well.

    Attributes
    ----------
    name : str
    kind : str
    rows : int or None
        Of this well; None if they could not be counted.
    link : str
    """

    name: str
    kind: str
    rows: int | None
    link: str


def show_plates(request: Request) -> Response:
    """Return the list of plates of a package or folder."""
    place = read_place(request)
    plates = plate_shelf(place).plates(place)
    return page(request, "plates.html", place=place, plates=plates.summaries, notes=plates.notes)


def show_plate(request: Request) -> Response:
    """Return the page of a plate; what it shows is asked for by its script."""
    place = read_place(request)
    plates = plate_shelf(place).plates(place)
    plate = choose_plate(plates, request.query_params.get("plate"))
    summary = plates.find(plate)
    sites, trouble = _sites(plates, plate)
    names = [one.name for one in plates.summaries]
    at = names.index(plate)
    wells, shape = wells_of(plates, plate)
    channels = channels_of(sites)
    return page(
        request,
        "plate.html",
        place=place,
        plate=summary,
        before=names[at - 1] if at else None,
        after=names[at + 1] if at + 1 < len(names) else None,
        wells=len(wells),
        shape=shape,
        channels=channels,
        usual=default_channels(channels),
        contrasts=tuple(CONTRASTS),
        numbers=sorted({one.number for one in sites}),
        trouble=trouble,
    )


def _sites(plates: Plates, plate: str) -> tuple[tuple[SiteImages, ...], str]:
    """Return the sites of a plate, or why they are not known."""
    try:
        return plates.sites(plate), ""
    except CellfolioError as error:
        return (), error.message


def show_well(request: Request) -> Response:
    """Return the page of a well, or as ``part`` what the page of a plate has of it."""
    place = read_place(request)
    plates = plate_shelf(place).plates(place)
    query = request.query_params
    plate, well = choose_plate(plates, query.get("plate")), choose_well(query.get("well"))
    facts = {
        "place": place,
        "plate": plate,
        "well": str(well),
        **_told(plates, plate, well),
        **_shown_sites(place, plates, plate, well, tuple(query.getlist("channel"))),
        "tables": list(_shown_tables(place, plates, plate, well)),
        "profile": _profile(plates, plate, well, query.get("table")),
    }
    return page(request, "well_part.html" if "part" in query else "well.html", **facts)


def _told(plates: Plates, plate: str, well: Well) -> dict[str, Any]:
    """Return what is known to have been in a well."""
    try:
        told = annotation_table(plates, plate)
    except CellfolioError as error:
        return {"known": {}, "control": False, "replicates": None, "told_trouble": words_of(error)}
    found = {"known": {}, "control": False, "replicates": None, "told_trouble": None}
    if told is None:
        return found
    known = described(told, well)
    column = perturbation_column(told)
    name = None if column is None else column.removeprefix("Image_").removeprefix("Metadata_")
    return {
        **found,
        "known": known,
        "control": well in negative_controls(told),
        "replicates": (name, known[name]) if name is not None and name in known else None,
    }


def _shown_sites(
    place: Place, plates: Plates, plate: str, well: Well, channels: tuple[str, ...]
) -> dict[str, Any]:
    sites, trouble = _sites(plates, plate)
    own = [one for one in sites if one.well == well]
    shown = [ShownSite(one.number, _viewer(place, one), one.problem) for one in own[:_SHOWN_SITES]]
    known = channels_of(sites)
    chosen = tuple(one for one in channels if one in known)
    return {
        "sites": shown,
        "more_sites": len(own) - len(shown),
        "site_trouble": trouble,
        "channels": chosen,
    }


def _viewer(place: Place, site: SiteImages) -> str:
    """Return where the viewer shows a site: its one file, or all of its files together."""
    keys = list(dict.fromkeys(part.key for _, part in site.parts))
    if len(keys) == 1:
        return place.link("image", keys[0])
    folder = keys[0].rpartition("/")[0] if keys else ""
    return place.link("image", folder, well=str(site.well), site=site.number)


def _shown_tables(place: Place, plates: Plates, plate: str, well: Well) -> Iterator[ShownObjects]:
    tables = [one for one in plates.find(plate).tables if one.kind in ("objects", "sites")]
    for table in tables[:_SHOWN_TABLES]:
        own = _of_well(table, well)
        count, written = None, None
        with suppress(CellfolioError):
            rows = rows_of_plate(plates.package, own, plate, [table.well_column], plates.home)
            here = rows[rows.index == well]
            count = len(here)
            written = str(here.iloc[0, 0]) if count else None
        where = list(_conditions(own, plate, written))
        link = place.link("package", own.keys[0], where=where or None)
        yield ShownObjects(table.name, table.kind, count, link)


def _conditions(table: PlateTable, plate: str, well: str | None) -> Iterator[str]:
    """Yield conditions for the rows of a well, where its name and the plate's are plain."""
    for column, value in ((table.plate_column, plate), (table.well_column, well)):
        if column is not None and value is not None and _PLAIN.fullmatch(value):
            quoted = column.replace('"', '""')
            yield f'"{quoted}"={value}'


def _of_well(table: PlateTable, well: Well) -> PlateTable:
    """Return the part of a table that has a well, where its files are called by wells."""
    stems = {key: key.rpartition("/")[2].partition(".")[0].partition("_")[0] for key in table.keys}
    own = tuple(key for key, stem in stems.items() if stem == str(well))
    return replace(table, keys=own) if len(table.keys) > 1 and own else table


def _profile(
    plates: Plates, plate: str, well: Well, asked: str | None
) -> WellProfile | CellfolioError | None:
    tables = [one for one in plates.find(plate).tables if one.kind == "wells"]
    # Normalized profiles can be compared; what was selected has lost features.
    tables.sort(key=lambda one: (one.name != asked, "normalized" not in one.name.lower()))
    for table in tables:
        try:
            found = well_profile(plates, plate, well, table)
        except CellfolioError as error:
            return error
        if found is not None and found.differences:
            return found
    return None


VIEWS = (
    View("/plates/{reference:path}", show_plates),
    View("/plate/{reference:path}", show_plate),
    View("/well/{reference:path}", show_well),
)
