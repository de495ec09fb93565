"""What can be looked at as points: a table or a matrix, by its columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

ColumnKind: TypeAlias = Literal["number", "text", ""]

_PAIRS = (
    ("x", "y"), ("x_section", "y_section"), ("x_reconstructed", "y_reconstructed"),
    ("umap_1", "umap_2"), ("umap_0", "umap_1"), ("umap1", "umap2"), ("umap_x", "umap_y"),
    ("tsne_1", "tsne_2"), ("pc_1", "pc_2"), ("pc1", "pc2"), ("centroid_x", "centroid_y"),
    ("nuclei_location_center_x", "nuclei_location_center_y"),
    ("cells_location_center_x", "cells_location_center_y"),
    ("location_center_x", "location_center_y"),
)  # fmt: skip
"""Columns that are places, in small letters without ``Metadata_``; the best first."""
_TELLING = (
    "perturbation", "pert_iname", "gene", "broad_sample", "moa", "mechanism", "condition",
    "compound", "cell_line", "cell_type", "bulk_labels", "class", "subclass", "cluster", "leiden",
    "louvain", "treatment", "control_type", "target", "pert_type",
)  # fmt: skip
"""Columns that points are coloured by unasked."""
_NAMES = re.compile(r"(^|_)(id|well|label|cid|barcode|filename|pathname)($|_)", re.IGNORECASE)
METADATA = "Metadata_"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that points can have as place or colour.

    Attributes
    ----------
    name : str
    kind : {'number', 'text', ''}
        Empty where only reading it would tell.
    """

    name: str
    kind: ColumnKind = ""


class Points(Protocol):
    """Rows with columns."""

    @property
    def name(self) -> str:
        """Of the file."""

    @property
    def rows(self) -> int:
        """Number of points."""

    @property
    def columns(self) -> Sequence[Column]:
        """Those that can be listed; metadata first."""

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """Names of columns that are places, the best first."""

    def find_names(self, text: str, limit: int) -> list[str]:
        """Return names that have a text in them, of columns that are not listed too."""

    def column(self, name: str) -> pd.Series[Any]:
        """Return a column.

        Raises
        ------
        InvalidArgument
            If there is none of this name.
        """

    def rows_of(self, rows: Sequence[int], names: Sequence[str]) -> pd.DataFrame:
        """Return some columns of some rows."""

    def features(self) -> Any:
        """Return a table of profiles to be embedded.

        Raises
        ------
        InvalidArgument
            If nothing in it is a feature.
        """

    @property
    def feature_names(self) -> Sequence[str] | None:
        """Names of features in it; None for all of a matrix."""

    @property
    def feature_count(self) -> int:
        """Number of features; nothing is read."""


def known_pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the columns that are places, by their names.

    Examples
    --------
    >>> known_pairs(["cell", "Y", "X", "Metadata_x_section", "Metadata_y_section"])
    [('X', 'Y'), ('Metadata_x_section', 'Metadata_y_section')]
    """
    plain = {name.removeprefix(METADATA).casefold(): name for name in reversed(list(names))}
    return [(plain[x], plain[y]) for x, y in _PAIRS if x in plain and y in plain]


def telling_columns(columns: Sequence[Column]) -> Iterator[str]:
    """Yield columns that points may be coloured by unasked, the best first.

    Examples
    --------
    >>> columns = [Column("Metadata_Well", "text"), Column("Metadata_moa", "text")]
    >>> list(telling_columns([*columns, Column("Metadata_note", "text")]))
    ['Metadata_moa', 'Metadata_note']
    """
    plain = {_plain(one.name): one.name for one in reversed(columns)}
    known = [plain[name] for name in _TELLING if name in plain]
    yield from known
    for one in columns:
        if one.kind == "text" and one.name not in known and not _NAMES.search(_plain(one.name)):
            yield one.name


def _plain(name: str) -> str:
    return name.rpartition(":")[2].removeprefix(METADATA).casefold()


def places_of(points: Points, x: str, y: str) -> npt.NDArray[Any]:
    """Return two columns as places.

    Returns
    -------
    array of float32, shape (rows, 2)
        NaN where a row has no place.

    Raises
    ------
    InvalidArgument
        If a column is not there, or has texts.
    """
    import numpy as np

    found = np.empty((points.rows, 2), dtype="<f4")
    for at, name in enumerate((x, y)):
        found[:, at] = numbers_of(points.column(name), name)
    found[~np.isfinite(found).all(axis=1)] = np.nan
    return found


def numbers_of(column: pd.Series[Any], name: str) -> npt.NDArray[Any]:
    """Return a column of numbers as float64; missing ones are NaN.

    Raises
    ------
    InvalidArgument
        If it has texts.
    """
    import numpy as np
    import pandas as pd

    from cellfolio.errors import InvalidArgument

    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise InvalidArgument(
            f"{name} has texts; places are numbers", hint="choose a column of numbers"
        )
    found: npt.NDArray[Any] = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return found
