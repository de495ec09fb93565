"""Colours of wells as values: categories, numbers, robust ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.plate_colours import STEPS, CategoryScale, NumberScale, scale_of
from cellfolio.imaging.plate_map import MOST_CATEGORIES
from cellfolio.registries.plates import PLATE_384, Well


def values(numbers: object) -> dict[Well, object]:
    return dict(zip(PLATE_384.wells(), numbers, strict=False))  # type: ignore[call-overload]


def test_nothing_known_has_no_scale() -> None:
    assert scale_of(values([None, math.nan, " "])) is None


def test_categories_beyond_the_colours_are_others() -> None:
    names = [f"drug {at % 30}" for at in range(90)] + ["DMSO"] * 20
    scale = scale_of(values(names))
    assert isinstance(scale, CategoryScale)
    assert scale.categories[0].name == "DMSO"
    assert len(scale.categories) <= MOST_CATEGORIES
    assert sum(one.wells for one in scale.categories) + scale.other_wells == 110
    assert scale.others + len(scale.categories) == 31


def test_few_wells_far_away_do_not_take_the_colours() -> None:
    scale = scale_of(values([*np.linspace(10, 20, 200), 1e9]))
    assert isinstance(scale, NumberScale)
    assert 10 <= scale.low < scale.high < 21
    assert scale.highest == 1e9
    assert 1 <= scale.above <= 3
    assert not scale.parted


def test_numbers_on_both_sides_part_at_zero() -> None:
    scale = scale_of(values(np.linspace(-1, 3, 100)))
    assert isinstance(scale, NumberScale)
    assert scale.parted
    assert scale.low == -scale.high


def test_wide_ranges_follow_the_logarithm_and_zero_is_told_apart() -> None:
    scale = scale_of(values([0, 0.01, 0.1, 1, 10]))
    assert isinstance(scale, NumberScale)
    assert scale.logarithmic
    assert (scale.low, scale.high, scale.below) == (0.01, 10, 0)


def test_one_value_has_a_range() -> None:
    scale = scale_of(values([4, 4]))
    assert isinstance(scale, NumberScale)
    assert (scale.low, scale.high) == (3.5, 4.5)


def test_ends_that_are_asked_for_are_taken() -> None:
    scale = scale_of(values([-1, 5, 9]), low=0, high=6)
    assert isinstance(scale, NumberScale)
    assert (scale.low, scale.high, scale.below, scale.above) == (0, 6, 1, 1)
    with pytest.raises(InvalidArgument, match="expected the lower end first"):
        scale_of(values([1, 2]), low=3, high=3)
    with pytest.raises(InvalidArgument, match="expected the lower end first"):
        scale_of(values([1, 2]), high=math.nan)


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=80))
def test_every_scale_is_a_range_with_colours(numbers: list[float]) -> None:
    scale = scale_of(values(numbers))
    assert isinstance(scale, NumberScale)
    assert scale.low < scale.high
    assert len(scale.colours) == STEPS
    assert scale.below + scale.above <= len(numbers)
