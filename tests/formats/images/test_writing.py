"""What we write is what we, tifffile and zarr read: pixels, names and pixel sizes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.images import PixelSize, open_image, write_ome_tiff, write_ome_zarr

DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8", ">u2")
LEADS = ("", "Z", "C", "CZ", "ZC", "TCZ", "ZTC")
sizes = st.one_of(st.none(), st.floats(1e-3, 1e3).map(lambda size: round(size, 4)))


@st.composite
def written(draw: st.DrawFn) -> dict[str, Any]:
    lead = draw(st.sampled_from(LEADS))
    shape = (*(draw(st.integers(2, 3)) for _ in lead), draw(st.integers(1, 30)), 17)
    pixels = np.random.default_rng(0).integers(0, 120, shape).astype(draw(st.sampled_from(DTYPES)))
    count = shape[lead.index("C")] if "C" in lead else 1
    names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs"]), min_size=1)
    channels = st.lists(names, min_size=count, max_size=count, unique=True)
    depth = draw(sizes) if "Z" in lead else None
    return {
        "array": pixels,
        "axes": lead + "YX",
        "channels": tuple(draw(channels)),
        "pixel_size": PixelSize(draw(sizes), draw(sizes), depth),
    }


def _check(path: Path, told: dict[str, Any]) -> None:
    image = open_image(path)
    axes = told["axes"]
    order = [axes.index(axis) for axis in "TCZYX" if axis in axes]
    assert image.axes == "".join(axes[at] for at in order)
    assert image.channels == told["channels"]
    assert image.pixel_size == told["pixel_size"]
    assert image.dtype == told["array"].dtype.newbyteorder("=")
    np.testing.assert_array_equal(image.read(), told["array"].transpose(order))


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(told=written(), compression=st.sampled_from((None, "zlib", "lzw", "zstd")))
def test_ome_tiff_round_trip(tmp_path: Path, told: dict[str, Any], compression: Any) -> None:
    path = tmp_path / "a.ome.tiff"
    write_ome_tiff(path, compression=compression, **told)
    _check(path, told)
    first = path.read_bytes()
    write_ome_tiff(path, compression=compression, **told)
    assert path.read_bytes() == first
    assert [one.name for one in tmp_path.iterdir()] == ["a.ome.tiff"]


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(told=written(), version=st.sampled_from(("0.4", "0.5")))
def test_ome_zarr_round_trip(tmp_path: Path, told: dict[str, Any], version: Any) -> None:
    path = tmp_path / "a.zarr"
    shutil.rmtree(path, ignore_errors=True)
    write_ome_zarr(path, version=version, **told)
    _check(path, told)


def test_other_readers_see_the_same(tmp_path: Path) -> None:
    pixels = np.arange(2 * 3 * 8 * 9, dtype=np.uint16).reshape(3, 2, 8, 9)
    path = tmp_path / "a.ome.tiff"
    size = PixelSize(0.108, 0.109, 0.29)
    write_ome_tiff(path, pixels, "ZCYX", channels=("DNA", "ER"), pixel_size=size)
    with tifffile.TiffFile(path) as file:
        assert file.series[0].axes == "CZYX"
        np.testing.assert_array_equal(file.series[0].asarray(), pixels.transpose(1, 0, 2, 3))
        root = ElementTree.fromstring(file.ome_metadata)
    tag = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"
    told = root.find(f".//{tag}Pixels")
    assert told is not None
    assert told.get("PhysicalSizeX") == "0.108"
    assert told.get("PhysicalSizeZUnit") == "µm"
    assert [one.get("Name") for one in told.findall(f"{tag}Channel")] == ["DNA", "ER"]


def test_other_readers_see_the_same_zarr(tmp_path: Path) -> None:
    pixels = np.arange(2 * 8 * 9, dtype=np.uint16).reshape(2, 8, 9)
    write_ome_zarr(tmp_path / "a.zarr", pixels, "CYX", pixel_size=PixelSize(0.5, 0.25))
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    told: Any = group.attrs["ome"]
    assert told["version"] == "0.5"
    (dataset,) = told["multiscales"][0]["datasets"]
    assert dataset["coordinateTransformations"] == [{"type": "scale", "scale": [1.0, 0.25, 0.5]}]
    np.testing.assert_array_equal(group[dataset["path"]][:], pixels)  # type: ignore[index]


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tiff"
    write_ome_tiff(path, np.zeros((4, 5), np.uint8), "YX")
    before = path.read_bytes()
    with pytest.raises(InvalidArgument, match="expected 1 different names"):
        write_ome_tiff(path, np.zeros((4, 5), np.uint8), "YX", channels=("a", "b"))
    with pytest.raises(InvalidArgument, match="type int64 cannot be written"):
        write_ome_tiff(path, np.zeros((4, 5), np.int64), "YX")
    with pytest.raises(InvalidArgument, match="nonsense"):
        write_ome_tiff(path, np.zeros((4, 5), np.uint8), "YX", compression="nonsense")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="exists"):
        write_ome_zarr(path, np.zeros((4, 5), np.uint8), "YX")
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.ome.tiff"]


# OME-Zarr of others


def _zarr(folder: Path, told: dict[str, Any], shape: tuple[int, ...] = (2, 8, 9)) -> Path:
    group = zarr.create_group(folder, zarr_format=3, attributes={"ome": told})
    for number in (0, 1):
        level = tuple(max(1, side >> number) if at else side for at, side in enumerate(shape))
        array = group.create_array(str(number), shape=level, dtype="u2", chunks=(1, *level[1:]))
        array[...] = np.arange(np.prod(level)).reshape(level)
    return folder


def _scales(**changed: Any) -> dict[str, Any]:
    scales = {
        "axes": [
            {"name": "c", "type": "channel"},
            {"name": "y", "type": "space", "unit": "nanometer"},
            {"name": "x", "type": "space", "unit": "nanometer"},
        ],
        "datasets": [
            {"path": str(level), "coordinateTransformations": [
                {"type": "scale", "scale": [1, 250 * 2**level, 500 * 2**level]}]}
            for level in (0, 1)
        ],
        **changed,
    }  # fmt: skip
    return {"version": "0.5", "multiscales": [scales]}


def test_levels_of_resolution(tmp_path: Path) -> None:
    folder = _zarr(tmp_path / "a.zarr", _scales())
    image = open_image(folder)
    assert (image.axes, image.shape, image.pixel_size.x) == ("CYX", (2, 8, 9), 0.5)
    lower = open_image(folder, level=1)
    assert (lower.shape, lower.pixel_size) == ((2, 4, 4), PixelSize(1.0, 0.5))
    assert lower.select(c=1).read()[0, 0] == 16
    with pytest.raises(BrokenFile, match="has 2 levels, so no level 2"):
        open_image(folder, level=2)


def test_axes_in_another_order(tmp_path: Path) -> None:
    axes = [{"name": "y"}, {"name": "c"}, {"name": "x"}]
    folder = _zarr(tmp_path / "a.zarr", _scales(axes=axes), (4, 3, 5))
    image = open_image(folder)
    pixels = np.arange(60).reshape(4, 3, 5).transpose(1, 0, 2)
    np.testing.assert_array_equal(image.read(), pixels)
    np.testing.assert_array_equal(image.select(c=[2, 0], y=slice(1, 3)).read(), pixels[[2, 0], 1:3])


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({}, "no 'multiscales'"),
        ({"multiscales": []}, "no 'multiscales'"),
        ({"multiscales": [3]}, "no list of objects"),
        (_scales(axes=None), "does not tell its axes"),
        (_scales(axes=[{"name": "y"}, {"name": "x"}]), "array has 3 dimensions"),
        (_scales(axes=[{"name": name} for name in "qyx"]), "its axes are 'QYX'"),
        (_scales(datasets=[]), "no datasets"),
        (_scales(datasets=[{"path": "../../x"}]), "'path' is"),
        (_scales(datasets=[{"path": "7"}]), "7"),
        ({**_scales(), "omero": {"channels": [{"label": "x"}]}}, "tells of 1 channels, and has 2"),
        ({"plate": {}}, "it is a plate"),
    ],
)
def test_zarr_that_contradicts_itself(tmp_path: Path, told: dict[str, Any], message: str) -> None:
    with pytest.raises(BrokenFile, match=message):
        open_image(_zarr(tmp_path / "a.zarr", told))


def test_damaged_zarr(tmp_path: Path) -> None:
    folder = _zarr(tmp_path / "a.zarr", _scales())
    image = open_image(folder)
    chunk = folder / "0/c/1/0/0"
    whole = chunk.read_bytes()
    for data in (whole[:-3], whole[: len(whole) // 2], b"", b"x" * len(whole)):
        chunk.write_bytes(data)
        with pytest.raises(BrokenFile, match="zarr cannot be read as OME-Zarr"):
            image.read()
    (folder / "zarr.json").write_text("{")
    with pytest.raises(BrokenFile):
        open_image(folder)


def test_zarr_that_claims_too_much(tmp_path: Path) -> None:
    folder = tmp_path / "a.zarr"
    group = zarr.create_group(folder, attributes={"ome": _scales()})
    group.create_array("0", shape=(2, 2**17, 2**17), dtype="u2", chunks=(1, 2**17, 2**17))
    with pytest.raises(BrokenFile, match="too large"):
        open_image(folder)
