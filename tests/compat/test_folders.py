"""Cache folders: made by the peer, moved, copied, mounted, read-only, damaged."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from cellfolio.compat.abc import AbcProjectCache
from cellfolio.compat.abc.abc_project_cache import FileMissingWarning
from cellfolio.compat.abc.cloud_cache import (
    LocalCache,
    MissingLocalManifestWarning,
    ReadOnlyLocalCacheWarning,
    S3CloudCache,
)
from cellfolio.errors import CellfolioError, StoreReadOnly
from tests.compat.atlas import (
    FIRST,
    GENE,
    OLD,
    OLD_NAME,
    Atlas,
    data_files,
    manifest,
    noted,
    path_of,
    peers_cache,
)
from tests.compat.conftest import make_read_only
from tests.compat.test_downloads import downloads
from tests.servers.faults import FaultProxy

GENE_PATH = path_of("WMB-10X", "metadata", "gene")
MULTI = "WMB-10XMulti"


def get_all(cache: AbcProjectCache) -> list[Path]:
    """Get every file of the small atlas."""
    return [
        *cache.get_directory_metadata("WMB-10X"),
        *cache.get_directory_data(MULTI),
        *cache.get_directory_mapmycells(MULTI),
        *cache.get_directory_image_volumes("Allen-CCF-2020"),
        *cache.get_directory_metadata("Allen-CCF-2020"),
    ]


def assert_whole(folder: Path, paths: list[Path]) -> None:
    """All files are there and right, and the peer would take them for downloaded."""
    assert {str(path) for path in paths} == {str(folder / path_of(*key)) for key in FIRST}
    for key, content in FIRST.items():
        assert (folder / path_of(*key)).read_bytes() == content
    assert sorted(noted(folder)) == sorted(str(path) for path in paths)


def test_peers_cache_opens_and_nothing_is_downloaded(
    atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy
) -> None:
    folder = tmp_path / "cache"
    before = {path: path.stat() for path in peers_cache(folder, FIRST)}
    cache = AbcProjectCache.from_cache_dir(folder, atlas.bucket)
    assert cache.current_manifest == OLD_NAME
    assert_whole(folder, get_all(cache))
    assert downloads(fault_proxy) == 0
    for path, status in before.items():
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (status.st_ino, status.st_mtime_ns)


def move(old: Path, new: Path) -> None:
    old.rename(new)


def copy(old: Path, new: Path) -> None:
    shutil.copytree(old, new, copy_function=shutil.copyfile)


def sync(old: Path, new: Path) -> None:
    """What ``aws s3 sync`` of the bucket gives: files and manifests, no records."""
    copy(old, new)
    for name in (".cellfolio", "_downloaded_data.json", "_manifest_last_used.txt"):
        path = new / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def of_the_peer(old: Path, new: Path) -> None:
    shutil.rmtree(old / ".cellfolio")
    old.rename(new)


@pytest.mark.parametrize("how", [move, copy, sync, of_the_peer])
def test_moved_cache_is_as_good(
    atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy, how: Callable[[Path, Path], None]
) -> None:
    get_all(atlas.open(tmp_path / "old"))
    how(tmp_path / "old", tmp_path / "new")
    fault_proxy.reset()
    with warnings.catch_warnings():
        if how is sync:
            warnings.simplefilter("ignore", MissingLocalManifestWarning)
        cache = atlas.open(tmp_path / "new")
    assert_whole(tmp_path / "new", get_all(cache))
    assert downloads(fault_proxy) == 0


def test_files_without_a_record_warn(atlas: Atlas, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    peers_cache(folder, FIRST)
    (folder / "_downloaded_data.json").unlink()
    with pytest.warns(MissingLocalManifestWarning, match="downloaded again only if it differs"):
        atlas.open(folder)
    for path in folder.rglob("*"):
        if path.is_file() and "json" not in path.name and ".cellfolio" not in path.parts:
            path.unlink()
    atlas.open(folder)


def test_other_process_that_begins_is_no_reason_to_warn(atlas: Atlas, tmp_path: Path) -> None:
    """It may have written a probe, or have placed a file and not yet noted it for the peer."""
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / ".3f1c").write_bytes(b"")
    paths = get_all(atlas.open(folder))
    (folder / "_downloaded_data.json").unlink()
    atlas.open(folder)
    assert_whole(folder, paths)


@pytest.mark.parametrize("text", ["", "[", '["/elsewhere/a.csv"', "{}", "3"])
def test_broken_record_of_downloads_is_healed(atlas: Atlas, tmp_path: Path, text: str) -> None:
    folder = tmp_path / "cache"
    paths = get_all(atlas.open(folder))
    (folder / "_downloaded_data.json").write_text(text)
    atlas.open(folder)
    assert_whole(folder, paths)


def test_record_of_the_peer_is_kept(atlas: Atlas, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    peers_cache(folder, FIRST)
    before = set(noted(folder))
    shutil.rmtree(folder / "mapmycells")
    atlas.open(folder).get_file_path("WMB-10X", "gene")
    gone = {path for path in before if "mapmycells" in path}
    assert gone
    assert set(noted(folder)) == before - gone


@pytest.mark.parametrize("data", ["", "{", '{"version": "20', "[]"])
def test_truncated_manifest_is_fetched_again(atlas: Atlas, tmp_path: Path, data: str) -> None:
    folder = tmp_path / "cache"
    atlas.open(folder)
    whole = (folder / OLD_NAME).read_bytes()
    (folder / OLD_NAME).write_text(data)
    assert atlas.open(folder).list_directories == ["Allen-CCF-2020", "WMB-10X", MULTI]
    assert (folder / OLD_NAME).read_bytes() == whole


def test_strange_last_used_is_told(atlas: Atlas, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    atlas.open(folder)
    (folder / "_manifest_last_used.txt").write_text("releases/19990101/manifest.json")
    with pytest.warns(UserWarning, match="19990101.* is not a valid manifest") as told:
        assert atlas.open(folder).current_manifest == OLD_NAME
    assert [one.category for one in told] == [UserWarning]
    (folder / "_manifest_last_used.txt").write_bytes(b"\xff\xfe")
    assert atlas.open(folder).current_manifest == OLD_NAME


# Without a connection


def test_local_cache_gives_what_it_has(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    peers_cache(folder, FIRST)
    cache = AbcProjectCache.from_local_cache(folder)
    assert isinstance(cache.cache, LocalCache)
    assert cache.list_manifest_file_names == [OLD_NAME]
    assert {str(path) for path in get_all(cache)} == {str(folder / path_of(*key)) for key in FIRST}
    assert cache.get_metadata_path("WMB-10X", "gene", force_download=True).read_bytes() == GENE
    assert cache.get_metadata_dataframe("WMB-10X", "gene").shape == (2, 2)
    assert not (folder / ".cellfolio").exists()


def test_missing_file_of_a_local_cache_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    peers_cache(folder, FIRST)
    (folder / GENE_PATH).unlink()
    cache = AbcProjectCache.from_local_cache(folder)
    for get in (cache.get_metadata_path, cache.get_data_path, cache.get_file_path):
        with pytest.raises(
            FileNotFoundError, match=r"without a connection to s3 and .*gene\.csv is not already"
        ) as caught:
            get("WMB-10X", "gene")
        assert isinstance(caught.value, CellfolioError)
    with pytest.raises(FileNotFoundError):
        cache.get_metadata_dataframe("WMB-10X", "gene")
    with pytest.warns(FileMissingWarning, match=r"gene\.csv is not already") as told:
        found = cache.get_directory_metadata("WMB-10X")
    assert found == [folder / path_of("WMB-10X", "metadata", "cell")]
    assert told[0].filename == __file__
    assert cache.cache.get_file_path("WMB-10X", "gene")["exists"] is False
    with pytest.raises(NotImplementedError, match="nothing can be downloaded"):
        cache.cache.download_file("WMB-10X", "gene")


@pytest.mark.parametrize("ours", [False, True], ids=["of the peer", "ours"])
@pytest.mark.parametrize("data", [GENE[:-9], b"", GENE[:-1] + b"!"])
def test_damaged_file_of_a_local_cache_is_an_error(
    atlas: Atlas, tmp_path: Path, ours: bool, data: bytes
) -> None:
    folder = tmp_path / "cache"
    if ours:
        get_all(atlas.open(folder))
    else:
        peers_cache(folder, FIRST)
    (folder / GENE_PATH).write_bytes(data)
    cache = AbcProjectCache.from_local_cache(folder)
    if len(data) == len(GENE) and not ours:  # nobody checked it: only its size is known
        assert cache.get_file_path("WMB-10X", "gene").read_bytes() == data
        return
    with pytest.raises(FileNotFoundError, match="is not as the release has it"):
        cache.get_file_path("WMB-10X", "gene")
    (folder / GENE_PATH).write_bytes(GENE)
    assert cache.get_file_path("WMB-10X", "gene").read_bytes() == GENE


def test_local_cache_without_manifests_is_a_value_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no releases/<release>/manifest\.json"):
        AbcProjectCache.from_local_cache(tmp_path / "cache")


def test_damaged_manifest_of_a_local_cache_is_a_value_error(tmp_path: Path) -> None:
    peers_cache(tmp_path / "cache", FIRST)
    (tmp_path / "cache" / OLD_NAME).write_text("{")
    with pytest.raises(ValueError, match=f"the manifest of release {OLD} should be JSON"):
        AbcProjectCache.from_local_cache(tmp_path / "cache")


@pytest.mark.parametrize("ours", [False, True], ids=["of the peer", "ours"])
def test_read_only_cache_is_used_without_a_connection(
    atlas: Atlas, read_only_disk: Path, tmp_path: Path, fault_proxy: FaultProxy, ours: bool
) -> None:
    folder = read_only_disk / "cache"
    if ours:
        get_all(atlas.open(tmp_path / "cache"))
        shutil.copytree(tmp_path / "cache", folder)
    else:
        peers_cache(folder, FIRST)
    make_read_only(read_only_disk)
    fault_proxy.reset()
    with pytest.warns(ReadOnlyLocalCacheWarning, match="cannot be written"):
        cache = AbcProjectCache.from_cache_dir(folder, atlas.bucket)
    assert isinstance(cache.cache, LocalCache)
    assert len(get_all(cache)) == len(FIRST)
    assert fault_proxy.requests == []


def test_read_only_cache_with_a_connection_is_said(atlas: Atlas, read_only_disk: Path) -> None:
    folder = read_only_disk / "cache"
    peers_cache(folder, FIRST)
    make_read_only(read_only_disk)
    with pytest.raises(
        StoreReadOnly, match=r"_manifest_last_used\.txt cannot be written"
    ) as caught:
        atlas.open(folder)
    assert "from_local_cache" in caught.value.hint


def test_cache_can_be_sent_to_another_process(atlas: Atlas, tmp_path: Path) -> None:
    cache = atlas.open(tmp_path / "cache")
    sent = pickle.loads(pickle.dumps(cache))
    assert sent.get_metadata_path("WMB-10X", "gene").read_bytes() == GENE
    assert sent.current_manifest == cache.current_manifest


def test_writable_cache_is_used_with_a_connection(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = AbcProjectCache.from_cache_dir(tmp_path / "cache", atlas.bucket)
    assert isinstance(cache.cache, S3CloudCache)
    assert cache.cache.bucket_name == atlas.bucket
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    local = AbcProjectCache.from_cache_dir(tmp_path / "cache", atlas.bucket)
    assert isinstance(local.cache, LocalCache)


def test_other_version_of_a_manifest_is_refused(atlas: Atlas, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    atlas.open(folder)
    (folder / OLD_NAME).write_text(json.dumps(manifest("20990101", FIRST)))
    assert atlas.open(folder).cache.version == OLD
    assert data_files(folder) == set()
