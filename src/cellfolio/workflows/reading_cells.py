"""Single cells read by several workers, in the order of one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import islice

from cellfolio.errors import StoreError
from cellfolio.formats.single_cells.cellprofiler import CellProfilerCells
from cellfolio.formats.single_cells.source import CellBatch, CellSource
from cellfolio.workflows.engines.doing import AHEAD
from cellfolio.workflows.engines.engine import Engine, Pool, Workers, as_engine

_WORTH = 6
"""Parts that a process should have to be worth starting."""


def in_processes(source: CellSource, workers: Workers) -> CellSource:
    """Return a source whose parts several workers read; the cells are the same.

    Parameters
    ----------
    source : CellSource
        Of CellProfiler's tables: folders are read at the same time. Others are returned as they
        are, as reading takes them less than passing on would.
    workers : int or Engine, optional
        By default as many processes as there are cores, each of which has some folders to read.

    Raises
    ------
    InvalidArgument
    """
    engine = as_engine(workers)
    if not isinstance(source, CellProfilerCells):
        return source
    parts = source.parts if workers is not None else source.parts // _WORTH
    return _CellsOfWorkers(source, engine, parts) if engine.count(parts) else source


@dataclass(frozen=True)
class _CellsOfWorkers:
    """Cells whose folders are read by workers.

    Attributes
    ----------
    source : CellProfilerCells
    engine : Engine
    worth : int
        Number of jobs that workers are started for.
    """

    source: CellProfilerCells
    engine: Engine
    worth: int

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
        with self.engine.open(self.worth) as pool:
            read = partial(_read, wanted)
            asked = (pool.submit(read, self.source.only(at)) for at in range(self.source.parts))
            # What is read waits in memory for its turn.
            waiting = deque(islice(asked, AHEAD * max(1, pool.size())))
            while waiting:
                yield from self._result(waiting.popleft(), pool)
                waiting.extend(islice(asked, 1))

    def _result(self, future: Future[tuple[list[CellBatch], str]], pool: Pool) -> list[CellBatch]:
        try:
            return future.result()[0]
        except pool.died:
            raise StoreError(
                "a process that read cells ended; there may be too little memory",
                hint=self.engine.ended.hint,
            ) from None


def _read(columns: tuple[str, ...], source: CellProfilerCells) -> list[CellBatch]:
    return list(source.read_part(0, columns))
