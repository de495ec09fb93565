"""From what a user calls an image to a picture of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

import cellfolio
from cellfolio import Home, ViewOptions
from cellfolio.errors import (
    EntryNotFound,
    InvalidArgument,
    ObjectNotFound,
    PackageNotFound,
    UnknownFormat,
)
from cellfolio.formats.images import image_of, write_ome_tiff, write_ome_zarr
from cellfolio.workflows.finding_images import FoundImage, find_images
from tests.servers.seaweed import SeaweedServer

CHANNELS = ("DNA", "ER")


def pixels(*, depths: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 999, (2, depths, 40, 50)).astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images of every kind, and a package of them in the local registry."""
    folder = tmp_path / "images"
    (folder / "plate").mkdir(parents=True)
    write_ome_tiff(folder / "cells.ome.tiff", pixels(), "CZYX", channels=CHANNELS)
    write_ome_zarr(folder / "cells.zarr", pixels(), "CZYX", channels=CHANNELS)
    for row, column, site in ((1, 1, 1), (1, 1, 2), (2, 3, 1)):
        for channel in (1, 5):
            name = f"r{row:02}c{column:02}f{site:02}p01-ch{channel}sk1fk1fl1.tiff"
            tifffile.imwrite(folder / "plate" / name, pixels()[channel % 2, 0] + 100 * site)
    (folder / "info.json").write_text(
        json.dumps({"channels": [{"dye_name": "EGFP"}, {"dye_name": "EGFP_2", "use": False}]})
    )
    return folder


def names(found: list[FoundImage]) -> list[str]:
    return [one.image.name for one in found]


def test_files_and_zarr_and_images_are_found(folder: Path, home: Home) -> None:
    image = image_of(pixels(), "CZYX", name="mine")
    found = find_images([folder / "cells.ome.tiff", str(folder / "cells.zarr"), image], home)
    assert names(found) == ["cells.ome.tiff", "cells.zarr", "mine"]
    assert all(one.image.shape == (2, 3, 40, 50) for one in found)


def test_files_of_a_plate_are_put_together_by_site(folder: Path, home: Home) -> None:
    files = sorted((folder / "plate").iterdir(), reverse=True)
    found = find_images([folder / "plate"], home)
    assert names(found) == ["A01 site 1", "A01 site 2", "B03 site 1"]
    assert all(one.image.channels == ("Mito", "DNA") for one in found)
    assert names(find_images(files, home)) == ["B03 site 1", "A01 site 2", "A01 site 1"]


def test_a_package_and_a_folder_give_the_same_picture(folder: Path, home: Home) -> None:
    package = cellfolio.build(folder, "lab/images", home=home).package
    for part in ("cells.ome.tiff", "plate"):
        here = cellfolio.view(folder / part, home=home)
        there = cellfolio.view(f"lab/images/{part}", home=home)
        np.testing.assert_array_equal(here.pixels, there.pixels)
    entry = package.entry("cells.ome.tiff")
    np.testing.assert_array_equal(
        cellfolio.view(entry, home=home).pixels, cellfolio.view(folder / entry.name).pixels
    )


def test_a_bucket_is_looked_at_where_it_is(
    folder: Path, home: Home, s3: SeaweedServer, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.env().items():
        monkeypatch.setenv(name, value)
    package = cellfolio.build(folder, "lab/images", home=home).package
    cellfolio.push(package, f"s3://{bucket}", home=home)
    here = cellfolio.view(folder / "cells.ome.tiff").pixels
    fresh = Home(folder.parent / "fresh")
    words = (
        f"s3://{bucket}/lab/images/cells.ome.tiff",
        f"s3://{bucket}/lab/images/cells.zarr",
        cellfolio.open(f"s3://{bucket}/lab/images", home=fresh)
        .entry("cells.ome.tiff")
        .physical_key,
    )
    for word in words:
        np.testing.assert_array_equal(cellfolio.view(word, home=fresh).pixels, here)
    with pytest.raises(InvalidArgument, match="do not lie together"):
        cellfolio.view("lab/images/cells.zarr", home=home)
    assert not list(fresh.blobs.folder.rglob("*.tiff"))


def test_a_plate_has_its_wells(folder: Path, home: Home) -> None:
    picture = cellfolio.view(folder / "plate", ViewOptions(style="plate", size=24), home=home)
    assert picture.notes == (
        "4 of 6 wells have no image: A02-A03,B01-B02",
        "3 sites of 2 wells; the first of each well is shown",
    )


def test_an_info_document_names_and_drops_channels(folder: Path, home: Home) -> None:
    told = json.loads((folder / "info.json").read_text())
    for info in (told, folder / "info.json", str(folder / "info.json")):
        picture = cellfolio.view(folder / "cells.ome.tiff", info=info, home=home)
        assert [one.name for one in picture.channels] == ["EGFP"]
    cellfolio.build(folder, "lab/images", home=home)
    picture = cellfolio.view("lab/images/cells.ome.tiff", info="lab/images/info.json", home=home)
    assert [one.name for one in picture.channels] == ["EGFP"]
    (folder / "list.json").write_text("[]")
    with pytest.raises(InvalidArgument, match="expected a JSON object"):
        cellfolio.view(folder / "cells.ome.tiff", info=folder / "list.json", home=home)


def test_a_segmentation_is_a_file_or_a_channel(folder: Path, home: Home) -> None:
    labels = np.zeros((2, 40, 50), np.uint16)
    labels[:, 10:20, 10:30] = 3
    write_ome_tiff(folder / "seg.ome.tiff", labels[:1], "ZYX")
    write_ome_tiff(folder / "both.ome.tiff", labels, "CYX", channels=("DNA", "seg"))
    options = ViewOptions(channels=("DNA",))
    one = cellfolio.view(folder / "both.ome.tiff", options, overlays=["seg"], home=home)
    other = cellfolio.view(
        folder / "both.ome.tiff", options, overlays=[folder / "seg.ome.tiff"], home=home
    )
    np.testing.assert_array_equal(one.pixels, other.pixels)
    with pytest.raises(InvalidArgument, match="not over a plate"):
        cellfolio.view(
            folder / "plate", ViewOptions(style="plate"), overlays=[folder / "seg.ome.tiff"]
        )


def test_images_of_one_name_are_told_apart(folder: Path, home: Home) -> None:
    (folder / "other").mkdir()
    write_ome_tiff(folder / "other/cells.ome.tiff", pixels(), "CZYX", channels=CHANNELS)
    both = [folder / "cells.ome.tiff", folder / "other/cells.ome.tiff"]
    words = [one.text for one in cellfolio.view(both, home=home).words]
    assert words[:2] == ["cells.ome.tiff (1)", "cells.ome.tiff (2)"]


@pytest.mark.parametrize(
    ("word", "error", "reason"),
    [
        ("nothing.tiff", ObjectNotFound, "does not exist, and names no file"),
        (Path("nothing.tiff"), ObjectNotFound, "does not exist"),
        ("lab/nothing/a.tiff", PackageNotFound, "nothing"),
        ("lab/images/nothing.tiff", EntryNotFound, "nothing.tiff"),
        ("lab/images", InvalidArgument, "no images of a plate"),
        ("lab/images/info.json", UnknownFormat, "info.json"),
        ("file:///nothing.tiff", ObjectNotFound, "nothing.tiff"),
    ],
)
def test_what_is_not_there_is_told(
    folder: Path, home: Home, word: str | Path, error: type[Exception], reason: str
) -> None:
    cellfolio.build(folder, "lab/images", home=home)
    with pytest.raises(error, match=reason):
        cellfolio.view(word, home=home)


def test_a_plate_of_images_without_wells_is_refused(folder: Path, home: Home) -> None:
    with pytest.raises(InvalidArgument, match="does not tell its well"):
        cellfolio.view(folder / "cells.ome.tiff", ViewOptions(style="plate"), home=home)
    with pytest.raises(InvalidArgument, match="no images of a plate"):
        cellfolio.view(folder, home=home)
