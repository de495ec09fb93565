"""Points with the columns of a second table, such as metadata that lie beside the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.workflows.points.points import Column, Points, known_pairs
from cellfolio.workflows.points.tables import TablePoints, matching

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

_TRIED = 8
"""Columns of each table that are tried as the one that names rows."""
_ENOUGH = 0.5
"""Share of the rows that must be found in the other table."""


@dataclass
class JoinedPoints:
    """Points that have the columns of another table, too.

    Rule: the column that names rows is found by its values: those of the other table are each
    there once, and most rows of the points have one of them.

    Attributes
    ----------
    points : Points
    other : TablePoints
    """

    points: Points
    other: TablePoints

    @property
    def name(self) -> str:
        """Of the file with the points."""
        return self.points.name

    @property
    def rows(self) -> int:
        """Number of points."""
        return self.points.rows

    @cached_property
    def _key(self) -> tuple[str, str, npt.NDArray[np.int64]]:
        """Both columns that name rows, and the row of the other table for each point."""
        best: tuple[float, str, str] = (0.0, "", "")
        theirs = {}
        for name in self._tried(self.other):
            column = self.other.column(name).dropna()
            if len(column) and column.is_unique:
                theirs[name] = column
        for name in self._tried(self.points):
            mine = self.points.column(name)
            for other, column in theirs.items():
                share = float(mine.isin(column).mean()) if len(mine) else 0.0
                best = max(best, (share, name, other), key=lambda one: one[0])
        if best[0] < _ENOUGH:
            raise InvalidArgument(
                f"{self.other.name} has no column that names the rows of {self.name}",
                hint="each value should be there once, such as the label of a cell or well",
            )
        return best[1], best[2], self._places(best[1], best[2])

    def _places(self, mine: str, other: str) -> npt.NDArray[np.int64]:
        import numpy as np
        import pandas as pd

        held = self.other.column(other)
        there = np.flatnonzero(held.notna().to_numpy())
        found = pd.Index(held.iloc[there]).get_indexer(pd.Index(self.points.column(mine)))
        return np.where(found >= 0, there[found], -1)

    @staticmethod
    def _tried(points: Points) -> list[str]:
        return [one.name for one in points.columns if one.kind == "text"][:_TRIED]

    @cached_property
    def _new(self) -> frozenset[str]:
        """Columns of the other table that the points have not."""
        key = self._key[1]
        names = {one.name for one in self.other.columns} - {one.name for one in self.points.columns}
        return frozenset(names - {key})

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those of the other table, then those of the points."""
        found = (one for one in self.other.columns if one.name in self._new)
        return (*found, *self.points.columns)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Columns of both tables that are places."""
        named = [one.name for one in self.columns if one.kind == "number"]
        own = list(self.points.pairs)
        return [*own, *(pair for pair in known_pairs(named) if pair not in own)]

    def find_names(self, text: str, limit: int) -> list[str]:
        """Return names that have a text in them."""
        found = matching(sorted(self._new), text, limit)
        return [*found, *self.points.find_names(text, limit)][:limit]

    def column(self, name: str) -> pd.Series[Any]:
        """Return a column of either table; a row that the other has not, has no value."""
        if name not in self._new:
            return self.points.column(name)
        import pandas as pd

        places = self._key[2]
        held = self.other.column(name)
        found = held.iloc[places].reset_index(drop=True) if len(held) else pd.Series(dtype=float)
        return found.mask(pd.Series(places < 0))

    def rows_of(self, rows: Sequence[int], names: Sequence[str]) -> pd.DataFrame:
        """Return some columns of some rows."""
        import pandas as pd

        return pd.DataFrame({name: self.column(name).iloc[list(rows)].array for name in names})

    @property
    def feature_count(self) -> int:
        """Number of features of the points."""
        return self.points.feature_count

    @property
    def feature_names(self) -> Sequence[str] | None:
        """Names of the features of the points."""
        return self.points.feature_names

    def features(self) -> Any:
        """Return the table of the points alone."""
        return self.points.features()
