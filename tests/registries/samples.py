"""Files to publish, and how the tests write, publish and read them."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cellfolio.package.keys import RECORD_FOLDER
from cellfolio.package.package import Package
from cellfolio.registries.folder import package_folder
from cellfolio.registries.publish import Pushed, push
from cellfolio.registries.quilt import QuiltRegistry
from cellfolio.storage.home import Home
from cellfolio.workflows.getting import Got, get_package
from cellfolio.workflows.opening import open_package

MIB = 1 << 20


def noise(seed: int, size: int) -> bytes:
    """Bytes that do not repeat and are the same each time."""
    return random.Random(seed).randbytes(size)


SMALL: Mapping[str, bytes] = {
    "README.md": b"# Cells\n",
    "table.csv": b"well,count\nA01,3\n",
    "fovs/1.tiff": noise(1, 5000),
    "fovs/2.tiff": noise(2, 5000),
}

ODD: Mapping[str, bytes] = {
    ".hidden/.file": b"hidden",
    "empty.bin": b"",
    "a/x": b"in a",
    "a-b/x": b"in a-b",
    "a.b/x": b"in a.b",
    "a/b/c/d/deep.csv": b"deep",
    "µm é 漢字/zellkörper 🔬.txt": "µ".encode(),
    "odd +&#%/a+b&c#d%e.txt": b"odd",
    "100%25.txt": b"percent",
    "%41": b"not A",
    "q?x=1;y=[*]'\"~@:!$(),|<>{}^`.txt": b"punctuation",
}

LARGE: Mapping[str, bytes] = {
    "large/nine.bin": bytes(range(256)) * 36864,
    "large/eight exactly.bin": noise(8, 8 * MIB),
    "large/twenty.bin": noise(20, 20 * MIB),
}

META: Mapping[str, Any] = {"name": "cells", "µ": "α", "f": 1.0, "i": 1, "n": None, "l": [1, {}]}


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder, and return the folder."""
    for key, data in files.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def read_files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, but for our record."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != RECORD_FOLDER
    }


def wait_for_a_new_second() -> None:
    """Wait: quilt3 writes over a pointer that somebody wrote in the same second."""
    time.sleep(1.05 - time.time() % 1)


def make_package(
    folder: Path,
    home: Home,
    *,
    meta: Mapping[str, Any] | None = None,
    message: str | None = None,
    entry_meta: Mapping[str, Any] | None = None,
    folder_meta: Mapping[str, Any] | None = None,
) -> Package:
    """Return a folder as a package, with metadata at every level."""
    plain = package_folder(folder, home, meta=meta, message=message)
    metas = entry_meta or {}
    entries = [
        replace(entry, meta={"user_meta": metas[entry.logical_key]})
        if entry.logical_key in metas
        else entry
        for entry in plain.walk()
    ]
    return Package.of(entries, meta=meta, message=message, folder_meta=folder_meta)


class Publisher:
    """Somebody who publishes with cellfolio from a home of their own.

    Parameters
    ----------
    folder : Path
        Of the home, and of the folders that are published.
    """

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self._folder = folder
        self._count = 0

    def folder(self, files: Mapping[str, bytes]) -> Path:
        """Write files into a new folder."""
        self._count += 1
        return write_files(self._folder / f"files{self._count}", files)

    def package(self, files: Mapping[str, bytes], message: str | None = None) -> Package:
        """Return files as a package."""
        return package_folder(self.folder(files), self.home, message=message)

    def push(
        self,
        registry: str,
        name: str,
        files: Mapping[str, bytes],
        message: str | None = None,
        *,
        force: bool = False,
    ) -> Pushed:
        """Publish files."""
        return self.send(registry, name, self.package(files, message), force=force)

    def send(self, registry: str, name: str, package: Package, *, force: bool = False) -> Pushed:
        """Publish a package."""
        return push(package.named(name), QuiltRegistry(registry, self.home), self.home, force=force)

    def get(self, reference: str, folder: Path) -> Got:
        """Get a package into a folder."""
        return get_package(open_package(reference, self.home), folder, self.home)

    def files(self, reference: str) -> dict[str, bytes]:
        """Get a package into a new folder; return what is in it."""
        self._count += 1
        folder = self._folder / f"got{self._count}"
        self.get(reference, folder)
        return read_files(folder)
