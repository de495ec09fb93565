"""Places without revisions: each different sight is kept, compared, and used offline."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from cellfolio.errors import RevisionNotFound, ServerUnreachable
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.registries.observed import ObservedRegistry
from cellfolio.registries.registry import OfflineWarning
from cellfolio.storage.home import Home

URI = "listing+s3://bucket/prefix"


class Shelf:
    """A place that shows what was put there, or cannot be reached."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] | None = {}
        self.haste: list[bool] = []

    def __call__(self, *, hasty: bool) -> Package:
        self.haste.append(hasty)
        if self.sizes is None:
            raise ServerUnreachable("s3://bucket could not be reached")
        return Package.of([Entry(key, f"s3://bucket/{key}", n) for key, n in self.sizes.items()])


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def registry(shelf: Shelf, home: Home) -> ObservedRegistry:
    return ObservedRegistry(URI, "bucket/prefix", shelf, home)


def test_each_different_sight_is_a_revision(shelf: Shelf, home: Home) -> None:
    hashes = []
    for sizes in ({"a": 1}, {"a": 1}, {"a": 2, "b": 3}, {"a": 1}):
        shelf.sizes = sizes
        hashes.append(registry(shelf, home).open("lab/x").top_hash)
    seen = registry(shelf, Home(home.folder)).revisions("lab/x")
    assert [one.top_hash for one in seen] == [hashes[3], hashes[2], hashes[0]]
    assert hashes[0] == hashes[1] == hashes[3] != hashes[2]
    old = registry(shelf, home).open("any/name", hashes[2][:8])
    assert [(e.logical_key, e.size) for e in old.walk()] == [("a", 2), ("b", 3)]
    assert old.name == "any/name"
    difference = registry(shelf, home).open("lab/x").diff(old)
    assert [entry.logical_key for entry in difference.added] == ["b"]
    headers = registry(shelf, home).headers([hashes[0], "0" * 64])
    assert headers[0] is not None
    assert headers[1] is None


def test_offline_the_last_sight_is_used_and_said(shelf: Shelf, home: Home) -> None:
    shelf.sizes = {"a": 1}
    seen = registry(shelf, home).open("lab/x")
    shelf.sizes = None
    with pytest.warns(OfflineWarning, match="using what was seen last"):
        assert registry(shelf, Home(home.folder)).open("lab/x") == seen
    assert shelf.haste == [False, True]


def test_what_was_never_seen_is_an_error(shelf: Shelf, home: Home) -> None:
    shelf.sizes = None
    with pytest.raises(ServerUnreachable):
        registry(shelf, home).open("lab/x")
    with pytest.raises(RevisionNotFound, match="was seen on this machine"):
        registry(shelf, home).open("lab/x", "abcdef12")
    assert shelf.haste == [False]


def test_a_named_revision_needs_no_look(shelf: Shelf, home: Home) -> None:
    shelf.sizes = {"a": 1}
    seen = registry(shelf, home).open("lab/x")
    shelf.sizes = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert registry(shelf, home).open("lab/x", seen.top_hash) == seen
    assert len(shelf.haste) == 1


def test_places_do_not_mix(shelf: Shelf, home: Home) -> None:
    shelf.sizes = {"a": 1}
    registry(shelf, home).open("lab/x")
    other = ObservedRegistry(URI + "/deeper", "bucket/deeper", shelf, home)
    shelf.sizes = {"b": 1}
    assert list(other.open("lab/x")) == ["b"]
    assert len(other.revisions("lab/x")) == 1


def test_asking_for_revisions_looks_if_nobody_did(shelf: Shelf, home: Home) -> None:
    shelf.sizes = {"a": 1}
    assert len(registry(shelf, home).revisions("lab/x")) == 1


def test_nothing_is_kept_where_nothing_can_be(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    monkeypatch.setattr(type(home.blobs), "writable", False)
    shelf.sizes = {"a": 1}
    assert list(registry(shelf, home).open("lab/x")) == ["a"]
    assert not home.folder.exists()
