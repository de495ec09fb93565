"""A SCHEMA document as a page to read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cellfolio.metadata.kinds import AICS_KINDS
from cellfolio.metadata.schema import Attribute, Schema, Section

_LONGEST_EXAMPLE = 80


def schema_markdown(schema: Schema, title: str = "") -> str:
    """Return a SCHEMA document as Markdown: a table for each kind of records.

    Parameters
    ----------
    schema : Schema
    title : str
        Of the page; by default the name of the document.

    Examples
    --------
    >>> from cellfolio.metadata.schema import parse_schema
    >>> told = {"description": "index", "example_value": 27, "value_types": ["<type 'int'>"]}
    >>> print(schema_markdown(parse_schema({"unique_line_info": {"line_id": told}})))
    # SCHEMA
    <BLANKLINE>
    ## lines
    <BLANKLINE>
    `unique_line_info`, 1 attribute:
    <BLANKLINE>
    | attribute | what it is | type | example | origin |
    |---|---|---|---|---|
    | `line_id` | index | integer | `27` |  |
    <BLANKLINE>
    """
    return "\n".join(_lines(schema, title or schema.name))


def _lines(schema: Schema, title: str) -> Iterator[str]:
    yield f"# {_cell(title)}"
    for section in schema.sections:
        yield from _section(section)
    yield ""


def _section(section: Section) -> Iterator[str]:
    kinds = {kind.name for kind in AICS_KINDS}
    attributes = section.attributes
    count = f"{len(attributes)} attribute" + "s" * (len(attributes) != 1)
    yield ""
    yield f"## {_cell(section.kind)}"
    yield ""
    unknown = "" if section.kind in kinds else ", of a kind that is not known here"
    yield f"{_code(section.key)}, {count}{unknown}{':' if attributes else '.'}"
    if attributes:
        yield ""
        yield "| attribute | what it is | type | example | origin |"
        yield "|---|---|---|---|---|"
    for one in attributes:
        cells = (_name(one), *map(_cell, (one.description, " or ".join(one.types))))
        origin = _code(one.origin) if one.origin else ""
        yield f"| {' | '.join((*cells, example_text(one), origin))} |"


def _name(one: Attribute) -> str:
    other = "" if one.in_documents == one.name else f", in documents {_code(one.in_documents)}"
    return _code(one.name) + other


def example_text(one: Attribute) -> str:
    """Return the example of an attribute as code; nothing where there is none."""
    return "" if one.example is None else _code(short_json(one.example))


def short_json(value: Any, longest: int = _LONGEST_EXAMPLE) -> str:
    """Return a value as JSON on one line, cut where it is long; texts without quotes.

    Examples
    --------
    >>> short_json("AICS-10"), short_json(list(range(9)), 12)
    ('AICS-10', '[0, 1, 2, 3…')
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _code(text: str) -> str:
    """Return text as code in a cell of a table."""
    plain = _flat(text).replace("|", "\\|")
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"


def _cell(text: str) -> str:
    """Return text for a cell of a table: no character of it means anything to Markdown."""
    flat = _flat(text)
    for mark in "\\`*_[]<>|#":
        flat = flat.replace(mark, f"\\{mark}")
    return flat


def _flat(text: str) -> str:
    return " ".join(text.split())
