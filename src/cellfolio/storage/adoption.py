"""Files that a user has already: found by size and digest, and taken into the store.

Names and places do not matter: a file copied by hand, fetched by another client, or moved since is
as good as a download if its bytes are those that a package promises.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cellfolio.errors import InvalidArgument
from cellfolio.package.digests import hash_blocks
from cellfolio.package.entry import Entry
from cellfolio.package.keys import RECORD_FOLDER
from cellfolio.package.plan import entry_blob
from cellfolio.storage.blobs import BlobStore, read_blocks
from cellfolio.storage.progress import Meter, Progress
from cellfolio.storage.workers import Workers


@dataclass(frozen=True, slots=True)
class Adopted:
    """What adopting took into the store.

    Attributes
    ----------
    files, size : int
        Files and bytes that need not be fetched any more.
    """

    files: int = 0
    size: int = 0


def adopt(
    entries: Iterable[Entry],
    folders: Sequence[Path],
    blobs: BlobStore,
    progress: Progress | None = None,
) -> Adopted:
    """Take files of some folders into the store if their bytes are wanted.

    Only files of a wanted size are read. They stay where they are: the store gets a reflink, else
    a hard link, else a copy. A hard-linked file that its owner changes later is found by its size
    and time, and fetched again.

    Parameters
    ----------
    entries : iterable of Entry
        What is wanted; those without digest or size cannot be recognised.
    folders : sequence of Path
        Searched with all folders below; links are not followed.
    blobs : BlobStore
    progress : callable, optional

    Raises
    ------
    InvalidArgument
        If one of `folders` is no folder.
    StoreReadOnly
    """
    for folder in folders:
        if not folder.is_dir():
            raise InvalidArgument(f"{folder} is no folder; expected one with files you have")
    wanted = _by_size(entries, blobs)
    found = [(path, size) for folder in folders for path, size in _files(folder) if size in wanted]
    if not found:
        return Adopted()
    blobs.require_writable()
    meter = Meter(progress, "adopt", len(found), sum(size for _, size in found))
    workers: Workers[int] = Workers()
    workers.start(os.cpu_count() or 1, deque(found), partial(_adopt_one, wanted, blobs, meter))
    files = size = 0
    try:
        for taken in workers.results(len(found), meter.tell):
            files += taken > 0
            size += taken
    finally:
        workers.stop()
    meter.tell(finished=True)
    return Adopted(files, size)


def _by_size(entries: Iterable[Entry], blobs: BlobStore) -> dict[int, list[Entry]]:
    """Return what the store lacks, by size."""
    named = {blob: entry for entry in entries if (blob := entry_blob(entry)) and entry.size}
    held = blobs.held(named)
    wanted: dict[int, list[Entry]] = {}
    for blob, entry in named.items():
        if blob not in held:
            wanted.setdefault(entry.size or 0, []).append(entry)
    return wanted


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield every file below a folder and its size, but for our own records and stores."""
    with suppress(OSError), os.scandir(folder) as found:
        for item in found:
            with suppress(OSError):
                if item.is_dir(follow_symlinks=False):
                    if item.name != RECORD_FOLDER:
                        yield from _files(Path(item.path))
                elif item.is_file(follow_symlinks=False):
                    yield Path(item.path), item.stat().st_size


def _adopt_one(
    wanted: Mapping[int, Sequence[Entry]], blobs: BlobStore, meter: Meter, file: tuple[Path, int]
) -> int:
    """Take a file if its bytes are wanted; return the bytes taken."""
    path, size = file
    tried = set()
    taken = 0
    for entry in wanted[size]:
        assert entry.digest is not None
        scheme = (entry.digest.algorithm, entry.digest.parts)
        if scheme in tried:
            continue
        tried.add(scheme)
        with suppress(OSError):
            taken = taken or _take(path, size, entry, wanted[size], blobs)
    meter.advance(size=size, files=1)
    return taken


def _take(path: Path, size: int, first: Entry, entries: Sequence[Entry], blobs: BlobStore) -> int:
    assert first.digest is not None
    before = path.stat().st_mtime_ns
    found, count = hash_blocks(first.digest, size, lambda: read_blocks(path))
    same = next((entry for entry in entries if entry.digest == found), None)
    if same is None or count != size:
        return 0
    blob = entry_blob(same)
    assert blob is not None
    row = blobs.share(path, blob, size)
    if path.stat().st_mtime_ns != before:  # its owner wrote to it meanwhile
        return 0
    blobs.note([(row, same)])
    return size
