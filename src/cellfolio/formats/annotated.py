"""Files of AnnData."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from cellfolio.formats.format import Source
from cellfolio.formats.streams import empty, faults_named

if TYPE_CHECKING:
    from anndata import AnnData


def read_h5ad(source: Source, *, lazy: bool = False) -> AnnData:
    """Read a file of AnnData.

    Parameters
    ----------
    source : Source
    lazy : bool
        Leave the matrix on the disk until it is looked at; the file stays open.

    Returns
    -------
    AnnData

    Raises
    ------
    BrokenFile
        If it is cut off, damaged, or HDF5 of another layout.
    """
    if not source.path.stat().st_size:
        raise empty(source, "h5ad")
    with faults_named(source, "h5ad"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old layouts, which are read all the same
        import anndata

        return anndata.read_h5ad(source.path, backed="r" if lazy else None)
