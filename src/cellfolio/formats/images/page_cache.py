"""Page indices that were read before, kept in the home under the digest of their file.

::

    <home>/derived/pages/<algorithm>/<name of the blob>.index          of a file in the store
    <home>/derived/pages/<algorithm>/<name of the blob>@<place>.index  of an object elsewhere

Rule 1: an index that is damaged, or of another version, is read anew from the file; one that
cannot be kept is not.
Rule 2: parts of an object elsewhere cannot be checked against its digest. Its index is used only
while the store tells the ETag that the object had when the index was read.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cellfolio.formats.images.malformed import Malformed
from cellfolio.formats.images.pages import PageIndex
from cellfolio.storage.disk import write_atomically
from cellfolio.storage.home import Home


@dataclass(frozen=True, slots=True)
class KeptIndex:
    """The place of a file's index in a home.

    Attributes
    ----------
    home : Home
    blob : str
        Name of the file's bytes, from `cellfolio.package.plan.blob_id`.
    place : str
        URI of the object; empty for a file in the store.
    """

    home: Home
    blob: str
    place: str = ""

    @property
    def path(self) -> Path:
        """Where it is, or would be."""
        suffix = f"@{sha256(self.place.encode()).hexdigest()[:16]}" if self.place else ""
        return self.home.folder / "derived" / "pages" / f"{self.blob}{suffix}.index"

    def load(self, size: int | None) -> PageIndex | None:
        """Return the index if it was kept and is of a file of so many bytes, else None."""
        try:
            found = PageIndex.from_bytes(self.path.read_bytes())
        except (OSError, Malformed):
            return None
        return found if size in (None, found.size) else None

    def keep(self, index: PageIndex) -> None:
        """Keep an index, unless the home cannot be written."""
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, index.to_bytes())

    def forget(self) -> None:
        """Remove the index, if that can be done."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
