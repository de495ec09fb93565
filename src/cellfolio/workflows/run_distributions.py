"""Scores of an evaluation against chance: distributions out of the tables that it wrote."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.evaluation.nulls import beyond

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

NULL, SCORES = "null", "scores"
"""Names of the tables with values by chance, and with limits."""
_VALUE = "correlation"
_BINS = 40
_GROUP = "_group"


@dataclass(frozen=True, slots=True)
class Distribution:
    """Values that were found, and those by chance.

    Attributes
    ----------
    title : str
        Of the group; empty if there is one.
    found_name : str
        What the values are of, such as ``perturbations``.
    edges : tuple of float
        Of the bins.
    found, null : tuple of float
        Share of the values that lie in each bin.
    counts : tuple of int
        Values that were found, and by chance.
    limits : tuple of float or None
        Where chance ends; infinite where it does not, None where nothing tells.
    beyond : float
        Share of the values that were found beyond the limits.
    """

    title: str
    found_name: str
    edges: tuple[float, ...]
    found: tuple[float, ...]
    null: tuple[float, ...]
    counts: tuple[int, int]
    limits: tuple[float, float] | None
    beyond: float | None


def find_distributions(tables: Mapping[str, pd.DataFrame]) -> list[Distribution]:
    """Return the distributions of an evaluation, one for each group.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By name; `NULL` has the values by chance, `SCORES` the limits of each group, and the first
        other with the same columns the values that were found.

    Examples
    --------
    >>> import pandas as pd
    >>> null = pd.DataFrame({"group": ["a"] * 4, "correlation": [-0.1, 0.0, 0.1, 0.2]})
    >>> found = pd.DataFrame({"group": ["a"] * 2, "correlation": [0.1, 0.9]})
    >>> one = find_distributions({"null": null, "perturbations": found})[0]
    >>> one.found_name, one.counts, round(sum(one.found), 6)
    ('perturbations', (2, 4), 1.0)
    """
    null = tables.get(NULL)
    if null is None or _VALUE not in null.columns:
        return []
    groups = [str(name) for name in null.columns if name != _VALUE]
    wanted = {*groups, _VALUE}
    others = {name: one for name, one in tables.items() if name not in (NULL, SCORES)}
    name = next((name for name, one in others.items() if wanted <= set(one.columns)), None)
    if name is None:
        return []
    found, scores = others[name], tables.get(SCORES)
    made = []
    for key, chance in _grouped(null, groups):
        values = _numbers(dict(_grouped(found, groups)).get(key))
        drawn = _numbers(chance)
        if len(values) and len(drawn):
            limits = _limits(scores, groups, key)
            made.append(_distribution(_title(key), name, values, drawn, limits))
    return made


def _grouped(
    table: pd.DataFrame, groups: list[str]
) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    if not groups:
        yield (), table
        return
    texts = table[groups].astype(object).where(table[groups].notna(), "").astype(str)
    keys = list(texts.itertuples(index=False, name=None))
    for key in dict.fromkeys(keys):
        yield key, table[[one == key for one in keys]]


def _numbers(table: pd.DataFrame | None) -> npt.NDArray[np.float64]:
    import numpy as np
    import pandas as pd

    if table is None:
        return np.empty(0)
    values = pd.to_numeric(table[_VALUE], errors="coerce").to_numpy(dtype=np.float64)
    known: npt.NDArray[np.float64] = values[np.isfinite(values)]
    return known


def _limits(
    scores: pd.DataFrame | None, groups: list[str], key: tuple[str, ...]
) -> tuple[float, float] | None:
    """Return where chance ends in a group; scores may call `first_group` only ``first``."""
    if scores is None or not {"limit_low", "limit_high"} <= set(scores.columns):
        return None
    columns = [
        next((name for name in (one, one.removesuffix(_GROUP)) if name in scores.columns), "")
        for one in groups
    ]
    if not all(columns):
        return None
    for row in scores.to_dict("records"):
        told = tuple("" if _missing(row[name]) else str(row[name]) for name in columns)
        if told == key:
            return float(row["limit_low"]), float(row["limit_high"])
    return None


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _title(key: tuple[str, ...]) -> str:
    return " and ".join(one for one in dict.fromkeys(key) if one)


def _distribution(
    title: str,
    name: str,
    values: npt.NDArray[np.float64],
    drawn: npt.NDArray[np.float64],
    limits: tuple[float, float] | None,
) -> Distribution:
    import numpy as np

    both = np.concatenate([values, drawn])
    edges = np.linspace(both.min() - 1e-9, both.max() + 1e-9, _BINS + 1)
    shares = [np.histogram(one, edges)[0] / len(one) for one in (values, drawn)]
    return Distribution(
        title,
        name,
        tuple(edges.tolist()),
        tuple(shares[0].tolist()),
        tuple(shares[1].tolist()),
        (len(values), len(drawn)),
        limits,
        None if limits is None else float(beyond(values, limits).mean()),
    )
