"""Ways to normalize that treat each feature by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.statistics import (
    Array,
    Mask,
    blocks,
    in_blocks,
    medians_and_deviations,
    moments,
    quantiles,
)

MAD_SCALE = 1 / 1.4826
"""Makes the MAD of a normal distribution its standard deviation; divided by, as the peer does."""


class Fitted(NamedTuple):
    """What was learned from the reference.

    Attributes
    ----------
    features : tuple of str
        Names of what `apply` returns.
    apply : callable
        Takes and returns an array of shape (features, rows); leaves what it takes as it is.
    """

    features: tuple[str, ...]
    apply: Callable[[Array], Array]


class Normalization(Protocol):
    """A way to normalize: a small frozen value."""

    def fit(self, reference: Array, features: tuple[str, ...]) -> Fitted:
        """Learn from the reference, an array of shape (features, rows) with at least one row.

        Raises
        ------
        InvalidArgument
            If the reference cannot be learned from.
        """
        ...


@dataclass(frozen=True, slots=True)
class Standardize:
    """Subtract the mean, divide by the standard deviation (of the population).

    A feature that is constant in the reference is only centred.

    Examples
    --------
    >>> Standardize().fit(np.array([[1.0, 3.0]]), ("Cells_A",)).apply(np.array([[5.0]]))
    array([[3.]])
    """

    def fit(self, reference: Array, features: tuple[str, ...]) -> Fitted:
        """Learn mean and standard deviation."""
        check_finite(reference, features, "Standardize")
        mean, variance, constant = moments(reference)
        scale = np.sqrt(variance)
        scale[constant | (scale == 0)] = 1
        return Fitted(features, lambda values: _scaled(values, mean, scale))


@dataclass(frozen=True, slots=True)
class Robustize:
    """Subtract the median, divide by the range between the quartiles.

    A feature with an empty range in the reference is only centred.

    Examples
    --------
    >>> Robustize().fit(np.array([[1.0, 2.0, 3.0]]), ("Cells_A",)).apply(np.array([[5.0]]))
    array([[3.]])
    """

    def fit(self, reference: Array, features: tuple[str, ...]) -> Fitted:
        """Learn median and quartiles."""
        check_finite(reference, features, "Robustize")
        low, middle, high = quantiles(reference, (0.25, 0.5, 0.75))
        scale = high - low
        scale[scale < 10 * np.finfo(np.float64).eps] = 1
        return Fitted(features, lambda values: _scaled(values, middle, scale))


@dataclass(frozen=True, slots=True)
class RobustMad:
    """Subtract the median, divide by the median absolute deviation (MAD).

    The MAD is multiplied by 1.4826, so that it is near the standard deviation.

    Parameters
    ----------
    epsilon : float
        Added to the MAD. With 1e-18 a feature without spread in the reference becomes 0 or
        numbers around 1e18; with 0 it becomes missing or infinite, and selection can drop it.

    Examples
    --------
    >>> fitted = RobustMad().fit(np.array([[1.0, 2.0, 3.0]]), ("Cells_A",))
    >>> fitted.apply(np.array([[2.0 + 1.4826]])).round(6)
    array([[1.]])
    """

    epsilon: float = 1e-18

    def __post_init__(self) -> None:
        if not self.epsilon >= 0:
            raise InvalidArgument(f"epsilon should be at least 0, found {self.epsilon!r}")

    def fit(self, reference: Array, features: tuple[str, ...]) -> Fitted:
        """Learn median and MAD."""
        middle, mad = medians_and_deviations(reference)
        scale = mad / MAD_SCALE + self.epsilon
        return Fitted(features, lambda values: _scaled(values, middle, scale))


def _scaled(values: Array, centre: Array, scale: Array) -> Array:
    found = np.empty(values.shape)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for some in blocks(len(values)):
            np.subtract(values[some], centre[some, None], out=found[some])
            found[some] /= scale[some, None]
    return found


def _any_infinite(values: Array) -> tuple[Mask]:
    return (np.asarray(np.isinf(values).any(axis=1), dtype=bool),)


def check_finite(reference: Array, features: tuple[str, ...], method: str) -> None:
    """Refuse infinite values.

    Raises
    ------
    InvalidArgument
    """
    infinite = in_blocks(_any_infinite, reference)[0]
    if infinite.any():
        names = [name for name, is_so in zip(features, infinite, strict=True) if is_so]
        raise InvalidArgument(
            f"{method} needs finite values; infinite are some of {len(names)} features: "
            f"{', '.join(names[:3])}",
            hint="drop these features, or set infinite values to missing",
        )
