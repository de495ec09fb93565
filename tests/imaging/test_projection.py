"""Projections are NumPy's, and never hold more than a few planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images import PixelSize, image_of
from cellfolio.formats.images.building import lazy_image
from cellfolio.formats.images.planes import Box
from cellfolio.imaging.projection import PROJECTIONS, Projection, project

STACKS = arrays.arrays(
    st.sampled_from([np.uint8, np.int16, np.uint16, np.float32]),
    arrays.array_shapes(min_dims=5, max_dims=5, max_side=3),
    elements={"min_value": 0, "max_value": 120},
)


@settings(max_examples=50)
@given(STACKS, st.sampled_from(PROJECTIONS), st.sampled_from(["Z", "T", "ZT"]))
def test_projections_are_those_of_numpy(stack: NDArray[Any], how: Projection, axes: str) -> None:
    found = project(image_of(stack, "TCZYX"), how, axes)
    where = tuple("TCZYX".index(axis) for axis in axes)
    expected = {
        "max": lambda: stack.max(axis=where),
        "mean": lambda: stack.mean(axis=where, dtype=np.float64),
        "sum": lambda: stack.sum(axis=where, dtype=np.float64),
    }[how]()
    assert found.axes == "".join(axis for axis in "TCZYX" if axis not in axes)
    np.testing.assert_allclose(found.read(), expected, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize(
    ("dtype", "how", "expected"),
    [
        (np.uint8, "max", np.uint8), (np.uint8, "mean", np.float32), (np.uint8, "sum", np.uint64),
        (np.int16, "sum", np.int64), (np.float32, "sum", np.float64), (np.bool_, "sum", np.uint64),
        (np.float64, "max", np.float64),
    ],
)  # fmt: skip
def test_types(dtype: type, how: Projection, expected: type) -> None:
    assert project(image_of(np.ones((3, 2, 2), dtype), "ZYX"), how).dtype == expected


def test_a_sum_does_not_overflow() -> None:
    stack = np.full((400, 1, 2), 255, np.uint8)
    assert project(image_of(stack, "ZYX"), "sum").read().tolist() == [[102_000, 102_000]]


def test_what_is_not_projected_stays() -> None:
    image = image_of(
        np.zeros((2, 3, 4, 5)), "CZYX", channels=("DNA", "ER"), pixel_size=PixelSize(1, 1, 2),
        name="cells",
    )  # fmt: skip
    found = project(image)
    assert (found.axes, found.channels, found.name) == ("CYX", ("DNA", "ER"), "cells")
    assert found.pixel_size == PixelSize(1, 1, None)
    assert project(image.select(z=0)).shape == (2, 4, 5)


class CountedPlanes:
    """Planes that tell how many were asked for at once, and which."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.most = 0
        self.seen: list[int] = []

    def read(self, numbers: Sequence[int], box: Box) -> NDArray[Any]:
        """See `Planes.read`."""
        self.most = max(self.most, len(numbers))
        self.seen += numbers
        return np.stack([np.full(box.shape, number, np.uint16) for number in numbers])


def test_a_large_stack_is_read_in_parts_and_only_the_channel_wanted() -> None:
    planes = CountedPlanes((624, 924))
    stack = lazy_image(planes, "CZYX", (7, 70, 624, 924), np.dtype(np.uint16))
    found = project(stack.select(c=3)).read()
    assert (found == 3 * 70 + 69).all()
    assert sorted(planes.seen) == list(range(210, 280))
    assert planes.most * 624 * 924 * 2 <= 16_000_000


@pytest.mark.parametrize(("how", "axes"), [("median", "Z"), ("max", "C"), ("max", "")])
def test_what_cannot_be_projected_is_refused(how: Any, axes: str) -> None:
    with pytest.raises(InvalidArgument, match="expected max, mean or sum"):
        project(image_of(np.zeros((2, 3, 3)), "ZYX"), how, axes)


def test_no_planes_are_told() -> None:
    with pytest.raises(InvalidArgument, match="no planes"):
        project(image_of(np.zeros((0, 3, 3)), "ZYX"))
