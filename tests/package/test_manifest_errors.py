"""Manifests that cannot be read: the error names the line and says what is wrong."""

from __future__ import annotations

import json
import re

import pytest

from cellfolio.errors import CellfolioError, InvalidKey, InvalidManifest, ManifestMismatch
from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.manifest import read_manifest
from cellfolio.package.package import Package
from cellfolio.package.row import MAX_RECORD, write_line
from tests.package.strategies import FORMS, HEADER, row

DIGEST = Digest("SHA256", "0" * 64)


def entry(key: str, size: int = 1) -> Entry:
    return Entry(key, "s3://b/k", size, DIGEST, {"user_meta": {"x": "META"}})


GOOD = row(entry("a"))
ROW = row(entry("b"))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"\n", "not JSON: "),
        (b"{}\n", "expected an object with a string 'logical_key'"),
        (b"[]\n", "expected an object with a string 'logical_key'"),
        (b'{"logical_key": 1}\n', "expected an object with a string 'logical_key'"),
        (ROW[:40] + b"\n", "not JSON: "),
        (ROW[:-3], "not JSON: "),
        (ROW.replace(b'"b"', b'"\xff"'), "not JSON: 'utf-8' codec can't decode byte 0xff"),
        (ROW.replace(b"s3", b"\xff"), "not JSON: 'utf-8' codec can't decode byte 0xff"),
        (ROW.replace(b"META", b"\xff"), "not JSON: 'utf-8' codec can't decode byte 0xff"),
        (ROW.replace(b"META", b"\xed\xa0\x80"), "not JSON: 'utf-8' codec can't decode"),
        (ROW.replace(b'"b"', b'"../x"'), "logical key '../x' may not contain '..'"),
        (ROW.replace(b'"b"', b'"/x"'), "logical key '/x' is absolute"),
        (ROW.replace(b'"b"', b'""'), "logical key '' is empty"),
        (ROW.replace(b'"b"', b'"b/"'), "logical key 'b/' has an empty component"),
        (ROW.replace(b'"b"', rb'"b\u0000"'), r"logical key 'b\x00' may not contain NUL"),
        (ROW.replace(b'"b"', rb'"b\\c"'), r"logical key 'b\\c' may not contain a backslash"),
        (ROW.replace(b'"b"', rb'"b\ud800"'), r"entry 'b\ud800': 'utf-8' codec can't encode"),
        (ROW.replace(b"s3:", rb"\udfff"), "entry 'b': 'utf-8' codec can't encode"),
        (b'{"logical_key": "b", "meta": {}}\n', "entry 'b' has no 'physical_keys'"),
        (b'{"logical_key": "../", "meta": {}}\n', "logical key '..' may not contain '..'"),
        (b'{"logical_key": "/", "meta": {}}\n', "logical key '' is empty"),
        (b'{"logical_key": "b/", "meta": {"x": NaN}}\n', "folder 'b/': Out of range float"),
        (b'{"logical_key": "\\ud800/", "meta": {}}\n', "folder '\\ud800/': 'utf-8' codec"),
        (
            ROW.replace(b'["s3://b/k"]', b'["s3://b/k", "s3://c/k"]'),
            "entry 'b': expected 'physical_keys' to be a list of one URI, found ['s3://b/k', 's3",
        ),
        (ROW.replace(b'["s3://b/k"]', b"[]"), "to be a list of one URI, found []"),
        (ROW.replace(b'["s3://b/k"]', b"[1]"), "to be a list of one URI, found [1]"),
        (ROW.replace(b'["s3://b/k"]', b'"s3://b/k"'), "to be a list of one URI, found 's3:"),
        (ROW.replace(b'"size": 1', b'"size": -1'), "expected 'size' in bytes, found -1"),
        (ROW.replace(b'"size": 1', b'"size": 1.0'), "expected 'size' in bytes, found 1.0"),
        (ROW.replace(b'"size": 1', b'"size": "1"'), "expected 'size' in bytes, found '1'"),
        (ROW.replace(b'"size": 1', b'"size": true'), "expected 'size' in bytes, found True"),
        (ROW.replace(b'"size": 1', b'"size": %d' % 2**63), "expected 'size' in bytes, found 9223"),
        (ROW.replace(b'"size": 1', b'"size": ' + b"9" * 5000), "not JSON: Exceeds the limit"),
        (ROW.replace(b'"SHA256"', b"null"), "expected 'hash' to be null or an object with 'type'"),
        (ROW.replace(b'"SHA256"', b'""'), "expected 'hash' to be null or an object with 'type'"),
        (ROW.replace(b"SHA256", "é".encode()), "expected 'hash' to be null or an object with"),
        (ROW.replace(b"000", rb"\ud800"), "expected 'hash' to be null or an object with 'type'"),
        (ROW.replace(b'"value"', b'"v"'), "expected 'hash' to be null or an object with 'type'"),
        (ROW.replace(b'{"user_meta": {"x": "META"}}', b"[]"), "expected 'meta' to be an object"),
        (ROW.replace(b'"META"', b"NaN"), "entry 'b': Out of range float values"),
        (ROW.replace(b'"META"', b"-Infinity"), "entry 'b': Out of range float values"),
        (ROW.replace(b'"META"', b"1e999"), "entry 'b': Out of range float values"),
        (ROW.replace(b'"META"', b"9" * 5000), "not JSON: Exceeds the limit"),
        (ROW.replace(b'"META"', b"[" * 9999 + b"]" * 9999), "not JSON: maximum recursion depth"),
        (ROW.replace(b'"META"', b"\x01"), "not JSON: "),
        (ROW[:-2] + b', "logical_key": "c"}\n', "'logical_key' occurs twice"),
        (ROW[:-2] + b', "logical_key": "../c"}\n', "'logical_key' occurs twice"),
    ],
)
@pytest.mark.parametrize("before", [[], [GOOD], [row(entry("z"), form) for form in FORMS]])
def test_the_line_at_fault_is_named(bad: bytes, message: str, before: list[bytes]) -> None:
    text = HEADER + b"".join(before) + bad + GOOD
    line = 2 + len(before)
    with pytest.raises(InvalidManifest, match=f"^line {line}: .*{re.escape(message)}") as caught:
        read_manifest(text)
    assert caught.value.line == line


@pytest.mark.parametrize("form", FORMS)
def test_nan_is_refused_in_every_form_of_row(form: str) -> None:
    text = row(entry("b"), form).replace(b'"META"', b"NaN")
    with pytest.raises(InvalidManifest, match=r"^line 3: entry 'b': Out of range float values"):
        read_manifest(HEADER + GOOD + text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not a Quilt manifest: "),
        (b"\n", "not a Quilt manifest: "),
        (b"\xff\xfe", "not a Quilt manifest: 'utf-8' codec"),
        (b"\xef\xbb\xbf" + HEADER, "not a Quilt manifest: Unexpected UTF-8 BOM"),
        (b"<html></html>\n", "not a Quilt manifest: "),
        (b"[" * 9999, "not a Quilt manifest: maximum recursion depth"),
        (b"[]\n", 'expected a header with "version": "v0"'),
        (b"{}\n", 'expected a header with "version": "v0"'),
        (b'{"version": "v1"}\n', 'expected a header with "version": "v0"'),
        (b'{"version": 0}\n', 'expected a header with "version": "v0"'),
        (GOOD, 'expected a header with "version": "v0"'),
        (b'{"version": "v0", "user_meta": NaN}\n', "the header cannot be hashed: Out of range"),
    ],
)
def test_a_wrong_header_is_told(text: bytes, message: str) -> None:
    with pytest.raises(InvalidManifest, match=f"^line 1: {re.escape(message)}"):
        read_manifest(text)


@pytest.mark.parametrize(
    "keys", [["a", "a"], ["a", "b", "b"], ["b", "a", "b"], ["c", "a", "c", "b"], ["é", "a", "é"]]
)
@pytest.mark.parametrize("form", FORMS)
def test_a_key_that_occurs_twice_is_refused(keys: list[str], form: str) -> None:
    twice = next(key for key in keys if keys.count(key) == 2)
    text = HEADER + b"".join(row(entry(key), form) for key in keys)
    with pytest.raises(InvalidManifest, match=f"^logical key {twice!r} occurs twice$"):
        read_manifest(text)


@pytest.mark.parametrize("cut", range(1, len(ROW) - 1, 7))
def test_a_last_line_that_ends_too_early_is_refused(cut: int) -> None:
    with pytest.raises(InvalidManifest, match=r"^line 3: not JSON: "):
        read_manifest(HEADER + GOOD + ROW[:cut])


def test_a_manifest_that_ends_too_early_does_not_match() -> None:
    whole = HEADER + GOOD + ROW
    top_hash = read_manifest(whole).top_hash
    assert read_manifest(whole[:-1], top_hash=top_hash).file_count == 2
    with pytest.raises(ManifestMismatch, match=f"expected {top_hash}, found ") as caught:
        read_manifest(HEADER + GOOD, top_hash=top_hash)
    assert caught.value.expected == top_hash
    assert caught.value.found == read_manifest(HEADER + GOOD).top_hash
    assert "verify=False" in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"b"', b'"c"'), (b'"size": 1', b'"size": 2'), (b"SHA256", b"SHA512"), (b"META", b"meta")],
)
def test_a_manifest_that_was_altered_does_not_match(old: bytes, new: bytes) -> None:
    top_hash = read_manifest(HEADER + ROW).top_hash
    with pytest.raises(ManifestMismatch, match="does not match its top hash"):
        read_manifest(HEADER + ROW.replace(old, new), top_hash=top_hash)


def test_files_that_no_disk_can_hold_are_refused() -> None:
    rows = [row(entry(key, 2**62)) for key in "abc"]
    assert read_manifest(HEADER + rows[0]).size == 2**62
    with pytest.raises(InvalidManifest, match=f"its files have {3 * 2**62} bytes; expected at"):
        read_manifest(HEADER + b"".join(rows))


def test_a_record_may_be_as_long_as_quilt3_allows() -> None:
    room = MAX_RECORD - len(json.dumps({"x": ""}))
    assert len(write_line({"x": "a" * room}, "it")) == MAX_RECORD + 1
    message = "the row of 'it' has 1000001 bytes; expected at most 1000000"
    with pytest.raises(InvalidManifest, match=message) as caught:
        write_line({"x": "a" * (room + 1)}, "it")
    assert "into a file" in caught.value.hint


def test_long_metadata_is_refused_wherever_it_is() -> None:
    long = {"x": "é" * 500_000}
    with pytest.raises(InvalidManifest, match="the row of 'a' has 1000"):
        Package.of([Entry("a", "s3://b/k", 1, DIGEST, long)])
    with pytest.raises(InvalidManifest, match="the row of 'the package' has 1000"):
        list(Package.of([], meta=long).manifest())
    with pytest.raises(InvalidManifest, match="the row of 'd/' has 1000"):
        list(Package.of([], folder_meta={"d": long}).manifest())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object(), b"x"])
def test_metadata_that_is_not_json_is_refused_when_a_package_is_made(value: object) -> None:
    meta = {"x": value}
    with pytest.raises(InvalidManifest, match=r"^metadata of 'a' is not JSON: "):
        Package.of([Entry("a", "s3://b/k", 1, DIGEST, meta)])
    with pytest.raises(InvalidManifest, match=r"^metadata of 'the package' is not JSON: "):
        Package.of([], meta=meta)
    with pytest.raises(InvalidManifest, match=r"^metadata of 'd/' is not JSON: "):
        Package.of([], folder_meta={"d/": meta})
    with pytest.raises(InvalidManifest, match=r"^metadata of 'the package' is not JSON: "):
        Package.of([]).with_header(user_meta=meta)


def test_half_a_character_cannot_be_written() -> None:
    with pytest.raises(InvalidManifest, match="'a' is not JSON: 'utf-8' codec can't encode"):
        Package.of([Entry("a", "s3://b/k", 1, DIGEST, {"x": "\ud800"})])


def test_invalid_keys_are_refused_when_a_package_is_made() -> None:
    with pytest.raises(InvalidKey, match=r"^logical key 'a/\.\./b' may not contain '\.\.'$"):
        Package.of([Entry("a/../b", "s3://b/k")])
    with pytest.raises(InvalidKey, match=r"^logical key 'a' occurs twice$"):
        Package.of([Entry("a", "s3://b/1"), Entry("b", "s3://b/2"), Entry("a", "s3://b/3")])
    with pytest.raises(InvalidKey, match=r"^logical key '\.\.' may not contain '\.\.'$"):
        Package.of([], folder_meta={"../": {}})


def test_errors_in_manifests_are_one_kind() -> None:
    assert issubclass(InvalidManifest, CellfolioError)
    assert issubclass(InvalidManifest, ValueError)
    assert issubclass(ManifestMismatch, InvalidManifest)
