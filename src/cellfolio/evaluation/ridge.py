"""Ridge regression for many targets at once, each with a penalty of its own.

With one decomposition of the features, the error that a row would have had if it had been left out
is known for every penalty and every target in closed form; so are those of the rows of a group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cellfolio.evaluation.folds import Folds
from cellfolio.evaluation.linear import LinearFit, check_pair, check_penalties
from cellfolio.profiles.statistics import Array

PENALTIES = tuple(float(one) for one in np.logspace(-1, 6, 15))
"""For standardized features: from hardly any to nearly the mean alone."""
_RANK = 1e-12
"""Share of the largest variance below which a direction does not count."""


def fit_ridge(
    features: Array,
    targets: Array,
    penalties: Sequence[float] = PENALTIES,
    *,
    groups: Folds | None = None,
) -> LinearFit:
    """Fit ridge regression to each target, with the penalty of the least error of rows left out.

    Minimizes ``|y - Xb|^2 + penalty |b|^2``, as scikit-learn does.

    Parameters
    ----------
    features : array of float, shape (rows, features)
    targets : array of float, shape (rows, targets)
    penalties : sequence of float
    groups : array of int, shape (rows,), optional
        Rows that are left out together; by default each row by itself.

    Returns
    -------
    LinearFit

    Raises
    ------
    InvalidArgument

    Notes
    -----
    With H what turns targets into predictions, those of rows B that are left out are off by
    ``(I - H_BB)^-1 (y - Hy)_B``.

    Examples
    --------
    >>> features = np.array([[0.0], [1], [2], [3]])
    >>> fit = fit_ridge(features, 2 * features + 1, [0.001, 1000])
    >>> fit.predict(np.array([[4.0]])).round(2).tolist(), fit.penalties.tolist()
    ([[9.0]], [0.001])
    """
    check_pair(features, targets)
    given = check_penalties(penalties)
    mean, level = features.mean(axis=0), targets.mean(axis=0)
    centred = features - mean
    left, sizes = _decompose(centred)
    rotated = left.T @ (targets - level)
    beyond = targets - level - left @ rotated  # what no penalty explains
    beyond = beyond if len(features) > len(sizes) + 1 else None
    errors = np.stack(
        [_left_out(left, sizes / (sizes + one), rotated, beyond, groups) for one in given]
    )
    chosen = given[errors.argmin(axis=0)]
    weights = centred.T @ (left @ (rotated / (sizes[:, None] + chosen)))
    return LinearFit(weights, level - mean @ weights, chosen, errors)


def _decompose(centred: Array) -> tuple[Array, Array]:
    """Return left singular vectors and squared singular values, from the smaller Gram matrix."""
    rows, columns = centred.shape
    if rows <= columns:
        sizes, left = np.linalg.eigh(centred @ centred.T)
    else:
        sizes, right = np.linalg.eigh(centred.T @ centred)
        left = centred @ right
    kept = sizes > _RANK * sizes.max(initial=0)
    left, sizes = left[:, kept], sizes[kept]
    return (left if rows <= columns else left / np.sqrt(sizes)), sizes


def _left_out(
    left: Array, shares: Array, rotated: Array, beyond: Array | None, groups: Folds | None
) -> Array:
    """Return the mean squared error of rows left out, of each target.

    Parameters
    ----------
    left : array of float, shape (rows, directions)
    shares : array of float, shape (directions,)
        What the penalty leaves of each direction.
    rotated : array of float, shape (directions, targets)
    beyond : array of float, shape (rows, targets), or None
        What lies in none of the directions; None if nothing does.
    groups : array of int or None
    """
    rows = len(left)
    lifted = left * (1 - shares)  # what the penalty takes away, per unit of each direction
    if groups is None:
        gain = 1 / (1 - 1 / rows - np.einsum("ij,j,ij->i", left, shares, left))
        lifted *= gain[:, None]
        beyond = None if beyond is None else beyond * gain[:, None]
    else:
        beyond = None if beyond is None else beyond.copy()
        for some in _members(groups):
            part = left[some]
            kept = np.eye(len(some)) - (part * shares) @ part.T - 1 / rows
            lifted[some] = np.linalg.solve(kept, lifted[some])
            if beyond is not None:
                beyond[some] = np.linalg.solve(kept, beyond[some])
    off: Array = lifted @ rotated
    if beyond is not None:
        off += beyond
    found: Array = np.einsum("ij,ij->j", off, off) / rows
    return found


def _members(groups: Folds) -> Iterator[Folds]:
    order = np.argsort(groups, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
