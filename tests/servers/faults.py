"""A proxy that breaks things on request, and remembers what was asked.

The client talks to the proxy as if it were the server. The ``Host`` header goes through
unchanged, so AWS signatures stay valid. Each connection has its own thread: a fault on one
does not hold up the others.
"""

import random
import socket
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

from tests.servers.exchange import Connection, Entry, HangUp
from tests.servers.kinds import (
    Answer,
    Before,
    Cut,
    Delay,
    Fault,
    Flip,
    Lose,
    On,
    Predicate,
    Request,
    Silent,
    Stall,
    Throttle,
    Truncate,
)
from tests.servers.ports import LOOPBACK

__all__ = [
    "Answer",
    "Before",
    "Cut",
    "Delay",
    "Fault",
    "FaultProxy",
    "Flip",
    "Lose",
    "On",
    "Predicate",
    "Request",
    "Silent",
    "Stall",
    "Throttle",
    "Truncate",
]

_F = TypeVar("_F", bound=Fault)

_ACCEPT_POLL = 0.05
"""Seconds after which the listener looks whether it should stop."""

_JOIN = 5.0
"""Seconds to wait for all connections to end."""


class FaultProxy:
    """An HTTP/1.1 proxy on loopback in front of one server.

    Parameters
    ----------
    upstream
        Base URL of the server, such as ``"http://127.0.0.1:8333"``.
    *faults
        What goes wrong from the start; see `add`.

    Attributes
    ----------
    endpoint
        Base URL of the proxy.

    Examples
    --------
    >>> proxy = FaultProxy("http://127.0.0.1:1", Answer(status=503, times=2))
    >>> with proxy:
    ...     import urllib3
    ...     with urllib3.PoolManager(retries=False) as http:
    ...         http.request("GET", proxy.endpoint + "/bucket/key").status
    503
    >>> proxy.count("GET", "/bucket/")
    1
    """

    def __init__(self, upstream: str, *faults: Fault) -> None:
        parts = urlsplit(upstream)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"expected an http:// URL, found {upstream!r}")
        self._address = (parts.hostname, parts.port or 80)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._faults: tuple[Fault, ...] = faults
        self._asked: Counter[tuple[int, str]] = Counter()
        self._hit: Counter[tuple[int, str]] = Counter()
        self._hook_lock = threading.Lock()
        self._entries: list[Entry] = []
        self._errors: list[BaseException] = []
        self._under_way: set[int] = set()
        self._peak = 0
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self.endpoint = ""

    def __enter__(self) -> Self:
        self._listener = socket.create_server((LOOPBACK, 0), backlog=1024)
        self._listener.settimeout(_ACCEPT_POLL)
        self.endpoint = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"
        self._acceptor = threading.Thread(
            target=self._accept, args=(self._listener,), name="fault-proxy", daemon=True
        )
        self._acceptor.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        if self._acceptor is not None:
            self._acceptor.join(_JOIN)
        if self._listener is not None:
            self._listener.close()
        with self._lock:
            clients = dict(self._clients)
        for client in clients:
            _hang_up(client)
        for thread in clients.values():
            thread.join(_JOIN)
        if error is None and self._errors:
            raise self._errors[0]

    # -- what goes wrong ----------------------------------------------------------------------

    def add(self, *faults: Fault) -> None:
        """Let more go wrong from now on.

        Of each kind the first that hits a request counts. The order of kinds is fixed:
        `Before`, `Delay`, `Silent`, `Answer`, `Cut` of an upload, `Lose`, `Truncate`, `Flip`,
        `Cut` and `Stall` of an answer; `Throttle` holds for all bodies.
        """
        with self._lock:
            self._faults += faults

    def clear(self) -> None:
        """Let nothing go wrong any more; the record stays."""
        with self._lock:
            self._faults = ()

    # -- what was asked -----------------------------------------------------------------------

    @property
    def requests(self) -> list[Request]:
        """All requests since the start or the last `reset`, in order of arrival."""
        with self._lock:
            return [entry.freeze() for entry in self._entries]

    @property
    def peak(self) -> int:
        """Most requests that were under way at one moment."""
        return self._peak

    def count(self, method: str | None = None, contains: str | None = None) -> int:
        """Count requests of a method whose path and query contain a text."""
        wanted = On(method, contains or "")
        return sum(wanted(request.method, request.path) for request in self.requests)

    def bytes_sent(self, contains: str | None = None) -> int:
        """Add up the bytes of answers' bodies sent for paths that contain a text."""
        wanted = On(None, contains or "")
        return sum(r.bytes_sent for r in self.requests if wanted(r.method, r.path))

    def reset(self) -> None:
        """Forget the requests; faults, and how often they hit, stay."""
        with self._lock:
            self._entries.clear()
            self._peak = len(self._under_way)

    # -- for the connections ------------------------------------------------------------------

    def pick(
        self, kind: type[_F], entry: Entry, fits: Callable[[_F], bool] | None = None
    ) -> _F | None:
        """Find the first fault of a kind that fits and hits this request, and use it once."""
        for fault in self._faults:
            if not isinstance(fault, kind) or not fault.when(entry.method, entry.path):
                continue
            if (fits is None or fits(fault)) and self._hits(fault, entry.path):
                return fault
        return None

    def run_hooks(self, kind: type[Before], entry: Entry) -> None:
        """Call what is due before this request."""
        for fault in self._faults:
            if isinstance(fault, kind) and fault.when(entry.method, entry.path):
                with self._hook_lock:
                    self._asked[id(fault), ""] += 1
                    if self._asked[id(fault), ""] == fault.number:
                        fault.action()

    def open_entry(self, entry: Entry) -> None:
        """Begin the record of a request."""
        with self._lock:
            self._entries.append(entry)
            self._under_way.add(id(entry))
            self._peak = max(self._peak, len(self._under_way))

    def close_entry(self, entry: Entry) -> None:
        """The request is over, whichever way; may be said twice."""
        with self._lock:
            self._under_way.discard(id(entry))

    def pause(self, seconds: float) -> None:
        """Wait; raises `HangUp` if the proxy stops meanwhile."""
        if self._stopping.wait(max(seconds, 0.0)):
            raise HangUp

    def connect(self) -> socket.socket:
        """Open a connection to the upstream."""
        return socket.create_connection(self._address, timeout=60)

    def _hits(self, fault: Fault, path: str) -> bool:
        key = (id(fault), path)
        with self._lock:
            self._asked[key] += 1
            if fault.times is not None and self._hit[key] >= fault.times:
                return False
            draw = f"{fault.seed} {self._asked[key]} {path}"
            if fault.chance < 1.0 and random.Random(draw).random() >= fault.chance:
                return False
            self._hit[key] += 1
            return True

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            client.settimeout(None)
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            with self._lock:
                self._clients[client] = thread
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        try:
            Connection(client, self).serve()
        except Exception as error:  # an action's, or a bug here: the test shall see it
            self._errors.append(error)
        finally:
            with self._lock:
                self._clients.pop(client, None)
            client.close()


def _hang_up(client: socket.socket) -> None:
    """Wake a thread that reads from this client."""
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has gone already
