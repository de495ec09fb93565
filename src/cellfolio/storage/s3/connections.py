"""Connections to one server, kept and used again, through a proxy where the environment names one.

Rule 1: a server may close a connection that nobody uses. If a kept one turns out to be closed, the
request goes out again at once, on a new one.
Rule 2: a connection is kept only after its answer was read to the end.
Rule 3: a large read of a body waits until all of it is there, in the kernel. Waking for each piece
that arrives would take turns with the other threads for the interpreter.
"""

from __future__ import annotations

import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from io import DEFAULT_BUFFER_SIZE
from ssl import SSLContext, SSLEOFError, SSLZeroReturnError, create_default_context
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from cellfolio.storage import clients

_BLOCK = 256 * 1024
_MOST_KEPT = 64
# What a connection says that the server has closed; `RemoteDisconnected` is a `ConnectionError`.
_CLOSED = (ConnectionError, SSLEOFError, SSLZeroReturnError)


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it goes out.

    Attributes
    ----------
    method : str
    url : str
    headers : mapping of str to str
    body : bytes
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


class Connections:
    """Connections to the server of one URL; safe for threads.

    Parameters
    ----------
    url : str
        ``http`` or ``https``.
    """

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self._proxy = find_proxy(url)
        self._kept: deque[HTTPConnection] = deque()

    @property
    def proxy(self) -> str | None:
        """Scheme of the proxy in between, if there is one; only ``http`` can be used."""
        return None if self._proxy is None else self._proxy.scheme

    def send(
        self, message: Message, check: Callable[[], None]
    ) -> tuple[HTTPConnection, HTTPResponse]:
        """Send a request; return what `take_back` wants when the answer was read.

        Raises
        ------
        OSError, http.client.HTTPException
            If the connection fails.
        """
        kept = self._take()
        if kept is not None:
            with suppress(*_CLOSED):
                return kept, self._exchange(kept, message, check)
        connection = self._connect()
        return connection, self._exchange(connection, message, check)

    def take_back(self, connection: HTTPConnection, response: HTTPResponse) -> None:
        """Keep a connection whose answer was read to its end; close any other."""
        read = response.isclosed()
        response.close()
        if read and connection.sock is not None and len(self._kept) < _MOST_KEPT:
            self._kept.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while (connection := self._take()) is not None:
            connection.close()

    def _take(self) -> HTTPConnection | None:
        try:
            return self._kept.pop()
        except IndexError:
            return None

    def _connect(self) -> HTTPConnection:
        """Open a connection: soon or not at all; afterwards silence may last longer."""
        secure = self._server.scheme == "https"
        at = self._proxy or self._server
        host, port = at.hostname or "", at.port
        seconds, silence = (
            timeout.total_seconds() for timeout in (clients.CONNECT_TIMEOUT, clients.IDLE_TIMEOUT)
        )
        if secure:
            connection: HTTPConnection = HTTPSConnection(
                host, port or (80 if self._proxy else 443), timeout=seconds, context=self._context
            )
            if self._proxy is not None:
                connection.set_tunnel(
                    self._server.hostname or "", self._server.port, _authorization(self._proxy)
                )
        else:
            connection = HTTPConnection(host, port or 80, timeout=seconds)
        try:
            connection.connect()
            if not secure and os.name == "posix":
                connection.sock = _LargeReads(fileno=connection.sock.detach())
                connection.sock.allow_silence(silence)
            connection.sock.settimeout(silence)
        except BaseException:
            connection.close()
            raise
        return connection

    @cached_property
    def _context(self) -> SSLContext:
        return create_default_context()

    def _exchange(
        self, connection: HTTPConnection, message: Message, check: Callable[[], None]
    ) -> HTTPResponse:
        headers, target = dict(message.headers), message.url
        if self._proxy is not None and self._server.scheme == "http":
            headers |= _authorization(self._proxy)
        else:
            parts = urlsplit(message.url)
            target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        body = None
        if message.body:
            headers["Content-Length"] = str(len(message.body))
            body = _blocks(message.body, check)
        try:
            # A server may refuse, and close, before it has read all: then its answer counts.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(message.method, target, body, headers)
            return connection.getresponse()
        except BaseException:
            connection.close()
            raise


class _LargeReads(socket.socket):
    """A socket that gives all bytes that a large read asks for, or those that came in its time.

    Reads of `DEFAULT_BUFFER_SIZE` and less look ahead in an answer; they give what is there.
    """

    def allow_silence(self, seconds: float) -> None:
        """Set how long a large read may wait."""
        whole = int(seconds)
        time = struct.pack("ll", whole, int((seconds - whole) * 1_000_000))
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, time)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Do what `socket.recv_into` does, but for large reads."""
        if (nbytes or len(buffer)) <= DEFAULT_BUFFER_SIZE:
            return super().recv_into(buffer, nbytes, flags)
        timeout = self.gettimeout()
        self.settimeout(None)  # a socket with Python's own timeout would not wait for all
        try:
            return super().recv_into(buffer, nbytes, flags | socket.MSG_WAITALL)
        except BlockingIOError as error:
            raise TimeoutError("timed out") from error
        finally:
            self.settimeout(timeout)


def _blocks(data: bytes, check: Callable[[], None]) -> Iterator[memoryview]:
    view = memoryview(data)
    for start in range(0, len(view), _BLOCK):
        check()
        yield view[start : start + _BLOCK]


def find_proxy(url: str) -> SplitResult | None:
    """Return the proxy that the environment names for a URL."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _authorization(proxy: SplitResult) -> dict[str, str]:
    from base64 import b64encode

    if proxy.username is None:
        return {}
    who = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(who.encode()).decode()}"}
