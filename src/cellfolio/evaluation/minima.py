"""The lasso of many targets over one Gram matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellfolio.evaluation.descent import PATIENT, descend
from cellfolio.evaluation.homotopy import follow_path
from cellfolio.measurement.compiled import compiled
from cellfolio.profiles.statistics import Array

_VIOLATION = 1e-9
"""Of the conditions of the minimum, as a share of the largest correlation, that is let be."""


def solve(gram: Array, target: Array, penalties: Array, sweeps: int, found: Array) -> None:
    """Fill `found` with the coefficients at each penalty (see `follow_path`).

    By a few sweeps of coordinate descent if they suffice; else by following the path; and where
    that cannot be followed because events coincide, as with features that are sums of others, by as
    many sweeps as it takes.

    Parameters
    ----------
    gram, target, penalties, found
        As for `follow_path`.
    sweeps : int
        A few; with 0 the path is followed at once.
    """
    # Each way is compiled only where it is gone, and once.
    allowed = _VIOLATION * np.abs(target).max(initial=0.0)
    if sweeps > 0:
        found[:] = 0.0
        if descend(gram, target, penalties, sweeps, found) <= allowed:
            return
    if not follow_path(gram, target, penalties, found) <= allowed:
        found[:] = 0.0
        descend(gram, target, penalties, PATIENT, found)


def add_errors(
    known: tuple[Array, Array], penalties: Array, sweeps: int, held: tuple[Array, Array, Array],
    errors: Array,
) -> None:  # fmt: skip
    """Add the mean squared errors of rows that were held out, for each target and penalty.

    Parameters
    ----------
    known : tuple of arrays
        Gram matrix of the features, and products of the targets with them.
    penalties : array of float, shape (penalties,)
        Positive, the largest first.
    sweeps : int
        See `solve`.
    held : tuple of arrays
        The same of the rows held out, less the means of the others, and the mean squares of the
        targets.
    errors : array of float, shape (targets, penalties)
        Added to.
    """
    gram, targets = known
    held_gram, held_targets, squares = held
    found, used = np.empty((len(penalties), len(gram))), np.empty(len(gram), np.int64)
    for target, products in enumerate(targets):
        solve(gram, products, penalties, sweeps, found)
        errors[target] += squares[target]
        _add_error(held_gram, held_targets[target], found, used, errors[target])


@compiled
def _add_error(gram: Array, target: Array, found: Array, used: Any, errors: Array) -> None:
    """Add ``b'Gb - 2 b'q`` for the coefficients at each penalty; `used` has room for features."""
    for at in range(len(found)):
        size, error = 0, 0.0
        for feature in range(len(gram)):
            if found[at, feature] != 0.0:
                used[size] = feature
                size += 1
        for one in range(size):
            row, weight = used[one], found[at, used[one]]
            total = 0.5 * gram[row, row] * weight - target[row]
            for other in range(one):
                total += gram[row, used[other]] * found[at, used[other]]
            error += 2.0 * weight * total
        errors[at] += error


def solve_one(
    known: tuple[Array, Array], penalties: Array, sweeps: int, chosen: Any, found: Array
) -> None:
    """Find the coefficients of each target at one penalty.

    Parameters
    ----------
    known, penalties, sweeps
        As for `add_errors`.
    chosen : array of int, shape (targets,)
        Number of the penalty.
    found : array of float, shape (targets, features)
        Filled.
    """
    gram, targets = known
    for target, last in enumerate(chosen):
        first = 0 if sweeps > 0 else last  # descent is quicker in small steps
        path = np.empty((last + 1 - first, len(gram)))
        solve(gram, targets[target], penalties[first : last + 1], sweeps, path)
        found[target] = path[-1]
