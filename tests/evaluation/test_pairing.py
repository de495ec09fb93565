"""Pairing: nothing is lost in silence."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import Reproducible, pair, pair_replicates
from cellfolio.metadata.rosetta.sets import find_set


def keys_of(shared: Path, sheet: str) -> pd.Series[str]:
    """Return the keys of a published sheet of replicate correlations."""
    file = shared / "data" / "rosetta_published" / "RepCorrDF.xlsx"
    return pd.read_excel(file, sheet_name=sheet).iloc[:, 0].astype(str)


def test_published_treatments_of_lincs_pair(shared: Path) -> None:
    """As numbers 8,369 doses pair; as texts 6,984, and what is lost is 10 and 20 µM."""
    lincs = find_set("LINCS")
    tables = []
    for sheet in ("cp-lincs", "l1k-lincs"):
        keys = keys_of(shared, sheet)
        names = keys.map(lincs.perturbation)
        tables.append(pd.DataFrame({"text": keys, "key": names, "dose": names.map(lincs.dose)}))
    found = pair(tables[0], tables[1], "key", dose="dose")
    assert len(found.first) == len(found.second) == 8_369
    assert found.first["key"].tolist() == found.second["key"].tolist()
    texts = pair(tables[0], tables[1], "text", dose="dose")
    assert len(texts.first) == 6_984
    lost = texts.lost[texts.lost["side"] == "second"].set_index("dose")["rows"]
    assert lost.to_dict() == {"10": 1_383, "20": 2}


def test_filters_of_reproducible_perturbations() -> None:
    cells = pd.DataFrame({"drug": list("abcd"), "x": range(4)})
    genes = pd.DataFrame({"drug": list("dbca"), "y": range(4)})
    kept = {
        how: pair(cells, genes, "drug", keep=Reproducible("ab", "bc", how, always="d")).first
        for how in ("all", "overlap", "union")
    }
    assert {how: "".join(table["drug"]) for how, table in kept.items()} == {
        "all": "abcd",
        "overlap": "bd",
        "union": "abcd",
    }
    found = pair(cells, genes, "drug", keep=Reproducible("ab", "bc", "overlap"))
    assert found.second["y"].tolist() == [1]
    assert found.lost["reason"].unique().tolist() == ["not reproducible"]
    assert found.lost["rows"].sum() == 6


def test_replicates_pair_by_a_seed() -> None:
    cells = pd.DataFrame({"drug": ["a"] * 6 + ["b"], "x": range(7)})
    genes = pd.DataFrame({"drug": ["a"] * 4 + ["b", "c"], "y": range(6)})
    every = pair_replicates(cells, genes, "drug")
    assert len(every.first) == 6 * 4 + 1
    some = pair_replicates(cells, genes, "drug", count=3, seed=1)
    assert len(some.first) == 4
    assert some.first["x"].is_unique
    assert some.first.equals(pair_replicates(cells, genes, "drug", count=3, seed=1).first)
    assert some.lost.to_numpy().tolist() == [["second", "not in the first", 1]]


def test_what_cannot_be_paired_is_refused() -> None:
    cells = pd.DataFrame({"drug": ["a", "a"], "x": [1, 2]})
    genes = pd.DataFrame({"drug": ["b"], "y": [1]})
    with pytest.raises(InvalidArgument, match="several rows of 'a'"):
        pair(cells, genes, "drug")
    with pytest.raises(InvalidArgument, match="no column 'dose'"):
        pair(genes, genes, "drug", dose="dose")
    with pytest.raises(InvalidArgument, match="no row of both tables"):
        pair_replicates(cells, genes, "drug")
    with pytest.raises(InvalidArgument, match="how should be one of all, overlap, union"):
        pair(genes, genes, "drug", keep=Reproducible(how="some"))
