"""Rows of a table, or cells of a matrix, as points."""

from __future__ import annotations

from starlette.requests import Request

from cellfolio.package.entry import Entry
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.rendering import fragment
from cellfolio.workflows.points.opening import is_matrix, is_table

SCRIPTS = (
    "scatter_page.js",
    *(
        f"scatter{part}.js"
        for part in ("", "_gl", "_painter", "_grid", "_axes", "_colouring", "_palette")
    ),
    *(f"{name}.js" for name in ("scatter_legend", "scatter_selection")),
    *(f"{name}.js" for name in ("chooser", "asking", "address", "graphics_card")),
)
"""The first one asks for the others; all of them are named so that they are fetched at once."""
_BESIDE = 40
"""Tables of the same folder that are offered as further columns."""


def suits_points(entry: Entry) -> bool:
    """Whether a file can be shown as points, by its name."""
    return is_table(entry.name) or is_matrix(entry.name)


def render_points(request: Request, place: Place) -> Body:
    """Show a table as points; a script of ours asks for the numbers."""
    return Body(
        fragment("points.html", place=place, tables=tables_beside(place)),
        scripts=SCRIPTS,
        styles=("scatter.css",),
    )


def tables_beside(place: Place) -> list[str]:
    """Return the keys of the other tables of the folder that a file is in."""
    folder = place.key.rpartition("/")[0]
    held = place.package[folder] if folder else place.package
    if isinstance(held, Entry):
        return []
    names = (one.logical_key for one in held.files if is_table(one.name))
    return [key for key in names if key != place.key][:_BESIDE]


POINTS = Preview("points", "Points", suits_points, render_points)
