"""Features of whole images equal those of CellProfiler, and follow their definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.measurement import GranularitySettings, MeasurementSettings, scale_image
from cellfolio.measurement.image_features import (
    IMAGE_GROUPS,
    measure_image,
    measure_image_colocalization,
    measure_image_texture,
)
from cellfolio.measurement.threshold_quality import measure_threshold
from tests.measurement.golden import KINDS, SITES, read_image_table, read_site

# Compiled kernels give NaN for 0/0 without a word; as Python they warn.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")

Array = npt.NDArray[Any]
SMALL = MeasurementSettings(granularity=GranularitySettings(1, 1, 3, 4), texture_scales=(1, 2))
ROUNDED = "Granularity_1_"
"""CellProfiler divides by a mean that was summed in single precision."""


def noise(seed: int = 0, shape: tuple[int, int] = (12, 15), levels: int = 6) -> Array:
    found: Array = np.random.default_rng(seed).integers(0, levels, shape).astype(np.uint8)
    return found


def test_names_of_all_groups() -> None:
    found = measure_image({"A": noise(1), "B": noise(2)}, SMALL, groups=IMAGE_GROUPS)
    assert len(found) == 2 * (4 + 2 * 4 * 13) + 9
    assert list(found) == sorted(found)
    assert {name.partition("_")[0] for name in found} == set(IMAGE_GROUPS)


@pytest.mark.parametrize("seed", range(3))
def test_textures_count_black_pixels_as_mahotas_does(seed: int) -> None:
    haralick = pytest.importorskip("mahotas.features").haralick
    image = noise(seed)
    assert (image == 0).any()
    for scale in (1, 3):
        found = measure_image_texture(scale_image(image), "C", [scale])
        ours = np.array(list(found.values())).reshape(4, 13)
        assert np.allclose(ours, haralick(image, distance=scale), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_images_without_pairs_have_textures_of_0(shape: tuple[int, int]) -> None:
    found = measure_image_texture(scale_image(np.full(shape, 9, np.uint8)), "C", [3])
    assert set(found.values()) == {0.0}


def test_colocalization_is_that_of_numpy() -> None:
    one, other = scale_image(noise(3) + 1), scale_image(noise(4) + 1)
    found = measure_image_colocalization({"B": other, "A": one})
    wide = one.ravel().astype(float), other.ravel().astype(float)
    assert found["Correlation_Correlation_A_B"] == pytest.approx(np.corrcoef(*wide)[0, 1])
    assert found["Correlation_Slope_A_B"] == pytest.approx(np.polyfit(*wide, 1)[0])
    flat = measure_image_colocalization({"A": np.full((3, 3), 0.5, np.float32), "B": one[:3, :3]})
    assert np.isnan(flat["Correlation_Slope_A_B"])


def test_what_cannot_be_measured_is_named() -> None:
    with pytest.raises(InvalidArgument, match="no features 'Textures'") as found:
        measure_image({"A": noise()}, groups=["Textures"])
    assert "Texture" in str(found.value.hint)
    with pytest.raises(InvalidArgument, match="channel B should have pixels, and the shape of A"):
        measure_image({"A": noise(), "B": noise(shape=(3, 3))})
    with pytest.raises(InvalidArgument, match="channel A should have pixels"):
        measure_image({"A": np.zeros((0, 3), np.uint8)})
    assert measure_image({}) == {}


@pytest.mark.parametrize("value", [0, 40])
def test_thresholds_of_images_of_one_value(value: int) -> None:
    image = scale_image(np.full((6, 6), value, np.uint8))
    found = measure_threshold(image, image > 0, "Cells")
    assert np.isfinite(list(found.values())).all()
    assert found["Threshold_WeightedVariance_Cells"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", SITES)
def test_every_feature_is_that_of_cellprofiler(shared: Path, name: str) -> None:
    site = read_site(shared, name)
    golden = read_image_table(shared, name)
    found = measure_image(site.images)
    cells = golden["Threshold_FinalThreshold_Cells"]
    rna = scale_image(site.images["RNA"])
    found |= measure_threshold(rna, rna >= np.float32(cells), "Cells")
    for kind in KINDS:
        found[f"Count_{kind}"] = float(len(np.unique(site.labels[kind])) - 1)
    told_by_segmentation = {one for one in golden if one.startswith("Threshold_")}
    assert set(golden) - told_by_segmentation == set(found) - told_by_segmentation
    wrong = {
        one
        for one in found
        if not np.isclose(found[one], golden[one], rtol=1e-6, atol=1e-11, equal_nan=True)
    }
    assert {one for one in wrong if not one.startswith(ROUNDED)} == set()
    for one in wrong:
        assert found[one] == pytest.approx(golden[one], rel=1e-5)
    assert len(wrong) <= 0.01 * len(golden)
