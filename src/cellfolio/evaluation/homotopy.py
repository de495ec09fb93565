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

from typing import Any, NamedTuple

import numpy as np

from cellfolio.measurement.compiled import compiled, compiled_within
from cellfolio.profiles.statistics import Array

_FRESH = 50
"""Events after which rounding errors are taken out, so that they do not add up."""
_DRIFT = 1e-10
"""Share of the penalty that they may reach until the inverse is taken anew, which is slow."""
_DEPENDENT = 1e-9
"""Share of a feature's variance that the features in use have to leave unexplained; a feature with
less depends on them and stays outside."""


class _Problem(NamedTuple):
    """What `follow_path` is given."""

    gram: Array
    target: Array
    penalties: Array


class _Path(NamedTuple):
    """Where the path is.

    Of each feature: `state` (1 in use, 2 depends on those in use), `rest`, its correlation with the
    residual, and `slope`, how fast that falls. Of each in use, by its place: its number (`used`),
    and `weights`, `signs` and `direction`. `order` counts.
    """

    used: Any
    state: Any
    order: Any
    rest: Array
    weights: Array
    signs: Array
    slope: Array
    direction: Array


@compiled_within
def combine(matrix: Array, rows: Any, weights: Array, size: int, sums: Array) -> None:
    """Sum weighted rows of a matrix, eight in one go over the sums."""
    width = len(sums)
    sums[:] = 0.0
    whole = size - size % 8
    for one in range(0, whole, 8):
        a, b, c, d = rows[one], rows[one + 1], rows[one + 2], rows[one + 3]
        e, f, g, h = rows[one + 4], rows[one + 5], rows[one + 6], rows[one + 7]
        at_a, at_b, at_c, at_d = weights[one], weights[one + 1], weights[one + 2], weights[one + 3]
        at_e, at_f = weights[one + 4], weights[one + 5]
        at_g, at_h = weights[one + 6], weights[one + 7]
        for at in range(width):
            sums[at] += (
                (at_a * matrix[a, at] + at_b * matrix[b, at])
                + (at_c * matrix[c, at] + at_d * matrix[d, at])
            ) + (
                (at_e * matrix[e, at] + at_f * matrix[f, at])
                + (at_g * matrix[g, at] + at_h * matrix[h, at])
            )
    for one in range(whole, size):
        row, weight = rows[one], weights[one]
        for at in range(width):
            sums[at] += weight * matrix[row, at]


@compiled
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
    problem, path = _Problem(gram, target, penalties), _start(target)
    room, last = min(len(gram), 64), len(penalties) - 1
    inverse = np.empty((room, room))
    size, at, left = 0, 0, (-1, 0.0)  # who left at the last event, with its sign
    level = np.abs(target).max() if len(gram) else 0.0
    while at <= last and penalties[at] >= level:
        at += 1
    for events in range(1, 20 * len(gram) + 1000):
        if at > last:
            return float(violation(gram, target, penalties[last], found[last]))
        combine(inverse, path.order, path.signs, size, path.direction[:size])
        combine(gram, path.used, path.direction, size, path.slope)
        step, event, joins = _next_event(problem, path, size, level, left)
        end = level - step if event >= 0 else 0.0
        while at <= last and penalties[at] >= end:
            _record(problem, path, inverse, size, level - penalties[at], at, found)
            at += 1
        if at > last:
            continue
        level -= step
        path.weights[:size] += step * path.direction[:size]
        path.rest[:] -= step * path.slope
        left = (-1, 0.0)
        if joins:
            inverse, size = _join(gram, event, path, size, inverse)
        else:
            left = (path.used[event], path.signs[event])
            size = _leave(event, path, size, inverse)
        if events % _FRESH == 0:
            drift = _refine(problem, level, path, inverse, path.weights[:size])
            if drift > _DRIFT * level:
                _invert(gram, path.used, size, inverse)
                _refine(problem, level, path, inverse, path.weights[:size])
            combine(gram, path.used, path.weights, size, path.rest)
            path.rest[:] = target - path.rest
    return np.inf


@compiled_within
def _start(target: Array) -> _Path:
    count = len(target)
    return _Path(
        np.empty(count, np.int64), np.zeros(count, np.int8), np.arange(count), target.copy(),
        np.empty(count), np.empty(count), np.empty(count), np.empty(count),
    )  # fmt: skip


@compiled_within
def _next_event(
    problem: _Problem, path: _Path, size: int, level: float, left: tuple[int, float]
) -> tuple[float, int, bool]:
    """Return how far it is to what comes first, who it is, and whether it joins or leaves.

    If nothing happens before the last penalty, nobody (-1) is told.
    """
    gram, rest, slope = problem.gram, path.rest, path.slope
    step, event, joins = level - problem.penalties[len(problem.penalties) - 1], -1, True
    for feature in range(len(gram)):
        if abs(rest[feature] - step * slope[feature]) <= level - step:
            continue  # still below the penalty where the first event so far is
        if path.state[feature] != 0 or gram[feature, feature] <= 0.0:
            continue
        sign = 1.0 if rest[feature] > step * slope[feature] else -1.0
        if feature == left[0] and sign == left[1]:
            continue
        step = max((level - sign * rest[feature]) / (1.0 - sign * slope[feature]), 0.0)
        event = feature
    for one in range(size):
        direction, weight = path.direction[one], path.weights[one]
        if direction * path.signs[one] < 0.0 and -weight / direction < step:
            step, event, joins = max(-weight / direction, 0.0), one, False
    return step, event, joins


@compiled_within
def _record(
    problem: _Problem, path: _Path, inverse: Array, size: int, part: float, at: int, found: Array
) -> None:
    """Fill in the coefficients at a penalty, some way down from the last event."""
    reached = path.weights[:size] + part * path.direction[:size]
    _refine(problem, problem.penalties[at], path, inverse, reached)
    for one in range(size):
        found[at, path.used[one]] = reached[one]


@compiled_within
def _join(gram: Array, feature: int, path: _Path, size: int, inverse: Array) -> tuple[Array, int]:
    """Take a feature into use, unless it depends on those that are."""
    if size == len(inverse):
        larger = np.empty((min(2 * size, len(gram)), min(2 * size, len(gram))))
        larger[:size, :size] = inverse
        inverse = larger
    mixed, shared = np.empty(size), np.empty(size)
    for one in range(size):
        shared[one] = gram[feature, path.used[one]]
    combine(inverse, path.order, shared, size, mixed)
    own = gram[feature, feature]
    unexplained = own
    for one in range(size):
        unexplained -= mixed[one] * shared[one]
    if unexplained <= _DEPENDENT * own:
        path.state[feature] = 2
        return inverse, size
    gain = 1.0 / unexplained
    for one in range(size):
        factor = gain * mixed[one]
        for other in range(size):
            inverse[one, other] += factor * mixed[other]
        inverse[one, size] = -gain * mixed[one]
        inverse[size, one] = -gain * mixed[one]
    inverse[size, size] = gain
    path.used[size], path.state[feature], path.weights[size] = feature, 1, 0.0
    path.signs[size] = 1.0 if path.rest[feature] > 0 else -1.0
    return inverse, size + 1


@compiled_within
def _leave(place: int, path: _Path, size: int, inverse: Array) -> int:
    """Take a feature out of use; the last one moves to its place."""
    pivot, last = inverse[place, place], size - 1
    column = inverse[:size, place].copy()
    for one in range(size):
        factor = column[one] / pivot
        for other in range(size):
            inverse[one, other] -= factor * column[other]
    for one in range(size):
        inverse[place, one] = inverse[last, one]
    for one in range(size):
        inverse[one, place] = inverse[one, last]
    inverse[place, place] = inverse[last, last]
    path.state[path.used[place]] = 0
    for own in (path.weights, path.signs):
        own[place] = own[last]
    path.used[place] = path.used[last]
    for feature in range(len(path.state)):  # what depended on it may not any more
        if path.state[feature] == 2:
            path.state[feature] = 0
    return last


@compiled_within
def _refine(problem: _Problem, penalty: float, path: _Path, inverse: Array, weights: Any) -> float:
    """Take rounding errors out of the coefficients: one step of iterative refinement.

    Returns how far off the correlations were.
    """
    size, worst = len(weights), 0.0
    off = np.empty(size)
    for one in range(size):
        row = problem.gram[path.used[one]]
        off[one] = problem.target[path.used[one]] - penalty * path.signs[one]
        for other in range(size):
            off[one] -= row[path.used[other]] * weights[other]
        worst = max(worst, abs(off[one]))
    change = np.empty(size)
    combine(inverse, path.order, off, size, change)
    weights += change
    return worst


@compiled_within
def _invert(gram: Array, used: Any, size: int, inverse: Array) -> None:
    """Invert the block of the features in use anew."""
    block = np.empty((size, size))
    for one in range(size):
        for other in range(size):
            block[one, other] = gram[used[one], used[other]]
    inverse[:size, :size] = np.linalg.inv(block)


@compiled_within
def violation(gram: Array, target: Array, penalty: float, weights: Array) -> float:
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
