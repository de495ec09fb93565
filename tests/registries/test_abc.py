"""Releases of the Allen Brain Cell Atlas, from a real S3 server and from a folder."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cellfolio.errors import (
    DigestMismatch,
    InvalidManifest,
    InvalidReference,
    PackageNotFound,
    RevisionNotFound,
    TransferIncomplete,
)
from cellfolio.registries.abc.manifest import parse_release
from cellfolio.registries.abc.registry import AbcRegistry, UnreadableReleaseWarning
from cellfolio.registries.abc.release import to_package
from cellfolio.registries.registry import Registry
from cellfolio.storage.home import Home, ensure_held
from tests.registries.atlas import NAME, Atlas, kept_file, real_manifest, small_manifest
from tests.servers.seaweed import SeaweedServer

TERMS = "cluster_annotation_term.csv"


@pytest.fixture
def in_bucket(bucket: str, s3: SeaweedServer, s3_env: dict[str, str]) -> Atlas:
    """An empty atlas in a bucket."""
    return Atlas(f"abc+s3://{bucket}", s3)


@pytest.fixture(params=["bucket", "folder"])
def atlas(request: pytest.FixtureRequest, tmp_path: Path) -> Atlas:
    """An empty atlas in a bucket, then one in a folder."""
    if request.param == "folder":
        return Atlas(f"abc+file://{tmp_path / 'atlas'}", None)
    found: Atlas = request.getfixturevalue("in_bucket")
    return found


# Opening


def test_real_releases_open_from_anywhere(atlas: Atlas, shared: Path, home: Home) -> None:
    older, newer = (real_manifest(shared, start) for start in ("20231215_fce5", "20250531"))
    atlas.release("20231215", older)
    atlas.release("20250531", newer)
    registry: Registry = AbcRegistry(atlas.uri, home)
    package = registry.open(NAME)
    assert (package.name, package.file_count) == (NAME, 333)
    root = atlas.uri.removeprefix("abc+")
    assert all(e.physical_key == f"{root}/{e.logical_key}" for e in package.walk())
    # Where the copy lies is not part of the top hash.
    assert package == to_package(parse_release(json.loads(newer)))
    assert registry.open(NAME, "20231215") == to_package(parse_release(json.loads(older)))
    assert kept_file(home, "20250531").read_bytes() == newer


def test_every_way_to_name_a_release(atlas: Atlas, tmp_path: Path) -> None:
    for version in ("20230830", "20231215", "20250531"):
        atlas.release(version)
    first = AbcRegistry(atlas.uri, Home(tmp_path / "first"))
    hashes = {version: first.open(NAME, version).top_hash for version in first.releases()}
    assert len(set(hashes.values())) == 3
    names: dict[str | None, str] = {
        None: "20250531",
        "latest": "20250531",
        "20250531": "20250531",
        "20230830": "20230830",
        "2025-05-31": "20250531",
        "2025-05-30": "20231215",
        "2023-12-15": "20231215",
        "2023-12-14": "20230830",
        "2023-12-15T00:00": "20231215",
        "2023-12-14T23:59:59": "20230830",
        "2023-12-15T01:00+02:00": "20230830",
        "2099-01-01": "20250531",
        **{top_hash: version for version, top_hash in hashes.items()},
        **{top_hash[:6]: version for version, top_hash in hashes.items()},
        **{top_hash[:40]: version for version, top_hash in hashes.items()},
    }
    for number, (name, version) in enumerate(names.items()):
        registry = AbcRegistry(atlas.uri, Home(tmp_path / str(number)))
        assert registry.open(NAME, name).meta["release"] == version, name
        assert registry.release(name).version == version, name


@pytest.mark.parametrize(
    ("revision", "error", "message"),
    [
        ("20240101", RevisionNotFound, "no releases of .* are named 20240101"),
        ("f" * 64, RevisionNotFound, "no releases of .* are named ffff"),
        ("2023-08-29", RevisionNotFound, "no release as old as 2023-08-29; it has 20230830"),
        ("", InvalidReference, "'' is not a release of .*; expected 'latest', one of 20230830"),
        ("../20230830", InvalidReference, "is not a release"),
        ("20230830/../20231215", InvalidReference, "is not a release"),
        ("2023-13-45", InvalidReference, "'2023-13-45' is not a release"),
        ("abc", InvalidReference, "'abc' is not a release"),
    ],
)
def test_unknown_release_is_refused(
    atlas: Atlas, home: Home, revision: str, error: type[Exception], message: str
) -> None:
    for version in ("20230830", "20231215"):
        atlas.release(version)
    with pytest.raises(error, match=message):
        AbcRegistry(atlas.uri, home).open(NAME, revision)


def test_revisions_are_the_releases_newest_first(atlas: Atlas, home: Home) -> None:
    for version in ("20231215", "20230830", "20250531", "draft"):
        atlas.release(version)
    registry = AbcRegistry(atlas.uri, home)
    revisions = registry.revisions(NAME)
    assert [one.pointer for one in revisions] == ["draft", "20250531", "20231215", "20230830"]
    assert [one.time for one in revisions][1:] == [
        datetime(2025, 5, 31, tzinfo=UTC),
        datetime(2023, 12, 15, tzinfo=UTC),
        datetime(2023, 8, 30, tzinfo=UTC),
    ]
    assert registry.releases() == sorted(one.pointer for one in revisions)
    for one in revisions:
        assert registry.open(NAME, one.pointer).top_hash == one.top_hash
    assert registry.open(NAME, "2099-01-01").meta["release"] == "20250531"  # a draft has no date
    headers = registry.headers([revisions[2].top_hash, "0" * 64])
    assert headers[0] is not None
    assert headers[0]["message"] == "release 20231215"
    assert headers[1] is None


def test_only_folders_with_a_manifest_are_releases(atlas: Atlas, home: Home) -> None:
    atlas.release("20230830")
    for path in (
        "releases/20990101/readme.txt",
        "releases/20990102/old/manifest.json",
        "releases/manifest.json",
        "releases/.hidden/manifest.json",
        "releases/a b/manifest.json",
        "elsewhere/20990103/manifest.json",
    ):
        atlas.put(path, b"{}")
    assert AbcRegistry(atlas.uri, home).releases() == ["20230830"]


def test_atlas_below_a_path_is_found(in_bucket: Atlas, home: Home, shared: Path) -> None:
    terms, _ = _terms(shared)
    manifest = json.loads(small_manifest("20230830"))
    manifest["file_listing"]["WMB-10X"]["metadata"]["gene"]["files"]["csv"]["size"] = len(terms)
    in_bucket.put("my copy/releases/20230830/manifest.json", json.dumps(manifest).encode())
    in_bucket.put("my copy/metadata/WMB-10X/20230830/gene.csv", terms)
    registry = AbcRegistry(f"{in_bucket.uri}/my%20copy/", home)
    assert registry.packages() == ["abc/my-copy"]
    (entry,) = registry.open(NAME).walk()
    (path,) = ensure_held([entry], home, None).paths.values()
    assert path.read_bytes() == terms


def test_no_releases_is_said(atlas: Atlas, home: Home) -> None:
    atlas.put("metadata/x.csv", b"1")
    with pytest.raises(PackageNotFound, match="has no releases; expected releases/<release>/man"):
        AbcRegistry(atlas.uri, home).open(NAME)


@pytest.mark.parametrize(
    "uri", ["s3://bucket", "abc+bucket", "abc+s3://", "abc+file:///", "abc+ftp://x/y", "abc+", ""]
)
def test_other_addresses_are_refused(uri: str, home: Home) -> None:
    with pytest.raises(InvalidReference):
        AbcRegistry(uri, home)


def test_registry_has_one_package_and_asks_nobody_for_it(home: Home) -> None:
    assert AbcRegistry("abc+s3://my.atlas-2", home).packages() == ["abc/my-atlas-2"]
    assert AbcRegistry("abc+file:///mnt/atlas/", home).packages() == ["abc/atlas"]
    assert not home.folder.exists()


# Real bytes


def _terms(shared: Path) -> tuple[bytes, str]:
    """The real file, and its MD5 in a list that others made of the bucket."""
    path = f"metadata/WMB-taxonomy/20230830/{TERMS}"
    table = shared / "data/abc_atlas/manifests/datalad_md5_20230630_20230830.tsv"
    with table.open(newline="") as lines:
        (md5,) = (
            row["md5"]
            for row in csv.DictReader(lines, delimiter="\t")
            if row["relative_path"] == path
        )
    return (shared / "data/abc_atlas" / path).read_bytes(), md5


def test_real_bytes_pass_as_their_release_and_fail_as_another(
    atlas: Atlas, shared: Path, home: Home
) -> None:
    """Both releases list the same size; only the digest tells the two files apart."""
    terms, md5 = _terms(shared)
    later: Any = json.loads(real_manifest(shared, "20231215_fce5"))
    key = f"metadata/WMB-taxonomy/20231215/{TERMS}"
    file = later["file_listing"]["WMB-taxonomy"]["metadata"][TERMS.removesuffix(".csv")]["files"]
    assert file["csv"]["size"] == len(terms)
    earlier = json.loads(small_manifest("20230830", key.replace("20231215", "20230830")))
    names = earlier["file_listing"]["WMB-10X"]["metadata"]["gene"]["files"]["csv"]
    names |= {"size": len(terms), "file_hash": md5}
    atlas.release("20231215", json.dumps(later).encode())
    atlas.release("20230830", json.dumps(earlier).encode())
    atlas.put(key, terms)
    atlas.put(key.replace("20231215", "20230830"), terms)
    registry = AbcRegistry(atlas.uri, home)

    (right,) = registry.open(NAME, "20230830").walk()
    (path,) = ensure_held([right], home, None).paths.values()
    assert path.read_bytes() == terms

    wrong = registry.open(NAME, "20231215").entry(key)
    assert wrong.size == right.size
    with pytest.raises(TransferIncomplete, match="bf307de084140187706b8efd3378f015") as caught:
        ensure_held([wrong], home, None)
    (failure,) = caught.value.failures
    assert isinstance(failure, DigestMismatch)
    assert md5 in failure.found
    assert len(list(home.blobs.all())) == 1


# Trust


@pytest.mark.parametrize(
    "path",
    ["../victim.txt", "{victim}", "metadata\\..\\victim.txt", "metadata/\0.csv", "C:/victim.txt"],
)
def test_hostile_release_is_refused_and_touches_nothing(
    atlas: Atlas, home: Home, tmp_path: Path, path: str
) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_bytes(b"mine")
    atlas.release("20230830")
    atlas.release("20231215", small_manifest("20231215", path.format(victim=victim)))
    registry = AbcRegistry(atlas.uri, home)
    for revision in (None, "20231215"):
        with pytest.raises(InvalidManifest, match="the release is refused"):
            registry.open(NAME, revision)
    assert victim.read_bytes() == b"mine"
    assert not list(home.folder.glob("**/20231215*"))
    assert registry.open(NAME, "20230830").file_count == 1


def test_unreadable_release_hides_no_other(atlas: Atlas, home: Home) -> None:
    atlas.release("20230830")
    atlas.release("20231215", b'{"version": "2023')
    atlas.release("20240330", small_manifest("20990101"))
    atlas.release("20240831", b"[" * 100_000)
    with pytest.warns(UnreadableReleaseWarning, match="is left out") as caught:
        revisions = AbcRegistry(atlas.uri, home).revisions(NAME)
    assert [one.pointer for one in revisions] == ["20230830"]
    told = " ".join(str(one.message) for one in caught)
    assert all(version in told for version in ("20231215", "20240330", "20240831"))
    assert "says that it is of release '20990101'" in told
