"""What the store survives on its own disk: no room, no permission, damage, old and odd state."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellfolio.errors import (
    ManifestMismatch,
    NotEnoughSpace,
    StoreError,
    StoreReadOnly,
    TransferIncomplete,
)
from cellfolio.package.plan import want
from cellfolio.storage import disk
from cellfolio.storage.disk import check_free_space, mount_type
from cellfolio.storage.home import Home
from cellfolio.storage.index import Index
from cellfolio.workflows import verbs
from tests.servers.faults import Answer, On
from tests.servers.seaweed import SeaweedServer
from tests.storage.conftest import Published, assert_nothing_wrong_visible, assert_same_files


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 30 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"cannot mount a small disk here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_is_seen_before_the_transfer(
    published: Published, small_disk: Path, tmp_path: Path
) -> None:
    home = Home(small_disk / "home")
    with pytest.raises(NotEnoughSpace, match=r"fetching needs 45\.\d MB .* free") as caught:
        verbs.get(published.reference, tmp_path / "out", home=home)
    assert caught.value.needed > caught.value.free
    assert published.proxy.count("GET", "/lab/plates/small") == 0


def test_disk_that_fills_up_meanwhile(
    published: Published, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(small_disk / "home")
    with (
        monkeypatch.context() as patch,
        pytest.raises(StoreError, match=r"No space left on device|disk is full") as caught,
    ):
        patch.setattr(disk, "_RESERVE", -(10**12))
        verbs.get(published.reference, tmp_path / "out", home=home)
    assert "free" in caught.value.hint
    assert_nothing_wrong_visible(published.source, tmp_path / "out", home)
    subprocess.run(["mount", "-o", "remount,size=300m", str(small_disk)], check=True)
    verbs.get(published.reference, tmp_path / "out", home=Home(small_disk / "home"))
    assert_same_files(published.source, tmp_path / "out")


def test_file_size_limit_ends_the_run_cleanly(published: Published, tmp_path: Path) -> None:
    """The same on any machine: the system refuses a write in the middle of a large file."""
    script = (
        "import resource, signal, sys, cellfolio\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9_000_000, resource.RLIM_INFINITY))\n"
        "try:\n    cellfolio.get(sys.argv[1], sys.argv[2])\n"
        "except cellfolio.CellfolioError as error:\n    print(type(error).__name__, error)\n"
    )
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-c", script, published.reference, str(tmp_path / "out")],
        env={**os.environ, "CELLFOLIO_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("StoreError the store"), done.stdout
    assert "File too large" in done.stdout
    assert_nothing_wrong_visible(published.source, tmp_path / "out", Home(home))
    verbs.get(published.reference, tmp_path / "out", home=Home(home))
    assert_same_files(published.source, tmp_path / "out")


def test_read_only_store_serves_what_it_has(
    published: Published, small_disk: Path, tmp_path: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,size=300m", str(small_disk)], check=True)
    home = Home(small_disk / "home")
    verbs.get(published.reference, tmp_path / "out", home=home)
    home.blobs.index.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    reader = Home(small_disk / "home")
    assert not reader.blobs.writable
    verbs.get(published.reference, tmp_path / "other", home=reader)
    assert_same_files(published.source, tmp_path / "other")
    with pytest.raises(StoreReadOnly, match="cannot be written"):
        verbs.build(published.source, "lab/new", home=reader)


def test_read_only_store_that_lacks_something_says_so(
    published: Published, small_disk: Path, tmp_path: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreReadOnly, match="something must be added"):
        verbs.get(published.reference, tmp_path / "out", home=Home(small_disk / "home"))


# Damage


def damage(path: Path) -> None:
    """Change one byte in place, as a failing disk or a careless program does."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 0xFF]))


def damage_silently(path: Path) -> None:
    """The same without a trace in the file's times."""
    status = path.stat()
    damage(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("silently", [False, True])
def test_damaged_blob_is_found_and_healed(
    published: Published, tmp_path: Path, silently: bool
) -> None:
    home = Home(tmp_path / "home")
    entry = verbs.open(published.reference, home=home).entry("small/file_05.bin")
    path = verbs.fetch(verbs.open(published.reference, home=home), "small/file_05.bin", home=home)
    (damage_silently if silently else damage)(path)
    found = verbs.verify(home=home)
    assert (found.damaged, found.repaired) == ((want(entry),), ())
    assert not found.sound
    mended = verbs.verify(repair=True, home=home)
    assert mended.repaired == (want(entry),)
    assert path.read_bytes() == (published.source / "small/file_05.bin").read_bytes()
    assert verbs.verify(home=home).sound


def test_damaged_blob_is_never_served(published: Published, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    verbs.get(published.reference, tmp_path / "out", home=home)
    entry = verbs.open(published.reference, home=home).entry("middle.bin")
    damage(home.blobs.path(want(entry)))
    published.proxy.reset()
    verbs.get(published.reference, tmp_path / "other", home=home)
    assert published.proxy.count("GET", "middle.bin") == 1, "it was fetched again"
    assert_same_files(published.source, tmp_path / "other")


def test_verify_of_package_and_checkout_heals(published: Published, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    out = tmp_path / "out"
    verbs.get(published.reference, out, home=home)
    damage_silently(out / "middle.bin")
    found = verbs.verify(out, home=home)
    assert found.damaged == ("middle.bin",)
    assert verbs.verify(published.reference, home=home).damaged == ("middle.bin",)
    assert verbs.verify(out, repair=True, home=home).repaired == ("middle.bin",)
    assert_same_files(published.source, out)
    assert verbs.verify(published.reference, home=home).sound
    assert verbs.verify(out, home=home).right == 43


def test_repair_keeps_what_it_cannot_replace(published: Published, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    package = verbs.open(published.reference, home=home)
    path = verbs.fetch(package, "middle.bin", home=home)
    damage(path)
    published.proxy.add(Answer(status=403, when=On("GET", "middle.bin")))
    found = verbs.verify(published.reference, repair=True, home=home)
    assert found.damaged == ("middle.bin",)
    assert path.exists()


def test_lost_or_damaged_index_fills_itself_again(published: Published, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    verbs.get(published.reference, tmp_path / "out", home=home)
    home.blobs.index.close()
    for path in home.blobs.folder.glob("index.sqlite*"):
        path.unlink()
    (home.blobs.folder / "index.sqlite").write_bytes(b"nonsense" * 1000)
    again = Home(tmp_path / "home")
    published.proxy.reset()
    verbs.get(published.reference, tmp_path / "other", home=again)
    assert published.proxy.count("GET", ".bin") == 0, "blobs were hashed, not fetched"
    assert_same_files(published.source, tmp_path / "other")


def test_altered_manifest_is_refused(
    published: Published, s3: SeaweedServer, tmp_path: Path
) -> None:
    client = s3.client()
    top_hash = verbs.open(published.reference, home=Home(tmp_path / "one")).top_hash
    key = f".quilt/packages/{top_hash}"
    body = client.get_object(Bucket=published.bucket, Key=key)["Body"].read()
    altered = body.replace(b'"size": 5003', b'"size": 5004')
    assert altered != body
    client.put_object(Bucket=published.bucket, Key=key, Body=altered)
    home = Home(tmp_path / "two")
    with pytest.raises(ManifestMismatch, match=f"expected {top_hash}, found "):
        verbs.open(published.reference, home=home)
    assert verbs.open(published.reference, verify=False, home=home).file_count == 43
    with pytest.raises(ManifestMismatch):
        verbs.open(published.reference, home=home)


# Small things


def test_free_space_is_checked(tmp_path: Path) -> None:
    check_free_space(tmp_path / "not" / "yet", 1, "writing")
    with pytest.raises(NotEnoughSpace, match=r"writing needs 1000\.0 TB") as caught:
        check_free_space(tmp_path, 10**15, "writing")
    assert caught.value.needed == 10**15


def test_network_file_systems_have_no_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def journal(folder: Path) -> str:
        index = Index(folder / "index.sqlite")
        mode = index._connection.execute("pragma journal_mode").fetchone()[0]
        index.close()
        return str(mode)

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert journal(tmp_path / "a") == "wal"
    monkeypatch.setattr("cellfolio.storage.index.is_network_file_system", lambda folder: True)
    assert journal(tmp_path / "b") == "delete"
    assert mount_type("/net/x", "s:/ /net nfs rw 0 0\n/dev/a / ext4 rw 0 0") == "nfs"


def test_collecting_keeps_what_is_needed(published: Published, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    package = verbs.open(published.reference, home=home)
    verbs.get(published.reference, tmp_path / "out", "small/file_0*", home=home)
    verbs.fetch(package, "middle.bin", home=home)
    assert verbs.gc(home=home).blobs == 0, "new bytes have an hour"
    assert verbs.gc(grace=-1, dry_run=True, home=home).blobs == 1
    done = verbs.gc(grace=-1, home=home)
    assert (done.blobs, done.size, done.kept) == (1, 3 * 2**20 + 1, 10)
    assert verbs.verify(home=home).right == 10
    shutil.rmtree(tmp_path / "out")
    assert verbs.gc(grace=-1, home=home).blobs == 10


def test_damaged_only_copy_stays_but_is_never_given_out(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.txt").write_text("the only copy")
    package = verbs.build(folder, "lab/mine", home=home).package
    path = home.blobs.path(want(package.entry("a.txt")))
    damage_silently(path)
    found = verbs.verify(repair=True, home=home)
    assert found.damaged == (want(package.entry("a.txt")),)
    assert path.exists()
    with pytest.raises(TransferIncomplete, match=r"a\.txt: expected .*, found "):
        verbs.get("lab/mine", tmp_path / "out", home=home)


def test_moved_home_can_push(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    verbs.build(folder, "lab/mine", home=home)
    home.blobs.index.close()
    home.folder.rename(tmp_path / "moved")
    moved = Home(tmp_path / "moved")
    verbs.push("lab/mine", str(tmp_path / "registry"), home=moved)
    reader = Home(tmp_path / "reader")
    verbs.get(str(tmp_path / "registry/lab/mine"), tmp_path / "out", home=reader)
    assert (tmp_path / "out/a.txt").read_text() == "a"


def test_each_registry_has_its_own_manifest_of_a_package(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    built = verbs.build(folder, "lab/mine", home=home).package
    registries = [tmp_path / "one", tmp_path / "two"]
    for registry in registries:
        verbs.push(built, str(registry), home=home)
    for registry in registries:
        entry = verbs.open("lab/mine", registry=str(registry), home=home).entry("a.txt")
        assert entry.physical_key == (registry / "lab/mine/a.txt").as_uri()
    local = verbs.open("lab/mine", home=home).entry("a.txt")
    assert local.physical_key == built.entry("a.txt").physical_key
