"""One connection of the fault proxy: read a request, ask the upstream, answer, repeat."""

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import unquote

from tests.servers.kinds import (
    Answer,
    Before,
    Cut,
    Delay,
    Fault,
    Flip,
    Lose,
    Request,
    Silent,
    Stall,
    Throttle,
    Truncate,
)
from tests.servers.wire import BLOCK, ConnectionLost, Head, Stream

_F = TypeVar("_F", bound=Fault)

_CODES = {
    403: ("Forbidden", "AccessDenied"),
    404: ("Not Found", "NoSuchKey"),
    412: ("Precondition Failed", "PreconditionFailed"),
    416: ("Range Not Satisfiable", "InvalidRange"),
    500: ("Internal Server Error", "InternalError"),
    503: ("Slow Down", "SlowDown"),
}

_STEP = 0.05
"""A throttled connection sends what it may send in this many seconds, then waits."""


class HangUp(ConnectionError):
    """A fault ends this connection."""


@dataclass
class Entry:
    """A request under way; `freeze` gives the value the tests see."""

    method: str
    path: str
    range: str | None
    status: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0

    def freeze(self) -> Request:
        """Copy what is known so far."""
        return Request(**vars(self))


class Desk(Protocol):
    """What a connection needs of the proxy: the faults, the record, and time."""

    def pick(
        self, kind: type[_F], entry: Entry, fits: Callable[[_F], bool] | None = None
    ) -> _F | None:
        """Find the first fault of a kind that fits and hits this request, and use it once."""

    def run_hooks(self, kind: type[Before], entry: Entry) -> None:
        """Call what is due before this request."""

    def open_entry(self, entry: Entry) -> None:
        """Begin the record of a request."""

    def close_entry(self, entry: Entry) -> None:
        """The request is over, whichever way; may be said twice."""

    def pause(self, seconds: float) -> None:
        """Wait; raises `HangUp` if the proxy stops meanwhile."""

    def connect(self) -> socket.socket:
        """Open a connection to the upstream."""


@dataclass(frozen=True)
class _Pace:
    """How a body is sent: where it is cut or stalls, and how fast it goes."""

    cut: Cut | None = None
    stall: Stall | None = None
    throttle: Throttle | None = None

    def pieces(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Split blocks where something happens."""
        step = max(1, int(self.throttle.rate * _STEP)) if self.throttle else BLOCK
        marks = [fault.after for fault in (self.cut, self.stall) if fault is not None]
        position = 0
        for block in blocks:
            start = 0
            while start < len(block):
                ahead = [mark - position for mark in marks if mark > position]
                piece = block[start : start + min([step, *ahead])]
                yield piece
                start, position = start + len(piece), position + len(piece)


class Connection:
    """The connection of one client, with its own connection to the upstream."""

    def __init__(self, client: socket.socket, desk: Desk) -> None:
        self._client = Stream(client)
        self._desk = desk
        self._upstream: Stream | None = None

    def serve(self) -> None:
        """Answer requests until either side hangs up."""
        try:
            while (head := self._client.head()) is not None:
                method, target, _ = head.start.split(" ", 2)
                entry = Entry(method, unquote(target), head.get("range"))
                self._desk.open_entry(entry)
                try:
                    self._exchange(head, entry)
                finally:
                    self._desk.close_entry(entry)
                if head.last:
                    return
        except OSError:
            return  # hanging up is how this connection ends, by a fault or by the client
        finally:
            self._drop_upstream()

    def _exchange(self, head: Head, entry: Entry) -> None:
        self._desk.run_hooks(Before, entry)
        if delay := self._desk.pick(Delay, entry):
            self._desk.pause(delay.seconds)
        if silent := self._desk.pick(Silent, entry):
            self._desk.pause(silent.seconds)
            raise HangUp
        throttle = self._desk.pick(Throttle, entry)
        if refusal := self._desk.pick(Answer, entry):
            for block in self._request_body(head)[1]:
                entry.bytes_received += len(block)
            self._refuse(refusal.status, entry)
            return
        answer = self._forward(head, entry, throttle)
        if self._desk.pick(Lose, entry):
            raise HangUp
        self._answer(answer, entry, throttle)

    def _send(
        self, blocks: Iterable[bytes], sink: socket.socket, pace: _Pace, sent: Callable[[int], None]
    ) -> None:
        """Send a body at a pace; counts before it sends, so no reader is ahead of the count."""
        start, position, stall = time.monotonic(), 0, pace.stall
        if stall is not None and stall.after == 0:
            self._desk.pause(stall.seconds)
        for piece in pace.pieces(blocks):
            if pace.cut is not None and position >= pace.cut.after:
                raise HangUp
            position += len(piece)
            if pace.throttle is not None:
                self._desk.pause(start + position / pace.throttle.rate - time.monotonic())
            sent(len(piece))
            sink.sendall(piece)
            if stall is not None and position == stall.after:
                self._desk.pause(stall.seconds)

    # -- towards the upstream -----------------------------------------------------------------

    def _request_body(self, head: Head) -> tuple[Head, Iterable[bytes]]:
        """Head as the upstream gets it, and the body.

        Host and signed headers stay as they are: the upstream checks the signature on them.
        """
        if (head.get("expect") or "").lower() == "100-continue":
            head = head.without("expect")
            self._client.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if head.chunked:
            whole = self._client.chunks()
            head = head.without("transfer-encoding").having("Content-Length", len(whole))
            return head, iter([whole] if whole else [])
        return head, self._client.body(head.length or 0)

    def _forward(self, head: Head, entry: Entry, throttle: Throttle | None) -> Head:
        head, body = self._request_body(head)
        length = head.length or 0
        cut = None
        if entry.method in ("PUT", "POST"):
            cut = self._desk.pick(Cut, entry, lambda fault: fault.after < length)
        reused = self._upstream is not None
        try:
            return self._ask(head, body, entry, _Pace(cut, throttle=throttle))
        except (ConnectionLost, BrokenPipeError, ConnectionResetError):
            # The upstream may close a connection that was idle; nothing was asked yet then.
            if not reused or length:
                raise
        return self._ask(head, (), entry, _Pace())

    def _ask(self, head: Head, body: Iterable[bytes], entry: Entry, pace: _Pace) -> Head:
        if self._upstream is None:
            self._upstream = Stream(self._desk.connect())
        upstream = self._upstream

        def received(count: int) -> None:
            entry.bytes_received += count

        try:
            upstream.sock.sendall(head.encode())
            try:
                self._send(body, upstream.sock, pace, received)
            except (BrokenPipeError, ConnectionResetError):
                # The upstream answered before it read all, such as 412: the answer counts.
                for block in body:
                    received(len(block))
            answer = upstream.head()
            while answer is not None and answer.status == 100:
                answer = upstream.head()
            if answer is None:
                raise ConnectionLost("no answer")
        except OSError:
            self._drop_upstream()
            raise
        return answer

    def _drop_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.sock.close()

    # -- towards the client -------------------------------------------------------------------

    def _answer(self, answer: Head, entry: Entry, throttle: Throttle | None) -> None:
        upstream = self._upstream
        assert upstream is not None
        last = answer.last
        answer = answer.without("connection")
        body: Iterable[bytes] = ()
        length = 0
        if entry.method == "HEAD" or answer.status in (204, 304):
            pass
        elif answer.length is not None and not answer.chunked:
            length = answer.length
            body = upstream.body(length)
        else:
            whole = upstream.chunks() if answer.chunked else upstream.rest()
            last = last or not answer.chunked
            answer = answer.without("transfer-encoding").having("Content-Length", len(whole))
            length, body = len(whole), [whole]
        if entry.method in ("GET", "HEAD") and answer.status in (200, 206):
            shorter = self._truncated(answer, entry)
            if shorter is None:
                self._drop_upstream()
                self._refuse(416, entry)
                return
            last = last or shorter is not answer  # the rest of the upstream's body stays unread
            answer, length = shorter, min(length, shorter.length or 0)
            body = _first(body, length)
            if length and (flip := self._desk.pick(Flip, entry)):
                body = _flipped(body, _offset(answer), flip)
        self._send_answer(answer, body, length, entry, throttle)
        if last:
            self._drop_upstream()

    def _send_answer(
        self,
        answer: Head,
        body: Iterable[bytes],
        length: int,
        entry: Entry,
        throttle: Throttle | None,
    ) -> None:
        cut = None
        if entry.method not in ("PUT", "POST"):
            cut = self._desk.pick(Cut, entry, lambda fault: fault.after < length)
        stall = self._desk.pick(Stall, entry, lambda fault: fault.after < length)

        def sent(count: int) -> None:
            entry.bytes_sent += count
            if entry.bytes_sent == length:
                # Said before the client can know it, else its next request would overlap.
                self._desk.close_entry(entry)

        entry.status = answer.status
        if not length:
            self._desk.close_entry(entry)
        self._client.sock.sendall(answer.encode())
        self._send(body, self._client.sock, _Pace(cut, stall, throttle), sent)

    def _truncated(self, answer: Head, entry: Entry) -> Head | None:
        """Answer about a shorter object; None if the range lies behind its end."""
        start = _offset(answer)
        length = answer.length or 0
        truncate = self._desk.pick(Truncate, entry, lambda fault: fault.size < start + length)
        if truncate is None:
            return answer
        size = truncate.size
        if answer.status == 206:
            if start >= size:
                return None
            answer = answer.having("Content-Range", f"bytes {start}-{size - 1}/{size}")
        return answer.having("Content-Length", size - start)

    def _refuse(self, status: int, entry: Entry) -> None:
        reason, code = _CODES.get(status, ("Fault", "Fault"))
        text = "" if entry.method == "HEAD" else f"<Error><Code>{code}</Code></Error>"
        head = Head(f"HTTP/1.1 {status} {reason}", (("Content-Type", "application/xml"),))
        entry.status = status
        entry.bytes_sent += len(text)
        self._desk.close_entry(entry)
        self._client.sock.sendall(head.having("Content-Length", len(text)).encode() + text.encode())


def _offset(answer: Head) -> int:
    """Where in the object the body begins."""
    placed = answer.get("content-range")
    return int(placed.removeprefix("bytes ").partition("-")[0]) if placed else 0


def _first(blocks: Iterable[bytes], count: int) -> Iterator[bytes]:
    """Yield no more than the first bytes."""
    for block in blocks:
        yield block[:count]
        count -= len(block)
        if count <= 0:
            return


def _flipped(blocks: Iterable[bytes], offset: int, flip: Flip) -> Iterator[bytes]:
    """Invert the bytes a flip names; the first block begins at an offset of the object."""
    for block in blocks:
        start = max(flip.at - offset, 0)
        stop = min(flip.at + flip.count - offset, len(block))
        damaged = bytes(byte ^ 0xFF for byte in block[start:stop]) if start < stop else b""
        yield block[:start] + damaged + block[start + len(damaged) :] if damaged else block
        offset += len(block)
