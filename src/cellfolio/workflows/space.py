"""How much room things take, and giving back what nothing needs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cellfolio.errors import CellfolioError, NotFound, ObjectNotFound, PackageNotFound
from cellfolio.package.package import Package
from cellfolio.package.plan import entry_blob, want
from cellfolio.registries.quilt import QuiltRegistry
from cellfolio.storage.checkout import Checkout
from cellfolio.storage.disk import find_unfinished
from cellfolio.storage.home import Home

GRACE = 3600.0
"""Seconds that a blob is kept after it came, so that none is taken from a run under way."""
_TRIES = 5
"""Times that revisions are read again, where one is removed meanwhile."""


@dataclass(frozen=True, slots=True)
class PackageSpace:
    """Room that a package of the local registry takes.

    Attributes
    ----------
    name : str
    revisions, files, size : int
        Number of revisions; files and bytes in all of them together, as if each were whole.
    """

    name: str
    revisions: int
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class Space:
    """Room that everything takes.

    Attributes
    ----------
    folder : Path
        The store.
    blobs, size : int
        Files of the store, and their bytes.
    local_size : int
        Bytes of the store that packages of the local registry need.
    unfinished : int
        Bytes of transfers that were interrupted.
    packages : tuple of PackageSpace
        Of the local registry, by name.
    checkouts : tuple of str
        Folders filled from the store that still exist.
    """

    folder: Path
    blobs: int
    size: int
    local_size: int
    unfinished: int
    packages: tuple[PackageSpace, ...]
    checkouts: tuple[str, ...]

    @property
    def saved(self) -> int:
        """Bytes that are not stored twice: all revisions as if each were whole, less what is."""
        return sum(package.size for package in self.packages) - self.local_size


@dataclass(frozen=True, slots=True)
class Collected:
    """What collecting removed, or would remove.

    Attributes
    ----------
    blobs, size : int
        Files of the store, and their bytes.
    kept : int
        Files that stay.
    """

    blobs: int
    size: int
    kept: int


def measure_space(home: Home) -> Space:
    """Return the room that store, packages and checkouts take."""
    sizes = [status.st_size for _, status in home.blobs.all()]
    needed: dict[str, int] = {}
    packages = []
    for name, revisions in _local_packages(home):
        packages.append(_package_space(name, revisions))
        for package in revisions:
            needed.update((want(entry), entry.size or 0) for entry in package.walk())
    return Space(
        home.blobs.folder,
        len(sizes),
        sum(sizes),
        sum(needed.values()),
        sum(path.stat().st_size for path in _unfinished(home)),
        tuple(packages),
        tuple(path for path in _checkouts(home) if Checkout(Path(path)).exists),
    )


def measure_package(package: Package, depth: int = 1) -> list[tuple[str, int, int]]:
    """Return (folder, files, bytes) for the folders of a package down to `depth`, then the root."""
    found: list[tuple[str, int, int]] = []

    def visit(prefix: str, left: int) -> None:
        folder = package[prefix] if prefix else package
        assert hasattr(folder, "folders")
        for child in folder.folders:
            if left > 0:
                found.append((child.key, child.file_count, child.size))
                visit(child.prefix, left - 1)

    visit("", depth)
    found.append(("", package.file_count, package.size))
    return found


def _unfinished(home: Home) -> Iterator[Path]:
    for kind in ("parts", "tmp"):
        with suppress(OSError):
            yield from (path for path in (home.blobs.folder / kind).iterdir() if path.is_file())
    for folder, folders, names in os.walk(home.folder):
        if Path(folder) == home.blobs.folder and "blobs" in folders:
            folders.remove("blobs")  # named when they are whole; and there may be many
        yield from find_unfinished(Path(folder), names)


def _checkouts(home: Home) -> list[str]:
    return home.blobs.index.checkouts() if home.blobs.writable else []


def _local_packages(home: Home) -> Iterator[tuple[str, list[Package]]]:
    registry = QuiltRegistry(home.registry_uri, home)
    for name in registry.packages():
        yield name, [registry.open(name, top_hash) for top_hash in _top_hashes(registry, name)]


def _top_hashes(registry: QuiltRegistry, name: str) -> list[str]:
    """Return the revisions of a package, also where somebody removes it meanwhile."""
    for left in reversed(range(_TRIES)):
        try:
            return list(dict.fromkeys(one.top_hash for one in registry.revisions(name)))
        except PackageNotFound:
            break
        except ObjectNotFound:  # listed, and gone when it was read
            if not left:
                raise
    return []


def _package_space(name: str, revisions: list[Package]) -> PackageSpace:
    return PackageSpace(
        name,
        len(revisions),
        sum(package.file_count for package in revisions),
        sum(package.size for package in revisions),
    )


def collect(home: Home, *, dry_run: bool = False, grace: float = GRACE) -> Collected:
    """Remove blobs that no package of the local registry and no checkout needs.

    Parameters
    ----------
    home : Home
    dry_run : bool
        Only say what would be removed.
    grace : float
        Seconds that a blob is kept after it came.

    Raises
    ------
    StoreReadOnly
    """
    home.blobs.require_writable()
    needed = _needed(home)
    limit = time.time() - grace
    unneeded = {
        blob: status.st_size
        for blob, status in home.blobs.all()
        if blob not in needed and status.st_mtime < limit
    }
    removed = list(unneeded)
    if not dry_run:
        removed = home.blobs.remove(unneeded, limit)
        for path in _unfinished(home):
            with suppress(OSError):
                if path.stat().st_mtime < limit:
                    path.unlink()
    kept = sum(1 for _ in home.blobs.all()) - (len(removed) if dry_run else 0)
    return Collected(len(removed), sum(unneeded[blob] for blob in removed), kept)


def _needed(home: Home) -> set[str]:
    needed: set[str] = set()
    for _, revisions in _local_packages(home):
        for package in revisions:
            needed.update(blob for entry in package.walk() if (blob := entry_blob(entry)))
    for path in _checkouts(home):
        with suppress(NotFound, CellfolioError, OSError):
            _, rows = Checkout(Path(path)).record()
            needed.update(row.blob for row in rows.values())
    # A name may stand for a blob of another name.
    needed.update(home.blobs.index.aliases(needed).values())
    return needed
