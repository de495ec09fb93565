"""What processes that share a store may not do to each other, at moments that are rare."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from cellfolio.errors import NotFound, ObjectNotFound, StoreError
from cellfolio.package.plan import want
from cellfolio.registries.quilt import QuiltRegistry
from cellfolio.storage.blobs import BlobStore
from cellfolio.storage.checkout import Checkout
from cellfolio.storage.disk import remove_unfinished, write_atomically
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.index import Index
from cellfolio.workflows import space, verbs

HOUR = 3600.0


@pytest.fixture
def unneeded(home: Home, tmp_path: Path) -> list[str]:
    """Names of three files of the store that came long ago, and that nothing needs."""
    (tmp_path / "files").mkdir()
    for number in range(3):
        (tmp_path / f"files/{number}.txt").write_text(f"content {number}")
    built = verbs.build(tmp_path / "files", "lab/x", home=home)
    (home.folder / "registry").rename(tmp_path / "elsewhere")
    for blob, _ in home.blobs.all():
        os.utime(home.blobs.path(blob), (time.time() - 3 * HOUR,) * 2)
    with closing(sqlite3.connect(home.blobs.folder / "index.sqlite")) as index, index:
        index.execute("update used set time = time - ?", (3 * HOUR,))
    return [want(entry) for entry in built.package.walk()]


def test_what_is_about_to_be_used_is_not_collected(
    home: Home, unneeded: list[str], tmp_path: Path
) -> None:
    assert verbs.gc(home=home, dry_run=True).blobs == 3
    entries = [*verbs.open(str(tmp_path / "files"), home=home).walk()]
    ensured = ensure_held(entries[:2], home, None)
    assert ensured.files == 0
    done = verbs.gc(home=Home(home.folder))
    assert (done.blobs, done.kept) == (1, 2)
    assert all(path.is_file() for path in ensured.paths.values())


def test_what_is_here_is_read_where_nothing_can_be_noted(
    home: Home, unneeded: list[str], tmp_path: Path
) -> None:
    entries = [*verbs.open(str(tmp_path / "files"), home=home).walk()]
    ensure_held(entries, home, None)
    home.blobs.index._connection.execute("pragma query_only = on")  # as on a full disk
    with pytest.raises(StoreError):
        home.blobs.index.claim(unneeded)
    assert all(path.is_file() for path in ensure_held(entries, home, None).paths.values())


def test_a_claim_by_another_name_counts(home: Home, unneeded: list[str]) -> None:
    home.blobs.index.add_blobs([], [("etag/other", unneeded[0])])
    home.blobs.claim(["etag/other"])
    assert verbs.gc(home=home).blobs == 2
    assert home.blobs.path(unneeded[0]).is_file()


def test_claims_end(home: Home, unneeded: list[str]) -> None:
    home.blobs.claim(unneeded)
    assert verbs.gc(home=home).blobs == 0
    assert verbs.gc(home=home, grace=-1).blobs == 3
    with closing(sqlite3.connect(home.blobs.folder / "index.sqlite")) as index, index:
        assert index.execute("select count(*) from used").fetchone() == (0,)


def test_removed_while_verified_is_not_damaged(
    home: Home, unneeded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check = BlobStore.check

    def removed_first(self: BlobStore, blob: str, *rest: object) -> bool:
        if blob == unneeded[0]:
            self.path(blob).unlink()
        return check(self, blob, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(BlobStore, "check", removed_first)
    found = verbs.verify(home=home)
    assert (found.right, found.damaged) == (2, ())


def test_removed_while_hashed_is_not_noted(
    home: Home, unneeded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def removed(read: int) -> None:
        home.blobs.path(unneeded[0]).unlink(missing_ok=True)

    assert not home.blobs.check(unneeded[0], removed)
    assert unneeded[0] not in home.blobs.index.blobs()


def test_a_package_removed_while_collecting_does_not_stop_it(
    home: Home, unneeded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = verbs.build(tmp_path / "files", "lab/kept", home=home).package.top_hash
    verbs.build(tmp_path / "files", "lab/gone", home=home)
    revisions = QuiltRegistry.revisions
    asked: list[str] = []

    def removed(self: QuiltRegistry, name: str) -> object:
        asked.append(name)
        if asked.count(name) == 1:  # a pointer that was listed is gone when it is read
            raise ObjectNotFound(f"{name} does not exist")
        return revisions(self, "lab/nothing" if name == "lab/gone" else name)

    monkeypatch.setattr(QuiltRegistry, "revisions", removed)
    found = {one.name: one.revisions for one in space.measure_space(home).packages}
    assert found == {"lab/gone": 0, "lab/kept": 1}
    assert kept
    assert asked == ["lab/gone", "lab/gone", "lab/kept", "lab/kept"]


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="tells who holds locks")
def test_another_connection_leaves_the_locks_of_the_first(tmp_path: Path) -> None:
    """Without them, a process takes the index for unused, and removes what others write to."""
    path = tmp_path / "index.sqlite"

    def locks() -> list[str]:
        inode = f":{path.stat().st_ino} "
        lines = Path("/proc/locks").read_text().splitlines()
        return [line.split(":", 1)[1] for line in lines if inode in f"{line} "]

    first = Index(path)
    assert first.blobs() == {}
    held = locks()
    assert held
    Index(path).close()
    assert locks() == held


def test_what_a_killed_run_wrote_in_the_store_is_collected(home: Home, tmp_path: Path) -> None:
    manifests = home.blobs.folder / "manifests/0bf39465d5d483d7"
    manifests.mkdir(parents=True)
    left = [manifests / f".11.jsonl.{'0' * 32}", home.blobs.folder / f".{'0' * 32}"]
    for path in left:
        path.write_bytes(b"half")
    assert verbs.du(home=home).unfinished == 8
    verbs.gc(home=home)
    assert all(path.exists() for path in left), "somebody may be writing"
    verbs.gc(home=home, grace=-1)
    assert not any(path.exists() for path in left)


def test_record_that_was_only_begun_is_none(tmp_path: Path) -> None:
    record = tmp_path / ".cellfolio/checkout.sqlite"
    record.parent.mkdir()
    record.touch()
    with pytest.raises(NotFound, match="was not filled from a package"):
        verbs.status(tmp_path)
    with Checkout(tmp_path).changing() as changes:
        assert not changes.files()
    assert verbs.status(tmp_path).clean


def test_what_killed_runs_were_writing_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    assert remove_unfinished(folder) == 0
    folder.mkdir()
    write_atomically(folder / "one.csv.gz", b"whole")
    for name in ("one.csv.gz", "two.parquet"):
        (folder / f".{name}.{'0' * 32}").touch()
    (folder / f".{'0' * 32}.csv").touch()
    others = {".running.lock", ".one.csv", f".{'0' * 31}.csv", "one.csv.gz"}
    for name in others - {"one.csv.gz"}:
        (folder / name).touch()
    assert remove_unfinished(folder, {"two.parquet"}) == 1
    assert remove_unfinished(folder) == 2
    assert {path.name for path in folder.iterdir()} == others


def test_what_a_killed_get_was_placing_is_removed(home: Home, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a.txt").write_text("a")
    verbs.build(tmp_path / "files", "lab/x", home=home)
    scratch = tmp_path / "out/.cellfolio/tmp"
    scratch.mkdir(parents=True)
    (scratch / ("0" * 32)).write_text("half of a fi")
    verbs.get("lab/x", tmp_path / "out", home=home)
    assert not scratch.exists()
