"""TIFF files of many kinds: our pixels are tifffile's, whole, by plane and by part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellfolio.errors import BrokenFile, InvalidArgument, UnknownFormat
from cellfolio.formats.images import open_image
from cellfolio.formats.images.ifd import read_page_index
from cellfolio.formats.images.ranged import HEAD, LocalFile
from tests.formats.images.stacks import Stack, stacks


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(stack=stacks(), data=st.data())
def test_pixels_are_those_that_tifffile_wrote(
    tmp_path: Path, stack: Stack, data: st.DataObject
) -> None:
    path = tmp_path / "stack.tif"
    stack.write(path)
    image = open_image(path)
    axes, pixels = stack.expected()
    assert (image.axes, image.shape, image.dtype) == (axes, pixels.shape, pixels.dtype)
    assert image.dtype.isnative
    np.testing.assert_array_equal(image.read(), pixels)
    np.testing.assert_array_equal(tifffile.imread(path).ravel(), stack.array().ravel())
    chosen = tuple(data.draw(st.slices(size)) for size in pixels.shape)
    np.testing.assert_array_equal(image[chosen].read(), pixels[chosen])


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("codec", [None, "zlib"])
def test_colours_are_channels(tmp_path: Path, planar: str, codec: str | None) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (20, 31, 3), np.uint8)
    stored = pixels if planar == "contig" else np.moveaxis(pixels, 2, 0)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, stored, photometric="rgb", planarconfig=planar, compression=codec, tile=(16, 16)
    )
    image = open_image(path)
    assert (image.axes, image.channels) == ("CYX", ("R", "G", "B"))
    np.testing.assert_array_equal(np.moveaxis(image.read(), 0, 2), pixels)
    np.testing.assert_array_equal(image["G"].read(), pixels[..., 1])


@pytest.mark.parametrize("photometric", ["rgb", "minisblack"])
def test_jpeg_inside_tiff(tmp_path: Path, photometric: str) -> None:
    shape = (40, 50, 3) if photometric == "rgb" else (40, 50)
    rows = np.linspace(0, 255, 40).astype(np.uint8)
    pixels = np.broadcast_to(rows.reshape(40, *[1] * (len(shape) - 1)), shape)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric=photometric, compression="jpeg", tile=(16, 16))
    found = open_image(path).read()
    expected = tifffile.imread(path)
    np.testing.assert_array_equal(np.moveaxis(found, 0, -1) if found.ndim == 3 else found, expected)


@pytest.mark.parametrize("imagej", [True, False])
def test_files_that_list_one_page_of_many(tmp_path: Path, imagej: bool) -> None:
    pixels = np.arange(2 * 3 * 8 * 9, dtype=np.uint16).reshape(3, 2, 8, 9)
    path = tmp_path / "a.tif"
    metadata = {"axes": "ZCYX", "spacing": 0.5, "unit": "um"} if imagej else {"axes": "ZCYX"}
    tifffile.imwrite(
        path, pixels, imagej=imagej, truncate=True, metadata=metadata, photometric="minisblack"
    )
    source = LocalFile(path)
    assert len(read_page_index(source, source.read_first(HEAD))) == 1
    image = open_image(path)
    assert image.axes == "CZYX"
    np.testing.assert_array_equal(image.read(), pixels.transpose(1, 0, 2, 3))
    assert image.pixel_size.z == (0.5 if imagej else None)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BrokenFile, match="cut off"):
        open_image(path)


def test_smaller_versions_of_a_page_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "pyramid.tif"
    pixels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    with tifffile.TiffWriter(path) as file:
        file.write(pixels)
        file.write(pixels[::2, ::2], subfiletype=1)
    np.testing.assert_array_equal(open_image(path).read(), pixels)


def test_pages_that_differ_are_no_stack(tmp_path: Path) -> None:
    path = tmp_path / "two.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(np.zeros((8, 9), np.uint8), metadata=None)
        file.write(np.zeros((9, 9), np.uint8), metadata=None)
    with pytest.raises(BrokenFile, match="pages differ in shape or type"):
        open_image(path)


def test_what_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((8, 9), np.uint8), compression="lzma")
    with pytest.raises(BrokenFile, match="compressed by method 34925"):
        open_image(path)
    tifffile.imwrite(path, np.zeros((8, 9), np.complex64))
    with pytest.raises(BrokenFile, match="expected 8, 16, 32 or 64 bits"):
        open_image(path)


def test_what_is_no_image_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_text("well,compound\n")
    with pytest.raises(UnknownFormat, match="no TIFF, PNG or JPEG"):
        open_image(path)


def test_there_are_no_levels_and_no_other_images(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((8, 9), np.uint8))
    with pytest.raises(InvalidArgument, match="no level 1"):
        open_image(path, level=1)
    with pytest.raises(BrokenFile, match="none of number 1"):
        open_image(path, series=1)


def test_a_part_of_a_plane_reads_only_its_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    pixels = np.random.default_rng(0).integers(0, 99, (2, 64, 64), np.uint8)
    tifffile.imwrite(path, pixels, tile=(16, 16), compression="zlib", photometric="minisblack")
    with tifffile.TiffFile(path) as file:
        page = file.pages[1]
        offset, count = page.dataoffsets[5], page.databytecounts[5]
    image = open_image(path)
    data = bytearray(path.read_bytes())
    data[offset : offset + count] = bytes(count)
    path.write_bytes(data)
    np.testing.assert_array_equal(image.select(z=0).read(), pixels[0])
    part = image.select(z=1, y=slice(32, 64))
    np.testing.assert_array_equal(part.read(), pixels[1, 32:])
    with pytest.raises(BrokenFile, match="no valid zlib"):
        image.select(z=1, y=slice(20, 64)).read()
