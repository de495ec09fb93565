"""Folders filled from packages: what is kept, replaced, refused and reported."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cellfolio.errors import CheckoutConflict, InvalidKey, NotFound, StoreError
from cellfolio.package.digests import digest_of
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.checkout import Checkout, has_blob
from cellfolio.storage.home import Home
from cellfolio.storage.placing import Placer
from cellfolio.workflows import opening, verbs
from cellfolio.workflows.getting import GetOptions, RecordWarning, get_package
from cellfolio.workflows.opening import Opened


def write(folder: Path, **files: str) -> Path:
    """Write text files; ``__`` in a name stands for a folder, ``_txt`` for the suffix."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_txt", ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def package(home: Home, tmp_path: Path) -> str:
    """Two revisions of a package in the local registry; returns the first one's top hash."""
    first = write(tmp_path / "v1", a_txt="one", d__b_txt="two", d__gone_txt="going", same_txt="s")
    second = write(tmp_path / "v2", a_txt="ONE", d__b_txt="two", new_txt="new", same_txt="s")
    pushed = verbs.build(first, "lab/x", home=home)
    verbs.build(second, "lab/x", home=home)
    return pushed.package.top_hash


def contents(folder: Path) -> dict[str, str]:
    """All files but the record."""
    return {
        p.relative_to(folder).as_posix(): p.read_text()
        for p in folder.rglob("*")
        if p.is_file() and ".cellfolio" not in p.parts
    }


V1 = {"a.txt": "one", "d/b.txt": "two", "d/gone.txt": "going", "same.txt": "s"}
V2 = {"a.txt": "ONE", "d/b.txt": "two", "new.txt": "new", "same.txt": "s"}


def test_update_changes_adds_and_removes(home: Home, package: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    verbs.get(f"lab/x@{package}", out, home=home)
    assert contents(out) == V1
    got = verbs.get("lab/x", out, home=home)
    assert contents(out) == V2
    assert (got.placed, got.kept, got.removed) == (2, 2, 1)
    back = verbs.get(f"lab/x@{package[:8]}", out, home=home)
    assert contents(out) == V1
    assert back.removed == 1


def test_users_change_is_never_overwritten(home: Home, package: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    verbs.get(f"lab/x@{package}", out, home=home)
    edit(out / "a.txt", "mine")
    edit(out / "d/gone.txt", "mine too")
    with pytest.raises(CheckoutConflict, match=r"a\.txt") as caught:
        verbs.get("lab/x", out, home=home)
    assert caught.value.keys == ("a.txt",)
    assert contents(out) == {**V1, "a.txt": "mine", "d/gone.txt": "mine too"}
    got = verbs.get("lab/x", out, options=GetOptions(force=True), home=home)
    assert contents(out) == {**V2, "d/gone.txt": "mine too"}
    assert got.left == ("d/gone.txt",)


def edit(path: Path, text: str) -> None:
    """Change a file as an editor does: a new file under the old name."""
    path.unlink()
    path.write_text(text)


def test_foreign_file_in_the_way(home: Home, package: str, tmp_path: Path) -> None:
    out = write(tmp_path / "out", a_txt="somebody's", same_txt="s")
    with pytest.raises(CheckoutConflict, match=r"1 file in .* a\.txt"):
        verbs.get("lab/x", out, home=home)
    assert contents(out) == {"a.txt": "somebody's", "same.txt": "s"}
    (out / "a.txt").unlink()
    got = verbs.get("lab/x", out, home=home)
    assert got.kept == 1, "a file with the right bytes is taken as it is"


def test_touched_but_equal_file_is_no_conflict(home: Home, package: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    verbs.get(f"lab/x@{package}", out, home=home)
    edit(out / "a.txt", "one")
    verbs.get("lab/x", out, home=home)
    assert contents(out) == V2


def test_status(home: Home, package: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    verbs.get(f"lab/x@{package}", out, home=home)
    assert verbs.status(out).clean
    edit(out / "a.txt", "mine")
    (out / "same.txt").unlink()
    write(out, d__notes_txt="n")
    os.utime(out / "d/b.txt", (0, 0))
    found = verbs.status(out)
    assert (found.modified, found.missing, found.extra) == (
        ("a.txt",), ("same.txt",), ("d/notes.txt",),
    )  # fmt: skip
    assert found.unchanged == 2
    assert found.source.top_hash == package
    with pytest.raises(NotFound, match="was not filled from a package"):
        verbs.status(tmp_path)


def test_status_reads_no_unchanged_file(
    home: Home, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    verbs.get(f"lab/x@{package}", out, home=home)
    read: list[str] = []

    def watch(path: Path, blob: str) -> bool:
        read.append(path.name)
        return has_blob(path, blob)

    monkeypatch.setattr("cellfolio.storage.checkout.has_blob", watch)
    edit(out / "a.txt", "mine")
    verbs.status(out)
    assert read == ["a.txt"]


def test_parts_of_a_package_add_up(home: Home, package: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    verbs.get(f"lab/x@{package}/d", out, home=home)
    assert contents(out) == {"d/b.txt": "two", "d/gone.txt": "going"}
    verbs.get(f"lab/x@{package}", out, "*.txt", home=home)
    assert contents(out) == V1
    verbs.get("lab/x", out, "d", home=home)
    assert not (out / "d/gone.txt").exists()
    assert (out / "a.txt").read_text() == "one", "what was not asked for stays"


def test_moved_checkout_is_still_known(home: Home, package: str, tmp_path: Path) -> None:
    verbs.get(f"lab/x@{package}", tmp_path / "out", home=home)
    (tmp_path / "out").rename(tmp_path / "moved")
    assert verbs.status(tmp_path / "moved").clean
    verbs.get("lab/x", tmp_path / "moved", home=home)
    assert contents(tmp_path / "moved") == V2


def test_dry_run_writes_nothing(home: Home, package: str, tmp_path: Path) -> None:
    opened = opening.open_package("lab/x", home)
    got = get_package(opened, tmp_path / "out", home, GetOptions(dry_run=True))
    assert (got.placed, got.fetched) == (4, 0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", ["auto", "link", "copy"])
def test_ways_to_place(home: Home, package: str, tmp_path: Path, how: str) -> None:
    out = tmp_path / "out"
    verbs.get("lab/x", out, options=GetOptions(how=how), home=home)
    assert contents(out) == V2
    linked = (out / "a.txt").stat().st_nlink > 1
    assert linked == (how == "link") or how == "auto"
    assert os.access(out / "a.txt", os.W_OK) or how != "copy"


def test_reflink_where_the_disk_has_none_says_so(home: Home, package: str, tmp_path: Path) -> None:
    """Either the disk makes reflinks, or the error says that it cannot, and nothing is there."""
    out = tmp_path / "out"
    expectation = (
        contextlib.nullcontext()
        if _makes_reflinks(tmp_path)
        else pytest.raises(StoreError, match="cannot make a reflink")
    )
    with expectation:
        verbs.get("lab/x", out, options=GetOptions(how="reflink"), home=home)
    assert contents(out) in ({}, V2)


def _makes_reflinks(folder: Path) -> bool:
    (folder / "one").write_bytes(b"x" * 8192)
    done = subprocess.run(
        ["cp", "--reflink=always", str(folder / "one"), str(folder / "two")],
        check=False,
        capture_output=True,
    )
    return done.returncode == 0


# Hostile keys


def package_with(key: str, tmp_path: Path) -> Opened:
    """Return a package with one entry of any key, past the checks of `Package.of`."""
    data = tmp_path / "data.bin"
    data.write_bytes(b"evil")
    good = Entry("k", data.as_uri(), 4, digest_of(b"evil"))
    package = Package.of([good])
    return Opened(_Forged(package, replace(good, logical_key=key)), "file:///r", "lab/evil")


class _Forged(Package):
    """A package that walks over an entry with a hostile key, as if the reader had let it in."""

    def __init__(self, package: Package, entry: Entry) -> None:
        super().__init__(package.rows, package.header, {}, name="lab/evil")
        self._entry = entry

    def walk(self):  # type: ignore[no-untyped-def]
        yield self._entry


@pytest.mark.parametrize(
    "key", ["../x", "a/../../x", "/tmp/x", "a\\..\\x", "a//b", "", ".", "x\0y", ".CELLFOLIO/lock"]
)
def test_hostile_key_writes_nothing(home: Home, tmp_path: Path, key: str) -> None:
    out = tmp_path / "deep" / "out"
    with pytest.raises(InvalidKey):
        get_package(package_with(key, tmp_path), out, home)
    written = [p for p in tmp_path.rglob("*") if p.is_file() and p.read_bytes() == b"evil"]
    assert [p for p in written if home.folder not in p.parents] == [tmp_path / "data.bin"]


def test_record_of_another_checkout_is_left_out(home: Home, tmp_path: Path) -> None:
    """What quilt3 makes of a checkout holds our record, which must not come back as files."""
    data = tmp_path / "data.bin"
    data.write_bytes(b"data")
    entry = Entry(".cellfolio/checkout.sqlite", data.as_uri(), 4, digest_of(b"data"))
    package = Package.of([entry, replace(entry, logical_key="k")])
    with pytest.warns(RecordWarning, match=r"1 files below \.cellfolio/ are left out"):
        got = get_package(Opened(package, "", "lab/x"), tmp_path / "out", home)
    assert got.files == 1
    assert contents(tmp_path / "out") == {"k": "data"}


def test_link_in_the_checkout_is_not_followed(home: Home, package: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "d").symlink_to(outside, target_is_directory=True)
    with pytest.raises(CheckoutConflict, match=r"d/b\.txt, d/gone\.txt"):
        verbs.get(f"lab/x@{package}", out, home=home)
    with pytest.raises(InvalidKey, match=r"leads through .* which is a link"):
        verbs.get(f"lab/x@{package}", out, options=GetOptions(force=True), home=home)
    assert list(outside.iterdir()) == []


def test_removal_does_not_follow_links(home: Home, package: str, tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    verbs.get(f"lab/x@{package}", out, home=home)
    (out / "d").rename(outside)
    (out / "d").symlink_to(outside, target_is_directory=True)
    with pytest.raises((InvalidKey, CheckoutConflict)):
        verbs.get("lab/x", out, options=GetOptions(force=True), home=home)
    assert (outside / "gone.txt").read_text() == "going"
    assert (outside / "b.txt").read_text() == "two"


def test_folder_itself_may_be_a_link(home: Home, package: str, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "out").symlink_to(real, target_is_directory=True)
    verbs.get("lab/x", tmp_path / "out", home=home)
    assert contents(real) == V2


def test_placer_never_leaves_half_a_file(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 100)
    placer = Placer(tmp_path / "out", "copy")
    target = Path(placer.place(source, "a/b", replace=False))
    with pytest.raises(FileExistsError):
        placer.place(source, "a/b", replace=False)
    assert target.read_bytes() == b"x" * 100
    with pytest.raises(FileNotFoundError):
        placer.place(tmp_path / "no", "a/c", replace=False)
    placer.finish()
    assert sorted(p.name for p in (tmp_path / "out").rglob("*")) == [".cellfolio", "a", "b"]


def test_damaged_record_gives_a_clear_error(home: Home, package: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    verbs.get("lab/x", out, home=home)
    (out / ".cellfolio/checkout.sqlite").write_bytes(b"not a database, not at all" * 100)
    with pytest.raises(StoreError, match=r"checkout\.sqlite cannot be"):
        Checkout(out).status()
    with pytest.raises(StoreError, match=r"checkout\.sqlite cannot be"):
        verbs.get("lab/x", out, home=home)
    assert contents(out) == V2
