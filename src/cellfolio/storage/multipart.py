"""Large files, sent to S3 in parts; after any interruption only the parts that lack are sent.

The home notes the server's name of each upload that was begun. The next run asks the server which
parts it has.

Rule 1: a part that the server has is used only if its ETag is the MD5 of the local file's part;
where ETags are something else, as in buckets that encrypt with keys of their own, it is sent again.
Rule 2: parts become an object only after every byte, sent now or before, went through the digest,
and the digest was what was packaged. If it was not, the upload is given up.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cellfolio.errors import CellfolioError, DigestMismatch
from cellfolio.package.digests import MIB, Digest, Hasher, chunk_size, scheme
from cellfolio.storage.index import Index
from cellfolio.storage.places import Place
from cellfolio.storage.remote import Remotes
from cellfolio.storage.s3.answers import UploadGone
from cellfolio.storage.s3.transport import open_bucket
from cellfolio.storage.s3.uploads import KeptPart, OpenUpload, Part, PartUploads
from cellfolio.storage.workers import POLL, Stopped

if TYPE_CHECKING:
    from cellfolio.package.digests import Scheme
    from cellfolio.storage.upload import Upload

PARTS_AT_ONCE = 4
"""Parts of one file under way."""
_MOST_HELD = 64 * MIB
"""Bytes of one file held in memory, unless one part is larger."""
_NOTES = "upload"
"""Kind of the index's notes that name uploads under way."""


class ResumableUploads:
    """Sends large files to one bucket, and goes on with what an earlier run began.

    Safe for threads.

    Parameters
    ----------
    remotes : Remotes
    requests : PartUploads
    index : Index or None
        Where uploads are noted; None if this home cannot be written.
    """

    def __init__(self, remotes: Remotes, requests: PartUploads, index: Index | None) -> None:
        self._remotes = remotes
        self._requests = requests
        self._index = index

    def send(self, place: Place, upload: Upload, check: Callable[[], None]) -> str | None:
        """Send a file; return the version of the object.

        Parameters
        ----------
        place : Place
        upload : Upload
        check : callable
            Raises to stop the work; what the server has stays for the next run.

        Raises
        ------
        DigestMismatch
            If the file is not what was packaged; nothing is visible then.
        UploadGone
            If the upload was ended from elsewhere; a new call begins anew.
        AccessRefused, ObjectNotFound, ServerUnreachable, TransferError
        """
        self._remotes.check_writable(place)
        ongoing, kept = self._open(place, upload)
        try:
            parts = self._send_parts(ongoing, upload, kept, check)
            version = self._complete(ongoing, upload, parts)
        except (DigestMismatch, UploadGone):
            self._give_up(ongoing, upload)
            raise
        self._forget(ongoing, upload)
        return version

    def discard(self, place: Place, upload: Upload) -> None:
        """Give up what an earlier run began, if it did: the file is not sent to this place."""
        upload_id = self._noted(place, upload)
        if upload_id is not None:
            self._give_up(OpenUpload(place, upload_id), upload)

    def _open(self, place: Place, upload: Upload) -> tuple[OpenUpload, dict[int, KeptPart]]:
        upload_id = self._noted(place, upload)
        if upload_id is not None:
            ongoing = OpenUpload(place, upload_id)
            with suppress(UploadGone):
                return ongoing, self._requests.parts(ongoing)
        ongoing = self._requests.begin(place)
        if self._index is not None:
            self._index.set_note(_NOTES, self._name(place, upload), ongoing.id)
        return ongoing, {}

    def _send_parts(
        self,
        ongoing: OpenUpload,
        upload: Upload,
        kept: dict[int, KeptPart],
        check: Callable[[], None],
    ) -> dict[int, KeptPart]:
        """Send the parts that the server lacks; return all, if the file was what was packaged."""
        reading = _Reading(upload)
        used: dict[int, KeptPart] = {}

        def send(part: Part, check: Callable[[], None]) -> KeptPart:
            return self._requests.put_part(ongoing, part, check)

        with _Sending(send, check, _parts_at_once(upload.size)) as sending:
            for part in reading.parts():
                check()
                there = kept.get(part.number)
                if there is not None and _same(there, part):
                    used[part.number] = there
                else:
                    sending.add(part)
            upload.require(reading.digest(), reading.size)
            return used | sending.finish()

    def _complete(
        self, ongoing: OpenUpload, upload: Upload, parts: dict[int, KeptPart]
    ) -> str | None:
        try:
            return self._requests.complete(ongoing, parts)
        except UploadGone:
            # Completed already: an answer was lost, or another process had the same upload.
            info = self._remotes.head(ongoing.place)
            if info is None or info.e_tag is None or info.e_tag != _joint_e_tag(upload, parts):
                raise
            return info.version

    # What the home remembers

    def _name(self, place: Place, upload: Upload) -> str:
        part_size = chunk_size(upload.size)
        return f"{place.root}/{place.path} {upload.digest} {upload.size} {part_size}"

    def _noted(self, place: Place, upload: Upload) -> str | None:
        if self._index is None:
            return None
        noted = self._index.note(_NOTES, self._name(place, upload))
        return noted if isinstance(noted, str) else None

    def _give_up(self, ongoing: OpenUpload, upload: Upload) -> None:
        with suppress(CellfolioError):  # what it raised, or does next, counts more than cleaning up
            self._requests.abort(ongoing)
        self._forget(ongoing, upload)

    def _forget(self, ongoing: OpenUpload, upload: Upload) -> None:
        """Drop the note of an upload, unless another process noted a newer one."""
        if self._index is not None and self._noted(ongoing.place, upload) == ongoing.id:
            self._index.set_note(_NOTES, self._name(ongoing.place, upload), None)


def open_resumable(root: str, remotes: Remotes, index: Index | None) -> ResumableUploads | None:
    """Return what sends large files to a store; None where only the client can.

    Parameters
    ----------
    root : str
        URI of the store, such as ``s3://bucket``.
    remotes : Remotes
    index : Index or None
        Where uploads are noted; None if this home cannot be written.
    """
    bucket = open_bucket(root, remotes)
    if bucket is None or bucket.access.keys is None:
        return None
    return ResumableUploads(remotes, PartUploads(bucket), index)


class _Reading:
    """A file on its way through the digest, part by part."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._part_size = chunk_size(upload.size)
        self._how: Scheme = upload.scheme()
        self._hasher = Hasher(self._how)
        self._leaves: list[bytes] = []
        # Then the hash that signs a part is a leaf of the digest, and each byte is hashed once.
        chunked = self._how.algorithm == "sha2-256-chunked"
        self._parts_are_leaves = chunked and self._how.leaf_size == self._part_size
        self.size = 0

    def parts(self) -> Iterator[Part]:
        """Yield the parts; stop where the file is longer than it should be."""
        with self._upload.source.open("rb") as file:
            number = 0
            while self.size <= self._upload.size and (data := file.read(self._part_size)):
                number += 1
                self.size += len(data)
                yield Part(number, data, self._update(data))

    def _update(self, data: bytes) -> str | None:
        if not self._parts_are_leaves:
            self._hasher.update(data)
            return None
        leaf = hashlib.sha256(data)
        self._leaves.append(leaf.digest())
        return leaf.hexdigest()

    def digest(self) -> Digest:
        """Return the digest of what was read."""
        if self._parts_are_leaves:
            return self._how.digest(self._leaves)
        return self._hasher.digest()


class _Sending:
    """Parts of one file under way, a few at once.

    Leaving the block stops those that are under way.
    """

    def __init__(
        self,
        send: Callable[[Part, Callable[[], None]], KeptPart],
        check: Callable[[], None],
        most: int,
    ) -> None:
        self._send = send
        self._outer_check = check
        self._most = most
        self._pool = ThreadPoolExecutor(most)
        self._over = threading.Event()
        self._under_way: dict[Future[KeptPart], int] = {}
        self._sent: dict[int, KeptPart] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._pool.shutdown(cancel_futures=True)

    def add(self, part: Part) -> None:
        """Send a part; return when there is room in memory for one more."""
        self._under_way[self._pool.submit(self._send, part, self._check)] = part.number
        self._wait_until_below(self._most)

    def finish(self) -> dict[int, KeptPart]:
        """Wait for all parts, and return them by number."""
        self._wait_until_below(1)
        return self._sent

    def _check(self) -> None:
        if self._over.is_set():
            raise Stopped
        self._outer_check()

    def _wait_until_below(self, count: int) -> None:
        while True:
            patience = POLL if len(self._under_way) >= count else 0
            done, _ = wait(self._under_way, timeout=patience, return_when=FIRST_COMPLETED)
            for future in done:
                self._sent[self._under_way.pop(future)] = future.result()
            if len(self._under_way) < count:
                return
            self._outer_check()


def _parts_at_once(size: int) -> int:
    return max(1, min(PARTS_AT_ONCE, _MOST_HELD // chunk_size(size)))


def _same(kept: KeptPart, part: Part) -> bool:
    if kept.size != len(part.data):
        return False
    return kept.e_tag == hashlib.md5(part.data, usedforsecurity=False).hexdigest()


def _joint_e_tag(upload: Upload, parts: dict[int, KeptPart]) -> str | None:
    """Return the ETag of the whole object; None where a part's is no MD5."""
    try:
        leaves = [bytes.fromhex(part.e_tag) for _, part in sorted(parts.items())]
    except ValueError:
        return None
    return scheme("ETag", upload.size, part_size=chunk_size(upload.size)).digest(leaves).value
