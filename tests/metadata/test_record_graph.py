"""What is related to what: both directions, everything that is told, and nothing else."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.metadata.documents import INFO_KEYS, Unreadable, build_graph, find_places
from cellfolio.metadata.graph import Link, RecordGraph
from cellfolio.metadata.kinds import AICS_KINDS
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package

KINDS = tuple(kind.name for kind in AICS_KINDS)
LONG = {kind.name: kind.long for kind in AICS_KINDS if kind.long}
Ref = tuple[str, str]
Documents = Mapping[str, Any]


def graph_of(documents: Documents, *others: str) -> RecordGraph:
    """Return the graph of info documents by logical key, and other files."""
    package = Package.of([Entry(key, "file:///x") for key in (*documents, *others)])
    return build_graph(find_places(package), documents, title="lab/cells")


refs = st.tuples(st.sampled_from(KINDS), st.sampled_from("abcd"))


@st.composite
def told_links(draw: st.DrawFn) -> tuple[list[Ref], list[tuple[Ref, Ref]]]:
    """Draw records, and who names whom; some that are named do not exist."""
    records = draw(st.lists(refs, min_size=1, max_size=12, unique=True))
    links = draw(st.lists(st.tuples(st.sampled_from(records), refs), max_size=30))
    return records, links


def documents_of(
    records: list[Ref], links: list[tuple[Ref, Ref]], shuffle: random.Random
) -> dict[str, Any]:
    """Write links into documents: in any order, under either name of a kind, some twice."""
    found: dict[str, Any] = {}
    listed = list(records)
    shuffle.shuffle(listed)
    for kind, name in listed:
        info: dict[str, Any] = {"passage": 3}
        mine = [link for link in links if link[0] == (kind, name)]
        shuffle.shuffle(mine)
        for _, (other_kind, other_name) in mine:
            word = shuffle.choice([other_kind, LONG.get(other_kind, other_kind)])
            info.setdefault(word, []).append(other_name)
        found[f"{kind}/{name}/{shuffle.choice(INFO_KEYS)}"] = info
    return found


@given(told_links(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_relations_are_those_told_in_both_directions(
    drawn: tuple[list[Ref], list[tuple[Ref, Ref]]], shuffle: random.Random
) -> None:
    records, links = drawn
    graph = graph_of(documents_of(records, links, shuffle))
    there = set(records)
    related = {pair for link in links if link[1] in there for pair in (link, link[::-1])}
    found = {
        ((record.kind, record.name), (kind, other))
        for of_kind in graph
        for record in graph.records(of_kind)
        for kind in graph
        for other in record.related(kind).names
    }
    assert found == related
    assert set(graph.dangling) == {Link(*one, *other) for one, other in links if other not in there}
    table = {
        ((kind, name), (other_kind, other_name)): str(told_by)
        for kind, name, other_kind, other_name, told_by in graph.links().to_numpy().tolist()
    }
    assert len(table) == graph.link_count == len({frozenset(pair) for pair in related})
    for (one, other), told_by in table.items():
        sides = {"first": {(one, other)}, "second": {(other, one)}}
        sides["both"] = sides["first"] | sides["second"]
        assert sides[told_by] == set(links) & {(one, other), (other, one)}


@given(told_links(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_order_of_documents_does_not_matter(
    drawn: tuple[list[Ref], list[tuple[Ref, Ref]]], shuffle: random.Random
) -> None:
    records, links = drawn
    one = graph_of(documents_of(records, links, shuffle))
    other = graph_of(documents_of(records[::-1], links[::-1], shuffle))
    pd.testing.assert_frame_equal(one.links(), other.links())
    assert (one.dangling, one.problems) == (other.dangling, other.problems)
    for kind in KINDS:
        assert (
            one.records(kind).names
            == other.records(kind).names
            == sorted(name for of_kind, name in records if of_kind == kind)
        )
        pd.testing.assert_frame_equal(one.records(kind).table(), other.records(kind).table())


WELL = {
    "plates/p1/info/load": {"wells": ["w1", "w2"]},
    "wells/w1/info/load": {"fovs": ["f1"]},
    "wells/w2/info/load": {"plates": None, "fovs": []},
    "fovs/f1/info/load": {
        "cell_segs": ["c1"],
        "passage": 36,
        "clone": "20",
        "fresh": True,
        "channels": [{"dye_name": "EGFP", "use": True}, {"dye_name": "DNA", "use": True}],
    },
    "fovs/f2/info/load": {"wells": ["w2"], "passage": None, "clone": "21"},
    "cell_segs/c1/info/load": {},
}


def test_walk_from_plate_to_segmentation_and_back() -> None:
    graph = graph_of(WELL)
    assert graph.plates.p1.wells.fovs.cell_segs.names == ["c1"]
    assert graph["cell_segs/c1"].fov.well.plate.name == "p1"
    assert graph.plates["p1"].wells.names == ["w1", "w2"]
    assert graph["cell_segmentations"].names == ["c1"]
    assert graph.fovs["f1"].cell_segmentations.names == ["c1"]
    # Two steps apart is not related: nobody told it.
    assert graph.plates["p1"].fovs.names == []


def test_records_select_like_a_list_and_a_mapping() -> None:
    fovs = graph_of(WELL).fovs
    assert [one.name for one in fovs] == ["f1", "f2"]
    assert fovs[-1].name == "f2"
    assert fovs[1:].names == ["f2"]
    assert fovs[::-1].names == ["f2", "f1"]
    assert fovs["f1"] == fovs[0]
    assert hash(fovs["f1"]) == hash(fovs[0])
    assert [one in fovs for one in (fovs[0], "f1", "f3")] == [True, True, False]
    with pytest.raises(IndexError, match="no number 2 of 2 fovs"):
        fovs[2]
    with pytest.raises(NotFound, match="has no record fovs/f3") as seen:
        fovs["f3"]
    assert seen.value.hint == "there are f1, f2"


def test_names_complete() -> None:
    graph = graph_of({**WELL, "wells/a-1/info/load": {}})
    assert {*KINDS} <= set(dir(graph))
    assert {"fovs", "a_1", "w1"} <= set(dir(graph.wells))
    assert graph.wells.a_1.name == "a-1"
    assert {"fov", "fovs", "well", "cell_seg", "info"} <= set(dir(graph.wells[0]))
    assert graph._ipython_key_completions_() == list(KINDS)
    assert graph.wells._ipython_key_completions_() == ["a-1", "w1", "w2"]
    with pytest.raises(AttributeError, match="no kind of records is called 'genes'"):
        _ = graph.genes
    with pytest.raises(AttributeError):
        _ = graph.wells.no_such
    with pytest.raises(AttributeError):
        _ = graph.wells[0].genes


def test_the_only_related_one_has_to_be_the_only_one() -> None:
    graph = graph_of(WELL)
    with pytest.raises(NotFound, match="plates/p1 has 2 wells, not one: w1, w2") as seen:
        _ = graph.plates.p1.well
    assert seen.value.hint == "use .wells"
    with pytest.raises(NotFound, match="has 0 lines, not one: none"):
        _ = graph.plates.p1.line


def test_info_is_a_copy() -> None:
    record = graph_of(WELL).fovs["f1"]
    record.info["channels"].append("changed")
    record["channels"].clear()
    assert len(record.info["channels"]) == 2
    with pytest.raises(NotFound, match="fovs/f1 has no attribute 'dose'"):
        record["dose"]


def test_table_has_a_row_for_each_record() -> None:
    table = graph_of(WELL).fovs.table()
    assert list(table.index) == ["f1", "f2"]
    assert str(table["passage"].dtype) == "Int64"
    assert str(table["fresh"].dtype) == "boolean"
    assert table["channels"].iloc[0][0] == {"dye_name": "EGFP", "use": True}
    # Told by the well only, and by the field only.
    assert table["wells"].tolist() == [["w1"], ["w2"]]
    assert table["cell_segs"].tolist() == [["c1"], []]
    assert "lines" not in table
    assert graph_of(WELL).lines.table().shape == (0, 0)


def test_copies_are_the_same() -> None:
    graph = graph_of(WELL)
    for one in (copy.copy(graph), copy.deepcopy(graph), pickle.loads(pickle.dumps(graph))):
        assert one.plates.p1.wells.fovs.cell_segs.names == ["c1"]
    record = pickle.loads(pickle.dumps(graph.fovs["f2"]))
    assert (record.name, record.well.name) == ("f2", "w2")
    assert pickle.loads(pickle.dumps(graph.wells)).fovs.names == ["f1", "f2"]


def test_where() -> None:
    fovs = graph_of(WELL).fovs
    assert fovs.where("passage>=36").names == ["f1"]
    assert fovs.where("channels.dye_name=DNA", "fresh=true").names == ["f1"]
    assert fovs.where("wells=w2").names == ["f2"]
    assert fovs.where("passage=").names == ["f2"]
    assert fovs.where("clone=20", "clone=21").names == []
    with pytest.raises(InvalidArgument, match="no record of fovs has an attribute 'dose'"):
        fovs.where("dose=1")


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (3, "wells is 3; expected a list of names"),
        ({"a": 1}, "wells is {'a': 1}; expected a list of names"),
        (["w1", 7, None], "wells has 7; expected a name"),
        ([["w1"]], r"wells has ['w1']; expected a name"),
    ],
)
def test_links_of_wrong_types_are_told(names: Any, problem: str) -> None:
    graph = graph_of({"fovs/f/info": {"wells": names}, "wells/w1/info": {}})
    assert ("fovs", "f", "bad link", problem) in [
        (one.kind, one.name, one.about, one.what) for one in graph.problems
    ]


def test_a_name_instead_of_a_list_counts_and_is_told() -> None:
    graph = graph_of({"fovs/f/info": {"wells": "w1"}, "wells/w1/info": {}})
    assert graph.wells.w1.fovs.names == ["f"]
    assert [one.about for one in graph.problems] == ["bad link"]


@pytest.mark.parametrize("document", [[1], "text", 7, None, True, Unreadable("line 1: no")])
def test_bad_documents_are_told_and_their_records_stay(document: Any) -> None:
    documents = {"fovs/f/info/load": document, "wells/w/info/load": {"fovs": ["f"]}}
    graph = graph_of(documents, "fovs/f/image/load")
    assert [(one.name, one.about) for one in graph.problems] == [("f", "unreadable")]
    assert graph.fovs.f.info == {}
    assert graph.fovs.f.well.name == "w"
    assert graph.fovs.f.image_entry == Entry("fovs/f/image/load", "file:///x")


def test_record_without_document_is_told() -> None:
    graph = graph_of({"wells/w/info": {}}, "fovs/f/image.ome.tiff", "fovs/README.md")
    assert graph.fovs.names == ["f"]
    assert [one.about for one in graph.problems] == ["no info"]
    assert graph.fovs.f.image_entry is not None


def test_contradicting_documents_are_told_and_the_preferred_is_used() -> None:
    documents = {
        "fovs/f/info.json": {"clone": "1", "passage": 3},
        "fovs/f/info/load": {"clone": "2", "passage": 3},
        "fovs/g/info.json": {"clone": "1"},
        "fovs/g/info/load.json": {"clone": "1"},
    }
    graph = graph_of(documents)
    assert graph.fovs.f["clone"] == "2"
    (problem,) = graph.problems
    assert problem.about == "contradiction"
    assert problem.what == "fovs/f/info.json differs from fovs/f/info/load, which is used, in clone"


def test_field_of_two_wells_is_told() -> None:
    documents = {
        "fovs/f/info": {"wells": ["w1"]},
        "wells/w1/info": {},
        "wells/w2/info": {"fovs": ["f"]},
    }
    (problem,) = graph_of(documents).problems
    assert (problem.about, problem.what) == ("contradiction", "it is of 2 wells: w1, w2")


def test_names_of_strangers_are_only_names() -> None:
    documents = {
        "fovs/__class__/info": {"wells": ["../../etc", "", "w\n"], "__dict__": 1},
        "wells/graph/info": {"fovs": ["__class__"]},
    }
    graph = graph_of(documents)
    assert graph["wells/graph"].fov.name == "__class__"
    assert type(graph.fovs).__name__ == "Records"
    assert {one.other_name for one in graph.dangling} == {"../../etc", "", "w\n"}
