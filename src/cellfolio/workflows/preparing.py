"""What takes a while to make of a large package: made once, by a thread behind, and kept."""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

from cellfolio.errors import CellfolioError
from cellfolio.package.package import Package

T = TypeVar("T")

MOST_ROWS = 2_000_000
"""Entries of all packages of which something is kept; the ones used least recently go."""


class Prepared(Generic[T]):
    """Makes something of packages, one after the other, and keeps it by top hash.

    Parameters
    ----------
    make : callable
        Given a package, returns what is wanted of it.
    most_rows : int
        Entries of all packages kept. A package with more of them is not prepared.
    """

    def __init__(self, make: Callable[[Package], T], most_rows: int = MOST_ROWS) -> None:
        self._make = make
        self._most = most_rows
        self._kept: OrderedDict[str, tuple[int, Future[T]]] = OrderedDict()
        self._rows = 0
        self._todo: queue.SimpleQueue[tuple[Package, Future[T]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def fits(self, package: Package) -> bool:
        """Whether a package is not too large."""
        return package.file_count <= self._most

    def ready(self, package: Package) -> T | None:
        """Return what is wanted of a package if it was made already; nothing is begun.

        Raises
        ------
        CellfolioError
            If a row of the package could not be read.
        """
        with self._lock:
            _, future = self._kept.get(package.top_hash, (0, None))
        return future.result() if future is not None and future.done() else None

    def get(self, package: Package, *, seconds: float = 0.0) -> T | None:
        """Return what is wanted of a package; None if it takes longer than `seconds`.

        It goes on being made meanwhile. None, too, for a package that does not fit.

        Raises
        ------
        CellfolioError
            If a row of the package cannot be read.
        """
        if not self.fits(package):
            return None
        future = self._future(package)
        if not future.done() and seconds > 0:
            wait([future], seconds)
        return future.result() if future.done() else None

    def _future(self, package: Package) -> Future[T]:
        name = package.top_hash
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name][1]
            future: Future[T] = Future()
            self._kept[name] = package.file_count, future
            self._rows += package.file_count
            while self._rows > self._most:
                _, (rows, dropped) = self._kept.popitem(last=False)
                self._rows -= rows
                dropped.cancel()
            self._todo.put((package, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="prepare", daemon=True)
                self._thread.start()
        return future

    def _run(self) -> None:
        while True:
            package, future = self._todo.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._make(package))
            except CellfolioError as error:
                future.set_exception(error)
            except Exception as error:  # the thread serves all that come after
                problem = CellfolioError(f"{package.title} cannot be read: {error}")
                future.set_exception(problem)
