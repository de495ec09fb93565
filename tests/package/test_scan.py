"""The reader of whole blocks against the reader of single rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidManifest
from cellfolio.package import manifest
from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.manifest import read_manifest
from cellfolio.package.package import Package
from cellfolio.package.scan import Scan, scan_block
from tests.package import oracle
from tests.package.strategies import FORMS, HEADER, entries, row

CUSTOMARY = ["quilt3", "size last", "compact"]
plain_entries = entries(st.text("abc/", min_size=1).filter(lambda key: "/" not in key))


def by_rows(text: bytes) -> Scan:
    """What the row-by-row reader finds."""
    return manifest._scan_lines(text, 2)


def folder_row(prefix: str, meta: Any) -> bytes:
    return json.dumps({"logical_key": prefix, "meta": meta}, ensure_ascii=False).encode() + b"\n"


@given(st.lists(st.tuples(entries(), st.sampled_from(FORMS)), min_size=1, max_size=5))
@settings(max_examples=150)
def test_a_block_is_read_like_its_rows(rows: list[tuple[Entry, str]]) -> None:
    text = b"".join(row(entry, form) for entry, form in rows)
    assert scan_block(text) in (None, by_rows(text))


@given(st.lists(st.tuples(plain_entries, st.sampled_from(CUSTOMARY)), min_size=1, max_size=5))
def test_a_block_of_customary_rows_is_read_at_once(rows: list[tuple[Entry, str]]) -> None:
    text = b"".join(row(entry, form) for entry, form in rows)
    assert scan_block(text) == by_rows(text)


@given(
    st.lists(
        st.tuples(entries(), st.sampled_from(FORMS)),
        max_size=8,
        unique_by=lambda pair: pair[0].logical_key,
    ),
    st.booleans(),
    st.integers(1, 2000),
    st.booleans(),
)
@settings(max_examples=120)
def test_blocks_of_any_size_give_the_same_package(
    rows: list[tuple[Entry, str]], in_order: bool, block: int, last_line_ends: bool
) -> None:
    if in_order:
        rows.sort(key=lambda pair: oracle.components(pair[0].logical_key))
    lines = [row(entry, form) for entry, form in rows]
    lines.insert(len(lines) // 2, folder_row("fovs/", {"é": 1.0}))
    text = HEADER + b"".join(lines)
    if not last_line_ends:
        text = text.removesuffix(b"\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "_BLOCK", block)
        package = read_manifest(text)
    expected = Package.of([entry for entry, _ in rows])
    assert package.top_hash == oracle.top_hash(text) == expected.top_hash
    assert list(package.walk()) == list(expected.walk())
    assert package.size == expected.size
    assert package.folder_meta == {"fovs/": {"é": 1.0}}


nasty = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b'"',
        b"\\",
        b'"x": ',
        b"{}, {}",
        b"{}, ",
        b"NaN",
        b"1e999",
        b"\xff",
        b"\xed\xa0\x80",
        b"\x00",
        b"\x7f",
        b"\r",
        b"\n",
        b"\xc3\xa9",
        b"../",
        b"/",
        b'"size": 3, ',
        b', "logical_key": "z"',
        b'"meta": {}, ',
        b'{"\\u001fcellfolio seam\\u001f": 0}',
        b',"\\u001fcellfolio seam\\u001f",',
    ]
)


@st.composite
def damaged_blocks(draw: st.DrawFn) -> bytes:
    """Rows, into which what attacks are made of was put at a few places."""
    forms = st.sampled_from(CUSTOMARY)
    pairs = draw(st.lists(st.tuples(plain_entries, forms), min_size=1, max_size=3))
    text = b"".join(row(entry, form) for entry, form in pairs)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = start + draw(st.integers(0, 3))
        text = text[:start] + draw(nasty) + text[stop:]
    return text


@pytest.mark.slow
@given(damaged_blocks())
@settings(max_examples=500)
def test_a_damaged_block_is_read_like_its_rows(text: bytes) -> None:
    found = scan_block(text)
    if found is not None:
        assert found == by_rows(text)


DIGEST = Digest("SHA256", "0" * 64)
ROW = row(Entry("KEY", "s3://b/k", 1, DIGEST, {"META": 0}))


def with_meta(key: bytes, meta: bytes) -> bytes:
    return ROW.replace(b"KEY", key).replace(b'{"META": 0}', meta)


def test_rows_that_are_json_only_together_are_refused() -> None:
    text = with_meta(b"a", b'{"x":[{}') + with_meta(b"b", b"{}]}") + with_meta(b"c", b"{}, {}")
    assert scan_block(text) is None
    with pytest.raises(InvalidManifest, match=r"^line 2: not JSON"):
        read_manifest(HEADER + text)


def test_metadata_that_looks_like_a_seam_is_kept() -> None:
    seam = '["x", "\x1fcellfolio seam\x1f", "y"]'.replace("\x1f", "\\u001f").encode()
    text = HEADER + with_meta(b"a", b'{"s": %b}' % seam) + with_meta(b"b", b'{"t": 1}')
    package = read_manifest(text)
    assert package.top_hash == oracle.quilt3_top_hash(text)
    assert package.entry("a").meta == {"s": ["x", "\x1fcellfolio seam\x1f", "y"]}


@pytest.mark.parametrize(
    "odd",
    [
        ROW.replace(b"KEY", b"\x7f"),
        ROW.replace(b"KEY", b"a/../b"),
        ROW.replace(b"KEY", b"a/"),
        ROW.replace(b"KEY", b"\xff"),
        ROW.replace(b"KEY", rb"\u0041"),
        ROW.replace(b"SHA256", "é".encode()),
        ROW.replace(b'"size": 1, ', b""),
        ROW.replace(b'"size": 1', b'"size": 01'),
        ROW.replace(b'"size": 1', b'"size": 1.0'),
        ROW.replace(b'"size": 1', b'"size": 1234567890123456789'),
        ROW.replace(b', "meta"', b', "size": 2, "meta"'),
        ROW.replace(b'{"META": 0}', b"NaN"),
        ROW.replace(b'{"META": 0}', b'{"x": NaN}'),
        ROW.replace(b'{"META": 0}', b"null"),
        ROW.replace(b"\n", b"\r\n"),
        b"\n",
        folder_row("a/", {}),
    ],
)
def test_a_block_with_an_odd_row_is_left_to_the_other_reader(odd: bytes) -> None:
    good = ROW.replace(b"KEY", b"good")
    assert scan_block(good) is not None
    assert scan_block(good + odd) is None
    assert scan_block(odd + good) is None


@given(st.integers(0, 10**4))
@example(0)
@example(2**63 - 1)
def test_sizes_of_any_length_are_read(size: int) -> None:
    text = HEADER + ROW.replace(b'"size": 1', b'"size": %d' % size)
    package = read_manifest(text)
    assert package.size == size
    assert package.entry("KEY").size == size
