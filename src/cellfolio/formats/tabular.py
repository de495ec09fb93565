"""Tables, AnnData and matrices, each as the others.

In a table, what is known of a row is in columns that begin with ``Metadata_``, and its name, where
it has one, in ``Metadata_id``; the others are features. In AnnData these are ``obs``, ``obs_names``
and ``X``; in GCT, what is known of samples, their names, and the matrix.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.matrix import AnnotatedMatrix, CountMatrix
from cellfolio.profiles.features import COMPARTMENTS, METADATA, split_features

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

ID = METADATA + "id"
"""Column with the names of rows."""
MAX_DENSE = 1 << 29
"""Values of a matrix that is written in full: 4 GiB of numbers."""

_PARTS = ("obsm", "varm", "obsp", "varp")
"""Of AnnData, beside its matrix."""


class NotKeptWarning(UserWarning):
    """Something in a file has no place in the format that it is written in."""


def as_anndata(found: object, name: str, *, keys: Sequence[str] = ()) -> AnnData:
    """Return what a file became when it was read as AnnData.

    Parameters
    ----------
    found : DataFrame, AnnData, AnnotatedMatrix or CountMatrix
        Of matrices, columns become observations.
    name : str
        What the user calls it.
    keys : sequence of str
        Columns of a table that are no features, whatever they are called.

    Raises
    ------
    InvalidArgument
        If it is something else, or a table without features.
    """
    import pandas as pd

    if isinstance(found, pd.DataFrame):
        return _of_frame(found, name, keys)
    if isinstance(found, (AnnotatedMatrix, CountMatrix)):
        return _of_matrix(found)
    if hasattr(found, "obs") and hasattr(found, "var_names"):
        data: AnnData = found
        return data
    raise InvalidArgument(
        f"{name} is no table and no matrix: it is read as {type(found).__name__}",
        hint="tables are .csv, .tsv, .parquet; matrices .h5ad, .gct, .gctx, .mtx",
    )


def as_frame(found: object, name: str) -> pd.DataFrame:
    """Return what a file became when it was read as a table.

    Parameters
    ----------
    found : DataFrame, AnnData, AnnotatedMatrix or CountMatrix
    name : str
        What the user calls it.

    Warns
    -----
    NotKeptWarning
        If more is known than a table has room for.

    Raises
    ------
    InvalidArgument
    """
    import pandas as pd

    if isinstance(found, pd.DataFrame):
        return found
    data = as_anndata(found, name)
    _tell_left_out(data, name, keeps_var=False)
    _check_size(data, name)
    names = data.obs_names
    facts = data.obs.set_axis(
        [one if one.startswith(METADATA) else METADATA + one for one in map(str, data.obs.columns)],
        axis=1,
    )
    if list(names) != [str(at) for at in range(len(names))] and ID not in facts:
        facts.insert(0, ID, names.to_numpy())
    both: pd.DataFrame = pd.concat([facts, data.to_df()], axis=1)
    twice = both.columns[both.columns.duplicated()]
    if len(twice):
        raise InvalidArgument(f"two columns of the table of {name} would be called {twice[0]!r}")
    return both.reset_index(drop=True)


def as_matrix(found: object, name: str) -> AnnotatedMatrix:
    """Return what a file became when it was read as a matrix of features × samples.

    Parameters
    ----------
    found : DataFrame, AnnData, AnnotatedMatrix or CountMatrix
    name : str
        What the user calls it.

    Warns
    -----
    NotKeptWarning
        If more is known than a matrix has room for.

    Raises
    ------
    InvalidArgument
    """
    import numpy as np

    if isinstance(found, AnnotatedMatrix):
        return found
    data = as_anndata(found, name)
    _tell_left_out(data, name, keeps_var=True)
    _check_size(data, name)
    dense = data.X.toarray() if hasattr(data.X, "toarray") else np.asarray(data.X)
    return AnnotatedMatrix(np.ascontiguousarray(dense.T), data.var, data.obs)


def _of_frame(frame: pd.DataFrame, name: str, keys: Sequence[str]) -> AnnData:
    from cellfolio.profiles.annotated import to_anndata

    made = to_anndata(frame, features=_other_features(frame, name, keys))
    if ID in made.obs and frame[ID].notna().all() and frame[ID].is_unique:
        made.obs_names = [str(one) for one in frame[ID]]
        del made.obs[ID]
    return made


def _other_features(frame: pd.DataFrame, name: str, keys: Sequence[str]) -> list[str] | None:
    """Return the features of a table where no name tells them: its numbers beside metadata.

    Numbered columns, as networks give, are features if they are most of the numbers: of genes,
    some are numbered, too.
    """
    import pandas as pd

    names = [str(one) for one in frame.columns]
    if any(one.startswith(COMPARTMENTS) for one in names):
        return None
    known = [one for one in names if one.startswith(METADATA) or one in keys]
    kinds = zip(names, frame.dtypes.tolist(), strict=True)
    numbers = [one for one, kind in kinds if pd.api.types.is_numeric_dtype(kind)]
    numbers = [one for one in numbers if one not in known]
    try:
        numbered: tuple[str, ...] = split_features(names).features
    except InvalidArgument:
        numbered = ()
    if 2 * len(numbered) > len(numbers):
        return list(numbered)
    if known and numbers:
        return numbers
    raise InvalidArgument(
        f"{name} does not tell which columns are features: expected names that begin with "
        f"Cells, Cytoplasm or Nuclei, or others that begin with {METADATA}",
        hint=f"call columns that are no features {METADATA}…; its columns: "
        f"{', '.join(names[:6])}{' …' if len(names) > 6 else ''}",
    )


def _of_matrix(matrix: AnnotatedMatrix | CountMatrix) -> AnnData:
    import numpy as np
    from anndata import AnnData

    from cellfolio.profiles.annotated import writable_facts

    if isinstance(matrix, CountMatrix):
        values: Any = matrix.counts.T.tocsr()
    else:
        values = np.ascontiguousarray(matrix.values.T)
    return AnnData(X=values, obs=writable_facts(matrix.columns), var=writable_facts(matrix.rows))


def _tell_left_out(data: AnnData, name: str, *, keeps_var: bool) -> None:
    found = [
        *(() if keeps_var else (f"var[{one!r}]" for one in data.var.columns)),
        # Since anndata 0.13 the matrix is a layer without a name.
        *(f"layers[{one!r}]" for one in data.layers if one is not None),
        *(f"{part}[{one!r}]" for part in _PARTS for one in getattr(data, part)),
        *(("raw",) if data.raw is not None else ()),
        *(f"uns[{one!r}]" for one in data.uns),
    ]  # fmt: skip
    if found:
        shown = ", ".join(found[:6]) + (" …" if len(found) > 6 else "")
        message = f"of {name}, what is written has no place for {shown}"
        warnings.warn(NotKeptWarning(message), stacklevel=4)


def _check_size(data: AnnData, name: str) -> None:
    if data.shape[0] * data.shape[1] > MAX_DENSE:
        raise InvalidArgument(
            f"{name} has {data.shape[0]:,} × {data.shape[1]:,} values, "
            f"of which at most {MAX_DENSE:,} are written in full",
            hint="write it as .h5ad, which leaves out zeros",
        )
