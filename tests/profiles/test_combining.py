"""Aggregating and combining: the numbers of pycytominer, or the reason why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from cellfolio.errors import InvalidArgument
from cellfolio.profiles import Modz, aggregate, consensus, split_features
from tests.profiles.peer import ask, assert_same, matrix, sizes, tables

BY = ["Metadata_drug", "Metadata_Plate"]


@pytest.mark.parametrize("method", ["median", "mean"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(table=tables(infinite=True))
@settings(max_examples=15)
def test_averages_are_those_of_pycytominer(method: Any, table: pd.DataFrame) -> None:
    peer = ask("aggregate", table, strata=BY, operation=method)
    assert_same(aggregate(table, BY, method), peer, sizes(table))
    assert_same(consensus(table, BY, method), peer, sizes(table))


@given(table=tables())
@settings(max_examples=15)
def test_counts_are_those_of_pycytominer(table: pd.DataFrame) -> None:
    table = table.dropna(subset="Metadata_drug").reset_index(drop=True)
    if table.empty:
        return
    peer = ask(
        "aggregate", table, strata=BY, compute_object_count=True, object_feature="Metadata_Well"
    )
    ours = aggregate(table, BY, object_column="Metadata_Well")
    pd.testing.assert_frame_equal(ours.iloc[:, :3], peer.iloc[:, :3])


def test_objects_of_a_group_without_a_name_are_counted() -> None:
    # pycytominer has no count for them.
    table = pd.DataFrame({"drug": ["a", None, None], "Cells_A": [1.0, 2.0, 4.0]})
    ours = aggregate(table, "drug", object_column="Cells_A")
    assert ours["Metadata_Object_Count"].tolist() == [1, 2]
    assert ours["Cells_A"].tolist() == [1.0, 3.0]


def test_a_category_that_no_row_has_is_no_group() -> None:
    drugs = pd.Categorical(["a", "c"], categories=["a", "b", "c"])
    table = pd.DataFrame({"drug": drugs, "Cells_A": [1.0, 2.0]})
    assert aggregate(table, "drug")["Cells_A"].tolist() == [1.0, 2.0]
    if pd.__version__ < "3":  # from there on, pycytominer has no such group either
        with pytest.warns(FutureWarning, match="observed"):
            assert len(ask_as_it_is(table)) == 3
    else:
        assert len(ask_as_it_is(table)) == 2


def ask_as_it_is(table: pd.DataFrame) -> Any:
    """Call pycytominer without hiding what pandas warns of."""
    import pycytominer

    return pycytominer.aggregate(table.copy(), strata=["drug"])


@pytest.mark.parametrize("coefficient", ["spearman", "pearson", "kendall"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_modz_is_that_of_pycytominer(coefficient: Any) -> None:
    @given(table=tables(missing=False))
    @settings(max_examples=10)
    def check(table: pd.DataFrame) -> None:
        table = table.astype(dict.fromkeys(table.columns[4:], float))
        peer = ask(
            "consensus",
            table,
            replicate_columns=BY,
            operation="modz",
            modz_args={"method": coefficient},
        )
        ours = consensus(table, BY, Modz(coefficient))
        # A weight on the edge of two decimals is rounded up or down: 1e-4 of the size.
        assert_same(ours, peer, sizes(table) * 1.1e5)
        close = np.isclose(matrix(ours), matrix(peer), rtol=1e-9, atol=1e-9 * sizes(table).max())
        assert close.mean() >= 0.5

    check()


def test_modz_of_a_real_plate(shared: Path) -> None:
    table = pd.read_csv(
        shared / "data/lincs_plate/SQ00015054_normalized_feature_select.csv.gz"
    ).head(120)
    by = ["Metadata_broad_sample", "Metadata_mmoles_per_liter"]
    peer = ask("consensus", table, replicate_columns=by, operation="modz")
    assert_same(consensus(table, by, Modz()), peer, sizes(table))
    some = ["Metadata_pert_id"]
    peer = ask("consensus", table, replicate_columns=some, operation="median")
    assert_same(consensus(table, some), peer, sizes(table))


def test_modz_fills_no_zero_in_for_what_is_missing() -> None:
    # pycytominer adds up what is there: a missing value counts as 0.
    table = pd.DataFrame(
        {
            "drug": ["a", "a", "b"],
            "Cells_A": [2.0, 2.0, np.nan],
            "Cells_B": [4.0, np.nan, 1.0],
            "Cells_C": [np.nan, np.nan, 1.0],
            "Cells_D": [5.0, 5.0, 5.0],
        }
    )
    ours = consensus(table, "drug", Modz())
    np.testing.assert_array_equal(matrix(ours), [[2, 4, np.nan, 5], [np.nan, 1, 1, 5]])
    peer = ask("consensus", table, replicate_columns="drug", operation="modz")
    np.testing.assert_array_equal(matrix(peer), [[2, 2, 0, 5], [0, 1, 1, 5]])


def test_modz_with_missing_values_weighs_as_pycytominer_does() -> None:
    rng = np.random.default_rng(4)
    table = pd.DataFrame(rng.normal(size=(9, 40)) + rng.normal(size=40))
    table.columns = pd.Index([f"Cells_{at}" for at in range(40)])
    table = table.where(rng.random(table.shape) > 0.1)
    table.insert(0, "drug", list("aaabbbccc"))
    whole = table.groupby("drug").transform(lambda one: one.notna().all()).all()
    ours = consensus(table, "drug", Modz())[list(whole.index[whole])]
    peer = ask("consensus", table, replicate_columns="drug", operation="modz")
    np.testing.assert_allclose(ours, peer[ours.columns], rtol=1e-9, atol=1e-12)
    assert 0 < whole.sum() < 40


def test_cells_of_a_real_site_become_a_well(shared: Path) -> None:
    folder = shared / "data/cpjump1/single_cells/BR00116991-A01-1"
    cells = pd.read_csv(folder / "Cells.csv").add_prefix("Cells_").select_dtypes("number").copy()
    cells.insert(0, "Metadata_Well", "A01")
    for method in ("median", "mean"):
        ours = aggregate(cells, "Metadata_Well", method, object_column="Cells_ObjectNumber")
        peer = ask("aggregate", cells, strata=["Metadata_Well"], operation=method)
        assert ours.pop("Metadata_Object_Count").tolist() == [109]
        assert_same(ours, peer, sizes(cells))


@pytest.mark.parametrize(
    ("by", "method", "reason"),
    [
        ("Well", "median", r"grouped by columns of the table, found \['Well'\]"),
        ([], "median", "found none"),
        ("Cells_A", "median", "cannot be grouped by a feature"),
        ("Metadata_Well", "max", "method should be one of"),
    ],
)
def test_what_cannot_be_averaged(by: Any, method: Any, reason: str) -> None:
    table = pd.DataFrame({"Metadata_Well": ["A01"], "Cells_A": [1.0]})
    for verb in (aggregate, consensus):
        with pytest.raises(InvalidArgument, match=reason):
            verb(table, by, method)
    with pytest.raises(InvalidArgument, match="counted by a column, found no 'Nuclei'"):
        aggregate(table, "Metadata_Well", object_column="Nuclei")


def test_bbbc021_treatments(shared: Path) -> None:
    path = shared / "data/bbbc021/ljosa_jbiomolscreen_2013_per_well_mean.csv.gz"
    table = pd.read_csv(path)
    ours = aggregate(table, "Image_Metadata_Plate", "mean")
    peer = ask("aggregate", table, strata=["Image_Metadata_Plate"], operation="mean")
    features = list(split_features(list(table.columns)).features)
    np.testing.assert_allclose(ours[features], peer[features], rtol=1e-9)
    assert len(ours) == 55
