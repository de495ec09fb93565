"""Profiles as points, and as AnnData for scanpy."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from cellfolio.errors import InvalidArgument
from cellfolio.formats.loading import load
from cellfolio.formats.saving import write_table
from cellfolio.profiles import embed, to_anndata
from tests.profiles.plates import make_plate


@pytest.mark.parametrize("features", [40, 200])
def test_components_are_those_of_scikit_learn(features: int) -> None:
    plate = make_plate(features=features)
    values = plate.filter(regex="^(Cells|Nuclei)_").to_numpy()
    judge = PCA(5, svd_solver="full").fit(StandardScaler().fit_transform(values))
    found = embed(plate, components=5)
    expected = judge.transform(StandardScaler().fit_transform(values))
    np.testing.assert_allclose(np.abs(found.places), np.abs(expected), atol=1e-9)
    np.testing.assert_allclose(found.explained, judge.explained_variance_ratio_)
    loadings = StandardScaler().fit_transform(values).T @ found.places
    strongest = loadings[np.abs(loadings).argmax(axis=0), range(5)]
    assert (strongest > 0).all()


@settings(max_examples=15)
@given(st.permutations(range(8)), st.floats(1e-3, 1e3))
def test_order_and_scale_of_features_do_not_matter(order: list[int], scale: float) -> None:
    plate = make_plate(features=8).iloc[:20]
    features = list(plate.columns[4:])
    other = plate[features].iloc[:, order] * [scale if at % 2 else 1 for at in range(8)]
    found, again = embed(plate), embed(other)
    np.testing.assert_allclose(np.abs(found.places), np.abs(again.places), atol=1e-6)


def test_features_that_cannot_be_used_are_left_out_and_told() -> None:
    plate = make_plate(features=6)
    names = list(plate.columns[4:])
    changed = plate.copy()
    changed.loc[0, names[0]] = np.nan
    changed.loc[1, names[1]] = np.inf
    changed[names[2]] = 7.0
    found = embed(changed)
    assert found.left_out == tuple(names[:3])
    np.testing.assert_array_equal(found.places, embed(plate, features=names[3:]).places)
    np.testing.assert_array_equal(found.places, embed(pl.from_pandas(changed)).places)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "tsne"}, "found 'tsne'"),
        ({"components": 0}, "0 components need"),
        ({"components": 7}, "found 96 and 6"),
    ],
)
def test_what_cannot_be_embedded_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        embed(make_plate(features=6), **change)  # type: ignore[arg-type]


def test_table_without_values_is_refused() -> None:
    plate = make_plate(features=3)
    plate[plate.columns[4:]] = np.nan
    with pytest.raises(InvalidArgument, match="found 96 and 0"):
        embed(plate)


# AnnData


def with_metadata() -> pd.DataFrame:
    columns = {
        "Metadata_text": ["a", None, "c"],
        "Metadata_number": [1.5, np.nan, 2.0],
        "Metadata_whole": pd.array([1, None, 3], dtype="Int64"),
        "Metadata_all": pd.array([1, 2, 3], dtype="Int64"),
        "Metadata_true": pd.array([True, None, False], dtype="boolean"),
        "Metadata_bool": [True, False, True],
        "Metadata_kind": pd.Categorical(["x", None, "y"], categories=["x", "y", "z"]),
        "Metadata_date": pd.to_datetime(pd.Series(["2020-01-02", None, "2021-03-04"])),
        "Metadata_mixed": [1, "two", None],
        "Metadata_nested": [[1, 2], None, {"a": 1}],
        "Metadata_empty": [None, None, None],
        "Metadata_string": pd.array(["p", None, "q"], dtype="string"),
        "Cells_A": [1.0, np.nan, 3.0],
        "Nuclei_B": [4, 5, 6],
    }
    return pd.DataFrame(columns)


def test_every_kind_of_metadata_is_written_and_read(tmp_path: Path) -> None:
    table = with_metadata()
    before = table.copy(deep=True)
    path = tmp_path / "profiles.h5ad"
    write_table(table, path)
    pd.testing.assert_frame_equal(table, before)
    read = load(path)
    np.testing.assert_array_equal(read.X, [[1, 4], [np.nan, 5], [3, 6]])
    assert list(read.var_names) == ["Cells_A", "Nuclei_B"]
    obs = read.obs
    assert list(obs.columns) == [f"Metadata_{one}" for one in (
        "text", "number", "whole", "all", "true", "bool", "kind", "date", "mixed", "nested",
        "empty", "string",
    )]  # fmt: skip
    assert obs["Metadata_text"].tolist() == ["a", np.nan, "c"]
    assert obs["Metadata_whole"].tolist()[::2] == [1.0, 3.0]
    assert obs["Metadata_all"].dtype == np.int64
    assert obs["Metadata_bool"].tolist() == [True, False, True]
    assert obs["Metadata_true"].tolist()[::2] == ["True", "False"]
    assert obs["Metadata_mixed"].tolist()[:2] == ["1", "two"]
    assert obs["Metadata_date"].tolist()[0].startswith("2020-01-02")
    assert obs.isna().sum().sum() == table.iloc[:, :-2].isna().sum().sum()
    assert not list(tmp_path.glob(".*"))  # nothing unfinished


def test_all_kinds_of_tables_become_the_same() -> None:
    plate = make_plate()
    made = to_anndata(plate)
    for other in (pl.from_pandas(plate), made):
        again = to_anndata(other)
        np.testing.assert_array_equal(again.X, made.X)
        pd.testing.assert_frame_equal(again.obs, made.obs)
    assert to_anndata(made) is not made


def test_table_without_features_is_not_written_as_profiles(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="does not tell which columns are features"):
        write_table(pd.DataFrame({"well": ["A01"]}), tmp_path / "wells.h5ad")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow  # numba compiles for a minute
def test_scanpy_runs_on_profiles() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scanpy and numba
        import scanpy

        made = to_anndata(make_plate())
        scanpy.pp.pca(made, n_comps=10)
        scanpy.pp.neighbors(made, n_neighbors=5)
        scanpy.tl.umap(made)
    ours = embed(make_plate(), components=10)
    assert made.obsm["X_pca"].shape == ours.places.shape
    assert np.isfinite(made.obsm["X_umap"]).all()
    neighbours = made.obsp["connectivities"].toarray() > 0
    drugs = made.obs["Metadata_drug"].to_numpy()
    treated = drugs != "DMSO"
    same = drugs[:, None] == drugs[None, :]
    assert (neighbours & same)[treated].sum() > 0.5 * neighbours[treated].sum()


@pytest.mark.slow  # numba compiles for a minute
def test_umap_puts_replicates_together_and_gives_the_same_places_again() -> None:
    plate = make_plate()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of umap and numba
        found, again = embed(plate, "umap"), embed(plate, "umap")
    np.testing.assert_array_equal(found.places, again.places)
    assert found.labels == ("UMAP 1", "UMAP 2")
    away = np.linalg.norm(found.places[:, None] - found.places[None, :], axis=2)
    np.fill_diagonal(away, np.inf)
    drugs = plate["Metadata_drug"].to_numpy()
    treated = drugs != "DMSO"
    assert (drugs[away.argmin(axis=1)] == drugs)[treated].mean() > 0.7
