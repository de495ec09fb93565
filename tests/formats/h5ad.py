"""Files of AnnData, written by hand: every layout, and faults that anndata would not write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

LAYOUTS = ("csr_matrix", "csc_matrix", "dense")


def compress(matrix: np.ndarray[Any, Any]) -> tuple[Any, Any, Any]:
    """Data, indices and starts of a matrix by row."""
    rows, columns = np.nonzero(matrix)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(matrix)))])
    return matrix[rows, columns], columns.astype(np.int32), starts.astype(np.int64)


def write_h5ad(
    path: Path, matrix: np.ndarray[Any, Any], cells: list[str], genes: list[str], layout: str
) -> None:
    """Write a file as anndata does."""
    with h5py.File(path, "w") as file:
        if layout == "dense":
            file["X"] = matrix
            file["X"].attrs["encoding-type"] = "array"
        else:
            by_row = layout == "csr_matrix"
            data, indices, starts = compress(matrix if by_row else matrix.T)
            group = file.create_group("X")
            group.attrs["encoding-type"] = layout
            group.attrs["shape"] = matrix.shape
            for name, values in (("data", data), ("indices", indices), ("indptr", starts)):
                group.create_dataset(name, data=values, chunks=True, compression="gzip")
        for axis, names, label in (("obs", cells, "cell_label"), ("var", genes, "gene_id")):
            table = file.create_group(axis)
            table.attrs["encoding-type"] = "dataframe"
            table.attrs["_index"] = label
            table.create_dataset(label, data=names, dtype=h5py.string_dtype())
