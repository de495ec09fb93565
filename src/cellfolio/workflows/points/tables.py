"""A table of profiles or cells as points."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cellfolio.errors import InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.loading import load
from cellfolio.package.nearest import suggest
from cellfolio.profiles.features import split_features
from cellfolio.workflows.points.points import METADATA, Column, ColumnKind, known_pairs

if TYPE_CHECKING:
    import pandas as pd

_Kind: TypeAlias = Literal["decimal", "whole", "text"]
_LISTED = 300
"""Columns that are listed; others are found by their names."""
_KEPT = 64
"""Columns that are kept once they were read."""


@dataclass
class TablePoints:
    """Rows of a table; safe for several threads.

    Attributes
    ----------
    source : Source
        CSV, TSV or Parquet. Of Parquet, only columns that are asked for are read.

    Raises
    ------
    BrokenFile, UnknownFormat
        When it is first looked at.
    """

    source: Source
    _kept: dict[str, pd.Series[Any]] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=threading.RLock, repr=False)

    @property
    def name(self) -> str:
        """Of the file."""
        return self.source.name

    @cached_property
    def _schema(self) -> dict[str, _Kind] | None:
        """Names and kinds of the columns of Parquet; None of other tables."""
        if not self.source.name.lower().endswith((".parquet", ".pq")):
            return None
        from cellfolio.formats.parquet import column_names

        column_names(self.source)  # tells what is wrong with the file
        import pyarrow.parquet as pq
        import pyarrow.types as kinds

        def kind_of(one: Any) -> _Kind:
            if kinds.is_floating(one) or kinds.is_decimal(one):
                return "decimal"
            return "whole" if kinds.is_integer(one) else "text"

        schema = pq.read_schema(self.source.path)
        return {one.name: kind_of(one.type) for one in schema if not one.name.startswith("__")}

    @cached_property
    def _frame(self) -> pd.DataFrame:
        """The whole table, where reading a column would read all of them."""
        with self._lock:
            found = load(self.source)
        import pandas as pd

        if not isinstance(found, pd.DataFrame):
            raise InvalidArgument(f"{self.name} is no table", hint="name a CSV or Parquet file")
        found.columns = [str(name) for name in found.columns]
        return found

    @cached_property
    def rows(self) -> int:
        """Number of points."""
        if self._schema is None:
            return len(self._frame)
        import pyarrow.parquet as pq

        count: int = pq.read_metadata(self.source.path).num_rows
        return count

    @cached_property
    def _exact_kinds(self) -> dict[str, _Kind]:
        if self._schema is not None:
            return self._schema
        kinds = zip(self._frame.columns, self._frame.dtypes, strict=True)
        told: dict[str, _Kind] = {"f": "decimal", "i": "whole", "u": "whole"}
        return {name: told.get(kind.kind, "text") for name, kind in kinds}

    @cached_property
    def _kinds(self) -> dict[str, ColumnKind]:
        kinds = self._exact_kinds.items()
        return {name: "text" if kind == "text" else "number" for name, kind in kinds}

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Those that are listed, metadata first."""
        told = set(self._features)
        first = [name for name in self._kinds if name not in told]
        names = (*first, *(name for name in self._kinds if name in told))
        return tuple(Column(name, self._kinds[name]) for name in names[:_LISTED])

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Columns that are places."""
        return known_pairs(name for name, kind in self._kinds.items() if kind == "number")

    @cached_property
    def _features(self) -> tuple[str, ...]:
        try:
            found = split_features(list(self._kinds)).features
        except InvalidArgument:
            found = ()
        return tuple(name for name in found if self._kinds[name] == "number")

    def find_names(self, text: str, limit: int) -> list[str]:
        """Return names that have a text in them; those that begin with it first."""
        return matching(self._kinds, text, limit)

    def column(self, name: str) -> pd.Series[Any]:
        """Return a column."""
        if name not in self._kinds:
            raise InvalidArgument(
                f"{self.name} has no column {name!r}", hint=suggest(name, list(self._kinds))
            )
        if self._schema is None:
            return self._frame[name]
        with self._lock:
            if name not in self._kept:
                self._kept[name] = load(self.source, columns=[name])[name]
            while len(self._kept) > _KEPT:
                self._kept.pop(next(iter(self._kept)))
            return self._kept[name]

    def rows_of(self, rows: Sequence[int], names: Sequence[str]) -> pd.DataFrame:
        """Return some columns of some rows."""
        import pandas as pd

        return pd.DataFrame({name: self.column(name).iloc[list(rows)].array for name in names})

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of features: as CellProfiler has them, else those of all decimals."""
        if self._features:
            return self._features
        kinds = self._exact_kinds.items()
        numbers = {
            name: kind for name, kind in kinds if kind != "text" and not name.startswith(METADATA)
        }
        decimals = tuple(name for name, kind in numbers.items() if kind == "decimal")
        return decimals or tuple(numbers)

    @property
    def feature_count(self) -> int:
        """Number of features."""
        return len(self.feature_names)

    def features(self) -> pd.DataFrame:
        """Return the features of all rows; they are not kept."""
        names = list(self.feature_names)
        if self._schema is None:
            return self._frame[names]
        found: pd.DataFrame = load(self.source, columns=names)
        return found


def matching(names: Any, text: str, limit: int) -> list[str]:
    """Return names that have a text in them; those that begin with it first.

    Examples
    --------
    >>> matching(["Cells_DNA", "DNA_b", "ER"], "dna", 5)
    ['DNA_b', 'Cells_DNA']
    """
    wanted = text.casefold()
    found = [(name, name.casefold().rpartition(":")[2]) for name in names]
    found = [(name, plain) for name, plain in found if wanted in plain]
    found.sort(key=lambda one: not one[1].startswith(wanted))
    return [name for name, _ in found[:limit]]
