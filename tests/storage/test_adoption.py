"""Files that a user has already are found by size and digest, and not fetched."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from cellfolio.errors import InvalidArgument, TransferIncomplete
from cellfolio.package.digests import Digest, digest_of
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.adoption import Adopted, adopt
from cellfolio.storage.home import Home, ensure_held
from cellfolio.workflows.getting import GetOptions, get_package
from cellfolio.workflows.opening import Opened

NOWHERE = "file:///nowhere"


def promise(key: str, data: bytes, algorithm: str = "MD5") -> Entry:
    """An entry whose bytes can be had nowhere."""
    return Entry(key, f"{NOWHERE}/{key}", len(data), digest_of(data, algorithm))


@pytest.mark.parametrize("algorithm", ["MD5", "SHA256", "sha2-256-chunked", "ETag", "CRC64NVME"])
def test_a_file_of_any_name_is_adopted(home: Home, tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "old" / "deep").mkdir(parents=True)
    (tmp_path / "old" / "deep" / "copy (1).csv").write_bytes(b"1,2\n")
    (tmp_path / "old" / "other.csv").write_bytes(b"3,4\n")
    entry = promise("a.csv", b"1,2\n", algorithm)
    assert adopt([entry], [tmp_path / "old"], home.blobs) == Adopted(1, 4)
    ensured = ensure_held([entry], home, None)
    assert [path.read_bytes() for path in ensured.paths.values()] == [b"1,2\n"]
    assert ensured.files == 0
    assert adopt([entry], [tmp_path / "old"], home.blobs) == Adopted()


def test_pipes_and_links_are_left_alone(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    (tmp_path / "elsewhere.csv").write_bytes(b"1,2\n")
    os.mkfifo(folder / "pipe")  # reading it would never end
    (folder / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert adopt([promise("a", b"1,2\n")], [folder], home.blobs) == Adopted()
    (folder / "right.csv").write_bytes(b"1,2\n")
    assert adopt([promise("a", b"1,2\n")], [folder], home.blobs) == Adopted(1, 4)


def test_the_users_file_stays_as_it_is_and_a_later_change_does_not_spread(
    home: Home, tmp_path: Path
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    mine = folder / "a.csv"
    mine.write_bytes(b"1,2\n")
    mode = mine.stat().st_mode
    entry = promise("a.csv", b"1,2\n")
    adopt([entry], [folder], home.blobs)
    assert mine.stat().st_mode == mode
    mine.write_bytes(b"9,9\n")
    given: list[bytes] = []
    with suppress(TransferIncomplete):  # where the file itself is shared, its bytes are lost
        given = [path.read_bytes() for path in ensure_held([entry], home, None).paths.values()]
    assert given in ([], [b"1,2\n"])


def test_same_size_and_other_bytes_are_not_adopted(home: Home, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"1,3\n")
    entries = [promise("a.csv", b"1,2\n"), Entry("b", f"{NOWHERE}/b", 4, None)]
    assert adopt(entries, [tmp_path], home.blobs) == Adopted()


def test_multipart_etags_are_recognised(home: Home, tmp_path: Path) -> None:
    import hashlib

    data = bytes(range(256)) * 4 * 1024 * 20  # 20 MiB
    parts = [data[start : start + 8 * 2**20] for start in range(0, len(data), 8 * 2**20)]
    together = b"".join(hashlib.md5(part).digest() for part in parts)
    e_tag = f"{hashlib.md5(together).hexdigest()}-{len(parts)}"
    (tmp_path / "x").write_bytes(data)
    entry = Entry("big", f"{NOWHERE}/big", len(data), Digest("ETag", e_tag))
    assert adopt([entry], [tmp_path], home.blobs) == Adopted(1, len(data))


def test_get_uses_what_is_in_a_folder(home: Home, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "anything").write_bytes(b"1,2\n")
    package = Package.of([promise("tables/a.csv", b"1,2\n")])
    out = tmp_path / "out"
    options = GetOptions(have=(old,))
    got = get_package(Opened(package, "", "lab/x"), out, home, options)
    assert (got.adopted, got.fetched) == (1, 0)
    assert (out / "tables" / "a.csv").read_bytes() == b"1,2\n"


def test_a_folder_that_is_none_is_refused(home: Home, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="is no folder"):
        adopt([promise("a", b"x")], [tmp_path / "none"], home.blobs)
