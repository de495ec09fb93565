"""Info documents checked against the SCHEMA of their package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.metadata.graph import RecordGraph
from cellfolio.metadata.kinds import AICS_KINDS
from cellfolio.metadata.schema import Attribute, Schema

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = 3
"""Names of records that a finding has."""
_JSON_WORDS = {
    str: "text", int: "integer", float: "number", bool: "true or false", list: "list",
    dict: "object", type(None): "null",
}  # fmt: skip
_ALSO = {"number": ("integer",)}
"""Type → what is one as well: JSON may write 3000.0 as 3000."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Where documents are not as SCHEMA says.

    Attributes
    ----------
    kind : str
    attribute : str
        Empty for the document as a whole.
    about : str
        ``missing``, ``unknown`` (to SCHEMA), ``wrong type``, ``null`` (where SCHEMA does not say
        that it may be), ``no document``, ``not described`` (a kind that SCHEMA does not have).
    count, of : int
        Records for which it is so, of how many of that kind.
    expected, found : str
        Types, for the wrong ones.
    examples : tuple of str
        Names of the first few.
    """

    kind: str
    attribute: str
    about: str
    count: int
    of: int
    expected: str = ""
    found: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SchemaReport:
    """What a check against SCHEMA found.

    Attributes
    ----------
    findings : tuple of Finding
    checked : int
        Documents that were compared.
    """

    findings: tuple[Finding, ...]
    checked: int

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def table(self) -> pd.DataFrame:
        """Return the findings as a table."""
        import pandas as pd

        columns = list(Finding.__dataclass_fields__)
        return pd.DataFrame(
            [[getattr(one, column) for column in columns] for one in self.findings],
            columns=columns,
        )


def check_schema(schema: Schema, graph: RecordGraph) -> SchemaReport:
    """Compare info documents with SCHEMA.

    Nothing that is wrong with a document stops it.

    Parameters
    ----------
    schema : Schema
    graph : RecordGraph
    """
    sections = {section.kind: section for section in schema.sections}
    findings: list[Finding] = []
    checked = 0
    for kind in graph.kinds:
        documents = _documents(graph, kind)
        readable = {name: info for name, info in documents.items() if info is not None}
        told = [("", "no document", "", "", name) for name in documents.keys() - readable.keys()]
        if kind not in sections:
            told += [("", "not described", "", "", name) for name in readable]
        else:
            told += [
                (*one, name)
                for name, info in readable.items()
                for one in _differences(sections[kind].attributes, info)
            ]
            checked += len(readable)
        findings += _findings(kind, told, list(documents))
    return SchemaReport(tuple(findings), checked)


_Difference = tuple[str, str, str, str]
"""Attribute, what about it, expected, found."""


def _documents(graph: RecordGraph, kind: str) -> dict[str, dict[str, Any] | None]:
    """Return info documents by name of the record; None for those that cannot be read."""
    without = {
        one.name
        for one in graph.problems
        if one.kind == kind and one.about in ("no info", "unreadable")
    }
    return {
        record.name: record.info or (None if record.name in without else {})
        for record in graph.records(kind)
    }


def _differences(attributes: Sequence[Attribute], info: Mapping[str, Any]) -> Iterator[_Difference]:
    # A list of links has one of two names, in SCHEMA as in documents.
    values = {_plain(name): value for name, value in info.items()}
    described = {one.in_documents: one for one in attributes}
    for name, one in described.items():
        if name not in values:
            yield name, "missing", " or ".join(one.types), ""
            continue
        found = _JSON_WORDS[type(values[name])]
        if not one.types or found in one.types or not _known(one.types):
            continue
        expected = " or ".join(one.types)
        if found == "null":
            yield name, "null", expected, found
        elif not any(found in _ALSO.get(word, ()) for word in one.types):
            yield name, "wrong type", expected, found
    for name in values.keys() - described.keys():
        yield name, "unknown", "", _JSON_WORDS[type(values[name])]


def _plain(name: str) -> str:
    """Return what an attribute is called in documents, for either of its names."""
    return next((kind.name for kind in AICS_KINDS if name in kind.words), name)


def _known(types: Iterable[str]) -> bool:
    """Whether all types are ones that JSON has; nothing can be said of others."""
    return set(types) <= set(_JSON_WORDS.values())


def _findings(
    kind: str, told: Iterable[tuple[str, str, str, str, str]], names: list[str]
) -> Iterator[Finding]:
    groups: dict[_Difference, set[str]] = {}
    for attribute, about, expected, found, name in told:
        groups.setdefault((attribute, about, expected, found), set()).add(name)
    for (attribute, about, expected, found), where in sorted(groups.items()):
        examples = tuple(name for name in names if name in where)[:EXAMPLES]
        yield Finding(kind, attribute, about, len(where), len(names), expected, found, examples)
