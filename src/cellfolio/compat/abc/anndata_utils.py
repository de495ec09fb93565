"""Expression of some genes, gathered from the files that the cells are in.

The name of this module is the peer's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cellfolio.compat.abc import notices
from cellfolio.errors import InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.gene_columns import GeneColumns, places_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

_LABELS = ["dataset_label", "feature_matrix_label"]


class FindsFiles(Protocol):
    """What gives the path of a file: an `AbcProjectCache`."""

    def get_file_path(self, directory: str, file_name: str) -> Path:
        """Return the path of a file, downloading it if necessary."""


def get_gene_data(
    abc_atlas_cache: FindsFiles,
    all_cells: pd.DataFrame,
    all_genes: pd.DataFrame,
    selected_genes: Sequence[str],
    data_type: str = "log2",
    chunk_size: int = 8192,
) -> pd.DataFrame:
    """Return the expression of some genes in all cells of a table.

    Prints a line for each file, as the peer does.

    Parameters
    ----------
    abc_atlas_cache : AbcProjectCache
    all_cells : DataFrame
        Indexed by ``cell_label``; ``dataset_label`` and ``feature_matrix_label`` name the file
        that a cell is in.
    all_genes : DataFrame
        Indexed by ``gene_identifier``, with ``gene_symbol``.
    selected_genes : sequence of str
        Symbols.
    data_type : {'log2', 'raw'}
    chunk_size : int
        Cells looked at together.

    Returns
    -------
    DataFrame, shape (cells, genes), float32 or float64
        Indexed as `all_cells`; the columns are symbols, in the order of `all_genes`. NaN where no
        file has the cell, or the file does not have the gene.

    Raises
    ------
    InvalidArgument
        If a column is missing, or labels of cells repeat.
    BrokenFile
        If a file is damaged, or not as anndata writes it.
    NotInRelease, DownloadFailed, NotDownloaded, NotEnoughSpace

    References
    ----------
    ``anndata_utils.get_gene_data`` of abc_atlas_access 1.1.1.
    """
    import numpy as np
    import pandas as pd

    _check(all_cells, all_genes, chunk_size)
    genes = all_genes[all_genes["gene_symbol"].isin(list(selected_genes))]
    if len(genes) > len(set(selected_genes)):
        notices.warn(
            UserWarning,
            f"{len(genes)} genes have the {len(set(selected_genes))} symbols asked for; all of "
            "them are returned",
        )
    values = np.full((len(all_cells), len(genes)), np.nan, dtype=np.float32)
    started, done = time.monotonic(), 0
    positions = pd.Series(np.arange(len(all_cells)))
    groups = positions.groupby([all_cells[label].to_numpy() for label in _LABELS], sort=True)
    for (directory, label), members in groups:
        path = abc_atlas_cache.get_file_path(
            directory=str(directory), file_name=f"{label}/{data_type}"
        )
        print(f"loading file: {label}")
        found, values = _fill(
            values, path, all_cells.index, members.to_numpy(), (genes.index, chunk_size)
        )
        done += found
    print(f"total time: {time.monotonic() - started:.1f} s, cells: {done} of {len(all_cells)}")
    columns = pd.Index(genes["gene_symbol"], name="gene_symbol")
    return pd.DataFrame(values, index=all_cells.index, columns=columns)


def _check(all_cells: pd.DataFrame, all_genes: pd.DataFrame, chunk_size: int) -> None:
    lacking = [label for label in _LABELS if label not in all_cells.columns]
    if lacking:
        raise InvalidArgument(
            f"all_cells lacks {', '.join(lacking)}; it has {', '.join(map(str, all_cells))}",
            hint="use the table cell_metadata of the data set",
        )
    if "gene_symbol" not in all_genes.columns:
        raise InvalidArgument(
            f"all_genes lacks gene_symbol; it has {', '.join(map(str, all_genes))}",
            hint="use the table gene of the data set, with gene_identifier as its index",
        )
    if not all_cells.index.is_unique:
        raise InvalidArgument(
            f"the index of all_cells repeats {all_cells.index[all_cells.index.duplicated()][0]!r}; "
            "expected one row for each cell"
        )
    if chunk_size < 1:
        raise InvalidArgument(f"chunk_size should be at least 1, found {chunk_size}")


def _fill(
    values: npt.NDArray[np.floating],
    path: Path,
    cells: pd.Index,
    members: npt.NDArray[np.int64],
    wanted: tuple[pd.Index, int],
) -> tuple[int, npt.NDArray[np.floating]]:
    """Put what one file has into the table; return the number of its cells, and the table."""
    import numpy as np
    import pandas as pd

    genes, step = wanted
    with GeneColumns(Source(path, path.name)) as file:
        places = cells[members].get_indexer(pd.Index(file.index("obs")))
        targets = np.where(places >= 0, members[places], -1)
        columns = places_of(file.index("var"), [str(gene) for gene in genes])
        if file.dtype == np.float64 and values.dtype != np.float64:
            values = values.astype(np.float64)
        file.fill(values, targets, columns, step)
    return int((places >= 0).sum()), values
