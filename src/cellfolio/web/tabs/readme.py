"""The README of a package or folder, as its author meant it to look."""

from __future__ import annotations

from markupsafe import Markup
from starlette.requests import Request

from cellfolio.errors import InvalidArgument
from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.package.package import is_readme
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
    name = next((one for one in found.names if is_readme(one)), None)
    entry = None if name is None else found[name]
    return entry if isinstance(entry, Entry) else None


def _render(request: Request, place: Place) -> Body:
    entry = find_readme(place)
    if entry is None:
        raise InvalidArgument(f"{place.reference} has no README")
    source = ranged(entry, place.home)
    size = source.size
    text = bytes(source.read_first(_MOST)).decode("utf-8", "replace") if size else ""
    html, styles = _as_html(text, entry, place)
    facts = {"place": place, "entry": entry, "html": html, "cut": size > _MOST}
    return Body(fragment("tabs/readme.html", **facts), styles=styles)


def _as_html(text: str, entry: Entry, place: Place) -> tuple[Markup | None, tuple[str, ...]]:
    return Markup("<pre class=readme>{}</pre>").format(text), ()


README = Tab("readme", "README", lambda place: find_readme(place) is not None, _render)
