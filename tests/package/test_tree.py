"""A package as a tree of folders and files."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import EntryNotFound
from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.package.package import Package
from tests.package import oracle
from tests.package.strategies import keys

KEYS = ["README.md", "a-b/x", "a/1.csv", "a/b/2 c.tif", "a/x", "plates/BR1/é.tif"]


def package_of(*found: str) -> Package:
    return Package.of(
        [Entry(key, f"s3://b/{number}", number) for number, key in enumerate(found, 1)],
        folder_meta={"a": {"who": "ada"}},
        name="lab/cells",
    )


PACKAGE = package_of(*KEYS)


def walked(folder: Folder) -> list[str]:
    return [entry.logical_key for entry in folder.walk()]


def folder_at(path: str, package: Package = PACKAGE) -> Folder:
    found = package[path]
    assert isinstance(found, Folder)
    return found


@pytest.mark.parametrize("path", ["a/1.csv", "/a/1.csv"])
def test_a_path_opens_a_file(path: str) -> None:
    assert PACKAGE[path] == Entry("a/1.csv", "s3://b/3", 3)
    assert PACKAGE.entry(path) == PACKAGE[path]


def test_a_path_opens_a_folder() -> None:
    for path in ("a", "a/", "/a"):
        folder = folder_at(path)
        assert (folder.key, folder.prefix) == ("a", "a/")
        assert folder["1.csv"] == PACKAGE["a/1.csv"]
        assert folder["b/2 c.tif"] == PACKAGE["a/b/2 c.tif"]
        assert walked(folder) == ["a/1.csv", "a/b/2 c.tif", "a/x"]
    assert PACKAGE[""] is PACKAGE
    assert PACKAGE["/"] is PACKAGE


def test_attributes_open_files_and_folders() -> None:
    package: Any = PACKAGE
    assert package.README_md == PACKAGE["README.md"]
    assert walked(package.a) == walked(folder_at("a"))
    assert package.a.b._2_c_tif == PACKAGE["a/b/2 c.tif"]
    assert package.a_b.x == PACKAGE["a-b/x"]
    assert package.plates.BR1.é_tif.name == "é.tif"
    both: Any = package_of("x", "x/y")
    assert both.x_.y.logical_key == "x/y"


def test_tab_completes_names() -> None:
    assert {"README_md", "a", "a_b", "plates", "subset", "walk"} <= set(dir(PACKAGE))
    assert {"_1_csv", "b", "x", "meta"} <= set(dir(PACKAGE.a))
    assert PACKAGE._ipython_key_completions_() == ["README.md", "a", "a-b", "plates"]


def test_every_attribute_that_dir_lists_is_there() -> None:
    for folder in (PACKAGE, folder_at("a"), folder_at("plates/BR1")):
        for name in dir(folder):
            assert hasattr(folder, name)


def test_an_attribute_that_is_missing_or_means_several_is_refused() -> None:
    message = re.escape(f"{PACKAGE.title}: no file or folder of name 'b' in ''")
    with pytest.raises(AttributeError, match=message):
        _ = PACKAGE.b
    with pytest.raises(AttributeError, match=r"^_hidden$"):
        _ = package_of(".hidden")._hidden
    twice = package_of("a b", "a-b")
    with pytest.raises(AttributeError, match="several: a b, a-b of name 'a_b' in ''"):
        _ = twice.a_b
    assert not hasattr(twice, "a_b")


@pytest.mark.parametrize(
    "path",
    [
        "x",
        "a/2",
        "a//b",
        "README.md/",
        "README.md/x",
        "a/b/../b",
        "a\0b",
        "\ud800",
        "A",
        "a/*",
        " ",
    ],
)
def test_what_is_not_there_is_not_found(path: str) -> None:
    assert path not in PACKAGE
    with pytest.raises(EntryNotFound, match=re.escape(f"no {path!r} in lab/cells@")) as caught:
        PACKAGE[path]
    assert caught.value.hint == "names here: README.md, a, a-b, plates"
    with pytest.raises(EntryNotFound, match=r"^no "):
        PACKAGE.entry(path)


def test_a_folder_does_not_reach_beyond_itself() -> None:
    folder = folder_at("a")
    for path in ("README.md", "../README.md", "-b/x", "a/1.csv"):
        assert path not in folder
    with pytest.raises(EntryNotFound, match=r"no 'a/c' in lab/cells@.*"):
        folder["c"]


def test_contains_knows_files_and_folders() -> None:
    for path in (*KEYS, "a", "a/b", "a/b/", "plates/BR1", ""):
        assert path in PACKAGE
    assert 7 not in PACKAGE
    assert None not in PACKAGE


def test_a_folder_is_no_entry() -> None:
    with pytest.raises(EntryNotFound, match=r"^'a' in lab/cells@[0-9a-f]{8} is a folder; expected"):
        PACKAGE.entry("a")


def test_iteration_gives_the_names_of_children() -> None:
    assert list(PACKAGE) == ["README.md", "a", "a-b", "plates"]
    assert list(folder_at("a")) == ["1.csv", "b", "x"]
    assert [folder.key for folder in PACKAGE.folders] == ["a", "a-b", "plates"]
    assert [file.logical_key for file in folder_at("a").files] == ["a/1.csv", "a/x"]
    assert (len(PACKAGE), PACKAGE.file_count) == (4, 6)
    assert (len(folder_at("a")), folder_at("a").file_count) == (3, 3)


def test_sizes_and_reprs() -> None:
    assert PACKAGE.size == 21
    assert folder_at("a").size == 3 + 4 + 5
    assert repr(folder_at("a")) == "Folder('a', 3 files)"
    assert repr(PACKAGE) == f"Package(lab/cells@{PACKAGE.top_hash[:8]}, 6 files, 21 B)"
    assert repr(Package.of([])).startswith("Package(package@")
    assert repr(PACKAGE["a/x"]) == "Entry('a/x', 5 B, no digest)"
    assert repr(Entry("a", "s3://b/a")) == "Entry('a', unknown size, no digest)"


def test_an_empty_package_is_true_and_has_nothing() -> None:
    empty = Package.of([])
    assert empty
    assert (list(empty), list(empty.walk()), empty.size, empty.file_count) == ([], [], 0, 0)
    assert "a" not in empty
    assert empty.readme is None


def test_folder_metadata_belongs_to_its_folder() -> None:
    assert folder_at("a").meta == {"who": "ada"}
    assert folder_at("a/b").meta == {}
    assert PACKAGE.meta == {}


@pytest.mark.parametrize("name", ["README.md", "readme", "ReadMe.TXT", "README.rst"])
def test_the_readme_is_found(name: str) -> None:
    readme = package_of("docs/README.md", name, "z").readme
    assert readme is not None
    assert readme.logical_key == name
    assert package_of("docs/README.md", "README.pdf", "README.md.bak").readme is None


def test_a_key_may_be_a_file_and_a_folder() -> None:
    both = package_of("x", "x/y", "x-y", "x/y/z")
    assert list(both) == ["x", "x/", "x-y"]
    assert isinstance(both["x"], Entry)
    assert walked(folder_at("x/", both)) == ["x/y", "x/y/z"]
    assert list(folder_at("x/", both)) == ["y", "y/"]
    assert both["x/y"] == both.entry("x/y")
    assert both.x == both["x"]
    assert walked(both) == ["x", "x/y", "x/y/z", "x-y"]
    assert {type(both[name]) for name in both} == {Entry, Folder}


@given(st.lists(keys, unique=True, max_size=8))
def test_every_file_is_reached_by_every_way(found: list[str]) -> None:
    package = package_of(*found)
    assert walked(package) == sorted(found, key=oracle.components)
    reached: list[str] = []
    folders: list[Folder] = [package]
    while folders:
        folder = folders.pop()
        assert len(list(folder)) == len(set(folder)) == len(folder)
        assert folder.file_count == len(walked(folder))
        assert folder.size == sum(entry.size or 0 for entry in folder.walk())
        for name in folder:
            child = folder[name]
            assert name in folder
            if isinstance(child, Folder):
                folders.append(child)
            else:
                reached.append(child.logical_key)
                assert package[child.logical_key] == child
    assert sorted(reached) == sorted(found)
