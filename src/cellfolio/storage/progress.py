"""How far a long task is: one callback, called from the thread that started the task."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

_INTERVAL = 0.1
"""Seconds between two calls, at least."""


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How far a task is.

    Attributes
    ----------
    task : str
        'adopt', 'featurize', 'fetch', 'hash', 'measure', 'profile', 'push', 'read', 'simulate' or
        'verify'.
    files_done, files_total : int
    bytes_done, bytes_total : int
        Bytes that go over the network or are read, as the task has it.
    finished : bool
        True in the last event of a task.
    """

    task: str
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    finished: bool = False


Progress = Callable[[ProgressEvent], None]


class Meter:
    """Counts what many threads do, and tells the callback now and then.

    Parameters
    ----------
    progress : callable or None
    task : str
    files_total, bytes_total : int
    """

    def __init__(
        self, progress: Progress | None, task: str, files_total: int, bytes_total: int
    ) -> None:
        self._progress = progress
        self._task = task
        self._files_total = files_total
        self._bytes_total = bytes_total
        self._files = 0
        self._bytes = 0
        self._told = 0.0
        self._lock = threading.Lock()

    def advance(self, *, size: int = 0, files: int = 0) -> None:
        """Count; safe from any thread. A negative `size` takes back what a retry sends again."""
        with self._lock:
            self._bytes += size
            self._files += files

    def tell(self, *, finished: bool = False) -> None:
        """Call the callback, unless it was called just now; from the task's own thread only."""
        if self._progress is None:
            return
        now = time.monotonic()
        if finished or now - self._told >= _INTERVAL:
            self._told = now
            self._progress(
                ProgressEvent(
                    self._task,
                    self._files,
                    self._files_total,
                    self._bytes,
                    self._bytes_total,
                    finished,
                )
            )
