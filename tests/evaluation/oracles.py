"""Scores as their definitions say them, one pair after the other."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


def features(table: pd.DataFrame) -> Floats:
    """Return the features as rows × features."""
    named = [name for name in table.columns if name.startswith(("Cells", "Cytoplasm", "Nuclei"))]
    return table[named].to_numpy(dtype=np.float64)


def correlate(*tables: Floats) -> Floats:
    """Return Pearson's r between all rows."""
    found: Floats = np.asarray(np.corrcoef(np.concatenate(tables)))
    return found


def medians_of_replicates(table: pd.DataFrame, by: str) -> dict[Hashable, float]:
    """Return the median off the diagonal of the correlations of each group."""
    found: dict[Hashable, float] = {}
    for name, group in table.groupby(by):
        if len(group) < 2:
            found[name] = math.nan
            continue
        correlations = correlate(features(group))
        found[name] = float(np.median(correlations[~np.eye(len(group), dtype=bool)]))
    return found


def medians_of_others(
    table: pd.DataFrame, by: str, draws: int, size: int, stream: random.Random
) -> list[float]:
    """Return medians of random groups of different perturbations, as CPJUMP1's notebook draws them.

    Rows are drawn with replacement; a group counts if its perturbations are all different.
    """
    table = table.reset_index(drop=True)
    found: list[float] = []
    while len(found) < draws:
        group = table.loc[stream.choices(list(range(len(table))), k=size)]
        if group[by].nunique(dropna=False) == size:
            correlations = correlate(features(group))
            found.append(float(np.median(correlations[~np.eye(size, dtype=bool)])))
    return found


def median_between(first: pd.DataFrame, second: pd.DataFrame) -> float:
    """Return the median correlation of all rows of one table with all of another."""
    correlations = correlate(features(first), features(second))
    return float(np.median(correlations[: len(first), len(first) :]))


def cosine(a: Floats, b: Floats) -> float:
    return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))


def average_precisions(
    rows: Sequence[dict[str, Any]],
    vectors: Floats,
    positive: Callable[[dict[str, Any], dict[str, Any]], bool],
    negative: Callable[[dict[str, Any], dict[str, Any]], bool],
) -> list[float]:
    """Return average precisions; what is as similar as a positive is ranked before it."""
    found = []
    for at, row in enumerate(rows):
        others = [one for one in range(len(rows)) if one != at]
        near = {one: cosine(vectors[at], vectors[one]) for one in others}
        hits = sorted((near[one] for one in others if positive(row, rows[one])), reverse=True)
        misses = [near[one] for one in others if negative(row, rows[one])]
        ranks = [
            rank / (rank + sum(miss >= hit - 1e-12 for miss in misses))
            for rank, hit in enumerate(hits, start=1)
        ]
        found.append(sum(ranks) / len(ranks) if ranks and misses else math.nan)
    return found
