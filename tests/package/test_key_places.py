"""Where keys lead on disk: never out of the folder they are put into, on any system."""

from __future__ import annotations

import ntpath
import posixpath
import re
import warnings
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cellfolio.errors import InvalidKey
from cellfolio.package.keys import check_key, check_writable, portability_problem

# Made of the pieces that attacks are made of.
attempts = st.lists(
    st.sampled_from(
        ["..", ".", "/", "\\", "\0", "C:", "C", ":", "a", " ", "~", "CON", "//", "?", "\n", "é"]
    ),
    max_size=8,
).map("".join)
roots = st.sampled_from(["/", "/data", "/data/x y", "/é"])
nt_roots = st.sampled_from(["C:\\", "C:\\data", "\\\\server\\share", "\\\\?\\C:\\data", "D:\\é x"])


@given(roots, st.text() | attempts)
@example("/data", "../x")
def test_an_accepted_key_stays_below_its_root(root: str, key: str) -> None:
    try:
        check_key(key)
    except InvalidKey:
        return
    path = PurePosixPath(posixpath.normpath(PurePosixPath(root, key)))
    assert path != PurePosixPath(root)
    assert path.is_relative_to(root)
    assert path.parts == (*PurePosixPath(root).parts, *key.split("/"))


@given(nt_roots, st.text() | attempts)
@example("C:\\data", "C:x")
@example("C:\\data", "C:/x")
@example("C:\\data", "a/.. /b")
def test_a_key_that_is_writable_on_windows_stays_below_its_root(root: str, key: str) -> None:
    try:
        check_writable(key, windows=True)
    except InvalidKey:
        return
    path = PureWindowsPath(ntpath.normpath(PureWindowsPath(root, key)))
    assert path != PureWindowsPath(root)
    assert path.is_relative_to(root)
    # Windows drops dots and spaces from the end of each component; none may turn into another.
    assert path.parts == (*PureWindowsPath(root).parts, *key.split("/"))
    assert all(part == part.rstrip(". ") for part in key.split("/"))


devices = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["CON", "nul", "Aux", "PRN", "COM1", "lpt9", "COM¹", "CONIN$", "conout$"]),
        st.sampled_from(["", " ", "  ", ".txt", " .txt", ".tar.gz", "x", "-", "0"]),
    ),
)


@given(devices)
def test_no_portable_key_is_a_device_of_windows(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        reserved = PureWindowsPath(name).is_reserved()
    assert bool(portability_problem(f"plates/{name}/x")) == (reserved or name.endswith(" "))


@pytest.mark.parametrize(
    "key", ["a:b", "a?", "a*", 'a"', "a<b", "a|b", "a\tb", "a.", "a ", "x/a./y", "nul", "d/COM1.x"]
)
def test_names_that_windows_forbids_are_refused_there_only(key: str) -> None:
    assert check_writable(key, windows=False) == key
    with pytest.raises(InvalidKey, match=re.escape(f"logical key {key!r} has the component")) as e:
        check_writable(key, windows=True)
    assert e.value.hint


@pytest.mark.parametrize("key", ["a.b", "a/b c", "null", "consort.txt", "COM", "é", "a'b", ".x"])
def test_portable_names_are_writable_everywhere(key: str) -> None:
    assert portability_problem(key) == ""
    assert check_writable(key, windows=True) == key


@pytest.mark.parametrize("key", [".cellfolio", ".cellfolio/record", ".CellFolio/a/b"])
def test_the_record_of_a_checkout_is_kept(key: str) -> None:
    message = re.escape(f"{key!r} is kept for the checkout's own record")
    for windows in (False, True):
        with pytest.raises(InvalidKey, match=message):
            check_writable(key, windows=windows)


def test_the_short_name_of_the_record_is_kept_on_windows() -> None:
    with pytest.raises(InvalidKey, match="kept for the checkout's own record"):
        check_writable("CELLFO~1/record", windows=True)
    assert check_writable("CELLFO~1/record", windows=False) == "CELLFO~1/record"


def test_a_record_of_a_folder_below_is_a_file_like_any_other() -> None:
    assert check_writable("a/.cellfolio", windows=True) == "a/.cellfolio"
    assert check_writable(".cellfolio2/x", windows=True) == ".cellfolio2/x"
