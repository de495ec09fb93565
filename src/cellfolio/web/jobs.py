"""What the portal itself fetches into the store: a few at a time, seen while they run, stopped."""

from __future__ import annotations

import queue
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cellfolio.errors import CellfolioError, NotFound, TransferIncomplete
from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.progress import ProgressEvent
from cellfolio.web.failures import words_of
from cellfolio.web.working import TooBusy

RUNNING = 2
"""Jobs that run at a time."""
WAITING = 16
"""Jobs that wait for their turn."""
_REMEMBERED = 32
"""Jobs that are over and still shown."""
_FAILURES = 10
"""Failures of a job that are shown."""
_SPEED_OVER = 5.0
"""Seconds over which the speed is taken."""

QUEUED, FETCHING, STOPPING, DONE, STOPPED, FAILED = (
    "queued",
    "fetching",
    "stopping",
    "done",
    "stopped",
    "failed",
)
OVER = (DONE, STOPPED, FAILED)
"""States of a job that goes on no more."""


class _Cancelled(BaseException):
    """Raised in a job's own thread; no error of a transfer, so that nothing takes it for one."""


@dataclass(frozen=True, slots=True)
class JobState:
    """How far a job is.

    Attributes
    ----------
    state : str
        'queued', 'fetching', 'stopping', 'done', 'stopped' or 'failed'.
    files_done, files_total, bytes_done, bytes_total : int
        Of what was not in the store.
    speed : float
        Bytes a second, now.
    failures : tuple of (str, str)
        Message and hint of what went wrong.
    """

    state: str = QUEUED
    files_done: int = 0
    files_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    speed: float = 0.0
    failures: tuple[tuple[str, str], ...] = ()

    @property
    def over(self) -> bool:
        """Whether it goes on no more."""
        return self.state in OVER

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1: of bytes, or of files where sizes are not known."""
        if self.state == DONE:
            return 1.0
        done, total = self.bytes_done, self.bytes_total
        if not total:
            done, total = self.files_done, self.files_total
        return min(1.0, done / total) if total else 0.0


class Job:
    """Files that are fetched into the store.

    Parameters
    ----------
    reference : str
        What names the place in addresses.
    title : str
    found : Folder or Entry
    """

    def __init__(self, reference: str, title: str, found: Folder | Entry) -> None:
        self.id = secrets.token_urlsafe(8)
        self.reference = reference
        self.title = title
        self.files = 1 if isinstance(found, Entry) else found.file_count
        self._found: Folder | Entry | None = found
        self._state = JobState()
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._seen: list[tuple[float, int]] = []

    @property
    def state(self) -> JobState:
        """How far it is."""
        with self._lock:
            return self._state

    def cancel(self) -> None:
        """Stop it as soon as that is possible; what has arrived stays."""
        self._cancelled.set()
        with self._lock:
            if self._state.state == QUEUED:
                self._state = JobState(STOPPED)
            elif not self._state.over:
                self._state = self._with_state(STOPPING)

    def run(self, home: Home) -> None:
        """Fetch; errors are kept in `state`."""
        with self._lock:
            if self._state.over:
                return
            self._state = JobState(FETCHING)
        try:
            ensure_held(self._entries(), home, self._note)
        except _Cancelled:
            self._end(STOPPED)
        except TransferIncomplete as error:
            told = tuple(map(words_of, error.failures[:_FAILURES]))
            self._end(FAILED, (words_of(error), *told))
        except Exception as error:  # a thread that serves all jobs outlives any of them
            if not isinstance(error, CellfolioError):
                traceback.print_exception(error, file=sys.stderr)
            self._end(FAILED, (words_of(error),))
        else:
            self._end(DONE)
        finally:
            self._found = None  # a job that is remembered keeps no package open

    def _entries(self) -> Iterator[Entry]:
        found = self._found
        assert found is not None
        for entry in (found,) if isinstance(found, Entry) else found.walk():
            if self._cancelled.is_set():
                raise _Cancelled
            yield entry

    def _note(self, event: ProgressEvent) -> None:
        if self._cancelled.is_set():
            raise _Cancelled
        now = time.monotonic()
        self._seen = [one for one in self._seen if now - one[0] < _SPEED_OVER]
        self._seen.append((now, event.bytes_done))
        since, before = self._seen[0]
        speed = (event.bytes_done - before) / (now - since) if now > since else 0.0
        with self._lock:
            self._state = JobState(
                self._state.state,
                event.files_done,
                event.files_total,
                event.bytes_done,
                event.bytes_total,
                max(speed, 0.0),
            )

    def _end(self, state: str, failures: tuple[tuple[str, str], ...] = ()) -> None:
        with self._lock:
            self._state = self._with_state(state, failures)

    def _with_state(self, state: str, failures: tuple[tuple[str, str], ...] = ()) -> JobState:
        return replace(self._state, state=state, speed=0.0, failures=failures)


class Jobs:
    """The jobs of a portal; safe for several threads.

    Parameters
    ----------
    home : Home
    when_over : callable
        Called after each job.
    """

    def __init__(self, home: Home, when_over: Callable[[], None]) -> None:
        self._home = home
        self._when_over = when_over
        self._jobs: dict[str, Job] = {}
        self._todo: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def start(self, reference: str, title: str, found: Folder | Entry) -> Job:
        """Begin to fetch a folder or file, or return the job that does so already.

        Raises
        ------
        TooBusy
            If too many wait already.
        CellfolioError
            If the store cannot be written.
        """
        self._home.blobs.require_writable()
        with self._lock:
            going = [job for job in self._jobs.values() if not job.state.over]
            for job in going:
                if job.reference == reference and job.state.state != STOPPING:
                    return job
            if len(going) >= RUNNING + WAITING:
                raise TooBusy(
                    f"{len(going)} things are being fetched or wait for it",
                    hint="wait until some are done, or stop them",
                )
            job = Job(reference, title, found)
            self._jobs[job.id] = job
            self._forget_old()
            if len(self._threads) < RUNNING:
                thread = threading.Thread(target=self._run, name="fetch", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._todo.put(job)
        return job

    def _forget_old(self) -> None:
        over = [job.id for job in self._jobs.values() if job.state.over]
        for name in over[:-_REMEMBERED]:
            del self._jobs[name]

    def _run(self) -> None:
        while (job := self._todo.get()) is not None:
            job.run(self._home)
            self._when_over()

    def find(self, name: str) -> Job:
        """Return a job.

        Raises
        ------
        NotFound
        """
        with self._lock:
            job = self._jobs.get(name)
        if job is None:
            raise NotFound(
                f"this portal fetches nothing of the name {name!r}",
                hint="what was begun before it was started last is not known any more",
            )
        return job

    def of(self, reference: str) -> Job | None:
        """Return the last job for a place, if there is one."""
        with self._lock:
            found = [job for job in self._jobs.values() if job.reference == reference]
        return found[-1] if found else None

    def all(self) -> list[Job]:
        """Return all jobs, the newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def stop(self) -> None:
        """Stop all jobs, and the threads when they are done."""
        for job in self.all():
            job.cancel()
        for _ in self._threads:
            self._todo.put(None)
