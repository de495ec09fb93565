"""Tables of three kinds seen as metadata and a matrix of features.

Functions of this package take a pandas or polars data frame or an AnnData, and return the same
kind. Each kind has one class here; everything else is written once.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_list_like

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.features import IMAGE, check_features, split_features
from cellfolio.profiles.statistics import Array

T = TypeVar("T")
"""A kind of table: `pandas.DataFrame`, `polars.DataFrame` or `anndata.AnnData`."""

_FEW = 8
"""Columns that are left out one by one, each of which makes a new list of names."""
_MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "none", "null"})


class ProfileTable(ABC):
    """One kind of table.

    Attributes
    ----------
    features : tuple of str
    """

    features: tuple[str, ...]

    @abstractmethod
    def columns(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Return some columns; by default all that are no features."""

    @abstractmethod
    def column_names(self) -> list[str]:
        """Return the names of all columns."""

    @abstractmethod
    def values(self) -> Array:
        """Return the features as an array of shape (features, rows); not to be changed."""

    @abstractmethod
    def keeping(self, features: Sequence[str]) -> Any:
        """Return the table with some of its features."""

    @abstractmethod
    def taking(self, rows: npt.NDArray[np.int64], metadata: pd.DataFrame) -> Any:
        """Return some rows, with other metadata."""

    @abstractmethod
    def made_of(self, metadata: pd.DataFrame, features: Sequence[str], values: Array) -> Any:
        """Return a new table of this kind."""

    def with_values(self, values: Array, features: Sequence[str]) -> Any:
        """Return the table with other features."""
        return self.made_of(self.columns(), features, values)


def open_table(
    profiles: object, features: Sequence[str] | None = None, *, image_features: bool = False
) -> ProfileTable:
    """Return a table by its kind.

    Parameters
    ----------
    profiles : pandas.DataFrame, polars.DataFrame or anndata.AnnData
    features : sequence of str, optional
        Names of the features; by default those that `split_features` finds, and all of an AnnData.
    image_features : bool
        Whether `split_features` finds those of whole images, too, if they are numbers.

    Raises
    ------
    InvalidArgument
        If it is no table, has no features, or has two columns of one name.
    """
    if isinstance(profiles, pd.DataFrame):
        return _PandasTable(profiles, features, image_features=image_features)
    polars, anndata = sys.modules.get("polars"), sys.modules.get("anndata")
    if polars is not None and isinstance(profiles, polars.DataFrame):
        return _PolarsTable(profiles, features, image_features=image_features)
    if anndata is not None and isinstance(profiles, anndata.AnnData):
        return _AnnDataTable(profiles, features)
    raise InvalidArgument(
        "expected a pandas or polars data frame or an AnnData, "
        f"found {type(profiles).__module__}.{type(profiles).__qualname__}"
    )


class _PandasTable(ProfileTable):
    """A table of pandas, whose columns are taken by place: by name, each of them is looked up."""

    def __init__(
        self, frame: pd.DataFrame, features: Sequence[str] | None, *, image_features: bool
    ) -> None:
        names = list(frame.columns)
        _check_names(frame.columns, names)
        self._frame = frame
        if features is not None:
            self.features = check_features(features, names)
        else:
            found = split_features(names, image_features=image_features).features
            kinds = frame.dtypes.tolist()
            odd = {kind for kind in set(kinds) if not _is_numeric(kind)}
            objects = {name for name, kind in zip(names, kinds, strict=True) if kind in odd}
            left_out = {
                name
                for name in objects.intersection(found)
                if name.startswith(IMAGE) or _is_nested(frame[name])
            }
            self.features = (
                tuple(name for name in found if name not in left_out) if left_out else found
            )
        known = set(self.features)
        self._others = [at for at, name in enumerate(names) if name not in known]

    def column_names(self) -> list[str]:
        return list(self._frame.columns)

    def columns(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        if names is None:
            return self._frame.iloc[:, self._others]
        return self._frame[list(names)]

    def values(self) -> Array:
        return _matrix(self._features())

    def keeping(self, features: Sequence[str]) -> pd.DataFrame:
        known = set(features)
        kept = [at for at, name in enumerate(self._frame.columns) if name in known]
        return self._frame.take(sorted([*self._others, *kept]), axis=1)

    def taking(self, rows: npt.NDArray[np.int64], metadata: pd.DataFrame) -> pd.DataFrame:
        features = self._features().take(rows)
        features.index = metadata.index
        return _beside(metadata, features)

    def made_of(
        self, metadata: pd.DataFrame, features: Sequence[str], values: Array
    ) -> pd.DataFrame:
        made = pd.DataFrame(values.T, columns=list(features), index=metadata.index, copy=False)
        return _beside(metadata, made)

    def _features(self) -> pd.DataFrame:
        """Return the features, without a copy where they stand side by side."""
        names = self._frame.columns
        first = list(names).index(self.features[0])
        side_by_side = slice(first, first + len(self.features))
        if tuple(names[side_by_side]) == self.features:
            found = self._uncopied()
            return self._frame.iloc[:, side_by_side] if found is None else found
        return self._frame[list(self.features)]

    def _uncopied(self) -> pd.DataFrame | None:
        """Return the features if they are all numbers that there are, but for a few.

        Of a table with texts, pandas copies what is sliced; its numbers it gives as they are, and
        single columns are left out of them without a copy.
        """
        frame: Any = self._frame
        found: pd.DataFrame = frame._get_numeric_data()
        if not 0 <= len(found.columns) - len(self.features) <= _FEW:
            return None
        known = set(self.features)
        for name in [name for name in found.columns if name not in known]:
            del found[name]
        return found if len(found.columns) == len(self.features) else None


class _PolarsTable(ProfileTable):
    """A table of polars; metadata go through pandas as Arrow columns, which lose nothing."""

    def __init__(self, frame: Any, features: Sequence[str] | None, *, image_features: bool) -> None:
        self._frame = frame
        if features is not None:
            self.features = check_features(features, frame.columns)
        else:
            names = split_features(frame.columns, image_features=image_features).features
            kinds = frame.schema
            self.features = tuple(
                name
                for name in names
                if not kinds[name].is_nested()
                and (kinds[name].is_numeric() or not name.startswith(IMAGE))
            )

    def column_names(self) -> list[str]:
        return list(self._frame.columns)

    def columns(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        if names is None:
            names = _others(self._frame.columns, self.features)
        chosen = self._frame.select(list(names))
        if not names:
            return pd.DataFrame(index=pd.RangeIndex(self._frame.height))
        found: pd.DataFrame = chosen.to_pandas(use_pyarrow_extension_array=True)
        return found

    def values(self) -> Array:
        chosen = self._frame.select(list(self.features))
        if all(kind.is_numeric() or kind.is_(bool) for kind in chosen.dtypes):
            import polars as pl

            rows = chosen.select(pl.all().cast(pl.Float64)).to_numpy(order="fortran")
            return np.ascontiguousarray(rows.T)
        return _matrix(chosen.to_pandas())

    def keeping(self, features: Sequence[str]) -> Any:
        kept = {*features, *_others(self._frame.columns, self.features)}
        return self._frame.select([name for name in self._frame.columns if name in kept])

    def taking(self, rows: npt.NDArray[np.int64], metadata: pd.DataFrame) -> Any:
        return self._beside(metadata, self._frame.select(list(self.features))[rows])

    def made_of(self, metadata: pd.DataFrame, features: Sequence[str], values: Array) -> Any:
        import polars as pl

        made = pl.DataFrame(dict(zip(features, values, strict=True)))
        return self._beside(metadata, made)

    def _beside(self, metadata: pd.DataFrame, features: Any) -> Any:
        import polars as pl

        if not len(metadata.columns):
            return features
        # A column that came from here gets its own type again: categories become texts in Arrow.
        known = self._frame.schema
        left = pl.from_pandas(metadata.reset_index(drop=True))
        casts = [
            pl.col(name).cast(known[name])
            for name in left.columns
            if name in known and left.schema[name] != known[name]
        ]
        return pl.concat([left.with_columns(casts), features], how="horizontal")


class _AnnDataTable(ProfileTable):
    """An AnnData: observations are metadata, X holds the features."""

    def __init__(self, data: Any, features: Sequence[str] | None) -> None:
        if features is not None:
            raise InvalidArgument(
                "all of an AnnData's X are features, so features= cannot be used",
                hint="take some of them before: profiles[:, names]",
            )
        if not data.var_names.is_unique:
            raise InvalidArgument("names of features in an AnnData should be unique")
        self._data = data
        self.features = tuple(data.var_names)

    def column_names(self) -> list[str]:
        return [*self._data.obs.columns, *self.features]

    def columns(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        obs: pd.DataFrame = self._data.obs
        if names is None:
            return obs
        within = [name for name in names if name in obs.columns]
        extra = {
            name: self.values()[self.features.index(name)] for name in names if name not in within
        }
        return obs[within].assign(**extra)[list(names)]

    def values(self) -> Array:
        rows = self._data.X
        dense = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
        return np.ascontiguousarray(dense.T, dtype=np.float64)

    def keeping(self, features: Sequence[str]) -> Any:
        return self._data[:, list(features)].copy()

    def taking(self, rows: npt.NDArray[np.int64], metadata: pd.DataFrame) -> Any:
        taken = self._data[rows].copy()
        taken.obs = metadata.set_axis(taken.obs_names)
        return taken

    def with_values(self, values: Array, features: Sequence[str]) -> Any:
        if tuple(features) != self.features:
            return self.made_of(self._data.obs, features, values)
        changed = self._data.copy()
        changed.X = np.ascontiguousarray(values.T)
        return changed

    def made_of(self, metadata: pd.DataFrame, features: Sequence[str], values: Array) -> Any:
        from anndata import AnnData

        same = tuple(features) == self.features
        return AnnData(
            X=np.ascontiguousarray(values.T),
            obs=metadata.set_axis(metadata.index.astype(str)),
            var=self._data.var.copy() if same else pd.DataFrame(index=list(features)),
        )


def _check_names(columns: pd.Index, names: Sequence[object]) -> None:
    """Raise InvalidArgument if names of columns are no texts, or one is there twice."""
    if len(set(names)) < len(names):
        twice = columns[columns.duplicated()][0]
        raise InvalidArgument(f"column {twice!r} is there more than once")
    odd = [name for name in names if not isinstance(name, str)]
    if odd:
        raise InvalidArgument(
            f"names of columns should be texts, found {odd[0]!r}",
            hint="profiles.columns = profiles.columns.astype(str)",
        )


def _beside(metadata: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Return two new frames as one, without a copy."""
    options: Any = {"copy": False} if pd.__version__.startswith("2.") else {}
    both: pd.DataFrame = pd.concat([metadata, features], axis=1, **options)
    return both


def _others(columns: Sequence[str] | pd.Index, features: Sequence[str]) -> list[str]:
    known = set(features)
    return [name for name in columns if name not in known]


def _is_nested(column: pd.Series[Any]) -> bool:
    """Tell whether a column holds lists, arrays or images instead of numbers."""
    return any(is_list_like(value) for value in column)


def _is_numeric(dtype: object) -> bool:
    """Tell whether a type of NumPy, pandas or Arrow is one of numbers or truth values."""
    return getattr(dtype, "kind", "O") in "fiub"


def _matrix(frame: pd.DataFrame) -> Array:
    """Return columns as rows of float64.

    Raises
    ------
    InvalidArgument
        If a column holds something else than numbers and missing values.
    """
    kinds = set(frame.dtypes.tolist())
    if not all(map(_is_numeric, kinds)):
        odd = [name for name, kind in frame.dtypes.items() if not _is_numeric(kind)]
        frame = frame.assign(**{str(name): _numbers(frame[name]) for name in odd})
    # If asked for missing values of other kinds, pandas looks at, and copies, all values.
    own = all(isinstance(kind, np.dtype) for kind in kinds)
    rows = frame.to_numpy(np.float64) if own else frame.to_numpy(np.float64, na_value=np.nan)
    return np.ascontiguousarray(rows.T)


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of objects as numbers; words for missing values are missing."""
    missing = column.isna() | column.map(
        lambda value: isinstance(value, str) and value.strip().lower() in _MISSING_WORDS
    )
    kept = column[~missing]
    wrong = [value for value in kept if isinstance(value, (str, bytes, complex))]
    if not wrong:
        try:
            return kept.astype(np.float64).reindex(column.index)
        except (TypeError, ValueError):
            wrong = list(kept)
    raise InvalidArgument(
        f"feature {column.name!r} should hold numbers, found {wrong[0]!r}",
        hint="name the columns that are features with features=",
    )
