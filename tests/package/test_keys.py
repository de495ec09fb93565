"""Logical keys: which are valid, and in which order they stand."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cellfolio.errors import InvalidKey, InvalidReference
from cellfolio.package.keys import check_key, check_package_name, sort_key
from tests.package.oracle import components
from tests.package.strategies import keys


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "is empty"),
        ("/etc/passwd", "is absolute; it must be relative to the package"),
        ("/", "is absolute; it must be relative to the package"),
        ("..", "may not contain '..'"),
        ("a/../b", "may not contain '..'"),
        ("a/..", "may not contain '..'"),
        (".", "may not contain '.' as a component"),
        ("a/./b", "may not contain '.' as a component"),
        ("a//b", "has an empty component"),
        ("a/", "has an empty component"),
        ("a\\..\\b", "may not contain a backslash"),
        ("a\0b", "may not contain NUL"),
        ("a\ud800", "has no UTF-8 form (lone surrogate)"),
    ],
)
def test_an_invalid_key_is_refused_with_its_reason(key: str, reason: str) -> None:
    message = re.escape(f"logical key {key!r} {reason}")
    with pytest.raises(InvalidKey, match=f"^{message}$") as caught:
        check_key(key)
    assert caught.value.key == key


@pytest.mark.parametrize(
    "key", ["a", "...", "..a", "a..", ".hidden", "a b/ ", "é/\U0001f9ec", "..\n", "a/.\n", "\n"]
)
def test_a_valid_key_is_returned(key: str) -> None:
    assert check_key(key) == key


@given(st.text())
def test_a_key_is_valid_just_if_its_components_are(key: str) -> None:
    bad = any(part in ("", ".", "..") for part in key.split("/"))
    bad = bad or "\0" in key or "\\" in key or any("\ud800" <= c <= "\udfff" for c in key)
    if bad:
        with pytest.raises(InvalidKey, match=r"^logical key "):
            check_key(key)
    else:
        assert check_key(key) == key


@given(keys, keys)
@example("a/x", "a-b/x")
@example("a\x01", "a/b")
@example("\uffff", "\U00010000")
@example("a", "a/b")
def test_keys_sort_by_their_components(one: str, other: str) -> None:
    assert (sort_key(one) < sort_key(other)) == (components(one) < components(other))
    assert (sort_key(one) == sort_key(other)) == (one == other)


@pytest.mark.parametrize("name", ["a/b", "aics/cardio_diff", "a-1/é", "_/-"])
def test_a_package_name_is_returned(name: str) -> None:
    assert check_package_name(name) == name


@pytest.mark.parametrize("name", ["", "a", "a/", "/b", "a/b/c", "a/b\n", "a b/c", "../b", "a/b."])
def test_another_package_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidReference, match=re.escape(f"{name!r} is not a package name")):
        check_package_name(name)
