"""GCTX, the HDF5 format of expression matrices of the LINCS project.

References
----------
GCTX: Enache et al., Bioinformatics 35, 1427 (2019), https://doi.org/10.1093/bioinformatics/bty784.
The matrix lies in ``/0/DATA/0/matrix``, one row for each *column* (sample), and what is known of
rows and columns in ``/0/META/ROW`` and ``/0/META/COL``, one vector each, ``id`` among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.matrix import AnnotatedMatrix
from cellfolio.formats.streams import allowed_size, empty, faults_named
from cellfolio.package.nearest import suggest
from cellfolio.package.sizes import format_size

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

_MATRIX = "0/DATA/0/matrix"


def read_gctx(
    source: Source,
    *,
    rows: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    max_bytes: int | None = None,
) -> AnnotatedMatrix:
    """Read a GCTX file, or some rows and columns of it.

    Parameters
    ----------
    source : Source
    rows, columns : sequence of str, optional
        Identifiers of those wanted, in this order. Only their values are read.
    max_bytes : int, optional
        Most bytes that the values may take; by default 1 GiB, or 100 times the file's size.

    Returns
    -------
    AnnotatedMatrix
        With the file's type of number.

    Raises
    ------
    BrokenFile
        If it is cut off, or has another layout.
    InvalidArgument
        If an identifier is not there.
    """
    import h5py

    size = source.path.stat().st_size
    if not size:
        raise empty(source, "gctx")
    with faults_named(source, "gctx"), h5py.File(source.path, "r") as file:
        if _MATRIX not in file:
            raise BrokenFile(source.name, "gctx", f"it has no {_MATRIX}")
        matrix = file[_MATRIX]
        row_table, column_table = _facts(file["0/META/ROW"]), _facts(file["0/META/COL"])
        if matrix.shape != (len(column_table), len(row_table)):
            reason = (
                f"its matrix is {matrix.shape[1]} × {matrix.shape[0]}, but it names "
                f"{len(row_table)} rows and {len(column_table)} columns"
            )
            raise BrokenFile(source.name, "gctx", reason)
        down, across = _places(source, row_table, rows), _places(source, column_table, columns)
        needed, allowed = (
            len(down) * len(across) * matrix.dtype.itemsize,
            allowed_size(size, max_bytes),
        )
        if needed > allowed:
            raise BrokenFile(
                source.name,
                "gctx",
                f"its values take {format_size(needed)}, {format_size(allowed)} are allowed",
                hint="name rows= and columns=, or allow more with max_bytes=",
            )
        return AnnotatedMatrix(
            _values(matrix, down, across), row_table.iloc[down], column_table.iloc[across]
        )


def _facts(group: Any) -> pd.DataFrame:
    """Return what is known of an axis, by identifier."""
    import pandas as pd

    vectors = {name: _vector(group[name][()]) for name in group}
    table = pd.DataFrame(vectors)
    return table.set_index("id")


def _vector(values: Any) -> Any:
    if values.dtype.kind == "S" or values.dtype == object:
        return [
            one.decode("utf-8").strip() if isinstance(one, bytes) else str(one) for one in values
        ]
    return values


def _places(
    source: Source, table: pd.DataFrame, wanted: Sequence[str] | None
) -> npt.NDArray[np.int64]:
    import numpy as np

    if wanted is None:
        return np.arange(len(table))
    if isinstance(wanted, str):
        raise InvalidArgument(f"expected a list of identifiers, found the text {wanted!r}")
    known = {str(name): at for at, name in enumerate(table.index)}
    for name in wanted:
        if name not in known:
            hint = suggest(name, list(known))
            raise InvalidArgument(f"{source.name} has no identifier {name!r}", hint=hint)
    return np.array([known[name] for name in wanted], dtype=np.int64)


def _values(matrix: Any, down: npt.NDArray[np.int64], across: npt.NDArray[np.int64]) -> Any:
    """Read rows and columns; h5py takes places in rising order, each once, along one axis."""
    import numpy as np

    samples, back = np.unique(across, return_inverse=True)
    whole = len(samples) == matrix.shape[0]
    read = matrix[()] if whole else matrix[samples, :] if len(samples) else matrix[:0]
    return np.ascontiguousarray(read[back][:, down].T)
