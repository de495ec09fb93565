"""Profiles as AnnData: what scanpy and other tools of single cells take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cellfolio.profiles.tables import open_table

if TYPE_CHECKING:
    from anndata import AnnData

_KINDS = {"f": np.float64, "i": np.int64, "u": np.uint64, "b": np.bool_}


def to_anndata(profiles: object, *, features: Sequence[str] | None = None) -> AnnData:
    """Return profiles as an AnnData: metadata in ``obs``, features in ``X``.

    Every column of ``obs`` can be written to ``.h5ad`` and read again: numbers and truth values
    stay what they are; numbers of which some are missing become float64, with NaN; everything else
    becomes categories of texts. What is missing stays missing.

    Parameters
    ----------
    profiles : pandas.DataFrame, polars.DataFrame or anndata.AnnData
    features : sequence of str, optional
        By default those that `split_features` finds.

    Returns
    -------
    AnnData
        A new one. ``X`` is of float64, ``obs_names`` count the rows from 0, and ``var_names`` are
        the features.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     {"Metadata_Well": ["A01", "A02"], "Metadata_moa": [None, "x"], "Cells_A": [1.0, 2.0]}
    ... )
    >>> made = to_anndata(table)
    >>> made.obs["Metadata_moa"].cat.categories.tolist(), made.X.ravel().tolist()
    (['x'], [1.0, 2.0])
    """
    from anndata import AnnData

    table = open_table(profiles, features)
    metadata = table.columns()
    columns = {str(name): _writable(metadata[name]) for name in metadata.columns}
    names = pd.RangeIndex(len(metadata)).astype(str)
    return AnnData(
        X=np.ascontiguousarray(table.values().T),
        obs=pd.DataFrame({name: one.set_axis(names) for name, one in columns.items()}, index=names),
        var=pd.DataFrame(index=list(table.features)),
    )


def writable_facts(facts: pd.DataFrame) -> pd.DataFrame:
    """Return a table as `to_anndata` has it: names of rows are texts.

    Parameters
    ----------
    facts : DataFrame
        Left as it is.

    Examples
    --------
    >>> made = writable_facts(pd.DataFrame({"dose": ["1", 2.5]}, index=[7, 8]))
    >>> made.index.tolist(), made["dose"].tolist()
    (['7', '8'], ['1', '2.5'])
    """
    names = pd.Index([str(name) for name in facts.index])
    columns = {
        str(name): _writable(facts.iloc[:, at]).set_axis(names)
        for at, name in enumerate(facts.columns)
    }
    return pd.DataFrame(columns, index=names)


def _writable(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as HDF5 can hold it."""
    kind = getattr(column.dtype, "kind", "O")
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _categories(column.astype(object))
    if kind in "fiub" and isinstance(column.dtype, np.dtype):
        return column
    if kind in "fiub":  # nullable numbers of pandas and Arrow
        if not column.isna().any():
            return pd.Series(column.to_numpy(dtype=_KINDS[kind]))
        if kind != "b":
            return pd.Series(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return _categories(column.astype(object))


def _categories(column: pd.Series[Any]) -> pd.Series[Any]:
    texts = column.map(str, na_action="ignore")
    return pd.Series(pd.Categorical(texts.where(texts.notna(), None)))
