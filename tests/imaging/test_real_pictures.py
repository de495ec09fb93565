"""Pictures of real images: Cell Painting, the Allen Institute, StarDist, CellProfiler's example."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from cellfolio.formats.images import Image, open_image, open_site
from cellfolio.imaging.options import ViewOptions
from cellfolio.imaging.outlines import find_outlines
from cellfolio.imaging.plate_montage import plate_montage
from cellfolio.imaging.projection import project
from cellfolio.imaging.showing import show
from cellfolio.registries.plates import Well


def site(shared: Path, name: str) -> Image:
    return open_site((shared / "data/cpjump1/example_images" / name).glob("*.tiff"))


def test_panels_of_a_cell_painting_site(shared: Path) -> None:
    picture = show([site(shared, "DMSO")], ViewOptions(size=135))
    assert [words.text for words in picture.words] == [
        "Mito", "AGP", "RNA", "ER", "DNA", "HighZBF", "LowZBF", "Brightfield",
    ]  # fmt: skip
    assert picture.zoom == 0.125
    dark = [one.limits[0].low for one in picture.channels]
    assert max(dark[:5]) < 1000 < min(dark[5:])


def test_outlines_of_cellprofiler_surround_its_nuclei(shared: Path) -> None:
    folder = shared / "data/cellprofiler_golden/DMSO_r04c14f05"
    labels = open_image(folder / "Nuclei_labels.tiff")
    numbers = labels.read()
    lines = find_outlines(numbers)
    # Without their lines, no two nuclei touch: as many pieces as there are numbers, or more.
    inner, count = ndimage.label((numbers > 0) & ~lines)
    assert count >= len(np.unique(numbers[inner > 0]))
    for piece in range(1, count + 1):
        assert len(np.unique(numbers[inner == piece])) == 1
    options = ViewOptions(channels=("DNA",), size=1080)
    plain = show([site(shared, "DMSO")], options).pixels
    drawn = show([site(shared, "DMSO")], options, segmentations=[labels]).pixels
    changed = (plain != drawn).any(axis=-1)[-1086:-6, 6:-6]
    assert (numbers[changed] > 0).all()
    assert changed[lines].mean() > 0.99


def test_a_site_on_its_plate(shared: Path) -> None:
    wells = {
        Well(14, 9): site(shared, "AMG900"), Well(1, 21): site(shared, "dexamethasone"),
    }  # fmt: skip
    picture = plate_montage(wells, ViewOptions(channels=("DNA",), size=20))
    assert picture.notes[0].startswith("382 of 384 wells have no image: A01-A20,A22-A24")


def test_a_cell_of_the_allen_institute_with_its_segmentations(shared: Path) -> None:
    image = open_image(shared / "data/aics/images/single_cell.ome.tiff")
    found = project(image.select(c=["dna", "membrane", "structure"]))
    np.testing.assert_array_equal(found.read(), image.read()[2:5].max(axis=1))
    segmentations = [image.select(c=0), image.select(c=1)]
    options = ViewOptions(channels=("dna", "structure"), z=20, size=456)
    picture = show([image], options, segmentations=segmentations)
    assert picture.zoom == 3
    assert picture.scale_bar is not None
    assert picture.scale_bar.pixels == pytest.approx(picture.scale_bar.micrometres / 0.29 * 3)
    yellow = (picture.pixels == (255, 232, 61)).all(axis=-1).sum()
    cyan = (picture.pixels == (47, 214, 255)).all(axis=-1).sum()
    assert 50 < yellow < cyan < 2500


@pytest.mark.parametrize("name", ["2d", "3d"])
def test_nuclei_of_stardist_with_their_masks(shared: Path, name: str) -> None:
    folder = shared / "data/misc/stardist_nuclei"
    image, mask = (open_image(folder / f"{kind}{name}.tif") for kind in ("img", "mask"))
    picture = show([image], segmentations=[mask])
    assert picture.scale_bar is None
    assert (picture.pixels == (255, 232, 61)).all(axis=-1).sum() > 1000
    assert picture.words[0].text == f"img{name}.tif"


def test_a_picture_in_colour_of_the_example_pipeline(shared: Path) -> None:
    path = shared / "data/example_human/AS_09125_050116030001_D03f00d0_Overlay.png"
    image = open_image(path)
    picture = show([image], ViewOptions(size=512))
    inner = picture.pixels[-518:-6, 6:-6]
    np.testing.assert_array_equal(inner, np.moveaxis(image.read(), 0, -1))


def test_masks_of_three_structures(shared: Path) -> None:
    paths = sorted((shared / "data/aics/images").glob("TOMM20*.tiff"))
    picture = show([open_image(path) for path in paths], ViewOptions(size=231))
    # Nothing says that they show the same thing: two have 13 objects, and one is a mask.
    highs = [limits.high for limits in picture.channels[0].limits]
    assert sorted(highs) == [13, 13, 255]
