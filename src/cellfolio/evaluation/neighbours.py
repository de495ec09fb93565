"""The nearest neighbour's mechanism: right or not, with neighbours that would be too easy left out.

"Not same compound" (NSC) leaves out rows of the same compound; "not same compound or batch" (NSCB)
those of the same batch, too [1]_.

References
----------
.. [1] Ljosa et al. 2013, https://doi.org/10.1177/1087057113503553; Ando et al. 2017,
   https://doi.org/10.1101/161422
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.statistics import Array


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest neighbour of each row.

    Attributes
    ----------
    table : DataFrame
        ``row``, ``label``; ``neighbour``, ``predicted`` (its label) and ``similarity``, missing
        where nothing is left to compare with; ``possible``, whether a row of the same label is.
    """

    table: pd.DataFrame

    @property
    def accuracy(self) -> float:
        """Share of all rows whose nearest neighbour has their label."""
        return float((self.table["label"] == self.table["predicted"]).mean())

    @property
    def accuracy_of_possible(self) -> float:
        """The same of the rows for which it is possible."""
        some = self.table[self.table["possible"]]
        return float((some["label"] == some["predicted"]).mean())


def nearest_labels(
    profiles: pd.DataFrame, labels: Sequence[str], apart: Sequence[Sequence[Hashable]] = ()
) -> Neighbours:
    """Find the nearest neighbour of each row by cosine similarity.

    Parameters
    ----------
    profiles : DataFrame
        Numbers only; the index names the rows.
    labels : sequence of str
        Mechanism of each row.
    apart : sequence of sequences
        Such as the compound of each row, and its batch: a row with the same value in any of them is
        no neighbour.

    Raises
    ------
    InvalidArgument
        If a value is missing or infinite, a row is all zeros, or lengths differ.

    Examples
    --------
    >>> profiles = pd.DataFrame([[1, 0], [1, 0.1], [0.9, 0.2], [0, 1]], index=list("wxyz"))
    >>> labels = ["tubulin", "tubulin", "tubulin", "actin"]
    >>> nearest_labels(profiles, labels).table["neighbour"].tolist()
    ['x', 'w', 'x', 'y']
    >>> nearest_labels(profiles, labels, [["a", "a", "b", "c"]]).table["neighbour"].tolist()
    ['y', 'y', 'x', 'y']
    """
    values = profiles.to_numpy(dtype=np.float64)
    for what, some in (("labels", labels), *(("apart", one) for one in apart)):
        if len(some) != len(values):
            raise InvalidArgument(f"expected {len(values)} values in {what}, found {len(some)}")
    similarity = _cosine(profiles, values)
    allowed = ~np.eye(len(values), dtype=bool)
    for one in apart:
        codes = pd.factorize(pd.Series(list(one), dtype=object))[0]
        allowed &= codes[:, None] != codes
    known = np.asarray(labels, dtype=object)
    similarity[~allowed] = -np.inf
    nearest = similarity.argmax(axis=1)
    found = allowed.any(axis=1)
    rows = np.arange(len(values))
    return Neighbours(
        pd.DataFrame(
            {
                "row": profiles.index,
                "label": known,
                "neighbour": np.where(found, profiles.index.to_numpy(object)[nearest], None),
                "predicted": np.where(found, known[nearest], None),
                "similarity": np.where(found, similarity[rows, nearest], np.nan),
                "possible": (allowed & (known[:, None] == known)).any(axis=1),
            }
        )
    )


def _cosine(profiles: pd.DataFrame, values: Array) -> Array:
    wrong = np.flatnonzero(~np.isfinite(values).all(axis=0))
    if len(wrong):
        raise InvalidArgument(f"feature {profiles.columns[wrong[0]]!r} misses values")
    lengths = np.linalg.norm(values, axis=1)
    if (lengths == 0).any():
        raise InvalidArgument(f"row {profiles.index[lengths == 0][0]!r} is zero in every feature")
    units = values / lengths[:, None]
    found: Array = units @ units.T
    return found
