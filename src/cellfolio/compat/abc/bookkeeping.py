"""The two files in which a cache remembers what was used and what was downloaded.

::

    <cache>/_manifest_last_used.txt      releases/20250531/manifest.json
    <cache>/_downloaded_data.json        ["/absolute/path/of/a/file", …]
    <cache>/releases/<release>/manifest.json
    <cache>/<kind>/<directory>/<version>/[views/]<file>
    <cache>/.cellfolio/checkout.sqlite   size, time and digest of each file when it was checked
    <cache>/.cellfolio/store/            downloads under way
    <cache>/.cellfolio/claims/           locks: who downloads which file

Rule 1: all but ``.cellfolio`` is the peer's layout; it can use the cache before, after and beside.
Rule 2: we decide by ``.cellfolio`` and the files themselves. ``_downloaded_data.json`` is kept for
the peer, which takes a file that is not named there for broken.

References
----------
abc_atlas_access 0.2.0 and 1.1.1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cellfolio.errors import StoreReadOnly
from cellfolio.package.keys import RECORD_FOLDER
from cellfolio.storage.disk import write_atomically

_NO_DATA = ("json", "_manifest_last_used", "DS_Store")
"""Parts of names of files that are no data."""


class Bookkeeping:
    """What a cache folder remembers, in the peer's form.

    Parameters
    ----------
    folder : Path
        Of the cache, resolved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.last_used_path = folder / "_manifest_last_used.txt"
        self._downloaded_path = folder / "_downloaded_data.json"
        self._record_path = folder / RECORD_FOLDER / "checkout.sqlite"

    def last_used(self) -> str | None:
        """Return the name of the manifest that was loaded last, if that is known."""
        try:
            return self.last_used_path.read_text(encoding="utf-8").strip() or None
        except (OSError, ValueError):
            return None

    def remember_used(self, name: str) -> None:
        """Remember a manifest as the one loaded last.

        Raises
        ------
        StoreReadOnly
            If that cannot be written.
        """
        write(self.last_used_path, name.encode())

    def downloaded(self) -> set[str] | None:
        """Return the paths noted as downloaded; None where there is no record, or a broken one."""
        try:
            noted = json.loads(self._downloaded_path.read_bytes())
        except (OSError, ValueError):
            return None
        if not isinstance(noted, list):
            return None
        return {path for path in noted if isinstance(path, str)}

    def note_downloaded(self, keys: Iterable[str]) -> None:
        """Note files by their path in the cache; the caller holds the lock of the cache.

        What else is noted stays if it is in this folder: after a move the old paths go.
        """
        prefix = f"{self._folder}{os.sep}"
        before = self.downloaded()
        kept = {path for path in before or () if path.startswith(prefix) and Path(path).exists()}
        noted = sorted(kept | {prefix + key for key in keys})
        if before is None or before != set(noted):
            write(self._downloaded_path, json.dumps(noted, indent=2).encode())

    def lacks(self, keys: Iterable[str]) -> bool:
        """Whether the record is broken or does not name all these files."""
        noted = self.downloaded()
        return noted is None or not noted.issuperset(f"{self._folder}{os.sep}{k}" for k in keys)

    def has_unrecorded_files(self) -> bool:
        """Whether there is no record of downloads, neither the peer's nor ours, but data."""
        if self._downloaded_path.exists() or self._record_path.exists():
            return False
        for _, folders, names in os.walk(self._folder):
            with suppress(ValueError):
                folders.remove(RECORD_FOLDER)
            # Hidden files are probes and unfinished writes, of other processes perhaps.
            seen = [name for name in names if not name.startswith(".")]
            if any(not any(part in name for part in _NO_DATA) for name in seen):
                return True
        return False


def write(path: Path, data: bytes) -> None:
    """Write a file of the cache, whole or not at all.

    Raises
    ------
    StoreReadOnly
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
    except OSError as error:
        raise StoreReadOnly(
            f"{path} cannot be written: {error.strerror or error}",
            hint="free space there, or use what is there with from_local_cache",
        ) from error
