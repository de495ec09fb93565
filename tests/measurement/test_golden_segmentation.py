"""Segmentation equals that of CellProfiler on real sites."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from cellfolio.measurement import (
    KINDS,
    CellSettings,
    MeasurementSettings,
    NucleusSettings,
    Segmentation,
    SegmentationSettings,
    Threshold,
    measure_objects,
    scale_image,
    segment,
)
from cellfolio.measurement.segmentation.nuclei import find_nuclei
from tests.measurement.golden import CHANNELS, SITES, GoldenSite, read_site

pytestmark = pytest.mark.slow

Array = npt.NDArray[Any]
NUCLEI = NucleusSettings()
CELLS = CellSettings()


@pytest.fixture(scope="module", params=SITES)
def site(request: pytest.FixtureRequest, shared: Path) -> GoldenSite:
    return read_site(shared, request.param)


@pytest.fixture(scope="module")
def found(site: GoldenSite) -> Segmentation:
    return segment(site.images)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_those_of_cellprofiler(site: GoldenSite, found: Segmentation, kind: str) -> None:
    assert np.array_equal(found.labels(kind), site.labels[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_are_those_of_cellprofiler(
    site: GoldenSite, found: Segmentation, kind: str
) -> None:
    settings = MeasurementSettings(
        groups=("Neighbors",), neighbor_distance=1 if kind == "Nuclei" else 5
    )
    table = measure_objects(found.labels(kind), {}, settings, around=found.around(kind))
    golden = site.tables[kind]
    shared_columns = [name for name in table.columns if name in golden.columns]
    assert kind == "Cytoplasm" or len(shared_columns) == 7
    assert np.allclose(table[shared_columns], golden[shared_columns], rtol=1e-6)


def read_images(shared: Path, folder: str) -> dict[str, Array]:
    sites = (shared / "data/cpjump1/example_images" / folder).glob("*-ch5sk1fk1fl1.tiff")
    first = str(next(iter(sites)))
    return {
        name: tifffile.imread(first.replace("-ch5", f"-ch{number}"))
        for name, number in CHANNELS.items()
    }


@pytest.mark.parametrize(("folder", "count"), [("AMG900", 43), ("FK-866", 42)])
def test_other_sites_have_as_many_as_in_cellprofiler(shared: Path, folder: str, count: int) -> None:
    assert segment(read_images(shared, folder)).count == count


# What CellProfiler 4.2.8.1 gave on the site of AMG900: how many, and the first digits of the
# SHA-256 of the labels as int32. Its nuclei are large and of odd shapes.
HOLES = "After both thresholding and declumping"
INTENSITY = replace(NUCLEI, declumping="Intensity", dividing_lines="Intensity")
OTSU = Threshold("Otsu", smoothing_scale=1.3488)
NUCLEI_BY = {
    "all defaults": (NUCLEI, 43, "bc7d9b556c8e"),
    "intensity": (INTENSITY, 96, "2dd1536a644c"),
    "lines by intensity": (replace(NUCLEI, dividing_lines="Intensity"), 33, "f55f60997794"),
    "maxima by intensity": (replace(NUCLEI, declumping="Intensity"), 40, "532856cf1c84"),
    "lines by propagation": (replace(NUCLEI, dividing_lines="Propagate"), 43, "b8675969db39"),
    "not divided": (replace(NUCLEI, declumping="None"), 31, "55ab186542ab"),
    "holes filled twice": (replace(NUCLEI, fill_holes=HOLES), 43, "dbc583cd6e14"),
    "holes filled": (replace(NUCLEI, fill_holes="After declumping only"), 44, "b9ecde03e94d"),
    "automatic sizes": (
        replace(NUCLEI, smoothing_filter_size=None, minimum_distance=None), 45, "c697d7db00a6",
    ),
    "smaller image": (replace(NUCLEI, min_diameter=20, max_diameter=60), 35, "e70b4ee0e3bf"),
    "smaller image by intensity": (
        replace(INTENSITY, min_diameter=25, minimum_distance=None, smoothing_filter_size=None),
        33,
        "2c17c06c44a2",
    ),
    "all kept": (
        replace(NUCLEI, discard_border=False, discard_outside_size=False), 48, "243c94e57dc6",
    ),
    "Otsu": (replace(NUCLEI, threshold=OTSU), 48, "470045c4cb94"),
    "Otsu of three": (replace(NUCLEI, threshold=replace(OTSU, classes=3)), 45, "2acf08559e31"),
    "plain threshold": (replace(NUCLEI, threshold=Threshold()), 40, "85749189081c"),
}  # fmt: skip
AGP = replace(CELLS, channel="AGP", threshold=Threshold("Otsu"))
CELLS_BY = {
    "all defaults": (CELLS, "f70d9b1ffa7e"),
    "gradient": (replace(CELLS, method="Watershed - Gradient"), "148868a06134"),
    "propagation": (replace(CELLS, method="Propagation"), "62bf2903271d"),
    "by the image alone": (
        replace(CELLS, method="Propagation", regularization_factor=0.0), "a06e67b46609",
    ),
    "by distance": (
        replace(CELLS, method="Propagation", regularization_factor=10.0), "b9f64370070e",
    ),
    "a ring": (replace(CELLS, method="Distance - N"), "82b018bdbba1"),
    "with holes": (replace(CELLS, fill_holes=False), "812be443264b"),
    "another channel": (AGP, "65000f4a1486"),
}  # fmt: skip


def digest(labels: Array) -> str:
    return hashlib.sha256(labels.astype(np.int32).tobytes()).hexdigest()[:12]


@pytest.mark.parametrize("way", NUCLEI_BY)
def test_each_way_to_find_nuclei_is_that_of_cellprofiler(shared: Path, way: str) -> None:
    settings, count, expected = NUCLEI_BY[way]
    labels = find_nuclei(scale_image(read_images(shared, "AMG900")["DNA"]), settings).labels
    assert (int(labels.max()), digest(labels)) == (count, expected)


@pytest.mark.parametrize("way", CELLS_BY)
def test_each_way_to_find_cells_is_that_of_cellprofiler(shared: Path, way: str) -> None:
    settings, expected = CELLS_BY[way]
    found = segment(read_images(shared, "AMG900"), SegmentationSettings(cells=settings))
    assert digest(found.cells) == expected


def test_cells_at_the_border_can_be_discarded_as_in_cellprofiler(shared: Path) -> None:
    settings = SegmentationSettings(
        nuclei=replace(NUCLEI, discard_border=False), cells=replace(CELLS, discard_border=True)
    )
    found = segment(read_images(shared, "AMG900"), settings)
    assert (found.count, digest(found.cells)) == (35, "56edc4cff8d3")


# Other nuclei, drawn by hand


def found_and_right(labels: Array, drawn: Array) -> float:
    """Return F1 of objects whose pixels in common are more than half of those of either."""
    numbers = np.unique(drawn[drawn > 0])
    dense = np.searchsorted(numbers, drawn) * (drawn > 0) + (drawn > 0)
    shared_pixels = np.zeros((labels.max() + 1, len(numbers) + 1))
    np.add.at(shared_pixels, (labels.ravel(), dense.ravel()), 1)
    both = shared_pixels.sum(axis=1, keepdims=True) + shared_pixels.sum(axis=0) - shared_pixels
    right = int((shared_pixels / both > 0.5)[1:, 1:].sum())
    return 2 * right / (int(labels.max()) + len(numbers))


@pytest.mark.parametrize(("threshold", "least"), [(NUCLEI.threshold, 0.71), (OTSU, 0.79)])
def test_nuclei_drawn_by_hand_are_found(shared: Path, threshold: Threshold, least: float) -> None:
    folder = shared / "data/misc/stardist_nuclei"
    image = tifffile.imread(folder / "img2d.tif")
    settings = replace(NUCLEI, discard_border=False, threshold=threshold)
    found = find_nuclei(scale_image(image / image.max()), settings).labels
    assert found_and_right(found, tifffile.imread(folder / "mask2d.tif")) > least
