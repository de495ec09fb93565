"""What an ``.h5ad`` file has, and single columns of it; the matrix stays in the file.

References
----------
The on-disk format of anndata (attributes ``encoding-type``, ``column-order``, ``_index``), and of
versions before 0.7: tables as compound arrays, whose categories are in ``uns``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.gene_columns import GeneColumns
from cellfolio.formats.streams import empty, faults_named
from cellfolio.package.nearest import suggest

if TYPE_CHECKING:
    import h5py
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

_FORMAT = "h5ad"
_CATEGORIES = "_categories"
"""Behind the name of a column: where old files keep the names of its categories in ``uns``."""


@dataclass(frozen=True, slots=True)
class NamedArray:
    """Something of a file that has a name, a shape and a type.

    Attributes
    ----------
    name : str
    shape : tuple of int
        Empty for a group.
    kind : str
        Such as ``float32``, ``category``, ``text``, ``csr``, ``group``.
    """

    name: str
    shape: tuple[int, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class H5adSummary:
    """What a file has; no values were read.

    Attributes
    ----------
    cells, genes : int
    matrix : NamedArray or None
    obs, var : tuple of NamedArray
        Columns of the tables of cells and of genes, without their index.
    layers, obsm, varm, obsp, uns : tuple of NamedArray
    """

    cells: int
    genes: int
    matrix: NamedArray | None
    obs: tuple[NamedArray, ...]
    var: tuple[NamedArray, ...]
    layers: tuple[NamedArray, ...]
    obsm: tuple[NamedArray, ...]
    varm: tuple[NamedArray, ...]
    obsp: tuple[NamedArray, ...]
    uns: tuple[NamedArray, ...]


def summarize_h5ad(source: Source) -> H5adSummary:
    """Return what a file has; only names, shapes and types are read.

    Raises
    ------
    BrokenFile
        If it is no such file, or damaged.
    """
    with _opened(source) as file:
        matrix = None if "X" not in file else _told("X", file["X"])
        parts = {name: _members(file, name) for name in ("layers", "obsm", "varm", "obsp", "uns")}
        parts["uns"] = tuple(one for one in parts["uns"] if not one.name.endswith(_CATEGORIES))
        return H5adSummary(
            _length(source, file, "obs"),
            _length(source, file, "var"),
            matrix,
            _columns(source, file, "obs"),
            _columns(source, file, "var"),
            **parts,
        )


def read_obs_column(source: Source, name: str) -> pd.Series[Any]:
    """Return a column of the table of cells; categories as such.

    Raises
    ------
    BrokenFile
    InvalidArgument
        If there is no such column.
    """
    import pandas as pd

    with _opened(source) as file:
        table = _table(source, file, "obs")
        known = [one.name for one in _columns(source, file, "obs")]
        if name not in known:
            raise InvalidArgument(
                f"{source.name} has no column {name!r} of cells", hint=suggest(name, known)
            )
        values = table[name]
        if _is_array(values) or not hasattr(values, "keys"):
            return _plain_column(file, name, values[:] if hasattr(values, "shape") else values)
        if "codes" in values:
            names = pd.Index(_decoded(values["categories"][:]))
            return pd.Series(_categorical(values["codes"][:], names))
        found = pd.Series(_decoded(values["values"][:]))
        return found.mask(pd.Series(values["mask"][:])) if "mask" in values else found


def read_obsm(source: Source, name: str) -> npt.NDArray[np.float64]:
    """Return an embedding.

    Returns
    -------
    array of float64, shape (cells, components)

    Raises
    ------
    BrokenFile
    InvalidArgument
        If there is none of this name, or it is no array of numbers.
    """
    import numpy as np

    with _opened(source) as file:
        held = file.get("obsm", {})
        names = list(held.dtype.names if _is_array(held) else held)
        if name not in names:
            raise InvalidArgument(
                f"{source.name} has no embedding {name!r}", hint=suggest(name, names)
            )
        values = held[name]
        if hasattr(values, "keys") or len(values.shape) != 2 or values.dtype.kind not in "fiub":
            raise InvalidArgument(f"obsm/{name} of {source.name} is no array of numbers")
        return np.asarray(values[:], dtype=np.float64)


def read_gene(source: Source, gene: int, layer: str | None = None) -> npt.NDArray[np.float64]:
    """Return the values of one gene in all cells.

    Parameters
    ----------
    source : Source
    gene : int
        Its place among the genes.
    layer : str, optional

    Raises
    ------
    BrokenFile, InvalidArgument
    """
    import numpy as np

    with GeneColumns(source, layer) as columns:
        values = np.zeros((columns.shape[0], 1))
        everyone = np.arange(columns.shape[0])
        columns.fill(values, everyone, np.array([gene]))
        return values[:, 0]


@contextmanager
def _opened(source: Source) -> Iterator[h5py.File]:
    import h5py

    if not source.path.stat().st_size:
        raise empty(source, _FORMAT)
    with faults_named(source, _FORMAT), h5py.File(source.path, "r") as file:
        yield file


def _is_array(found: Any) -> bool:
    """Whether it is a compound array, as old files have tables."""
    return getattr(getattr(found, "dtype", None), "names", None) is not None


def _table(source: Source, file: h5py.File, axis: str) -> Any:
    table = file.get(axis)
    if table is None or not (_is_array(table) or hasattr(table, "keys")):
        raise BrokenFile(source.name, _FORMAT, f"it has no table {axis!r}")
    return table


def _index_name(table: Any) -> str:
    if _is_array(table):
        return "index" if "index" in table.dtype.names else str(table.dtype.names[0])
    name = table.attrs.get("_index", "_index")
    return name.decode() if isinstance(name, bytes) else str(name)


def _length(source: Source, file: h5py.File, axis: str) -> int:
    table = _table(source, file, axis)
    if _is_array(table):
        return int(table.shape[0])
    index = table.get(_index_name(table))
    if index is None:
        raise BrokenFile(source.name, _FORMAT, f"its table {axis!r} has no index")
    column = index.get("values", index.get("codes")) if hasattr(index, "keys") else index
    return int(column.shape[0])


def _columns(source: Source, file: h5py.File, axis: str) -> tuple[NamedArray, ...]:
    table = _table(source, file, axis)
    index = _index_name(table)
    if _is_array(table):
        told = {f"{name}{_CATEGORIES}" for name in table.dtype.names} & set(file.get("uns", {}))
        return tuple(
            NamedArray(
                name,
                (int(table.shape[0]),),
                "category" if f"{name}{_CATEGORIES}" in told else _kind(table.dtype[name]),
            )
            for name in table.dtype.names
            if name != index
        )
    ordered = [str(name) for name in table.attrs.get("column-order", list(table))]
    names = [name for name in ordered if name in table and name != index and name[:2] != "__"]
    return tuple(_told(name, table[name]) for name in names)


def _members(file: h5py.File, name: str) -> tuple[NamedArray, ...]:
    held = file.get(name, {})
    if _is_array(held):
        kinds = held.dtype
        rows = int(held.shape[0])
        return tuple(
            NamedArray(one, (rows, *kinds[one].shape), _kind(kinds[one].base))
            for one in kinds.names
        )
    return tuple(_told(str(one), held[one]) for one in held)


def _told(name: str, found: Any) -> NamedArray:
    if not hasattr(found, "keys"):
        return NamedArray(name, tuple(int(one) for one in found.shape), _kind(found.dtype))
    if "codes" in found:
        return NamedArray(name, tuple(found["codes"].shape), "category")
    kind = found.attrs.get("encoding-type", found.attrs.get("h5sparse_format", "group"))
    shape = found.attrs.get("shape", found.attrs.get("h5sparse_shape", ()))
    word = str(kind.decode() if isinstance(kind, bytes) else kind).removesuffix("_matrix")
    if "values" in found and "mask" in found:
        return NamedArray(name, tuple(found["values"].shape), _kind(found["values"].dtype))
    word = "group" if word in ("dict", "") else word
    return NamedArray(name, tuple(int(one) for one in shape), word)


def _kind(dtype: np.dtype[Any]) -> str:
    return "text" if dtype.kind in "OSU" else str(dtype)


def _plain_column(file: h5py.File, name: str, values: npt.NDArray[Any]) -> pd.Series[Any]:
    import pandas as pd

    categories = file.get("uns", {}).get(f"{name}{_CATEGORIES}")
    if categories is not None and values.dtype.kind in "iu":
        return pd.Series(_categorical(values, pd.Index(_decoded(categories[:]))))
    return pd.Series(_decoded(values))


def _categorical(codes: npt.NDArray[Any], names: Sequence[Any]) -> pd.Series[Any]:
    """Return values by code; a code that stands for nothing is a missing value."""
    import numpy as np
    import pandas as pd

    held = np.array([*names, None], dtype=object)
    places = np.where((codes >= 0) & (codes < len(names)), codes, len(names)).astype(np.int64)
    return pd.Series(held[places])


def _decoded(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    import numpy as np

    if values.dtype.kind not in "OS":
        return values
    return np.array(
        [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in values],
        dtype=object,
    )
