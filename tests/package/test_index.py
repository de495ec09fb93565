"""The index of a manifest: it opens the same package, or nothing."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidManifest
from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.manifest import read_indexed, read_manifest, write_index
from cellfolio.package.package import Package
from tests.package.strategies import FORMS, HEADER, entry_lists, row

DIGEST = Digest("SHA256", "0" * 64)
TEXT = HEADER + b"".join(
    [
        row(Entry("b/x", "s3://b/1", 1, DIGEST), "any order"),
        b'{"logical_key": "b/", "meta": {"x": "\xc3\xa9"}}\n',
        row(Entry("a/é", "s3://b/2", 2, DIGEST, {"user_meta": {"n": 1.0}})),
        row(Entry("a/b", "s3://b/3", None, None)),
    ]
)
PACKAGE = read_manifest(TEXT, name="lab/cells")
INDEX = write_index(PACKAGE, len(TEXT))


def opened(text: bytes | mmap.mmap, index: bytes | mmap.mmap) -> Package:
    package = read_indexed(text, index)
    assert package is not None
    return package


@given(entry_lists(), st.lists(st.sampled_from(FORMS), min_size=6, max_size=6))
def test_an_index_opens_the_same_package(entries: list[Entry], forms: list[str]) -> None:
    rows = [row(entry, form) for entry, form in zip(entries, forms, strict=False)]
    text = HEADER + b"".join(rows)
    package = read_manifest(text)
    again = opened(text, write_index(package, len(text)))
    assert again == package
    assert list(again.walk()) == list(package.walk())
    assert again.size == package.size
    assert list(again.manifest()) == list(package.manifest())


def test_everything_is_there_again() -> None:
    package = opened(TEXT, INDEX)
    assert [entry.logical_key for entry in package.walk()] == ["a/b", "a/é", "b/x"]
    assert package.folder_meta == {"b/": {"x": "é"}}
    assert package.header == PACKAGE.header
    assert package.size == 3
    assert package.entry("a/é").user_meta == {"n": 1.0}
    named = read_indexed(TEXT, INDEX, name="lab/cells")
    assert named is not None
    assert named.name == "lab/cells"


@pytest.fixture
def mapped(tmp_path: Path) -> tuple[mmap.mmap, mmap.mmap]:
    """Text and index as mapped files."""
    maps = []
    for name, content in (("text", TEXT), ("index", INDEX)):
        path = tmp_path / name
        path.write_bytes(content)
        with path.open("rb") as file:
            maps.append(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return maps[0], maps[1]


def test_mapped_files_are_as_good_as_bytes(mapped: tuple[mmap.mmap, mmap.mmap]) -> None:
    text, index = mapped
    read = read_manifest(text, top_hash=PACKAGE.top_hash)
    for package in (read, opened(text, index), read.subset("a"), opened(text, index)):
        assert package.entry("a/b") == PACKAGE.entry("a/b")
    assert list(read.manifest()) == list(opened(text, index).manifest())
    assert write_index(read, len(text)) == INDEX == write_index(opened(text, index), len(text))


@given(st.integers(0, len(INDEX) - 1), st.integers(1, 255))
def test_a_damaged_index_opens_nothing(place: int, change: int) -> None:
    damaged = bytearray(INDEX)
    damaged[place] ^= change
    assert read_indexed(TEXT, bytes(damaged)) is None


@given(st.integers(0, len(INDEX) - 1))
def test_an_index_that_lost_its_end_opens_nothing(length: int) -> None:
    assert read_indexed(TEXT, INDEX[:length]) is None
    assert read_indexed(TEXT, INDEX[:length] + bytes(len(INDEX) - length)) is None


@pytest.mark.parametrize("index", [b"", b"x" * 200, INDEX + b"\0", bytes(len(INDEX)), TEXT])
def test_what_is_no_index_opens_nothing(index: bytes) -> None:
    assert read_indexed(TEXT, index) is None


def test_an_index_of_another_manifest_opens_nothing() -> None:
    assert read_indexed(TEXT + b" ", INDEX) is None
    assert read_indexed(b"", INDEX) is None


def test_a_text_that_was_overwritten_is_told() -> None:
    with pytest.raises(InvalidManifest, match=r"^line 1: not a Quilt manifest"):
        read_indexed(bytes(len(TEXT)), INDEX)
    other = opened(HEADER + bytes(len(TEXT) - len(HEADER)), INDEX)
    with pytest.raises(InvalidManifest, match="not JSON"):
        list(other.walk())
    folders = b'{"logical_key": "b/", "meta": {}}\n'.ljust(len(TEXT) - len(HEADER), b"\n")
    with pytest.raises(InvalidManifest, match=r"not JSON|found a folder"):
        list(opened(HEADER + folders, INDEX).walk())
