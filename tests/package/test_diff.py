"""Differences between packages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.package.diff import Diff
from cellfolio.package.digests import Digest, digest_of
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from tests.package import oracle
from tests.package.strategies import digests, metas, sizes

ONE, TWO = Digest("SHA256", "1" * 64), Digest("SHA256", "2" * 64)
# Few keys, so that two packages share some.
small = st.builds(
    Entry,
    st.sampled_from(["a", "b/x", "b/y", "b-c/x", "é"]),
    st.sampled_from(["s3://b/1", "s3://b/2"]),
    sizes,
    st.sampled_from([ONE, TWO]) | digests,
    metas,
)
small_lists = st.lists(small, max_size=5, unique_by=lambda entry: entry.logical_key)


def applied(package: Package, diff: Diff) -> Package:
    """Do to a package what a difference says."""
    found = {entry.logical_key: entry for entry in package.walk()}
    for entry in diff.removed:
        del found[entry.logical_key]
    for entry in diff.added:
        assert entry.logical_key not in found
        found[entry.logical_key] = entry
    for before, after in (*diff.changed, *diff.meta_changed):
        assert found[before.logical_key] == before
        assert before.logical_key == after.logical_key
        found[after.logical_key] = after
    return Package.of(found.values())


@given(small_lists, small_lists)
@settings(max_examples=100)
def test_applying_a_difference_gives_the_other_package(old: list[Entry], new: list[Entry]) -> None:
    before, after = Package.of(old), Package.of(new)
    diff = before.diff(after)
    assert applied(before, diff) == after
    assert bool(diff) == (before != after)
    back = after.diff(before)
    assert (back.added, back.removed) == (diff.removed, diff.added)
    assert back.changed == tuple((new, old) for old, new in diff.changed)
    assert back.meta_changed == tuple((new, old) for old, new in diff.meta_changed)
    for names in (
        [entry.logical_key for entry in diff.added],
        [entry.logical_key for entry in diff.removed],
        [entry.logical_key for entry, _ in diff.changed],
        [entry.logical_key for entry, _ in diff.meta_changed],
    ):
        assert names == sorted(names, key=oracle.components)


@given(small_lists)
def test_a_package_does_not_differ_from_itself(found: list[Entry]) -> None:
    moved = [Entry(e.logical_key, "file:///x", e.size, e.digest, e.meta) for e in found]
    assert not Package.of(found).diff(Package.of(found))
    assert not Package.of(found).diff(Package.of(moved))


def diff_of(before: Entry, after: Entry) -> Diff:
    return Package.of([before]).diff(Package.of([after]))


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ((1, ONE, {}), (1, TWO, {}), "changed"),
        ((1, ONE, {}), (2, ONE, {}), "changed"),
        ((1, ONE, {}), (1, Digest("MD5", "1" * 32), {}), "changed"),
        ((1, None, {}), (2, None, {}), "changed"),
        ((1, ONE, {}), (1, None, {}), ""),
        ((1, ONE, {}), (1, ONE, {"user_meta": {"n": 1}}), "meta_changed"),
        ((1, ONE, {"n": 1}), (1, ONE, {"n": 1.0}), "meta_changed"),
        ((1, ONE, {"n": 1}), (1, ONE, {"n": True}), "meta_changed"),
        ((1, ONE, {"n": 0}), (1, ONE, {"n": False}), "meta_changed"),
        ((1, ONE, {"a": 1, "b": 2}), (1, ONE, {"b": 2, "a": 1}), ""),
    ],
)
def test_what_kind_of_change_it_is(before: Any, after: Any, kind: str) -> None:
    one, other = Entry("a", "s3://b/a", *before), Entry("a", "s3://b/a", *after)
    pairs = ((one, other),)
    expected = {
        "": Diff(),
        "changed": Diff(changed=pairs),
        "meta_changed": Diff(meta_changed=pairs),
    }
    assert diff_of(one, other) == expected[kind]


def test_without_digests_another_place_is_another_file() -> None:
    one, other = Entry("a", "s3://b/1", 1), Entry("a", "s3://b/2", 1)
    assert diff_of(one, other).changed == ((one, other),)


def test_metadata_of_folders_and_package_is_compared() -> None:
    before = Package.of([], meta={"n": 1}, folder_meta={"a": {"x": 1}, "b": {}, "c": {"y": 1}})
    after = Package.of([], meta={"n": 1.0}, folder_meta={"a": {"x": True}, "c": {"y": 1}, "d": 2})
    assert before.diff(after) == Diff(folder_meta_changed=("", "a/", "d/"))
    assert before.diff(after)
    assert not before.diff(before)
    assert not Package.of([]).diff(Package.of([], meta={}))


def listed(key: str, name: str, data: bytes, version: str = "1") -> Entry:
    meta = {"user_meta": {"listed": name, "kind": "metadata", "version": version}}
    return Entry(key, f"file:///{key}", len(data), digest_of(data, "MD5"), meta)


def test_a_file_that_moved_with_its_version_is_changed_not_added() -> None:
    older = Package.of(
        [
            listed("m/1/a.csv", "d/a", b"a"),
            listed("m/1/b.csv", "d/b", b"b"),
            listed("m/1/c.csv", "d/c", b"c"),
            listed("m/1/gone.csv", "d/gone", b"g"),
        ]
    )
    newer = Package.of(
        [
            listed("m/2/a.csv", "d/a", b"A", "2"),
            listed("m/1/b.csv", "d/b", b"B"),
            listed("m/2/c.csv", "d/c", b"c", "2"),
            listed("m/2/new.csv", "d/new", b"n", "2"),
        ]
    )
    found = older.diff(newer)
    assert [(one.logical_key, other.logical_key) for one, other in found.changed] == [
        ("m/1/b.csv", "m/1/b.csv"),
        ("m/1/a.csv", "m/2/a.csv"),
    ]
    assert [(one.logical_key, other.logical_key) for one, other in found.meta_changed] == [
        ("m/1/c.csv", "m/2/c.csv")
    ]
    assert [entry.logical_key for entry in found.added] == ["m/2/new.csv"]
    assert [entry.logical_key for entry in found.removed] == ["m/1/gone.csv"]
