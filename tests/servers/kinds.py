"""What can go wrong between a client and a server, as frozen values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Predicate: TypeAlias = Callable[[str, str], bool]
"""Says of (method, path) whether a fault concerns the request; the path holds the query too."""


@dataclass(frozen=True)
class On:
    """The usual predicate: a method, and a part of the path.

    Parameters
    ----------
    method
        The method in capitals; None is any.
    contains
        A part of the decoded path and query, such as ``"/bucket/key"`` or ``"list-type=2"``.

    Examples
    --------
    >>> On("GET", "plate")("GET", "/bucket/plate1.csv")
    True
    >>> On("GET")("HEAD", "/bucket/plate1.csv")
    False
    """

    method: str | None = None
    contains: str = ""

    def __call__(self, method: str, path: str) -> bool:
        return (self.method is None or self.method == method) and self.contains in path


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What all faults have in common: whom they hit, and how often.

    Parameters
    ----------
    when
        Which requests it concerns.
    times
        How many requests of each path (query included) it hits, the first ones; None is all.
    chance
        Probability with which a request is hit. The draw depends on the seed, the path and how
        often this path was asked for: the order in which threads arrive changes nothing.
    seed
        Seed of the draws.
    """

    when: Predicate = On()
    times: int | None = None
    chance: float = 1.0
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Delay(Fault):
    """Wait before the request is looked at: latency. Connections wait side by side."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Silent(Fault):
    """Take the request, say nothing for some seconds, then hang up. The upstream never sees it."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Answer(Fault):
    """Refuse with a status instead of asking the upstream: 503 SlowDown, 404, 403, 500."""

    status: int


@dataclass(frozen=True, kw_only=True)
class Lose(Fault):
    """Let the upstream do what was asked, then hang up without the answer."""


@dataclass(frozen=True, kw_only=True)
class Cut(Fault):
    """Hang up after some bytes of the body: of a PUT or POST the request's, else the answer's.

    A body that is not longer is left alone and does not count towards `times`.
    """

    after: int


@dataclass(frozen=True, kw_only=True)
class Stall(Fault):
    """Send some bytes of the answer's body, pause, then go on. Longer bodies only, as `Cut`."""

    after: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Throttle(Fault):
    """Bandwidth of one connection, in bytes per second, in both directions."""

    rate: float


@dataclass(frozen=True, kw_only=True)
class Flip(Fault):
    """Wrong bytes, right length: invert `count` bytes from offset `at` of the object.

    Offsets are the object's, so whole and ranged reads see the same damage.
    """

    at: int = 0
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Truncate(Fault):
    """The object ends after `size` bytes, and all headers of HEAD and GET say so."""

    size: int


@dataclass(frozen=True, kw_only=True)
class Before(Fault):
    """Call something just before the n-th request is passed on; later requests wait for it.

    Parameters
    ----------
    number
        Which of the matching requests, counted from 1 over all paths.
    action
        What to do, for instance to change the object. It must not go through the proxy.
    """

    number: int
    action: Callable[[], object]


@dataclass(frozen=True)
class Request:
    """One request the proxy saw.

    Parameters
    ----------
    method, path
        As asked; the path is decoded and holds the query.
    range
        The ``Range`` header.
    status
        Status sent to the client; 0 if none was.
    bytes_sent
        Bytes of the answer's body sent to the client.
    bytes_received
        Bytes of the request's body that arrived.
    """

    method: str
    path: str
    range: str | None
    status: int
    bytes_sent: int
    bytes_received: int
