"""Downloads: what arrives, what goes wrong, and what is never lost."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellfolio.compat.abc import AbcProjectCache, cache_folder
from cellfolio.compat.abc.abc_project_cache import LargeDataSizeWarning
from cellfolio.compat.abc.cloud_cache import OutdatedManifestWarning
from cellfolio.compat.abc.failures import DownloadFailed
from cellfolio.errors import (
    AccessRefused,
    CellfolioError,
    DigestMismatch,
    InvalidKey,
    InvalidManifest,
    NotEnoughSpace,
    ObjectNotFound,
)
from cellfolio.storage.blobs import read_blocks
from tests.compat.atlas import (
    FIRST,
    GENE,
    NEW,
    OLD,
    Atlas,
    data_files,
    fields_of,
    manifest,
    noted,
    path_of,
)
from tests.servers.faults import Answer, Cut, FaultProxy, Flip, On

GENE_PATH = path_of("WMB-10X", "metadata", "gene")
REFUSED = "http://127.0.0.1:9"


def downloads(proxy: FaultProxy, path: str = "") -> int:
    """Count requests for data."""
    return sum(
        request.method == "GET"
        and "/releases/" not in request.path
        and "list-type" not in request.path
        and path in request.path
        for request in proxy.requests
    )


def test_one_file(atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy) -> None:
    folder = tmp_path / "cache"
    cache = atlas.open(folder)
    path = cache.get_metadata_path(directory="WMB-10X", file_name="gene")
    assert path == folder / GENE_PATH
    assert isinstance(path, Path)
    assert path.read_bytes() == GENE
    assert (folder / "_manifest_last_used.txt").read_text() == f"releases/{OLD}/manifest.json"
    assert (folder / f"releases/{OLD}/manifest.json").is_file()
    assert noted(folder) == [str(path)]
    assert data_files(folder) == {GENE_PATH}
    fault_proxy.reset()
    for get in (cache.get_metadata_path, cache.get_data_path, cache.get_file_path):
        assert get("WMB-10X", "gene") == path
    assert cache.cache.download_data("WMB-10X", "gene") == path
    assert atlas.open(folder).get_file_path("WMB-10X", "gene") == path
    assert downloads(fault_proxy) == 0


def test_table_is_what_pandas_reads(atlas: Atlas, tmp_path: Path) -> None:
    cache = atlas.open(tmp_path / "cache")
    table = cache.get_metadata_dataframe(directory="WMB-10X", file_name="gene")
    assert list(table["gene_symbol"]) == ["Xkr4", "Gm1992"]
    table = cache.get_metadata_dataframe("WMB-10X", "gene", index_col="gene_identifier", nrows=1)
    assert list(table.index) == ["ENSMUSG00000051951"]


def test_directories_come_in_the_order_of_their_lists(atlas: Atlas, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    cache = atlas.open(folder)
    assert cache.get_directory_metadata("WMB-10X") == [
        folder / path_of("WMB-10X", "metadata", name) for name in ("cell", "gene")
    ]
    multi = "WMB-10XMulti"
    matrices = [
        folder / path_of(multi, "expression_matrices", f"{multi}/{v}") for v in ("log2", "raw")
    ]
    assert cache.get_directory_expression_matrices(multi) == matrices
    assert cache.get_directory_data(multi) == matrices
    markers = [folder / path_of(multi, "mapmycells", "markers")]
    assert cache.get_directory_mapmycells(multi) == markers
    ccf = "Allen-CCF-2020"
    volumes = [folder / path_of(ccf, "image_volumes", "annotation_10")]
    assert cache.get_directory_data(ccf) == cache.get_directory_image_volumes(ccf) == volumes
    assert cache.cache.download_directory(ccf, "metadata") == cache.get_directory_metadata(ccf)
    assert data_files(folder) == {path_of(*key) for key in FIRST}
    for key, content in FIRST.items():
        assert (folder / path_of(*key)).read_bytes() == content
    assert noted(folder) == sorted(str(folder / path_of(*key)) for key in FIRST)


def test_every_byte_is_in_the_cache_once(atlas: Atlas, tmp_path: Path) -> None:
    """A copy of a cache is no larger, and a file that its owner deletes frees its space."""
    folder = tmp_path / "cache"
    for path in atlas.open(folder).get_directory_data("WMB-10XMulti"):
        assert path.stat().st_nlink == 1
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert not [path for path in (folder / ".cellfolio/store/blobs").rglob("*") if path.is_file()]


def test_same_bytes_at_two_paths(
    empty_atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy
) -> None:
    names = [("A", "metadata", name) for name in "abc"]
    empty_atlas.publish(OLD, dict.fromkeys(names, b"the same"))
    cache = empty_atlas.open(tmp_path / "cache")
    fault_proxy.reset()
    assert [p.read_bytes() for p in cache.get_directory_metadata("A")] == [b"the same"] * 3
    assert downloads(fault_proxy) == 1


def test_empty_file(empty_atlas: Atlas, tmp_path: Path) -> None:
    empty_atlas.publish(OLD, {("A", "metadata", "a"): b""})
    cache = empty_atlas.open(tmp_path / "cache")
    assert cache.get_file_path("A", "a").read_bytes() == b""
    assert cache.get_file_path("A", "a").stat().st_size == 0


# Damage


@pytest.mark.parametrize("data", [GENE[:-9], b"", GENE[:-1] + b"!", GENE + b"x"])
def test_changed_file_is_found_and_fetched_again(
    atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy, data: bytes
) -> None:
    cache = atlas.open(tmp_path / "cache")
    path = cache.get_metadata_path("WMB-10X", "gene")
    path.write_bytes(data)
    fault_proxy.reset()
    assert cache.get_metadata_path("WMB-10X", "gene").read_bytes() == GENE
    assert downloads(fault_proxy) == 1
    assert noted(tmp_path / "cache") == [str(path)]


def test_deleted_file_is_fetched_again(atlas: Atlas, tmp_path: Path) -> None:
    cache = atlas.open(tmp_path / "cache")
    path = cache.get_metadata_path("WMB-10X", "gene")
    path.unlink()
    assert cache.get_metadata_path("WMB-10X", "gene").read_bytes() == GENE


def test_touched_file_is_read_once_and_not_fetched(
    atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = atlas.open(tmp_path / "cache")
    path = cache.get_metadata_path("WMB-10X", "gene")
    os.utime(path, (1, 1))
    read: list[Path] = []

    def reading(path: Path) -> Iterator[bytes]:
        read.append(path)
        return read_blocks(path)

    monkeypatch.setattr(cache_folder, "read_blocks", reading)
    fault_proxy.reset()
    for _ in range(3):
        assert cache.get_metadata_path("WMB-10X", "gene") == path
    assert read == [path]
    assert downloads(fault_proxy) == 0


@pytest.mark.usefixtures("impatient")
def test_forced_download_keeps_the_good_copy_until_the_new_one_is_verified(
    atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = atlas.open(tmp_path / "cache")
    path = cache.get_metadata_path("WMB-10X", "gene")
    inode = path.stat().st_ino
    fault_proxy.reset()
    cache.get_metadata_path("WMB-10X", "gene", force_download=True)
    assert downloads(fault_proxy) == 1
    assert path.stat().st_ino != inode

    fault_proxy.add(Flip(at=3, when=On("GET", "gene.csv")))
    with pytest.raises(DownloadFailed):
        cache.get_metadata_path("WMB-10X", "gene", force_download=True)
    assert path.read_bytes() == GENE
    monkeypatch.setenv("AWS_ENDPOINT_URL", REFUSED)
    with pytest.warns(UserWarning, match="offline"):
        offline = atlas.open(tmp_path / "cache")
    with pytest.raises(RuntimeError, match="could not be reached"):
        offline.get_metadata_path("WMB-10X", "gene", force_download=True)
    assert path.read_bytes() == GENE
    assert offline.get_metadata_path("WMB-10X", "gene") == path


# Wrong bytes


def wrong_hash(atlas: Atlas) -> None:
    """Publish a release whose manifest has a wrong MD5 for one file."""
    document = manifest(OLD, FIRST)
    fields_of(document, "WMB-10X", "metadata", "gene")["file_hash"] = "0" * 32
    atlas.release(OLD, document)


def test_wrong_hash_is_one_error_after_one_retry(
    atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy
) -> None:
    wrong_hash(atlas)
    folder = tmp_path / "cache"
    cache = atlas.open(folder)
    with pytest.raises(RuntimeError, match=f"could not download {GENE_PATH}: expected") as caught:
        cache.get_metadata_path("WMB-10X", "gene")
    assert isinstance(caught.value, CellfolioError)
    (failure,) = caught.value.failures  # type: ignore[attr-defined]
    assert isinstance(failure, DigestMismatch)
    assert failure.expected == "MD5:" + "0" * 32
    assert "MD5:" in failure.found
    assert downloads(fault_proxy, "gene.csv") <= 2
    assert data_files(folder) == set()


def test_skip_hash_check_delivers_what_has_the_right_size(
    atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy
) -> None:
    wrong_hash(atlas)
    folder = tmp_path / "cache"
    cache = atlas.open(folder)
    path = cache.get_metadata_path("WMB-10X", "gene", skip_hash_check=True)
    assert path.read_bytes() == GENE
    fault_proxy.reset()
    assert cache.get_metadata_path("WMB-10X", "gene") == path  # as the peer: it was accepted
    assert atlas.open(folder).get_metadata_path("WMB-10X", "gene") == path
    assert downloads(fault_proxy) == 0
    path.write_bytes(GENE[:-1] + b"!")
    with pytest.raises(DownloadFailed):
        cache.get_metadata_path("WMB-10X", "gene")
    assert cache.get_directory_metadata("WMB-10X", skip_hash_check=True)[1].read_bytes() == GENE


def test_skip_hash_check_still_checks_the_size(atlas: Atlas, tmp_path: Path) -> None:
    document = manifest(OLD, FIRST)
    fields_of(document, "WMB-10X", "metadata", "gene")["size"] += 1
    atlas.release(OLD, document)
    cache = atlas.open(tmp_path / "cache")
    with pytest.raises(RuntimeError, match=f"expected {len(GENE) + 1} bytes, found {len(GENE)} b"):
        cache.get_metadata_path("WMB-10X", "gene", skip_hash_check=True)
    assert data_files(tmp_path / "cache") == set()


def test_release_with_other_bytes_at_the_same_path_is_noticed(atlas: Atlas, tmp_path: Path) -> None:
    cache = atlas.open(tmp_path / "cache")
    path = cache.get_metadata_path("WMB-10X", "gene")
    changed = GENE.replace(b"Xkr4", b"Xkr5")
    atlas.publish(NEW, {**FIRST, ("WMB-10X", "metadata", "gene"): changed})
    with pytest.warns(OutdatedManifestWarning):
        newer = atlas.open(tmp_path / "cache")
    with pytest.warns(OutdatedManifestWarning):
        newer.load_latest_manifest()
    assert newer.get_metadata_path("WMB-10X", "gene") == path
    assert path.read_bytes() == changed


def test_manifest_without_hashes_works(atlas: Atlas, tmp_path: Path) -> None:
    document = manifest(OLD, FIRST)
    for key in FIRST:
        del fields_of(document, *key)["file_hash"]
    atlas.release(OLD, document)
    cache = atlas.open(tmp_path / "cache")
    assert cache.get_metadata_path("WMB-10X", "gene").read_bytes() == GENE
    assert cache.cache.get_file_path("WMB-10X", "gene")["file_attributes"].file_hash is None


def test_missing_object_is_said(atlas: Atlas, tmp_path: Path) -> None:
    atlas.client.delete_object(Bucket=atlas.bucket, Key=GENE_PATH)
    cache = atlas.open(tmp_path / "cache")
    with pytest.raises(RuntimeError, match=f"{GENE_PATH} does not exist") as caught:
        cache.get_metadata_path("WMB-10X", "gene")
    assert isinstance(caught.value.__cause__, ObjectNotFound)
    with pytest.raises(RuntimeError, match="could not download 1 of 2 files: "):
        cache.get_directory_metadata("WMB-10X")
    assert data_files(tmp_path / "cache") == {path_of("WMB-10X", "metadata", "cell")}


def test_broken_connection_is_taken_up(
    atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy
) -> None:
    fault_proxy.add(Cut(after=40, times=1, when=On("GET", "gene.csv")))
    assert atlas.open(tmp_path / "cache").get_file_path("WMB-10X", "gene").read_bytes() == GENE


# Trust


@pytest.mark.parametrize("path", ["../victim.txt", "{victim}", "metadata/../../victim.txt"])
def test_hostile_release_touches_nothing(empty_atlas: Atlas, tmp_path: Path, path: str) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_bytes(b"mine")
    document = manifest(OLD, FIRST)
    fields = fields_of(document, "WMB-10X", "metadata", "gene")
    fields["relative_path"] = path.format(victim=victim)
    empty_atlas.release(OLD, document)
    with pytest.raises(InvalidManifest, match="the release is refused"):
        empty_atlas.open(tmp_path / "cache")
    assert victim.read_bytes() == b"mine"
    assert not list((tmp_path / "cache").glob("releases/*"))


def test_our_own_record_cannot_be_named_by_a_release(empty_atlas: Atlas, tmp_path: Path) -> None:
    document = manifest(OLD, FIRST)
    fields = fields_of(document, "WMB-10X", "metadata", "gene")
    fields["relative_path"] = ".cellfolio/checkout.sqlite"
    empty_atlas.release(OLD, document)
    cache = empty_atlas.open(tmp_path / "cache")
    with pytest.raises(InvalidKey, match="kept for the checkout's own record"):
        cache.get_file_path("WMB-10X", "gene")


@pytest.mark.parametrize("force", [False, True])
def test_link_in_the_cache_is_not_followed(atlas: Atlas, tmp_path: Path, force: bool) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    cache = atlas.open(tmp_path / "cache")
    cache.get_file_path("WMB-10X", "cell")
    (tmp_path / "cache/metadata").rename(tmp_path / "aside")
    (tmp_path / "cache/metadata").symlink_to(elsewhere)
    with pytest.raises(InvalidKey, match="leads through a link out of"):
        cache.get_file_path("WMB-10X", "gene", force_download=force)
    assert list(elsewhere.iterdir()) == []
    (tmp_path / "cache/metadata").unlink()
    assert cache.get_file_path("WMB-10X", "gene").read_bytes() == GENE


def test_folder_in_the_way_is_said(atlas: Atlas, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    (folder / GENE_PATH).mkdir(parents=True)
    cache = atlas.open(folder)
    for get in (cache.get_file_path, cache.cache.get_file_path):
        with pytest.raises(RuntimeError, match="exists, but is not a file"):
            get("WMB-10X", "gene")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileExistsError, match="is not a folder"):
        atlas.open(tmp_path / "file")


# Access and space


def test_without_credentials_requests_are_unsigned(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert atlas.open(tmp_path / "cache").get_file_path("WMB-10X", "gene").read_bytes() == GENE


def test_refused_access_is_said(atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy) -> None:
    fault_proxy.add(Answer(status=403))
    with pytest.raises(AccessRefused, match="was refused"):
        AbcProjectCache.from_s3_cache(tmp_path / "cache", atlas.bucket, auth_required=True)


def huge(atlas: Atlas, size: int) -> None:
    document = manifest(OLD, FIRST)
    fields_of(document, "Allen-CCF-2020", "image_volumes", "annotation_10")["size"] = size
    atlas.release(OLD, document)


def test_large_directory_warns_and_full_disk_refuses(
    atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy
) -> None:
    huge(atlas, 10**15)
    cache = atlas.open(tmp_path / "cache")
    fault_proxy.reset()
    with (
        pytest.warns(LargeDataSizeWarning, match=r"(?s)Allen-CCF-2020 .* = 931322\.57 GB") as told,
        pytest.raises(NotEnoughSpace, match=r"downloading needs 1000\.0 TB") as caught,
    ):
        cache.get_directory_data("Allen-CCF-2020")
    assert told[0].filename == __file__
    assert "another cache_dir" in caught.value.hint
    assert downloads(fault_proxy) == 0


@pytest.mark.parametrize(
    ("size", "warns"), [(10 * 2**30, False), (int(10.005 * 2**30) + 10**6, True)]
)
def test_size_that_warns_is_the_peers(atlas: Atlas, tmp_path: Path, size: int, warns: bool) -> None:
    huge(atlas, size)
    cache = atlas.open(tmp_path / "cache")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises((DownloadFailed, NotEnoughSpace)):
            cache.get_directory_image_volumes("Allen-CCF-2020")
    assert [one.category for one in told] == [LargeDataSizeWarning] * warns
