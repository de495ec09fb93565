"""What files of matrices become: numbers, with a table for each axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    import scipy.sparse as sp


@dataclass(frozen=True, slots=True, eq=False)
class CountMatrix:
    """Counts, of which most are zero.

    Attributes
    ----------
    counts : csr_matrix, shape (rows, columns)
        As in the file; for 10x Genomics and the Allen Institute, genes × cells.
    rows, columns : DataFrame
        One row for each row and column of `counts`; without columns where there is no table.
    """

    counts: sp.csr_matrix
    rows: pd.DataFrame
    columns: pd.DataFrame

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.counts.shape))
        return f"CountMatrix({shape}, {self.counts.nnz} counts, {self.counts.dtype})"


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedMatrix:
    """Measured values with what is known of their rows and columns.

    Attributes
    ----------
    values : ndarray of float, shape (rows, columns)
    rows, columns : DataFrame
        Indexed by the identifiers; for LINCS, genes and samples.
    """

    values: npt.NDArray[Any]
    rows: pd.DataFrame
    columns: pd.DataFrame

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.values.shape))
        return f"AnnotatedMatrix({shape}, {self.values.dtype})"

    def to_frame(self) -> pd.DataFrame:
        """Return the values as a table, one row for each row."""
        import pandas as pd

        return pd.DataFrame(self.values, index=self.rows.index, columns=self.columns.index)
