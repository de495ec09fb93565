"""The exact path of the lasso from a Gram matrix, compiled.

Between two events the coefficients are straight lines in the penalty [1]_: with A the features in
use, s the signs of their correlations with the residual and G the Gram matrix,

    b_A(penalty) = G_AA^-1 (q_A - penalty s_A),

until a feature outside has a correlation as large as the penalty (it joins) or a coefficient
becomes zero (it leaves). Following the events is exact; nothing has to converge.

References
----------
.. [1] Osborne, Presnell, Turlach 2000, A new approach to variable selection in least squares
   problems, https://doi.org/10.1093/imanum/20.3.389
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from cellfolio.profiles.statistics import Array

_FRESH = 50
"""Events after which rounding errors are taken out, so that they do not add up."""
_DEPENDENT = 1e-9
"""Share of a feature's variance that the features in use have to leave unexplained; a feature with
less depends on them and stays outside."""
_VIOLATION = 1e-9
"""Of the conditions of the minimum, as a share of the largest correlation, that is let be."""
_SWEEPS = 20_000
"""Of coordinate descent at one penalty, at most."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _combine(matrix: Array, rows: Any, weights: Array, size: int, sums: Array) -> None:
    """Sum weighted rows of a matrix, four in one go over the sums."""
    width = len(sums)
    sums[:] = 0.0
    whole = size - size % 4
    for one in range(0, whole, 4):
        a, b, c, d = rows[one], rows[one + 1], rows[one + 2], rows[one + 3]
        at_a, at_b, at_c, at_d = weights[one], weights[one + 1], weights[one + 2], weights[one + 3]
        for at in range(width):
            sums[at] += (at_a * matrix[a, at] + at_b * matrix[b, at]) + (
                at_c * matrix[c, at] + at_d * matrix[d, at]
            )
    for one in range(whole, size):
        row, weight = rows[one], weights[one]
        for at in range(width):
            sums[at] += weight * matrix[row, at]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def follow_path(gram: Array, target: Array, penalties: Array, found: Array) -> float:
    """Follow the path down to the last penalty.

    Minimizes ``b'Gb / 2 - b'q + penalty |b|`` for each penalty.

    Parameters
    ----------
    gram : array of float, shape (features, features)
        Positive semi-definite. A feature whose diagonal is 0 is never used.
    target : array of float, shape (features,)
        q, products of the features with the target.
    penalties : array of float, shape (penalties,)
        Positive, the largest first.
    found : array of float, shape (penalties, features)
        Zeros; filled with the coefficients.

    Returns
    -------
    float
        By how much the optimality conditions are violated at the last penalty.
    """
    count = len(gram)
    room = min(count, 64)
    used = np.empty(count, np.int64)
    inverse = np.empty((room, room))
    state = np.zeros(count, np.int8)  # 1: in use, 2: depends on those in use
    rest = target.copy()  # correlations with the residual
    weights = np.empty(count)
    signs = np.empty(count)
    size, events, at = 0, 0, 0
    left, left_sign = -1, 0.0  # who left at the last event
    level = np.abs(target).max() if count else 0.0
    while at < len(penalties) and penalties[at] >= level:
        at += 1
    limit = 20 * count + 1000
    slope = np.empty(count)
    order = np.arange(count)
    direction = np.empty(count)
    while at < len(penalties):
        _combine(inverse, order, signs, size, direction[:size])
        _combine(gram, used, direction, size, slope)
        # What comes first: a feature joins, one leaves, or the last penalty is reached.
        step, event = level - penalties[len(penalties) - 1], -1
        for feature in range(count):
            if abs(rest[feature] - step * slope[feature]) <= level - step:
                continue  # still below the penalty where the first event so far is
            if state[feature] != 0 or gram[feature, feature] <= 0.0:
                continue
            sign = 1.0 if rest[feature] > step * slope[feature] else -1.0
            if feature == left and sign == left_sign:
                continue
            step = max((level - sign * rest[feature]) / (1.0 - sign * slope[feature]), 0.0)
            event = feature
        joins = True
        for one in range(size):
            if direction[one] * signs[one] < 0.0 and -weights[one] / direction[one] < step:
                step, event, joins = max(-weights[one] / direction[one], 0.0), one, False
        while at < len(penalties) and (event < 0 or penalties[at] >= level - step):
            part = level - penalties[at]
            reached = weights[:size] + part * direction[:size]
            _refine(gram, target, penalties[at], used, signs, inverse, reached)
            for one in range(size):
                found[at, used[one]] = reached[one]
            at += 1
        if at == len(penalties):
            break
        events += 1
        if events > limit:
            return np.inf
        level -= step
        for one in range(size):
            weights[one] += step * direction[one]
        for feature in range(count):
            rest[feature] -= step * slope[feature]
        left = -1
        if joins:
            inverse, size = _join(gram, event, used, size, inverse, state)
            if state[event] == 1:
                weights[size - 1] = 0.0
                signs[size - 1] = 1.0 if rest[event] > 0 else -1.0
        else:
            left, left_sign = used[event], signs[event]
            last = size - 1
            _leave(event, size, inverse)
            state[left] = 0
            used[event], weights[event], signs[event] = used[last], weights[last], signs[last]
            size = last
            for feature in range(count):  # what depended on it may not any more
                if state[feature] == 2:
                    state[feature] = 0
        if events % _FRESH == 0:
            _invert(gram, used, size, inverse)
            _refine(gram, target, level, used, signs, inverse, weights[:size])
            _combine(gram, used, weights, size, rest)
            rest[:] = target - rest
    return float(_violation(gram, target, penalties[len(penalties) - 1], found[len(penalties) - 1]))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _join(
    gram: Array, feature: int, used: Any, size: int, inverse: Array, state: Any
) -> tuple[Array, int]:
    """Take a feature into use, unless it depends on those that are."""
    if size == len(inverse):
        larger = np.empty((min(2 * size, len(gram)), min(2 * size, len(gram))))
        larger[:size, :size] = inverse
        inverse = larger
    mixed, shared = np.empty(size), np.empty(size)
    for one in range(size):
        shared[one] = gram[feature, used[one]]
    _combine(inverse, np.arange(size), shared, size, mixed)
    own = gram[feature, feature]
    unexplained = own
    for one in range(size):
        unexplained -= mixed[one] * shared[one]
    if unexplained <= _DEPENDENT * own:
        state[feature] = 2
        return inverse, size
    gain = 1.0 / unexplained
    for one in range(size):
        factor = gain * mixed[one]
        for other in range(size):
            inverse[one, other] += factor * mixed[other]
        inverse[one, size] = -gain * mixed[one]
        inverse[size, one] = -gain * mixed[one]
    inverse[size, size] = gain
    used[size] = feature
    state[feature] = 1
    return inverse, size + 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _leave(place: int, size: int, inverse: Array) -> None:
    """Take a row and a column out of what was inverted; the last one moves there."""
    pivot = inverse[place, place]
    column = inverse[:size, place].copy()
    for one in range(size):
        factor = column[one] / pivot
        for other in range(size):
            inverse[one, other] -= factor * column[other]
    last = size - 1
    for one in range(size):
        inverse[place, one] = inverse[last, one]
    for one in range(size):
        inverse[one, place] = inverse[one, last]
    inverse[place, place] = inverse[last, last]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _refine(
    gram: Array,
    target: Array,
    penalty: float,
    used: Any,
    signs: Array,
    inverse: Array,
    weights: Any,
) -> None:
    """Take rounding errors out of the coefficients: one step of iterative refinement."""
    size = len(weights)
    off = np.empty(size)
    for one in range(size):
        row = gram[used[one]]
        off[one] = target[used[one]] - penalty * signs[one]
        for other in range(size):
            off[one] -= row[used[other]] * weights[other]
    change = np.empty(size)
    _combine(inverse, np.arange(size), off, size, change)
    weights += change


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _invert(gram: Array, used: Any, size: int, inverse: Array) -> None:
    """Invert the block of the features in use anew."""
    block = np.empty((size, size))
    for one in range(size):
        for other in range(size):
            block[one, other] = gram[used[one], used[other]]
    inverse[:size, :size] = np.linalg.inv(block)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _violation(gram: Array, target: Array, penalty: float, weights: Array) -> float:
    """Return the largest violation of the conditions of the minimum."""
    rest = target.copy()
    for feature in range(len(gram)):
        if weights[feature] != 0.0:
            for other in range(len(gram)):
                rest[other] -= weights[feature] * gram[feature, other]
    worst = 0.0
    for feature in range(len(gram)):
        if weights[feature] != 0.0:
            off = abs(rest[feature] - penalty * np.sign(weights[feature]))
        else:
            off = abs(rest[feature]) - penalty
        worst = max(worst, off)
    return worst


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def descend(gram: Array, target: Array, penalties: Array, found: Array) -> float:
    """Find the same minimum by coordinate descent, where the path cannot be followed.

    That is where several events coincide, as with features that are sums of others.

    Parameters
    ----------
    gram, target, penalties, found
        As for `follow_path`; `found` is overwritten.

    Returns
    -------
    float
        As of `follow_path`.
    """
    weights = np.zeros(len(gram))
    rest = target.copy()
    allowed = 1e-11 * np.abs(target).max()
    for at in range(len(penalties)):
        for _ in range(_SWEEPS):
            largest = 0.0
            for feature in range(len(gram)):
                own = gram[feature, feature]
                if own <= 0.0:
                    continue
                aim = rest[feature] + own * weights[feature]
                change = np.sign(aim) * max(abs(aim) - penalties[at], 0.0) / own - weights[feature]
                if change != 0.0:
                    weights[feature] += change
                    for other in range(len(gram)):
                        rest[other] -= change * gram[feature, other]
                    largest = max(largest, abs(change) * own)
            if largest <= allowed:
                break
        found[at] = weights
    last = len(penalties) - 1
    return float(_violation(gram, target, penalties[last], found[last]))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def solve(gram: Array, target: Array, penalties: Array, found: Array) -> None:
    """Fill `found` with the coefficients at each penalty (see `follow_path`)."""
    found[:] = 0.0
    allowed = _VIOLATION * np.abs(target).max()
    if not follow_path(gram, target, penalties, found) <= allowed:
        descend(gram, target, penalties, found)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_errors(
    gram: Array, targets: Array, penalties: Array, held: tuple[Array, Array, Array], errors: Array
) -> None:
    """Add the mean squared errors of rows that were held out, for each target and penalty.

    Parameters
    ----------
    gram : array of float, shape (features, features)
    targets : array of float, shape (targets, features)
    penalties : array of float, shape (penalties,)
    held : tuple of arrays
        The same of the rows held out, less the means of the others: Gram matrix, products with the
        targets, mean squares of the targets.
    errors : array of float, shape (targets, penalties)
        Added to.
    """
    found = np.empty((len(penalties), len(gram)))
    held_gram, held_targets, squares = held
    used = np.empty(len(gram), np.int64)
    for target in range(len(targets)):
        solve(gram, targets[target], penalties, found)
        for at in range(len(penalties)):
            size, error = 0, squares[target]
            for feature in range(len(gram)):
                if found[at, feature] != 0.0:
                    used[size] = feature
                    size += 1
                    error -= 2.0 * found[at, feature] * held_targets[target, feature]
            for one in range(size):
                row, total = held_gram[used[one]], 0.0
                for other in range(size):
                    total += row[used[other]] * found[at, used[other]]
                error += found[at, used[one]] * total
            errors[target, at] += error


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def solve_last(gram: Array, targets: Array, penalties: Array, last: Any, found: Array) -> None:
    """Find the coefficients of each target at one penalty: the path ends there.

    Parameters
    ----------
    gram, targets, penalties
        As for `add_errors`.
    last : array of int, shape (targets,)
        Number of the penalty.
    found : array of float, shape (targets, features)
        Filled.
    """
    path = np.empty((1, len(gram)))
    for target in range(len(targets)):
        solve(gram, targets[target], penalties[last[target] : last[target] + 1], path)
        found[target] = path[0]
