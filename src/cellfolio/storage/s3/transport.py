"""Requests to one bucket: signed or not, over connections that are kept, tried again in trouble.

References
----------
"Making requests", Amazon S3 API Reference; RFC 9112 for connections that are used again.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse, IncompleteRead

from cellfolio.errors import CellfolioError, TransferError
from cellfolio.storage import clients
from cellfolio.storage.clients import S3Access, s3_access
from cellfolio.storage.places import Place
from cellfolio.storage.remote import Remotes
from cellfolio.storage.s3.answers import Answer, Passing, require_success, unreachable
from cellfolio.storage.s3.connections import Connections, Message
from cellfolio.storage.signing import EMPTY, Unsigned, encode_path, encode_query, sign
from cellfolio.storage.workers import POLL

PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.0)
"""Seconds before a request is sent again."""
_LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer that is read whole."""
TROUBLE = (OSError, HTTPException)
"""What connections raise; errors of this library may be an `OSError` too."""


def go_on() -> None:
    """Stop nothing: the `check` of callers that are never stopped."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request about an object, or about a bucket where the place has no path.

    Attributes
    ----------
    method : str
        In capitals.
    place : Place
    query : mapping of str to str
    headers : mapping of str to str
        Beside those of the signature.
    body : bytes
    payload_hash : str
        SHA-256 of the body in hexadecimal, or `cellfolio.storage.signing.UNSIGNED`.
    """

    method: str
    place: Place
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    payload_hash: str = EMPTY


class Patience:
    """How often one request is sent again, and after which pauses.

    Parameters
    ----------
    check : callable
        Called often while waiting; may raise to stop.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._pauses = iter(PAUSES)
        self._end: float | None = None

    def wait(self) -> bool:
        """Wait before the next try; return False where there have been enough."""
        now = time.monotonic()
        self._end = self._end or now + clients.RETRY_TIMEOUT.total_seconds()
        pause = next(self._pauses, None)
        if pause is None or now + pause > self._end:
            return False
        while (left := now + pause - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, POLL))
        return True


class S3Bucket:
    """Requests to one bucket; safe for threads.

    Parameters
    ----------
    access : S3Access
    """

    def __init__(self, access: S3Access) -> None:
        self.access = access
        self._connections = Connections(access.url)
        self._end = weakref.finalize(self, self._connections.close)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._end()

    @property
    def secure(self) -> bool:
        """Whether TLS protects what is sent."""
        return self.access.url.startswith("https:")

    @property
    def proxy(self) -> str | None:
        """Scheme of the proxy that the environment names for this bucket, if it names one."""
        return self._connections.proxy

    def ask(self, request: Request, check: Callable[[], None] = go_on) -> Answer:
        """Send a request until it succeeds, fails for good, or failed too often.

        Parameters
        ----------
        request : Request
        check : callable
            Called often; may raise to stop.

        Raises
        ------
        AccessRefused, ObjectNotFound, ServerUnreachable, UploadGone, TransferError
        """
        patience = Patience(check)
        while True:
            check()
            try:
                return self._ask_once(request, check)
            except Passing as trouble:
                if not patience.wait():
                    raise trouble.error from trouble.__cause__

    def _ask_once(self, request: Request, check: Callable[[], None]) -> Answer:
        try:
            with self.send(request, check) as response:
                answer = read_answer(response, request.place)
        except CellfolioError:
            raise
        except TROUBLE as error:
            raise Passing(unreachable(error, request.place)) from error
        require_success(answer)
        return answer

    @contextmanager
    def send(self, request: Request, check: Callable[[], None] = go_on) -> Iterator[HTTPResponse]:
        """Send a request once; give the answer, whatever its status, to be read here.

        Raises
        ------
        OSError, http.client.HTTPException
            If the connection fails.
        AccessRefused
            If the credentials cannot be read.
        """
        connection, response = self._connections.send(self._message(request), check)
        try:
            yield response
        finally:
            self._connections.take_back(connection, response)

    def _message(self, request: Request) -> Message:
        path, query = encode_path(request.place.path), encode_query(request.query)
        url = f"{self.access.url}/{path}" + (f"?{query}" if query else "")
        headers = {"User-Agent": "cellfolio", **request.headers}
        if self.access.keys is not None:
            unsigned = Unsigned(request.method, url, request.payload_hash)
            moment = datetime.now(UTC)
            headers |= sign(unsigned, self.access.keys(), self.access.region, moment)
        return Message(request.method, url, headers, request.body)


def read_answer(response: HTTPResponse, place: Place) -> Answer:
    """Read an answer whole.

    Raises
    ------
    TransferError
        If it is too large to be what was asked for.
    OSError, http.client.HTTPException
        If the connection fails.
    """
    data = response.read(_LARGEST_ANSWER)
    if len(data) == _LARGEST_ANSWER:
        raise TransferError(f"{place.uri}: the answer has more than {_LARGEST_ANSWER} bytes")
    if response.length:
        raise IncompleteRead(data, response.length)
    return Answer(response.status, response.headers, data, place)


def open_bucket(root: str, remotes: Remotes, *, unsigned: bool = False) -> S3Bucket | None:
    """Return what sends requests to a bucket; None where only the client can.

    Parameters
    ----------
    root : str
        URI of the store, such as ``s3://bucket``.
    remotes : Remotes
        Tells the region.
    unsigned : bool
        Use no credentials.
    """
    if not root.startswith("s3://"):
        return None
    from obstore.store import S3Store

    store = remotes.store(root)
    region = store.config.get("region") if isinstance(store, S3Store) else None
    if region is None:
        return None
    access = s3_access(root.removeprefix("s3://"), region, unsigned=unsigned)
    bucket = None if access is None else S3Bucket(access)
    return bucket if bucket is None or bucket.proxy in (None, "http") else None
