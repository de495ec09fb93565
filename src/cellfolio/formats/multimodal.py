"""Several modalities of the same things in one file: MuData."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from cellfolio.errors import InvalidArgument
from cellfolio.extras import importing
from cellfolio.storage.disk import writing

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData


def named_rows(data: AnnData, by: str | None, name: str) -> AnnData:
    """Return AnnData whose rows are called as one of its columns has it, each once.

    Parameters
    ----------
    data : AnnData
        Left as it is.
    by : str or None
        A column of ``obs``; None for the names that the rows have.
    name : str
        What the user calls it.

    Raises
    ------
    InvalidArgument
        If there is no such column, or a name is missing or there more than once.
    """
    if by is None:
        if not data.obs_names.is_unique:
            raise InvalidArgument(f"rows of {name} have the same name")
        return data
    if by not in data.obs:
        raise InvalidArgument(
            f"{name} has no column {by!r}", hint=f"it has {', '.join(map(str, data.obs.columns))}"
        )
    _check_once(data.obs[by], by, name)
    made = data.copy()
    made.obs_names = [str(one) for one in data.obs[by]]
    return made


def _check_once(column: pd.Series, by: str, name: str) -> None:
    if column.isna().any():
        raise InvalidArgument(f"{by} is missing in {int(column.isna().sum())} rows of {name}")
    counts = column.value_counts()
    if len(counts) < len(column):
        raise InvalidArgument(
            f"{name} has {by} {counts.index[0]!r} in {counts.iloc[0]} rows; expected each once",
            hint=f"make one profile of each: cellfolio consensus {name} …",
        )


def write_h5mu(modalities: Mapping[str, AnnData], path: Path) -> None:
    """Write modalities as MuData; rows of one name are the same thing. Whole, or not at all.

    Parameters
    ----------
    modalities : mapping of str to AnnData
        Left as they are. Where two have a feature of one name, all features are written with their
        modality before them, as in ``expression:TP53``.
    path : Path
        Replaced if it exists.

    Raises
    ------
    InvalidArgument
        If there are fewer than two, or no row is in all of them.
    LibraryMissing
        If mudata is not installed.
    """
    if len(modalities) < 2:
        raise InvalidArgument(
            f"MuData has two modalities or more, found {', '.join(modalities) or 'none'}",
            hint="name several files, or write one as .h5ad",
        )
    shared = set.intersection(*(set(one.obs_names) for one in modalities.values()))
    if not shared:
        raise InvalidArgument(
            f"no row is in all of {', '.join(modalities)}",
            hint="name the column that they share (--by COLUMN)",
        )
    with importing("mudata", extra="mudata", what="writing MuData"):
        import mudata
    with writing(path, ".h5mu") as unfinished, _pulling_nothing(mudata), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about names that two modalities share: see below
        made = mudata.MuData({name: one.copy() for name, one in modalities.items()})
        made.var_names_make_unique()
        made.write_h5mu(unfinished, compression="gzip")


def _pulling_nothing(mudata: ModuleType) -> AbstractContextManager[object]:
    """Keep columns where they are; since MuData 0.4 nothing else can be asked for."""
    if not hasattr(mudata, "set_options"):
        return nullcontext()
    found: AbstractContextManager[object] = mudata.set_options(pull_on_update=False)
    return found
