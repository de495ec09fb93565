"""Work that takes longer than a request may: begun once, asked for until it is done."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from cellfolio.web.failures import words_of
from cellfolio.web.working import TooBusy

WAITING = 8
"""Pieces of work that wait for their turn at most."""
_KEPT = 32
"""Results, and failures, that are kept."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a piece of work is.

    Attributes
    ----------
    state : {'waiting', 'working', 'done', 'failed'}
    since : float
        When that began, by the clock of this process.
    result : object
    message, hint : str
        Of a failure.
    """

    state: str
    since: float
    result: Any = None
    message: str = ""
    hint: str = ""

    @property
    def seconds(self) -> float:
        """How long it has been so."""
        return time.monotonic() - self.since


class Background:
    """Does one piece of work at a time, in a thread of its own that begins when it is needed."""

    def __init__(self) -> None:
        self._standing: OrderedDict[Hashable, Standing] = OrderedDict()
        self._waiting: queue.Queue[tuple[Hashable, Callable[[], Any]]] = queue.Queue(WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self, key: Hashable, work: Callable[[], Any]) -> Standing:
        """Return how far a piece of work is, and begin it if nobody has.

        A failure is told once; who asks again has it tried again.

        Raises
        ------
        TooBusy
            If too much waits already.
        """
        with self._lock:
            found = self._standing.get(key)
            if found is not None:
                if found.state == "failed":
                    del self._standing[key]
                return found
            try:
                self._waiting.put_nowait((key, work))
            except queue.Full:
                raise TooBusy(
                    "the portal computes other things already", hint="ask again in a minute"
                ) from None
            found = self._standing[key] = Standing("waiting", time.monotonic())
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            return found

    def _work(self) -> None:
        while True:
            key, work = self._waiting.get()
            self._put(key, Standing("working", time.monotonic()))
            try:
                done = Standing("done", time.monotonic(), work())
            except Exception as error:
                message, hint = words_of(error)
                if not message or message.startswith("the portal has an error"):
                    traceback.print_exception(error)
                done = Standing("failed", time.monotonic(), None, message, hint)
            self._put(key, done)

    def _put(self, key: Hashable, standing: Standing) -> None:
        with self._lock:
            self._standing[key] = standing
            finished = [one for one, held in self._standing.items() if held.state in _FINISHED]
            for one in finished[: max(0, len(finished) - _KEPT)]:
                del self._standing[one]


_FINISHED = ("done", "failed")
