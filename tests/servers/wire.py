"""As much of HTTP/1.1 as a proxy needs: heads, and bodies with a length or in chunks."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

BLOCK = 256 * 1024
"""Most bytes moved at once."""

MAX_HEAD = 64 * 1024


class ConnectionLost(ConnectionError):
    """The other side hung up in the middle of a message."""


@dataclass(frozen=True)
class Head:
    """The first line and the headers of a message, in their order."""

    start: str
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a head that ends with an empty line."""
        start, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(start, tuple((name.strip(), value.strip()) for name, _, value in pairs))

    def get(self, name: str) -> str | None:
        """Find the first header of a lower-case name."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def without(self, *names: str) -> "Head":
        """Copy without the headers of these lower-case names."""
        return replace(self, headers=tuple(h for h in self.headers if h[0].lower() not in names))

    def having(self, name: str, value: object) -> "Head":
        """Copy in which one header has this value."""
        kept = self.without(name.lower()).headers
        return replace(self, headers=(*kept, (name, str(value))))

    def encode(self) -> bytes:
        """Write it as it goes over the wire."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    @property
    def status(self) -> int:
        """Status of an answer."""
        return int(self.start.split(" ", 2)[1])

    @property
    def length(self) -> int | None:
        """``Content-Length``, if it has one."""
        text = self.get("content-length")
        return None if text is None else int(text)

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in (self.get("transfer-encoding") or "").lower()

    @property
    def last(self) -> bool:
        """Whether the sender closes the connection after this message."""
        return (self.get("connection") or "").lower() == "close"


class Stream:
    """Messages read from a socket."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self._held = b""

    def head(self) -> Head | None:
        """Read the next head; None if the other side hung up between two messages."""
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            block = self.sock.recv(MAX_HEAD)
            if not block and not self._held:
                return None
            if not block or len(self._held) > MAX_HEAD:
                raise ConnectionLost("no end of head")
            self._held += block
        raw, self._held = self._held[: end + 4], self._held[end + 4 :]
        return Head.parse(raw)

    def body(self, length: int) -> Iterator[bytes]:
        """Read a body of known length, block by block."""
        while length > 0:
            block, self._held = self._held[:length], self._held[length:]
            block = block or self.sock.recv(min(length, BLOCK))
            if not block:
                raise ConnectionLost(f"{length} bytes of the body are missing")
            length -= len(block)
            yield block

    def chunks(self) -> bytes:
        """Read a chunked body whole; trailers are dropped."""
        parts: list[bytes] = []
        while size := int(self._line().split(b";")[0], 16):
            parts.extend(self.body(size))
            self._line()
        while self._line():
            pass
        return b"".join(parts)

    def rest(self) -> bytes:
        """Read all until the other side hangs up."""
        parts = [self._held]
        self._held = b""
        while block := self.sock.recv(BLOCK):
            parts.append(block)
        return b"".join(parts)

    def _line(self) -> bytes:
        while b"\r\n" not in self._held:
            block = self.sock.recv(MAX_HEAD)
            if not block:
                raise ConnectionLost("no end of line")
            self._held += block
        line, _, self._held = self._held.partition(b"\r\n")
        return line
