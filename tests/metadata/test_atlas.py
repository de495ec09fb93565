"""Tables of the atlas joined to cells: nothing is lost, nothing is made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import EntryNotFound, InvalidArgument
from cellfolio.metadata.atlas import (
    choose_cells,
    colours_of,
    join_clusters,
    join_coordinates,
    join_parcellation,
    pivot_terms,
)
from cellfolio.metadata.genes import find_genes
from tests import brain

LEVELS = ["class", "subclass", "supertype", "neurotransmitter"]
PLACES = ["parcellation_structure", "parcellation_substructure"]


def split(table: pd.DataFrame, columns: list[str], key: str) -> tuple[pd.DataFrame, Any]:
    """Take columns out of a table into one of their own, as the atlas has them."""
    parts = table[columns].drop_duplicates().reset_index(drop=True)
    parts[key] = np.arange(len(parts)) + 100
    return parts, table.merge(parts, on=columns, how="left")[key].to_numpy()


@pytest.mark.parametrize("region", ["bla", "cla", "lhb"])
def test_real_cells_split_and_joined_again(shared: Path, region: str) -> None:
    path = shared / f"data/abc_atlas/merfish_subset/{region}_merfish_metadata.csv"
    real = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("cell_label")
    clusters, alias = split(real, LEVELS, "cluster_alias")
    acronyms, index = split(real, PLACES, "parcellation_index")
    acronyms.columns = acronyms.columns.str.replace("parcellation_s", "s")
    cells = pd.DataFrame(
        {"cluster_alias": alias, "parcellation_index": index, "x": 1.0}, index=real.index
    )
    before = cells.copy()
    joined = join_clusters(cells, clusters.sample(frac=1, random_state=1))
    placed = join_parcellation(joined.table, acronyms.sample(frac=1, random_state=2))
    assert (joined.unjoined, placed.unjoined) == ((), ())
    found = placed.table[real.columns].astype(str)
    pd.testing.assert_frame_equal(found, real, check_dtype=False)
    pd.testing.assert_frame_equal(cells, before)  # arguments are left alone


def test_real_names_are_terms_of_the_real_taxonomy(shared: Path) -> None:
    folder = shared / "data/abc_atlas"
    terms = pd.read_csv(
        folder / "metadata/WMB-taxonomy/20230830/cluster_annotation_term.csv",
        keep_default_na=False,
    )
    real = pd.read_csv(
        folder / "merfish_subset/cla_merfish_metadata.csv", dtype=str, keep_default_na=False
    ).replace({"neurotransmitter": {"": "NA"}})
    clusters, alias = split(real, LEVELS, "cluster_alias")
    lines = clusters.melt(
        "cluster_alias",
        var_name="cluster_annotation_term_set_name",
        value_name="cluster_annotation_term_name",
    )
    label = terms.set_index(["cluster_annotation_term_set_name", "name"])["label"]
    lines["cluster_annotation_term_label"] = [
        label[pair] for pair in zip(*lines.iloc[:, 1:3].to_numpy().T, strict=True)
    ]
    names, colours = pivot_terms(lines, terms)
    cells = pd.DataFrame({"cluster_alias": alias}, index=real["cell_label"])
    joined = join_clusters(cells, names, colours)
    assert joined.unjoined == ()
    assert joined.table["class"].astype(str).tolist() == real["class"].tolist()
    told = terms[terms["cluster_annotation_term_set_name"] == "subclass"]
    colour = dict(zip(told["name"], told["color_hex_triplet"], strict=True))
    found = colours_of(joined.table, "subclass")
    assert found == {name: colour[name] for name in set(real["subclass"])}


@given(
    aliases=st.lists(st.one_of(st.none(), st.integers(0, 6)), max_size=12),
    known=st.sets(st.integers(0, 6)),
)
def test_every_cell_stays_and_is_told_once(aliases: list[int | None], known: set[int]) -> None:
    labels = [f"c{n}" for n in range(len(aliases))]
    floats = np.array([np.nan if one is None else one for one in aliases], dtype=np.float64)
    cells = pd.DataFrame({"cluster_alias": floats}, index=labels)
    names = pd.DataFrame({"cluster_alias": sorted(known), "number": [n * 2 for n in sorted(known)]})
    names["class"] = [f"class {n}" for n in sorted(known)]
    joined = join_clusters(cells, names)
    assert list(joined.table.index) == labels
    for alias, name, number in zip(
        aliases, joined.table["class"].tolist(), joined.table["number"].tolist(), strict=True
    ):
        there = alias in known
        assert (name == f"class {alias}") if there else pd.isna(name)
        assert (number == alias * 2) if there and alias is not None else pd.isna(number)
    told = [cell for one in joined.unjoined for cell in one.cells]
    assert sorted(told) == sorted(
        label for label, one in zip(labels, aliases, strict=True) if one not in known
    )


def test_coordinates_and_reasons() -> None:
    cells = pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"])
    places = pd.DataFrame({"x": [7.0], "y": [8.0], "z": [9.0], "parcellation_index": [3]}, ["b"])
    joined = join_coordinates(cells, places, "ccf")
    assert list(joined.table) == ["x", "x_ccf", "y_ccf", "z_ccf", "parcellation_index"]
    assert joined.table.to_numpy()[1].tolist() == [2, 7, 8, 9, 3]
    assert [(one.reason, list(one.cells)) for one in joined.unjoined] == [
        ("no ccf coordinates", ["a"])
    ]
    again = join_coordinates(joined.table, places, "reconstructed")
    assert list(again.table)[-3:] == ["x_reconstructed", "y_reconstructed", "z_reconstructed"]
    lost = join_parcellation(joined.table, pd.DataFrame({"parcellation_index": [1]}))
    assert [one.reason for one in lost.unjoined] == [
        "no parcellation_index",
        "parcellation_index 3 is not in the parcellation",
    ]


def test_wrong_tables_are_told() -> None:
    cells = pd.DataFrame({"cluster_alias": [1], "class": ["x"]}, index=["a"])
    with pytest.raises(InvalidArgument, match="the cells have class already"):
        join_clusters(cells, pd.DataFrame({"cluster_alias": [1], "class": ["x"]}))
    with pytest.raises(InvalidArgument, match="cluster_alias 1 stands twice"):
        join_clusters(cells, pd.DataFrame({"cluster_alias": [1, 1]}))
    with pytest.raises(InvalidArgument, match="lacks cluster_alias; it has alias"):
        join_clusters(cells, pd.DataFrame({"alias": [1]}))
    with pytest.raises(InvalidArgument, match="cell_label a stands twice"):
        join_coordinates(cells, pd.DataFrame({"x": [1, 2]}, index=["a", "a"]), "ccf")


def test_cells_are_chosen_by_text() -> None:
    table = brain.cells().set_index("cell_label")
    table["parcellation_index"] = (
        table["parcellation_index"].where(table.index != "x").astype(float)
    )
    found = choose_cells(table, {"parcellation_index": ["1", "2"], "cluster_alias": "11"})
    assert set(found["parcellation_index"]) == {1}
    with pytest.raises(InvalidArgument, match="no column 'clas'"):
        choose_cells(table, {"clas": "x"})
    with pytest.raises(InvalidArgument, match=r"no cell has 'C57BL6J-638850\.31'") as caught:
        choose_cells(table, {"brain_section_label": "C57BL6J-638850.31"})
    assert "did you mean C57BL6J-638850.3" in caught.value.hint


def test_genes_by_any_name() -> None:
    known = {"E1": "Xkr4", "E2": "Gm", "E3": "Gm"}
    found = find_genes(["Gm", "E1", "Xkr4"], known)
    assert [(one.name, one.identifier) for one in found] == [
        ("Gm E2", "E2"),
        ("Gm E3", "E3"),
        ("E1", "E1"),
    ]
    with pytest.raises(EntryNotFound, match="no gene is called xkr4, nothing") as caught:
        find_genes(["xkr4", "Gm", "nothing"], known)
    assert caught.value.hint.startswith("xkr4: did you mean Xkr4?")
