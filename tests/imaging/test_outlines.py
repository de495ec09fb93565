"""Outlines lie within objects, close them, and are visible."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.outlines import check_labels, draw_outlines, fill_labels, find_outlines

LABELS = arrays.arrays(
    np.uint16, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 3)
)


def by_definition(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Pixels of an object with a neighbour above, below, left or right that is not of it."""
    found = np.zeros(labels.shape, bool)
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            near = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            inside = [(a, b) for a, b in near if 0 <= a < height and 0 <= b < width]
            found[y, x] = labels[y, x] != 0 and any(
                labels[place] != labels[y, x] for place in inside
            )
    return found


@settings(max_examples=50)
@given(LABELS)
def test_outlines_are_those_of_the_definition(labels: NDArray[Any]) -> None:
    before = labels.copy()
    np.testing.assert_array_equal(find_outlines(labels), by_definition(labels))
    np.testing.assert_array_equal(labels, before)


@settings(max_examples=50)
@given(LABELS, st.integers(1, 3))
def test_wider_lines_lie_within_objects_and_have_the_thin_ones(
    labels: NDArray[Any], width: int
) -> None:
    found = find_outlines(labels, width)
    assert not (found & (labels == 0)).any()
    assert (found | ~find_outlines(labels)).all()


def test_two_that_touch_have_a_line_each_and_the_border_of_the_image_none() -> None:
    labels = np.array([[1, 1, 1, 2, 2, 2]] * 3)
    assert find_outlines(labels).any(axis=0).tolist() == [False, False, True, True, False, False]


def test_masks_are_labels() -> None:
    mask = np.zeros((6, 6), bool)
    mask[1:5, 1:5] = True
    assert find_outlines(mask).sum() == 12
    assert find_outlines(mask.astype(np.float32)).sum() == 12


def test_a_mask_that_was_turned_has_no_objects_at_its_soft_edge() -> None:
    mask = np.zeros((9, 9), np.uint8)
    mask[1:8, 1:8] = 40
    mask[2:7, 2:7] = 255
    found = check_labels(mask)
    assert found.dtype == bool
    assert found.sum() == 25
    labels = np.array([[1, 2, 3, 255]], np.uint8)
    assert check_labels(labels) is labels


def test_a_line_has_its_colour_and_the_rest_stays() -> None:
    picture = np.full((5, 5, 3), 100, np.uint8)
    labels = np.zeros((5, 5), int)
    labels[1:4, 1:4] = 9
    found = draw_outlines(picture, labels, (1.0, 0.5, 0.0))
    assert found[1, 1].tolist() == [255, 128, 0]
    assert found[2, 2].tolist() == found[0, 0].tolist() == [100, 100, 100]
    assert (picture == 100).all()


def test_objects_are_tinted_by_their_number() -> None:
    picture = np.full((7, 14, 3), 100, np.uint8)
    labels = np.zeros((7, 14), int)
    labels[1:6, 1:6], labels[1:6, 8:13] = 4, 5
    found = fill_labels(picture, labels)
    assert (found[0] == 100).all()
    assert (found[3, 3] != found[3, 10]).any()
    alone = fill_labels(picture, np.where(labels == 5, 5, 0))
    np.testing.assert_array_equal(alone[:, 7:], found[:, 7:])


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (np.zeros((5, 6), int), "6 × 5 pixels, and the image of 5 × 5"),
        (np.zeros((2, 5, 5), int), "expected those of one plane"),
        (np.full((5, 5), 0.5), "expected whole numbers"),
        (np.full((5, 5), np.nan), "expected whole numbers"),
        (np.zeros((5, 5), complex), "expected whole numbers"),
    ],
)
def test_what_does_not_fit_is_told(labels: NDArray[Any], reason: str) -> None:
    picture = np.zeros((5, 5, 3), np.uint8)
    with pytest.raises(InvalidArgument, match=reason):
        draw_outlines(picture, labels, (1, 1, 1))
    with pytest.raises(InvalidArgument, match=reason):
        fill_labels(picture, labels)
