"""Measurements of whole images, as features if asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.profiles import (
    VarianceThreshold,
    aggregate,
    feature_select,
    normalize,
    split_features,
)
from tests.profiles.peer import ask

TABLE = pd.DataFrame(
    {
        "Metadata_Well": ["A01", "A01", "A02"],
        "Image_Metadata_Site": [1, 2, 1],
        "Image_FileName_DNA": ["a.tiff", "b.tiff", "c.tiff"],
        "Image_Granularity_1": [1.0, 3.0, 8.0],
        "Image_Constant": [2, 2, 2],
        "Cells_A": [5.0, 7.0, 1.0],
    }
)
FEATURES = ["Image_Granularity_1", "Image_Constant", "Cells_A"]


def test_names() -> None:
    names = list(TABLE.columns)
    assert split_features(names).features == ("Cells_A",)
    found = split_features(names, image_features=True).features
    assert found == ("Image_FileName_DNA", *FEATURES)  # names tell no types
    with pytest.raises(InvalidArgument, match="no column is a feature"):
        split_features(["Image_Metadata_Well"], image_features=True)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas])
def test_numbers_of_images_are_features(kind: object) -> None:
    assert callable(kind)
    table = kind(TABLE)
    wells = aggregate(table, "Metadata_Well", image_features=True)
    assert list(wells.columns) == ["Metadata_Well", *FEATURES]
    assert [wells[name][0] for name in FEATURES] == [2.0, 2.0, 6.0]
    scaled = normalize(table, image_features=True)
    assert np.allclose(np.asarray(scaled["Image_Granularity_1"]).mean(), 0)
    assert list(scaled["Image_FileName_DNA"]) == ["a.tiff", "b.tiff", "c.tiff"]
    selection = feature_select(table, [VarianceThreshold()], image_features=True)
    assert [one.feature for one in selection.dropped] == ["Image_Constant"]


def test_numbers_are_those_of_pycytominer() -> None:
    plain = TABLE.drop(columns="Image_Metadata_Site")  # which the peer takes for a feature
    by = ["Metadata_Well"]
    pd.testing.assert_frame_equal(
        aggregate(plain, by, image_features=True),
        ask("aggregate", plain, strata=by, image_features=True),
    )
    found = normalize(plain, image_features=True)
    peer = ask("normalize", plain, image_features=True)
    pd.testing.assert_frame_equal(found[peer.columns], peer)
