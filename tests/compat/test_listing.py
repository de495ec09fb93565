"""Names, sizes and lookups: what the peer answers, for the real releases too."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from cellfolio.compat.abc import AbcProjectCache
from cellfolio.compat.abc.abc_project_cache import (
    AbcProjectCacheVersionException,
    version_check,
)
from cellfolio.compat.abc.file_attributes import CacheFileAttributes
from cellfolio.compat.abc.manifest import DataTypeNotInDirectory, Manifest
from cellfolio.compat.abc.utils import file_hash_from_path
from cellfolio.errors import CellfolioError, InvalidManifest
from tests.compat.atlas import (
    FIRST,
    NEW,
    OLD,
    OLD_NAME,
    Atlas,
    fields_of,
    manifest,
)

REAL = {
    "20231215": "manifest_20231215_fce5a0dd.json",
    "20250531": "manifest_20250531_3a5f359c.json",
}


def real(shared: Path, version: str) -> Any:
    return json.loads((shared / "data/abc_atlas/manifests" / REAL[version]).read_text())


@pytest.fixture(params=sorted(REAL))
def real_atlas(
    request: pytest.FixtureRequest, empty_atlas: Atlas, shared: Path, tmp_path: Path
) -> tuple[AbcProjectCache, Any]:
    """A cache of a real release, and its manifest; the data are not there."""
    document = real(shared, request.param)
    empty_atlas.release(request.param, document)
    return empty_atlas.open(tmp_path / "cache"), document


def listed(document: Any) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Directory, kind, listed name → fields; read in another way than the library does."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for directory, kinds in document["file_listing"].items():
        for kind, names in kinds.items():
            for name, node in names.items():
                variants = (
                    {name: node}
                    if "files" in node
                    else {f"{name}/{variant}": inner for variant, inner in node.items()}
                )
                for full, inner in variants.items():
                    (fields,) = inner["files"].values()
                    found[directory, kind, full] = fields
    return found


def test_every_name_of_a_real_release_is_found(
    real_atlas: tuple[AbcProjectCache, Any], tmp_path: Path
) -> None:
    cache, document = real_atlas
    folder = tmp_path / "cache"
    expected = listed(document)
    assert len(expected) in (243, 333)
    for (directory, _, name), fields in expected.items():
        found = cache.cache.get_file_path(directory, name)
        assert found["exists"] is False
        assert found["local_path"] == folder / fields["relative_path"]
        assert found["file_attributes"] == CacheFileAttributes(
            url=fields["url"],
            version=fields["version"],
            file_size=fields["size"],
            local_path=folder / fields["relative_path"],
            relative_path=fields["relative_path"],
            file_type=fields["relative_path"].rpartition("/")[2].split(".", 1)[1]
            if fields["relative_path"].endswith(".nii.gz")
            else fields["relative_path"].rpartition(".")[2],
            file_hash=fields["file_hash"],
        )
        assert cache.cache.data_path(directory, name) == found
        assert cache.cache.metadata_path(directory, name) == found


def test_lists_and_sizes_of_a_real_release(real_atlas: tuple[AbcProjectCache, Any]) -> None:
    cache, document = real_atlas
    expected = listed(document)
    assert cache.list_directories == sorted(document["file_listing"])
    ways = {
        "metadata": (cache.list_metadata_files, cache.get_directory_metadata_size),
        "expression_matrices": (
            cache.list_expression_matrix_files,
            cache.get_directory_expression_matrix_size,
        ),
        "image_volumes": (cache.list_image_volume_files, cache.get_directory_image_volume_size),
        "mapmycells": (cache.list_mapmycells_files, cache.get_directory_mapmycells_size),
        "data": (cache.list_data_files, cache.get_directory_data_size),
    }
    for directory in cache.list_directories:
        for kind, (names, size) in ways.items():
            kinds = {"expression_matrices", "image_volumes"} if kind == "data" else {kind}
            files = {n: f for (d, k, n), f in expected.items() if d == directory and k in kinds}
            if not files:
                with pytest.raises(DataTypeNotInDirectory, match=f"No {kind} files found in dir"):
                    names(directory)
                continue
            assert names(directory) == sorted(files)
            total = sum(fields["size"] for fields in files.values()) / 1024**3
            text = f"{round(total, 2)} GB" if total >= 1 else f"{round(total * 1024, 2)} MB"
            assert size(directory) == cache.get_directory_size_by_kind(directory, kind) == text


def test_real_release_prints_what_the_notebook_shows(
    real_atlas: tuple[AbcProjectCache, Any],
) -> None:
    cache, _ = real_atlas
    assert cache.get_directory_data_size("WMB-10Xv2") == "104.16 GB"
    assert cache.get_directory_metadata_size("WMB-taxonomy") == "4.65 MB"
    assert cache.list_data_files("WMB-10Xv2")[:3] == [
        "WMB-10Xv2-CTXsp/log2",
        "WMB-10Xv2-CTXsp/raw",
        "WMB-10Xv2-HPF/log2",
    ]
    with pytest.raises(KeyError) as caught:
        cache.get_data_path(directory="WMB-10XMulti", file_name="WMB-10XMulti")
    assert str(caught.value) == (
        "File WMB-10XMulti found in directory but multiple files found: ['log2', 'raw']. Please "
        "specify the file name as one of ['WMB-10XMulti/log2', 'WMB-10XMulti/raw']"
    )


def test_unknown_names_are_key_errors_that_help(atlas: Atlas, tmp_path: Path) -> None:
    cache = atlas.open(tmp_path / "cache")
    for ask in (cache.list_metadata_files, cache.get_directory_data_size):
        with pytest.raises(KeyError, match="no directory 'WMB-10x'") as caught:
            ask("WMB-10x")
        assert isinstance(caught.value, CellfolioError)
        assert "WMB-10X" in caught.value.hint
    for name in ("gen", "gene/log2", "gene/", "WMB-10XMulti/log2", ""):
        with pytest.raises(KeyError, match=rf"File {name} not found in directory WMB-10X\."):
            cache.get_metadata_path("WMB-10X", name)
    with pytest.raises(KeyError, match="WMB-10XMulti/log2") as found:
        cache.get_file_path("WMB-10XMulti", "WMB-10XMulti")
    assert isinstance(found.value, CellfolioError)
    with pytest.raises(KeyError, match="not found in directory"):
        cache.get_file_path("WMB-10XMulti", "WMB-10XMulti/log2/x")


def test_one_variant_must_be_named_too(empty_atlas: Atlas, tmp_path: Path) -> None:
    name = ("A", "expression_matrices", "A/log2")
    empty_atlas.publish(OLD, {name: b"1"})
    cache = empty_atlas.open(tmp_path / "cache")
    with pytest.raises(KeyError, match=r"one of \['A/log2'\]"):
        cache.get_data_path("A", "A")
    assert cache.get_data_path("A", "A/log2").read_bytes() == b"1"


def test_unknown_manifest_is_a_value_error_with_the_names(atlas: Atlas, tmp_path: Path) -> None:
    cache = atlas.open(tmp_path / "cache")
    with pytest.raises(ValueError, match="not one of the valid manifest names") as caught:
        cache.load_manifest("releases/20990101/manifest.json")
    assert OLD_NAME in str(caught.value)
    assert isinstance(caught.value, CellfolioError)
    assert cache.current_manifest == OLD_NAME


def test_releases_outside_the_range_are_refused(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AbcProjectCache, "MANIFEST_COMPATIBILITY", ["20240101", "20300101"])
    with pytest.raises(AbcProjectCacheVersionException, match=f"manifest_version {OLD}"):
        atlas.open(tmp_path / "cache")
    version_check("20240101", "20240101", "20300101")
    for wrong in ("20231231", "20300101"):
        with pytest.raises(AbcProjectCacheVersionException, match="on or after 20240101 and bef"):
            version_check(wrong, "20240101", "20300101")


@pytest.mark.parametrize("attribute", ["_bucket_name", "_default_bucket_name"])
def test_bucket_can_be_named_on_the_class(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attribute: str
) -> None:
    monkeypatch.setattr(AbcProjectCache, attribute, atlas.bucket)
    cache = AbcProjectCache.from_cache_dir(tmp_path / "cache")
    assert cache.current_manifest == OLD_NAME
    assert cache.cache.ui == "AbcProjectCache"


# Values


def test_manifest_can_be_read_by_itself(tmp_path: Path) -> None:
    document = manifest(OLD, FIRST)
    text = json.dumps(document)
    found = Manifest(str(tmp_path), io.StringIO(text))
    assert (found.version, found.resource_uri) == (OLD, "s3://allen-brain-cell-atlas/")
    assert found.data == document
    assert found.list_metadata_files("WMB-10X") == ["cell", "gene"]
    attributes = found.get_file_attributes("WMB-10XMulti", "WMB-10XMulti/raw")
    assert attributes.file_size == 20_000
    assert attributes.local_path == tmp_path / attributes.relative_path
    with pytest.raises(ValueError, match="cache_dir must be either a str or"):
        Manifest(3, io.StringIO(text))  # type: ignore[arg-type]
    for wrong in ("[]", "{", "3"):
        with pytest.raises(ValueError, match="should be"):
            Manifest(tmp_path, io.StringIO(wrong))


def test_manifest_that_leads_out_is_refused(tmp_path: Path) -> None:
    document = manifest(OLD, FIRST)
    fields_of(document, "WMB-10X", "metadata", "gene")["relative_path"] = "../victim.txt"
    with pytest.raises(InvalidManifest, match="the release is refused"):
        Manifest(tmp_path, io.StringIO(json.dumps(document)))


def test_attributes_are_equal_by_value() -> None:
    fields = {
        "url": "https://x/a.csv",
        "version": OLD,
        "file_size": 3,
        "local_path": "/x/a.csv",
        "relative_path": "a.csv",
        "file_type": "csv",
        "file_hash": "0" * 32,
    }
    one = CacheFileAttributes(**fields)  # type: ignore[arg-type]
    assert one == CacheFileAttributes(**{**fields, "local_path": Path("/x/a.csv")})  # type: ignore[arg-type]
    assert one != CacheFileAttributes(**{**fields, "version": NEW})  # type: ignore[arg-type]
    assert one.local_path == Path("/x/a.csv")
    with pytest.raises(AttributeError):
        one.version = NEW  # type: ignore[misc]


def test_hash_of_a_file_is_md5(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    assert file_hash_from_path(tmp_path / "a") == "5d41402abc4b2a76b9719d911017c592"
