"""Steps of segmentation, against independent ways to do them; without compiling."""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage as ndi
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from skimage.filters import threshold_li, threshold_multiotsu, threshold_otsu

from cellfolio.errors import InvalidArgument
from cellfolio.measurement import (
    Background,
    CellSettings,
    NucleusSettings,
    Threshold,
)
from cellfolio.measurement.segmentation.declumping import find_maxima, shrink
from cellfolio.measurement.segmentation.illumination import find_background
from cellfolio.measurement.segmentation.labelling import (
    at_border,
    fill_holes,
    outline_of,
    renumber,
)
from cellfolio.measurement.segmentation.propagation import propagate
from cellfolio.measurement.segmentation.smoothing import smooth
from cellfolio.measurement.segmentation.thresholds import find_threshold
from cellfolio.measurement.segmentation.watershed import flood

# Compiled kernels divide by zero without a word; as Python they warn.
pytestmark = [
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:divide by zero encountered:RuntimeWarning"),
]

Array = npt.NDArray[Any]
PLAIN = NucleusSettings(background=None, threshold=Threshold("Manual", manual=0.5))
masks = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.bool_, shape)
)
labels_of = st.tuples(st.integers(2, 8), st.integers(2, 8)).flatmap(
    lambda shape: arrays(np.int32, shape, elements=st.integers(0, 3))
)


@settings(max_examples=30)
@given(labels_of, st.integers(0, 2**32 - 1))
def test_objects_grow_in_the_order_of_values(markers: Array, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.permutation(markers.size).reshape(markers.shape) / markers.size
    mask = rng.random(markers.shape) < 0.8
    # No two values are equal, so that any queue gives the same.
    expected = np.where(mask, markers, 0)
    waiting = [(values[at], at) for at in zip(*np.nonzero(expected), strict=True)]
    heapq.heapify(waiting)
    while waiting:
        _, (row, column) = heapq.heappop(waiting)
        for near in np.ndindex(3, 3):
            y, x = row + near[0] - 1, column + near[1] - 1
            inside = 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1]
            if inside and mask[y, x] and expected[y, x] == 0:
                expected[y, x] = expected[row, column]
                heapq.heappush(waiting, (values[y, x], (y, x)))
    assert np.array_equal(flood(values, markers, mask), expected)
    assert np.array_equal(flood(values.astype(np.float32), markers, mask), expected)


def test_objects_meet_halfway_where_all_is_equal() -> None:
    markers = np.zeros((5, 11), dtype=np.int32)
    markers[2, 1], markers[2, 9] = 1, 2
    found = flood(np.zeros((5, 11)), markers, np.ones((5, 11), dtype=bool))
    assert (found[:, :5] == 1).all()
    assert (found[:, 6:] == 2).all()


@settings(max_examples=30)
@given(labels_of, st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.05, 3.0]))
def test_propagation_takes_the_shortest_ways(seeds: Array, seed: int, weight: float) -> None:
    rng = np.random.default_rng(seed)
    image, mask = rng.random(seeds.shape), rng.random(seeds.shape) < 0.8
    framed = np.pad(image, 1, mode="edge")
    around = np.stack(
        [framed[y : y + seeds.shape[0], x : x + seeds.shape[1]] for y in range(3) for x in range(3)]
    ).reshape(9, -1)
    one, other = np.divmod(np.arange(seeds.size**2), seeds.size)
    down = abs(one // seeds.shape[1] - other // seeds.shape[1])
    across = abs(one % seeds.shape[1] - other % seeds.shape[1])
    beside = (down <= 1) & (across <= 1) & (one != other) & mask.flat[one] & mask.flat[other]
    one, other, sides = one[beside], other[beside], (down + across)[beside]
    differences = abs(around[:, one] - around[:, other]).sum(axis=0)
    lengths = np.sqrt(differences**2 + sides * weight**2)
    graph = coo_array((lengths, (one, other)), shape=(seeds.size, seeds.size)).tocsr()
    away = np.full((4, seeds.size), np.inf)
    for number in range(1, 4):
        starts = np.flatnonzero((seeds == number).ravel() & mask.ravel())
        if len(starts):
            away[number] = dijkstra(graph, indices=starts, min_only=True)
    found = propagate(image, seeds, mask, weight).ravel()
    assert np.array_equal(found > 0, np.isfinite(away).any(axis=0))
    reached = np.flatnonzero(found)
    assert np.allclose(away[found[reached], reached], away[:, reached].min(axis=0), rtol=1e-12)


@settings(max_examples=60)
@given(masks)
def test_holes_of_a_mask_are_those_of_scipy(mask: Array) -> None:
    found = fill_holes(mask.astype(np.int32), objects=True) > 0
    assert np.array_equal(found, ndi.binary_fill_holes(mask))


def test_holes_become_what_is_around_them() -> None:
    labels = np.zeros((11, 20), dtype=np.int32)
    labels[1:10, 1:10], labels[3:8, 3:8], labels[4:7, 4:7] = 1, 0, 2
    labels[1:10, 10:19], labels[5, 13], labels[4:7, 9:11] = 3, 0, 0
    filled = fill_holes(labels, objects=True)
    assert (filled[1:10, 1:8] == 1).all()
    assert filled[5, 13] == 3
    assert (filled[4:7, 9:11] == 0).all()  # between two objects: a hole of neither
    kept = fill_holes(labels, objects=False)
    assert (kept[4:7, 4:7] == 2).all()
    assert kept[3, 3] == 1
    assert fill_holes(labels, objects=True, less_than=2)[3, 3] == 0


@settings(max_examples=60)
@given(masks)
def test_shrinking_leaves_a_pixel_of_each_part_without_holes(mask: Array) -> None:
    filled = ndi.binary_fill_holes(mask)
    shrunk = shrink(filled)
    parts, count = ndi.label(filled, np.ones((3, 3)))
    left_count = ndi.label(shrunk, np.ones((3, 3)))[1]
    assert not (shrunk & ~filled).any()
    assert left_count == count
    assert set(parts[shrunk]) == set(range(1, count + 1))


@settings(max_examples=40)
@given(labels_of, st.integers(0, 2**32 - 1))
def test_maxima_are_the_greatest_within_the_distance(labels: Array, seed: int) -> None:
    hills = np.random.default_rng(seed).permutation(labels.size).reshape(labels.shape)
    found = find_maxima(hills + np.float64(1), labels, replace(PLAIN, minimum_distance=3))
    steps = np.mgrid[-2:3, -2:3]
    footprint = (steps**2).sum(axis=0) <= 2.5**2
    expected = np.zeros(labels.shape, dtype=bool)
    for number in range(1, 4):
        own = np.where(labels == number, hills, -np.inf)
        greatest = ndi.maximum_filter(own, footprint=footprint, mode="constant", cval=-np.inf)
        expected |= (labels == number) & (own == greatest)
    assert np.array_equal(found, shrink(expected))


@settings(max_examples=40)
@given(labels_of)
def test_outlines_and_borders(labels: Array) -> None:
    framed = np.pad(labels, 1, constant_values=-1)
    for at in np.ndindex(labels.shape):
        window = framed[at[0] : at[0] + 3, at[1] : at[1] + 3]
        inside = labels[at] > 0 and (window != labels[at]).any()
        assert outline_of(labels)[at] == inside
    touching = {*labels[0], *labels[-1], *labels[:, 0], *labels[:, -1]} - {0}
    assert at_border(labels).tolist() == sorted(touching)


@settings(max_examples=40)
@given(labels_of, st.permutations([1, 2, 3]), st.integers(0, 3))
def test_renumbering_keeps_objects_apart(labels: Array, order: list[int], count: int) -> None:
    first = np.array(order[:count], dtype=np.int64)
    found = renumber(labels, first)
    for new, number in enumerate(first, 1):
        assert np.array_equal(found == new, labels == number)
    pairs = set(zip(labels.ravel().tolist(), found.ravel().tolist(), strict=True))
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


@pytest.mark.parametrize("sigma", [0.5, 2.224, 7.0])
def test_smoothing_is_that_of_scipy(sigma: float) -> None:
    image = np.random.default_rng(0).random((13, 17)).astype(np.float32)
    inside = ndi.gaussian_filter(np.ones(image.shape), sigma, mode="constant")
    expected = ndi.gaussian_filter(image, sigma, mode="constant") / inside
    assert np.allclose(smooth(image, sigma), expected, rtol=1e-13, atol=0)


def test_background_is_the_least_of_blocks_smoothed() -> None:
    image = np.random.default_rng(0).random((70, 101)).astype(np.float32)
    rows, columns = np.arange(70) * 2 // 70, np.arange(101) * 3 // 101
    least = np.zeros((70, 101), dtype=np.float32)
    for at in np.ndindex(2, 3):
        block = np.ix_(rows == at[0], columns == at[1])
        least[block] = image[block].min()
    found = find_background(image, Background(block_size=30, filter_size=50))
    assert np.allclose(found, smooth(least, 50 / 2.35), rtol=1e-6)


# Thresholds


def images_of(seed: int) -> Array:
    rng = np.random.default_rng(seed)
    dark, bright = rng.normal(0.1, 0.03, (30, 40)), rng.normal(0.5, 0.1, (30, 40))
    mixed: Array = np.where(rng.random((30, 40)) < 0.3, bright, dark).clip(0, 1)
    return mixed.astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_thresholds_are_those_of_scikit_image(seed: int) -> None:
    image = images_of(seed)
    found = find_threshold(image, Threshold())
    assert found == pytest.approx(
        float(threshold_li(image.copy(), tolerance=0.5 / 65536)), rel=1e-5
    )
    assert find_threshold(image, Threshold("Otsu")) == float(threshold_otsu(image))
    low, high = threshold_multiotsu(image, nbins=128)
    three = Threshold("Otsu", classes=3)
    assert find_threshold(image, three) == float(low)
    assert find_threshold(image, replace(three, middle_is_foreground=False)) == float(high)


def test_tolerance_is_half_of_the_least_difference() -> None:
    levels = np.repeat(
        np.array([0, 30, 60, 90, 210], dtype=np.float32), [30, 8, 7, 13, 14]
    ) / np.float32(255)
    image = levels.reshape(8, 9)
    coarse, fine = (
        float(threshold_li(image.copy(), tolerance=tolerance)) for tolerance in (15 / 255, 1e-7)
    )
    assert coarse != pytest.approx(fine, rel=0.1)
    assert find_threshold(image, Threshold()) == pytest.approx(coarse, rel=1e-5)


def test_threshold_is_corrected_then_bound() -> None:
    image = images_of(0)
    plain = find_threshold(image, Threshold())
    assert find_threshold(image, Threshold(correction_factor=1.25)) == 1.25 * plain
    assert find_threshold(image, Threshold(lower_bound=0.9)) == 0.9
    assert find_threshold(image, Threshold("Manual", manual=0.3)) == 0.3
    flat = np.full((5, 5), 0.25, dtype=np.float32)
    for method in ("Minimum Cross-Entropy", "Otsu"):
        assert find_threshold(flat, Threshold(method)) == 0.25


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "Otzu"}, "method should be one of"),
        ({"lower_bound": 0.5, "upper_bound": 0.1}, "in order"),
        ({"classes": 4}, "2 or 3"),
        ({"smoothing_scale": -1.0}, "at least 0"),
        ({"correction_factor": float("nan")}, "at least 0"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        Threshold(**wrong)


def test_nearest_name_is_told() -> None:
    with pytest.raises(InvalidArgument) as raised:
        CellSettings(method="watershed image")
    assert "Watershed - Image" in str(raised.value.hint)
    with pytest.raises(InvalidArgument, match="diameters"):
        NucleusSettings(min_diameter=20, max_diameter=10)
