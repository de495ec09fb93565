"""Segmentation of small images; without compiling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage as ndi
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellfolio.errors import InvalidArgument
from cellfolio.measurement import (
    KINDS,
    CellSettings,
    NucleusSettings,
    Segmentation,
    SegmentationSettings,
    Threshold,
    labels_given,
    measure_objects,
    segment,
)
from cellfolio.measurement.measuring import MeasurementSettings
from cellfolio.measurement.segmentation.declumping import divide
from cellfolio.measurement.segmentation.labelling import (
    components_of,
    outline_of,
)
from cellfolio.measurement.segmentation.nuclei import find_nuclei

# Compiled kernels divide by zero without a word; as Python they warn.
pytestmark = [
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:divide by zero encountered:RuntimeWarning"),
]

Array = npt.NDArray[Any]
SHAPE = (72, 84)
PLAIN = NucleusSettings(background=None, threshold=Threshold("Manual", manual=0.5))
EXACT = NucleusSettings(threshold=Threshold("Manual", manual=0.1))
masks = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.bool_, shape)
)
labels_of = st.tuples(st.integers(2, 8), st.integers(2, 8)).flatmap(
    lambda shape: arrays(np.int32, shape, elements=st.integers(0, 3))
)


def disk(row: float, column: float, radius: float, shape: tuple[int, int] = SHAPE) -> Array:
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside: Array = (y - row) ** 2 + (x - column) ** 2 <= radius**2
    return inside


def site(*centers: tuple[float, float], dtype: Any = np.uint16) -> dict[str, Array]:
    """Nuclei of radius 8 in cells of radius 16, on a dim background that is not quite even."""
    light = 0.002 + 0.0001 * np.arange(SHAPE[1]) / SHAPE[1] * np.ones(SHAPE)
    dna, rna = light.copy(), light.copy()
    for row, column in centers:
        dna[disk(row, column, 8)] = 0.3
        rna[disk(row, column, 16)] = 0.1
        rna[disk(row, column, 8)] = 0.2
    images = {"DNA": dna, "RNA": rna}
    if np.dtype(dtype).kind == "f":
        return {name: image.astype(dtype) for name, image in images.items()}
    most = np.iinfo(dtype).max
    return {name: np.rint(image * most).astype(dtype) for name, image in images.items()}


# Nuclei


TWO = disk(30, 30, 10) | disk(30, 46, 10)


@pytest.mark.parametrize("dividing", ["Shape", "Propagate"])
def test_two_that_touch_are_divided_by_their_shape(dividing: str) -> None:
    image = TWO.astype(np.float32)
    nuclei = find_nuclei(image, replace(PLAIN, dividing_lines=dividing)).labels
    assert nuclei.max() == 2
    assert np.array_equal(nuclei > 0, TWO)
    assert nuclei[30, 25] != nuclei[30, 51]
    assert abs(int((nuclei == 1).sum()) - int((nuclei == 2).sum())) < 40
    assert find_nuclei(image, replace(PLAIN, declumping="None")).labels.max() == 1


def test_two_that_touch_are_divided_by_their_brightness() -> None:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    image = 0.9 - 0.02 * np.minimum(np.hypot(y - 30, x - 32), np.hypot(y - 30, x - 44))
    image = np.where(TWO, image, 0).astype(np.float32)
    by = replace(PLAIN, declumping="Intensity", dividing_lines="Intensity")
    nuclei = find_nuclei(image, by).labels
    assert nuclei.max() == 2
    assert nuclei[30, 32] != nuclei[30, 44]
    image[disk(30, 32, 3)] += 0.05
    assert find_nuclei(image, by).labels.max() == 2
    assert find_nuclei(image, replace(by, minimum_distance=30)).labels.max() == 1


@pytest.mark.parametrize("declumping", ["Shape", "Intensity"])
def test_maxima_of_a_smaller_image_divide_too(declumping: str) -> None:
    image = np.where(TWO, 0.6, 0).astype(np.float32)
    for row, column in ((30, 30), (30, 46)):
        image[disk(row, column, 5)] = 0.9
    by = replace(
        PLAIN, declumping=declumping, min_diameter=16, minimum_distance=None,
        smoothing_filter_size=None,
    )  # fmt: skip
    assert find_nuclei(image, by).labels.max() == 2
    assert find_nuclei(image, replace(by, lower_resolution_maxima=False)).labels.max() == 2


def test_what_is_discarded_is_numbered_behind() -> None:
    kept, small, large = disk(20, 20, 6), disk(60, 20, 2), disk(40, 60, 14)
    border = disk(0, 40, 6)
    image = (kept | small | large | border).astype(np.float32)
    found = find_nuclei(image, replace(PLAIN, max_diameter=20, dividing_lines="None"))
    assert np.array_equal(found.labels == 1, kept)
    assert found.labels.max() == 1
    assert np.array_equal(found.all_labels == 2, large)
    assert found.too_large == 1
    assert np.array_equal(np.isin(found.all_labels, [3, 4]), small | border)
    every = replace(PLAIN, discard_border=False, discard_outside_size=False)
    assert find_nuclei(image, every).labels.max() == 4
    assert find_nuclei(image, replace(every, maximum_count=3)).labels.max() == 0
    assert find_nuclei(image, replace(every, maximum_count=4)).labels.max() == 4


def test_holes_of_nuclei() -> None:
    ring = disk(30, 30, 12) & ~disk(30, 30, 3)
    image = ring.astype(np.float32)
    assert np.array_equal(find_nuclei(image, PLAIN).labels == 1, ring)
    both = replace(PLAIN, fill_holes="After both thresholding and declumping")
    after = replace(PLAIN, fill_holes="After declumping only", declumping="None")
    for filling in (both, after):
        found = find_nuclei(image, filling)
        assert np.array_equal(found.labels == 1, disk(30, 30, 12))
    small = replace(
        both, min_diameter=1, max_diameter=5, discard_outside_size=False, declumping="None"
    )
    assert find_nuclei(image, small).all_labels[30, 30] == 0  # too large to be filled at first


@settings(max_examples=20)
@given(masks)
def test_dividing_keeps_the_foreground(mask: Array) -> None:
    parts = components_of(mask)
    found = divide(mask.astype(np.float32), parts, PLAIN)
    assert np.array_equal(found > 0, mask)
    for number in range(1, found.max() + 1):
        assert len(np.unique(parts[found == number])) == 1


# Sites


def check_that_numbers_go_together(found: Segmentation) -> None:
    for kind in KINDS:
        labels = found.labels(kind)
        assert labels.dtype == np.int32
        assert set(np.unique(labels)) - {0} == set(range(1, found.count + 1))
    assert (found.cells[found.nuclei > 0] == found.nuclei[found.nuclei > 0]).all()
    both = (found.nuclei > 0) & (found.cytoplasm == 0)
    assert not (both & outline_of(found.nuclei)).any()
    assert np.array_equal(np.where(both, found.nuclei, found.cytoplasm), found.cells)
    assert ((found.all_nuclei == found.nuclei) | (found.nuclei == 0)).all()
    assert ((found.all_cells == found.cells) | (found.cells == 0)).all()


@pytest.mark.parametrize("method", ["Watershed - Image", "Propagation", "Distance - N"])
def test_each_nucleus_has_its_cell(method: str) -> None:
    images = site((22, 24), (48, 56), (2, 70))
    cells = CellSettings(method=method, distance=8, regularization_factor=0.05)
    found = segment(images, SegmentationSettings(nuclei=EXACT, cells=cells))
    check_that_numbers_go_together(found)
    assert found.count == 2
    assert np.array_equal(found.nuclei > 0, disk(22, 24, 8) | disk(48, 56, 8))
    if method != "Distance - N":
        assert np.array_equal(found.cells == 1, disk(22, 24, 16))
    # The cell of the nucleus at the border is kept apart, as a neighbour.
    assert found.all_nuclei[2, 70] == found.all_cells[2, 70] == 3
    assert found.cells[2, 70] == 0


def test_gradient_divides_where_the_image_changes() -> None:
    images = site((30, 24), (30, 56))
    images["RNA"][:, :40] += 1500
    images["RNA"][images["RNA"] < 4000] = 0
    settings = SegmentationSettings(cells=CellSettings(method="Watershed - Gradient"))
    found = segment(images, settings)
    check_that_numbers_go_together(found)
    assert found.count == 2


def test_cells_at_the_border_are_discarded_where_that_is_wanted() -> None:
    images = site((12, 24), (40, 56))
    found = segment(images, SegmentationSettings(cells=CellSettings(discard_border=True)))
    check_that_numbers_go_together(found)
    assert found.count == 1
    assert found.nuclei[40, 56] == 1
    assert found.all_nuclei[12, 24] == found.all_cells[12, 24] == 2
    assert segment(images).count == 2


def test_cytoplasm_without_shrinking() -> None:
    images = site((30, 30))
    shrunk = segment(images, SegmentationSettings(nuclei=EXACT))
    whole = segment(images, SegmentationSettings(nuclei=EXACT, shrink_nuclei=False))
    assert np.array_equal(whole.cytoplasm > 0, disk(30, 30, 16) & ~disk(30, 30, 8))
    assert np.array_equal(shrunk.cytoplasm > whole.cytoplasm, outline_of(shrunk.nuclei))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.float32, np.float64])
def test_any_type_of_numbers_gives_the_same(dtype: Any) -> None:
    centers = (24, 24), (44, 60)
    found = segment(site(*centers, dtype=dtype))
    assert found.count == 2
    assert np.array_equal(found.cells, segment(site(*centers)).cells)


@pytest.mark.parametrize("level", [0, 300, 65535])
def test_an_image_of_one_level_has_no_objects(level: int) -> None:
    flat = np.full((40, 50), level, dtype=np.uint16)
    found = segment({"DNA": flat, "RNA": flat})
    assert found.count == 0
    assert found.shape == (40, 50)
    assert not found.all_cells.any()
    assert len(measure_objects(found.nuclei, {}, MeasurementSettings(groups=("AreaShape",)))) == 0


def test_saturated_without_a_background_is_one_object() -> None:
    flat = np.full((40, 50), 255, dtype=np.uint8)
    kept = replace(PLAIN, discard_border=False, discard_outside_size=False)
    found = segment({"DNA": flat, "RNA": flat}, SegmentationSettings(nuclei=kept))
    assert found.count == 1
    assert (found.cells == 1).all()
    assert segment({"DNA": flat, "RNA": flat}).count == 0


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (1, 1), (1, 40), (3, 2)])
def test_tiny_images(shape: tuple[int, int]) -> None:
    image = np.zeros(shape, dtype=np.uint16)
    image[:1, :1] = 60000
    assert segment({"DNA": image, "RNA": image}).count == 0


def test_what_cannot_be_segmented_is_told() -> None:
    images = site((30, 30), dtype=np.float32)
    with pytest.raises(InvalidArgument, match="no channel 'RNA'") as raised:
        segment({"DNA": images["DNA"], "RNAs": images["RNA"]})
    assert "RNAs" in str(raised.value.hint)
    with pytest.raises(InvalidArgument, match=r"channel ER should have the shape of channel DNA"):
        segment({**images, "ER": images["RNA"][1:]})
    images["DNA"][3, 3] = np.nan
    with pytest.raises(InvalidArgument, match=r"channel DNA .* missing values"):
        segment(images)
    with pytest.raises(InvalidArgument, match="one plane"):
        segment({name: np.zeros((2, 3, 4)) for name in images})


def test_arguments_stay_and_twice_gives_the_same() -> None:
    images = site((24, 24), (44, 60))
    before = {name: image.copy() for name, image in images.items()}
    one, other = segment(images), segment(images)
    for name in KINDS:
        assert one.labels(name).tobytes() == other.labels(name).tobytes()
    assert all(np.array_equal(before[name], images[name]) for name in images)


# Other segmenters and ready labels


def test_other_ways_to_find_objects_plug_in() -> None:
    images = site((24, 24), (44, 60))

    def bright(planes: Any) -> Array:
        labels: Array = ndi.label(planes["DNA"] > 0.2)[0] * 5
        return labels

    def wide(planes: Any, nuclei: Array) -> Array:
        away, nearest = ndi.distance_transform_edt(nuclei == 0, return_indices=True)
        cells: Array = np.where(away < 4, nuclei[tuple(nearest)] + 100, 0)
        nuclei[:] = 0  # what they get is theirs
        return cells

    found = segment(images, nuclei_by=bright)
    check_that_numbers_go_together(found)
    assert np.array_equal(found.cells, segment(images).cells)
    found = segment(images, nuclei_by=bright, cells_by=wide)
    check_that_numbers_go_together(found)
    assert found.count == 2
    assert (found.cells > 0).sum() < (segment(images).cells > 0).sum()
    found = segment(images, cells_by=wide)
    check_that_numbers_go_together(found)
    with pytest.raises(InvalidArgument, match="nuclei should have the shape of the images"):
        segment(images, nuclei_by=lambda _: np.zeros((3, 3), dtype=int))
    with pytest.raises(InvalidArgument, match="whole numbers"):
        segment(images, cells_by=lambda _, nuclei: nuclei / 2)


def test_pairs_are_found_by_what_they_share() -> None:
    nuclei, cells = np.zeros((6, 20), int), np.zeros((6, 20), int)
    nuclei[2, 2:4], cells[1:5, 1:6] = 40, 7
    nuclei[2, 9:12], nuclei[4, 9:11] = 3, 50  # two in one cell: the larger has it
    cells[1:5, 8:13] = 90
    nuclei[2, 15] = 8  # no cell
    cells[1:5, 17:19] = 2  # no nucleus
    found = labels_given(nuclei, cells)
    check_that_numbers_go_together(found)
    assert found.count == 2
    assert np.array_equal(found.cells == 1, cells == 90)
    assert np.array_equal(found.nuclei == 1, nuclei == 3)
    assert np.array_equal(found.cells == 2, cells == 7)
    assert found.all_nuclei.max() == 4
    assert found.all_cells.max() == 3
    assert np.array_equal(found.around("Nuclei"), found.all_nuclei)


@settings(max_examples=60)
@given(labels_of, st.integers(0, 2**32 - 1))
def test_any_labels_can_be_given(nuclei: Array, seed: int) -> None:
    cells = np.random.default_rng(seed).integers(0, 4, nuclei.shape)
    found = labels_given(nuclei * 7, cells * 3)
    count = found.count
    assert found.cells.max() == count
    for number in range(1, count + 1):
        inside = found.nuclei == number
        assert len(np.unique(nuclei[inside])) == 1
        assert len(np.unique(cells[found.cells == number])) == 1
        assert (inside & (found.cells == number)).any()


def test_labels_given_of_a_segmentation_are_itself() -> None:
    one = segment(site((24, 24), (44, 60)))
    again = labels_given(one.nuclei, one.cells)
    for kind in KINDS:
        assert np.array_equal(one.labels(kind), again.labels(kind))
    with pytest.raises(InvalidArgument, match="shape of the nuclei"):
        labels_given(one.nuclei, one.cells[1:])
    with pytest.raises(InvalidArgument, match="no objects 'Nucleus'"):
        one.labels("Nucleus")
