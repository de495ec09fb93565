"""Doing jobs with an engine: few are under way at once, and a death costs one job, not the run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from cellfolio.errors import ServerUnreachable
from cellfolio.workflows.engines.engine import Pool, Workers, as_engine, do_named
from cellfolio.workflows.processes import Failure

J = TypeVar("J")
R = TypeVar("R")
AHEAD = 2
"""Jobs that are handed over for each worker, so that none waits for a job. More would only fill
the memory of whoever keeps them."""
_PATIENCE = 10.0
"""Seconds after which a pool that gave nothing is looked at."""


@dataclass(frozen=True, slots=True)
class Done(Generic[J, R]):
    """A job that was done.

    Attributes
    ----------
    job : object
    result : object
        What the function returned; or why no worker lived to return anything.
    worker : str
        Name of who made it; empty if nobody did.
    """

    job: J
    result: R | Failure
    worker: str


def do_all(
    do: Callable[[J], R], jobs: Sequence[J], workers: Workers = None
) -> Iterator[Done[J, R]]:
    """Do jobs; yield each as it is done, in any order.

    Parameters
    ----------
    do : callable
        Of a module, so that it can be sent; it tells of errors in what it returns.
    jobs : sequence
        Of values that can be sent, too.
    workers : int or Engine, optional
        By default as many processes as there are cores. With 1, this process does everything.

    Yields
    ------
    Done
        With a `Failure` if the workers died that took it. What was under way beside it is done
        again, each alone.

    Raises
    ------
    ServerUnreachable
        If a cluster is gone.
    """
    engine = as_engine(workers)
    if not engine.count(len(jobs)):
        yield from (Done(job, *do_named(do, job)) for job in jobs)
        return
    left, suspects = deque(jobs), deque[J]()
    while left or suspects:
        with engine.open(1 if suspects else len(left)) as pool:
            whole = True
            if not suspects:
                whole = yield from _together(do, left, suspects, pool)
            if whole:
                yield from _one_by_one(do, suspects, pool, engine.ended)


def _together(
    do: Callable[[J], R], left: deque[J], suspects: deque[J], pool: Pool
) -> Generator[Done[J, R], None, bool]:
    """Do jobs from the left; return whether the pool is whole at the end.

    Jobs under way where a worker died are suspects: one of them may have been the reason.
    """
    waiting: dict[Future[tuple[R, str]], J] = {}
    while left or waiting:
        room = max(1, pool.size()) * AHEAD
        while left and len(waiting) < room:
            job = left.popleft()
            try:
                waiting[pool.submit(do, job)] = job
            except BrokenExecutor:  # it broke between two calls: nothing was handed over
                suspects.extend((job, *waiting.values()))
                return False
        done = wait(waiting, timeout=_PATIENCE, return_when=FIRST_COMPLETED).done
        if not done:
            pool.check()
        broken = False
        for future in done:
            job = waiting.pop(future)
            try:
                result, worker = _result(future)
            except pool.died as error:
                suspects.append(job)
                broken = broken or isinstance(error, BrokenExecutor)
            else:
                yield Done(job, result, worker)
        if broken:
            suspects.extend(waiting.values())
            return False
    return True


def _one_by_one(
    do: Callable[[J], R], suspects: deque[J], pool: Pool, ended: Failure
) -> Iterator[Done[J, R]]:
    """Do suspects alone, so that one which ends its worker takes no other with it."""
    while suspects:
        job = suspects.popleft()
        try:
            future = pool.submit(do, job)
            while not wait((future,), timeout=_PATIENCE).done:
                pool.check()
            result, worker = _result(future)
        except pool.died as error:
            yield Done(job, ended, "")
            if isinstance(error, BrokenExecutor):
                return
        else:
            yield Done(job, result, worker)


def _result(future: Future[tuple[R, str]]) -> tuple[R, str]:
    try:
        return future.result()
    except CancelledError:
        raise ServerUnreachable(
            "the cluster dropped what it was asked to do: its scheduler ended, or somebody stopped "
            "it",
            hint="run it again: what is finished is not done again",
        ) from None
