"""Files made once from others, kept in a home by what they were made from.

::

    <home>/derived/<kind>/<algorithm>/<digest>/<rules>

A file appears under its name by a rename when it is whole, so any number of processes may look
and make at once. All of it can be deleted at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cellfolio.formats.format import Source
from cellfolio.package.digests import Digest
from cellfolio.package.plan import blob_id
from cellfolio.storage.blobs import read_blocks
from cellfolio.storage.disk import writing


@dataclass(frozen=True, slots=True)
class Derived:
    """What is made of a file, and by which rules.

    Attributes
    ----------
    source : Source
        With a home.
    kind : str
        Folder.
    rules : str
        File name: version and options of the maker.
    """

    source: Source
    kind: str
    rules: str

    def folder(self) -> Path:
        """Return the folder for what is made of this file's bytes; hashes a file without digest."""
        source = self.source
        if source.home is None:
            raise ValueError("a file is derived only where there is a home")
        digest = source.digest
        if digest is None or not digest.checkable:
            digest = _hash(source.path)
        blob = blob_id(digest, source.path.stat().st_size, source.name)
        return source.home.folder / "derived" / self.kind / blob


def _hash(path: Path) -> Digest:
    import hashlib

    sha256 = hashlib.sha256()
    for block in read_blocks(path):
        sha256.update(block)
    return Digest("SHA256", sha256.hexdigest())


def find_derived(derived: Derived) -> Path | None:
    """Return the file, if it was made before."""
    path = derived.folder() / derived.rules
    return path if path.is_file() else None


def keep_derived(derived: Derived, make: Callable[[Path], bool]) -> Path | None:
    """Make a file and keep it.

    A full disk or a home that cannot be written is no error: nothing is kept, and what was asked
    for is known already.

    Parameters
    ----------
    derived : Derived
    make : callable
        Writes a new file; returns False if it must not be kept.

    Returns
    -------
    Path or None
        Where it is now; None if it is not kept.
    """
    folder = derived.folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with writing(folder / derived.rules) as unfinished:
            if not make(unfinished):
                raise _NotKept
            unfinished.chmod(0o444)
    except (OSError, _NotKept):
        return None
    return folder / derived.rules


class _NotKept(Exception):
    """What was made is of no use to others."""
