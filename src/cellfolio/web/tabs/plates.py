"""The plates of a package or folder."""

from __future__ import annotations

import re
from functools import lru_cache

from starlette.requests import Request

from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.registries.plates import match_image_name
from cellfolio.web.places import Place
from cellfolio.web.plate_places import plate_shelf
from cellfolio.web.previews.preview import Body
from cellfolio.web.rendering import fragment
from cellfolio.web.tabs.tab import Tab
from cellfolio.workflows.measuring.sites import STACK

_LOOKED_AT = 2_000
"""Names of files that are looked at to see whether there are plates, from all over a folder."""
_TABLE = re.compile(
    r"barcode_platemap\.|load_data|(?:profile|augmented|annotated|normalized|feature_select|"
    r"per_well|_bulk)[^/]*\.(?:csv|parquet)",
    re.IGNORECASE,
)


def may_have_plates(place: Place) -> bool:
    """Whether names of files tell of plates; nothing is opened."""
    if place.key and isinstance(place.found, Entry):
        return False
    return _may_have(place.package, place.key)


@lru_cache(64)
def _may_have(package: Package, folder: str) -> bool:
    rows = package.rows
    start, stop = rows.folder(f"{folder.rstrip('/')}/") if folder else (0, len(rows))
    for index in range(start, stop, max(1, (stop - start) // _LOOKED_AT)):
        name = rows.key(index).rpartition("/")[2]
        if _TABLE.search(name) or match_image_name(name) or STACK.fullmatch(name):
            return True
    return False


def _render(request: Request, place: Place) -> Body:
    plates = plate_shelf(place).plates(place)
    shown = fragment("plates_part.html", place=place, plates=plates.summaries, notes=plates.notes)
    return Body(shown, styles=("plates.css",))


PLATES = Tab("plates", "Plates", may_have_plates, _render)
