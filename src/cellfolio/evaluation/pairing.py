"""Rows of two modalities paired by what they have in common, with a report of those that are lost.

A key is unique on each side, or the pairing is asked for by well, which is a choice: no well of one
modality belongs to a certain well of the other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument

SIDES = ("first", "second")
KEEPS = ("all", "overlap", "union")


@dataclass(frozen=True, slots=True)
class Reproducible:
    """Keys whose replicates agree, in each modality, and which of them to keep.

    Attributes
    ----------
    first, second : collection of str
    how : {'all', 'overlap', 'union'}
        Every key; those of both; those of at least one.
    always : collection of str
        Kept in any case, such as the negative controls.
    """

    first: Collection[str] = ()
    second: Collection[str] = ()
    how: str = "all"
    always: Collection[str] = ()

    def keep(self, keys: pd.Series[str]) -> pd.Series[bool]:
        """Tell which keys to keep.

        Raises
        ------
        InvalidArgument
        """
        if self.how not in KEEPS:
            raise InvalidArgument(f"how should be one of {', '.join(KEEPS)}, found {self.how!r}")
        if self.how == "all":
            return pd.Series(True, index=keys.index)
        one, other = keys.isin(set(self.first)), keys.isin(set(self.second))
        return ((one & other) if self.how == "overlap" else (one | other)) | keys.isin(
            set(self.always)
        )


@dataclass(frozen=True, slots=True)
class Paired:
    """Two tables with the same rows.

    Attributes
    ----------
    first, second : DataFrame
        Their columns as they were; row i of one belongs to row i of the other.
    lost : DataFrame
        Rows that have no partner: ``side``, ``reason``, perhaps ``dose``, and how many ``rows``.
    """

    first: pd.DataFrame
    second: pd.DataFrame
    lost: pd.DataFrame


def pair(
    first: pd.DataFrame,
    second: pd.DataFrame,
    by: str,
    *,
    keep: Reproducible | None = None,
    dose: str | None = None,
) -> Paired:
    """Pair the rows of two tables that have one row for each key.

    Parameters
    ----------
    first, second : DataFrame
    by : str
        The key, a column of both, such as ``Metadata_perturbation``.
    keep : Reproducible, optional
        By default every key.
    dose : str, optional
        A column of both; what is lost is told for each of its values.

    Returns
    -------
    Paired
        In the order of the first table.

    Raises
    ------
    InvalidArgument
        If a column is missing, a key is there twice, or nothing is left.

    Examples
    --------
    >>> cells = pd.DataFrame({"drug": ["a", "b", None], "area": [1, 2, 3]})
    >>> genes = pd.DataFrame({"drug": ["c", "b"], "KRAS": [0.5, 0.25]})
    >>> found = pair(cells, genes, "drug")
    >>> found.first["area"].tolist(), found.second["KRAS"].tolist()
    ([2], [0.25])
    >>> found.lost.values.tolist()
    [['first', 'no key', 1], ['first', 'not in the second', 1], ['second', 'not in the first', 1]]
    """
    tables = (first, second)
    for side, table in zip(SIDES, tables, strict=True):
        _check_columns(table, side, [by] if dose is None else [by, dose])
        keys = table[by].dropna()
        if keys.duplicated().any():
            twice = keys[keys.duplicated()].iloc[0]
            raise InvalidArgument(
                f"the {side} table has several rows of {twice!r}",
                hint="take the mean of replicates first, or pair them with pair_replicates",
            )
    reasons = _reasons(tables, by, keep or Reproducible())
    lost = _lost(tables, reasons, dose)
    left = [table[reason.isna()] for table, reason in zip(tables, reasons, strict=True)]
    _check_some(left[0], lost, by)
    other = left[1].set_index(by, drop=False).loc[left[0][by]]
    return Paired(left[0].reset_index(drop=True), other.reset_index(drop=True), lost)


def pair_replicates(
    first: pd.DataFrame,
    second: pd.DataFrame,
    by: str,
    *,
    count: int | None = None,
    seed: int = 0,
) -> Paired:
    """Pair wells of two modalities that share a key: each with each, or some at random.

    Parameters
    ----------
    first, second : DataFrame
    by : str
    count : int, optional
        Pairs for each key, of different wells on both sides, and fewer where there are fewer; by
        default each well is paired with each.
    seed : int

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> cells = pd.DataFrame({"drug": ["a", "a", "b"], "area": [1, 2, 3]})
    >>> genes = pd.DataFrame({"drug": ["a", "a", "c"], "KRAS": [5, 6, 7]})
    >>> found = pair_replicates(cells, genes, "drug")
    >>> list(zip(found.first["area"], found.second["KRAS"]))
    [(1, 5), (1, 6), (2, 5), (2, 6)]
    >>> len(pair_replicates(cells, genes, "drug", count=1).first)
    1
    """
    tables = (first, second)
    for side, table in zip(SIDES, tables, strict=True):
        _check_columns(table, side, [by])
    if count is not None and count < 1:
        raise InvalidArgument(f"count should be at least 1, found {count}")
    reasons = _reasons(tables, by, Reproducible())
    lost = _lost(tables, reasons, None)
    generator = np.random.default_rng(seed)
    places = [table.reset_index(drop=True).groupby(by, sort=True).indices for table in tables]
    chosen: list[tuple[list[int], list[int]]] = []
    for key in sorted(places[0].keys() & places[1].keys(), key=str):
        one, other = places[0][key], places[1][key]
        if count is None:
            chosen.append((np.repeat(one, len(other)).tolist(), np.tile(other, len(one)).tolist()))
            continue
        some = min(count, len(one), len(other))
        picked = [generator.choice(rows, some, replace=False).tolist() for rows in (one, other)]
        chosen.append((picked[0], picked[1]))
    rows = [[row for part in chosen for row in part[side]] for side in (0, 1)]
    left = [
        table.iloc[some].reset_index(drop=True) for table, some in zip(tables, rows, strict=True)
    ]
    _check_some(left[0], lost, by)
    return Paired(left[0], left[1], lost)


def _check_columns(table: pd.DataFrame, side: str, names: list[str]) -> None:
    for name in names:
        if name not in table:
            shown = ", ".join(map(str, list(table.columns)[:5]))
            raise InvalidArgument(f"the {side} table has no column {name!r}; it has {shown} …")


def _reasons(
    tables: tuple[pd.DataFrame, pd.DataFrame], by: str, keep: Reproducible
) -> list[pd.Series[str]]:
    """Return why each row is lost; missing where it is not."""
    found = []
    for at, table in enumerate(tables):
        keys, others = table[by], set(tables[1 - at][by].dropna())
        reason = pd.Series(None, index=table.index, dtype=object)
        reason[~keep.keep(keys)] = "not reproducible"
        reason[~keys.isin(others)] = f"not in the {SIDES[1 - at]}"
        reason[keys.isna()] = "no key"
        found.append(reason)
    return found


def _lost(
    tables: tuple[pd.DataFrame, pd.DataFrame], reasons: list[pd.Series[str]], dose: str | None
) -> pd.DataFrame:
    parts = []
    for side, table, reason in zip(SIDES, tables, reasons, strict=True):
        told = pd.DataFrame({"side": side, "reason": reason})
        if dose is not None:
            told["dose"] = table[dose]
        parts.append(told[reason.notna()])
    columns = list(parts[0].columns)
    counted = pd.concat(parts).groupby(columns, dropna=False, sort=True).size()
    return counted.rename("rows").reset_index()


def _check_some(left: pd.DataFrame, lost: pd.DataFrame, by: str) -> None:
    if not len(left):
        told = "; ".join(f"{row.side}: {row.rows} {row.reason}" for row in lost.itertuples())
        raise InvalidArgument(
            f"no row of both tables has the same {by}: {told or 'they are empty'}"
        )
