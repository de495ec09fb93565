"""All previews there are, the best first."""

from __future__ import annotations

from cellfolio.errors import InvalidArgument
from cellfolio.package.entry import Entry
from cellfolio.web.previews.image import IMAGE
from cellfolio.web.previews.octets import OCTETS
from cellfolio.web.previews.points import POINTS
from cellfolio.web.previews.preview import Preview

PREVIEWS: tuple[Preview, ...] = (
    IMAGE,
    POINTS,
    OCTETS,
)
"""Of those that suit a file, the first is shown unasked; `OCTETS` suits every file."""


def previews_of(entry: Entry) -> tuple[Preview, ...]:
    """Return the ways to show a file, the best first."""
    return tuple(one for one in PREVIEWS if one.suits(entry))


def choose_preview(entry: Entry, name: str | None) -> Preview:
    """Return the preview of that name, or the best.

    Raises
    ------
    InvalidArgument
        If the file cannot be shown so.
    """
    suited = previews_of(entry)
    for one in suited:
        if name in (None, one.name):
            return one
    raise InvalidArgument(
        f"{entry.name} cannot be shown as {name!r}",
        hint=f"it can as {', '.join(one.name for one in suited)}",
    )
