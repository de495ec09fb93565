"""JSON as a tree to unfold."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from cellfolio.formats.standard import DEFAULT
from cellfolio.package.entry import Entry
from cellfolio.web.json_documents import CHILDREN, children_of, node_of, read_json
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.rendering import fragment

_AT_ONCE = 400
"""Values that are shown before one unfolds anything."""


def render_json(request: Request, place: Place) -> Body:
    """Show a document."""
    document = read_json(place)
    node = node_of(document)
    if not node.nested:
        return Body(fragment("json_value.html", node=node), styles=("documents.css",))
    html = children_html(place, document, "", 0, _AT_ONCE)
    facts = fragment("json.html", node=node, children=html)
    return Body(facts, styles=("documents.css",))


def children_html(place: Place, value: Any, pointer: str, first: int, budget: int = 0) -> Markup:
    """Return the values in a value as HTML.

    Parameters
    ----------
    place : Place
    value : object
    pointer : str
        Where it is.
    first : int
        Number of the first value that is shown.
    budget : int
        How many values may be shown besides, deeper in; the others are asked for when unfolded.
    """
    items = []
    left = budget - min(len(value), CHILDREN)
    for node, one in children_of(value, pointer, first):
        within = None
        if node.nested and 0 < len(one) <= left:
            left -= len(one)
            within = children_html(place, one, node.pointer, 0, 0)
        address = place.link("part/json", at=node.pointer)
        items.append((node, within, address if node.nested and one else None))
    following = first + CHILDREN
    more = None
    if following < len(value):
        more = place.link("part/json", at=pointer, first=following)
    return fragment("json_children.html", items=items, more=more, left=len(value) - following)


def is_json(entry: Entry) -> bool:
    """Whether a file is a JSON document, by its name."""
    found = DEFAULT.named(entry.name)
    return found is not None and found.name == "json"


JSON_TREE = Preview("tree", "Tree", is_json, render_json)
