"""Threads that work through a list and stop together."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

POLL = 0.1
"""Seconds between two looks at whether to stop."""
_AT_ONCE = 32
"""Calls of `at_once` under way."""
_BATCH_TIME = 0.01
"""Seconds in which results gather before the caller's thread wakes for them."""


class Stopped(Exception):
    """Raised in a worker when the others are to stop too; never seen outside."""


class Workers(Generic[R]):
    """Threads that turn items into results, for one caller.

    The first exception in a worker stops them all and is raised in the caller's thread. An
    interrupt of the caller stops them at their next `check`.
    """

    def __init__(self) -> None:
        self._over = threading.Event()
        self._done: queue.SimpleQueue[R] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None

    def start(self, count: int, todo: deque[T], work: Callable[[T], R]) -> None:
        """Start up to `count` threads that call `work` on what is in `todo`, from the left."""
        for _ in range(min(count, len(todo))):
            thread = threading.Thread(target=self._run, args=(todo, work), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, todo: deque[T], work: Callable[[T], R]) -> None:
        try:
            while True:
                self.check()
                try:
                    item = todo.popleft()
                except IndexError:
                    return
                self._done.put(work(item))
        except Stopped:
            return
        except BaseException as error:
            self._failure = self._failure or error
            self._over.set()

    def check(self) -> None:
        """Raise `Stopped` if this run is over; long work calls it now and then."""
        if self._over.is_set():
            raise Stopped

    def results(self, count: int, while_waiting: Callable[[], None]) -> Iterator[R]:
        """Yield `count` results as they come; raise what a worker raised.

        The caller's thread wakes for several results at a time: waking for each would take turns
        with the workers for the interpreter.
        """
        while count:
            batch = self._next_batch(count, while_waiting)
            yield from batch
            count -= len(batch)
            if count:
                time.sleep(_BATCH_TIME)

    def _next_batch(self, most: int, while_waiting: Callable[[], None]) -> list[R]:
        """Wait for a result, and return it with all others that are there."""
        batch: list[R] = []
        while not batch:
            with suppress(queue.Empty):
                batch.append(self._done.get(timeout=POLL))
                while len(batch) < most:
                    batch.append(self._done.get_nowait())
            if not batch:
                while_waiting()
                if self._failure is not None:
                    raise self._failure from None
        return batch

    def stop(self) -> None:
        """Tell the threads to stop, and wait until they have."""
        self._over.set()
        for thread in self._threads:
            thread.join()


def at_once(function: Callable[[T], R], values: Iterable[T]) -> list[R]:
    """Call a function that waits for the network on many values at once; keep their order."""
    listed = list(values)
    if len(listed) <= 1:
        return [function(value) for value in listed]
    with ThreadPoolExecutor(min(_AT_ONCE, len(listed))) as pool:
        return list(pool.map(function, listed))
