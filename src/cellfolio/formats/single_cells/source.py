"""Where single cells lie: one interface for trees of CSV files, databases, tables and arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class CellProblem:
    """A part of a source that was left out.

    Attributes
    ----------
    path : str
        Of the file or folder, below the source.
    what : str
        What is wrong with it.
    """

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class CellBatch:
    """Cells that are read at once, such as those of a site.

    Attributes
    ----------
    table : pyarrow.Table
        A row for each cell: columns that begin with ``Metadata_``, then features by compartment,
        such as ``Cells_AreaShape_Area``. It has no row where a part holds no cell.
    problems : tuple of CellProblem
        What was left out since the batch before.
    """

    table: pa.Table
    problems: tuple[CellProblem, ...] = ()


class CellSource(Protocol):
    """Single cells, whatever keeps them.

    Rules that every source keeps:

    1. All batches have the same columns, of the same types, in the same order.
    2. If `wells_in_order`, the cells of a well are in batches that follow each other. Then what is
       kept in memory is a well at most.
    3. Reading twice gives the same batches.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns, in order."""

    @property
    def wells_in_order(self) -> bool:
        """Whether the cells of a well follow each other."""

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[CellBatch]:
        """Read the cells, or some of their columns.

        Raises
        ------
        InvalidArgument
            If a column is not there.
        BrokenFile
            If a part cannot be read, and problems are not to be left out.
        """
