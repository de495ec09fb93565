"""Normalizing by ranks: each feature becomes normally distributed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.scaling import Fitted, check_finite
from cellfolio.profiles.statistics import Array, quantile_table

_EDGE = 1e-7
"""Nearest to 0 and 1 that a quantile comes, as in scikit-learn: about 5.2 standard deviations."""


@dataclass(frozen=True, slots=True)
class InverseNormal:
    """Replace each value by what its quantile in the reference is in a normal distribution.

    Only the order of the values counts, and distances are lost. Values that are the same share the
    middle of their quantiles; values beyond those of the reference become ±5.2.

    Parameters
    ----------
    quantiles : int
        Quantiles of the reference that are kept, at most as many as it has rows; between them,
        values are interpolated.

    Notes
    -----
    The numbers are those of scikit-learn's `QuantileTransformer`, which learns from 10,000 rows
    drawn at random if there are more. Here all rows count.

    Examples
    --------
    >>> fitted = InverseNormal().fit(np.array([[1.0, 2.0, 9.0]]), ("Cells_A",))
    >>> fitted.apply(np.array([[0.0, 2.0, 5.5]])).round(2)
    array([[-5.2 ,  0.  ,  0.67]])
    """

    quantiles: int = 1000

    def __post_init__(self) -> None:
        if self.quantiles < 1:
            raise InvalidArgument(f"quantiles should be at least 1, found {self.quantiles!r}")

    def fit(self, reference: Array, features: tuple[str, ...]) -> Fitted:
        """Learn the quantiles."""
        check_finite(reference, features, "InverseNormal")
        shares = np.linspace(0, 1, min(self.quantiles, reference.shape[1]))
        # To the last bit those of NumPy's percentiles: what is tied with one depends on it.
        marks = quantile_table(reference, shares * 100 / 100)
        return Fitted(features, partial(_apply, marks=marks, shares=shares))


def _apply(values: Array, *, marks: Array, shares: Array) -> Array:
    from scipy.special import ndtri

    found = np.empty(values.shape)
    for at, (row, known) in enumerate(zip(values, marks, strict=True)):
        # Of equal quantiles one way finds the first, the other the last; their mean is the middle.
        up = np.interp(row, known, shares)
        down = np.interp(-row, -known[::-1], -shares[::-1])
        found[at] = 0.5 * (up - down)
    with np.errstate(invalid="ignore"):
        found[values + _EDGE > marks[:, -1:]] = 1
        found[values - _EDGE < marks[:, :1]] = 0
    found[np.isnan(values)] = np.nan  # `interp` of one quantile forgets it
    low, high = ndtri(_EDGE - np.spacing(1)), ndtri(1 - (_EDGE - np.spacing(1)))
    return np.asarray(np.clip(ndtri(found), low, high), dtype=np.float64)
