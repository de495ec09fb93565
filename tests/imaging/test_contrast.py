"""Contrast: what is black, what is white, and nothing surprising at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.contrast import SAMPLE, Fixed, Percentile, sample, to_bytes

ANY = arrays.arrays(
    st.sampled_from([np.uint8, np.int16, np.uint16, np.uint64, np.float32, np.float64, np.bool_]),
    arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9),
)


@settings(max_examples=50)
@given(ANY)
def test_every_image_becomes_brightness_without_a_warning(pixels: np.ndarray) -> None:
    before = pixels.copy()
    shown = Percentile().limits(pixels).apply(pixels)
    assert shown.dtype == np.float32
    assert shown.shape == pixels.shape
    assert 0 <= shown.min() <= shown.max() <= 1
    np.testing.assert_array_equal(pixels, before)


@settings(max_examples=50)
@given(ANY.filter(lambda pixels: pixels.dtype.kind in "iu"))
def test_brighter_pixels_are_never_darker(pixels: np.ndarray) -> None:
    shown = Percentile(0, 100).limits(pixels).apply(pixels).ravel()
    order = np.argsort(pixels.ravel(), kind="stable")
    assert (np.diff(shown[order]) >= 0).all()


def test_percentiles_are_those_of_numpy() -> None:
    pixels = np.random.default_rng(0).integers(1, 60_000, (200, 300)).astype(np.uint16)
    found = Percentile(2, 98).limits(pixels)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(pixels, (2, 98))))


def test_a_sample_of_a_large_image_has_its_percentiles_and_all_columns() -> None:
    pixels = np.random.default_rng(0).integers(1, 60_000, (2000, 4000)).astype(np.uint16)
    taken = sample(pixels)
    assert 0.8 * SAMPLE < taken.size <= SAMPLE
    assert np.percentile(taken, 99.5) == pytest.approx(np.percentile(pixels, 99.5), rel=0.01)
    columns = sample(np.broadcast_to(np.arange(4000), (2000, 4000)))
    assert len(np.unique(columns)) == 4000


@pytest.mark.parametrize(
    ("pixels", "brightness"),
    [
        (np.zeros((3, 3), np.uint16), 0),
        (np.full((3, 3), 700, np.uint16), 0),
        (np.full((3, 3), 65535, np.uint16), 1),
        (np.full((3, 3), np.nan), 0),
        (np.full((3, 3), -2.5), 0),
        (np.zeros((0, 3)), 0),
    ],
    ids=["black", "constant", "saturated", "nan", "negative", "empty"],
)
def test_images_of_one_value(pixels: np.ndarray, brightness: float) -> None:
    assert (Percentile().limits(pixels).apply(pixels) == brightness).all()


def test_a_few_bright_pixels_on_nothing_are_seen() -> None:
    pixels = np.zeros((100, 100), np.uint8)
    pixels[3, 4] = 1
    shown = Percentile().limits(pixels).apply(pixels)
    assert shown[3, 4] == 1
    assert shown.sum() == 1


def test_black_around_an_image_does_not_count() -> None:
    pixels = np.zeros((100, 100), np.uint16)
    pixels[:50] = np.random.default_rng(0).integers(1000, 2000, (50, 100))
    assert Percentile().limits(pixels).low > 1000


def test_nan_is_black_and_infinities_are_the_ends() -> None:
    pixels = np.array([[np.nan, -np.inf, np.inf, 1.0, 3.0]])
    limits = Percentile(0, 100).limits(pixels)
    assert limits == Fixed(1.0, 3.0)
    assert limits.apply(pixels).tolist() == [[0, 0, 1, 0, 1]]


@settings(max_examples=50)
@given(arrays.arrays(np.float32, 7, elements=st.floats(0, 1, width=32)))
def test_bytes_are_rounded(brightness: np.ndarray) -> None:
    assert np.abs(to_bytes(brightness) / 255 - brightness).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize(("low", "high"), [(3, 3), (4, 3), (float("nan"), 1), (0, float("inf"))])
def test_what_is_no_range_is_refused(low: float, high: float) -> None:
    with pytest.raises(InvalidArgument, match="the lower one first"):
        Fixed(low, high)


@pytest.mark.parametrize(("low", "high"), [(50, 50), (-1, 50), (1, 101), (float("nan"), 99)])
def test_what_are_no_percentiles_is_refused(low: float, high: float) -> None:
    with pytest.raises(InvalidArgument, match="from 0 to 100"):
        Percentile(low, high)


def test_complex_numbers_have_no_brightness() -> None:
    with pytest.raises(InvalidArgument, match="complex"):
        Fixed(0, 1).apply(np.zeros((2, 2), complex))
