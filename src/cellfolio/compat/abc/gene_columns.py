"""Some genes of many cells out of an ``.h5ad`` file, without reading the matrix into memory.

Rule 1: of a matrix stored by cell (CSR), the indices are read once, in windows of a fixed number
of values, and the values only where a gene asked for is among them. Stored by gene (CSC), only
those genes are read. A dense one is read in blocks of cells.
Rule 2: no more than `_WINDOW` values are in memory at a time, whatever the number of genes.

References
----------
The on-disk format of anndata (attributes ``encoding-type``, ``shape`` and ``_index``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument

if TYPE_CHECKING:
    import h5py
    import numpy as np
    import numpy.typing as npt

_WINDOW = 1 << 22
"""Values read at a time."""

Found = tuple["npt.NDArray[np.int64]", "npt.NDArray[np.int64]", "npt.NDArray[Any]"]
"""Rows, columns among those asked for, and values."""


class GeneColumns:
    """An ``.h5ad`` file, open for reading some of its genes.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InvalidArgument
        If it is no such file, or of a layout that this version does not know.
    """

    def __init__(self, path: Path) -> None:
        import h5py

        self._path = path
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise InvalidArgument(f"{path} cannot be read as HDF5: {error}") from error

    def __enter__(self) -> GeneColumns:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def index(self, axis: str) -> list[str]:
        """Return the names of the cells (``obs``) or genes (``var``), in order."""
        import h5py

        group = self._file.get(axis)
        if not isinstance(group, h5py.Group) or "_index" not in group.attrs:
            raise InvalidArgument(
                f"{self._path}: expected a table {axis!r} with an index, as anndata 0.7 and later "
                "write it"
            )
        column = group[group.attrs["_index"]]
        if isinstance(column, h5py.Group):
            column = column["values"]
        return [str(name) for name in column.asstr()[:]]

    def read(
        self, rows: npt.NDArray[np.bool_], columns: npt.NDArray[np.int64], step: int
    ) -> Iterator[Found]:
        """Yield the values of some cells and genes that are not zero.

        Parameters
        ----------
        rows : array of bool, shape (cells,)
            Cells that are wanted; values of others may come too.
        columns : array of int, shape (genes asked for,)
            Their places among the genes of the file.
        step : int
            Cells looked at together; those without a wanted one are passed over.
        """
        import h5py

        matrix = self._file.get("X")
        if isinstance(matrix, h5py.Dataset):
            yield from _read_dense(matrix, rows, columns)
            return
        kind = "" if matrix is None else matrix.attrs.get("encoding-type", "")
        if kind == "csr_matrix":
            width = int(matrix.attrs["shape"][1])
            yield from _read_csr(matrix, rows, _lookup(columns, width), step)
        elif kind == "csc_matrix":
            yield from _read_csc(matrix, columns)
        else:
            raise InvalidArgument(
                f"{self._path}: expected X to be csr_matrix, csc_matrix or dense, found {kind!r}"
            )


def _lookup(columns: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.int64]:
    """Return the place among the genes asked for by the place in the file; -1 for the others."""
    import numpy as np

    lookup = np.full(width, -1, dtype=np.int64)
    lookup[columns] = np.arange(len(columns))
    return lookup


def _read_csr(
    matrix: h5py.Group, rows: npt.NDArray[np.bool_], lookup: npt.NDArray[np.int64], step: int
) -> Iterator[Found]:
    import numpy as np

    starts = np.asarray(matrix["indptr"][:], dtype=np.int64)
    for first in range(0, len(rows), step):
        wanted = np.flatnonzero(rows[first : first + step])
        if not len(wanted):
            continue
        begin = int(starts[first + wanted[0]])
        end = int(starts[first + wanted[-1] + 1])
        for low in range(begin, end, _WINDOW):
            high = min(low + _WINDOW, end)
            found = lookup[matrix["indices"][low:high]]
            at = np.flatnonzero(found >= 0)
            if not len(at):
                continue
            values = matrix["data"][low + int(at[0]) : low + int(at[-1]) + 1]
            cells = np.searchsorted(starts, low + at, side="right") - 1
            yield cells, found[at], values[at - at[0]]


def _read_csc(matrix: h5py.Group, columns: npt.NDArray[np.int64]) -> Iterator[Found]:
    import numpy as np

    starts = np.asarray(matrix["indptr"][:], dtype=np.int64)
    for number, column in enumerate(columns):
        for low in range(int(starts[column]), int(starts[column + 1]), _WINDOW):
            high = min(low + _WINDOW, int(starts[column + 1]))
            cells = np.asarray(matrix["indices"][low:high], dtype=np.int64)
            yield cells, np.full(len(cells), number), matrix["data"][low:high]


def _read_dense(
    matrix: h5py.Dataset, rows: npt.NDArray[np.bool_], columns: npt.NDArray[np.int64]
) -> Iterator[Found]:
    import numpy as np

    step = max(1, _WINDOW // max(1, matrix.shape[1]))
    for first in range(0, len(rows), step):
        if rows[first : first + step].any():
            block = matrix[first : first + step][:, columns]
            cells, numbers = np.nonzero(block)
            yield first + cells, numbers, block[cells, numbers]
