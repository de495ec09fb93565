"""What linear models of many targets have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.statistics import Array


@dataclass(frozen=True, slots=True)
class LinearFit:
    """A linear model of each target.

    Attributes
    ----------
    weights : array of float, shape (features, targets)
    intercepts : array of float, shape (targets,)
    penalties : array of float, shape (targets,)
        The one that was chosen for each target.
    errors : array of float, shape (penalties, targets)
        Mean squared error of rows that were held out, in the order of the penalties as given.
    """

    weights: Array
    intercepts: Array
    penalties: Array
    errors: Array

    def predict(self, features: Array) -> Array:
        """Return predictions, shape (rows, targets)."""
        found: Array = features @ self.weights + self.intercepts
        return found


def check_penalties(penalties: Sequence[float]) -> Array:
    """Return penalties as an array.

    Raises
    ------
    InvalidArgument
        If there is none, or one is not a positive number.
    """
    found = np.asarray(penalties, dtype=np.float64)
    if found.ndim != 1 or not len(found) or not np.all(np.isfinite(found) & (found > 0)):
        raise InvalidArgument(f"penalties should be positive numbers, found {penalties!r}")
    return found


def check_pair(features: Array, targets: Array) -> None:
    """Refuse arrays that do not fit each other.

    Raises
    ------
    InvalidArgument
    """
    for what, array in (("features", features), ("targets", targets)):
        if array.ndim != 2 or not array.size:
            raise InvalidArgument(f"{what} should have rows and columns, found {array.shape}")
        if not np.isfinite(array).all():
            raise InvalidArgument(f"{what} should be finite numbers")
    if len(features) != len(targets):
        raise InvalidArgument(
            f"features have {len(features)} rows, targets have {len(targets)}; both should be of "
            "the same rows"
        )
