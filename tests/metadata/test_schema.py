"""SCHEMA documents: read, shown, and info documents checked against them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import BrokenFile
from cellfolio.metadata.kinds import AICS_KINDS
from cellfolio.metadata.schema import parse_schema, type_word
from cellfolio.metadata.schema_check import Finding
from tests.metadata.test_record_graph import graph_of


def told(*types: str, example: Any = None, about: str = "") -> dict[str, Any]:
    return {
        "description": about,
        "example_value": example,
        "origin": "baseline",
        "value_types": [f"<type '{one}'>" for one in types],
    }


FOV = {
    "clone": told("str", example="20", about="clone of the line"),
    "passage": told("int", "NoneType"),
    "concentration": told("float"),
    "cell_segmentations": told("list"),
    "seen": told("datetime.datetime"),
}


def findings(schema: dict[str, Any], documents: dict[str, Any], *others: str) -> list[Finding]:
    report = parse_schema(schema).check(graph_of(documents, *others))
    assert len(report.table()) == len(report.findings)
    assert report.clean == (not report.findings)
    return list(report.findings)


def test_documents_as_described_have_no_findings() -> None:
    info: dict[str, Any] = {
        "clone": "1",
        "passage": None,
        "concentration": 3000,
        "cell_segs": [],
        "seen": "now",
    }
    other = {**info, "concentration": 0.5, "passage": 3}
    other["cell_segmentations"] = other.pop("cell_segs")
    assert findings({"unique_fov_info": FOV}, {"fovs/a/info": info, "fovs/b/info": other}) == []


def test_findings_are_counted_with_examples() -> None:
    good = {"clone": "1", "passage": 3, "concentration": 1.5, "cell_segs": [], "seen": 1}
    wrong = {**good, "clone": 20, "passage": True, "concentration": None, "dose": 1.5}
    del wrong["cell_segs"]
    documents = {f"fovs/f{number}/info": wrong for number in range(4)} | {"fovs/good/info": good}
    names = ("f0", "f1", "f2")
    assert findings({"unique_fov_info": FOV}, documents) == [
        Finding("fovs", "cell_segs", "missing", 4, 5, "list", "", names),
        Finding("fovs", "clone", "wrong type", 4, 5, "text", "integer", names),
        Finding("fovs", "concentration", "null", 4, 5, "number", "null", names),
        Finding("fovs", "dose", "unknown", 4, 5, "", "number", names),
        Finding("fovs", "passage", "wrong type", 4, 5, "integer or null", "true or false", names),
    ]


def test_what_cannot_be_compared_is_told() -> None:
    documents = {"fovs/a/info": "no object", "fovs/b/info": {}, "wells/w/info": {}}
    found = findings({"unique_fov_info": {}}, documents, "fovs/c/image")
    assert found == [
        Finding("wells", "", "not described", 1, 1, "", "", ("w",)),
        Finding("fovs", "", "no document", 2, 3, "", "", ("a", "c")),
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from([*FOV, "cell_segs", "x"]), json_values) | json_values)
def test_no_document_stops_the_check(document: Any) -> None:
    found = findings({"unique_fov_info": FOV}, {"fovs/a/info/load": document})
    if not isinstance(document, dict):
        assert [one.about for one in found] == ["no document"]


@given(json_values | st.dictionaries(st.sampled_from(["unique_fov_info", "x"]), json_values))
def test_any_other_document_is_a_schema_or_a_named_error(document: Any) -> None:
    with suppress(BrokenFile):
        parse_schema(document).markdown()


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "expected an object, found list"),
        ({"fovs": {}}, "it has no key such as unique_line_info; its keys: fovs"),
        ({}, "its keys: none"),
        ({"unique_fov_info": None}, "unique_fov_info: expected an object of attributes, found nul"),
        ({"unique_fov_info": {"clone": "text"}}, "unique_fov_info, clone: expected an object with"),
        (
            {"unique_fov_info": {"clone": {"value_types": [1]}}},
            "unique_fov_info, clone: value_types is [1], expected a list of texts",
        ),
    ],
)
def test_malformed_schema_is_a_clear_error(document: Any, reason: str) -> None:
    with pytest.raises(BrokenFile) as seen:
        parse_schema(document)
    assert reason in str(seen.value)
    assert "kind → attribute" in seen.value.hint


@pytest.mark.parametrize(
    ("printed", "word"),
    [
        ("<type 'str'>", "text"),
        ("<class 'str'>", "text"),
        (" <type 'long'>", "integer"),
        ("<type 'NoneType'>", "null"),
        ("<class 'numpy.float64'>", "numpy.float64"),
        ("bool", "true or false"),
        ("anything", "anything"),
    ],
)
def test_types_have_words(printed: str, word: str) -> None:
    assert type_word(printed) == word


def test_published_keys_and_definition(shared: Any) -> None:
    published = json.loads((shared / "data/aics/aics_23_example.json").read_text())
    assert {kind.schema_key for kind in AICS_KINDS} == set(published["schema_keys"])
    line = published["schema_examples"]["unique_line_info"]
    attributes = {name: line.get(name, told("list")) for name in line["_attributes"]}
    schema = parse_schema({"unique_line_info": attributes})
    (section,) = schema.sections
    links = {one.in_documents for one in section.attributes if one.kind is not None}
    assert links == set(published["link_keys"]) - {"lines"}
    assert (
        "| `line` | human readable edited cell line present | text | `AICS-10` "
        "| `meta/cell_info/line` |" in schema.markdown().splitlines()
    )
    assert len(schema.missing) == 6


def test_page_shows_what_strangers_wrote_as_text() -> None:
    evil = told("str", example="a|b`c\nd", about="<script>|*bold*\n# title")
    page = parse_schema({"unique_fov_info": {"a|b": evil}, "unique_gene_info": {}}).markdown()
    (row,) = [line for line in page.splitlines() if line.startswith("| `a")]
    assert row.startswith(r"| `a\|b` | \<script\>\|\*bold\* \# title | text | `` a\|b`c d `` |")
    assert "`unique_gene_info`, 0 attributes, of a kind that is not known here." in page
