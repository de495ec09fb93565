"""The blob store: bytes named by their digest, kept once, never seen before they were checked.

::

    <store>/blobs/<algorithm>/<first two digits>/<name>   read-only files
    <store>/parts/                                         unfinished large transfers
    <store>/tmp/                                           unfinished small ones
    <store>/manifests/                                     manifests seen, with their indices
    <store>/index.sqlite                                   see `cellfolio.storage.index`

Rule 1: a file gets its name under ``blobs`` by a rename after its size and digest were checked.
Rule 2: a blob is used only while its size and modification time are those of its last check;
else it is hashed again first. So a change through a hard link is found before it spreads.
Rule 3: who claims a blob before looking whether it is there, and finds it, keeps it: blobs are
removed in a transaction of the index that sees all claims.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import count, repeat
from pathlib import Path

from cellfolio.errors import StoreError, StoreReadOnly
from cellfolio.package.digests import Buffer, equal_digests, hash_blocks
from cellfolio.package.entry import Entry
from cellfolio.package.plan import blob_digest, blob_id
from cellfolio.storage.index import BlobRow, Index
from cellfolio.storage.placing import share_file

BLOCK = 1 << 20
_REMOVED_AT_ONCE = 500
"""Blobs for whose removal others wait."""


class BlobStore:
    """Content-addressed store in a folder, safe for many threads and processes at once.

    Parameters
    ----------
    folder : Path
        Made when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = str(folder / "blobs")
        self._made: set[str] = set()
        self._names = map("{}-{}".format, repeat(uuid.uuid4().hex), count())

    @cached_property
    def writable(self) -> bool:
        """Whether this process may add to the store."""
        place = next(p for p in (self.folder, *self.folder.parents) if p.exists())
        return place.is_dir() and os.access(place, os.W_OK | os.X_OK) and _can_create(place)

    @cached_property
    def index(self) -> Index:
        """The store's database.

        Raises
        ------
        StoreReadOnly
            If the store cannot be written.
        """
        self.require_writable()
        self.folder.mkdir(parents=True, exist_ok=True)
        return Index(self.folder / "index.sqlite")

    def require_writable(self) -> None:
        """Raise `StoreReadOnly` unless this process may add to the store."""
        if not self.writable:
            raise StoreReadOnly(
                f"the store {self.folder} cannot be written, and something must be added to it",
                hint="name a folder of your own with CELLFOLIO_HOME",
            )

    def path(self, blob: str) -> Path:
        """Return where a blob is kept, whether or not it is there."""
        return Path(self.file(blob))

    def name(self, path: Path) -> str:
        """Return the name of the blob that `path` gave the place of."""
        _, algorithm, _, name = str(path).rsplit(os.sep, 3)
        return f"{algorithm}/{name}"

    def file(self, blob: str) -> str:
        """Do what `path` does, as a string: it is made for every file of a transfer."""
        algorithm, _, name = blob.partition("/")
        return f"{self._root}/{algorithm}/{name[:2]}/{name}"

    def scratch(self, kind: str = "tmp") -> Path:
        """Return a folder of the store for unfinished files; it exists."""
        self.require_writable()
        folder = self.folder / kind
        self._make(str(folder))
        return folder

    @cached_property
    def _scratch(self) -> str:
        return str(self.scratch())

    def unfinished(self) -> Path:
        """Return a name for a new unfinished file."""
        return Path(self._scratch, next(self._names))

    def _make(self, folder: str) -> None:
        if folder not in self._made:
            os.makedirs(folder, exist_ok=True)
            self._made.add(folder)

    # Looking

    def held(self, blobs: Iterable[str]) -> frozenset[str]:
        """Return those of `blobs` that the store has and can give, checking doubtful ones."""
        return frozenset(self.find(blobs))

    def find(self, blobs: Iterable[str]) -> dict[str, Path]:
        """Return the files of those of `blobs` that the store has, under any of their names.

        Files that changed since their last check are hashed; those found damaged are left out.
        """
        wanted = list(blobs)
        if not self.writable:
            return {blob: path for blob in wanted if (path := self.path(blob)).is_file()}
        known = self.index.blobs(wanted)
        missing = [blob for blob in wanted if blob not in known]
        aliases = self.index.aliases(missing)
        known_aliased = self.index.blobs(aliases.values())
        found: dict[str, Path] = {}
        for blob in wanted:
            row = known.get(blob) or known_aliased.get(aliases.get(blob, ""))
            name = row.id if row else blob
            if self._usable(name, row):
                found[blob] = self.path(name)
        return found

    def _usable(self, blob: str, row: BlobRow | None) -> bool:
        try:
            status = os.stat(self.file(blob))
        except OSError:
            return False
        if row is not None and (row.size, row.mtime_ns) == (status.st_size, status.st_mtime_ns):
            return True
        return self.check(blob)

    def check(self, blob: str, read: Callable[[int], None] = lambda size: None) -> bool:
        """Hash a blob; note it as checked, or return False where its bytes are not its name's.

        `read` is told the bytes of each block that was read.
        """
        path, digest = self.path(blob), blob_digest(blob)
        if digest is None or not digest.checkable:
            return False
        try:
            status = path.stat()
            found, size = hash_blocks(
                digest, status.st_size, lambda: _told(read_blocks(path), read)
            )
        except OSError:
            return False
        if found != digest or size != status.st_size:
            if self.writable:
                self.index.forget_blobs([blob])  # so that it is not trusted by its time
            return False
        self.index.add_blobs([BlobRow(blob, size, status.st_mtime_ns, time.time())])
        if not path.exists():  # removed while it was read
            self.index.forget_blobs([blob])
            return False
        return True

    def all(self) -> Iterator[tuple[str, os.stat_result]]:
        """Yield every blob file: its name and status."""
        root = self.folder / "blobs"
        for algorithm in _listed(root):
            for prefix in _listed(algorithm):
                for entry in _listed(prefix):
                    with contextlib.suppress(FileNotFoundError):
                        yield f"{algorithm.name}/{entry.name}", Path(entry).stat()

    # Adding

    def add(self, unfinished: Path, blob: str, size: int) -> BlobRow:
        """Give a checked file its name in the store.

        Parameters
        ----------
        unfinished : Path
            File on the disk of the store whose bytes were checked; gone afterwards.
        blob : str
            Name, from `cellfolio.package.plan.blob_id`.
        size : int
            Bytes that were checked; the file must have them all.

        Returns
        -------
        BlobRow
            To be noted with `note`; until then, the blob is hashed before use.
        """
        unfinished.chmod(0o444)
        return self._name(str(unfinished), blob, size)

    def add_bytes(self, data: Buffer, blob: str) -> BlobRow:
        """Keep bytes in memory that were checked."""
        unfinished = f"{self._scratch}/{next(self._names)}"
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
            finally:
                os.close(descriptor)
            return self._name(unfinished, blob, len(data))
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(unfinished)
            raise

    def share(self, path: Path, blob: str, size: int) -> BlobRow:
        """Keep a file of somebody else's that was checked; it stays where it is."""
        unfinished = self.unfinished()
        try:
            if share_file(path, str(unfinished)) != "link":  # whose mode is its owner's
                unfinished.chmod(0o444)
            return self._name(str(unfinished), blob, size)
        finally:
            unfinished.unlink(missing_ok=True)

    def _name(self, unfinished: str, blob: str, size: int) -> BlobRow:
        status = os.stat(unfinished)
        if status.st_size != size:
            raise OSError(f"{status.st_size} of {size} bytes were written")
        target = self.file(blob)
        self._make(os.path.dirname(target))
        os.replace(unfinished, target)
        return BlobRow(blob, size, status.st_mtime_ns, time.time())

    def note(self, added: Sequence[tuple[BlobRow, Entry]]) -> None:
        """Note blobs just added, and the other names that their entries show they have."""
        self.index.add_blobs([row for row, _ in added], _alias_rows(added))

    def set_aside(self, blob: str) -> Path:
        """Take a damaged blob out of sight; return where it is now."""
        aside = self.unfinished()
        self.index.forget_blobs([blob])
        self.path(blob).replace(aside)
        return aside

    def claim(self, blobs: Iterable[str]) -> None:
        """Keep blobs, by any of their names, from being removed: they are about to be used.

        Where that cannot be noted, as on a full disk, what is here can be read all the same.
        """
        if self.writable:
            with contextlib.suppress(StoreError):
                self.index.claim(blobs)

    def remove(self, blobs: Iterable[str], limit: float) -> list[str]:
        """Remove blobs that nobody claimed since a time; return those that were there."""
        listed, removed = list(blobs), []
        for start in range(0, len(listed), _REMOVED_AT_ONCE):
            some = listed[start : start + _REMOVED_AT_ONCE]
            with self.index.removing(some, limit) as free:
                removed += [blob for blob in free if _unlink(self.path(blob))]
        return removed


def _unlink(path: Path) -> bool:
    """Remove a read-only file; return whether it was there."""
    try:
        with contextlib.suppress(PermissionError):  # another user's; the folder decides
            path.chmod(0o644)
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _told(blocks: Iterator[bytes], read: Callable[[int], None]) -> Iterator[bytes]:
    for block in blocks:
        yield block
        read(len(block))


def _can_create(folder: Path) -> bool:
    """Whether a file can be made; permissions alone do not tell on read-only mounts."""
    try:
        probe = folder / f".{uuid.uuid4().hex}"
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def _listed(folder: str | Path | os.DirEntry[str]) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return


def _alias_rows(added: Iterable[tuple[BlobRow, Entry]]) -> Iterator[tuple[str, str]]:
    for row, entry in added:
        if entry.digest is None or not entry.digest.checkable:
            continue
        for other in equal_digests(entry.digest, row.size)[1:]:
            yield blob_id(other, row.size, entry.physical_key), row.id


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes in blocks."""
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            yield block
