"""A package as a value: made, changed into another, compared, copied; never altered."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidManifest
from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.manifest import read_indexed, read_manifest, write_index
from cellfolio.package.package import Package
from cellfolio.package.sizes import format_size
from tests.package import oracle
from tests.package.strategies import entries, entry_lists

DIGEST = Digest("SHA256", "0" * 64)
ENTRIES = [
    Entry("a/x", "s3://b/x", 1, DIGEST, {"user_meta": {"n": {"m": [1]}}}),
    Entry("b", "s3://b/b", 2, DIGEST),
]


def sample() -> Package:
    return Package.of(
        ENTRIES,
        meta={"who": {"name": "ada"}},
        message="first",
        folder_meta={"a": {"x": [1]}},
        name="lab/cells",
    )


@given(entry_lists(), st.randoms(use_true_random=False))
def test_the_order_of_entries_does_not_matter(found: list[Entry], random: Any) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    package, other = Package.of(found), Package.of(iter(shuffled))
    assert package == other
    assert hash(package) == hash(other)
    in_order = sorted(found, key=lambda entry: oracle.components(entry.logical_key))
    assert list(package.walk()) == list(other.walk()) == in_order


def test_what_a_package_was_made_of_is_there() -> None:
    package = sample()
    assert package.header == {
        "version": "v0",
        "user_meta": {"who": {"name": "ada"}},
        "message": "first",
    }
    assert (package.message, package.workflow, package.name) == ("first", None, "lab/cells")
    assert package.folder_meta == {"a/": {"x": [1]}}
    assert Package.of([]).header == {"version": "v0", "message": None}
    assert Package.of([]).message is None


def test_nobody_can_change_a_package_through_what_it_returns() -> None:
    package, same = sample(), sample()
    top_hash = package.top_hash
    package.header["message"] = "changed"
    package.header["user_meta"]["who"]["name"] = "eve"
    package.meta["who"]["name"] = "eve"
    package.folder_meta["a/"]["x"].append(2)
    package.folder_meta["b/"] = {}
    folder = package.a
    folder.meta["x"].append(3)
    package.entry("a/x").user_meta["n"]["m"].append(4)
    assert list(package.manifest()) == list(same.manifest())
    assert package.header == same.header
    assert (package.meta, package.folder_meta, folder.meta) == (
        same.meta,
        same.folder_meta,
        {"x": [1]},
    )
    fresh = package.named("other").with_header(message="first")
    assert fresh.top_hash == top_hash == same.top_hash


def test_nobody_can_change_a_package_through_what_it_was_made_of() -> None:
    meta: dict[str, Any] = {"who": {"name": "ada"}}
    folder_meta: dict[str, Any] = {"a": {"x": [1]}}
    entry_meta: dict[str, Any] = {"user_meta": {"n": [1]}}
    entry = Entry("a/x", "s3://b/x", 1, DIGEST, entry_meta)
    package = Package.of([entry], meta=meta, folder_meta=folder_meta)
    meta["who"]["name"] = "eve"
    folder_meta["a"]["x"].append(2)
    entry_meta["user_meta"]["n"].append(2)
    assert package.meta == {"who": {"name": "ada"}}
    assert package.folder_meta == {"a/": {"x": [1]}}
    assert package.entry("a/x").meta == {"user_meta": {"n": [1]}}


def test_a_workflow_is_part_of_the_package() -> None:
    workflow = {"id": "w", "config": "s3://b/config.yml"}
    package = sample().with_header(workflow=workflow)
    assert package.workflow == workflow
    assert package != sample()
    assert package.folder_meta == sample().folder_meta
    workflow["id"] = "changed"
    assert package.workflow == {"id": "w", "config": "s3://b/config.yml"}


def test_a_field_of_the_header_is_replaced() -> None:
    package = sample().with_header(message="second")
    assert (package.message, package.meta, package.name) == ("second", sample().meta, "lab/cells")
    assert package.top_hash != sample().top_hash
    assert package.with_header(message="first") == sample()


def test_a_name_is_not_part_of_the_identity() -> None:
    package = sample().named("other/name")
    assert package == sample()
    assert package.name == "other/name"
    assert package.title == f"other/name@{package.top_hash[:8]}"
    assert package.folder_meta == sample().folder_meta


def test_a_package_is_unlike_other_things() -> None:
    assert sample() != sample().top_hash
    assert sample() != Package.of(ENTRIES)
    assert len({sample(), sample(), Package.of(ENTRIES)}) == 2


def test_filter_keeps_what_is_asked_and_all_metadata() -> None:
    package = sample().filter(lambda entry: entry.size == 2)
    assert [entry.logical_key for entry in package.walk()] == ["b"]
    assert (package.meta, package.folder_meta) == (sample().meta, sample().folder_meta)
    assert (package.size, package.name) == (2, "lab/cells")
    assert sample().filter(lambda entry: True) == sample()


@given(entry_lists(), entry_lists())
def test_with_entries_adds_and_replaces(old: list[Entry], new: list[Entry]) -> None:
    expected = {entry.logical_key: entry for entry in [*old, *new]}
    package = Package.of(old, message="m").with_entries(new)
    assert {entry.logical_key: entry for entry in package.walk()} == expected
    assert package == Package.of(expected.values(), message="m")


def test_the_last_of_several_new_entries_of_a_key_counts() -> None:
    package = Package.of([]).with_entries([Entry("a", "s3://b/1"), Entry("a", "s3://b/2")])
    assert [entry.physical_key for entry in package.walk()] == ["s3://b/2"]


@given(entry_lists())
def test_a_package_survives_another_process(found: list[Entry]) -> None:
    package = Package.of(found, meta={"x": 1.0}, folder_meta={"a": {"y": 2}}, name="lab/cells")
    text = b"".join(package.manifest())
    read = read_manifest(text, name="lab/cells")
    indexed = read_indexed(text, write_index(read, len(text)), name="lab/cells")
    for original in (package, read, indexed):
        assert original is not None
        list(original)
        for again in (pickle.loads(pickle.dumps(original)), copy.deepcopy(original)):
            assert again == package
            assert list(again.walk()) == list(package.walk())
            assert list(again) == list(package)
            assert (again.name, again.folder_meta) == (package.name, package.folder_meta)
            assert again.size == package.size


@given(entries())
def test_an_entry_survives_a_package(entry: Entry) -> None:
    found = Package.of([entry]).entry(entry.logical_key)
    assert found == entry
    assert found.name == entry.logical_key.split("/")[-1]
    assert found.user_meta == entry.meta.get("user_meta", {})


def test_user_metadata_of_another_type_is_none() -> None:
    assert Entry("a", "s3://b/a", meta={"user_meta": [1]}).user_meta == {}
    assert Entry("a", "s3://b/a", meta={"user_meta": None}).user_meta == {}


def test_a_digest_that_no_manifest_can_hold_is_told() -> None:
    package = Package.of([Entry("a", "s3://b/a", 1, Digest("é", "x"))])
    with pytest.raises(InvalidManifest, match="expected 'hash' to be null or an object"):
        _ = package.top_hash


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_499, "999.5 kB"),
        (999_500, "1.0 MB"),
        (124_165_540_260, "124.2 GB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_sizes_are_written_for_people(size: int, text: str) -> None:
    assert format_size(size) == text
