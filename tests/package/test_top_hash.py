"""Top hashes and written manifests, beside those of quilt3 itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.manifest import read_manifest
from cellfolio.package.package import Package
from cellfolio.package.rows import rows_of
from tests.package import oracle
from tests.package.strategies import (
    FORMS,
    HEADER,
    entry_lists,
    headers,
    manifest_text,
    row,
    row_fields,
    user_metas,
)

DIGEST = Digest("SHA256", "0" * 64)
ODD_KEYS = ["\x7f", "a\x7fb", "\u2028", "é", "e\u0301", "\U0001f9ec", "\uffff", '"', "\x1f", "a\tb"]


@given(headers(), entry_lists())
@settings(max_examples=100)
def test_quilt3_gives_the_same_top_hash(header: dict[str, Any], entries: list[Entry]) -> None:
    text = manifest_text(header, [row(entry) for entry in entries])
    package = read_manifest(text)
    assert package.top_hash == oracle.quilt3_top_hash(text)
    assert package.header == header
    assert {entry.logical_key: entry for entry in package.walk()} == {
        entry.logical_key: entry for entry in entries
    }


@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize("form", FORMS)
def test_odd_characters_give_the_same_top_hash(key: str, form: str) -> None:
    entry = Entry(key, "s3://b/k", 1, DIGEST, {"user_meta": {key: key}})
    text = HEADER + row(entry, form)
    assert read_manifest(text).top_hash == oracle.quilt3_top_hash(text)
    assert list(read_manifest(text).walk()) == [entry]


@given(headers(), entry_lists(), st.lists(user_metas, max_size=3))
@settings(max_examples=100)
def test_we_write_the_bytes_that_quilt3_writes(
    header: dict[str, Any], entries: list[Entry], metas: list[dict[str, Any]]
) -> None:
    prefixes = {
        entry.logical_key.rpartition("/")[0] + "/" for entry in entries if "/" in entry.logical_key
    }
    folder_meta = dict(zip(sorted(prefixes), metas, strict=False))
    package = Package(rows_of(entries), header, folder_meta)
    written = b"".join(package.manifest())
    assert written == oracle.quilt3_dump(written)
    assert package.top_hash == oracle.quilt3_top_hash(written)
    again = read_manifest(written, top_hash=package.top_hash)
    assert list(again.walk()) == list(package.walk())
    assert (again.header, again.folder_meta) == (header, folder_meta)
    assert b"".join(again.manifest()) == written


@given(entry_lists(), st.data())
@settings(max_examples=100)
def test_forms_of_peers_do_not_change_the_top_hash(
    entries: list[Entry], data: st.DataObject
) -> None:
    forms = [data.draw(st.sampled_from(FORMS)) for _ in entries]
    rows = [row(entry, form) for entry, form in zip(entries, forms, strict=True)]
    text = HEADER + b"".join(data.draw(st.permutations(rows)))
    package = read_manifest(text)
    assert package == Package.of(entries)
    assert package.top_hash == oracle.quilt3_top_hash(text)
    assert list(package.walk()) == list(Package.of(entries).walk())
    # What we write, quilt3 can read, whatever we read.
    assert oracle.quilt3_top_hash(b"".join(package.manifest())) == package.top_hash


@given(entry_lists(3), st.sets(st.sampled_from(["size", "hash", "meta"])), st.booleans())
def test_missing_and_null_fields_are_read_alike(
    entries: list[Entry], absent: set[str], missing: bool
) -> None:
    rows = []
    for entry in entries:
        fields = row_fields(entry)
        for name in absent:
            if missing:
                del fields[name]
            else:
                fields[name] = None
        rows.append(_line(fields))
    text = HEADER + b"".join(rows)
    package = read_manifest(text)
    assert package.top_hash == oracle.top_hash(text)
    for entry in package.walk():
        assert (entry.size is None) == ("size" in absent)
        assert (entry.digest is None) == ("hash" in absent)
    again = read_manifest(b"".join(package.manifest()))
    assert again == package
    assert list(again.walk()) == list(package.walk())


def _line(fields: dict[str, Any]) -> bytes:
    return manifest_text(fields, [])


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**80), 2**80))
@example(1.0, 1)
@example(-0.0, 2**64)
@example(1e22, 0)
def test_numbers_keep_their_kind(real: float, whole: int) -> None:
    entry = Entry("a", "s3://b/k", 1, DIGEST, {"user_meta": {"f": real, "i": whole}})
    text = HEADER + row(entry)
    assert read_manifest(text).top_hash == oracle.quilt3_top_hash(text)
    as_real = Entry("a", "s3://b/k", 1, DIGEST, {"user_meta": {"n": 1.0}})
    as_whole = Entry("a", "s3://b/k", 1, DIGEST, {"user_meta": {"n": 1}})
    assert Package.of([as_real]) != Package.of([as_whole])


@pytest.mark.parametrize("written", ["1E5", "-0", "-0.0", "1.10", "1e-7", "123456789012345678901"])
@pytest.mark.parametrize("form", ["quilt3", "any order"])
def test_numbers_in_another_notation_hash_as_python_writes_them(written: str, form: str) -> None:
    entry = Entry("a", "s3://b/k", 1, DIGEST, {"user_meta": {"n": 31415}})
    text = HEADER + row(entry, form).replace(b"31415", written.encode())
    assert read_manifest(text).top_hash == oracle.quilt3_top_hash(text)


def test_a_header_without_message_and_one_with_null_are_different() -> None:
    hashes = {
        read_manifest(header).top_hash
        for header in (
            b'{"version": "v0"}\n',
            b'{"version": "v0", "message": null}\n',
            b'{"version": "v0", "user_meta": null}\n',
            b'{"version": "v0", "user_meta": {}}\n',
        )
    }
    assert len(hashes) == 4


def test_the_hash_inside_an_old_header_is_not_covered() -> None:
    old = b'{"version": "v0", "message": null, "top_hash": {"alg": "v0", "value": "12"}}\n'
    package = read_manifest(old)
    assert package == read_manifest(HEADER)
    assert "top_hash" not in package.header


def test_places_and_folder_metadata_are_not_covered() -> None:
    here = Entry("a/b", "s3://one/k", 1, DIGEST)
    there = Entry("a/b", "file:///two", 1, DIGEST)
    assert Package.of([here]) == Package.of([there], folder_meta={"a": {"x": 1}})


@pytest.mark.parametrize("form", ["quilt3", "any order", "escaped"])
def test_half_a_character_in_metadata_is_read_as_quilt3_reads_it(form: str) -> None:
    entry = Entry("a", "s3://b/k", 1, DIGEST, {"user_meta": {"x": "ESC"}})
    text = HEADER + row(entry, form).replace(b"ESC", rb"\ud800")
    package = read_manifest(text)
    assert package.top_hash == oracle.quilt3_top_hash(text)
    assert package.entry("a").user_meta == {"x": "\ud800"}
