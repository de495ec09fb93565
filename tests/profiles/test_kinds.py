"""Every kind of table in, the same kind and the same numbers out, nothing changed."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from cellfolio.errors import InvalidArgument
from cellfolio.profiles import (
    CorrelationThreshold,
    DropMissing,
    Modz,
    NoiseRemoval,
    RobustMad,
    Spherize,
    aggregate,
    annotate,
    consensus,
    feature_select,
    normalize,
    split_features,
)

ROWS = 24
MAP = pd.DataFrame(
    {"well_position": [f"B{n:02d}" for n in range(ROWS, 0, -1)], "dose": range(ROWS)}
)


def make() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    values = rng.normal(size=(ROWS, 5))
    values[:, 4] = values[:, 0] * 2 + 0.1 * values[:, 1]
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "Metadata_Plate": ["P1", "P2"] * 12,
                    "Metadata_Well": [f"B{n:02d}" for n in range(1, ROWS + 1)],
                    "Metadata_drug": pd.Series(["DMSO", "taxol", None, "DMSO"] * 6),
                }
            ),
            pd.DataFrame(values, columns=[f"Cells_Kind_{at}" for at in range(5)]),
        ],
        axis=1,
    )


def as_anndata(frame: pd.DataFrame) -> Any:
    split = split_features(list(frame.columns))
    obs = frame[list(split.metadata)].set_axis([f"row{n}" for n in range(len(frame))])
    var = pd.DataFrame({"channel": "DNA"}, index=list(split.features))
    return anndata.AnnData(X=frame[list(split.features)].to_numpy(), obs=obs, var=var)


VERBS: dict[str, Callable[[Any], Any]] = {
    "normalize": lambda table: normalize(
        table, RobustMad(), reference="Metadata_drug == 'DMSO'", by="Metadata_Plate"
    ),
    "spherize": lambda table: normalize(table, Spherize("PCA")),
    "aggregate": lambda table: aggregate(
        table, ["Metadata_drug", "Metadata_Plate"], object_column="Metadata_Well"
    ),
    "consensus": lambda table: consensus(table, "Metadata_drug", Modz()),
    "annotate": lambda table: annotate(table, MAP),
    "feature_select": lambda table: (
        feature_select(
            table, [DropMissing(), CorrelationThreshold(), NoiseRemoval("Metadata_drug", 1.2)]
        ).profiles
    ),
}


def numbers(table: Any) -> np.ndarray:
    """Return the features of any kind of table."""
    if isinstance(table, anndata.AnnData):
        return np.asarray(table.X)
    if isinstance(table, pl.DataFrame):
        table = table.to_pandas()
    return np.asarray(table.select_dtypes("float"))


def labels(table: Any) -> list[list[Any]]:
    """Return the metadata of any kind of table."""
    if isinstance(table, anndata.AnnData):
        frame = table.obs
    elif isinstance(table, pl.DataFrame):
        frame = table.to_pandas()
    else:
        frame = table
    names = [name for name in frame.columns if name.startswith("Metadata_")]
    plain = frame[names].astype(object)
    return [names, *plain.where(plain.notna(), None).to_numpy().tolist()]


@pytest.mark.parametrize("verb", VERBS)
def test_polars(verb: str) -> None:
    table = pl.from_pandas(make())
    before = table.clone()
    found = VERBS[verb](table)
    assert isinstance(found, pl.DataFrame)
    wanted = VERBS[verb](make())
    assert found.columns == list(wanted.columns)
    np.testing.assert_array_equal(numbers(found), numbers(wanted))
    assert labels(found) == labels(wanted)
    assert table.equals(before)
    for name in set(found.columns) & set(table.columns):
        assert found.schema[name] == table.schema[name]


@pytest.mark.parametrize("verb", VERBS)
def test_anndata(verb: str) -> None:
    table = as_anndata(make())
    before = pickle.dumps((table.X, table.obs))
    found = VERBS[verb](table)
    assert isinstance(found, anndata.AnnData)
    wanted = VERBS[verb](make())
    np.testing.assert_array_equal(numbers(found), numbers(wanted))
    assert labels(found) == labels(wanted)
    assert pickle.dumps((table.X, table.obs)) == before
    if verb != "spherize":
        assert set(found.var["channel"]) == {"DNA"}
    if verb in ("normalize", "annotate"):
        assert set(found.obs_names) == set(table.obs_names)
    if verb == "annotate":
        assert found.obs_names[0] == "row23"


def test_sparse_anndata() -> None:
    table = as_anndata(make())
    table.X = sparse.csr_matrix(table.X)
    np.testing.assert_array_equal(numbers(normalize(table)), numbers(normalize(make())))


@pytest.mark.parametrize("verb", VERBS)
def test_pandas_is_left_as_it_was_and_twice_the_same(verb: str) -> None:
    table = make()
    found = VERBS[verb](table)
    pd.testing.assert_frame_equal(table, make(), check_exact=True)
    pd.testing.assert_frame_equal(VERBS[verb](table), found, check_exact=True)
    found.iloc[:, -1] = 0.0  # what was returned shares nothing with what was given
    pd.testing.assert_frame_equal(table, make(), check_exact=True)


def test_rows_keep_their_index() -> None:
    table = make().set_index(pd.Index(range(100, 100 + ROWS)))
    assert normalize(table, by="Metadata_Plate").index.equals(table.index)
    assert feature_select(table, [DropMissing()]).profiles.index.equals(table.index)


def test_nullable_and_arrow_columns() -> None:
    table = make()
    table["Cells_Kind_1"] = table["Cells_Kind_1"].round().astype("Int64").where(table.index > 2)
    table["Cells_Kind_2"] = table["Cells_Kind_2"].astype("double[pyarrow]")
    table["Cells_Kind_3"] = table["Cells_Kind_3"] > 0
    plain = table.astype({f"Cells_Kind_{at}": "float64" for at in (1, 2, 3)})
    pd.testing.assert_frame_equal(normalize(table), normalize(plain))


def test_nothing_in_common_with_a_table() -> None:
    for one in ("plate.csv", {"Cells_A": [1]}, None):
        with pytest.raises(InvalidArgument, match="expected a pandas or polars data frame or an A"):
            normalize(one)
    with pytest.raises(InvalidArgument, match="'Cells_A' is there more than once"):
        normalize(pd.DataFrame([[1, 2]], columns=["Cells_A", "Cells_A"]))
    with pytest.raises(InvalidArgument, match="names of columns should be texts, found 0"):
        normalize(pd.DataFrame([[1, 2]]))
    with pytest.raises(InvalidArgument, match="all of an AnnData's X are features"):
        normalize(as_anndata(make()), features=["Cells_Kind_1"])


def test_features_by_name() -> None:
    table = pd.DataFrame({"well": ["a", "b"], "x": [1.0, 3.0], "y": [1.0, 1.0]})
    assert normalize(table, features=["x"]).columns.tolist() == ["well", "y", "x"]
    for features, reason in (("x", "a list of names"), (["z"], "'z'"), (["x", "x"], "once"),
                             ([], "at least one")):  # fmt: skip
        with pytest.raises(InvalidArgument, match=reason):
            normalize(table, features=features)


def test_columns_with_pictures_are_no_features() -> None:
    table = pd.DataFrame({"Cells_A": [1.0, 3.0], "Cells_Image": [[1, 2], [3, 4]]})
    assert normalize(table).columns.tolist() == ["Cells_Image", "Cells_A"]


@pytest.mark.parametrize(
    ("columns", "features"),
    [
        (["Metadata_Well", "Cells_A", "Nuclei_B", "CytoplasmC"], ["Cells_A", "Nuclei_B", "Cyto…"]),
        (["Metadata_Cells_Location", "Image_Count", "Cells_A"], ["Cells_A"]),
        (["Metadata_Site_1", "efficientnet_0", "efficientnet_1"], ["efficientnet_0", "effici…"]),
        (["Well", "1", "0"], ["1", "0"]),
        (["Well", "dose_0", "vit_1", "vit_2", "vit_3"], ["vit_1", "vit_2", "vit_3"]),
        (["created_at", "200814_at", "x_7_at", "218597_s_at"], ["200814_at", "218597_s_at"]),
        (["200814_at", "Cells_A"], ["Cells_A"]),
    ],
)
def test_features_are_told_by_their_names(columns: list[str], features: list[str]) -> None:
    split = split_features(columns)
    assert len(split.features) == len(features)
    assert sorted([*split.metadata, *split.features]) == sorted(columns)
    assert all(a.startswith(b.rstrip("…")) for a, b in zip(split.features, features, strict=True))


def test_names_without_features() -> None:
    with pytest.raises(InvalidArgument, match="no column is a feature: expected names that begin"):
        split_features(["Metadata_Well", "area", "site_7", "site_9"])
    with pytest.raises(InvalidArgument, match="a list of prefixes"):
        split_features(["emb_0"], "emb_")


def test_blocklist_is_that_of_pycytominer() -> None:
    from pycytominer.cyto_utils.blocklist import Blocklist as Peer

    from cellfolio.profiles import NOISY_FEATURES

    assert sorted(NOISY_FEATURES) == sorted(Peer(blocklist_name="default").to_list())
