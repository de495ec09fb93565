"""Tables whose rows name files, as quilt3distribute makes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.metadata.distributed import build_file_graph
from cellfolio.metadata.graph import Link, RecordGraph
from cellfolio.metadata.tabled import FileList
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package

A2, A3, B2, B3 = "2d/aa_1.tiff", "3d/bb_1.tiff", "2d/cc_2.tiff", "3d/dd_2.tiff"
TABLE = pd.DataFrame(
    {"CellId": [1, 2], "Structure": ["LMNB1", None], "2d": [A2, B2], "3d": [A3, B3]}
)


def user_meta(row: int, **more: Any) -> dict[str, Any]:
    """Return what quilt3distribute attaches to the files of a row."""
    values = TABLE.iloc[row]
    return {
        "CellId": int(values["CellId"]),
        "Structure": str(values["Structure"]),
        "associates": {"2d": values["2d"], "3d": values["3d"]},
        **more,
    }


METAS: Mapping[str, dict[str, Any]] = {
    A2: user_meta(0), A3: user_meta(0), B2: user_meta(1), B3: user_meta(1)
}  # fmt: skip


def no_metas(keys: Iterable[str]) -> dict[str, Any]:
    return {key: {} for key in keys}


def listed(metas: Mapping[str, Any], *others: str, base: str = "") -> FileList:
    entries = [
        Entry(base + key, "file:///x", meta={"user_meta": meta} if meta else {})
        for key, meta in {**no_metas(others), **metas}.items()
    ]
    return FileList(Package.of(entries), base)


def graph_of(metas: Mapping[str, Any], table: pd.DataFrame | None, *others: str) -> RecordGraph:
    graph = build_file_graph(listed(metas, *others), table)
    assert graph is not None
    return graph


def links(graph: RecordGraph) -> set[tuple[str, str]]:
    """Return which files belong together, by logical key."""
    return {
        (one.entries[0].logical_key, other.entries[0].logical_key)
        for kind in graph.kinds[1:]
        for one in graph.records(kind)
        for other_kind in graph.kinds[1:]
        for other in one.related(other_kind)
    }


TOGETHER = {(A2, A3), (A3, A2), (B2, B3), (B3, B2)}
NO_METAS: Mapping[str, Any] = no_metas(METAS)


def test_table_and_metadata_agree() -> None:
    graph = graph_of(METAS, TABLE, "README.md", "metadata.csv", "supporting_files/x.txt")
    assert graph.kinds == ("rows", "2d", "3d")
    assert links(graph) == TOGETHER
    assert (graph.dangling, graph.problems) == ((), ())
    assert set(graph.links()["told_by"]) == {"both"}
    row = graph["rows/1"]
    assert row.info == {"CellId": 2, "Structure": None, "2d": B2, "3d": B3}
    assert [one.logical_key for one in row.entries] == [B2, B3]
    file = graph["3d"]["dd_2.tiff"]
    assert file["CellId"] == 2
    assert file.row["CellId"] == 2
    assert file.related("2d")[0].entries[0].logical_key == B2
    pd.testing.assert_frame_equal(graph["rows"].table().reset_index(drop=True), TABLE)
    assert graph["2d"].table()["rows"].tolist() == [["0"], ["1"]]


def test_table_alone_is_enough() -> None:
    graph = graph_of(NO_METAS, TABLE)
    assert links(graph) == TOGETHER
    assert set(graph.links()["told_by"]) == {"first"}
    assert (graph.dangling, graph.problems) == ((), ())


def test_metadata_alone_are_enough() -> None:
    graph = graph_of(METAS, None)
    assert links(graph) == TOGETHER
    assert graph["2d/cc_2.tiff"].row.info == {
        "2d": B2, "3d": B3, "CellId": 2, "Structure": str(TABLE["Structure"][1])
    }  # fmt: skip
    assert (graph.dangling, graph.problems) == ((), ())


def test_neither_is_no_graph() -> None:
    assert build_file_graph(listed(NO_METAS), None) is None
    table = pd.DataFrame({"path": ["/allen/aics/a.tiff"], "n": [1], "text": ["2d"]})
    assert build_file_graph(listed(NO_METAS), table) is None
    # Associates of the package that this one was put together from are not keys of this one.
    below = {f"part/{key}": meta for key, meta in METAS.items()}
    assert build_file_graph(listed(below), None) is None
    assert build_file_graph(listed(METAS, base="part/"), None) is not None


def test_folder_of_a_package_that_was_put_together() -> None:
    graph = build_file_graph(listed(METAS, base="part/"), TABLE)
    assert graph is not None
    assert {one for pair in links(graph) for one in pair} == {f"part/{key}" for key in METAS}
    assert not graph.problems


def test_file_that_is_not_there_is_told() -> None:
    metas = {key: meta for key, meta in METAS.items() if key != A3}
    graph = graph_of(metas, TABLE)
    assert graph.dangling == (Link("rows", "0", "3d", A3),)
    assert graph["rows/0"].related("2d").names == ["aa_1.tiff"]
    assert [one.logical_key for one in graph["rows/0"].entries] == [A2]
    graph = graph_of(metas, None)
    assert Link("rows", "0", "3d", A3) in graph.dangling


def test_file_of_no_row_is_told_and_keeps_its_associates() -> None:
    graph = graph_of(METAS, TABLE[:1])
    assert [(one.about, one.name) for one in graph.problems] == [
        ("no row", "cc_2.tiff"),
        ("no row", "dd_2.tiff"),
    ]
    assert links(graph) == TOGETHER


def test_shared_file_has_all_its_rows() -> None:
    # quilt3distribute gives it the associates of its last row.
    table = TABLE.assign(**{"3d": pd.Series([A3, A3])})
    last = {"2d": B2, "3d": A3}
    metas = {
        A2: user_meta(0),
        B2: user_meta(1, associates=last),
        A3: user_meta(1, associates=last),
    }
    for known in (table, None):
        graph = graph_of(metas, known)
        assert graph["3d/bb_1.tiff"].rows.names == ["0", "1"]
        assert graph["3d/bb_1.tiff"].related("2d").names == ["aa_1.tiff", "cc_2.tiff"]
        assert not graph.problems


@pytest.mark.parametrize(
    ("meta", "about", "what"),
    [
        (user_meta(0, CellId=7), "contradiction", "CellId is 7 in its metadata, 1 in row 0"),
        (
            user_meta(0, associates={"2d": A2, "3d": B3}),
            "contradiction",
            f"its associates are of none of its rows: {A2}, {B3}",
        ),
        (user_meta(0, associates=[A2]), "bad link", "associates is ['2d/aa_1.tiff']; expected an"),
        (user_meta(0, associates={"2d": 3}), "bad link", "associates is {'2d': 3}; expected an"),
    ],
)
def test_inconsistencies_are_told(meta: dict[str, Any], about: str, what: str) -> None:
    graph = graph_of({**METAS, A2: meta}, TABLE)
    (problem,) = graph.problems
    assert (problem.kind, problem.name, problem.about) == ("2d", "aa_1.tiff", about)
    assert problem.what.startswith(what)


@pytest.mark.parametrize("same", [1, "1", 1.0, "1.0", [1]])
def test_values_may_be_text_in_metadata(same: Any) -> None:
    assert not graph_of({**METAS, A2: user_meta(0, CellId=same)}, TABLE).problems


def test_label_may_differ_from_the_column() -> None:
    table = TABLE.rename(columns={"2d": "2dReadPath"})
    graph = graph_of(METAS, table)
    assert graph.kinds == ("rows", "2dReadPath", "3d")
    assert links(graph) == TOGETHER
    assert (graph.dangling, graph.problems) == ((), ())


def test_rows_may_name_folders() -> None:
    table = pd.DataFrame({"stack": ["stacks/a", "stacks/b"], "n": [1, 2]})
    graph = graph_of({}, table, "stacks/a/1.tiff", "stacks/a/2.tiff", "stacks/b/1.tiff")
    assert graph.stack.names == ["a", "b"]
    assert [one.name for one in graph["rows/0"].entries] == ["1.tiff", "2.tiff"]
    assert not graph.problems


def test_notebooks_show_what_strangers_wrote_as_text() -> None:
    table = pd.DataFrame({"<b>": ["a/<i>.tiff"], "n": ["<script>"]})
    graph = graph_of({}, table, "a/<i>.tiff")
    for kind in graph:
        html = graph.records(kind)._repr_html_()
        assert not any(mark in html for mark in ("<b>", "<i>", "<script>"))


def test_columns_may_be_called_like_ours() -> None:
    table = TABLE.assign(name="x", row=1, logical_key="y", rows=2)
    metas = {key: {**meta, "logical_key": "y", "rows": 2} for key, meta in METAS.items()}
    graph = graph_of(metas, table)
    assert graph["2d"].table()["logical_key_"].tolist() == [A2, B2]
    assert graph["rows"].table()["name"].tolist() == ["x", "x"]


def test_missing_cells_name_nothing() -> None:
    graph = graph_of(NO_METAS, TABLE.assign(**{"3d": pd.Series([A3, None])}))
    assert graph["rows/1"].related("3d").names == []
    assert graph.dangling == ()


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, set[str]]:
    """Draw a table of two path columns, and the files that are there."""
    count = draw(st.integers(1, 6))
    keys = {label: [f"{label}/{n}.tiff" for n in range(3)] for label in ("x", "y")}
    cells = {label: draw(st.lists(st.sampled_from(keys[label]), min_size=count, max_size=count))
             for label in keys}  # fmt: skip
    named = {key for column in cells.values() for key in column}
    there = draw(st.sets(st.sampled_from(sorted(named)), min_size=1))
    return pd.DataFrame({"n": range(count), **cells}), there


@given(tables())
@settings(max_examples=40)
def test_rows_relate_just_the_files_that_they_name(drawn: tuple[pd.DataFrame, set[str]]) -> None:
    table, there = drawn
    graph = graph_of(no_metas(there), table)
    rows: Iterable[set[str]] = [{str(row.x), str(row.y)} for row in table.itertuples()]
    together = {
        (one, other) for row in rows for one in row & there for other in row & there if one != other
    }
    assert links(graph) == together
    assert {(one.name, one.other_name) for one in graph.dangling} == {
        (str(number), key) for number, row in enumerate(rows) for key in row - there
    }
