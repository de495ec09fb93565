"""Real images of several microscopes and programs: our pixels are tifffile's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images import PixelSize, open_image, open_site
from cellfolio.package.entry import Entry

FOLDERS = (
    "aics/images", "aics/fov_processing", "misc/stardist_nuclei", "example_human",
    "cpjump1/example_images/AMG900",
)  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS)
def test_pixels_are_those_of_tifffile(shared: Path, folder: str) -> None:
    paths = sorted((shared / "data" / folder).glob("*.tif*"))
    assert paths
    for path in paths:
        image = open_image(path)
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            assert image.axes == series.axes.replace("Q", "Z"), path
            np.testing.assert_array_equal(image.read(), series.asarray(), str(path))
            for number in range(0, len(file.pages), 7):
                at = np.unravel_index(number, image.shape[:-2])
                plane = image[tuple(int(one) for one in at)].read()
                np.testing.assert_array_equal(plane, file.pages[number].asarray())


def test_single_cell_of_the_allen_institute(shared: Path) -> None:
    image = open_image(shared / "data/aics/images/single_cell.ome.tiff")
    assert image.channels == (
        "nucleus_segmentation", "membrane_segmentation", "dna", "membrane", "structure",
        "brightfield",
    )  # fmt: skip
    assert (image.axes, image.shape) == ("CZYX", (6, 40, 152, 126))
    assert image.pixel_size == PixelSize(0.29, 0.29, 0.29)
    assert image.select(c="dna", z=slice(10, 20)).shape == (10, 152, 126)


def test_published_channel_defs_name_ten_channels(shared: Path) -> None:
    numbers = json.loads((shared / "data/aics/cardio/channel_defs.json").read_text())
    image = open_image(shared / "data/aics/images/single_cell.ome.tiff")
    with pytest.raises(InvalidArgument, match="no numbers of 6 channels"):
        image.with_channel_defs(numbers)
    first = {name: number for name, number in numbers.items() if number < 6}
    assert image.with_channel_defs(first).channels == (
        "bf", "488", "561", "638", "nuc", "seg488",
    )  # fmt: skip


def test_a_site_of_cpjump1_is_one_image(shared: Path) -> None:
    folder = shared / "data/cpjump1/example_images/AMG900"
    paths = sorted(folder.glob("*.tiff"), reverse=True)
    site = open_site(paths)
    assert (site.axes, site.shape) == ("CYX", (8, 1080, 1080))
    assert site.channels[:5] == ("Mito", "AGP", "RNA", "ER", "DNA")
    dna = tifffile.imread(folder / "r14c09f05p01-ch5sk1fk1fl1.tiff")
    np.testing.assert_array_equal(site.plane(c="DNA"), dna)
    corner = site.select(c=["DNA", "AGP"], y=slice(1000, None), x=slice(None, None, 3))
    np.testing.assert_array_equal(corner.read()[0], dna[1000:, ::3])
    entries = [Entry(f"images/{path.name}", path.as_uri()) for path in paths]
    np.testing.assert_array_equal(open_site(entries).plane(c="DNA"), dna)


def test_a_site_has_one_image_for_each_channel_and_plane(shared: Path) -> None:
    folder = shared / "data/cpjump1/example_images"
    paths = sorted((folder / "AMG900").glob("*.tiff"))
    other = sorted((folder / "dexamethasone").glob("*.tiff"))
    with pytest.raises(InvalidArgument, match="of 2 sites"):
        open_site([*paths, other[0]])
    with pytest.raises(InvalidArgument, match="is there twice"):
        open_site([*paths, paths[0]])
    with pytest.raises(InvalidArgument, match="not the name of a plate image"):
        open_site([folder / "README.md"])
    with pytest.raises(InvalidArgument, match="no images"):
        open_site([])
    with pytest.raises(InvalidArgument, match=r"missing \(time, channel, plane\): \[\(1, 2, 2\)\]"):
        open_site([*paths[:2], Path("r14c09f05p02-ch1sk1fk1fl1.tiff")])
    with pytest.raises(InvalidArgument, match=r"channels \[9\] are none"):
        open_site([Path("r14c09f05p02-ch9sk1fk1fl1.tiff")])
