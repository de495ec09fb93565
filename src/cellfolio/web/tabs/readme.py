"""The README of a package or folder, as its author meant it to look."""

from __future__ import annotations

from dataclasses import replace

from markupsafe import Markup
from starlette.requests import Request

from cellfolio.errors import InvalidArgument
from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.package.html import visible_text
from cellfolio.web import highlighting
from cellfolio.web.listing import readme_name
from cellfolio.web.markdown import STYLE, markdown_at
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body
from cellfolio.web.reading import ranged
from cellfolio.web.rendering import fragment
from cellfolio.web.tabs.tab import Tab

_MOST = 1024 * 1024
"""Bytes of a README that are shown."""


def find_readme(place: Place) -> Entry | None:
    """Return the README of a folder, or of the whole package."""
    found = place.found
    if not isinstance(found, Folder):
        return None
    name = readme_name(place.package, found.prefix)
    entry = None if name is None else found[name]
    return entry if isinstance(entry, Entry) else None


def _render(request: Request, place: Place) -> Body:
    entry = find_readme(place)
    if entry is None:
        raise InvalidArgument(f"{place.reference} has no README")
    source = ranged(entry, place.home)
    size = source.size
    text = bytes(source.read_first(_MOST)).decode("utf-8", "replace") if size else ""
    if entry.name.lower().endswith((".rst", ".txt")):
        body = Body(_plain(text))
    else:
        body = Body(markdown_at(place, text), styles=(STYLE, highlighting.STYLE))
    facts = {"place": place, "entry": entry, "html": body.html, "cut": size > _MOST}
    return replace(body, html=fragment("tabs/readme.html", **facts))


def _plain(text: str) -> Markup:
    lines = text.replace("\r\n", "\n").expandtabs()
    return Markup('<pre class="readme">{}</pre>').format(visible_text(lines))


README = Tab("readme", "README", lambda place: find_readme(place) is not None, _render)
