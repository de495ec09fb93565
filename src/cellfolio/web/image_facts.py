"""What an image is, as a document: for programs, and for the viewer on a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cellfolio.web.images import Addressed, query_of
from cellfolio.workflows.shown_images.desk import ImageDesk
from cellfolio.workflows.shown_images.facts import (
    channel_facts,
    contrast_document,
    first_contrast,
    sizes_of,
)
from cellfolio.workflows.shown_images.opening import OpenedImage
from cellfolio.workflows.shown_images.planes import told_level


def describe_image(
    addressed: Addressed, desk: ImageDesk, labels: Iterable[str] = (), table: str = ""
) -> dict[str, Any]:
    """Return what a viewer has to know of an image before it asks for planes.

    Parameters
    ----------
    addressed : Addressed
    desk : ImageDesk
    labels : iterable of str
        Keys of label images to lie over it; by default those found.
    table : str
        Key of the table of objects; by default looked for.
    """
    opened = addressed.opened
    return {
        **_pixels(opened),
        "key": opened.files.key,
        "name": opened.files.name,
        "tag": opened.tag,
        "planes": addressed.planes,
        "labels": addressed.labels(desk, labels, table),
        "site": addressed.site(desk),
        "page": addressed.place.link("image", None, **query_of(addressed.asked)),
    }


def _pixels(opened: OpenedImage) -> dict[str, Any]:
    image = opened.image
    size = image.pixel_size
    level = opened.fitting_level
    told = told_level(opened, level)
    return {
        "axes": image.axes,
        "sizes": sizes_of(image),
        "dtype": str(image.dtype),
        "pixel_size": {"x": size.x, "y": size.y, "z": size.z},
        "channels": [
            {"name": one.name, "colour": one.colour, "shown": one.shown}
            for one in channel_facts(opened.channels)
        ],
        "contrast": contrast_document(first_contrast(opened.channels)),
        "levels": [{"height": one.shape[0], "width": one.shape[1]} for one in opened.levels],
        "level": level,
        "notes": [*opened.notes, *([told] if told else [])],
    }
