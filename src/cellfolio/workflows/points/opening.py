"""Which files can be looked at as points."""

from __future__ import annotations

from cellfolio.errors import InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.workflows.points.matrices import MatrixPoints
from cellfolio.workflows.points.points import Points
from cellfolio.workflows.points.tables import TablePoints

_TABLES = (".parquet", ".pq", ".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst")
_MATRICES = (".h5ad",)


def is_table(name: str) -> bool:
    """Whether a file is a table that can be looked at as points, by its name."""
    return name.lower().endswith(_TABLES)


def is_matrix(name: str) -> bool:
    """Whether a file is a matrix of cells and genes, by its name."""
    return name.lower().endswith(_MATRICES)


def open_points(source: Source) -> Points:
    """Return a file as points; nothing is read yet.

    Raises
    ------
    InvalidArgument
        If it is neither a table nor a matrix.
    """
    if is_matrix(source.name):
        return MatrixPoints(source)
    if is_table(source.name):
        return TablePoints(source)
    raise InvalidArgument(
        f"{source.name} cannot be shown as points", hint="choose a CSV, Parquet or h5ad file"
    )
