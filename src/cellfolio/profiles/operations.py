"""Rules by which features are dropped: small frozen values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.correlation import Coefficient, check_coefficient
from cellfolio.profiles.features import NOISY_FEATURES
from cellfolio.profiles.redundancy import find_redundant
from cellfolio.profiles.rows import Groups
from cellfolio.profiles.scaling import check_finite
from cellfolio.profiles.statistics import Array, Counts, Mask, in_blocks, moments, value_counts


class Evidence(Protocol):
    """What an operation may look at.

    Attributes
    ----------
    features : tuple of str
    values : array of float, shape (features, rows)
        Not to be changed.
    """

    @property
    def features(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def values(self) -> Array: ...  # noqa: D102

    def groups(self, by: str | Sequence[str]) -> Groups:
        """Group the rows by columns of the table."""
        ...


class Operation(Protocol):
    """A rule by which features are dropped."""

    def find(self, evidence: Evidence) -> dict[str, str]:
        """Return the features to drop, each with the reason."""
        ...


@dataclass(frozen=True, slots=True)
class VarianceThreshold:
    """Drop features whose variance (of the population) is not above a limit.

    Parameters
    ----------
    minimum : float
    """

    minimum: float = 1e-6

    def __post_init__(self) -> None:
        _check_limit("minimum", self.minimum)

    def find(self, evidence: Evidence) -> dict[str, str]:
        """Return features with their variance."""
        check_finite(evidence.values, evidence.features, "VarianceThreshold")
        variance, flat = in_blocks(_spread, evidence.values)
        variance[flat] = 0
        return _named(
            evidence, ~(variance > self.minimum), variance, "variance {:.3g} is not above "
            f"{self.minimum:g}",
        )  # fmt: skip


def _spread(values: Array) -> tuple[Array, np.ndarray]:
    flat = np.fmax.reduce(values, axis=1, initial=-np.inf) <= np.fmin.reduce(
        values, axis=1, initial=np.inf
    )
    return moments(values).variance, flat & (value_counts(values) > 0)


@dataclass(frozen=True, slots=True)
class FrequencyThreshold:
    """Drop features with one dominating value, or few different ones (caret's nearZeroVar).

    Parameters
    ----------
    ratio : float
        Least ratio of the count of the second most common value to that of the most common.
    unique : float
        Least number of different values, as a share of the rows. pycytominer had 0.1 before its
        version 1.0.
    """

    ratio: float = 0.05
    unique: float = 0.01

    def __post_init__(self) -> None:
        _check_share("ratio", self.ratio)
        _check_share("unique", self.unique)

    def find(self, evidence: Evidence) -> dict[str, str]:
        """Return features with the ratio or share that is too small."""
        rows = evidence.values.shape[1]
        if not rows:
            return {}
        ratio, different = in_blocks(_frequencies, evidence.values)
        share = different / rows
        rare = _named(
            evidence, share < self.unique, share, "different values are {:.3g} of the rows, below "
            f"{self.unique:g}",
        )  # fmt: skip
        common = _named(
            evidence, ratio < self.ratio, ratio, "the second most common value is {:.3g} times as "
            f"frequent as the first, below {self.ratio:g}",
        )  # fmt: skip
        return rare | common


def _frequencies(values: Array) -> tuple[Array, Array]:
    """Return second count to first count, and the number of different values."""
    ordered = np.sort(values, axis=1)  # NaN last
    counts = value_counts(values)
    inside = np.arange(values.shape[1]) < counts[:, None]
    new = inside.copy()
    new[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    different = new.sum(axis=1)
    second, first = _two_longest(new, different, counts)
    return np.where(different < 2, 0.0, second / np.maximum(first, 1)), different


def _two_longest(new: Mask, different: Counts, counts: Counts) -> tuple[Array, Array]:
    """Return the second largest and the largest number of equal values of each row.

    Parameters
    ----------
    new : array of bool, shape (rows, n)
        Where values in order are none that came before.
    different, counts : array of int
        How many of them there are in each row, and how many values.
    """
    longest = np.zeros((2, len(new)))
    some = different > 0
    if not some.any():
        return longest[0], longest[1]
    ends = (np.arange(len(new)) * new.shape[1] + counts)[some]
    begins = np.flatnonzero(new)
    rows = np.cumsum(different[some]) - different[some]  # where the runs of each row begin
    lengths = np.diff(begins, append=0)
    last = np.append(rows[1:], len(lengths)) - 1
    lengths[last] = ends - begins[last]
    first = np.maximum.reduceat(lengths, rows)
    is_first = lengths == np.repeat(first, different[some])
    lengths[is_first] = 0
    second = np.maximum.reduceat(lengths, rows)
    several = np.add.reduceat(is_first, rows, dtype=np.int64) > 1
    longest[:, some] = np.where(several, first, second), first
    return longest[0], longest[1]


@dataclass(frozen=True, slots=True)
class CorrelationThreshold:
    """Of two features that correlate above a limit, drop the one more like all the others.

    How much a feature is like the others is the sum of its absolute correlations. All pairs are
    judged by themselves, so that of a chain all but its ends may go. Two sums that are the same
    to ten digits are a tie, and the feature that comes later in the table goes.

    Parameters
    ----------
    maximum : float
        Highest correlation that may stay; strongly negative ones always do.
    coefficient : {'pearson', 'spearman', 'kendall'}
    """

    maximum: float = 0.9
    coefficient: Coefficient = "pearson"

    def __post_init__(self) -> None:
        _check_share("maximum", self.maximum)
        check_coefficient(self.coefficient)

    def find(self, evidence: Evidence) -> dict[str, str]:
        """Return features with the one they correlate with."""
        names = evidence.features
        return {
            names[lost]: f"{self.coefficient} correlation with {names[kept]} is above "
            f"{self.maximum:g}"
            for lost, kept in find_redundant(evidence.values, self.maximum, self.coefficient)
        }


@dataclass(frozen=True, slots=True)
class DropMissing:
    """Drop features with more than a share of values missing; infinite ones are not missing.

    Parameters
    ----------
    maximum : float
        Highest share of the rows.
    """

    maximum: float = 0.05

    def __post_init__(self) -> None:
        _check_share("maximum", self.maximum)

    def find(self, evidence: Evidence) -> dict[str, str]:
        """Return features with the share that is missing."""
        rows = evidence.values.shape[1]
        missing = (rows - value_counts(evidence.values)) / max(rows, 1)
        return _named(
            evidence, missing > self.maximum, missing, "{:.1%} of the values are missing, above "
            f"{self.maximum:.1%}",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blocklist:
    """Drop features by name.

    Parameters
    ----------
    names : tuple of str
        By default the 55 of Way 2019 that vary for technical reasons.
    """

    names: tuple[str, ...] = NOISY_FEATURES

    def __post_init__(self) -> None:
        names: object = self.names
        if isinstance(names, str):
            raise InvalidArgument(f"names should be several texts, found {self.names!r}")

    def find(self, evidence: Evidence) -> dict[str, str]:
        """Return those of the names that are there."""
        blocked = set(self.names)
        return {name: "on the blocklist" for name in evidence.features if name in blocked}


@dataclass(frozen=True, slots=True)
class DropOutliers:
    """Drop normalized features with a value too far from zero.

    Parameters
    ----------
    maximum : float
        Highest absolute value that may stay.
    """

    maximum: float = 500.0

    def __post_init__(self) -> None:
        _check_limit("maximum", self.maximum)

    def find(self, evidence: Evidence) -> dict[str, str]:
        """Return features with their most extreme value."""
        extreme = in_blocks(
            lambda some: (np.fmax.reduce(np.abs(some), axis=1, initial=0),), evidence.values
        )[0]
        return _named(
            evidence, extreme > self.maximum, extreme, "a value is {:.4g} from zero, above "
            f"{self.maximum:g}",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class NoiseRemoval:
    """Drop normalized features that vary much between replicates.

    Parameters
    ----------
    by : str or tuple of str
        Columns that tell replicates; rows without a value are left out.
    maximum : float
        Highest mean, over the groups of replicates, of the standard deviation (of the
        population).
    """

    by: str | tuple[str, ...]
    maximum: float

    def __post_init__(self) -> None:
        _check_limit("maximum", self.maximum)

    def find(self, evidence: Evidence) -> dict[str, str]:
        """Return features with their mean standard deviation."""
        groups = evidence.groups(self.by)
        known = ~groups.keys.isna().any(axis=1).to_numpy()
        total = np.zeros(len(evidence.features))
        count = np.zeros(len(evidence.features))
        for rows, is_known in zip(groups, known, strict=True):
            if is_known:
                spread = np.sqrt(moments(evidence.values[:, rows]).variance)
                total += np.nan_to_num(spread)
                count += ~np.isnan(spread)
        with np.errstate(invalid="ignore"):
            mean = total / count
        return _named(
            evidence, mean > self.maximum, mean, "replicates have a standard deviation of {:.3g}, "
            f"above {self.maximum:g}",
        )  # fmt: skip


def _named(evidence: Evidence, dropped: np.ndarray, values: Array, reason: str) -> dict[str, str]:
    return {evidence.features[at]: reason.format(values[at]) for at in np.flatnonzero(dropped)}


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise InvalidArgument(f"{name} should be from 0 to 1, found {value!r}")


def _check_limit(name: str, value: float) -> None:
    if not value >= 0:
        raise InvalidArgument(f"{name} should be at least 0, found {value!r}")
