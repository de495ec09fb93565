"""Some genes of many cells out of an ``.h5ad`` file, without reading the matrix into memory.

Rule 1: of a matrix stored by cell (CSR), the indices are read once, in windows of a fixed number
of values, and the values only where a gene asked for is among them. Stored by gene (CSC), only
those genes are read. A dense one is read in blocks of cells.
Rule 2: no more than `_WINDOW` values are in memory at a time, whatever the number of genes.
Rule 3: values that stand twice at one place of a sparse matrix are added up, as SciPy does.

References
----------
The on-disk format of anndata (attributes ``encoding-type``, ``shape`` and ``_index``), and of
versions before 0.7 (``h5sparse_format``, ``h5sparse_shape``, tables as compound arrays).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.streams import empty, faults_named

if TYPE_CHECKING:
    import h5py
    import numpy as np
    import numpy.typing as npt

_WINDOW = 1 << 21
"""Values read at a time."""
_CELLS = 8192
"""Cells looked at together."""
_FORMAT = "h5ad"
_AGAIN = "get the file again"

Found = tuple["npt.NDArray[np.int64]", "npt.NDArray[np.int64]", "npt.NDArray[Any]"]
"""Rows, columns among those asked for, and values."""


class GeneColumns:
    """An ``.h5ad`` file, open for reading some of its genes.

    Parameters
    ----------
    source : Source
    layer : str, optional
        Name of a layer; by default the matrix ``X``.

    Attributes
    ----------
    shape : tuple of int
        Cells and genes.
    dtype : dtype
        Of the values.

    Raises
    ------
    BrokenFile
        If it is no such file, damaged, or of a layout that this version does not know.
    InvalidArgument
        If it has no such layer.
    """

    def __init__(self, source: Source, layer: str | None = None) -> None:
        import h5py

        self._source = source
        if not source.path.stat().st_size:
            raise empty(source, _FORMAT)
        with faults_named(source, _FORMAT):
            self._file = h5py.File(source.path, "r")
        try:
            with faults_named(source, _FORMAT):
                self._matrix = self._find(layer)
                self._kind, self.shape = self._layout()
                self.dtype: np.dtype[Any] = self._values().dtype
                self._check_shape()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> GeneColumns:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _broken(self, reason: str, hint: str = _AGAIN) -> BrokenFile:
        return BrokenFile(self._source.name, _FORMAT, reason, hint=hint)

    # What the file says of itself

    def _find(self, layer: str | None) -> h5py.Group | h5py.Dataset:
        if layer is None:
            found = self._file.get("X")
            if found is None:
                raise self._broken("it has no matrix X")
            return found
        layers = self._file.get("layers", {})
        if layer not in layers:
            raise InvalidArgument(
                f"{self._source.name} has no layer {layer!r}",
                hint=f"it has {', '.join(layers)}" if len(layers) else "it has only X",
            )
        return layers[layer]

    def _layout(self) -> tuple[str, tuple[int, int]]:
        import h5py

        matrix = self._matrix
        if isinstance(matrix, h5py.Dataset):
            if matrix.ndim != 2:
                raise self._broken(f"expected a matrix of 2 axes, found {matrix.ndim}")
            return "dense", matrix.shape
        attrs = matrix.attrs
        kind = attrs.get("encoding-type", attrs.get("h5sparse_format", ""))
        kind = str(kind.decode() if isinstance(kind, bytes) else kind)
        kind = kind.removesuffix("_matrix")
        shape = attrs.get("shape", attrs.get("h5sparse_shape"))
        if kind not in ("csr", "csc") or shape is None or len(shape) != 2:
            raise self._broken(f"expected its matrix to be CSR, CSC or dense, found {kind!r}")
        return kind, (int(shape[0]), int(shape[1]))

    def _values(self) -> h5py.Dataset:
        return self._matrix if self._kind == "dense" else self._matrix["data"]

    def _check_shape(self) -> None:
        """Rule: a damaged file is found before anything is taken from it."""
        import numpy as np

        for axis, size in zip(("obs", "var"), self.shape, strict=True):
            found = self._index_column(axis).shape[0]
            if found != size:
                raise self._broken(f"its matrix has {size} {axis}, its table {axis} {found}")
        if self._kind == "dense":
            return
        starts = np.asarray(self._matrix["indptr"][:], dtype=np.int64)
        lines = self.shape[0] if self._kind == "csr" else self.shape[1]
        count = len(self._matrix["data"])
        if (
            len(starts) != lines + 1
            or starts[0] != 0
            or starts[-1] != count
            or len(self._matrix["indices"]) != count
            or bool((np.diff(starts) < 0).any())
        ):
            raise self._broken("indptr, indices and data of its matrix contradict each other")
        self._starts = starts

    # Names of cells and genes

    def index(self, axis: str) -> list[str]:
        """Return the names of the cells (``obs``) or genes (``var``), in order.

        Raises
        ------
        BrokenFile
        """
        with faults_named(self._source, _FORMAT):
            return [str(name) for name in _texts(self._index_column(axis)[:])]

    def column(self, axis: str, name: str) -> list[str] | None:
        """Return a column of texts of the cells (``obs``) or genes (``var``).

        Returns
        -------
        list of str or None
            None if there is no such column. A missing value is an empty text.

        Raises
        ------
        BrokenFile
        """
        import h5py
        import numpy as np

        with faults_named(self._source, _FORMAT):
            table = self._table(axis)
            if isinstance(table, h5py.Dataset):
                return [str(v) for v in _texts(table[name])] if name in table.dtype.names else None
            column = table.get(name)
            if isinstance(column, h5py.Group) and "codes" in column:
                names = np.array(["", *_texts(column["categories"][:])], dtype=object)
                return [str(one) for one in names[column["codes"][:].astype(np.int64) + 1]]
            if isinstance(column, h5py.Group):
                column = column.get("values")
            return None if column is None else [str(one) for one in _texts(column[:])]

    def _table(self, axis: str) -> h5py.Group | h5py.Dataset:
        import h5py

        table = self._file.get(axis)
        old = isinstance(table, h5py.Dataset) and table.dtype.names
        if not old and not (isinstance(table, h5py.Group) and "_index" in table.attrs):
            raise self._broken(f"expected a table {axis!r} with an index, as anndata writes it")
        return table

    def _index_column(self, axis: str) -> Any:
        """Return what holds the names: something with a shape, to be read by slices."""
        import h5py

        table = self._table(axis)
        if isinstance(table, h5py.Dataset):
            names = table.dtype.names
            return table.fields("index" if "index" in names else names[0])
        column = table[table.attrs["_index"]]
        return column["values"] if isinstance(column, h5py.Group) else column

    # Values

    def fill(
        self,
        values: npt.NDArray[Any],
        targets: npt.NDArray[np.int64],
        columns: npt.NDArray[np.int64],
        step: int = _CELLS,
    ) -> None:
        """Put the values of some cells and genes into an array.

        Parameters
        ----------
        values : ndarray, shape (cells asked for, genes asked for)
            Cells and genes that the file has are overwritten, the others are left alone.
        targets : array of int, shape (cells of the file,)
            Row of `values` for each cell of the file; -1 for those that nobody wants.
        columns : array of int, shape (genes asked for,)
            Place of each gene among those of the file; -1 for those that it does not have.
        step : int
            Cells looked at together; those without a wanted one are passed over.

        Raises
        ------
        BrokenFile
            If the file is damaged.
        """
        import numpy as np

        rows = targets >= 0
        if rows.any() and np.bincount(targets[rows]).max() > 1:
            raise self._broken("it has several cells of one name")
        there = np.flatnonzero(columns >= 0)
        values[np.ix_(targets[rows], there)] = 0
        for cells, numbers, found in self.read(rows, columns[there], step):
            keep = rows[cells]
            places = targets[cells[keep]], there[numbers[keep]]
            np.add.at(values, places, found[keep])

    def read(
        self, rows: npt.NDArray[np.bool_], columns: npt.NDArray[np.int64], step: int = _CELLS
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

        Raises
        ------
        BrokenFile
        """
        readers = {"dense": self._read_dense, "csr": self._read_csr, "csc": self._read_csc}
        with faults_named(self._source, _FORMAT):
            yield from readers[self._kind](rows, columns, step)

    def _read_csr(
        self, rows: npt.NDArray[np.bool_], columns: npt.NDArray[np.int64], step: int
    ) -> Iterator[Found]:
        import numpy as np

        indices, data, starts = self._matrix["indices"], self._matrix["data"], self._starts
        wanted = np.zeros(self.shape[1], dtype=bool)
        wanted[columns] = True
        place = np.zeros(self.shape[1], dtype=np.int64)
        place[columns] = np.arange(len(columns))
        for begin, end in _runs(rows, starts, step):
            for low, high in _windows(begin, end, indices.chunks):
                genes = indices[low:high]
                at = np.flatnonzero(self._checked(wanted, genes))
                if not len(at):
                    continue
                values = data[low + int(at[0]) : low + int(at[-1]) + 1]
                cells = np.searchsorted(starts, low + at, side="right") - 1
                yield cells, place[genes[at]], values[at - at[0]]

    def _checked(
        self, wanted: npt.NDArray[np.bool_], numbers: npt.NDArray[Any]
    ) -> npt.NDArray[np.bool_]:
        """Return what is wanted by number; a negative one is no place from the end."""
        try:
            found: npt.NDArray[np.bool_] = wanted[numbers.view(f"u{numbers.dtype.itemsize}")]
        except IndexError:
            raise self._broken(
                f"its indices lead out of the matrix: up to {len(wanted) - 1} are expected, "
                f"found {numbers.min()} to {numbers.max()}"
            ) from None
        return found

    def _read_csc(
        self, rows: npt.NDArray[np.bool_], columns: npt.NDArray[np.int64], step: int
    ) -> Iterator[Found]:
        import numpy as np

        indices, data, starts = self._matrix["indices"], self._matrix["data"], self._starts
        for number, column in enumerate(columns):
            span = int(starts[column]), int(starts[column + 1])
            for low, high in _windows(*span, indices.chunks):
                cells = indices[low:high]
                at = np.flatnonzero(self._checked(rows, cells))
                yield cells[at].astype(np.int64), np.full(len(at), number), data[low:high][at]

    def _read_dense(
        self, rows: npt.NDArray[np.bool_], columns: npt.NDArray[np.int64], step: int
    ) -> Iterator[Found]:
        import numpy as np

        several = max(1, _WINDOW // max(1, self.shape[1]))
        for first in range(0, len(rows), several):
            if rows[first : first + several].any():
                block = self._matrix[first : first + several][:, columns]
                cells, numbers = np.nonzero(block)
                yield first + cells, numbers, block[cells, numbers]


def _runs(
    rows: npt.NDArray[np.bool_], starts: npt.NDArray[np.int64], step: int
) -> Iterator[tuple[int, int]]:
    """Yield the spans of values to look at: from the first wanted cell of a step to the last."""
    import numpy as np

    for first in range(0, len(rows), step):
        wanted = np.flatnonzero(rows[first : first + step])
        if len(wanted):
            yield int(starts[first + wanted[0]]), int(starts[first + wanted[-1] + 1])


def _windows(begin: int, end: int, chunks: tuple[int, ...] | None) -> Iterator[tuple[int, int]]:
    """Cut a span where chunks of the file end, so that none is decompressed twice.

    Examples
    --------
    >>> list(_windows(5, 12, (1 << 20,)))
    [(5, 12)]
    """
    chunk = chunks[0] if chunks else 1
    size = max(1, _WINDOW // chunk) * chunk
    low = begin
    while low < end:
        # A chunk that is too large for one window is read in several, at the price of time.
        high = min(end, (low // size + 1) * size, low + max(_WINDOW, 1))
        yield low, high
        low = high


def _texts(values: npt.NDArray[Any]) -> Iterator[str]:
    for one in values.tolist():
        yield one.decode("utf-8") if isinstance(one, bytes) else str(one)


def places_of(names: list[str], wanted: list[str]) -> npt.NDArray[np.int64]:
    """Return the place of each wanted name among others; -1 where it is not there.

    Examples
    --------
    >>> places_of(["Xkr4", "Rp1"], ["Rp1", "Snap25"]).tolist()
    [1, -1]
    """
    import numpy as np

    place = {name: number for number, name in enumerate(names)}
    return np.array([place.get(name, -1) for name in wanted], dtype=np.int64)
