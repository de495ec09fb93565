"""Parts of a package: paths, folders and globs."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cellfolio.errors import EntryNotFound, InvalidKey
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.package.patterns import glob_pattern, key_matcher, literal_pattern
from tests.package import oracle

KEYS = ["README.md", "a-b/x", "a/1.tif", "a/b/2.tif", "a/b/c/3.csv", "b[1].tif", "x*y"]
PACKAGE = Package.of(
    [Entry(key, f"s3://b/{key}", 1) for key in KEYS],
    meta={"who": "ada"},
    message="first",
    folder_meta={"a": {"x": 1}},
    name="lab/cells",
)
ALL = sorted(KEYS, key=oracle.components)


def chosen(*patterns: str) -> list[str]:
    return [entry.logical_key for entry in PACKAGE.subset(*patterns).walk()]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("README.md", ["README.md"]),
        ("/README.md", ["README.md"]),
        ("a", ["a/1.tif", "a/b/2.tif", "a/b/c/3.csv"]),
        ("a/", ["a/1.tif", "a/b/2.tif", "a/b/c/3.csv"]),
        ("a/b", ["a/b/2.tif", "a/b/c/3.csv"]),
        ("*.md", ["README.md"]),
        ("*", ["README.md", "b[1].tif", "x*y"]),
        ("a/*", ["a/1.tif"]),
        ("a/**", ["a/1.tif", "a/b/2.tif", "a/b/c/3.csv"]),
        ("**/*.tif", ["a/1.tif", "a/b/2.tif", "b[1].tif"]),
        ("**/b/**", ["a/b/2.tif", "a/b/c/3.csv"]),
        ("a/**/3.csv", ["a/b/c/3.csv"]),
        ("a/**/1.tif", ["a/1.tif"]),
        ("a/?.tif", ["a/1.tif"]),
        ("a/[0-9].tif", ["a/1.tif"]),
        ("a/[!0-9]/*", ["a/b/2.tif"]),
        ("a?b/x", ["a-b/x"]),
        ("a[!x]b/x", ["a-b/x"]),
        ("b[1].tif", ["b[1].tif"]),
        ("b[[]1].tif", ["b[1].tif"]),
        ("x*y", ["x*y"]),
        ("**", ALL),
        ("", ALL),
        (".", ALL),
        ("/", ALL),
    ],
)
def test_a_pattern_chooses_files(pattern: str, expected: list[str]) -> None:
    assert chosen(pattern) == sorted(expected, key=oracle.components)
    asked = key_matcher([pattern])
    assert [key for key in ALL if asked(key)] == chosen(pattern)


def test_patterns_add_up_without_order_or_repetition() -> None:
    assert chosen("x*y", "a/b", "**/2.tif") == ["a/b/2.tif", "a/b/c/3.csv", "x*y"]
    assert chosen("a/b", "x*y") == chosen("x*y", "a/b")


def test_a_part_keeps_all_metadata_and_has_a_hash_of_its_own() -> None:
    part = PACKAGE.subset("a")
    assert (part.meta, part.message, part.name) == ({"who": "ada"}, "first", "lab/cells")
    assert part.folder_meta == {"a/": {"x": 1}}
    assert part.size == 3
    assert part != PACKAGE
    assert part == Package.of(part.walk(), meta={"who": "ada"}, message="first")
    assert PACKAGE.subset("**") == PACKAGE


@pytest.mark.parametrize("pattern", ["c", "README.md/", "a/1.tif/", "A", "\0", "\ud800", "a/../a"])
def test_a_path_that_names_nothing_is_not_found(pattern: str) -> None:
    message = re.escape(f"no {pattern.strip('/')!r} in lab/cells@")
    with pytest.raises(EntryNotFound, match=message) as caught:
        PACKAGE.subset("a", pattern)
    assert "cellfolio show" in caught.value.hint
    assert not any(map(key_matcher([pattern]), KEYS))


def test_a_glob_that_matches_nothing_is_not_found() -> None:
    with pytest.raises(EntryNotFound, match=r"^nothing in lab/cells@\w{8} matches '\*\.png'$"):
        PACKAGE.subset("*.png")


def test_an_impossible_range_is_refused() -> None:
    message = r"^logical key 'a/\[z-a\]' is not a usable pattern: "
    with pytest.raises(InvalidKey, match=message):
        PACKAGE.subset("a/[z-a]")
    with pytest.raises(InvalidKey, match=message):
        key_matcher(["a/[z-a]"])


def test_a_file_of_a_literal_name_does_not_hide_what_its_glob_matches() -> None:
    keys = ["b1.tif", "b[1].tif", "xy", "x*y"]
    package = Package.of([Entry(key, "s3://b/k") for key in keys])
    for pattern, expected in (("b[1].tif", keys[:2]), ("x*y", ["x*y", "xy"])):
        found = [entry.logical_key for entry in package.subset(pattern).walk()]
        assert found == expected
        assert set(filter(key_matcher([pattern]), keys)) == set(found)


def test_no_patterns_match_every_key_and_choose_no_file() -> None:
    assert all(map(key_matcher([]), KEYS))
    assert chosen() == []


def test_many_folder_wildcards_are_matched_in_time() -> None:
    deep = "/".join("a" * 60)
    assert not glob_pattern("**/" * 30 + "b").match(deep)
    assert glob_pattern("**/" * 30 + "a").match(deep)


parts = st.text("ab-.[!", min_size=1, max_size=3).filter(lambda part: part.strip("."))
paths = st.lists(parts, min_size=1, max_size=4).map("/".join)
glob_parts = st.one_of(
    st.sampled_from(["*", "**", "?", "[ab]", "[!a]", "[a-b]", "[^a]", "[.-]", "[+-b]", "[!-]"]),
    st.sampled_from(["a*", "*b", "a**", "**b", "?a", "a[ab]", "[!a]*", "a", "b", "-", ".", "a.b"]),
)
globs = st.lists(glob_parts, min_size=1, max_size=4).map("/".join)


@given(globs, paths)
@settings(max_examples=500)
@example("a**/b", "ab")
@example("a[^b]c", "a/c")
@example("a[+-9]c", "a/c")
@example("**/**/a", "a")
def test_a_glob_matches_component_by_component(pattern: str, key: str) -> None:
    assert bool(glob_pattern(pattern).match(key)) == oracle.glob_matches(pattern, key)


@given(
    st.lists(st.one_of(paths, globs, st.builds(lambda p: f"{p}/", paths | globs)), max_size=3),
    st.lists(paths, min_size=1, max_size=6, unique=True),
)
@settings(max_examples=500)
def test_the_matcher_agrees_with_the_subset(patterns: list[str], found: list[str]) -> None:
    package = Package.of([Entry(key, "s3://b/k") for key in found])
    asked = key_matcher(patterns)
    for pattern in patterns:
        named = {key for key in found if oracle.named_by(pattern, key)}
        assert set(filter(key_matcher([pattern]), found)) == named
        try:
            part = package.subset(pattern)
        except EntryNotFound:
            assert not named
        else:
            assert {entry.logical_key for entry in part.walk()} == named
    if patterns and all(any(oracle.named_by(p, key) for key in found) for p in patterns):
        whole = {entry.logical_key for entry in package.subset(*patterns).walk()}
        assert whole == set(filter(asked, found))


@given(
    st.sets(st.text(st.sampled_from("ab*?[]!-^/."), min_size=1, max_size=5), min_size=1).map(
        lambda keys: sorted(
            {key for key in keys if set(key.split("/")).isdisjoint({"", ".", ".."})}
        )
    )
)
def test_a_literal_pattern_names_just_its_key(keys: list[str]) -> None:
    package = Package.of([Entry(key, "s3://b/x") for key in keys])
    for key in keys:
        pattern = literal_pattern(key)
        below = {other for other in keys if other.startswith(f"{key}/")}
        found = {entry.logical_key for entry in package.subset(pattern).walk()}
        # A pattern that is itself a key names that one, too.
        assert {key} <= found - below <= {key, pattern}
        assert {key} <= set(filter(key_matcher([pattern]), keys)) - below <= {key, pattern}
