"""Damaged and hostile manifests: either a package that holds together, or one of our errors."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import CellfolioError, InvalidManifest
from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.keys import check_key
from cellfolio.package.manifest import read_indexed, read_manifest, write_index
from cellfolio.package.package import Package
from tests.mutation import edited, edits
from tests.package import oracle
from tests.package.strategies import FORMS, HEADER, row

DIGEST = Digest("sha2-256-chunked", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
RICH = HEADER + b"".join(
    [
        b'{"logical_key": "\xc3\xa9/", "meta": {"x": [1.5, null]}}\n',
        *(
            row(
                Entry(f"é/{form}", "s3://b/k", 5, DIGEST, {"user_meta": {"n": [1, {"x": "y"}]}}),
                form,
            )
            for form in FORMS
        ),
        row(Entry("a", "s3://b/k", None, None)),
    ]
)
EDITS = edits(b'"logical_key": "../x", ', b'"size": 7, ', b', "x": {}', b"}, {")


def use(package: Package, text: bytes) -> None:
    """Do with a package what its users do; nothing may fail that reading let pass."""
    entries = list(package.walk())
    assert [check_key(entry.logical_key) for entry in entries] == [
        package.rows.key(index) for index in range(len(entries))
    ]
    for entry in entries:
        assert package.entry(entry.logical_key) == entry
    assert package.size == sum(entry.size or 0 for entry in entries)
    assert package.top_hash == oracle.top_hash(text)
    again = read_indexed(text, write_index(package, len(text)))
    assert again is not None
    assert list(again.walk()) == entries
    assert not package.diff(again)
    assert repr(package) == repr(again)
    assert [package.message, package.workflow, package.meta] == [
        again.message,
        again.workflow,
        again.meta,
    ]
    try:
        written = b"".join(package.manifest())
    except InvalidManifest:  # half a character can be read and hashed, not written
        assert b"\\ud" in text
        return
    assert read_manifest(written, top_hash=package.top_hash) == package


def try_to_use(text: bytes) -> None:
    try:
        package = read_manifest(text)
    except CellfolioError:
        return
    use(package, text)


@given(EDITS)
@settings(max_examples=600)
def test_a_damaged_manifest_is_read_or_refused(changes: list[tuple[float, int, bytes]]) -> None:
    try_to_use(edited(RICH, changes))


def test_the_manifest_itself_is_read() -> None:
    package = read_manifest(RICH)
    assert package.file_count == len(FORMS) + 1
    use(package, RICH)


@pytest.fixture(scope="module")
def real(shared: Path) -> list[bytes]:
    """Real manifests of every kind, small."""
    folder = shared / "data" / "quilt_manifests" / "quilt_rs"
    return [path.read_bytes() for path in sorted(folder.rglob("*.jsonl"))]


@given(st.data())
@settings(max_examples=400)
def test_damaged_real_manifests_are_read_or_refused(real: list[bytes], data: st.DataObject) -> None:
    try_to_use(edited(data.draw(st.sampled_from(real)), data.draw(EDITS)))


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(text: bytes) -> None:
    with pytest.raises(InvalidManifest, match=r"^line 1: "):
        read_manifest(text)


@given(st.binary(max_size=60))
def test_any_bytes_after_a_header_are_refused_with_their_line(text: bytes) -> None:
    lines = text.removesuffix(b"\n").split(b"\n") if text else []
    if not lines:
        assert read_manifest(HEADER + text).file_count == 0
        return
    with pytest.raises(InvalidManifest, match=r"^line 2: "):
        read_manifest(HEADER + text)


@given(st.dictionaries(st.sampled_from(["user_meta", "message", "workflow", "x"]), st.integers()))
def test_headers_with_other_types_give_no_message_or_workflow(fields: dict[str, int]) -> None:
    package = Package.of([]).with_header(**fields)
    assert package.message is None
    assert package.workflow is None
    assert package.header == {"version": "v0", "message": None, **fields}
