"""Quality of images, by its definitions; blur, saturation and darkness are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage as ndi
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellfolio.errors import InvalidArgument
from cellfolio.measurement import scale_image
from cellfolio.measurement.image_quality import local_focus, measure_image_quality, power_slope
from tests.measurement.golden import read_site

Array = npt.NDArray[Any]
images = st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(
    lambda shape: arrays(np.uint16, shape, elements=st.integers(0, 65535))
)


def slope_by_definition(image: Array) -> float:
    """As CellProfiler has it: all of the spectrum, in rings around the nearest corner."""
    rows, columns = image.shape
    squares = np.arange(rows)[:, None] ** 2 + np.arange(columns) ** 2
    squares = np.minimum(squares, squares[::-1])
    squares = np.minimum(squares, squares[:, ::-1])
    rings = np.floor(np.sqrt(squares)).astype(int) + 1
    power = np.abs(np.fft.fft2(image - image.mean())) ** 2
    radii = np.arange(2, int(min(rows, columns) / 8))
    sums = np.array([power[rings == radius].sum() for radius in radii])
    return float(np.polyfit(np.log(radii), np.log(sums), 1)[0])


def focus_by_definition(image: Array, scale: int) -> float:
    """As CellProfiler has it: each pixel's square from its row and column."""
    rows, columns = image.shape
    tall, wide = -(-rows // scale), -(-columns // scale)
    y, x = np.mgrid[:rows, :columns].astype(float)
    squares = (y * tall / rows).astype(int) * wide + (x * wide / columns).astype(int)
    scores = []
    for square in np.unique(squares):
        own = image[squares == square]
        if own.mean() != 0:
            scores.append(own.var() / own.mean() if np.ptp(own) else 0.0)
    median = np.median(scores) if scores else 0
    return float(np.var(scores) / median) if median > 0 else 0.0


@settings(max_examples=40)
@given(images)
def test_intensities_are_those_of_numpy(image: Array) -> None:
    found = measure_image_quality({"C": image}, scales=())
    plane = scale_image(image).astype(float)
    median = np.median(plane)
    for name, expected in (
        ("TotalArea", plane.size),
        ("TotalIntensity", plane.sum()),
        ("MeanIntensity", plane.mean()),
        ("MedianIntensity", median),
        ("StdIntensity", plane.std()),
        ("MADIntensity", np.median(abs(plane - median))),
        ("MinIntensity", plane.min()),
        ("MaxIntensity", plane.max()),
        ("PercentMaximal", 100 * (image == image.max()).mean()),
        ("PercentMinimal", 100 * (image == image.min()).mean()),
        ("FocusScore", plane.var() / plane.mean() if plane.any() else 0),
    ):
        assert found[f"ImageQuality_{name}_C"] == pytest.approx(expected, rel=1e-12, abs=1e-15)


@settings(max_examples=40)
@given(images, st.integers(1, 15))
@example(np.array([[0] + [11] * 8, [11] * 9, [11] * 9], np.uint16), 3)
def test_local_focus_is_that_of_the_definition(image: Array, scale: int) -> None:
    plane = image / 65535
    expected = focus_by_definition(plane, scale)
    assert local_focus(plane, scale) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("shape", [(64, 64), (65, 64), (40, 131), (256, 33)])
def test_slope_is_that_of_the_definition(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).random(shape)
    assert power_slope(image) == pytest.approx(slope_by_definition(image), rel=1e-9)


def test_blur_is_told_by_every_measure() -> None:
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:256, :256]
    sharp = np.zeros((256, 256))
    for row, column in rng.uniform(10, 246, (60, 2)):
        sharp[(y - row) ** 2 + (x - column) ** 2 < 25] = 0.6
    sharp += rng.uniform(0.0, 0.05, sharp.shape)
    measured = [measure_image_quality({"C": one}) for one in (sharp, ndi.gaussian_filter(sharp, 5))]
    slopes, scores, correlations = (
        [one[f"ImageQuality_{name}"] for one in measured]
        for name in ("PowerLogLogSlope_C", "FocusScore_C", "Correlation_C_20")
    )
    assert slopes[1] < slopes[0] - 1
    assert scores[1] < scores[0] / 2
    assert correlations[1] > correlations[0]


@pytest.mark.parametrize("value", [0, 17, 255])
@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (64, 64)])
def test_images_of_one_value_have_every_number(shape: tuple[int, int], value: int) -> None:
    found = measure_image_quality({"C": np.full(shape, value, np.uint8)}, scales=(1, 20))
    assert np.isfinite(list(found.values())).all()
    assert found["ImageQuality_PercentMaximal_C"] == 100
    assert found["ImageQuality_PowerLogLogSlope_C"] == 0


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((4, 4), np.nan), "channel C should have values from 0 to 1, found missing"),
        (np.zeros((0, 4)), "channel C should have pixels"),
        (np.zeros((4, 4, 4)), "channel C should be one plane"),
    ],
)
def test_images_that_cannot_be_used_are_named(image: Array, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        measure_image_quality({"C": image})
    with pytest.raises(InvalidArgument, match="at least 1 pixel"):
        measure_image_quality({"C": np.zeros((4, 4))}, scales=(0,))


@pytest.mark.slow
@pytest.mark.parametrize("scale", [5, 20])
def test_correlation_and_slope_are_those_of_centrosome(shared: Path, scale: int) -> None:
    haralick = pytest.importorskip("centrosome.haralick")
    real = read_site(shared, "DMSO_r04c14f05")
    found = measure_image_quality(real.images, scales=(scale,))
    for name, image in real.images.items():
        plane = scale_image(image)
        judge = haralick.Haralick(plane, np.ones(plane.shape, int), 0, scale).H3()[0]
        assert found[f"ImageQuality_Correlation_{name}_{scale}"] == pytest.approx(judge, rel=1e-9)
        expected = slope_by_definition(plane.astype(float))
        assert found[f"ImageQuality_PowerLogLogSlope_{name}"] == pytest.approx(expected, rel=1e-9)
