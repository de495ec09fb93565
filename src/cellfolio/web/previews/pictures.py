"""Pictures as browsers draw them; SVG never as a document of its own."""

from __future__ import annotations

from starlette.requests import Request

from cellfolio.package.entry import Entry
from cellfolio.web.api.pictures import read_picture
from cellfolio.web.picture_kinds import SUFFIXES
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.rendering import fragment


def render_picture(request: Request, place: Place) -> Body:
    """Show a picture, if it is one that may be shown."""
    _, found = read_picture(place)
    return Body(fragment("picture.html", place=place, picture=found), styles=("documents.css",))


def _is_picture(entry: Entry) -> bool:
    return entry.name.lower().endswith(SUFFIXES)


PICTURE = Preview("picture", "Picture", _is_picture, render_picture)
