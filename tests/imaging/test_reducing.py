"""Planes at a fraction of their size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images import image_of
from cellfolio.imaging import reducing
from cellfolio.imaging.histogram import find_histogram
from cellfolio.imaging.reducing import reduce_plane, reduced_shape


@given(
    st.integers(1, 23), st.integers(1, 19), st.integers(1, 6), st.integers(8, 200), st.booleans()
)
def test_bands_give_what_the_whole_does(
    height: int, width: int, factor: int, band: int, stack: bool
) -> None:
    pixels = np.random.default_rng(height * width).integers(0, 60_000, (3, height, width), "u2")
    image = image_of(pixels, "ZYX") if stack else image_of(pixels[0], "YX")
    flat = pixels.max(axis=0) if stack else pixels[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reducing, "BAND", band)
        found = reduce_plane(image, factor)
    high, wide = reduced_shape((height, width), factor)
    down, across = min(factor, height), min(factor, width)
    blocks = flat[: high * down, : wide * across].reshape(high, down, wide, across)
    np.testing.assert_array_equal(found, np.rint(blocks.mean(axis=(1, 3))).astype("u2"))


def test_labels_are_never_mixed() -> None:
    labels = np.array([[0, 0, 5, 5], [0, 0, 5, 9]], np.uint16)
    assert set(reduce_plane(image_of(labels, "YX"), 2, labels=True).ravel()) <= {0, 5, 9}


def test_channels_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="no plane"):
        reduce_plane(image_of(np.zeros((2, 3, 4)), "CYX"))


def test_histogram_counts_every_pixel_once() -> None:
    pixels = np.array([-np.inf, np.nan, -1e308, 0, 1e308], np.float64)
    found = find_histogram(pixels, 4)
    assert sum(found.counts) == 3
    assert found.strange == 2
    assert find_histogram(np.full(3, np.nan)).strange == 3
    assert sum(find_histogram(np.zeros(7, bool)).counts) == 7
