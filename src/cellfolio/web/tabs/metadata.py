"""What the authors of a package say of it, of a folder, or of a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from cellfolio.package.entry import Entry
from cellfolio.registries.catalogue import load_catalogue
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body
from cellfolio.web.rendering import fragment
from cellfolio.web.tabs.tab import Tab

FIELDS = 500
"""Fields that are shown."""
_DEPTH = 4
"""Fields within each other that are shown as lines of their own."""
_CHARACTERS = 2_000
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Field:
    """A line of metadata.

    Attributes
    ----------
    path : tuple of str
        Names of the fields that lead to it.
    value : str
        Text, or JSON.
    """

    path: tuple[str, ...]
    value: str


def fields_of(meta: Any, path: tuple[str, ...] = ()) -> Iterator[Field]:
    """Yield the fields of metadata, those within others by their path.

    Examples
    --------
    >>> [(field.path, field.value) for field in fields_of({"a": {"b": 1}, "c": "x"})]
    [(('a', 'b'), '1'), (('c',), 'x')]
    """
    if isinstance(meta, Mapping) and meta and len(path) < _DEPTH:
        for name, value in meta.items():
            yield from fields_of(value, (*path, str(name)))
    elif path or meta not in ({}, None):
        text = meta if isinstance(meta, str) else json.dumps(meta, ensure_ascii=False)
        yield Field(path, text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…")


def _render(request: Request, place: Place) -> Body:
    found = place.found
    own = found.user_meta if isinstance(found, Entry) else found.meta
    sections = [("", list(fields_of(own)))]
    if isinstance(found, Entry):
        others = {name: value for name, value in found.meta.items() if name != "user_meta"}
        sections.append(("How it was written", list(fields_of(others))))
        sections.append(("Where it is", _whereabouts(found)))
    elif not place.key:
        workflow = place.package.workflow
        sections.append(("Checked by", list(fields_of(dict(workflow or {})))))
        sections.append(("As the catalogue has it", _catalogued(place)))
    shown = [(title, fields[:FIELDS], len(fields)) for title, fields in sections if fields]
    return Body(fragment("tabs/metadata.html", place=place, sections=shown))


def _catalogued(place: Place) -> list[Field]:
    """Return what the catalogue says of a data set, and the package does not."""
    data_set = load_catalogue(place.home).get(place.shown.name)
    if data_set is None:
        return []
    facts = {
        "title": data_set.title,
        "description": data_set.description,
        "contains": "; ".join(data_set.contains),
        "modalities": "; ".join(data_set.modalities),
        "organisms": "; ".join(data_set.organisms),
        "cell lines": "; ".join(data_set.cell_lines),
        "licence": data_set.licence,
        "citation": data_set.citation,
        "homepage": data_set.homepage,
        "notes": data_set.notes,
    }
    return [Field((name,), value) for name, value in facts.items() if value]


def _whereabouts(entry: Entry) -> list[Field]:
    digest = entry.digest
    facts = {
        "logical key": entry.logical_key,
        "physical key": entry.physical_key,
        "size": "unknown" if entry.size is None else f"{entry.size:,} bytes",
        "digest": "none" if digest is None else f"{digest.algorithm} {digest.value}",
    }
    return [Field((name,), value) for name, value in facts.items()]


METADATA = Tab("metadata", "Metadata", lambda place: True, _render)
