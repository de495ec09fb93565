"""Volumes: three planes with one cross-hair."""

from __future__ import annotations

from starlette.requests import Request

from cellfolio.package.entry import Entry
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.rendering import fragment

_SUFFIXES = (".nii", ".nii.gz")


def suits_volume(entry: Entry) -> bool:
    """Whether a file is a volume, by its name."""
    return entry.name.lower().endswith(_SUFFIXES)


def render_volume(request: Request, place: Place) -> Body:
    """Show three planes of a volume; a script of ours asks for them."""
    return Body(
        fragment("volume.html", place=place), scripts=("volume_page.js",), styles=("volume.css",)
    )


VOLUME = Preview("volume", "Planes", suits_volume, render_volume)
