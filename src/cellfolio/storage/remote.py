"""Remote stores: S3, HTTP, Google Cloud, Azure, local folders and memory.

What is where: `cellfolio.storage.places`. How the environment sets the clients up:
`cellfolio.storage.clients`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from cellfolio.errors import (
    AccessRefused,
    InvalidArgument,
    ObjectNotFound,
    TransferError,
)
from cellfolio.storage.clients import open_client
from cellfolio.storage.places import Place
from cellfolio.storage.trouble import RangesUnsupported, translate_error

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ObjectStore

T = TypeVar("T")

ATTEMPTS = 3
"""Times one object or part is asked for anew, after the client's own retries gave up."""
_FIRST_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store tells of an object.

    Attributes
    ----------
    path : str
        Key below the root.
    size : int
        Bytes.
    e_tag : str or None
        Without quotes.
    version : str or None
    modified : datetime
    """

    path: str
    size: int
    e_tag: str | None
    version: str | None
    modified: datetime


class Body:
    """An object's bytes as they arrive."""

    def __init__(self, result: Any, place: Place, path: str) -> None:
        self._result = result
        self._place = place
        self._path = path

    @cached_property
    def info(self) -> ObjectInfo:
        """What the store tells of the whole object, whatever range was asked for."""
        return _info(self._result.meta, self._path)

    def blocks(self, size: int) -> Iterator[memoryview]:
        """Yield the bytes in blocks of about `size`.

        Raises
        ------
        TransferError
            If the connection breaks for good.
        """
        try:
            for block in self._result.stream(min_chunk_size=size):
                yield memoryview(block)
        except Exception as error:
            raise translate_error(error, self._place) from error

    def read(self) -> bytes | memoryview:
        """Return all bytes."""
        try:
            return memoryview(self._result.bytes())
        except Exception as error:
            raise translate_error(error, self._place) from error


class Remotes:
    """Opens remote stores, each once.

    A bucket that refuses the credentials of the environment is read without them, if it lets
    anybody read: credentials that are expired, or somebody else's, do not shut public data.

    Safe for threads. A process that forks makes a new one.

    Parameters
    ----------
    locate : callable, optional
        Returns the place that is read instead of another (see `cellfolio.storage.mirrors`).

    Attributes
    ----------
    locate : callable
    """

    def __init__(self, locate: Callable[[Place], Place] = lambda place: place) -> None:
        self.locate = locate
        self._hurried = False
        self._stores: dict[tuple[str, bool, bool], ObjectStore] = {}
        self._public: set[str] = set()
        self._lock = threading.Lock()

    def hurried(self) -> Remotes:
        """Return the same stores, all asked in haste: where there is something to fall back on."""
        found = copy(self)
        found._hurried = True
        return found

    def store(self, root: str, *, hasty: bool = False, writing: bool = False) -> ObjectStore:
        """Return the client for a bucket, host or folder; a hasty one gives up soon."""
        hasty = hasty or self._hurried
        unsigned = self.unsigned(root) and not writing
        with self._lock:
            if (root, hasty, unsigned) not in self._stores:
                self._stores[root, hasty, unsigned] = open_client(
                    root, hasty=hasty, unsigned=unsigned
                )
            return self._stores[root, hasty, unsigned]

    def unsigned(self, root: str) -> bool:
        """Whether a store is read without the credentials that it refused."""
        return root in self._public

    def read_from(self, root: str, read: Callable[[], T]) -> T:
        """Read something of a store; if it refuses the credentials, try once without them.

        Raises
        ------
        AccessRefused
            If it refuses strangers, too.
        """
        signed = root.startswith("s3://") and not self.unsigned(root)
        try:
            return read()
        except AccessRefused:
            if not signed:
                raise
            self._public.add(root)
            try:
                return read()
            except AccessRefused:
                self._public.discard(root)
            raise

    def get(
        self, place: Place, *, span: tuple[int, int] | None = None, hasty: bool = False
    ) -> Body:
        """Ask for an object, or for bytes `span[0]` to before `span[1]` of it.

        Raises
        ------
        ObjectNotFound, AccessRefused, ServerUnreachable, TransferError
        """
        import obstore

        there = self.locate(place)
        options: GetOptions = {}
        if span is not None:
            options["range"] = span
        if there.version is not None:
            options["version"] = there.version

        def ask() -> Body:
            store = self.store(there.root, hasty=hasty)
            result = _call(lambda: obstore.get(store, there.path, options=options), there)
            return Body(result, there, place.path)

        return self.read_from(there.root, ask)

    def read(self, place: Place, *, hasty: bool = False) -> tuple[bytes, ObjectInfo]:
        """Return a small object and what the store tells of it; in haste, ask but once."""
        if hasty:
            return self._read_once(place, hasty=True)
        return with_retries(lambda: self._read_once(place, hasty=False))

    def _read_once(self, place: Place, *, hasty: bool) -> tuple[bytes, ObjectInfo]:
        body = self.get(place, hasty=hasty)
        return bytes(body.read()), body.info

    def put(
        self, place: Place, data: Any, *, mode: Any = "overwrite", part_size: int | None = None
    ) -> tuple[str | None, str | None]:
        """Store an object whole; return its ETag and version.

        Parameters
        ----------
        place : Place
        data : bytes or iterator of bytes
        mode : {'overwrite', 'create'} or dict
            ``create`` fails where an object is; ``{"e_tag": …}`` where another object is.
        part_size : int, optional
            Send in parts of this many bytes.

        Raises
        ------
        FileExistsError
            For mode ``create``, if an object is there.
        ChangedMeanwhile
            For a conditional mode, if another object is there.
        """
        import obstore

        self.check_writable(place)
        multipart: dict[str, Any] = {"use_multipart": False}
        if part_size is not None:
            multipart = {"use_multipart": True, "chunk_size": part_size, "max_concurrency": 4}
        result = _call(
            lambda: obstore.put(
                self.store(place.root, writing=True), place.path, data, mode=mode, **multipart
            ),
            place,
        )
        return _bare(result["e_tag"]), result["version"]

    def head(self, place: Place) -> ObjectInfo | None:
        """Return what the store tells of an object, or None where there is none."""
        import obstore

        there = self.locate(place)

        def ask() -> ObjectInfo:
            store = self.store(there.root)
            return _call(lambda: _info(obstore.head(store, there.path), place.path), there)

        try:
            return self.read_from(there.root, ask)
        except ObjectNotFound:
            return None

    def delete(self, place: Place) -> None:
        """Remove an object, if it is there."""
        import obstore

        self.check_writable(place)
        try:
            store = self.store(place.root, writing=True)
            _call(lambda: obstore.delete(store, place.path), place)
        except ObjectNotFound:
            return

    def check_writable(self, place: Place) -> None:
        """Refuse to write to a place that is read from a mirror.

        Raises
        ------
        InvalidArgument
        """
        there = self.locate(place)
        if there != place:
            raise InvalidArgument(
                f"{place.uri} is read from {there.uri}, and nothing is written to a mirror",
                hint="name the registry's true address, or unset CELLFOLIO_MIRROR",
            )

    def objects(
        self, place: Place, *, after: str | None = None, hasty: bool = False
    ) -> Iterator[ObjectInfo]:
        """Yield every object below a folder; with `after`, those whose path sorts after it.

        In haste, the store is asked but once.
        """
        import obstore

        there = self.locate(place)
        folder, here = _folder(there.path), _folder(place.path)
        start = None if after is None else folder + after.removeprefix(here)

        def begin() -> tuple[Iterator[Any], Any]:
            store = self.store(there.root, hasty=hasty)
            listing = iter(obstore.list(store, there.path or None, offset=start, chunk_size=1000))
            return listing, _call(lambda: next(listing, ()), there)

        batches, batch = self.read_from(there.root, begin)
        while batch:
            for meta in batch:
                yield _info(meta, here + meta["path"].removeprefix(folder))
            batch = _call(lambda: next(batches, ()), there)

    def folders(self, place: Place) -> list[str]:
        """Return the names of the folders directly in a folder, sorted."""
        import obstore

        there = self.locate(place)

        def ask() -> Any:
            store = self.store(there.root)
            return _call(lambda: obstore.list_with_delimiter(store, there.path or None), there)

        found = self.read_from(there.root, ask)
        return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"])


def with_retries(call: Callable[[], T]) -> T:
    """Call, and call again after a pause, while the failure is one that may pass."""
    for attempt in range(ATTEMPTS):
        try:
            return call()
        except (ObjectNotFound, AccessRefused, RangesUnsupported):
            raise
        except TransferError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(_FIRST_PAUSE * 2**attempt)
    raise AssertionError("unreachable")


def _call(call: Callable[[], T], place: Place) -> T:
    try:
        return call()
    except Exception as error:
        raise translate_error(error, place) from error


def _info(meta: Any, path: str) -> ObjectInfo:
    return ObjectInfo(
        path, meta["size"], _bare(meta["e_tag"]), meta["version"], meta["last_modified"]
    )


def _folder(path: str) -> str:
    return path.rstrip("/") + "/" if path else ""


def _bare(e_tag: str | None) -> str | None:
    return None if e_tag is None else e_tag.strip('"')
