"""The SCHEMA document of a package: which attributes info documents have, and of which types.

It is a JSON object with a key for each kind, such as ``unique_line_info``, whose value has an
object for each attribute: ``description``, ``example_value``, ``origin``, ``value_types``. Types
are as Python 2 prints them: ``<type 'str'>``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import BrokenFile
from cellfolio.metadata.kinds import AICS_KINDS, Kind

if TYPE_CHECKING:
    from cellfolio.metadata.graph import RecordGraph
    from cellfolio.metadata.schema_check import SchemaReport

_TYPE = re.compile(r"<(?:type|class) '(?P<name>[\w.]+)'>")
_WORDS = {
    "str": "text", "unicode": "text", "basestring": "text",
    "int": "integer", "long": "integer",
    "float": "number",
    "bool": "true or false",
    "list": "list", "tuple": "list",
    "dict": "object",
    "NoneType": "null",
}  # fmt: skip
"""Name of a Python type → what JSON has for it."""
_FIELDS = ("description", "origin", "example_value", "value_types")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the info documents of a kind.

    Attributes
    ----------
    name : str
        As SCHEMA has it.
    description, origin : str
    example : JSON value
        None where there is none.
    types : tuple of str
        ``text``, ``integer``, ``number``, ``true or false``, ``list``, ``object``, ``null``, or
        what SCHEMA says; empty where it does not tell.
    """

    name: str
    description: str
    origin: str
    example: Any
    types: tuple[str, ...]

    @property
    def kind(self) -> Kind | None:
        """The kind whose names it lists, if it is a list of links."""
        return next((kind for kind in AICS_KINDS if self.name in kind.words), None)

    @property
    def in_documents(self) -> str:
        """What it is called in info documents: ``cell_segs`` for ``cell_segmentations``."""
        return self.name if self.kind is None else self.kind.name


@dataclass(frozen=True, slots=True)
class Section:
    """What SCHEMA says of one kind.

    Attributes
    ----------
    key : str
        Such as ``unique_line_info``.
    kind : str
        Name of the kind; the key itself if it is none that is known.
    attributes : tuple of Attribute
    """

    key: str
    kind: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """The SCHEMA document of a package.

    Attributes
    ----------
    sections : tuple of Section
        Known kinds first, from the largest to the smallest.
    name : str
        Its logical key, for messages.
    """

    sections: tuple[Section, ...]
    name: str = "SCHEMA"

    @property
    def missing(self) -> tuple[str, ...]:
        """Keys of the known kinds that it does not have."""
        keys = {section.key for section in self.sections}
        return tuple(kind.schema_key for kind in AICS_KINDS if kind.schema_key not in keys)

    def __repr__(self) -> str:
        told = ", ".join(f"{one.kind} {len(one.attributes)}" for one in self.sections)
        return f"Schema({self.name}: {told})"

    def markdown(self, title: str = "") -> str:
        """Return it as a page to read (see `cellfolio.metadata.schema_page`)."""
        from cellfolio.metadata.schema_page import schema_markdown

        return schema_markdown(self, title)

    def check(self, graph: RecordGraph) -> SchemaReport:
        """Compare info documents with it (see `cellfolio.metadata.schema_check`)."""
        from cellfolio.metadata.schema_check import check_schema

        return check_schema(self, graph)

    def _repr_markdown_(self) -> str:
        return self.markdown()


def parse_schema(document: Any, name: str = "SCHEMA") -> Schema:
    """Read a SCHEMA document.

    Parameters
    ----------
    document : JSON value
    name : str
        Its logical key, for messages.

    Raises
    ------
    BrokenFile
        If it has not the form of one.

    Examples
    --------
    >>> line = {"description": "cell line", "example_value": "AICS-10",
    ...         "origin": "meta/cell_info/line", "value_types": ["<type 'str'>"]}
    >>> schema = parse_schema({"unique_line_info": {"line": line}})
    >>> schema.sections[0].kind, schema.sections[0].attributes[0].types
    ('lines', ('text',))
    """
    if not isinstance(document, Mapping):
        raise _broken(name, f"expected an object, found {_told(document)}")
    kinds = {kind.schema_key: kind.name for kind in AICS_KINDS}
    if not kinds.keys() & document.keys():
        found = ", ".join(map(str, list(document)[:6])) or "none"
        raise _broken(name, f"it has no key such as {next(iter(kinds))}; its keys: {found}")
    order = [*(key for key in kinds if key in document), *(k for k in document if k not in kinds)]
    return Schema(
        tuple(_section(name, key, kinds.get(key, key), document[key]) for key in order), name
    )


def _section(name: str, key: str, kind: str, told: Any) -> Section:
    if not isinstance(told, Mapping):
        raise _broken(name, f"{key}: expected an object of attributes, found {_told(told)}")
    return Section(
        key, kind, tuple(_attribute(name, key, one, fields) for one, fields in told.items())
    )


def _attribute(name: str, key: str, attribute: str, told: Any) -> Attribute:
    where = f"{key}, {attribute}"
    if not isinstance(told, Mapping):
        expected = ", ".join(_FIELDS)
        raise _broken(name, f"{where}: expected an object with {expected}; found {_told(told)}")
    types = told.get("value_types") or []
    types = [types] if isinstance(types, str) else types
    if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
        raise _broken(name, f"{where}: value_types is {types!r:.60}, expected a list of texts")
    return Attribute(
        attribute,
        _text(told.get("description")),
        _text(told.get("origin")),
        told.get("example_value"),
        tuple(dict.fromkeys(map(type_word, types))),
    )


def type_word(text: str) -> str:
    """Return what a type that Python printed is called in JSON.

    Examples
    --------
    >>> type_word("<type 'unicode'>"), type_word("<class 'int'>"), type_word("datetime")
    ('text', 'integer', 'datetime')
    """
    match = _TYPE.fullmatch(text.strip())
    name = match["name"] if match else text.strip()
    return _WORDS.get(name, name)


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)


def _told(value: Any) -> str:
    return "null" if value is None else f"{type(value).__name__} {value!r:.40}"


def _broken(name: str, reason: str) -> BrokenFile:
    return BrokenFile(
        name,
        "SCHEMA",
        reason,
        hint="a SCHEMA document is JSON: kind → attribute → " + ", ".join(_FIELDS),
    )
