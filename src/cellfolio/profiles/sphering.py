"""Sphering: features become uncorrelated and of variance 1 in the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.scaling import Fitted, check_finite
from cellfolio.profiles.statistics import Array, moments
from cellfolio.profiles.threads import one_thread

Kind: TypeAlias = Literal["ZCA-cor", "PCA-cor", "ZCA", "PCA"]


class Axes(NamedTuple):
    """What the reference varies along.

    Attributes
    ----------
    directions : array of float, shape (features, axes)
    gains : array of float, shape (axes,)
        What each axis is multiplied with.
    rest : float
        What everything is multiplied with that lies in none of the axes.
    """

    directions: Array
    gains: Array
    rest: float


@dataclass(frozen=True, slots=True)
class Spherize:
    """Make features uncorrelated and of variance 1 in the reference (whitening).

    Parameters
    ----------
    kind : {'ZCA-cor', 'PCA-cor', 'ZCA', 'PCA'}
        PCA returns principal components, named PC1, PC2 …; ZCA turns them back, so that each
        feature stays as near as it can to what it was. With ``-cor`` features are standardized
        before.
    epsilon : float
        Added to each singular value of the reference.
    center : bool
        Whether the mean of the reference is subtracted first.

    Notes
    -----
    With fewer rows than features, or features that depend on each other, the reference does not
    vary in some directions. ZCA scales those as the one in which it varies least; PCA leaves them
    out. The sign of a component is such that its largest weight is positive.

    References
    ----------
    Kessy, Lewin, Strimmer 2018, Optimal whitening and decorrelation, https://arxiv.org/abs/1512.00809

    Examples
    --------
    >>> values = np.array([[0.0, 0, 2, 2], [0, 4, 1, 5]])
    >>> fitted = Spherize("ZCA").fit(values, ("Cells_A", "Cells_B"))
    >>> np.cov(fitted.apply(values)).round(4) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """

    kind: Kind = "ZCA-cor"
    epsilon: float = 1e-6
    center: bool = True

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InvalidArgument(f"kind should be one of {get_args(Kind)}, found {self.kind!r}")
        if not self.epsilon >= 0:
            raise InvalidArgument(f"epsilon should be at least 0, found {self.epsilon!r}")
        if self.kind.endswith("-cor") and not self.center:
            raise InvalidArgument(f"{self.kind} needs center=True: correlations are centred")

    def fit(self, reference: Array, features: tuple[str, ...]) -> Fitted:
        """Learn centre, scale and axes."""
        _check_whole(reference, features)
        centre, scale = self._before(reference, features)
        axes = _find_axes((reference - centre) / scale, self.epsilon)
        if self.kind.startswith("PCA"):
            names = tuple(f"PC{number}" for number in range(1, len(axes.gains) + 1))
            return Fitted(names, lambda values: _components((values - centre) / scale, axes))
        return Fitted(features, lambda values: turn_back((values - centre) / scale, axes))

    def _before(self, reference: Array, features: tuple[str, ...]) -> tuple[Array, Array]:
        mean, variance, constant = moments(reference)
        scale = np.ones_like(mean)
        if self.kind.endswith("-cor"):
            if constant.any():
                name = features[int(np.argmax(constant))]
                raise InvalidArgument(
                    f"{self.kind} divides by the standard deviation, which is zero for "
                    f"{int(constant.sum())} features: {name} …",
                    hint="drop constant features before, with feature_select and "
                    "VarianceThreshold, or take ZCA or PCA",
                )
            scale = np.sqrt(variance)
        return (mean if self.center else np.zeros_like(mean))[:, None], scale[:, None]


def _check_whole(reference: Array, features: tuple[str, ...]) -> None:
    check_finite(reference, features, "Spherize")
    missing = np.isnan(reference).any(axis=1)
    if missing.any():
        raise InvalidArgument(
            f"Spherize needs every value; {int(missing.sum())} features miss some: "
            f"{features[int(np.argmax(missing))]} …",
            hint="drop these features before, with feature_select and DropMissing(0)",
        )


@one_thread
def _find_axes(prepared: Array, epsilon: float) -> Axes:
    """Return the axes from the singular value decomposition of the prepared reference."""
    count, rows = prepared.shape
    directions, sizes = decompose(prepared)
    rank = int((sizes > sizes.max(initial=0) * max(count, rows) * np.finfo(np.float64).eps).sum())
    if rank == 0:
        raise InvalidArgument("Spherize needs a reference that varies, found equal rows only")
    gains = np.sqrt(max(rows - 1, 1)) / (sizes[:rank] + epsilon)
    return Axes(_signed(directions[:, :rank]), gains, float(gains[-1]))


def decompose(prepared: Array) -> tuple[Array, Array]:
    """Return left singular vectors and singular values, largest first.

    A long or a broad matrix is first made square (QR), which is exact and a fraction of the work.
    """
    count, rows = prepared.shape
    if count > rows:
        frame, square = np.linalg.qr(prepared)
        turned, sizes, _ = np.linalg.svd(square)
        return frame @ turned, sizes
    square = np.asarray(np.linalg.qr(prepared.T, mode="r"))
    _, sizes, turned = np.linalg.svd(square)
    return turned.T, sizes


def _signed(directions: Array) -> Array:
    """Make the largest weight of each direction positive: LAPACK leaves the sign open."""
    largest = np.abs(directions).argmax(axis=0)
    signs = np.sign(directions[largest, np.arange(directions.shape[1])])
    return np.asarray(directions * signs, dtype=np.float64)


@one_thread
def _components(prepared: Array, axes: Axes) -> Array:
    found: Array = axes.directions.T @ prepared
    found *= axes.gains[:, None]
    return found


@one_thread
def turn_back(prepared: Array, axes: Axes) -> Array:
    """Apply gains along the axes and `rest` elsewhere, without a matrix of features × features."""
    along = axes.directions.T @ prepared
    if len(axes.directions) == len(axes.gains):
        along *= axes.gains[:, None]
        return np.asarray(axes.directions @ along, dtype=np.float64)
    along *= (axes.gains - axes.rest)[:, None]
    found: Array = axes.directions @ along
    prepared *= axes.rest
    found += prepared
    return found
