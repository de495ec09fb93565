"""Single cells read by several processes, in the order of one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from cellfolio.errors import StoreError
from cellfolio.formats.single_cells.cellprofiler import CellProfilerCells
from cellfolio.formats.single_cells.source import CellBatch, CellSource
from cellfolio.workflows.processes import count_workers, processes

_WAITING = 2
"""Parts that are read or wait for their turn, for each process; they are in memory."""
_WORTH = 6
"""Parts that a process should have to be worth starting."""


def in_processes(source: CellSource, workers: int | None) -> CellSource:
    """Return a source whose parts several processes read; the cells are the same.

    Parameters
    ----------
    source : CellSource
        Of CellProfiler's tables: folders are read at the same time. Others are returned as they
        are, as reading takes them less than passing on would.
    workers : int or None
        None for as many as there are cores, each of which has some folders to read.

    Raises
    ------
    InvalidArgument
    """
    parts = source.parts if isinstance(source, CellProfilerCells) else 1
    count = count_workers(workers, parts if workers else parts // _WORTH)
    if count == 1 or not isinstance(source, CellProfilerCells):
        return source
    return _CellsOfProcesses(source, count)


@dataclass(frozen=True)
class _CellsOfProcesses:
    """Cells whose folders are read by processes."""

    source: CellProfilerCells
    workers: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns."""
        return self.source.columns

    @property
    def wells_in_order(self) -> bool:
        """Whether the cells of a well follow each other."""
        return self.source.wells_in_order

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[CellBatch]:
        """Read the cells, or some of their columns (see `CellSource`)."""
        wanted = self.source.check(columns)
        with processes(self.workers, _Worker.prepare, self.source, wanted) as pool:
            asked = (pool.submit(_Worker.read, at) for at in range(self.source.parts))
            waiting = deque(islice(asked, _WAITING * self.workers))
            while waiting:
                yield from _result(waiting.popleft())
                waiting.extend(islice(asked, 1))


def _result(future: Future[list[CellBatch]]) -> list[CellBatch]:
    try:
        return future.result()
    except BrokenProcessPool:
        raise StoreError(
            "a process that read cells ended; there may be too little memory",
            hint="take fewer workers",
        ) from None


class _Worker:
    """What a process has been given."""

    source: ClassVar[CellProfilerCells]
    columns: ClassVar[tuple[str, ...]]

    @classmethod
    def prepare(cls, source: CellProfilerCells, columns: tuple[str, ...]) -> None:
        """Keep the source for all parts."""
        cls.source, cls.columns = source, columns

    @classmethod
    def read(cls, at: int) -> list[CellBatch]:
        """Read a part."""
        return list(cls.source.read_part(at, cls.columns))
