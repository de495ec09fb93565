"""Images in an S3 bucket: the same pixels, with few requests, and a list of pages that is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellfolio.errors import BrokenFile, ObjectNotFound
from cellfolio.formats.images import open_image, open_site, write_ome_zarr
from cellfolio.formats.images.ifd import read_page_index
from cellfolio.formats.images.pages import PageIndex
from cellfolio.formats.images.ranged import HEAD, LocalFile, join_spans
from cellfolio.package.digests import Digest, digest_of
from cellfolio.package.entry import Entry
from cellfolio.storage.home import Home, ensure_held
from tests.servers.faults import FaultProxy
from tests.servers.seaweed import SeaweedServer

SHAPE = (2, 12, 90, 100)
NAMES = ("DNA", "ER")


@pytest.fixture
def watched(
    fault_proxy: FaultProxy, s3_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> FaultProxy:
    """A proxy between this process and the S3 server, which counts."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    return fault_proxy


@pytest.fixture
def put(s3: SeaweedServer, bucket: str) -> Callable[[str, bytes], Entry]:
    """Put bytes into the bucket; return their entry."""

    def put(key: str, data: bytes) -> Entry:
        s3.client().put_object(Bucket=bucket, Key=key, Body=data)
        return Entry(key, f"s3://{bucket}/{key}", len(data), digest_of(data))

    return put


def _stack(path: Path, compression: str | None) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    pixels = np.random.default_rng(0).integers(0, 4000, SHAPE).astype(np.uint16)
    metadata = {"axes": "CZYX", "Channel": {"Name": list(NAMES)}}
    tifffile.imwrite(
        path, pixels, ome=True, metadata=metadata, compression=compression, rowsperstrip=20
    )
    return pixels


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_plane_is_one_request_and_the_list_of_pages_is_read_once(
    tmp_path: Path,
    home: Home,
    watched: FaultProxy,
    put: Callable[[str, bytes], Entry],
    compression: str | None,
) -> None:
    pixels = _stack(tmp_path / "a.ome.tiff", compression)
    data = (tmp_path / "a.ome.tiff").read_bytes()
    entry = put("a.ome.tiff", data)
    watched.reset()
    np.testing.assert_array_equal(open_image(entry, home=home).plane(c="ER", z=7), pixels[1, 7])
    first = watched.count()
    assert first <= 5
    watched.reset()
    again = open_image(entry, home=Home(home.folder))
    assert watched.count() == 0
    np.testing.assert_array_equal(again.plane(c="ER", z=7), pixels[1, 7])
    assert watched.count() == 1
    assert watched.bytes_sent() <= pixels[1, 7].nbytes
    watched.reset()
    np.testing.assert_array_equal(again.read(), pixels)
    assert watched.count() == 1


def test_what_is_in_the_store_is_read_from_there(
    tmp_path: Path, home: Home, watched: FaultProxy, put: Callable[[str, bytes], Entry]
) -> None:
    pixels = _stack(tmp_path / "a.ome.tiff", "zlib")
    entry = put("a.ome.tiff", (tmp_path / "a.ome.tiff").read_bytes())
    ensure_held([entry], home, None)
    watched.reset()
    np.testing.assert_array_equal(open_image(entry, home=home).read(), pixels)
    assert watched.count() == 0


def test_lists_of_pages_all_over_a_file_cost_few_requests(
    tmp_path: Path, home: Home, watched: FaultProxy, put: Callable[[str, bytes], Entry]
) -> None:
    # Each page of a compressed stack stands before its pixels: one round trip for each.
    path = tmp_path / "a.ome.tiff"
    pixels = np.random.default_rng(0).integers(0, 2**16, (60, 300, 400)).astype(np.uint16)
    tifffile.imwrite(path, pixels, ome=True, metadata={"axes": "ZYX"}, compression="zlib")
    with tifffile.TiffFile(path) as file:
        assert max(page.offset for page in file.pages) > 10 * 2**20
    entry = put("a.ome.tiff", path.read_bytes())
    watched.reset()
    np.testing.assert_array_equal(open_image(entry, home=home).plane(z=59), pixels[59])
    assert watched.count() <= 12


def test_other_names_of_the_same_image(
    tmp_path: Path, home: Home, watched: FaultProxy, put: Callable[[str, bytes], Entry]
) -> None:
    pixels = _stack(tmp_path / "a.ome.tiff", "zlib")
    entry = put("a b.ome.tiff", (tmp_path / "a.ome.tiff").read_bytes())
    bare = Entry(entry.logical_key, entry.physical_key)
    for source in (bare, entry.physical_key.replace(" ", "%20"), tmp_path / "a.ome.tiff"):
        image = open_image(source, home=home)
        assert image.channels == NAMES
        np.testing.assert_array_equal(image.read(), pixels)
    assert not (home.folder / "derived").exists()


def test_an_object_that_changed_is_not_read_with_the_old_list(
    tmp_path: Path,
    home: Home,
    watched: FaultProxy,
    s3: SeaweedServer,
    bucket: str,
    put: Callable[[str, bytes], Entry],
) -> None:
    pixels = _stack(tmp_path / "a.ome.tiff", None)
    data = (tmp_path / "a.ome.tiff").read_bytes()
    entry = put("a.ome.tiff", data)
    image = open_image(entry, home=home)
    image.plane()
    put("a.ome.tiff", data + b"more")
    with pytest.raises(BrokenFile, match="it changed: "):
        image.plane()
    put("a.ome.tiff", data[:-9] + b"different")
    with pytest.raises(BrokenFile, match="it changed: ETag"):
        image.plane()
    put("a.ome.tiff", data)
    np.testing.assert_array_equal(open_image(entry, home=home).read(), pixels)
    tag = s3.client().head_object(Bucket=bucket, Key="a.ome.tiff")["ETag"].strip('"')
    other = Entry("a.ome.tiff", entry.physical_key, len(data), Digest("ETag", "0" * 32))
    assert tag != "0" * 32
    with pytest.raises(BrokenFile, match=f"ETag {'0' * 32} is expected, and it has {tag}"):
        open_image(other, home=home)


def test_the_list_of_pages_of_another_object_is_used_once_at_most(
    tmp_path: Path, home: Home, watched: FaultProxy, put: Callable[[str, bytes], Entry]
) -> None:
    _stack(tmp_path / "a.ome.tiff", None)
    data = (tmp_path / "a.ome.tiff").read_bytes()
    entry = put("a.ome.tiff", data)
    open_image(entry, home=home)
    put("a.ome.tiff", data[:200_000] + b"different" + data[200_009:])  # of the same size
    with pytest.raises(BrokenFile, match="it changed: ETag"):
        open_image(entry, home=Home(home.folder)).plane()
    assert not list((home.folder / "derived").rglob("*.index"))
    open_image(entry, home=Home(home.folder)).plane()


def test_a_users_file_that_changed_is_read_as_it_is(tmp_path: Path, home: Home) -> None:
    path = tmp_path / "a.ome.tiff"
    _stack(path, "zlib")
    data = path.read_bytes()
    entry = Entry("a.ome.tiff", path.as_uri(), len(data), digest_of(data))
    open_image(entry, home=home)
    tifffile.imwrite(path, np.full((5, 6), 7, np.uint8), metadata=None)
    assert (open_image(entry, home=home).read() == 7).all()


@pytest.mark.parametrize("length", [0, 5, 200, HEAD, HEAD + 1, -1])
def test_cut_off_objects_are_refused(
    tmp_path: Path,
    home: Home,
    watched: FaultProxy,
    put: Callable[[str, bytes], Entry],
    length: int,
) -> None:
    _stack(tmp_path / "a.ome.tiff", "zlib")
    data = (tmp_path / "a.ome.tiff").read_bytes()[:length]
    with pytest.raises(ValueError, match="tiff cannot be"):
        open_image(put("a.ome.tiff", data), home=home).read()


def test_what_is_not_there_is_named(home: Home, watched: FaultProxy, bucket: str) -> None:
    with pytest.raises(ObjectNotFound, match="none"):
        open_image(f"s3://{bucket}/none.tiff", home=home)
    with pytest.raises(ObjectNotFound, match="none"):
        open_image("none.tiff", home=home)


def test_a_site_in_a_bucket(
    tmp_path: Path, home: Home, watched: FaultProxy, put: Callable[[str, bytes], Entry]
) -> None:
    random = np.random.default_rng(3)
    pixels = random.integers(0, 99, (5, 40, 50)).astype(np.uint16)
    entries = []
    for number, plane in enumerate(pixels, start=1):
        path = tmp_path / f"r01c02f03p01-ch{number}sk1fk1fl1.tiff"
        tifffile.imwrite(path, plane, compression="lzw")
        entries.append(put(path.name, path.read_bytes()))
    site = open_site(entries, home=home)
    watched.reset()
    np.testing.assert_array_equal(site.plane(c="DNA"), pixels[4])
    assert watched.count() == 1
    np.testing.assert_array_equal(site.read(), pixels)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_in_a_bucket(
    tmp_path: Path,
    home: Home,
    watched: FaultProxy,
    bucket: str,
    put: Callable[[str, bytes], Entry],
    version: str,
) -> None:
    pixels = np.random.default_rng(3).integers(0, 99, SHAPE).astype(np.uint16)
    folder = tmp_path / "a.zarr"
    write_ome_zarr(folder, pixels, "CZYX", channels=NAMES, version=version)  # type: ignore[arg-type]
    for path in folder.rglob("*"):
        if path.is_file():
            put(f"deep/a.zarr/{path.relative_to(folder).as_posix()}", path.read_bytes())
    image = open_image(f"s3://{bucket}/deep/a.zarr", home=home)
    assert (image.axes, image.channels) == ("CZYX", NAMES)
    watched.reset()
    np.testing.assert_array_equal(image.plane(c="ER", z=7), pixels[1, 7])
    assert watched.count() == 1
    np.testing.assert_array_equal(image.read(), pixels)
    with pytest.raises(BrokenFile):
        open_image(f"s3://{bucket}/none.zarr", home=home)


# The list of pages, kept


def test_a_damaged_list_is_read_anew(
    tmp_path: Path, home: Home, watched: FaultProxy, put: Callable[[str, bytes], Entry]
) -> None:
    pixels = _stack(tmp_path / "a.ome.tiff", "zlib")
    entry = put("a.ome.tiff", (tmp_path / "a.ome.tiff").read_bytes())
    open_image(entry, home=home)
    (kept,) = (home.folder / "derived/pages").rglob("*.index")
    whole = kept.read_bytes()
    for damaged in (b"", whole[:30], whole[:-1], whole[:200] + b"x" + whole[201:], whole + b"x"):
        kept.write_bytes(damaged)
        plane = open_image(entry, home=home).plane(c=1)
        np.testing.assert_array_equal(plane, pixels[1, 0])
        assert kept.read_bytes() == whole


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    _stack(tmp_path / "a.ome.tiff", "zlib")
    data = (tmp_path / "a.ome.tiff").read_bytes()
    entry = Entry("a", (tmp_path / "a.ome.tiff").as_uri(), len(data), digest_of(data))
    assert open_image(entry, home=Home(tmp_path / "home")).shape == SHAPE


def test_the_list_of_pages_is_a_value(tmp_path: Path) -> None:
    _stack(tmp_path / "a.ome.tiff", "zlib")
    source = LocalFile(tmp_path / "a.ome.tiff")
    index = read_page_index(source, source.read_first(HEAD))
    assert len(index) == 24
    assert PageIndex.from_bytes(index.to_bytes()).to_bytes() == index.to_bytes()


def test_spans_that_lie_together_are_one() -> None:
    near, far = 256 * 1024, 256 * 1024 + 1
    assert join_spans([(0, 1), (1 + near, 9 + near)]) == [(0, 9 + near)]
    assert join_spans([(0, 1), (1 + far, 9 + far)]) == [(0, 1), (1 + far, 9 + far)]
    mega = 2**20
    assert join_spans([(0, 7 * mega), (7 * mega, 9 * mega)]) == [
        (0, 7 * mega),
        (7 * mega, 9 * mega),
    ]
    assert join_spans([(0, 9), (3, 5)]) == [(0, 9)]
