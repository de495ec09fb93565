"""Engines: who does the jobs of a run, and what is told when a worker dies.

An engine opens a pool; jobs are submitted to it as to any `concurrent.futures.Executor`. Which
engine it is changes no byte of what is made.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from cellfolio.errors import InvalidArgument
from cellfolio.workflows.processes import Failure, processes

J = TypeVar("J")
R = TypeVar("R")
Errors = tuple[type[BaseException], ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """Workers that are there.

    Attributes
    ----------
    executor : Executor
    size : callable
        Returns how many workers there are now; with a cluster they come and go.
    wrap : callable
        Makes of a function what workers call: it returns the result and the worker's name.
    died : tuple of type
        Errors that say that the worker died. With a `concurrent.futures.BrokenExecutor`, the pool
        is of no use any more.
    check : callable
        Called now and then while nothing is done; raises if nothing ever will.
    """

    executor: Executor
    size: Callable[[], int]
    wrap: Callable[[Callable[..., Any]], Callable[..., Any]]
    died: Errors
    check: Callable[[], None] = lambda: None

    def submit(self, do: Callable[[J], R], job: J) -> Future[tuple[R, str]]:
        """Have a job done; what comes is the result, and the name of who made it."""
        return self.executor.submit(self.wrap(do), job)


class Engine(Protocol):
    """Who does the jobs of a run; a frozen value, so that it can be given on."""

    @property
    def ended(self) -> Failure:
        """What is told of a job that ends each worker that takes it."""
        ...

    def count(self, jobs: int) -> int:
        """Return how many workers so many jobs are worth; with 0, this process does everything."""
        ...

    def open(self, jobs: int) -> AbstractContextManager[Pool]:
        """Start workers, or find them, for so many jobs; end those that were started."""
        ...


ENDED = Failure(
    "BrokenProcessPool",
    "the process that worked on it ended; there may be too little memory",
    "take fewer workers",
)


@dataclass(frozen=True, slots=True)
class LocalProcesses:
    """Processes of this machine.

    Attributes
    ----------
    workers : int, optional
        By default as many as there are cores. With 1, the process that asks does everything.

    Raises
    ------
    InvalidArgument
        If less than one is asked for.
    """

    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise InvalidArgument(f"workers should be at least 1, found {self.workers!r}")

    @property
    def ended(self) -> Failure:
        """What is told of a job that ends each process that takes it."""
        return ENDED

    def count(self, jobs: int) -> int:
        """Return the number of processes: none, where one would do it all."""
        count = min(self.workers or len(os.sched_getaffinity(0)), jobs)
        return count if count > 1 else 0

    @contextmanager
    def open(self, jobs: int) -> Iterator[Pool]:
        """Start processes; each ends when this one does."""
        count = self.count(jobs) or 1
        with processes(count) as executor:
            yield Pool(executor, lambda: count, _naming, (BrokenProcessPool,))


Workers = int | Engine | None
"""What functions take that work in parallel: a number of processes, an engine, or one of each
core."""


def as_engine(workers: Workers) -> Engine:
    """Return the engine that is meant.

    Raises
    ------
    InvalidArgument
        If less than one process is asked for.

    Examples
    --------
    >>> as_engine(2)
    LocalProcesses(workers=2)
    """
    return LocalProcesses(workers) if workers is None or isinstance(workers, int) else workers


def _naming(do: Callable[[J], R]) -> Callable[[J], tuple[R, str]]:
    return partial(do_named, do)


def do_named(do: Callable[[J], R], job: J) -> tuple[R, str]:
    """Do a job; tell the machine and process that did it."""
    return do(job), f"{platform.node()}:{os.getpid()}"
