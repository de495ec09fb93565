"""Features of small objects, against independent ways to compute them; without compiling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import scipy.ndimage as ndi
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse.csgraph import dijkstra

from cellfolio.errors import InvalidArgument
from cellfolio.measurement import MeasurementSettings, Objects, measure_objects, scale_image
from cellfolio.measurement.distances import distance_from
from cellfolio.measurement.granularity import GranularitySettings, Spectrum
from cellfolio.measurement.hulls import Hulls
from cellfolio.measurement.intensity import measure_intensity
from cellfolio.measurement.ordering import last_greatest
from cellfolio.measurement.size_shape import measure_size_shape

# Compiled kernels give NaN for 0/0 without a word; as Python they warn.
pytestmark = [
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:divide by zero encountered:RuntimeWarning"),
]

Array = npt.NDArray[Any]
SMALL = MeasurementSettings(granularity=GranularitySettings(1, 1, 3, 4), texture_scales=(1, 2))
planes = st.integers(3, 9).flatmap(
    lambda side: arrays(np.int64, (side, side + 2), elements=st.integers(0, 3))
)


def blobs(count: int = 3, seed: int = 0) -> tuple[Array, dict[str, Array]]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:24, :30]
    labels = np.zeros((24, 30), dtype=int)
    for number in range(1, count + 1):
        center = rng.uniform(4, 20), rng.uniform(4, 26)
        labels[(y - center[0]) ** 2 + ((x - center[1]) / 1.4) ** 2 < rng.uniform(4, 16)] = number
    images = {name: rng.integers(0, 65536, (24, 30)).astype(np.uint16) for name in ("DNA", "ER")}
    return labels, images


@settings(max_examples=25)
@given(planes)
def test_sums_and_extremes_are_those_of_scipy(labels: Array) -> None:
    rng = np.random.default_rng(1)
    image = rng.random(labels.shape).astype(np.float32)
    objects = Objects.of(labels)
    found = measure_intensity(objects, image, "C")
    for name, judge in (
        ("IntegratedIntensity", ndi.sum),
        ("MeanIntensity", ndi.mean),
        ("StdIntensity", ndi.standard_deviation),
        ("MinIntensity", ndi.minimum),
        ("MaxIntensity", ndi.maximum),
    ):
        expected = np.atleast_1d(judge(image.astype(float), labels, objects.numbers))
        if len(objects):
            assert np.allclose(found[f"Intensity_{name}_C"], expected)
        else:
            assert len(found[f"Intensity_{name}_C"]) == 0


@settings(max_examples=25)
@given(planes)
def test_distances_to_the_edge_are_those_of_scipy(labels: Array) -> None:
    objects = Objects.of(labels)
    found = np.zeros(labels.size)
    found[objects.pixels] = objects.depths
    for number in objects.numbers:
        within = labels == number
        if within.all():
            assert np.isinf(found).all()
            continue
        expected = ndi.distance_transform_edt(within)
        assert np.array_equal(found.reshape(labels.shape)[within], expected[within])


@settings(max_examples=25)
@given(planes)
def test_ways_within_objects_are_the_shortest(labels: Array) -> None:
    objects = Objects.of(labels)
    seeds = objects.pixels[objects.bounds[:-1]]
    found = distance_from(objects, seeds)
    for number in range(len(objects)):
        own = objects.pixels[objects.bounds[number] : objects.bounds[number + 1]]
        rows, columns = np.divmod(own, labels.shape[1])
        down, across = abs(rows[:, None] - rows), abs(columns[:, None] - columns)
        steps = np.where(np.maximum(down, across) == 1, np.sqrt(down + across), 0)
        expected = dijkstra(steps, indices=0)
        start, end = objects.bounds[number], objects.bounds[number + 1]
        assert np.allclose(found[start:end], expected)


def sort_as_cellprofiler(values: Array, order: Array) -> None:
    """Sort indices by quicksort with the median of three; runs up to 16 by insertion."""
    if len(order) <= 16:
        order[:] = order[np.argsort(values[order], kind="stable")]
        return
    middle, end = (len(order) - 1) // 2, len(order) - 1
    for one, other in ((0, middle), (middle, end), (0, middle)):
        if values[order[other]] < values[order[one]]:
            order[[one, other]] = order[[other, one]]
    pivot = values[order[middle]]
    order[[middle, end - 1]] = order[[end - 1, middle]]
    left, right = 0, end - 1
    while True:
        left += 1 + int(np.argmax(values[order[left + 1 :]] >= pivot))
        right -= 1 + int(np.argmax(values[order[:right]][::-1] <= pivot))
        if left >= right:
            break
        order[[left, right]] = order[[right, left]]
    order[[left, end - 1]] = order[[end - 1, left]]
    sort_as_cellprofiler(values, order[:left])
    sort_as_cellprofiler(values, order[left + 1 :])


@given(arrays(np.float64, st.integers(1, 200), elements=st.integers(0, 5)), st.integers(1, 4))
def test_of_equal_values_the_one_is_taken_that_a_whole_sort_leaves_last(
    values: Array, count: int
) -> None:
    labels = (np.arange(len(values)) * 7 % (count + 1)).astype(np.int32)
    labels = np.unique(labels, return_inverse=True)[1].astype(np.int32)
    numbers = np.arange(1, labels.max() + 1)
    greatest = np.array([values[labels == number].max() for number in numbers])
    order = np.arange(len(values))
    sort_as_cellprofiler(values, order)
    assert (np.diff(values[order]) >= 0).all()
    expected = [order[np.flatnonzero(labels[order] == number)[-1]] for number in numbers]
    assert last_greatest(values, labels, greatest).tolist() == expected


@settings(max_examples=25)
@given(planes)
def test_hulls_hold_all_pixels_and_circles_are_least(labels: Array) -> None:
    objects = Objects.of(labels)
    hulls = Hulls.of(objects)
    centers, radii = hulls.circles()
    least, greatest = hulls.feret()
    for number in range(len(objects)):
        rows, columns = (one[objects.bounds[number] : objects.bounds[number + 1]]
                         for one in objects.places)  # fmt: skip
        away = np.hypot(rows - centers[number, 0], columns - centers[number, 1])
        assert away.max() <= radii[number] * (1 + 1e-12) + 1e-12
        points = np.stack([rows, columns], axis=1)
        apart = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2)).max()
        assert greatest[number] == pytest.approx(apart)
        assert apart / 2 - 1e-9 <= radii[number] <= apart / np.sqrt(3) + 1e-9
        angles = np.linspace(0, np.pi, 721)
        across = np.cos(angles)[:, None] * rows + np.sin(angles)[:, None] * columns
        widths = np.ptp(across, axis=1)
        assert least[number] <= widths.min() + 1e-9


def test_shapes_are_those_of_scikit_image() -> None:
    measure = pytest.importorskip("skimage.measure")
    labels, _ = blobs(4, seed=3)
    labels = Objects.of(labels).labels
    found = measure_size_shape(Objects.of(labels))
    names = {
        "Area": "area", "ConvexArea": "area_convex", "Eccentricity": "eccentricity",
        "EquivalentDiameter": "equivalent_diameter_area", "EulerNumber": "euler_number",
        "Extent": "extent", "MajorAxisLength": "axis_major_length",
        "MinorAxisLength": "axis_minor_length", "Perimeter": "perimeter", "Solidity": "solidity",
    }  # fmt: skip
    expected = measure.regionprops_table(labels, properties=tuple(names.values()))
    for ours, theirs in names.items():
        assert np.allclose(found[f"AreaShape_{ours}"], expected[theirs]), ours


def test_openings_are_those_of_scikit_image() -> None:
    morphology = pytest.importorskip("skimage.morphology")
    image = scale_image(blobs(seed=4)[1]["DNA"])
    spectrum = Spectrum.of(image, GranularitySettings(1, 1, 3, 4))
    disk = morphology.disk(3)
    ground = morphology.dilation(morphology.erosion(image, disk), disk)
    pixels = np.maximum(image - ground, 0)
    marker = pixels
    for step in range(4):
        marker = morphology.erosion(marker, morphology.disk(1))
        expected = morphology.reconstruction(marker, pixels, footprint=morphology.disk(1))
        assert np.array_equal(spectrum.opened[:, :, step], expected.astype(np.float32))


def test_features_do_not_depend_on_labels_or_place() -> None:
    labels, images = blobs()
    found = measure_objects(labels, images, SMALL)
    renamed = np.array([0, 40, 7, 9])[labels]
    again = measure_objects(renamed, images, SMALL)
    assert again["ObjectNumber"].tolist() == [7, 9, 40]
    again = again.set_index("ObjectNumber").loc[[40, 7, 9]]
    told = ("Neighbors_FirstClosestObject", "Neighbors_SecondClosestObject", "ObjectNumber")
    # Middles of rings depend on where in the image equal values lie (see `ordering`).
    others = [str(name) for name in found if not str(name).startswith((*told, "Radial"))]
    pd.testing.assert_frame_equal(found[others], again.reset_index(drop=True)[others])


@pytest.mark.parametrize(
    "labels",
    [
        np.zeros((5, 6), dtype=int),
        np.pad([[1]], 3),
        np.ones((6, 6), dtype=int),
        np.eye(6, dtype=int),
        np.arange(36).reshape(6, 6),
    ],
    ids=["none", "a pixel", "all of it", "a diagonal", "only pixels"],
)
@pytest.mark.parametrize("value", [0, 65535], ids=["black", "saturated"])
def test_odd_objects_are_measured(labels: Array, value: int) -> None:
    image = np.full(labels.shape, value, dtype=np.uint16)
    found = measure_objects(labels, {"DNA": image, "ER": image}, SMALL)
    assert len(found) == len(np.unique(labels[labels > 0]))
    assert found.columns.equals(measure_objects(*blobs(), SMALL).columns)
    assert (found["AreaShape_Area"] > 0).all()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((3, 4)), "should have the shape of the labels"),
        (np.full((24, 30), np.nan), "found missing values"),
        (np.full((24, 30), 300.0), "from 0 to 1"),
        (np.zeros((2, 24, 30)), "one plane"),
        (np.zeros((24, 30), dtype=complex), "should hold numbers"),
        (np.full((24, 30), -1), "no negative"),
    ],
)
def test_images_that_cannot_be_used_are_named(image: Array, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message) as found:
        measure_objects(blobs()[0], {"DNA": image}, SMALL)
    assert "DNA" in str(found.value)


@pytest.mark.parametrize(
    "labels", [np.zeros((3, 3, 3), int), np.zeros((3, 3)), -np.eye(3).astype(int)]
)
def test_labels_that_cannot_be_used_are_refused(labels: Array) -> None:
    with pytest.raises(InvalidArgument, match="labels should be"):
        Objects.of(labels)
