"""Sizes on the screen: nothing blurred, nothing invented."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.scaling import (
    average_area,
    fit_zoom,
    zoom_labels,
    zoom_pixels,
    zoomed_shape,
)

PLANES = arrays.arrays(
    st.sampled_from([np.uint8, np.uint16, np.float32]),
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements={"min_value": 0, "max_value": 200},
)


def weights(old: int, new: int) -> NDArray[np.float64]:
    """How much of each old pixel lies in each new one, by its definition."""
    found = np.zeros((new, old))
    for i in range(new):
        for j in range(old):
            overlap = min((i + 1) * old / new, j + 1) - max(i * old / new, j)
            found[i, j] = max(0.0, overlap) * new / old
    return found


@settings(max_examples=50)
@given(PLANES, st.data())
def test_averages_are_over_the_area(plane: NDArray[Any], data: st.DataObject) -> None:
    height, width = (data.draw(st.integers(1, side)) for side in plane.shape)
    found = average_area(plane, (height, width))
    expected = weights(plane.shape[0], height) @ plane @ weights(plane.shape[1], width).T
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert found.mean() == pytest.approx(plane.mean(), abs=1e-3)


@settings(max_examples=50)
@given(PLANES, st.integers(1, 4))
def test_larger_is_pixels_repeated(plane: NDArray[Any], times: int) -> None:
    found = zoom_pixels(plane, float(times))
    assert found.dtype == plane.dtype
    np.testing.assert_array_equal(found, np.kron(plane, np.ones((times, times), plane.dtype)))


@settings(max_examples=50)
@given(PLANES, st.integers(1, 300))
def test_labels_are_never_mixed_and_fit_the_pixels(plane: NDArray[Any], side: int) -> None:
    zoom = fit_zoom((plane.shape[0], plane.shape[1]), side)
    labels = zoom_labels(plane, zoom)
    assert labels.shape == zoom_pixels(plane, zoom).shape
    assert set(labels.ravel().tolist()) <= set(plane.ravel().tolist())


@settings(max_examples=50)
@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 2000))
def test_what_fits_a_square_fits_it(height: int, width: int, side: int) -> None:
    zoom = fit_zoom((height, width), side)
    assert max(zoomed_shape((height, width), zoom)) <= side
    assert zoom < 1 or zoom == int(zoom)
    if zoom < 1:
        assert max(zoomed_shape((height, width), zoom)) == side


def test_a_plane_cannot_be_averaged_to_a_larger_one() -> None:
    with pytest.raises(InvalidArgument, match="cannot be averaged"):
        average_area(np.zeros((3, 3)), (4, 3))
