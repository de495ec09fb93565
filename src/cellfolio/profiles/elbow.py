"""Sphering with a limit that the data give: as CPJUMP1 treated features of DeepProfiler."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.scaling import Fitted, check_finite
from cellfolio.profiles.sphering import Axes, decompose, turn_back
from cellfolio.profiles.statistics import Array
from cellfolio.profiles.threads import one_thread

_LEAST_VARIANCE = 1e-3
_SHARE = 10
_NOTHING = 1e-12
"""Eigenvalues below are rounding: those of correlations add up to the number of features."""


@dataclass(frozen=True, slots=True)
class ElbowSpherize:
    """Make features uncorrelated in the reference, but for directions of little variance.

    Eigenvalues of the correlations are raised to a tenth of the one at their elbow, and variances
    to 0.001; the rest is a ZCA of correlations, as in `Spherize`. CPJUMP1 did this to features of
    DeepProfiler, all replicate plates of a condition together, with negative controls as the
    reference. Features without any missing or infinite value only.

    With far more features than rows, the elbow would be where eigenvalues become zero, and rounding
    would decide. Then it is that of the eigenvalues that are not zero.

    References
    ----------
    Chandrasekaran et al. 2024, https://doi.org/10.1038/s41592-024-02241-6, and the code published
    with it. The elbow: Satopää et al. 2011, Finding a "Kneedle" in a Haystack,
    https://doi.org/10.1109/ICDCSW.2011.20

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(size=(6, 50))
    >>> values[1:4] += 3 * values[0]
    >>> fitted = ElbowSpherize().fit(values, tuple("abcdef"))
    >>> np.cov(fitted.apply(values)).diagonal().round(2)
    array([1., 1., 1., 1., 1., 1.])
    """

    def fit(self, reference: Array, features: tuple[str, ...]) -> Fitted:
        """Learn mean, variances and eigenvalues."""
        check_finite(reference, features, "ElbowSpherize")
        if np.isnan(reference).any() or reference.shape[1] < 2:
            raise InvalidArgument(
                "ElbowSpherize needs a reference of two rows or more without missing values",
                hint="drop these features before, with feature_select and DropMissing(0)",
            )
        mean = reference.mean(axis=1, keepdims=True)
        rest = reference - mean
        variance = np.square(rest).sum(axis=1) / (rest.shape[1] - 1)
        scale = np.sqrt(np.maximum(variance, _LEAST_VARIANCE))[:, None]
        axes = _find_axes(rest)
        return Fitted(features, lambda values: turn_back((values - mean) / scale, axes))


@one_thread
def _find_axes(rest: Array) -> Axes:
    """Return the eigenvectors of the correlations, which of a constant feature are zero.

    Correlations are a product of the scaled reference with itself, so the singular values of that,
    squared, are their eigenvalues. All others are zero: features may be many more than rows.
    """
    length = np.sqrt(np.square(rest).sum(axis=1, keepdims=True))
    scaled = np.divide(rest, length, out=np.zeros_like(rest), where=length > 0)
    directions, sizes = decompose(scaled)
    found = np.square(sizes)
    values = np.zeros(len(rest))
    values[: len(found)] = found
    elbow = values[find_elbow(values)]
    if elbow <= _NOTHING:
        # Of many features and few rows, the curve is flat from where it is zero.
        some = found[found > _NOTHING]
        elbow = some[find_elbow(some)]
    least = elbow / _SHARE
    gains = 1 / np.sqrt(np.maximum(found, least))
    return Axes(directions, gains, float(1 / np.sqrt(least)))


def find_elbow(values: Array) -> int:
    """Return where decreasing, convex values turn flat: the elbow of Kneedle, sensitivity 1.

    Parameters
    ----------
    values : array of float, shape (n,)
        Decreasing.

    Raises
    ------
    InvalidArgument
        If there is no elbow.

    Examples
    --------
    >>> find_elbow(np.array([10.0, 4, 1, 0.9, 0.8, 0.7]))
    2
    """
    count = len(values)
    spread = float(np.ptp(values)) if count > 1 else 0.0
    if spread > 0:
        place = np.linspace(0, 1, count)
        rise = 1 - (values - values.min()) / spread - place
        padded = np.pad(rise, 1, mode="edge")
        top = (rise >= padded[:-2]) & (rise >= padded[2:])
        bottom = (rise <= padded[:-2]) & (rise <= padded[2:])
        found: int | None = None
        for at in range(int(np.argmax(top)), count - 1):
            if top[at]:
                found = at
            if bottom[at]:  # nothing counts between a minimum and the next maximum
                found = None
            if found is not None and rise[at + 1] < rise[found] - 1 / (count - 1):
                return found
    raise InvalidArgument(
        f"the {count} eigenvalues of the reference have no elbow", hint="take Spherize instead"
    )
