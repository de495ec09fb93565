"""The requests of an upload in parts, to S3: begin, put a part, list parts, complete, abort.

The client for everything else, obstore, does uploads in parts as one call that cannot be gone on
with, so these requests are our own. They are retried with pauses where the trouble may pass.

References
----------
"Uploading and copying objects using multipart upload", Amazon S3 User Guide.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cellfolio.errors import AccessRefused, ObjectNotFound, ServerUnreachable, TransferError
from cellfolio.storage import clients
from cellfolio.storage.clients import S3Access
from cellfolio.storage.remote import Place
from cellfolio.storage.signing import (
    EMPTY,
    UNSIGNED,
    Unsigned,
    encode_path,
    encode_query,
    sign,
)
from cellfolio.storage.workers import POLL

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from urllib3 import BaseHTTPResponse, PoolManager

PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.0)
"""Seconds before a request is sent again."""
_BLOCK = 256 * 1024
_CONNECTIONS = 16
_REFUSALS = {
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
}
_PASSING = {
    "BadDigest",
    "IncompleteBody",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "XAmzContentSHA256Mismatch",
}
_GONE = {"InvalidPart", "InvalidPartOrder", "NoSuchUpload"}
_AGAIN = "run the same command again: finished files and parts are kept"


class UploadGone(TransferError):
    """The server does not know an upload, or not the parts of it that we sent."""


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload that was begun and is not complete.

    Attributes
    ----------
    place : Place
        Where the object will be.
    id : str
        The server's name for the upload.
    """

    place: Place
    id: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part to send.

    Attributes
    ----------
    number : int
        Counted from 1.
    data : bytes
    sha256 : str or None
        Of the data, in hexadecimal, if it is known already.
    """

    number: int
    data: bytes
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A part that the server has: its ETag, without quotes, and its bytes."""

    e_tag: str
    size: int


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    place: Place
    query: Mapping[str, str]
    body: bytes = b""
    payload_hash: str = EMPTY


def _go_on() -> None:
    return


class S3Bucket:
    """Uploads in parts to one bucket; safe for threads.

    Every method raises `AccessRefused`, `ObjectNotFound` (no such bucket), `ServerUnreachable`,
    `UploadGone` or `TransferError`. `check` is called often and may raise to stop the work.

    Parameters
    ----------
    access : S3Access
    """

    def __init__(self, access: S3Access) -> None:
        self.access = access
        self._secure = access.url.startswith("https:")

    @cached_property
    def _pool(self) -> PoolManager:
        return _open_pool(self.access.url)

    def begin(self, place: Place) -> OpenUpload:
        """Begin an upload."""
        answer = self._ask(_Request("POST", place, {"uploads": ""}))
        upload_id = _text(_parse(answer, place), "UploadId")
        if not upload_id:
            raise TransferError(f"{place.uri}: the server gave no name for the upload", hint=_AGAIN)
        return OpenUpload(place, upload_id)

    def put_part(
        self, upload: OpenUpload, part: Part, check: Callable[[], None] = _go_on
    ) -> KeptPart:
        """Send a part; one of the same number is replaced."""
        query = {"partNumber": str(part.number), "uploadId": upload.id}
        payload_hash = UNSIGNED
        if not self._secure:
            payload_hash = part.sha256 or hashlib.sha256(part.data).hexdigest()
        request = _Request("PUT", upload.place, query, part.data, payload_hash)
        answer = self._ask(request, check)
        return KeptPart(answer.headers.get("ETag", "").strip('"'), len(part.data))

    def parts(self, upload: OpenUpload, *, page_size: int = 1000) -> dict[int, KeptPart]:
        """Return the parts that the server has, by number; each request asks for some.

        Some servers list a part that was replaced beside the one that replaced it: then neither
        counts.
        """
        found: dict[int, KeptPart] = {}
        doubtful: set[int] = set()
        marker: str | None = "0"
        while marker is not None:
            query = {
                "max-parts": str(page_size),
                "part-number-marker": marker,
                "uploadId": upload.id,
            }
            page = _parse(self._ask(_Request("GET", upload.place, query)), upload.place)
            for part in page.iterfind("{*}Part"):
                number, e_tag = int(_text(part, "PartNumber")), _text(part, "ETag").strip('"')
                kept = KeptPart(e_tag, int(_text(part, "Size")))
                if found.setdefault(number, kept) != kept:
                    doubtful.add(number)
            following = _text(page, "NextPartNumberMarker")
            more = _text(page, "IsTruncated") == "true" and following not in ("", marker)
            marker = following if more else None
        return {number: kept for number, kept in found.items() if number not in doubtful}

    def complete(self, upload: OpenUpload, parts: Mapping[int, KeptPart]) -> str | None:
        """Make the parts one object; return its version."""
        from xml.sax.saxutils import escape

        listed = "".join(
            f'<Part><PartNumber>{number}</PartNumber><ETag>"{escape(part.e_tag)}"</ETag></Part>'
            for number, part in sorted(parts.items())
        )
        body = (
            '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"{listed}</CompleteMultipartUpload>"
        ).encode()
        payload_hash = hashlib.sha256(body).hexdigest()
        request = _Request("POST", upload.place, {"uploadId": upload.id}, body, payload_hash)
        answer = self._ask(request)
        return answer.headers.get("x-amz-version-id")

    def abort(self, upload: OpenUpload) -> None:
        """Give an upload up; the server drops its parts."""
        self._ask(_Request("DELETE", upload.place, {"uploadId": upload.id}))

    def _ask(self, request: _Request, check: Callable[[], None] = _go_on) -> BaseHTTPResponse:
        """Send a request until it succeeds, fails for good, or failed too often."""
        for pause in (*PAUSES, None):
            check()
            try:
                answer, cause = self._ask_once(request, check), None
                passing, error = _failure(answer, request.place)
                if error is None:
                    return answer
            except _http_error() as trouble:
                passing, cause = True, trouble
                error = _unreachable(trouble, request.place)
            if not passing or pause is None:
                raise error from cause
            _wait(pause, check)
        raise AssertionError("unreachable")

    def _ask_once(self, request: _Request, check: Callable[[], None]) -> BaseHTTPResponse:
        from urllib3 import Timeout

        path = encode_path(request.place.path)
        url = f"{self.access.url}/{path}?{encode_query(request.query)}"
        unsigned = Unsigned(request.method, url, request.payload_hash)
        now = datetime.now(UTC)
        headers = sign(unsigned, self.access.keys(), self.access.region, now)
        headers["Content-Length"] = str(len(request.body))
        return self._pool.urlopen(
            request.method,
            url,
            body=_blocks(request.body, check) if request.body else None,
            headers=headers,
            retries=False,
            redirect=False,
            timeout=Timeout(
                connect=clients.CONNECT_TIMEOUT.total_seconds(),
                read=clients.IDLE_TIMEOUT.total_seconds(),
            ),
        )


def _blocks(data: bytes, check: Callable[[], None]) -> Iterator[memoryview]:
    view = memoryview(data)
    for start in range(0, len(view), _BLOCK):
        check()
        yield view[start : start + _BLOCK]


def _wait(seconds: float, check: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        check()
        time.sleep(min(left, POLL))


# Answers


def _failure(answer: BaseHTTPResponse, place: Place) -> tuple[bool, Exception | None]:
    """Return what went wrong, if anything did, and whether it may pass.

    A completion may say 200 first and send an error afterwards: that is trouble of the server.
    """
    if answer.status < 300 and b"<Error" not in answer.data[:500]:
        return False, None
    root = _read_xml(answer.data)
    code = "" if root is None else _text(root, "Code")
    said = code or f"status {answer.status}"
    if code in _GONE:
        return False, UploadGone(f"{place.uri}: the upload has ended ({said})", hint=_AGAIN)
    if answer.status in (401, 403) or code in _REFUSALS:
        return False, _refusal(code, place)
    if code == "NoSuchBucket":
        return False, ObjectNotFound(
            f"{place.uri}: the bucket does not exist", hint="check its name"
        )
    passing = answer.status >= 500 or answer.status in (200, 429) or code in _PASSING
    message = "" if root is None else _text(root, "Message")
    region = answer.headers.get("x-amz-bucket-region")
    hint = _AGAIN
    if 300 <= answer.status < 400 and region:
        hint = f"the bucket is in {region}; set AWS_REGION to it"
    detail = f"{said}: {message}" if message else said
    return passing, TransferError(f"{place.uri}: the server answered {detail[:300]}", hint=hint)


def _refusal(code: str, place: Place) -> AccessRefused:
    hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if code == "RequestTimeTooSkewed":
        hint = "set this computer's clock: S3 refuses requests whose time is off by 15 minutes"
    elif code in ("ExpiredToken", "InvalidToken"):
        hint = "the session has ended; sign in again"
    why = f" ({code})" if code else ""
    return AccessRefused(f"access to {place.uri} was refused{why}", hint=hint)


def _unreachable(error: Exception, place: Place) -> ServerUnreachable:
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return ServerUnreachable(
        f"{place.uri} could not be reached: {reason}",
        hint="check the network and AWS_ENDPOINT_URL; finished files and parts are kept",
    )


def _read_xml(data: bytes) -> Element | None:
    from xml.etree import ElementTree

    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError:
        return None


def _parse(answer: BaseHTTPResponse, place: Place) -> Element:
    root = _read_xml(answer.data)
    if root is None:
        raise TransferError(
            f"{place.uri}: expected an answer in XML, found {answer.data[:80]!r}",
            hint="check AWS_ENDPOINT_URL: this may be no S3 server",
        )
    return root


def _text(element: Element, name: str) -> str:
    return (element.findtext(f"{{*}}{name}") or "").strip()


# Connections


def _http_error() -> type[Exception]:
    from urllib3.exceptions import HTTPError

    return HTTPError


def _open_pool(url: str) -> PoolManager:
    """Return connections to a server, through the proxy that the environment names, if any."""
    from urllib.request import getproxies, proxy_bypass

    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
    from urllib3.connection import HTTPConnection, HTTPSConnection

    # Until the first answer a connection would wait no longer for a slow line to take bytes than
    # for the connection itself.
    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            self.sock.settimeout(clients.IDLE_TIMEOUT.total_seconds())

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            self.sock.settimeout(clients.IDLE_TIMEOUT.total_seconds())

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy and not proxy_bypass(parts.hostname or ""):
        pool: PoolManager = ProxyManager(proxy, maxsize=_CONNECTIONS)
    else:
        pool = PoolManager(maxsize=_CONNECTIONS)
    pool.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return pool
