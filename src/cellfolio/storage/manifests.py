"""Manifests seen before: kept with an index, so that opening one again reads neither.

A manifest is kept only after it matched its top hash, and by the registry it came from: a top hash
does not cover where the bytes are, so each registry has a manifest of its own of the same package.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from cellfolio.errors import InvalidManifest
from cellfolio.package.digests import Buffer
from cellfolio.package.manifest import read_indexed, read_manifest, write_index
from cellfolio.package.package import Package
from cellfolio.package.row import Text
from cellfolio.storage.disk import write_atomically, writing
from cellfolio.storage.places import local_path

_LOCAL = b"file:"
"""How the physical key of a file of this machine begins."""
_ESCAPE = b"\\u00"
"""How JSON may write any letter of it."""


_SMALL = 1 << 16
"""Bytes of a file that is read at once: one that is mapped stays open while anybody has it, and a
process may not have thousands of files open."""


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

    def path(self, registry: str, top_hash: str) -> Path:
        """Return where a registry's manifest is kept, whether or not it is there."""
        folder = hashlib.sha256(registry.encode()).hexdigest()[:16]
        return self._folder / folder / f"{top_hash}.jsonl"

    def load(self, registry: str, top_hash: str, name: str = "") -> Package | None:
        """Return a registry's package of that top hash if its manifest was seen before."""
        return self._load(self.path(registry, top_hash), top_hash, name)

    def _load(self, path: Path, top_hash: str, name: str = "") -> Package | None:
        try:
            text, index = _map(path), _map(path.with_suffix(".index"))
        except FileNotFoundError:
            return None
        package = read_indexed(text, index, name=name)
        if package is None or package.top_hash != top_hash:
            return None
        return package

    def add(
        self, blocks: Iterable[Buffer], registry: str, top_hash: str | None, name: str = ""
    ) -> Package:
        """Read a manifest, check it, and keep it.

        Parameters
        ----------
        blocks : iterable of bytes
            The manifest, in pieces of any size: a large one never lies in memory whole.
        registry : str
            URI of the registry it is of.
        top_hash : str or None
            What it must hash to; None to read it unchecked, in which case it is not kept.

        Raises
        ------
        InvalidManifest
            Also if it is of a registry elsewhere and names files of this machine.
        ManifestMismatch
        """
        if top_hash is None or not self._writable:
            whole = b"".join(blocks)
            return _check_far(read_manifest(whole, top_hash=top_hash, name=name), whole, registry)
        path = self.path(registry, top_hash)
        path.parent.mkdir(parents=True, exist_ok=True)
        with writing(path) as unfinished:
            with unfinished.open("wb") as file:
                file.writelines(blocks)
            text = _map(unfinished)
            package = read_manifest(text, top_hash=top_hash, name=name)
            _check_far(package, text, registry)
        # The index comes last: a manifest without one is read again.
        write_atomically(path.with_suffix(".index"), write_index(package, len(text)))
        return package

    def all(self) -> Iterator[Package]:
        """Yield every package whose manifest is kept."""
        for path in sorted(self._folder.glob("*/*.jsonl")):
            package = self._load(path, path.stem)
            if package is not None:
                yield package


def _check_far(package: Package, text: Text, registry: str) -> Package:
    """Return a package that came from elsewhere, unless it would have us read files of ours."""
    if local_path(registry) is not None or all(text.find(sign) < 0 for sign in (_LOCAL, _ESCAPE)):
        return package
    for row in package.rows:
        if row.physical_key.startswith(_LOCAL):
            raise InvalidManifest(
                f"the manifest of {package.title} in {registry} says that {row.key.decode()!r} is "
                f"a file of this machine, {row.physical_key.decode()}",
                hint="a package from elsewhere may not read files here; ask its author to push it",
            )
    return package


def _map(path: Path) -> Text:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size <= _SMALL:
            return file.read()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
