"""Downloads of files into a cache: many at once, each by one process only.

Rule 1: who downloads a file holds its claim, a lock of its own. Others that want the same file
wait and then find it; others that want other files are not held up.
Rule 2: nothing is waited for while claims are held, so that processes cannot block one another.
Rule 3: a file that is here already stays until its successor is verified.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from filelock import FileLock, Timeout

from cellfolio.compat.abc.cache_folder import Arrival, CacheFolder
from cellfolio.compat.abc.failures import DownloadFailed
from cellfolio.compat.abc.progress import shown_progress
from cellfolio.errors import DigestMismatch, NotEnoughSpace, TransferError
from cellfolio.package.entry import Entry
from cellfolio.package.plan import plan_fetch, want
from cellfolio.registries.abc.release import AbcFile, Release, to_package
from cellfolio.storage.disk import check_free_space
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Meter

_AT_ONCE = 100
"""Claims held at a time; each is an open file, and some systems allow 256 of those."""
_PLACE_EVERY = 1.0
"""Seconds between two times that what arrived is placed."""
_ROUNDS = 3
"""Times that a file is fetched if another process takes its bytes for a file of its own."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How files are to be downloaded.

    Attributes
    ----------
    force : bool
        Also those that are here.
    accept_size : bool
        Take a file that has the right size even if its digest is not the one of the manifest.
    """

    force: bool = False
    accept_size: bool = False


class Downloads:
    """Brings files of a release into a cache.

    Parameters
    ----------
    folder : CacheFolder
    open_home : callable
        Returns the home inside the cache folder; called when something is to be downloaded.
    root : str
        URI of the bucket.
    """

    def __init__(self, folder: CacheFolder, open_home: Callable[[], Home], root: str) -> None:
        self._folder = folder
        self._open_home = open_home
        self._root = root

    def bring(self, release: Release, files: Sequence[AbcFile], wish: Wish) -> None:
        """Make sure that files are in the cache.

        Parameters
        ----------
        release : Release
            That has the files.
        files : sequence of AbcFile
        wish : Wish

        Raises
        ------
        DownloadFailed
            If some cannot be had; the others are there.
        NotEnoughSpace
            Before anything is downloaded.
        """
        named = {file.relative_path: file for file in files}
        waiting = list(named.values())
        if not wish.force:
            waiting = self._folder.missing(waiting)
        if not waiting:
            return
        self._open_home()
        self._check_space(sum(file.size for file in waiting))
        package = to_package(release, self._root)
        entries = {file.relative_path: package.entry(file.relative_path) for file in waiting}
        failures: dict[str, Exception] = {}
        while waiting:
            with self._claims(waiting[:_AT_ONCE]) as claimed:
                wanted = claimed if wish.force else self._folder.missing(claimed)
                failures |= self._fetch([entries[f.relative_path] for f in wanted], wish)
            waiting = [file for file in waiting if file not in claimed]
        if failures:
            raise DownloadFailed(list(failures.values()), len(named)) from next(
                iter(failures.values())
            )

    def _check_space(self, size: int) -> None:
        try:
            check_free_space(self._folder.folder, size, "downloading")
        except NotEnoughSpace as error:
            error.hint = "free space there, download less, or use another cache_dir"
            raise

    @contextmanager
    def _claims(self, files: Sequence[AbcFile]) -> Iterator[list[AbcFile]]:
        """Claim those of some files that nobody else has; if others have all, wait for one."""
        folder = self._folder.folder / ".cellfolio" / "claims"
        folder.mkdir(parents=True, exist_ok=True)
        locks = {
            file: FileLock(folder / hashlib.sha256(file.relative_path.encode()).hexdigest()[:32])
            for file in files
        }
        claimed = []
        with ExitStack() as held:
            for file, lock in locks.items():
                try:
                    held.enter_context(lock.acquire(timeout=0))
                except Timeout:
                    continue
                claimed.append(file)
            if not claimed:
                first, lock = next(iter(locks.items()))
                held.enter_context(lock.acquire())
                claimed.append(first)
            yield claimed

    def _fetch(self, entries: Sequence[Entry], wish: Wish) -> dict[str, Exception]:
        """Fetch and place; return what went wrong by path."""
        failures: dict[str, Exception] = {}
        for _ in range(_ROUNDS):
            if not entries:
                return failures
            placed, failed = self._fetch_once(entries)
            mismatched = [
                replace(entry, digest=None)
                for entry in entries
                if isinstance(failed.get(entry.logical_key), DigestMismatch)
                and entry.digest is not None
            ]
            if wish.accept_size and mismatched:
                more, failed_again = self._fetch_once(mismatched)
                placed |= more
                failed = {key: one for key, one in failed.items() if key not in more}
                failed |= failed_again
            failures |= failed
            entries = [e for e in entries if e.logical_key not in placed | failed.keys()]
        taken = TransferError("other processes took the bytes each time they were here")
        return failures | {entry.logical_key: taken for entry in entries}

    def _fetch_once(self, entries: Sequence[Entry]) -> tuple[set[str], dict[str, Exception]]:
        """Fetch and place; return what is placed, and what went wrong by path."""
        home = self._open_home()
        blobs = home.blobs
        blobs.require_writable()
        keys: dict[str, tuple[str, ...]] = {}
        for entry in entries:
            keys[want(entry)] = (*keys.get(want(entry), ()), entry.logical_key)
        plan = plan_fetch(entries, blobs.held)
        failed: dict[str, Exception] = {}
        arrivals = _Arrivals(self._folder)
        for name, path in blobs.find(plan.held).items():
            arrivals.add(Arrival(blobs.name(path), path, keys[name]))
        with shown_progress() as progress:
            meter = Meter(progress, "fetch", len(plan.transfers), plan.bytes_to_fetch)
            for fetched in home.fetcher.fetch(plan.transfers, meter):
                where = keys[fetched.transfer.name]
                if fetched.error is None:
                    arrivals.add(Arrival(fetched.blob, blobs.path(fetched.blob), where))
                else:
                    failed |= dict.fromkeys(where, fetched.error)
            meter.tell(finished=True)
        arrivals.place()
        blobs.index.forget_blobs(arrivals.blobs)
        return arrivals.placed, failed


class _Arrivals:
    """Places what arrives, now and then: each time takes the lock of the cache."""

    def __init__(self, folder: CacheFolder) -> None:
        self.placed: set[str] = set()
        self.blobs: list[str] = []
        self._folder = folder
        self._waiting: list[Arrival] = []
        self._last = time.monotonic()

    def add(self, arrival: Arrival) -> None:
        self._waiting.append(arrival)
        if time.monotonic() - self._last > _PLACE_EVERY:
            self.place()

    def place(self) -> None:
        if self._waiting:
            self.placed |= self._folder.place(self._waiting)
            self.blobs += [arrival.blob for arrival in self._waiting]
        self._waiting, self._last = [], time.monotonic()
