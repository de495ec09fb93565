"""Sums over parts of a package."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.extent import extent_of, mark_of
from cellfolio.package.folder import Folder
from cellfolio.package.manifest import read_manifest
from cellfolio.package.package import Package
from cellfolio.package.plan import entry_blob

FILES = st.dictionaries(
    st.sampled_from(["a/x", "a/y", "a/b/z", "b/x", "c", "a-b/q"]),
    st.tuples(st.one_of(st.none(), st.integers(0, 99)), st.integers(0, 3), st.booleans()),
)


def entry_of(key: str, size: int | None, digit: int, *, local: bool) -> Entry:
    digest = Digest("SHA256", str(digit) * 64) if digit else None
    return Entry(key, "file:///x" if local else f"s3://b/{key}", size, digest)


@given(FILES, st.sets(st.integers(1, 3)))
def test_sums_are_those_of_the_entries(
    files: dict[str, tuple[int | None, int, bool]], stored: set[int]
) -> None:
    entries = [
        entry_of(key, size, digit, local=local) for key, (size, digit, local) in files.items()
    ]
    package = Package.of(entries)
    marks = {mark_of(f"SHA256/{str(digit) * 64}") for digit in stored}
    names = {f"SHA256/{str(digit) * 64}" for digit in stored}
    extent = extent_of(package)
    folders: list[Folder] = [package]
    for folder in folders:
        folders += folder.folders
        inside = list(folder.walk())
        here = [
            one
            for one in inside
            if one.physical_key.startswith("file:") or entry_blob(one) in names
        ]
        held = extent.held(*folder.span, marks)
        assert (held.files, held.files_total) == (len(here), len(inside))
        assert held.size == sum(one.size or 0 for one in here)
        assert held.size_total == folder.size
        assert held.whole == (len(here) == len(inside))


def test_size_stays_known_under_another_name() -> None:
    package = Package.of([Entry("a", "file:///x", 3), Entry("b", "file:///y", 4)])
    assert package.size == 7
    assert vars(package.named("lab/x"))["size"] == 7
    assert "size" not in vars(package.subset("a"))
    assert package.subset("a").size == 3


def test_sizes_are_read_whatever_the_form_of_a_row() -> None:
    lines = [
        b'{"version": "v0", "message": null}',
        b'{"logical_key": "a", "physical_keys": ["s3://b/a"], "size": 5, '
        b'"hash": {"type": "SHA256", "value": "00"}, "meta": {"size": 9, "x": {"size": 7}}}',
        b'{"logical_key": "b", "physical_keys": ["s3://b/b"], '
        b'"hash": {"type": "SHA256", "value": "00"}, "size": 6, "meta": {}}',
        b'{"logical_key": "c", "physical_keys": ["s3://b/c"], "size": null, "hash": null}',
        b'{"size": 8, "logical_key": "d", "physical_keys": ["s3://b/d"], "hash": null}',
    ]
    rows = read_manifest(b"\n".join(lines) + b"\n").rows
    assert list(rows.sizes(0, 4)) == [row.size for row in rows] == [5, 6, -1, 8]
    assert list(rows.keys(0, 4)) == [row.key.decode() for row in rows] == ["a", "b", "c", "d"]
