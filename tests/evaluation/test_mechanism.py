"""Mechanisms: scikit-learn's F1, published neighbours, fusion that is fitted on training rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import Design, NeuralClassifier, classify, nearest_labels
from cellfolio.evaluation.agreement import by_label, confusion, macro_f1
from cellfolio.evaluation.classifiers import LogisticRegression
from cellfolio.evaluation.mechanism import FUSIONS
from cellfolio.profiles import Standardize, aggregate, normalize

LABELS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1, max_size=40
)


@given(LABELS.filter(lambda pairs: len({one for pair in pairs for one in pair}) > 1))
def test_agreement_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    true, told = (list(one) for one in zip(*pairs, strict=True))
    counts = confusion(true, told)
    labels = sorted({*true, *told})
    np.testing.assert_array_equal(counts, confusion_matrix(true, told, labels=labels))
    peer = precision_recall_fscore_support(true, told, zero_division=0)
    table = by_label(counts)
    for name, values in zip(("precision", "recall", "f1", "rows"), peer, strict=True):
        np.testing.assert_allclose(table[name], values)
    assert macro_f1(true, told) == pytest.approx(f1_score(true, told, average="macro"))


def wells(noise: float, seed: int = 0) -> tuple[dict[str, pd.DataFrame], list[str], list[str]]:
    """Make 24 compounds of 3 mechanisms, two rows each, seen by two modalities."""
    rng = np.random.default_rng(seed)
    kinds = np.repeat(np.arange(3), 16)
    groups = [f"c{at // 2}" for at in range(48)]
    index = [f"row{at}" for at in range(48)]
    made = {}
    for name, count in (("cells", 8), ("genes", 5)):
        centres = rng.normal(size=(3, count))
        values = centres[kinds] + noise * rng.normal(size=(48, count))
        made[name] = pd.DataFrame(values, index).add_prefix(name)
    return made, [f"m{kind}" for kind in kinds], groups


def test_mechanisms_are_told_by_every_approach() -> None:
    modalities, labels, groups = wells(0.3)
    found = classify(modalities, labels, groups, design=Design(folds=4))
    means = found.scores.groupby("approach")["macro_f1"].mean()
    assert set(means.index) == {"cells", "genes", *FUSIONS}
    assert (means > 0.8).all()
    assert (found.predictions.groupby("group")["fold"].nunique() == 1).all()
    assert found.confusion("late").to_numpy().sum() == 48
    assert found.labels("early")["rows"].tolist() == [16, 16, 16]


@pytest.mark.slow
def test_shuffled_mechanisms_are_not_told() -> None:
    modalities, labels, _ = wells(0.3)
    mixed = np.random.default_rng(1).permutation(labels).tolist()
    found = classify(
        modalities, mixed, list(range(48)), LogisticRegression((0.01, 1.0)), Design(folds=4)
    )
    assert (found.scores.groupby("approach")["macro_f1"].mean() < 0.55).all()


def test_network_and_one_modality() -> None:
    modalities, labels, groups = wells(0.3)
    network = NeuralClassifier((20,), rounds=400)
    found = classify({"cells": modalities["cells"]}, labels, groups, network, Design(folds=3))
    assert found.scores["approach"].unique().tolist() == ["cells"]
    assert found.scores["macro_f1"].mean() > 0.8


@pytest.mark.slow
def test_rare_and_missing_mechanisms_are_left_out_and_told() -> None:
    modalities, labels, groups = wells(0.3)
    some: list[str | None] = list(labels)
    some[:2] = "rare", "rare"
    some[2] = None
    found = classify(modalities, some, groups, LogisticRegression((1.0,)), Design(folds=3))
    assert found.left_out.to_numpy().tolist() == [["rare", 1, 2]]
    assert len(found.predictions) == 45


def test_what_cannot_be_classified_is_refused() -> None:
    modalities, labels, groups = wells(0.3)
    with pytest.raises(InvalidArgument, match="at least 2 labels of 9 groups or more, found 0"):
        classify(modalities, labels, groups, design=Design(least=9))
    with pytest.raises(InvalidArgument, match="cannot be called 'late'"):
        classify({"late": modalities["cells"]}, labels, groups)
    with pytest.raises(InvalidArgument, match="feature 'cells1' misses values"):
        classify({"cells": modalities["cells"].assign(cells1=np.nan)}, labels, groups)
    with pytest.raises(InvalidArgument, match="several of"):
        classify(modalities, labels, ["c0", *groups[:-1]], design=Design(least=2))


def test_nearest_neighbours_of_bbbc021(shared: Path) -> None:
    """The pipeline of the guide: 85 of 103 treatments, NSC; published for means: 0.83."""
    folder = shared / "data" / "bbbc021"
    wells = pd.read_csv(folder / "ljosa_jbiomolscreen_2013_per_well_mean.csv.gz")
    images = pd.read_csv(folder / "BBBC021_v1_image.csv.gz").rename(
        columns={
            "Image_Metadata_Plate_DAPI": "Image_Metadata_Plate",
            "Image_Metadata_Well_DAPI": "Image_Metadata_Well",
            "Image_Metadata_Compound": "compound",
            "Image_Metadata_Concentration": "concentration",
        }
    )
    keys = ["Image_Metadata_Plate", "Image_Metadata_Well"]
    layout = images[[*keys, "compound", "concentration"]].drop_duplicates()
    moa = pd.read_csv(folder / "BBBC021_v1_moa.csv")
    table = (
        wells.merge(layout, on=keys).merge(moa, on=["compound", "concentration"], how="left").copy()
    )
    table["week"] = table["Image_Metadata_Plate"].str.split("_").str[0]
    where = ("Location", "Center_", "Orientation", "EulerNumber")
    features = [
        name
        for name in wells.columns
        if name.startswith(("Cells_", "Cytoplasm_", "Nuclei_"))
        and not any(word in name for word in where)
    ]
    scaled = normalize(
        table, Standardize(), reference="compound == 'DMSO'", by=keys[0], features=features
    )
    treated = scaled[scaled["moa"].notna() & (scaled["compound"] != "DMSO")]
    by = ["compound", "concentration", "moa", "week"]
    means = aggregate(treated, by, "mean", features=features)
    assert len(means) == 103
    features = [name for name in features if np.isfinite(means[name]).all()]
    near = nearest_labels(means[features], means["moa"].tolist(), [means["compound"].tolist()])
    assert near.accuracy == pytest.approx(85 / 103)
    other_week = nearest_labels(
        means[features], means["moa"].tolist(), [means["compound"].tolist(), means["week"].tolist()]
    )
    assert other_week.table["possible"].sum() == 92
    assert other_week.accuracy_of_possible == pytest.approx(67 / 92)


def test_bad_profiles_have_no_neighbours() -> None:
    with pytest.raises(InvalidArgument, match="row 'b' is zero"):
        nearest_labels(pd.DataFrame([[1.0], [0.0]], index=["a", "b"]), ["x", "y"])
    with pytest.raises(InvalidArgument, match="feature 'f' misses"):
        nearest_labels(pd.DataFrame({"f": [1.0, np.nan]}), ["x", "y"])
    alone = nearest_labels(pd.DataFrame({"f": [1.0, 2.0]}), ["x", "x"], [["c", "c"]])
    assert alone.table["predicted"].isna().all()
    assert alone.accuracy == 0
