"""Transfers by the workers of an engine: all of them see the store, and fill it together.

Who asked decides what goes where; workers only move bytes, and check them as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from cellfolio.errors import CellfolioError, TransferError
from cellfolio.package.digests import Digest
from cellfolio.package.plan import Transfer
from cellfolio.storage.home import Home
from cellfolio.storage.places import Place
from cellfolio.storage.progress import Meter
from cellfolio.storage.transfer import Fetched
from cellfolio.storage.upload import UploadPlan, send_files
from cellfolio.workflows.engines.doing import Done, do_all
from cellfolio.workflows.engines.engine import Workers, as_engine
from cellfolio.workflows.processes import Failure

J = TypeVar("J")
R = TypeVar("R")
T = TypeVar("T")
_FILES = 256
_BYTES = 256 * 1024**2
"""Files, and their bytes, from which on a job is full: enough that a worker keeps its connections
busy, and little to do again when it dies."""


@dataclass(frozen=True, slots=True)
class FetchJob:
    """Files that a worker is asked to fetch into a store.

    Attributes
    ----------
    home : Path
    transfers : tuple of Transfer
    """

    home: Path
    transfers: tuple[Transfer, ...]

    def do(self) -> list[Fetched] | CellfolioError:
        """Fetch them; return what became of each, or why none can be fetched any more."""
        try:
            return list(_home(self.home).fetcher.fetch(self.transfers, _unseen()))
        except CellfolioError as error:
            return error


@dataclass(frozen=True, slots=True)
class SendJob:
    """Files that a worker is asked to send.

    Attributes
    ----------
    home : Path
    plan : UploadPlan
    """

    home: Path
    plan: UploadPlan

    def do(self) -> dict[Digest, Place] | CellfolioError:
        """Send them; return the first failure."""
        try:
            return send_files(self.plan, _home(self.home), _unseen())
        except CellfolioError as error:
            return error


def fetch_by(
    transfers: Sequence[Transfer], home: Home, workers: Workers, meter: Meter
) -> Iterator[Fetched]:
    """Have workers fetch into the store of a home (see `Fetcher.fetch`).

    Parameters
    ----------
    transfers : sequence of Transfer
    home : Home
        Its folder is the same for all workers.
    workers : int, Engine or None
        With 1, this process does it.
    meter : Meter

    Raises
    ------
    StoreError, ServerUnreachable
    TransferError
        If no worker lived to fetch something.
    """
    jobs = [FetchJob(home.folder, part) for part in _parts(transfers, lambda one: one.size)]
    if not as_engine(workers).count(len(jobs)):
        yield from home.fetcher.fetch(transfers, meter)
        return
    for done in do_all(FetchJob.do, jobs, workers):
        for fetched in _made(done):
            size = fetched.transfer.size if fetched.error is None else 0
            meter.advance(files=1, size=size)
            yield fetched
        meter.tell()


def send_by(plan: UploadPlan, home: Home, workers: Workers, meter: Meter) -> dict[Digest, Place]:
    """Have workers send files (see `cellfolio.storage.upload.send_files`).

    Parameters
    ----------
    plan : UploadPlan
        Its files are the same for all workers.
    home : Home
    workers : int, Engine or None
        With 1, this process does it.
    meter : Meter

    Raises
    ------
    CellfolioError
        The first failure; what was sent stays and is found by the next push.
    """
    parts = _parts(plan.uploads, lambda one: one.size)
    if not as_engine(workers).count(len(parts)):
        return send_files(plan, home, meter)
    jobs = [SendJob(home.folder, plan.part(some)) for some in parts]
    sent: dict[Digest, Place] = {}
    for done in do_all(SendJob.do, jobs, workers):
        places: dict[Digest, Place] = _made(done)
        sent.update(places)
        meter.advance(files=len(places), size=sum(one.size for one in done.job.plan.uploads))
        meter.tell()
    return sent


def _made(done: Done[J, R | CellfolioError]) -> R:
    if isinstance(done.result, Failure):
        raise TransferError(done.result.message, hint=done.result.hint)
    if isinstance(done.result, CellfolioError):
        raise done.result
    return done.result


def _parts(files: Iterable[T], size: Callable[[T], int]) -> list[tuple[T, ...]]:
    """Cut files into what one worker does at a time.

    Examples
    --------
    >>> _parts([200, 100 * 2**20, 200 * 2**20, 300], lambda size: size)
    [(200, 104857600, 209715200), (300,)]
    """
    found: list[tuple[T, ...]] = []
    part: list[T] = []
    total = 0
    for one in files:
        part.append(one)
        total += size(one)
        if len(part) >= _FILES or total >= _BYTES:
            found.append(tuple(part))
            part, total = [], 0
    return [*found, tuple(part)] if part else found


@cache
def _home(folder: Path) -> Home:
    """Return a worker's own view of a home; its connections serve several jobs."""
    return Home(folder)


def _unseen() -> Meter:
    """Return a meter that nobody looks at: a worker tells of a job when it is done."""
    return Meter(None, "", 0, 0)
