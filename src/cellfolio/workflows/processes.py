"""Work in processes of their own: none takes another with it, and none outlives its parent."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cellfolio.errors import InvalidArgument, StoreError

J = TypeVar("J")
R = TypeVar("R")
LOCK = ".running.lock"
_AHEAD = 2
"""Jobs that wait for each process, so that none waits for a job."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something was not made.

    Attributes
    ----------
    error : str
        Name of the error's class.
    message, hint : str
    """

    error: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Return what an error tells."""
        return cls(type(error).__name__, str(error), getattr(error, "hint", ""))


ENDED = Failure(
    "BrokenProcessPool",
    "the process that worked on it ended; there may be too little memory",
    "take fewer workers",
)


def count_workers(workers: int | None, jobs: int) -> int:
    """Return how many processes are used: as many as there are cores, or were asked for.

    Raises
    ------
    InvalidArgument
        If less than one is asked for.
    """
    if workers is not None and workers < 1:
        raise InvalidArgument(f"workers should be at least 1, found {workers!r}")
    return max(1, min(workers or len(os.sched_getaffinity(0)), jobs))


def do_all(
    do: Callable[[J], R], jobs: Sequence[J], workers: int | None = None
) -> Iterator[tuple[J, R | Failure]]:
    """Do jobs in processes; yield each with what came of it, as they are done.

    Parameters
    ----------
    do : callable
        Of a module, so that it can be sent; it tells of errors in what it returns.
    jobs : sequence
    workers : int, optional
        By default as many as there are cores. With 1, this process does everything.

    Yields
    ------
    tuple
        A job, and what `do` returned; or `ENDED`, if its process was killed. Those that were under
        way beside it are done again, each alone.
    """
    count = count_workers(workers, len(jobs))
    if count == 1:
        yield from ((job, do(job)) for job in jobs)
        return
    left = deque(jobs)
    while left:
        lost: list[J] = []
        yield from _until_broken(do, left, count, lost)
        for job in lost:
            yield from _alone_done(do, job)


def _until_broken(
    do: Callable[[J], R], left: deque[J], count: int, lost: list[J]
) -> Iterator[tuple[J, R | Failure]]:
    """Do jobs from the left; those that are under way when a process is killed are lost."""
    waiting: dict[Future[R], J] = {}
    with processes(count) as pool:
        try:
            while left or waiting:
                while left and len(waiting) < count * _AHEAD:
                    job = left.popleft()
                    waiting[pool.submit(do, job)] = job
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    job = waiting.pop(future)
                    try:
                        result = future.result()
                    except BrokenProcessPool:
                        lost.append(job)
                    else:
                        yield job, result
                if lost:
                    lost += waiting.values()
                    return
        except BrokenProcessPool:  # it was broken between two calls: nothing was handed over
            lost += [job, *waiting.values()]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _alone_done(do: Callable[[J], R], job: J) -> Iterator[tuple[J, R | Failure]]:
    with processes(1) as pool:
        try:
            yield job, pool.submit(do, job).result()
        except BrokenProcessPool:
            yield job, ENDED


@contextmanager
def processes(
    count: int, prepare: Callable[..., object] | None = None, *given: Any
) -> Iterator[ProcessPoolExecutor]:
    """Start processes; each ends when this one does, and what waits is not begun any more then.

    Parameters
    ----------
    count : int
    prepare : callable, optional
        Called in each with what is given, before anything else.
    *given
    """
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        count, mp_context=context, initializer=_begin, initargs=(prepare, given)
    ) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(prepare: Callable[..., object] | None, given: tuple[Any, ...]) -> None:
    """End this process when the one that started it ends, however that happens."""
    import multiprocessing
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if prepare is not None:
        prepare(*given)


@contextmanager
def alone_in(folder: Path, lock: str = LOCK) -> Iterator[None]:
    """Keep other runs away from a folder.

    Raises
    ------
    StoreError
        If another run is at work there.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / lock, timeout=0):
            yield
    except Timeout:
        raise StoreError(
            f"another run is at work in {folder}", hint="wait for it, or name another folder"
        ) from None
