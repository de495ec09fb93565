"""Columns as colours, rows as spots, crops as pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.imaging.composite import blend
from cellfolio.storage.home import Home
from cellfolio.workflows.opening import open_package
from cellfolio.workflows.points.colouring import MISSING, colour_by
from cellfolio.workflows.points.crops import (
    CropImages,
    Spot,
    image_folders,
    spot_columns,
    spots_of,
)

# pandas reads a text up to its first NUL when it looks for different ones.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)


@given(st.lists(st.one_of(st.none(), TEXTS), max_size=80))
def test_every_row_has_its_class(values: list[str | None]) -> None:
    found = colour_by(pd.Series(values, dtype=object), "x")
    code = MISSING[found.values.dtype.name]
    back = [None if one == code else found.names[one] for one in found.values]
    assert back == values
    assert sum(found.counts) + found.missing == len(values)
    assert list(found.counts) == sorted(found.counts, reverse=True)


def test_many_classes_take_two_bytes_and_too_many_are_refused() -> None:
    assert colour_by(pd.Series([str(n) for n in range(254)]), "x").values.dtype == np.uint8
    assert colour_by(pd.Series([str(n) for n in range(255)]), "x").values.dtype == np.uint16
    with pytest.raises(InvalidArgument, match="70,000 different values"):
        colour_by(pd.Series([str(n) for n in range(70_000)]), "x")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0.1, 1.0, 10.0] * 9, "category"),
        (list(range(40)), "number"),
        ([True, False, True], "category"),
        ([np.nan] * 5, "category"),
        ([np.inf, -np.inf, *range(20)], "number"),
        ([], "category"),
    ],
)
def test_kind_is_what_fits(values: list[Any], kind: str) -> None:
    found = colour_by(pd.Series(values), "x")
    assert found.kind == kind
    assert found.limits[0] < found.limits[1]


def test_infinite_and_huge_numbers_are_missing_in_single_precision() -> None:
    found = colour_by(pd.Series([1e300, np.inf, np.nan, *range(20)]), "x", "number")
    assert np.isnan(found.values[:3]).all()
    assert found.missing == 3
    assert found.span == (0.0, 19.0)


def test_whole_numbers_read_with_gaps_are_named_as_such() -> None:
    assert colour_by(pd.Series([1.0, 2.0, np.nan, 2.0]), "dose").names == ("2", "1")


def test_spots_are_read_leniently() -> None:
    rows = pd.DataFrame(
        {
            "Metadata_Plate": ["P", "P", None, "P"],
            "Metadata_Well": ["a1", "Z99", "B02", None],
            "Metadata_Site": [1.0, 1.0, np.nan, 1.0],
            "Nuclei_Location_Center_X": [5.0, 5.0, 5.0, 5.0],
            "Nuclei_Location_Center_Y": [6.0, 6.0, 6.0, 6.0],
        }
    )
    found = spots_of(rows, spot_columns(rows.columns.tolist()))
    assert found == [Spot("P", "A01", 1, 5.0, 6.0), None, Spot("", "B02"), None]


@pytest.fixture
def images(tmp_path: Path) -> CropImages:
    rng = np.random.default_rng(1)
    for plate in ("P1", "P2"):
        folder = tmp_path / "screen" / "images" / plate
        folder.mkdir(parents=True)
        for channel in (1, 5):
            pixels = rng.integers(100, 3000, (50, 60)).astype(np.uint16)
            tifffile.imwrite(folder / f"r02c03f01p01-ch{channel}sk1fk1fl1.tiff", pixels)
    home = Home(tmp_path / "home")
    package = open_package(str(tmp_path / "screen"), home).package
    assert image_folders(package, "a.csv") == ["images"]
    return CropImages.of(package, "images", home)


def test_crop_has_the_pixels_around_a_cell(images: CropImages, tmp_path: Path) -> None:
    spot = Spot("P1", "B03", 1, 30.0, 20.0)
    found = images.crop(spot, 16)
    pixels = images._pixels(images.sites["P1", "B03", 1])
    light = [
        limits.apply(plane[12:28, 22:38])
        for limits, plane in zip(pixels.limits, pixels.planes, strict=True)
    ]
    np.testing.assert_array_equal(found, blend(light, pixels.colours))
    stored = tifffile.imread(tmp_path / "screen/images/P1/r02c03f01p01-ch5sk1fk1fl1.tiff")
    assert any(np.array_equal(plane, stored) for plane in pixels.planes)


def test_crop_at_the_edge_is_black_outside(images: CropImages) -> None:
    found = images.crop(Spot("P1", "B03", 1, 0.0, 0.0), 20)
    assert found.shape == (20, 20, 3)
    assert not found[:10].any()
    assert not found[:, :10].any()
    assert found[10:, 10:].any()
    far = images.crop(Spot("P1", "B03", 1, 1e6, -1e6), 20)
    assert not far.any()


def test_well_is_its_first_site_as_a_whole(images: CropImages) -> None:
    assert images.crop(Spot("P2", "B03"), 16).shape == (50, 60, 3)
    with pytest.raises(NotFound, match="no image of P3 B03"):
        images.crop(Spot("P3", "B03"), 16)
