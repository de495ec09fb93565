"""A folder of a package as a zip file that is made while it is sent.

Rule 1: every name in it is below one folder: no name leads out of where it is unpacked.
Rule 2: its bytes are those of the store, which were checked; what is missing is fetched before it
is its turn, some files at a time.
Rule 3: it is bounded, in files and in bytes, and only a few are made at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cellfolio.errors import InvalidArgument, ObjectNotFound
from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.package.keys import check_key, portability_problem
from cellfolio.package.plan import want
from cellfolio.storage.home import Home, ensure_held
from cellfolio.web.working import TooBusy

MOST_FILES = 20_000
MOST_BYTES = 20 * 10**9
"""Files and bytes of a zip file."""
AT_ONCE = 4
"""Zip files that are made at a time."""
_AHEAD_FILES = 64
_AHEAD_BYTES = 64 * 1024 * 1024
"""Files and bytes that are fetched before they are sent."""
_PIECE = 1024 * 1024
_turns = threading.BoundedSemaphore(AT_ONCE)


def check_bounds(folder: Folder) -> None:
    """Refuse what is too much for one zip file.

    Raises
    ------
    InvalidArgument
    """
    found = f"{folder.file_count:,} files"
    much = folder.file_count > MOST_FILES
    if not much:  # adding up a million sizes would take its time
        much = folder.size > MOST_BYTES
        found += f" and {folder.size / 10**9:.1f} GB"
    if much:
        raise InvalidArgument(
            f"a zip file has at most {MOST_FILES:,} files and {MOST_BYTES // 10**9} GB; "
            f"found {found}",
            hint="get the folder with `cellfolio get`, which resumes, or a folder within it",
        )


def names_in_zip(keys: Iterable[str], root: str) -> list[str]:
    r"""Return the name of each file in a zip file: all below `root`, none twice.

    Characters that no system wants in a name become ``_``.

    Examples
    --------
    >>> names_in_zip(["a/x.csv", "a/x\n.csv", "a/x\t.csv"], "plates")
    ['plates/a/x.csv', 'plates/a/x_.csv', 'plates/a/x_ (2).csv']
    """
    taken: set[str] = set()
    found = []
    for key in keys:
        plain = "/".join(map(_plain, check_key(key).split("/")))
        name, number = f"{root}/{plain}", 2
        while name.casefold() in taken:
            stem, dot, suffix = plain.rpartition("/")[2].partition(".")
            folder = plain[: len(plain) - len(stem + dot + suffix)]
            name, number = f"{root}/{folder}{stem} ({number}){dot}{suffix}", number + 1
        taken.add(name.casefold())
        found.append(name)
    return found


def _plain(part: str) -> str:
    text = "".join(char if char.isprintable() and char not in '\\:*?"<>|' else "_" for char in part)
    return f"_{text}" if portability_problem(text) else text


def stream_zip(entries: Sequence[Entry], root: str, cut: int, home: Home) -> Iterator[bytes]:
    """Yield the bytes of a zip file.

    The first files are fetched before the first byte is given, so that what cannot be had is told
    as an error.

    Parameters
    ----------
    entries : sequence of Entry
    root : str
        Name of the folder that all files are in.
    cut : int
        Characters of logical keys that are left away.
    home : Home

    Raises
    ------
    TooBusy
        If too many are made already.
    TransferIncomplete
    """
    if not _turns.acquire(blocking=False):
        raise TooBusy(
            f"{AT_ONCE} zip files are being made", hint="wait until one of them is complete"
        )
    try:
        files = _Files(entries, home)
        files.fetch(0)
    except BaseException:
        _turns.release()
        raise
    return _Turn(_pieces(files, names_in_zip((e.logical_key[cut:] for e in entries), root)))


class _Turn:
    """Gives back the turn when all was sent, or nobody wants the rest."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._mine = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self._release()
            raise

    def __del__(self) -> None:
        self._release()

    def _release(self) -> None:
        if self._mine:
            self._mine = False
            _turns.release()


class _Files:
    """Files in their order, each on this disk when it is its turn."""

    def __init__(self, entries: Sequence[Entry], home: Home) -> None:
        self._entries = entries
        self._home = home
        self._paths: dict[str, Path] = {}
        self._fetched = 0

    def __len__(self) -> int:
        return len(self._entries)

    def size(self, index: int) -> int | None:
        return self._entries[index].size

    def fetch(self, index: int) -> None:
        """Have the file at `index` on this disk, and some after it."""
        if index < self._fetched or not self._entries:
            return
        stop, size = index, 0
        while stop < len(self._entries) and (
            stop == index or (stop - index < _AHEAD_FILES and size < _AHEAD_BYTES)
        ):
            size += self._entries[stop].size or 0
            stop += 1
        self._paths = dict(ensure_held(self._entries[index:stop], self._home, None).paths)
        self._fetched = stop

    def blocks(self, index: int) -> Iterator[bytes]:
        """Yield the bytes of a file."""
        self.fetch(index)
        entry = self._entries[index]
        sent = 0
        with self._paths[want(entry)].open("rb") as file:
            while block := file.read(_PIECE):
                sent += len(block)
                yield block
        if entry.size is not None and sent != entry.size:
            raise ObjectNotFound(f"{entry.logical_key} changed while it was sent")


def _pieces(files: _Files, names: Sequence[str]) -> Iterator[bytes]:
    from zipstream import ZIP_STORED, ZipStream

    # Most files are compressed as what they are; so is nothing here, and all stays fast.
    made = ZipStream(compress_type=ZIP_STORED)
    for index, name in enumerate(names):
        made.add(files.blocks(index), name, size=files.size(index))
    yield from made
