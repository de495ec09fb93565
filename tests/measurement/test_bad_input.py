"""Odd images and labels: each gives the documented result, and none a crash.

| given | found |
|---|---|
| whole numbers of 8, 16 or 32 bits, floats from 0 to 1 | the same features, but for rounding |
| all black | intensities of 0; ratios of nothing are missing or 0; textures are 0 |
| saturated | intensities of 1, no spread; textures of one gray level |
| NaN, infinite or negative pixels, floats above 1 | `InvalidArgument` that names the channel |
| no object | a table without rows, with all columns |
| an object of one pixel, at the border, in several pieces | a row |
| numbers with gaps, in any order | rows by number |
"""  # fmt: skip

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.measurement import (
    CostesSettings,
    GranularitySettings,
    MeasurementSettings,
    measure_image,
    measure_image_quality,
    measure_objects,
)
from cellfolio.measurement.image_features import IMAGE_GROUPS

# Compiled kernels give NaN for 0/0 without a word; as Python they warn.
pytestmark = [
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:divide by zero encountered:RuntimeWarning"),
]

Array = npt.NDArray[Any]
SMALL = MeasurementSettings(
    granularity=GranularitySettings(1, 1, 3, 4), texture_scales=(1,), costes=CostesSettings()
)
SHAPE = (20, 24)


def labels_of(count: int = 2) -> Array:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    labels = np.zeros(SHAPE, int)
    for number, column in zip(range(1, count + 1), (7, 17), strict=False):
        labels[(y - 9) ** 2 + (x - column) ** 2 < 10] = number
    return labels


def bytes_of(seed: int = 0) -> Array:
    found: Array = np.random.default_rng(seed).integers(1, 255, SHAPE).astype(np.uint8)
    return found


def measured(labels: Array, one: Array, other: Array | None = None) -> pd.DataFrame:
    return measure_objects(labels, {"DNA": one, "ER": one if other is None else other}, SMALL)


@pytest.mark.parametrize("kind", [np.uint16, np.uint32, np.int16, np.int32, np.float32, np.float64])
def test_images_of_any_type_have_the_features_of_bytes(kind: type) -> None:
    given = bytes_of()
    settings = MeasurementSettings(("Intensity", "Location", "Texture"), texture_scales=(1,))
    most = np.iinfo(kind).max if np.issubdtype(kind, np.integer) else 1.0
    found = measure_objects(labels_of(), {"DNA": (given / 255 * most).astype(kind)}, settings)
    expected = measure_objects(labels_of(), {"DNA": given}, settings)
    rounded = 1e-4 if np.dtype(kind).itemsize == 2 else 1e-6
    for name in expected:
        if str(name).startswith(("Texture", "Location_Max", "Object")):
            assert np.allclose(found[name], expected[name], atol=1e-9), name
        else:
            assert np.allclose(found[name], expected[name], rtol=rounded, atol=rounded), name


def test_truth_values_are_an_image() -> None:
    found = measured(labels_of(), bytes_of() > 100)
    assert found["Intensity_MaxIntensity_DNA"].tolist() == [1.0, 1.0]


def test_black_images_have_no_intensity_and_no_texture() -> None:
    found = measured(labels_of(), np.zeros(SHAPE, np.uint16))
    assert len(found) == 2
    intensities = [name for name in found if str(name).startswith("Intensity_Int")]
    assert (found[intensities] == 0).all(axis=None)
    textures = [name for name in found if str(name).startswith("Texture_")]
    assert (found[textures] == 0).all(axis=None)
    missing = {str(name).split("_")[0] for name in found if found[name].isna().any()}
    assert missing <= {"Correlation", "Intensity", "Location", "RadialDistribution"}
    assert found["Location_CenterMassIntensity_X_DNA"].isna().all()
    assert found["AreaShape_Area"].gt(0).all()


def test_saturated_images_have_one_gray_level() -> None:
    found = measured(labels_of(), np.full(SHAPE, 65535, np.uint16))
    assert found["Intensity_MeanIntensity_DNA"].tolist() == [1.0, 1.0]
    assert found["Intensity_StdIntensity_DNA"].tolist() == [0.0, 0.0]
    assert found["Texture_AngularSecondMoment_DNA_1_00_256"].tolist() == [1.0, 1.0]
    assert found["Texture_Entropy_DNA_1_00_256"].tolist() == [0.0, 0.0]
    assert found["Correlation_Correlation_DNA_ER"].isna().all()
    assert np.isfinite(found["Texture_InfoMeas1_DNA_1_00_256"]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.5, 1.5])
def test_pixels_that_are_no_light_are_refused(value: float) -> None:
    image = np.full(SHAPE, 0.5)
    image[3, 4] = value
    for measure in (
        lambda: measured(labels_of(), np.full(SHAPE, 0.5), image),
        lambda: measure_image({"ER": image}),
        lambda: measure_image_quality({"ER": image}),
    ):
        with pytest.raises(InvalidArgument, match="channel ER should have values from 0 to 1"):
            measure()


def test_no_object_is_a_table_without_rows() -> None:
    found = measured(np.zeros(SHAPE, int), bytes_of())
    full = measured(labels_of(), bytes_of())
    assert len(found) == 0
    assert found.columns.equals(full.columns)
    assert found.dtypes.equals(full.dtypes)


def test_one_object_has_no_neighbours() -> None:
    found = measured(labels_of(1), bytes_of())
    assert len(found) == 1
    assert found["Neighbors_NumberOfNeighbors_5"].tolist() == [0.0]
    assert found["AreaShape_Area"].tolist() == [29.0]


def test_an_object_of_one_pixel_is_that_pixel() -> None:
    labels = np.zeros(SHAPE, int)
    labels[4, 5] = 1
    image = bytes_of()
    (row,) = measured(labels, image).to_dict("records")
    level = image[4, 5] / 255
    assert row["AreaShape_Area"] == 1
    for name in ("Mean", "Min", "Max", "Median"):
        assert row[f"Intensity_{name}Intensity_DNA"] == pytest.approx(level, rel=1e-6)
    assert (row["Location_Center_X"], row["Location_Center_Y"]) == (5, 4)
    assert row["Intensity_StdIntensity_DNA"] == 0
    assert row["Texture_Contrast_DNA_1_00_256"] == 0
    assert np.isnan(row["Correlation_Correlation_DNA_ER"])


@pytest.mark.filterwarnings("error")
def test_objects_too_small_for_a_direction_have_no_texture_and_no_warning() -> None:
    labels = np.zeros((40, 40), dtype=int)
    labels[5:7, 5:7], labels[15:35, 10:30] = 1, 2
    image = np.random.default_rng(0).integers(0, 60_000, (40, 40)).astype(np.uint16)
    settings = MeasurementSettings(("Texture",), texture_scales=(3,))
    found = measure_objects(labels, {"DNA": image}, settings)
    textures = [name for name in found if str(name).startswith("Texture_")]
    assert (found.loc[0, textures] == 0).all()
    assert (found.loc[1, "Texture_DifferenceVariance_DNA_3_00_256"]) > 0


def test_objects_at_the_border_are_measured_as_they_are() -> None:
    labels = np.zeros(SHAPE, int)
    labels[:5, :5], labels[-5:, -5:] = 1, 2
    found = measured(labels, bytes_of())
    assert found["AreaShape_Area"].tolist() == [25, 25]
    inside = measured(np.roll(labels, (7, 7), (0, 1)), np.roll(bytes_of(), (7, 7), (0, 1)))
    for name in ("Intensity_MeanIntensity_DNA", "AreaShape_Eccentricity", "AreaShape_ConvexArea"):
        assert np.allclose(found[name], inside[name]), name


def test_objects_in_pieces_are_one_object() -> None:
    labels = np.zeros(SHAPE, int)
    labels[2:5, 2:5], labels[12:15, 15:18] = 4, 4
    found = measured(labels, bytes_of())
    assert found["ObjectNumber"].tolist() == [4]
    assert found["AreaShape_Area"].tolist() == [18]
    assert found["AreaShape_EulerNumber"].tolist() == [2]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.int64, np.uint64])
def test_numbers_with_gaps_in_any_order_give_the_same_rows(kind: type) -> None:
    labels, image = labels_of(), bytes_of()
    renamed: Array = np.array([0, 200, 7])[labels].astype(kind)
    settings = MeasurementSettings(("AreaShape", "Intensity", "Neighbors"))
    found = measure_objects(renamed, {"DNA": image}, settings)
    expected = measure_objects(labels, {"DNA": image}, settings)
    assert found["ObjectNumber"].tolist() == [7, 200]
    assert found["AreaShape_Area"].tolist() == expected["AreaShape_Area"].tolist()[::-1]
    name = "Intensity_MeanIntensity_DNA"
    assert found[name].tolist() == expected[name].tolist()[::-1]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2)])
@pytest.mark.parametrize("number", [0, 3])
def test_images_of_few_pixels(shape: tuple[int, int], number: int) -> None:
    image = np.random.default_rng(2).integers(0, 255, shape).astype(np.uint8)
    labels = np.full(shape, number)
    found = measured(labels, image)
    assert len(found) == (number > 0)
    settings = MeasurementSettings(granularity=GranularitySettings(), texture_scales=(3,))
    assert len(measure_objects(labels, {"DNA": image}, settings)) == (number > 0)
    assert measure_image({"A": image, "B": image}, SMALL, groups=IMAGE_GROUPS)
    assert measure_image_quality({"A": image})


def test_no_channel_leaves_what_labels_tell() -> None:
    found = measure_objects(labels_of(), {}, SMALL)
    assert {str(name).split("_")[0] for name in found} == {
        "ObjectNumber", "AreaShape", "Location", "Neighbors",
    }  # fmt: skip


@pytest.mark.slow
def test_thousands_of_objects() -> None:
    side, pitch = 1024, 16
    y, x = np.mgrid[:side, :side]
    number = (y // pitch) * (side // pitch) + x // pitch + 1
    within = (y % pitch - 7.5) ** 2 + (x % pitch - 7.5) ** 2 < 36
    labels = np.where(within, number, 0)
    image = np.random.default_rng(3).integers(0, 65536, (side, side)).astype(np.uint16)
    found = measure_objects(labels, {"DNA": image, "ER": image.T.copy()})
    assert len(found) == (side // pitch) ** 2 == 4096
    assert found["AreaShape_Area"].nunique() == 1
    means = found["Intensity_MeanIntensity_DNA"].to_numpy()
    expected = np.bincount(labels.ravel(), image.ravel() / 65535)[1:] / found["AreaShape_Area"]
    assert np.allclose(means, expected, rtol=1e-6)
    one = measure_objects(np.where(labels == 2001, 1, 0), {"DNA": image})
    # Middles of rings depend on where in the image equal values lie (see `ordering`).
    alone = [str(name) for name in one if str(name).startswith(("Texture", "Intensity"))]
    assert np.allclose(one[alone], found.loc[[2000], alone], rtol=1e-9, equal_nan=True)
