"""The rules of Rosetta profiles once more, in plain Python: one number after the other."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from tests.metadata.rosetta_files import Row

Profile = dict[str, float]


def number(text: str) -> float:
    value = float(text) if text else math.nan
    return math.nan if math.isinf(value) else value


def standardized(rows: Sequence[Row], plate: str, features: Sequence[str]) -> list[Profile]:
    """Return z-scores of each plate; one degree of freedom less, all wells."""
    result: list[Profile] = []
    for row in rows:
        profile = {}
        for name in features:
            there = [number(other[name]) for other in rows if other[plate] == row[plate]]
            there = [value for value in there if not math.isnan(value)]
            spread = statistics.stdev(there) if len(set(there)) > 1 else 0.0
            value = number(row[name]) - (statistics.fmean(there) if there else math.nan)
            profile[name] = value / spread if spread else math.nan
        result.append(profile)
    return result


def averaged(
    keys: Sequence[str], profiles: Sequence[Profile], features: Sequence[str]
) -> dict[str, Profile]:
    """Return the mean of each perturbation, missing values aside."""
    result = {}
    for key in sorted(set(keys)):
        wells = [one for one, of in zip(profiles, keys, strict=True) if of == key]
        means = {}
        for name in features:
            there = [well[name] for well in wells if not math.isnan(well[name])]
            means[name] = math.fsum(there) / len(there) if there else math.nan
        result[key] = means
    return result


def interpolated(values: Sequence[float]) -> list[float]:
    """Return values with gaps filled on the line between neighbours; the last value goes on."""
    result = list(values)
    known = [at for at, value in enumerate(values) if not math.isnan(value)]
    for at, value in enumerate(values):
        before = [one for one in known if one < at]
        after = [one for one in known if one > at]
        if math.isnan(value) and before:
            low, high = before[-1], (after or before[-1:])[0]
            share = (at - low) / (high - low) if high > low else 0.0
            result[at] = values[low] + share * (values[high] - values[low])
    return result
