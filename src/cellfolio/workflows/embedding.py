"""Profiles drawn as points."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.formats.loading import load as load_source
from cellfolio.imaging.saving import check_picture_path, save_figure
from cellfolio.imaging.scatter import ScatterStyle, draw_classes, draw_values
from cellfolio.profiles.embedding import Embedding, Method, embed
from cellfolio.profiles.tables import open_table
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.loading import named_source
from cellfolio.workflows.plates import column_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEW_NUMBERS = 12
"""So many different numbers, such as doses, are drawn as classes."""


def draw_embedding(
    profiles: object,
    color: str,
    method: Method = "pca",
    *,
    title: str = "",
    features: Sequence[str] | None = None,
) -> Figure:
    """Draw profiles as points, similar ones near each other.

    Parameters
    ----------
    profiles : pandas.DataFrame, polars.DataFrame or anndata.AnnData
        Normalized.
    color : str
        Column of metadata that points are coloured by; ``Metadata_`` may be left out. Numbers have
        a scale of colours, unless they are few.
    method : {'pca', 'umap'}
        See `cellfolio.profiles.embed`.
    title : str
    features : sequence of str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     {"Metadata_drug": ["a", "a", "b"], "Cells_A": [1.0, 2, 9], "Cells_B": [3.0, 4, 0]}
    ... )
    >>> draw_embedding(table, "drug").axes[0].get_xlabel()
    'PC 1 (97%)'
    """
    return _draw(profiles, embed(profiles, method, features=features), color, title)


def write_embedding(
    profiles: Path | str,
    output: Path,
    color: str,
    method: Method = "pca",
    *,
    progress: Progress | None = None,
    home: Home | None = None,
) -> Embedding:
    """Draw the profiles of a file, and save the picture (see `draw_embedding`).

    Parameters
    ----------
    profiles : path or str
        A table of profiles: a file, or ``PACKAGE/PATH``.
    output : Path
        Ends in ``.png``, ``.svg`` or ``.pdf``.
    color : str
    method : {'pca', 'umap'}
    progress : callable, optional
    home : Home, optional

    Returns
    -------
    Embedding
        What was drawn.

    Raises
    ------
    InvalidArgument, ObjectNotFound, TransferIncomplete, BrokenFile, UnknownFormat
    """
    check_picture_path(output)
    source = named_source(profiles, home or Home(), progress=progress)
    table = load_source(source)
    column_of(open_table(table).columns(), color)  # before minutes of UMAP
    found = embed(table, method)
    save_figure(_draw(table, found, color, source.name.rpartition("/")[2]), output)
    return found


def _draw(profiles: object, found: Embedding, color: str, title: str) -> Figure:
    import pandas as pd

    table = open_table(profiles)
    name = column_of(table.columns(), color)
    values: pd.Series[Any] = table.columns([name])[name].reset_index(drop=True)
    x, y = found.places[:, 0], found.places[:, 1]
    across, up = found.labels[:2]
    style = ScatterStyle(title, across, up, point_size=_point_size(len(values)))
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if numeric and values.nunique() > _FEW_NUMBERS:
        numbers = values.to_numpy(dtype=float, na_value=float("nan"))
        return draw_values(x, y, numbers, name.removeprefix("Metadata_"), style)
    texts = values.map(str, na_action="ignore").astype(object)
    return draw_classes(x, y, texts.where(texts.notna(), None), None, style)


def _point_size(count: int) -> float:
    return min(45.0, max(4.0, 14000.0 / max(count, 1)))
