"""A folder gives the same logical keys as quilt3's ``set_dir``."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfolio.registries.folder import package_folder
from tests.registries import quilt3_side
from tests.registries.peer import Peer
from tests.registries.samples import Publisher, write_files

FILES = [
    ".hidden",
    ".hidden.d/file",
    "a.tmp",
    "a.txt",
    "A.TMP",
    "b/a.tmp",
    "b/c/a.tmp",
    "b/c/keep.txt",
    "b/x/deep.txt",
    "build/out.bin",
    "build.txt",
    "data/build/out.bin",
    "data[1].txt",
    "data1.txt",
    "x",
    "y/x/1.txt",
    "y/x/z/2.txt",
    "z.d/x",
    "é.tmp",
]


@pytest.mark.parametrize(
    "rules",
    [
        "",
        "\n\n",
        "*.tmp",
        "*.tmp\n*.txt\n",
        "*.tmp\r\nx/\r\n",
        "x",
        "x/",
        "x/*",
        "x/**",
        "y/x",
        "y/x/",
        "y/",
        "build",
        "build/",
        "build*",
        "*/build",
        "/build",
        "b",
        "b/c",
        "b/c/*.tmp",
        ".*",
        ".*/",
        ".hidden",
        ".quiltignore",
        "*",
        "*/",
        "?.tmp",
        "[ab].t*",
        "data[1].txt",
        "data[[]1].txt",
        "[!a].tmp",
        "!a.tmp",
        "# *.txt",
        "a.txt ",
        " a.txt",
        "é.tmp",
        "*.TMP",
        "**/a.tmp",
        "c/keep.txt\nx/",
    ],
)
def test_ignore_rules_leave_out_what_quilt3_leaves_out(
    quilt3: Peer, ada: Publisher, tmp_path: Path, rules: str
) -> None:
    folder = write_files(tmp_path / "folder", {key: key.encode() for key in FILES})
    (folder / ".quiltignore").write_bytes(rules.encode())
    (folder / "empty folder").mkdir()
    ours = sorted(entry.logical_key for entry in package_folder(folder, ada.home).walk())
    assert ours == quilt3.ask(quilt3_side.keys_of, str(folder))


def test_without_rules_everything_belongs(quilt3: Peer, ada: Publisher, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "folder", dict.fromkeys(FILES, b""))
    ours = sorted(entry.logical_key for entry in package_folder(folder, ada.home).walk())
    assert ours == sorted(FILES) == quilt3.ask(quilt3_side.keys_of, str(folder))


def test_only_the_rules_at_the_top_count(quilt3: Peer, ada: Publisher, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "folder", {"a.txt": b"", "b/a.txt": b"", "b/c.txt": b""})
    (folder / "b/.quiltignore").write_text("*.txt\n")
    ours = sorted(entry.logical_key for entry in package_folder(folder, ada.home).walk())
    assert ours == ["a.txt", "b/.quiltignore", "b/a.txt", "b/c.txt"]
    assert ours == quilt3.ask(quilt3_side.keys_of, str(folder))


def test_linked_files_are_followed_and_linked_folders_left_out(
    quilt3: Peer, plain: str, ada: Publisher, bob: Publisher, tmp_path: Path
) -> None:
    outside = write_files(tmp_path / "outside", {"file.bin": b"outside", "folder/in.bin": b"in"})
    folder = write_files(tmp_path / "folder", {"plain.txt": b"plain", "sub/own.txt": b"own"})
    (folder / "linked.bin").symlink_to(outside / "file.bin")
    (folder / "sub/linked.txt").symlink_to(Path("../plain.txt"))
    (folder / "linked folder").symlink_to(outside / "folder")
    (folder / "sub/loop").symlink_to(folder)
    (folder / "dangling").symlink_to(outside / "not there")
    package = package_folder(folder, ada.home)
    keys = [entry.logical_key for entry in package.walk()]
    assert keys == ["linked.bin", "plain.txt", "sub/linked.txt", "sub/own.txt"]
    assert keys == quilt3.ask(quilt3_side.keys_of, str(folder))
    ada.send(plain, "cells/links", package)
    assert bob.files(f"{plain}/cells/links") == {
        "linked.bin": b"outside",
        "plain.txt": b"plain",
        "sub/linked.txt": b"plain",
        "sub/own.txt": b"own",
    }


def test_folders_give_the_top_hash_that_quilt3_gives(
    quilt3: Peer, ada: Publisher, tmp_path: Path
) -> None:
    """Components sort before characters: ``a/x`` before ``a-b/x``, and so for every key."""
    files = {key: key.encode() for key in [*FILES, "a/x", "a-b/x", "a.b/x", "a!", "aé/x", "a~"]}
    folder = write_files(tmp_path / "folder", files)
    package = package_folder(folder, ada.home, meta={"a": [1, 2.0]}, message="m")
    content = quilt3_side.Content(str(folder), {"a": [1, 2.0]}, "m")
    registry = (tmp_path / "registry").as_uri()
    assert quilt3.ask(quilt3_side.build, registry, "cells/one", content) == package.top_hash
