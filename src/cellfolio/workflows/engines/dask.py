"""Dask as an engine: a cluster on this machine, one that is there, or jobs of SLURM.

Rule 1: a worker does one of our jobs at a time, however many threads it has: CPU seconds are those
of the process, and memory is that of one job.
Rule 2: a worker has the libraries of the one who asks, or nothing is done: others give other bytes.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from cellfolio.errors import InvalidArgument, NotFound, ServerUnreachable, StoreError
from cellfolio.extras import importing
from cellfolio.workflows.engines.engine import Pool
from cellfolio.workflows.engines.slurm import SlurmJobs, slurm_jobs
from cellfolio.workflows.processes import Failure

J = TypeVar("J")
R = TypeVar("R")
LOCAL, SLURM = "local", "slurm"
_LIBRARIES = ("cellfolio", "numpy", "pandas", "scipy", "numba", "pyarrow", "tifffile")
"""Those that decide the bytes of what is made."""
_FIRST_WORKER = 60.0
"""Seconds that a cluster which is there may take to have a worker."""
_NO_WORKER = 300.0
"""Seconds that it may be without one."""
_ONE = threading.Lock()


@dataclass(frozen=True, slots=True)
class DaskEngine:
    """Workers of Dask; they see the same folders as the one who asks.

    Attributes
    ----------
    address : str
        ``local``: processes of this machine. ``slurm``: jobs of SLURM, by the user's configuration
        of dask-jobqueue. Else where a scheduler is: ``tcp://host:8786``, or its file
        (``scheduler.json``).
    workers : int, optional
        How many to start; of a cluster that is there, how many to wait for.

    Raises
    ------
    InvalidArgument
        If there is no such address.
    LibraryMissing
        If Dask is not installed.
    """

    address: str = LOCAL
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise InvalidArgument(f"workers should be at least 1, found {self.workers!r}")
        if not self._starts and ":" not in self.address and not self.address.endswith(".json"):
            raise InvalidArgument(
                f"{self.address!r} is no cluster of Dask; expected local, slurm, or an address",
                hint="such as tcp://10.0.0.5:8786, or the scheduler.json of a scheduler",
            )
        if self.address == SLURM and self.workers is None:
            raise InvalidArgument(
                "slurm should be told how many workers to ask for", hint="such as --workers 64"
            )
        _import("distributed")
        if self.address == SLURM:
            _import("dask_jobqueue")

    @property
    def _starts(self) -> bool:
        return self.address in (LOCAL, SLURM)

    @property
    def ended(self) -> Failure:
        """What is told of a job that ends each worker that takes it."""
        return Failure(
            "KilledWorker",
            "every worker that worked on it ended; there may be too little memory",
            "give workers more memory",
        )

    def count(self, jobs: int) -> int:
        """Return how many workers so many jobs are worth."""
        wanted = self.workers or (len(os.sched_getaffinity(0)) if self.address == LOCAL else jobs)
        return min(wanted, jobs)

    @contextmanager
    def open(self, jobs: int) -> Iterator[Pool]:
        """Start workers, or find them.

        Raises
        ------
        ServerUnreachable, NotFound
            If the cluster cannot be reached, or has no worker.
        InvalidArgument
            If SLURM is not configured, or refuses the jobs.
        """
        distributed = _import("distributed")
        with ExitStack() as stack:
            watch = self._connect(stack, max(1, self.count(jobs)))
            executor = watch.client.get_executor(pure=False)
            stack.callback(executor.shutdown, wait=False)
            if not self._starts:
                watch.wait(self.workers or 1)
            yield Pool(executor, watch.size, _sent, (distributed.KilledWorker,), watch.check)

    def _connect(self, stack: ExitStack, count: int) -> _Watch:
        if not self._starts:
            return _Watch(self._find(stack), self.address)
        asked = slurm_jobs(count) if self.address == SLURM else None
        cluster = stack.enter_context(asked.cluster if asked else local_cluster(count))
        client = stack.enter_context(_import("distributed").Client(cluster))
        return _Watch(client, self.address, asked)

    def _find(self, stack: ExitStack) -> Any:
        distributed = _import("distributed")
        where = {"address": self.address}
        if self.address.endswith(".json"):
            if not Path(self.address).is_file():
                raise NotFound(f"there is no file {self.address} of a scheduler")
            where = {"scheduler_file": self.address}
        try:
            return stack.enter_context(distributed.Client(**where, timeout=_FIRST_WORKER / 2))
        except (OSError, ValueError) as error:
            raise ServerUnreachable(
                f"there is no scheduler of Dask at {self.address}: {error}",
                hint="start one with: dask scheduler",
            ) from None


def local_cluster(count: int) -> Any:
    """Return a cluster of processes of this machine that nobody else can reach."""
    distributed = _import("distributed")
    return distributed.LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs="CRITICAL",
        scheduler_kwargs={"allowed_failures": 1, "dashboard_address": "127.0.0.1:0"},
    )


class _Watch:
    """Looks whether a cluster has workers.

    Parameters
    ----------
    client : distributed.Client
    address : str
    asked : SlurmJobs, optional
        The jobs that are its workers.
    """

    def __init__(self, client: Any, address: str, asked: SlurmJobs | None = None) -> None:
        self.client = client
        self._address = address
        self._asked = asked
        self._seen = time.monotonic()

    def size(self) -> int:
        """Return the number of workers."""
        try:
            return len(self.client.nthreads())
        except OSError as error:
            raise self._gone(str(error)) from None

    def wait(self, count: int) -> None:
        """Wait for so many workers."""
        try:
            self.client.wait_for_workers(count, timeout=_FIRST_WORKER)
        except OSError:  # what the library raises when time is over is one
            raise NotFound(
                f"the cluster {self._address} has {self.size()} workers; expected {count}",
                hint=f"start them: dask worker {self._address} --nworkers N --nthreads 1",
            ) from None

    def check(self) -> None:
        """Refuse to wait for ever; jobs of SLURM may be in its queue for long."""
        if self.client.status != "running":
            raise self._gone(f"the connection is {self.client.status}")
        if self.size():
            self._seen = time.monotonic()
        elif self._asked:
            self._asked.check()
        elif time.monotonic() - self._seen > _NO_WORKER:
            raise self._gone("it has no workers any more")

    def _gone(self, why: str) -> ServerUnreachable:
        return ServerUnreachable(
            f"the cluster {self._address} cannot go on: {why}",
            hint="run it again: what is finished is not done again",
        )


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a worker is sent: a function, and where and with what it was asked for."""

    do: Callable[..., Any]
    folder: str
    libraries: tuple[tuple[str, str], ...]

    def __call__(self, job: Any) -> tuple[Any, str]:
        from distributed import get_worker

        worker = str(get_worker().name)
        self._check(worker)
        with _ONE, chdir(self.folder):  # paths of jobs may be relative
            return self.do(job), worker

    def _check(self, worker: str) -> None:
        for (name, wanted), (_, found) in zip(self.libraries, libraries(), strict=True):
            if wanted != found:
                raise StoreError(
                    f"worker {worker} has {name} {found or 'not'}; expected {wanted}",
                    hint="start workers in the same environment",
                )
        if not Path(self.folder).is_dir():
            raise StoreError(
                f"worker {worker} does not see the folder {self.folder}",
                hint="workers need the same file system as the one who asks",
            )


def _sent(do: Callable[..., Any]) -> Callable[..., Any]:
    return _Sent(do, str(Path.cwd()), libraries())


@cache
def libraries() -> tuple[tuple[str, str], ...]:
    """Return the libraries that decide bytes, and their versions; empty of those not there."""
    return tuple((name, _version(name)) for name in _LIBRARIES)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _import(name: str) -> Any:
    from importlib import import_module

    with importing(name, extra="dask", what="working on Dask"):
        return import_module(name)
