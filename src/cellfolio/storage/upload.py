"""Sending: files to a remote store, many at once, never over another revision's bytes.

An object that is there already is left alone: if it has the bytes, it is used, so that an
interrupted push goes on where it stopped; if not, the file goes to another key, unless the bucket
keeps versions.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cellfolio.errors import CellfolioError, DigestMismatch
from cellfolio.package.digests import (
    CHUNK_SIZE,
    Digest,
    Hasher,
    Scheme,
    chunk_size,
    hash_blocks,
    schemes,
)
from cellfolio.storage.blobs import BLOCK, read_blocks
from cellfolio.storage.home import Home
from cellfolio.storage.index import Index
from cellfolio.storage.multipart import ResumableUploads, open_resumable
from cellfolio.storage.places import Place
from cellfolio.storage.progress import Meter
from cellfolio.storage.remote import ObjectInfo, Remotes, with_retries
from cellfolio.storage.workers import Workers

SMALL_WORKERS = 32
LARGE_WORKERS = 3


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send.

    Attributes
    ----------
    source : Path
    size : int
        Bytes.
    digest : Digest
        What was packaged; sending anything else is an error.
    place : Place
        Where it should go.
    fallback : Place
        Where it goes if another object is at `place` and must stay.
    """

    source: Path
    size: int
    digest: Digest
    place: Place
    fallback: Place

    def scheme(self) -> Scheme:
        """Return how the digest was made.

        A multipart ETag does not tell its part size: where several fit, the file is read to see
        which one gives the digest.
        """
        fitting = list(schemes(self.digest, self.size))
        for how in fitting if len(fitting) > 1 else ():
            hasher = Hasher(how)
            for block in read_blocks(self.source):
                hasher.update(block)
            if hasher.digest() == self.digest:
                return how
        return fitting[0]

    def require(self, found: Digest, size: int) -> None:
        """Refuse bytes that are not what was packaged.

        Raises
        ------
        DigestMismatch
        """
        if found != self.digest or size != self.size:
            raise DigestMismatch(
                str(self.source),
                f"{self.size} bytes, {self.digest}",
                f"{size} bytes, {found}",
                hint="the file changed since it was packaged; build the package again",
            )


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """What is to be sent to one remote store, and what is there.

    Attributes
    ----------
    uploads : tuple of Upload
    claims : Place
        Folder of the store for markers of keys that large files are being sent to.
    existing : mapping of str to ObjectInfo
        Objects known to be there, by path.
    versioned : bool
        Whether the bucket keeps every version of an object, so that one may be put over another.
    """

    uploads: tuple[Upload, ...]
    claims: Place
    existing: Mapping[str, ObjectInfo]
    versioned: bool

    def part(self, uploads: tuple[Upload, ...]) -> UploadPlan:
        """Return the plan of some of the uploads."""
        paths = [place.path for one in uploads for place in (one.place, one.fallback)]
        existing = {path: self.existing[path] for path in paths if path in self.existing}
        return replace(self, uploads=uploads, existing=existing)


def send_files(plan: UploadPlan, home: Home, meter: Meter) -> dict[Digest, Place]:
    """Send files; return where each digest is.

    Parameters
    ----------
    plan : UploadPlan
    home : Home
        Its store notes uploads of large files, so that the next push goes on with them.
    meter : Meter
        Told what was sent.

    Raises
    ------
    CellfolioError
        The first failure; what was sent stays and is found by the next push.
    """
    index = home.blobs.index if home.blobs.writable else None
    return _Sending(plan, home.remotes, index).send(meter)


class _Sending:
    """One call of `send_files`: what it knows, and its threads."""

    def __init__(self, plan: UploadPlan, remotes: Remotes, index: Index | None) -> None:
        self._plan = plan
        self._remotes = remotes
        self._index = index
        self._resumable: ResumableUploads | None = None

    def send(self, meter: Meter) -> dict[Digest, Place]:
        listed = self._plan.uploads
        small = deque(upload for upload in listed if upload.size <= CHUNK_SIZE)
        large = deque(upload for upload in listed if upload.size > CHUNK_SIZE)
        if large:
            root = self._plan.claims.root
            self._resumable = open_resumable(root, self._remotes, self._index)
        workers: Workers[tuple[Digest, Place]] = Workers()
        send = partial(self._send_one, meter, workers.check)
        workers.start(SMALL_WORKERS, small, send)
        workers.start(LARGE_WORKERS, large, send)
        sent: dict[Digest, Place] = {}
        try:
            for digest, place in workers.results(len(listed), meter.tell):
                sent[digest] = place
                meter.advance(files=1)
                meter.tell()
        finally:
            workers.stop()
        return sent

    def _send_one(
        self, meter: Meter, check: Callable[[], None], upload: Upload
    ) -> tuple[Digest, Place]:
        place = self._send_somewhere(upload, check)
        meter.advance(size=upload.size)
        return upload.digest, place

    def _send_somewhere(self, upload: Upload, check: Callable[[], None]) -> Place:
        for place in (upload.place, upload.fallback):
            there = self._plan.existing.get(place.path)
            if there is not None and self._is(there, upload, place):
                self._discard(place, upload)
                return self._existing_place(place, there)
            if there is not None and not self._plan.versioned:
                self._discard(place, upload)
                continue
            mode = "create" if there is None else "overwrite"
            try:
                return with_retries(partial(self._put, place, mode, upload, check))
            except FileExistsError:  # another pusher, or our own request that seemed to fail
                info = self._remotes.head(place)
                if info is not None and self._is(info, upload, place):
                    return self._existing_place(place, info)
        raise CellfolioError(
            f"{upload.fallback.uri} holds other bytes than its name says",
            hint="ask the registry's owner to remove it",
        )

    def _discard(self, place: Place, upload: Upload) -> None:
        """Give up an upload that an earlier run began and that is not needed any more."""
        if self._resumable is not None and upload.size > CHUNK_SIZE:
            self._resumable.discard(place, upload)

    def _existing_place(self, place: Place, info: ObjectInfo) -> Place:
        if not self._plan.versioned:
            return place
        head = self._remotes.head(place)
        return Place(place.root, place.path, (head or info).version)

    def _is(self, info: ObjectInfo, upload: Upload, place: Place) -> bool:
        """Whether an object has the bytes of an upload.

        Its ETag tells, but for buckets that encrypt with keys of their own. There, an object at
        the fallback is read: its key is its digest, so it should be right.
        """
        if info.size != upload.size:
            return False
        wanted = Digest("ETag", info.e_tag or "")
        found, _ = hash_blocks(wanted, upload.size, lambda: read_blocks(upload.source))
        if found == wanted or place != upload.fallback:
            return found == wanted
        body = self._remotes.get(place)
        found, _ = hash_blocks(upload.digest, upload.size, lambda: body.blocks(BLOCK))
        return found == upload.digest

    def _put(self, place: Place, mode: str, upload: Upload, check: Callable[[], None]) -> Place:
        check()
        if upload.size <= CHUNK_SIZE:
            data = upload.source.read_bytes()
            found, _ = hash_blocks(upload.digest, len(data), lambda: iter((data,)))
            upload.require(found, len(data))
            _, version = self._remotes.put(place, data, mode=mode)
        else:
            if mode == "create" and place != upload.fallback:
                self._claim(place, upload)
            version = self._put_in_parts(place, upload, check)
        return Place(place.root, place.path, None if version == "null" else version)

    def _put_in_parts(self, place: Place, upload: Upload, check: Callable[[], None]) -> str | None:
        if self._resumable is not None:
            return self._resumable.send(place, upload, check)
        blocks = _checked_blocks(upload, check)
        return self._remotes.put(place, blocks, part_size=chunk_size(upload.size))[1]

    def _claim(self, place: Place, upload: Upload) -> None:
        """Make sure that no other pusher sends other bytes to the same key.

        Uploads in parts have no condition of their own, so the first to put a small marker has
        the key; whoever finds another's marker goes to the fallback, whose name is the digest.

        Raises
        ------
        FileExistsError
            If the key is another's.
        """
        if self._remotes.head(place) is not None:
            raise FileExistsError(place.uri)
        name = hashlib.sha256(place.path.encode()).hexdigest()
        claim = replace(self._plan.claims, path=f"{self._plan.claims.path}/{name}")
        mine = str(upload.digest).encode()
        try:
            self._remotes.put(claim, mine, mode="create")
        except FileExistsError:
            if self._remotes.read(claim)[0] != mine:
                raise FileExistsError(place.uri) from None


def _checked_blocks(upload: Upload, check: Callable[[], None]) -> Iterator[bytes]:
    """Yield a file's blocks; the last one only if the whole file is what was packaged.

    Raising before the last block aborts the upload, so that a file changed meanwhile leaves no
    object behind.
    """
    hasher = Hasher(upload.scheme())
    held: bytes | None = None
    size = 0
    for block in read_blocks(upload.source):
        check()
        if held is not None:
            yield held
        hasher.update(block)
        size += len(block)
        held = block
    upload.require(hasher.digest(), size)
    if held is not None:
        yield held
