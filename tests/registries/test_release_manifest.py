"""Reading release manifests: broken ones, hostile ones, and any that can be written."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidManifest
from cellfolio.package.keys import check_key
from cellfolio.registries.abc.manifest import parse_release
from cellfolio.registries.abc.release import Release, to_package
from tests.registries.release_samples import (
    OLDER,
    attributes,
    manifest,
    read_json,
    releases,
    write_manifest,
)


@pytest.mark.parametrize(
    "path",
    [
        "../victim.txt",
        "metadata/../../victim.txt",
        "metadata/..",
        "/etc/passwd",
        "//server/share",
        "metadata//x.csv",
        "./x.csv",
        "metadata/./x.csv",
        "metadata\\..\\..\\victim.txt",
        "C:\\victim.txt",
        "C:/victim.txt",
        "c:victim.txt",
        "metadata/x\0.csv",
        "metadata/x.csv/",
        "metadata/\ud800.csv",
    ],
)
@pytest.mark.parametrize("part", ["file_listing", "directory_listing"])
def test_one_hostile_path_refuses_the_whole_release(shared: Path, path: str, part: str) -> None:
    document = read_json(shared, OLDER)
    if part == "file_listing":
        node = document[part]["WMB-taxonomy"]["metadata"]["cluster"]["files"]["csv"]
    else:
        node = document[part]["WMB-taxonomy"]["directories"]["metadata"]
    node["relative_path"] = path
    with pytest.raises(InvalidManifest, match="WMB-taxonomy > metadata") as caught:
        parse_release(document)
    if "\ud800" not in path:
        assert "the release is refused" in str(caught.value)
    str(caught.value).encode()  # it can be shown


def test_path_with_two_contents_is_refused() -> None:
    one, other = attributes("m/x.csv", 3), attributes("m/x.csv", 4)
    node = {"x": {"files": {"csv": one}}, "y": {"files": {"csv": other}}}
    with pytest.raises(InvalidManifest, match=r"'m/x\.csv' is listed twice with other bytes"):
        parse_release(manifest({"d": {"metadata": node}}))
    node["y"] = node["x"]
    twice = parse_release(manifest({"d": {"metadata": node}}))
    assert [entry.logical_key for entry in to_package(twice).walk()] == ["m/x.csv"]
    assert twice.names("d") == ["x", "y"]


def _with(**changes: object) -> dict[str, object]:
    file = {**attributes("m/x.csv"), **changes}
    return manifest({"d": {"metadata": {"x": {"files": {"csv": file}}}}})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "the document: it should be a JSON object, found nothing"),
        ([], "the document: it should be a JSON object, found list"),
        ({}, "'version' should be text, found nothing"),
        (manifest({}, version=""), "'version' should be text, found ''"),
        ({**manifest({}), "version": 20240101}, "'version' should be text, found 20240101"),
        ({**manifest({}), "resource_uri": "bucket"}, "'resource_uri' should be a URI"),
        ({**manifest({}), "directory_listing": []}, "directory_listing: it should be a JSON obj"),
        ({**manifest({}), "directory_listing": {"d": {}}}, "directory_listing > d > directories"),
        (manifest(None), "file_listing: it should be a JSON object, found nothing"),
        (manifest({"d": []}), "file_listing > d: it should be a JSON object, found list"),
        (manifest({"d": {"m": {"x": {"log2": {}}}}}), "file_listing > d > m > x > log2 > files"),
        (_with(size=-1), "file_listing > d > metadata > x: 'size' should be a number of bytes"),
        (_with(size=True), "'size' should be a number of bytes, found True"),
        (_with(size="3"), "'size' should be a number of bytes, found '3'"),
        (_with(size=3.0), "'size' should be a number of bytes, found 3.0"),
        (_with(size=2**63), "'size' should be a number of bytes"),
        (_with(file_hash=7), "'file_hash' should be text, found 7"),
        (_with(url=None), "'url' should be text, found nothing"),
        (_with(version="\ud800"), "should be text with a UTF-8 form"),
    ],
)
def test_broken_manifest_is_refused_with_the_place(document: object, message: str) -> None:
    with pytest.raises(InvalidManifest) as caught:
        parse_release(document)
    assert message in str(caught.value)
    str(caught.value).encode()


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def _places(node: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from _places(inner, (*path, key))


SMALL = {
    "version": "20240101",
    "resource_uri": "s3://bucket/",
    "directory_listing": {
        "d": {"directories": {"metadata": {**attributes("metadata/d/1"), "total_size": 3}}}
    },
    "file_listing": {
        "d": {
            "metadata": {"x": {"files": {"csv": attributes("metadata/d/1/x.csv")}}},
            "expression_matrices": {
                "y": {"log2": {"files": {"h5ad": attributes("e/y.h5ad", file_hash="0" * 32)}}}
            },
        }
    },
}


@given(place=st.sampled_from(list(_places(SMALL))), value=JSON)
def test_altered_manifest_is_read_or_refused(place: tuple[str, ...], value: object) -> None:
    """Whatever is put wherever: a release whose paths are confined, or `InvalidManifest`."""
    document: Any = copy.deepcopy(SMALL)
    if place:
        node = document
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = value
    else:
        document = value
    try:
        release = parse_release(document)
    except InvalidManifest:
        return
    for entry in to_package(release).walk():
        check_key(entry.logical_key)


@given(releases())
def test_what_is_written_is_read(release: Release) -> None:
    text = json.dumps(write_manifest(release))
    read = parse_release(json.loads(text))
    assert read == release
    package = to_package(read)
    assert {entry.logical_key: entry.size for entry in package.walk()} == {
        file.relative_path: file.size for file in release.files
    }
    for file in release.files:
        assert read.find(file.directory, file.name, file.kind) == file
