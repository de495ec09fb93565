"""JSON documents as trees: a few levels at once, what is deeper when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cellfolio.errors import BrokenFile, EntryNotFound
from cellfolio.formats.loading import load as load_source
from cellfolio.package.sizes import format_size
from cellfolio.web.places import Place
from cellfolio.workflows.table_opening import place_of, source_of

LARGEST = 32_000_000
"""Bytes of a document, decompressed, that is parsed."""
CHILDREN = 200
"""Values of an object or a list that are shown at a time."""
_SHOWN = 2_000


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a document.

    Attributes
    ----------
    name : str or int or None
        Its key, or its number in a list; None for the document.
    pointer : str
        Where it is (RFC 6901).
    kind : str
        'object', 'list', 'text', 'number', 'word' (true, false, null).
    text : str
        The value, or how much is in it.
    """

    name: str | int | None
    pointer: str
    kind: str
    text: str

    @property
    def nested(self) -> bool:
        """Whether there is something in it."""
        return self.kind in ("object", "list")


def read_json(place: Place) -> Any:
    """Return a document.

    Raises
    ------
    BrokenFile
        If it is no JSON, nested too deep, or too large to be parsed.
    """
    where = place_of(place.entry, place.home)
    if where.size is None or where.size > LARGEST:
        size = "" if where.size is None else f"it has {format_size(where.size)}; "
        raise BrokenFile(
            place.key, "json", f"{size}up to {format_size(LARGEST)} are shown as a tree",
            hint="it can be shown as text, by parts",
        )  # fmt: skip
    source = source_of(where, place.package, place.home)
    return load_source(source, declared="json", max_bytes=LARGEST)


def value_at(document: Any, pointer: str) -> Any:
    """Return what is at a place of a document (RFC 6901).

    Raises
    ------
    EntryNotFound

    Examples
    --------
    >>> value_at({"a/b": [1, {"c": 2}]}, "/a~1b/1/c")
    2
    """
    found = document
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(name)] if isinstance(found, list) else found[name]
        except (KeyError, IndexError, ValueError, TypeError):
            raise EntryNotFound(f"the document has no {pointer!r}") from None
    return found


def node_of(value: Any, pointer: str = "", name: str | int | None = None) -> Node:
    """Return what is shown of a value."""
    if isinstance(value, dict):
        return Node(name, pointer, "object", _many(len(value), "field"))
    if isinstance(value, list):
        return Node(name, pointer, "list", _many(len(value), "value"))
    if isinstance(value, str):
        cut = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
        return Node(name, pointer, "text", cut)
    if value is None or isinstance(value, bool):
        return Node(name, pointer, "word", {None: "null", True: "true", False: "false"}[value])
    return Node(name, pointer, "number", repr(value))


def children_of(value: Any, pointer: str, first: int = 0) -> Iterator[tuple[Node, Any]]:
    """Yield some of the values in a value, from the one numbered `first` on."""
    pairs: Any = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for name, one in pairs[first : first + CHILDREN]:
        escaped = str(name).replace("~", "~0").replace("/", "~1")
        yield node_of(one, f"{pointer}/{escaped}", name), one


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
