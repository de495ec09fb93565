"""Fetching: remote bytes into the store, many files at once, each checked before it is seen.

Small files are asked for whole, 64 at a time. Files above 32 MiB are asked for in parts, 12 at a
time, which are hashed as they arrive and survive an interruption (`cellfolio.storage.parts`).
Memory does not grow with the size of files.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from cellfolio.errors import (
    CellfolioError,
    DigestMismatch,
    ObjectNotFound,
    ServerUnreachable,
    StoreError,
    TransferError,
)
from cellfolio.package.digests import (
    DEFAULT_ALGORITHM,
    Buffer,
    Digest,
    Hasher,
    Scheme,
    hash_blocks,
    scheme,
    schemes,
)
from cellfolio.package.entry import Entry
from cellfolio.package.plan import Transfer, blob_id
from cellfolio.storage.blobs import BLOCK, BlobStore, read_blocks
from cellfolio.storage.index import BlobRow
from cellfolio.storage.parts import Part, PartFile
from cellfolio.storage.places import local_path, parse_uri
from cellfolio.storage.progress import Meter
from cellfolio.storage.remote import Remotes, with_retries
from cellfolio.storage.s3.ranges import RangedReads
from cellfolio.storage.trouble import ChangedMeanwhile, RangesUnsupported
from cellfolio.storage.workers import POLL, Workers

SMALL_WORKERS = 64
LARGE_WORKERS = 12
LARGE_FILES = 3
"""Large files under way at once, so that one's end overlaps with the next one's start."""
LARGE = 32 * BLOCK
"""Bytes from which on a file is fetched in parts."""
_TRIES = 2
"""Whole fetches of a file whose bytes come out wrong, before that is reported."""
GIVE_UP = 16
"""Transfers in a row that could not reach their server, after which the rest are not tried."""
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Fetched:
    """A transfer that was checked and is in the store, or failed.

    Attributes
    ----------
    transfer : Transfer
    blob : str
        Name in the store; empty where it failed.
    error : Exception or None
    """

    transfer: Transfer
    blob: str = ""
    error: Exception | None = None


class Fetcher:
    """Fetches bytes into a store.

    Parameters
    ----------
    blobs : BlobStore
    remotes : Remotes
    """

    def __init__(self, blobs: BlobStore, remotes: Remotes) -> None:
        self._blobs = blobs
        self._remotes = remotes

    def fetch(self, transfers: Iterable[Transfer], meter: Meter) -> Iterator[Fetched]:
        """Fetch; yield each transfer when it is in the store or has failed.

        One failure does not stop the others, unless the disk is full or the store cannot be
        written: then what is under way is stopped and the error raised.

        Parameters
        ----------
        transfers : iterable of Transfer
        meter : Meter
            Told what arrives.

        Raises
        ------
        StoreError
            If the store's disk is full or cannot be written.
        ServerUnreachable
            If many transfers in a row cannot reach their server.
        """
        run = _Run(self._blobs, self._remotes, meter)
        try:
            yield from run.results(list(transfers))
        finally:
            run.stop()


class _Run:
    """One call of `Fetcher.fetch`: its threads, what they still have to do, what they found."""

    def __init__(self, blobs: BlobStore, remotes: Remotes, meter: Meter) -> None:
        self._blobs = blobs
        self._remotes = remotes
        self._meter = meter
        self._workers: Workers[tuple[Fetched, BlobRow | None]] = Workers()
        self._check = self._workers.check
        self._ranges = RangedReads(remotes, self._check)
        self._parts = ThreadPoolExecutor(LARGE_WORKERS, thread_name_prefix="part")
        self._noted: list[tuple[BlobRow, Entry]] = []

    def results(self, transfers: list[Transfer]) -> Iterator[Fetched]:
        small = deque(t for t in transfers if not _in_parts(t))
        large = deque(t for t in transfers if _in_parts(t))
        self._workers.start(SMALL_WORKERS, small, partial(self._fetch, self._fetch_whole))
        self._workers.start(LARGE_FILES, large, partial(self._fetch, self._fetch_in_parts))
        unreachable = 0
        try:
            for fetched, row in self._workers.results(len(transfers), self._meter.tell):
                unreachable = unreachable + 1 if _is_unreachable(fetched) else 0
                if unreachable >= GIVE_UP and fetched.error is not None:
                    raise fetched.error
                if row is not None:
                    self._noted.append((row, fetched.transfer.entry))
                if len(self._noted) >= _BATCH:
                    self._note()
                self._meter.advance(files=1)
                self._meter.tell()
                yield fetched
        except BaseException:
            # What ended the run is what the user must hear of, not what follows from it. Blobs
            # that are not noted are hashed before their next use.
            with suppress(StoreError):
                self._note()
            raise
        self._note()

    def _note(self) -> None:
        noted, self._noted = self._noted, []
        if noted:
            self._blobs.note(noted)

    def stop(self) -> None:
        """End the threads; unfinished parts stay for the next run."""
        self._workers.stop()
        self._parts.shutdown()
        self._ranges.close()

    def _fetch(
        self, fetch: Callable[[Transfer], BlobRow | None], transfer: Transfer
    ) -> tuple[Fetched, BlobRow | None]:
        try:
            row = fetch(transfer)
        except StoreError:
            raise
        except CellfolioError as error:
            return Fetched(transfer, error=error), None
        except OSError as error:
            raise StoreError(
                f"the store {self._blobs.folder} cannot be written: {error.strerror or error}",
                hint="free disk space or name another disk with CELLFOLIO_HOME, "
                "then run again: finished files are kept",
            ) from error
        return Fetched(transfer, transfer.blob or "" if row is None else row.id), row

    # Whole files

    def _fetch_whole(self, transfer: Transfer) -> BlobRow:
        small = transfer.blob is not None and transfer.size <= BLOCK
        fetch = self._fetch_bytes if small else self._fetch_file
        for _ in range(_TRIES):
            found, keep = with_retries(partial(fetch, transfer))
            if transfer.blob is None or found == transfer.entry.digest:
                return keep()
            self._meter.advance(size=-transfer.size)
        raise _mismatch(transfer.entry, found)

    def _fetch_bytes(self, transfer: Transfer) -> tuple[Digest, Callable[[], BlobRow]]:
        """Fetch a small file into memory; return its digest and what keeps it."""
        entry = transfer.entry
        assert transfer.blob is not None
        assert entry.digest is not None
        source = local_path(entry.physical_key)
        if source is not None:
            data: Buffer = _read_local(source)
        else:
            data = self._remotes.get(parse_uri(entry.physical_key)).read()
        if len(data) != entry.size:
            raise _wrong_size(entry, len(data))
        self._meter.advance(size=len(data))
        found, _ = hash_blocks(entry.digest, len(data), lambda: iter((data,)))
        return found, partial(self._blobs.add_bytes, data, transfer.blob)

    def _fetch_file(self, transfer: Transfer) -> tuple[Digest, Callable[[], BlobRow]]:
        """Fetch a file of any size onto the disk; return its digest and what keeps it."""
        entry = transfer.entry
        source = local_path(entry.physical_key)
        blocks: Iterator[Buffer]
        if source is not None:
            size, blocks = _local_size(source), read_blocks(source)
        else:
            body = self._remotes.get(parse_uri(entry.physical_key))
            size, blocks = body.info.size, body.blocks(BLOCK)
        if entry.size is not None and size != entry.size:
            raise _wrong_size(entry, size)
        unfinished = self._blobs.unfinished()
        try:
            found = self._store_blocks(entry, size, blocks, unfinished)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        if transfer.blob is not None and found != entry.digest:
            unfinished.unlink()
        blob = transfer.blob or blob_id(found, size, entry.physical_key)
        return found, partial(self._blobs.add, unfinished, blob, size)

    def _store_blocks(
        self, entry: Entry, size: int, blocks: Iterator[Buffer], path: Path
    ) -> Digest:
        """Write blocks to a file and hash them on the way."""
        hasher = Hasher(_first_scheme(entry, size))
        received = 0
        try:
            with path.open("wb") as file:
                for block in blocks:
                    self._check()
                    file.write(block)
                    hasher.update(block)
                    received += len(block)
                    self._meter.advance(size=len(block))
            if received != size:
                raise TransferError(f"{entry.physical_key}: the connection ended early")
        except CellfolioError:
            self._meter.advance(size=-received)
            raise
        found = hasher.digest()
        if found != entry.digest and entry.digest is not None and entry.digest.parts:
            return hash_blocks(entry.digest, size, lambda: read_blocks(path))[0]
        return found

    # Files in parts

    def _fetch_in_parts(self, transfer: Transfer) -> BlobRow | None:
        blob, digest = transfer.blob, transfer.entry.digest
        assert blob is not None
        assert digest is not None
        name = hashlib.sha256(blob.encode()).hexdigest()[:32]
        path = self._blobs.scratch("parts") / f"{name}.part"
        with self._holding(path.with_suffix(".lock")):
            if self._blobs.find([blob]):  # another process fetched it meanwhile
                self._meter.advance(size=transfer.size)
                return None
            for _ in range(_TRIES):
                with closing(PartFile(path, transfer.size, digest, self._check)) as parts:
                    try:
                        found = self._fetch_parts(transfer.entry, parts)
                    except RangesUnsupported:
                        parts.discard()
                        return self._fetch_whole(transfer)
                    if found == digest:
                        return self._blobs.add(parts.release(), blob, transfer.size)
                    parts.discard()
                    self._meter.advance(size=-transfer.size)
        if found is None:
            raise ChangedMeanwhile(
                f"{transfer.entry.physical_key} changes while it is read",
                hint="run again when its owner has finished",
            )
        raise _mismatch(transfer.entry, found)

    def _fetch_parts(self, entry: Entry, parts: PartFile) -> Digest | None:
        """Fetch what is missing; return the digest, or None where the object changed."""
        missing = parts.missing()
        self._meter.advance(size=parts.size - sum(part.stop - part.start for part in missing))
        running = [self._parts.submit(self._fetch_part, entry, parts, part) for part in missing]
        try:
            for future in running:
                future.result()
        except ChangedMeanwhile:
            return None
        finally:
            for future in running:
                future.cancel()
            wait(running)
        return parts.found_digest()

    def _fetch_part(self, entry: Entry, parts: PartFile, part: Part) -> None:
        with_retries(lambda: self._fetch_part_once(entry, parts, part))

    def _fetch_part_once(self, entry: Entry, parts: PartFile, part: Part) -> None:
        self._check()
        with self._ranges.open(parse_uri(entry.physical_key), (part.start, part.stop)) as body:
            if body.info.size != parts.size:
                raise _wrong_size(entry, body.info.size)
            if not parts.accept(body.info.e_tag):
                raise ChangedMeanwhile(f"{entry.physical_key} changed meanwhile")
            writer = parts.begin(part)
            try:
                for block in body.blocks(BLOCK):
                    self._check()
                    writer.add(block)
                    self._meter.advance(size=len(block))
                if writer.offset != part.stop:
                    raise TransferError(f"{entry.physical_key}: the connection ended early")
            except BaseException:
                self._meter.advance(size=part.start - writer.offset)
                raise
        writer.finish()

    @contextmanager
    def _holding(self, path: Path) -> Iterator[None]:
        """Hold the lock of a large file, waiting for another process that has it."""
        lock = FileLock(path)
        while True:
            self._check()
            try:
                lock.acquire(timeout=POLL)
            except Timeout:
                continue
            break
        try:
            yield
        finally:
            lock.release()


def _is_unreachable(fetched: Fetched) -> bool:
    return isinstance(fetched.error, ServerUnreachable)


def _in_parts(transfer: Transfer) -> bool:
    remote = local_path(transfer.entry.physical_key) is None
    return remote and transfer.size > LARGE and transfer.blob is not None


def _local_size(source: Path) -> int:
    try:
        return source.stat().st_size
    except FileNotFoundError:
        raise ObjectNotFound(
            f"{source} does not exist", hint="it was moved or removed since it was packaged"
        ) from None


def _read_local(source: Path) -> bytes:
    _local_size(source)
    return source.read_bytes()


def _first_scheme(entry: Entry, size: int) -> Scheme:
    if entry.digest is None or not entry.digest.checkable:
        return scheme(DEFAULT_ALGORITHM, size)
    return next(schemes(entry.digest, size))


def _wrong_size(entry: Entry, found: int) -> DigestMismatch:
    return DigestMismatch(
        entry.logical_key,
        f"{entry.size} bytes",
        f"{found} bytes at {entry.physical_key}",
        hint="it changed since the manifest was made; `cellfolio log` lists newer revisions",
    )


def _mismatch(entry: Entry, found: Digest) -> DigestMismatch:
    return DigestMismatch(
        entry.logical_key,
        str(entry.digest),
        f"{found} at {entry.physical_key}",
        hint="the object was damaged or changed since the manifest was made; nothing was kept",
    )
