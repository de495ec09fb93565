"""Processes that work for this one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from cellfolio.errors import InvalidArgument


def count_workers(workers: int | None, jobs: int) -> int:
    """Return how many processes work: as many as there are cores, if it is not told, or jobs.

    Raises
    ------
    InvalidArgument
        If it is less than 1.

    Examples
    --------
    >>> count_workers(4, 3), count_workers(1, 0)
    (3, 1)
    """
    if workers is not None and workers < 1:
        raise InvalidArgument(f"workers should be at least 1, found {workers!r}")
    return max(1, min(workers or len(os.sched_getaffinity(0)), jobs))


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
