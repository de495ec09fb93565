"""The lasso by coordinate descent on a Gram matrix, compiled.

Only features that are in use, and those whose correlation with the residual is larger than the
penalty, are swept over; their part of the Gram matrix is kept together. Four are changed one after
the other before the correlations follow, which is the same arithmetic with less to load. The
smaller the penalty, the more join; each penalty starts at the minimum of the one before.

How far the last sweep changed anything tells how far the minimum is only where sweeps converge
quickly. So a caller that sets few sweeps gets either a minimum or nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cellfolio.evaluation.homotopy import combine, violation
from cellfolio.measurement.compiled import compiled_allocating, compiled_within
from cellfolio.profiles.statistics import Array

PATIENT = 20_000
"""Sweeps after which a minimum is taken as it is."""
_SETTLED = 1e-10
"""Change of a correlation, as a share of the largest one, that ends the sweeps."""
_ROUGHLY = 0.1
"""The same, as a share of the penalty, while features still join."""


class _Swept(NamedTuple):
    """Features swept over, by place: number, Gram matrix, weight, correlation with the residual.

    `inside` tells of each feature whether it is one of them. There is room to fill up to a multiple
    of four.
    """

    used: Any
    inside: Any
    gram: Array
    weights: Array
    rest: Array


@compiled_allocating
def descend(gram: Array, target: Array, penalties: Array, sweeps: int, found: Array) -> float:
    """Find the minimum at each penalty.

    Parameters
    ----------
    gram, target, penalties, found
        As for `follow_path`.
    sweeps : int
        Over the features in use, at most. If more are needed, the result is worthless, unless they
        are `PATIENT`.

    Returns
    -------
    float
        As of `follow_path`; infinite if worthless.
    """
    room, last = len(gram) + 3, len(penalties) - 1
    swept = _Swept(
        np.zeros(room, np.int64), np.zeros(len(gram), np.bool_), np.empty((room, room)),
        np.zeros(room), np.zeros(room),
    )  # fmt: skip
    rest, size = target.copy(), 0
    allowed = _SETTLED * np.abs(target).max()
    for at in range(len(penalties)):
        wanted = _ROUGHLY * penalties[at]
        while True:
            before, size = size, _take_in(gram, rest, penalties[at] + allowed, swept, size)
            if size == before:
                if wanted == allowed:
                    break
                wanted = allowed
            if not _sweep(swept, size, penalties[at], wanted, sweeps):
                if sweeps < PATIENT:
                    return np.inf
                break
            combine(gram, swept.used, swept.weights, (size, len(gram)), rest)
            for feature in range(len(gram)):
                rest[feature] = target[feature] - rest[feature]
            for one in range(size):
                swept.rest[one] = rest[swept.used[one]]
        for one in range(size):
            found[at, swept.used[one]] = swept.weights[one]
    return float(violation(gram, target, penalties[last], found[last], rest))


@compiled_within
def _take_in(gram: Array, rest: Array, bound: float, swept: _Swept, size: int) -> int:
    """Take in the features whose correlation is above a bound; return how many there are now."""
    for feature in range(len(gram)):
        if swept.inside[feature] or abs(rest[feature]) <= bound or gram[feature, feature] <= 0.0:
            continue
        swept.used[size], swept.inside[feature] = feature, True
        swept.rest[size], swept.weights[size] = rest[feature], 0.0
        for one in range(size + 1):
            swept.gram[size, one] = gram[feature, swept.used[one]]
            swept.gram[one, size] = swept.gram[size, one]
        size += 1
    for extra in range(size, size + -size % 4):
        for one in range(extra):
            swept.gram[extra, one] = swept.gram[one, extra] = 0.0
        swept.gram[extra, extra], swept.rest[extra], swept.weights[extra] = 1.0, 0.0, 0.0
    return size


@compiled_within
def _change(own: float, rest: float, weight: float, penalty: float) -> float:
    """Return how far a weight is from the best one, all others given."""
    aim = rest + own * weight
    if aim > penalty:
        return (aim - penalty) / own - weight
    if aim < -penalty:
        return (aim + penalty) / own - weight
    return -weight


@compiled_within
def _sweep(swept: _Swept, size: int, penalty: float, wanted: float, sweeps: int) -> bool:
    """Sweep until no correlation changes by more than is wanted; return whether it is so."""
    whole = size + -size % 4
    gram, weights, rest = swept.gram, swept.weights[:whole], swept.rest[:whole]
    for _ in range(sweeps):
        largest = 0.0
        for at in range(0, whole, 4):
            g, h, i, j = gram[at], gram[at + 1], gram[at + 2], gram[at + 3]
            a = _change(g[at], rest[at], weights[at], penalty)
            near = rest[at + 1] - a * g[at + 1]
            b = _change(h[at + 1], near, weights[at + 1], penalty)
            near = rest[at + 2] - a * g[at + 2] - b * h[at + 2]
            c = _change(i[at + 2], near, weights[at + 2], penalty)
            near = rest[at + 3] - a * g[at + 3] - b * h[at + 3] - c * i[at + 3]
            d = _change(j[at + 3], near, weights[at + 3], penalty)
            moved = max(abs(a) * g[at], abs(b) * h[at + 1], abs(c) * i[at + 2], abs(d) * j[at + 3])
            if moved == 0.0:
                continue
            largest = max(largest, moved)
            weights[at] += a
            weights[at + 1] += b
            weights[at + 2] += c
            weights[at + 3] += d
            for one in range(whole):
                rest[one] -= (a * g[one] + b * h[one]) + (c * i[one] + d * j[one])
        if largest <= wanted:
            return True
    return False
