"""Releases of the Allen Brain Cell Atlas: asked, made into packages, compared."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given

from cellfolio.errors import EntryNotFound
from cellfolio.package.digests import Digest
from cellfolio.registries.abc.diff import compare
from cellfolio.registries.abc.manifest import parse_release
from cellfolio.registries.abc.release import Release, format_directory_size, to_package
from tests.registries.release_samples import (
    NEWER,
    OLDER,
    WITHOUT_HASHES,
    Listed,
    attributes,
    listed_files,
    manifest,
    read_json,
    releases,
)


@pytest.fixture(params=[OLDER, NEWER, WITHOUT_HASHES])
def document(request: pytest.FixtureRequest, shared: Path) -> Any:
    """A real manifest."""
    return read_json(shared, request.param)


@pytest.fixture
def newer(shared: Path) -> Release:
    """The release 20250531."""
    return parse_release(read_json(shared, NEWER))


def test_every_name_of_a_real_release_is_found(document: Any) -> None:
    release = parse_release(document)
    expected = listed_files(document)
    for (directory, kind, name), (file_type, fields) in expected.items():
        for file in (release.find(directory, name), release.find(directory, name, kind)):
            assert (file.directory, file.kind, file.name) == (directory, kind, name)
            assert file.file_type == file_type
            assert (file.version, file.relative_path, file.url, file.size, file.md5) == (
                fields["version"],
                fields["relative_path"],
                fields["url"],
                fields["size"],
                fields.get("file_hash"),
            )
    assert len(release.files) == len(expected)
    listings = [
        (directory, kind, name)
        for directory in release.directories
        for kind in release.kinds(directory)
        for name in release.names(directory, kind)
    ]
    assert listings == sorted(expected)


@pytest.mark.parametrize(
    ("name", "directories", "files", "gigabytes", "views"),
    [
        (OLDER, 18, 243, 352.6, None),
        (WITHOUT_HASHES, 18, 243, 352.6, None),
        (NEWER, 30, 333, 646.8, 28),
    ],
)
def test_real_releases_have_the_published_counts(
    shared: Path, name: str, directories: int, files: int, gigabytes: float, views: int | None
) -> None:
    release = parse_release(read_json(shared, name))
    assert (len(release.directories), len(release.files)) == (directories, files)
    assert round(sum(file.size for file in release.files) / 1e9, 1) == gigabytes
    if views is not None:
        assert sum("/views/" in file.relative_path for file in release.files) == views


@pytest.mark.parametrize("name", [OLDER, NEWER])
def test_sizes_are_the_published_ones(shared: Path, name: str) -> None:
    release = parse_release(read_json(shared, name))
    matrices = release.size("WMB-10Xv2", "expression_matrices")
    assert format_directory_size(matrices) == "104.16 GB"
    assert format_directory_size(release.size("WMB-taxonomy", "metadata")) == "4.65 MB"
    assert release.size("WMB-10Xv2") == sum(
        release.size("WMB-10Xv2", kind) for kind in release.kinds("WMB-10Xv2")
    )


def test_folders_state_what_the_manifest_states(document: Any) -> None:
    release = parse_release(document)
    stated = {
        (directory, kind): fields
        for directory, node in document["directory_listing"].items()
        for kind, fields in node["directories"].items()
    }
    assert [(folder.directory, folder.kind) for folder in release.folders] == sorted(stated)
    for folder in release.folders:
        fields = stated[folder.directory, folder.kind]
        assert {name: getattr(folder, name) for name in fields} == fields


@pytest.mark.parametrize(("name", "agreeing"), [(OLDER, 38), (NEWER, 35)])
def test_digests_agree_with_an_independent_list(shared: Path, name: str, agreeing: int) -> None:
    """The list was made from the bucket; since then one directory was replaced in place."""
    table = shared / "data/abc_atlas/manifests/datalad_md5_20230630_20230830.tsv"
    with table.open(newline="") as lines:
        known = {row["relative_path"]: row for row in csv.DictReader(lines, delimiter="\t")}
    release = parse_release(read_json(shared, name))
    both = [file for file in release.files if file.relative_path in known]
    agree = [
        file
        for file in both
        if (str(file.size), file.md5)
        == (known[file.relative_path]["size"], known[file.relative_path]["md5"])
    ]
    assert len(agree) == agreeing
    others = {file.directory for file in both} - {file.directory for file in agree}
    assert others <= {"MERFISH-C57BL6J-638850-sections"}
    assert all(file.directory in others for file in both if file not in agree)


def test_older_form_differs_in_its_digests_only(shared: Path) -> None:
    draft = parse_release(read_json(shared, WITHOUT_HASHES))
    final = parse_release(read_json(shared, OLDER))
    assert {file.md5 for file in draft.files} == {None}
    assert draft.files == tuple(replace(file, md5=None) for file in final.files)
    assert draft.folders == final.folders
    assert all(entry.digest is None for entry in to_package(draft).walk())
    nothing = [
        (k.added, k.removed, k.changed, k.same_version_other_bytes)
        for k in compare(draft, final).kinds
    ]
    assert set(nothing) == {((), (), (), ())}


# Asking


@pytest.mark.parametrize(
    ("directory", "name", "message", "hint"),
    [
        ("WMB-10x", "gene", "has no directory 'WMB-10x'", "did you mean WMB-10X"),
        ("nowhere", "gene", "has no directory 'nowhere'", "more"),
        (
            "WMB-10X",
            "genes",
            "WMB-10X of release 20250531 has no file 'genes'",
            "did you mean gene?",
        ),
        ("WMB-10X", "gene/log2", "has no file 'gene/log2'", "did you mean gene?"),
        ("WMB-10X", "gene/junk", "has no file 'gene/junk'", "did you mean gene?"),
        ("WMB-10X", "", "has no file ''", "there is"),
        ("WMB-10XMulti", "WMB-10XMulti/junk", "has no file", "WMB-10XMulti/log2"),
        ("WMB-10XMulti", "WMB-10XMulti/log2/junk", "has no file", "WMB-10XMulti/log2"),
        (
            "WMB-10XMulti",
            "WMB-10XMulti",
            "stands for 2 files: WMB-10XMulti/log2, WMB-10XMulti/raw",
            "'WMB-10XMulti/log2'",
        ),
    ],
)
def test_wrong_names_are_refused_with_what_was_meant(
    newer: Release, directory: str, name: str, message: str, hint: str
) -> None:
    with pytest.raises(EntryNotFound) as caught:
        newer.find(directory, name)
    assert message in str(caught.value)
    assert hint in caught.value.hint


def test_variant_may_be_left_out_where_there_is_one(newer: Release) -> None:
    directory = "MERFISH-C57BL6J-638850-imputed"
    file = newer.find(directory, "C57BL6J-638850-imputed")
    assert file == newer.find(directory, "C57BL6J-638850-imputed/log2")
    assert (file.stem, file.variant) == ("C57BL6J-638850-imputed", "log2")


def test_unknown_kind_is_refused(newer: Release) -> None:
    for ask in (newer.names, newer.size, newer.select):
        with pytest.raises(EntryNotFound, match="WMB-10X of release 20250531 has no 'metadat'"):
            ask("WMB-10X", "metadat")
    with pytest.raises(EntryNotFound, match="has no directory"):
        newer.kinds("WMB")


def test_name_of_two_kinds_needs_the_kind() -> None:
    listing = {
        "d": {
            "metadata": {"x": {"files": {"csv": attributes("metadata/d/1/x.csv")}}},
            "mapmycells": {
                "x": {"files": {"json": attributes("m/x.json"), "h5": attributes("m/x.h5")}}
            },
        }
    }
    release = parse_release(manifest(listing))
    assert release.find("d", "x", "metadata").file_type == "csv"
    with pytest.raises(
        EntryNotFound, match=r"3 files: m/x\.h5, m/x\.json, metadata/d/1/x\.csv"
    ) as e:
        release.find("d", "x")
    assert "kind" in e.value.hint


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0.0 MB"),
        (1, "0.0 MB"),
        (2**20, "1.0 MB"),
        (2**30, "1.0 GB"),
        (2**30 - 1, "1024.0 MB"),
        (204, "0.0 MB"),
        (3 * 2**29, "1.5 GB"),
        (5000 * 2**30, "5000.0 GB"),
    ],
)
def test_directory_sizes_are_worded_as_by_the_atlas(size: int, text: str) -> None:
    assert format_directory_size(size) == text


# Packages


def test_real_release_becomes_a_package(document: Any) -> None:
    package = to_package(parse_release(document))
    expected = listed_files(document)
    entries = {entry.logical_key: entry for entry in package.walk()}
    assert len(entries) == len(expected)
    for (directory, kind, name), (_, fields) in expected.items():
        entry = entries[fields["relative_path"]]
        assert entry.physical_key == f"s3://allen-brain-cell-atlas/{fields['relative_path']}"
        assert entry.size == fields["size"]
        md5 = fields.get("file_hash")
        assert entry.digest == (None if md5 is None else Digest("MD5", md5))
        assert entry.user_meta == {
            "directory": directory,
            "kind": kind,
            "name": name,
            "version": fields["version"],
            "listed": f"{directory}/{name}",
        }
    assert package.meta == {
        "release": document["version"],
        "resource_uri": "s3://allen-brain-cell-atlas/",
    }
    assert package.message == f"release {document['version']}"


def test_top_hash_is_of_the_release_and_not_of_its_place(newer: Release) -> None:
    package = to_package(newer)
    copied = to_package(newer, "file:///mnt/atlas/")
    assert copied.top_hash == package.top_hash
    first = next(iter(copied.walk()))
    assert first.physical_key == f"file:///mnt/atlas/{first.logical_key}"
    changed = replace(newer, files=(replace(newer.files[0], size=1), *newer.files[1:]))
    assert to_package(changed).top_hash != package.top_hash


def test_physical_keys_are_percent_encoded() -> None:
    path = "metadata/d/1/a b+c%20#?ö.csv"
    release = parse_release(
        manifest({"d": {"metadata": {"a": {"files": {"csv": attributes(path)}}}}})
    )
    entry = to_package(release).entry(path)
    assert entry.physical_key == "s3://bucket/metadata/d/1/a%20b%2Bc%2520%23%3F%C3%B6.csv"
    assert unquote(entry.physical_key) == f"s3://bucket/{path}"


# Comparing


def test_real_releases_compare_as_sets_do(shared: Path) -> None:
    old, new = read_json(shared, OLDER), read_json(shared, NEWER)
    diff = compare(parse_release(old), parse_release(new))
    before, after = listed_files(old), listed_files(new)
    assert (diff.older, diff.newer) == ("20231215", "20250531")
    assert set(diff.directories_added) == set(new["file_listing"]) - set(old["file_listing"])
    assert len(diff.directories_added) == 12
    assert diff.directories_removed == ()
    assert [kind.kind for kind in diff.kinds] == sorted({key[1] for key in before | after})
    for kind in diff.kinds:

        def names(keys: set[Listed], kind: str = kind.kind) -> tuple[str, ...]:
            return tuple(sorted(f"{key[0]}: {key[2]}" for key in keys if key[1] == kind))

        both = before.keys() & after
        differ = {key for key in both if before[key] != after[key]}
        kept = {key for key in differ if before[key][1]["version"] == after[key][1]["version"]}
        assert kind.added == names(after.keys() - before)
        assert kind.removed == names(before.keys() - after)
        assert kind.changed == names(differ - kept)
        assert kind.same_version_other_bytes == names(kept)
    assert sum(len(kind.added) for kind in diff.kinds) == 90
    assert sum(len(kind.changed) for kind in diff.kinds) == 142


@given(releases(), releases())
def test_comparing_backwards_swaps_added_and_removed(one: Release, other: Release) -> None:
    there, back = compare(one, other), compare(other, one)
    assert there.directories_added == back.directories_removed
    assert [
        (k.kind, k.added, k.removed, k.changed, k.same_version_other_bytes) for k in there.kinds
    ] == [(k.kind, k.removed, k.added, k.changed, k.same_version_other_bytes) for k in back.kinds]
    same = compare(one, one)
    assert all(
        not (k.added or k.removed or k.changed or k.same_version_other_bytes) for k in same.kinds
    )


def test_other_bytes_under_one_version_are_told_apart(newer: Release) -> None:
    index = next(i for i, file in enumerate(newer.files) if file.name == "gene")
    files = list(newer.files)
    files[index] = replace(files[index], md5="0" * 32)
    forged = replace(newer, version="20250601", files=tuple(files))
    diff = compare(newer, forged)
    found = {kind.kind: kind for kind in diff.kinds}[files[index].kind]
    assert found.same_version_other_bytes == (f"{files[index].directory}: gene",)
    assert found.changed == ()
    files[index] = replace(files[index], version="20250601")
    diff = compare(newer, replace(forged, files=tuple(files)))
    found = {kind.kind: kind for kind in diff.kinds}[files[index].kind]
    assert found.changed == (f"{files[index].directory}: gene",)
    assert found.same_version_other_bytes == ()
