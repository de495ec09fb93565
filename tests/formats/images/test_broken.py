"""Files that are cut off, contradict themselves or want to harm: an error, never other pixels."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cellfolio.errors import BrokenFile, FormatError, UnknownFormat
from cellfolio.formats.images import PixelSize, open_image, write_ome_tiff
from cellfolio.formats.images.malformed import Malformed
from cellfolio.formats.images.ranged import HEAD, LocalFile, Window
from tests.formats.images.stacks import Stack, stacks


@settings(max_examples=120, suppress_health_check=list(HealthCheck))
@given(stack=stacks(), part=st.floats(0, 1))
def test_cut_off_files_are_refused_or_equal(tmp_path: Path, stack: Stack, part: float) -> None:
    path = tmp_path / "stack.tif"
    stack.write(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    found = None
    with contextlib.suppress(BrokenFile, UnknownFormat):
        found = open_image(path).read()
    if found is not None:
        np.testing.assert_array_equal(found, stack.expected()[1])


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(at=st.integers(0, 600), value=st.integers(0, 255))
@example(at=4, value=0)
@example(at=332, value=0)
def test_any_damaged_byte_of_the_page_list_gives_an_error_or_pixels(
    tmp_path: Path, at: int, value: int
) -> None:
    path = tmp_path / "a.tif"
    pixels = np.arange(3 * 20 * 21, dtype=np.uint16).reshape(3, 20, 21)
    write_ome_tiff(path, pixels, "ZYX", compression="zlib")
    data = bytearray(path.read_bytes())
    data[at % len(data)] = value
    path.write_bytes(data)
    with contextlib.suppress(BrokenFile, UnknownFormat):
        open_image(path).read()


def _ome(path: Path, old: str, new: str) -> None:
    """Change the OME-XML of a file, whose length stays."""
    data = path.read_bytes()
    assert len(old) == len(new)
    assert old.encode() in data
    path.write_bytes(data.replace(old.encode(), new.encode()))


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """An OME-TIFF of 2 channels and 3 depths."""
    path = tmp_path / "stack.ome.tiff"
    pixels = np.arange(6 * 20 * 21, dtype=np.uint16).reshape(2, 3, 20, 21)
    write_ome_tiff(path, pixels, "CZYX", channels=("DNA", "ER"), pixel_size=PixelSize(1, 1, 2))
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('SizeZ="3"', 'SizeZ="4"', r"8 planes \(T 1, C 2, Z 4\), and it has 6 pages"),
        ('SizeZ="3"', 'SizeZ="2"', "over|more pages than it has planes|tells of 4 pages"),
        ('SizeX="21"', 'SizeX="22"', "planes of 20 × 22 pixels and 1 samples.* 20 × 21"),
        ('Type="uint16"', 'Type="int16" ', "tells of int16 pixels, and a page has uint16"),
        ('SizeC="2"', 'SizeC="3"', "SizeC 3, and 2 channels"),
        ('SizeZ="3"', 'SizeZ="x"', "SizeZ 'x'; expected a whole number"),
        ('IFD="0"', 'IFD="1"', "pages 1 to 6"),
        ("<Pixels", "<Pixelz", "mismatched tag"),
        ('DimensionOrder="XYZCT"', 'DimensionOrder="XYZZT"', "order 'XYZZT'"),
    ],
)
def test_metadata_that_contradict_the_pages(stack: Path, old: str, new: str, message: str) -> None:
    _ome(stack, old, new)
    with pytest.raises(BrokenFile, match=message):
        open_image(stack)


def _with_description(path: Path, text: str) -> Path:
    tifffile.imwrite(
        path, np.zeros((8, 9), np.uint8), description=text, metadata=None, photometric="minisblack"
    )
    return path


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<OME><Image Name='&b;'></Image></OME>"
)
FILE = '<!DOCTYPE OME SYSTEM "file:///etc/hostname"><OME></OME>'


@pytest.mark.parametrize("text", [BOMB, FILE, "<! entity x 'y'><OME></OME>"])
def test_document_types_and_entities_are_refused(tmp_path: Path, text: str) -> None:
    path = _with_description(tmp_path / "a.ome.tif", text)
    with pytest.raises(BrokenFile, match="document type or entities, which are refused"):
        open_image(path)


def test_metadata_that_are_cut_off_are_not_ignored(tmp_path: Path) -> None:
    path = _with_description(tmp_path / "a.ome.tif", '<?xml version="1.0"?><OME><Image><Pixels')
    with pytest.raises(BrokenFile, match="cannot be parsed"):
        open_image(path)


def test_deep_xml_is_refused(tmp_path: Path) -> None:
    path = _with_description(tmp_path / "a.ome.tif", "<OME>" + "<a>" * 100_000 + "</OME>")
    with pytest.raises(BrokenFile, match="cannot be parsed"):
        open_image(path)


def test_planes_in_several_files_are_refused(tmp_path: Path) -> None:
    text = (
        '<OME UUID="urn:uuid:1"><Image><Pixels DimensionOrder="XYZCT" Type="uint8" SizeX="9" '
        'SizeY="8" SizeZ="1" SizeC="1" SizeT="1"><Channel ID="Channel:0:0"/><TiffData IFD="0">'
        '<UUID FileName="other.tif">urn:uuid:2</UUID></TiffData></Pixels></Image></OME>'
    )
    path = _with_description(tmp_path / "a.ome.tif", text)
    with pytest.raises(BrokenFile, match=r"several files \(other.tif"):
        open_image(path)
    path = _with_description(tmp_path / "b.ome.tif", "<OME><BinaryOnly MetadataFile='c'/></OME>")
    with pytest.raises(BrokenFile, match="another file of the set"):
        open_image(path)


def _tiff(tags: dict[int, tuple[int, int]], data: bytes = b"\0" * 64) -> bytes:
    """Return a file of one page of the given tags (type, value), with data at byte 8."""
    entries = sorted({278: (4, 1), 273: (4, 8), 279: (4, 8), 258: (3, 8), **tags}.items())
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, (kind, value) in entries
    )
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + directory + b"\0" * 4


@pytest.mark.parametrize(
    ("tags", "data", "message"),
    [
        ({256: (4, 2**31), 257: (4, 2**31)}, b"\0" * 64, "a page has 2147483648 × 2147483648"),
        ({256: (4, 2**20), 257: (4, 2**20), 278: (4, 2**20)}, b"\0" * 64, "at most 4294967296"),
        ({256: (4, 9), 257: (4, 2**20)}, b"\0" * 64, "needs 1048576 pieces; it has 1"),
        ({256: (4, 9), 257: (4, 9), 278: (4, 9)}, b"\0" * 64, "needs 81 bytes, and has 8"),
        ({256: (4, 9), 257: (4, 0)}, b"\0" * 64, "0 × 9 pixels"),
        ({256: (4, 9), 257: (4, 1), 322: (4, 0), 323: (4, 16)}, b"\0" * 64, "pieces of 16 × 0"),
        ({256: (4, 8), 257: (4, 1), 273: (4, 2**31)}, b"\0" * 64, "cut off or damaged"),
        ({256: (4, 8), 257: (4, 1), 279: (4, 0)}, b"\0" * 64, "has no bytes"),
        ({256: (4, 2**15), 257: (4, 2**15), 278: (4, 2**15), 259: (3, 8)},
         zlib.compress(b"\0" * 9).ljust(64), "8 bytes of zlib cannot stand for 1073741824"),
        ({256: (4, 9), 257: (4, 9), 278: (4, 9), 259: (3, 8), 279: (4, 64)},
         zlib.compress(b"\0" * 100).ljust(64, b"\0"), "no valid zlib"),
        ({256: (4, 9), 257: (4, 9), 278: (4, 9), 259: (3, 8), 279: (4, 64)},
         zlib.compress(b"\0" * 80).ljust(64, b"\0"), "no valid zlib|gives 80 bytes; expected 81"),
    ],
)  # fmt: skip
def test_sizes_that_lie_cost_no_memory(
    tmp_path: Path, tags: dict[int, tuple[int, int]], data: bytes, message: str
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(_tiff(tags, data))
    tracemalloc.start()
    try:
        with pytest.raises(BrokenFile, match=message):
            open_image(path).select(y=0).read()
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_a_list_of_pages_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    data = _tiff({256: (4, 8), 257: (4, 1)})
    path.write_bytes(data[:-4] + struct.pack("<I", 8 + 64))
    with pytest.raises(BrokenFile, match="list of pages has no end"):
        open_image(path)


def test_the_same_bytes_are_not_read_again_and_again(tmp_path: Path) -> None:
    # Thousands of pages may say that their positions stand in one large place.
    path = tmp_path / "a.tif"
    path.write_bytes(bytes(10_000_000))
    source = LocalFile(path)
    window = Window(source, source.read_first(HEAD))
    with pytest.raises(Malformed, match="same bytes again and again"):
        for _ in range(10):
            window.read(1000, 9_000_000)


@pytest.mark.parametrize("size", [0, 1, 7, 8])
def test_nearly_nothing_is_no_image(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0\x08\0\0\0"[:size])
    with pytest.raises(FormatError):
        open_image(path)
