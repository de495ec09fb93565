"""Images in a viewer: planes are asked for as they are looked at."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from cellfolio.formats.images.opening import names_image
from cellfolio.package.entry import Entry
from cellfolio.web.image_facts import describe_image
from cellfolio.web.images import Addressed, desk_of, open_asked, query_of
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.rendering import fragment
from cellfolio.workflows.shown_images.desk import ImageDesk
from cellfolio.workflows.shown_images.facts import channel_facts, sizes_of
from cellfolio.workflows.shown_images.finding import Asked
from cellfolio.workflows.shown_images.opening import OpenedImage
from cellfolio.workflows.shown_images.planes import PlaneAsked

MODULES = ("state", "camera", "histogram", "planes", "shaders", "textures", "card", "painter",
           "compositor", "dom", "contrast", "panel", "objects", "scale_bar", "gestures", "stage",
           "viewer")  # fmt: skip
SCRIPTS = ("image_viewer.js", "graphics_card.js", *(f"image/{name}.js" for name in MODULES))
"""All at once: a browser would find them one after the other."""
STYLES = ("image_viewer.css",)


def render_image(request: Request, place: Place) -> Body:
    """Show an image file, or the site that it is a channel of."""
    alone = request.query_params.get("alone") == "true"
    return Body(viewer(request, place, Asked(alone=alone)), SCRIPTS, STYLES)


def viewer(
    request: Request,
    place: Place,
    asked: Asked,
    *,
    labels: tuple[str, ...] = (),
    table: str | None = None,
) -> Markup:
    """Return a viewer of an image; the planes that it shows first are begun to be read."""
    opened = open_asked(request, place, asked)
    _read_first(desk_of(request), opened)
    named: dict[str, Any] = {"labels": labels or None, "table": table}
    info = place.link("api/image", None, **query_of(asked), **named)
    addressed = Addressed(place, asked, opened)
    return fragment(
        "image_viewer.html",
        info=info,
        place=place,
        opened=opened,
        alone=asked.alone,
        beside=addressed.beside(desk_of(request)),
        facts=describe_image(addressed, desk_of(request), labels, table or ""),
        single=place.key if len(opened.files.entries) > 1 and _is_file(place) else "",
    )


def _is_file(place: Place) -> bool:
    return isinstance(place.found, Entry)


def _read_first(desk: ImageDesk, opened: OpenedImage) -> None:
    middle = sizes_of(opened.image)["Z"] // 2
    desk.read_ahead(
        opened,
        (
            PlaneAsked(number, middle, 0, opened.fitting_level)
            for number, one in enumerate(channel_facts(opened.channels))
            if one.shown
        ),
    )


IMAGE = Preview("image", "Image", lambda entry: names_image(entry.name), render_image)
