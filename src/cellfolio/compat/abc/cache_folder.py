"""What lies in a cache folder: which files are sound, and putting new ones there.

Rule 1: a file is trusted without reading it only while it looks as it did when it was checked.
Else its size and then its digest decide, once; so files that came by other means are adopted.
Rule 2: a file gets its name in the cache by a rename, after its size and digest were checked. It
is moved out of the store, so a cache has every byte once: a copy of it is no larger, and a file
that its owner deletes frees its space.
Rule 3: the lock of the cache is held to place and to note, never while bytes arrive.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cellfolio.compat.abc.bookkeeping import Bookkeeping
from cellfolio.compat.abc.failures import PathInTheWay
from cellfolio.errors import InvalidKey, NotFound, StoreError
from cellfolio.package.digests import DEFAULT_ALGORITHM, Digest, hash_blocks
from cellfolio.package.keys import check_writable
from cellfolio.package.plan import blob_digest, blob_id
from cellfolio.registries.abc.release import AbcFile
from cellfolio.storage.blobs import read_blocks
from cellfolio.storage.checkout import Changes, Checkout, FileRow, same_status
from cellfolio.storage.disk import WINDOWS, writing
from cellfolio.storage.placing import share_file
from cellfolio.storage.workers import at_once

_MODE = 0o644
"""A file that left the store is its owner's alone."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes in the store that belong to files of the cache.

    Attributes
    ----------
    blob : str
        Name in the store.
    source : Path
        Where it is there.
    keys : tuple of str
        Paths in the cache to put it at.
    """

    blob: str
    source: Path
    keys: tuple[str, ...]


class CacheFolder:
    """A folder with files of the atlas.

    Parameters
    ----------
    folder : Path
        Need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._checkout = Checkout(folder)
        self.folder = self._checkout.folder
        self.books = Bookkeeping(self.folder)
        self._checked: dict[tuple[str, int, int, int], bool] = {}

    def path(self, file: AbcFile) -> Path:
        """Return where a file is or would be."""
        return self.folder / file.relative_path

    def heal(self) -> None:
        """Make the peer's record of downloads whole again, if it is not."""
        rows = self._rows()
        if rows and self.books.lacks(rows):
            with self._checkout.changing() as changes:
                self._note(changes)

    # Looking

    def missing(self, files: Iterable[AbcFile]) -> list[AbcFile]:
        """Return the files that are not here, or not as they should be; note what is adopted."""
        self._look_anew()
        rows = self._rows()
        missing, doubtful = [], []
        for file in files:
            status = self._status(file)
            if status is None or status.st_size != file.size:
                missing.append(file)
            elif not _vouches(rows.get(file.relative_path), file, status):
                doubtful.append(file)
        found = at_once(lambda file: self._hash(file, rows.get(file.relative_path)), doubtful)
        checked = dict(zip(doubtful, found, strict=True))
        adopted = {file.relative_path: blob for file, blob in checked.items() if blob}
        if adopted:
            with self._checkout.changing() as changes:
                for key, blob in adopted.items():
                    with suppress(FileNotFoundError):  # removed meanwhile
                        changes.add(key, blob, self.folder / key)
                self._note(changes)
        return missing + [file for file, blob in checked.items() if not blob]

    def has(self, file: AbcFile) -> bool:
        """Whether a file is here, as far as can be told without writing anything.

        A file that nobody checked before is judged by its size: to read it might mean to read the
        whole of a mounted bucket.
        """
        try:
            status = self.path(file).stat()
        except OSError:
            return False
        row = self._rows().get(file.relative_path)
        if status.st_size != file.size or not stat.S_ISREG(status.st_mode):
            return False
        if row is None or (row.size, row.mtime_ns) == (status.st_size, status.st_mtime_ns):
            return True
        memory = (file.relative_path, status.st_size, status.st_mtime_ns, status.st_ino)
        if memory not in self._checked:
            self._checked[memory] = bool(self._hash(file, row))
        return self._checked[memory]

    def _rows(self) -> dict[str, FileRow]:
        try:
            return self._checkout.record()[1]
        except (NotFound, StoreError):
            # Not there, being made just now, or damaged: then what is here is hashed.
            return {}

    def _status(self, file: AbcFile) -> os.stat_result | None:
        key = file.relative_path
        self._check_place(key)
        try:
            status = os.lstat(self.folder / key)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(status.st_mode):
            raise PathInTheWay(
                f"{self.folder / key} exists, but is not a file", hint="move it away"
            )
        return status

    def _look_anew(self) -> None:
        """Forget which folders are real: links may have come or gone since."""
        self._checkout = Checkout(self.folder)

    def _check_place(self, key: str) -> None:
        check_writable(key, windows=WINDOWS)
        if not self._checkout.holds(key):
            raise InvalidKey(
                key,
                f"leads through a link out of {self.folder}",
                hint="put the folder itself there, or use another cache_dir",
            )

    def _hash(self, file: AbcFile, row: FileRow | None) -> str:
        """Return the blob that a file is, or nothing if it is not what it should be."""
        path = self.path(file)
        wanted = [] if file.md5 is None else [Digest("MD5", file.md5)]
        if row is not None and not _is_md5(row.blob) and (noted := blob_digest(row.blob)):
            wanted.append(noted)
        for digest in wanted or [Digest(DEFAULT_ALGORITHM, "")]:
            try:
                before = path.stat()
                found, size = hash_blocks(digest, file.size, lambda: read_blocks(path))
                after = path.stat()
            except OSError:
                return ""
            unchanged = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
            if unchanged and size == file.size and (found == digest or not wanted):
                return blob_id(found, size, file.url)
        return ""

    # Placing

    def place(self, arrivals: Sequence[Arrival]) -> set[str]:
        """Move files out of the store to their places; return the paths of those placed."""
        self._look_anew()
        placed: set[str] = set()
        with self._checkout.changing() as changes:
            for arrival in arrivals:
                with suppress(FileNotFoundError):  # taken by another process: to be fetched again
                    for key, target in self._put(arrival).items():
                        changes.add(key, arrival.blob, target)
                        placed.add(key)
            self._note(changes)
        return placed

    def _put(self, arrival: Arrival) -> Mapping[str, Path]:
        targets = {key: self._make_room(key) for key in arrival.keys}
        first, *others = targets.values()
        for target in others:
            with writing(target) as unfinished:
                share_file(arrival.source, str(unfinished))
                unfinished.chmod(_MODE)
        with suppress(PermissionError):  # another person fetched it; it stays theirs
            arrival.source.chmod(_MODE)
        arrival.source.replace(first)
        return targets

    def _make_room(self, key: str) -> Path:
        self._check_place(key)
        target = self.folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _note(self, changes: Changes) -> None:
        self.books.note_downloaded(changes.files())


def _vouches(row: FileRow | None, file: AbcFile, status: os.stat_result) -> bool:
    """Whether the record says that a file is right without reading it."""
    if row is None or not same_status(row, status):
        return False
    # What has another digest than MD5 was taken without a digest of the manifest, by its size.
    return not _is_md5(row.blob) or _is_of(row.blob, file)


def _is_md5(blob: str) -> bool:
    return blob.startswith("MD5/")


def _is_of(blob: str, file: AbcFile) -> bool:
    return file.md5 is None or blob == blob_id(Digest("MD5", file.md5), file.size, file.url)
