"""Manifests seen before: kept with an index, so that opening one again reads neither.

A manifest is kept only after it matched its top hash.
"""

from __future__ import annotations

import contextlib
import mmap
from pathlib import Path

from cellfolio.package.manifest import read_indexed, read_manifest, write_index
from cellfolio.package.package import Package
from cellfolio.storage.disk import write_atomically


class ManifestCache:
    """Manifests in a folder, by top hash.

    Parameters
    ----------
    folder : Path
        Made when first written to.
    writable : bool
        Whether to keep what is read.
    """

    def __init__(self, folder: Path, *, writable: bool = True) -> None:
        self._folder = folder
        self._writable = writable

    def path(self, top_hash: str) -> Path:
        """Return where a manifest is kept, whether or not it is there."""
        return self._folder / f"{top_hash}.jsonl"

    def load(self, top_hash: str, name: str = "") -> Package | None:
        """Return the package of that top hash if its manifest was seen before."""
        path = self.path(top_hash)
        try:
            text, index = _map(path), _map(path.with_suffix(".index"))
        except FileNotFoundError:
            return None
        package = read_indexed(text, index, name=name)
        if package is None or package.top_hash != top_hash:
            return None
        return package

    def add(self, text: bytes, top_hash: str | None, name: str = "") -> Package:
        """Read a manifest, check it, and keep it.

        Parameters
        ----------
        text : bytes
        top_hash : str or None
            What it must hash to; None to read it unchecked, in which case it is not kept.

        Raises
        ------
        InvalidManifest, ManifestMismatch
        """
        package = read_manifest(text, top_hash=top_hash, name=name)
        if top_hash is not None and self._writable:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self.path(top_hash)
            write_atomically(path, text)
            # The index comes last: a manifest without one is read again.
            write_atomically(path.with_suffix(".index"), write_index(package, len(text)))
        return package

    def all(self) -> list[str]:
        """Return the top hashes of all manifests kept."""
        return sorted(path.stem for path in self._folder.glob("*.jsonl"))

    def remove(self, top_hash: str) -> None:
        """Forget a manifest."""
        for path in (self.path(top_hash).with_suffix(".index"), self.path(top_hash)):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # empty file
            raise FileNotFoundError(path) from None
