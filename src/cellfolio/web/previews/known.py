"""All previews there are, the best first."""

from __future__ import annotations

from cellfolio.errors import InvalidArgument
from cellfolio.package.entry import Entry
from cellfolio.web.previews.html_page import PAGE
from cellfolio.web.previews.image import IMAGE
from cellfolio.web.previews.json_tree import JSON_TREE
from cellfolio.web.previews.markdown import MARKDOWN
from cellfolio.web.previews.matrix import MATRIX
from cellfolio.web.previews.notebook import NOTEBOOK
from cellfolio.web.previews.octets import OCTETS
from cellfolio.web.previews.pictures import PICTURE
from cellfolio.web.previews.points import POINTS
from cellfolio.web.previews.preview import Preview
from cellfolio.web.previews.run_record import RECORD
from cellfolio.web.previews.tables import TABLE
from cellfolio.web.previews.text import ANY_TEXT, TEXT
from cellfolio.web.previews.volume import VOLUME

PREVIEWS: tuple[Preview, ...] = (
    IMAGE,
    MATRIX,
    VOLUME,
    TABLE,
    POINTS,
    PICTURE,
    RECORD,
    PAGE,
    MARKDOWN,
    NOTEBOOK,
    JSON_TREE,
    TEXT,
    OCTETS,
    ANY_TEXT,
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
