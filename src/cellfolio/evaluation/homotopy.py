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

_ROOM = 128
"""Features in use that there is room for at first."""
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
    """Where the path is, and room to go on.

    Of each feature: `state` (1 in use, 2 depends on those in use), `rest`, its correlation with the
    residual, and `slope`, how fast that falls. Of each in use, by its place: its number (`used`),
    `weights`, `signs` and `direction`; `gram` and `inverse` are their part of the Gram matrix and
    its inverse. `order` counts; what is in `reached`, `off` and `change` does not stay.
    """

    used: Any
    state: Any
    order: Any
    rest: Array
    slope: Array
    weights: Array
    signs: Array
    direction: Array
    reached: Array
    off: Array
    change: Array
    gram: Array
    inverse: Array

    @classmethod
    def start(cls, target: Array, side: int) -> _Path:
        """Return a path before the first event, with room for some features in use."""
        count = len(target)
        vectors = np.empty((7, count))
        listed = np.empty(count, np.int64), np.zeros(count, np.int8), np.arange(count)
        matrices = np.empty((side, side)), np.empty((side, side))
        return cls._make((*listed, target.copy(), *vectors, *matrices))


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
        Filled with the coefficients.

    Returns
    -------
    float
        By how much the optimality conditions are violated at the last penalty.
    """
    problem, side = _Problem(gram, target, penalties), min(len(gram), _ROOM)
    while True:
        found[:] = 0.0
        off = _follow(problem, _Path.start(target, side), found)
        if off >= 0.0:
            return off
        side = min(2 * side, len(gram))


@compiled_within
def combine(matrix: Array, rows: Any, weights: Array, shape: tuple[int, int], sums: Array) -> None:
    """Sum weighted rows of a matrix, eight in one go over the sums; of so many rows and columns."""
    size, width = shape
    whole = size - size % 8
    for at in range(width):
        sums[at] = 0.0
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
def _follow(problem: _Problem, path: _Path, found: Array) -> float:
    """Do what `follow_path` says; return -1 if there is too little room."""
    gram, target, penalties = problem
    last, size, at, level = len(penalties) - 1, 0, 0, 0.0
    left, sign_left = -1, 0.0  # who left at the last event
    for feature in range(len(gram)):
        level = max(level, abs(target[feature]))
    while at <= last and penalties[at] >= level:
        at += 1
    for events in range(1, 20 * len(gram) + 1000):
        if at > last:
            return violation(gram, target, penalties[last], found[last], path.rest)
        combine(path.inverse, path.order, path.signs, (size, size), path.direction)
        combine(gram, path.used, path.direction, (size, len(gram)), path.slope)
        step, event, joins = _next_event(problem, path, size, level, (left, sign_left))
        end = level - step if event >= 0 else 0.0
        while at <= last and penalties[at] >= end:
            _record(problem, path, size, level - penalties[at], at, found)
            at += 1
        if at > last:
            continue
        level -= step
        _move(path, size, step)
        left = -1
        if not joins:
            left, sign_left = path.used[event], path.signs[event]
            size = _leave(event, path, size)
        elif size == len(path.gram):
            return -1.0
        else:
            size = _join(gram, event, path, size)
        if events % _FRESH == 0:
            _refresh(problem, path, size, level)
    return np.inf


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
def _move(path: _Path, size: int, step: float) -> None:
    for one in range(size):
        path.weights[one] += step * path.direction[one]
    for feature in range(len(path.rest)):
        path.rest[feature] -= step * path.slope[feature]


@compiled_within
def _record(problem: _Problem, path: _Path, size: int, part: float, at: int, found: Array) -> None:
    """Fill in the coefficients at a penalty, some way down from the last event."""
    for one in range(size):
        path.reached[one] = path.weights[one] + part * path.direction[one]
    _refine(problem, problem.penalties[at], path, size, path.reached)
    for one in range(size):
        found[at, path.used[one]] = path.reached[one]


@compiled_within
def _join(gram: Array, feature: int, path: _Path, size: int) -> int:
    """Take a feature into use, unless it depends on those that are; there is room for it."""
    shared, mixed, inverse = path.off, path.change, path.inverse
    for one in range(size):
        shared[one] = gram[feature, path.used[one]]
    combine(inverse, path.order, shared, (size, size), mixed)
    own = gram[feature, feature]
    unexplained = own
    for one in range(size):
        unexplained -= mixed[one] * shared[one]
    if unexplained <= _DEPENDENT * own:
        path.state[feature] = 2
        return size
    gain = 1.0 / unexplained
    for one in range(size):
        factor = gain * mixed[one]
        for other in range(size):
            inverse[one, other] += factor * mixed[other]
        inverse[one, size] = inverse[size, one] = -factor
        path.gram[one, size] = path.gram[size, one] = shared[one]
    inverse[size, size], path.gram[size, size] = gain, own
    path.used[size], path.state[feature], path.weights[size] = feature, 1, 0.0
    path.signs[size] = 1.0 if path.rest[feature] > 0 else -1.0
    return size + 1


@compiled_within
def _leave(place: int, path: _Path, size: int) -> int:
    """Take a feature out of use; the last one moves to its place."""
    pivot, last, column, inverse = path.inverse[place, place], size - 1, path.off, path.inverse
    for one in range(size):
        column[one] = inverse[one, place]
    for one in range(size):
        factor = column[one] / pivot
        for other in range(size):
            inverse[one, other] -= factor * column[other]
    for matrix in (inverse, path.gram):
        for one in range(size):
            matrix[place, one] = matrix[last, one]
        for one in range(size):
            matrix[one, place] = matrix[one, last]
    path.state[path.used[place]] = 0
    path.weights[place], path.signs[place] = path.weights[last], path.signs[last]
    path.used[place] = path.used[last]
    for feature in range(len(path.state)):  # what depended on it may not any more
        if path.state[feature] == 2:
            path.state[feature] = 0
    return last


@compiled_within
def _refresh(problem: _Problem, path: _Path, size: int, level: float) -> None:
    """Take rounding errors out of where the path is."""
    if _refine(problem, level, path, size, path.weights) > _DRIFT * level:
        _invert(path, size)
        _refine(problem, level, path, size, path.weights)
    combine(problem.gram, path.used, path.weights, (size, len(path.rest)), path.rest)
    for feature in range(len(path.rest)):
        path.rest[feature] = problem.target[feature] - path.rest[feature]


@compiled_within
def _refine(problem: _Problem, penalty: float, path: _Path, size: int, weights: Array) -> float:
    """Take rounding errors out of the coefficients: one step of iterative refinement.

    Returns how far off the correlations were.
    """
    worst = 0.0
    combine(path.gram, path.order, weights, (size, size), path.change)
    for one in range(size):
        wanted = problem.target[path.used[one]] - penalty * path.signs[one]
        path.off[one] = wanted - path.change[one]
        worst = max(worst, abs(path.off[one]))
    combine(path.inverse, path.order, path.off, (size, size), path.change)
    for one in range(size):
        weights[one] += path.change[one]
    return worst


@compiled_within
def _invert(path: _Path, size: int) -> None:
    """Invert the part of the Gram matrix anew, by elimination."""
    inverse = path.inverse
    for one in range(size):
        for other in range(size):
            inverse[one, other] = path.gram[one, other]
    for pivot in range(size):
        scale = 1.0 / inverse[pivot, pivot]
        inverse[pivot, pivot] = 1.0
        for other in range(size):
            inverse[pivot, other] *= scale
        for one in range(size):
            if one != pivot:
                factor = inverse[one, pivot]
                inverse[one, pivot] = 0.0
                for other in range(size):
                    inverse[one, other] -= factor * inverse[pivot, other]


@compiled_within
def violation(gram: Array, target: Array, penalty: float, weights: Array, rest: Array) -> float:
    """Return the largest violation of the conditions of the minimum; `rest` is room for it."""
    for feature in range(len(gram)):
        rest[feature] = target[feature]
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
