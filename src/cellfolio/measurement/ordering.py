"""An order of equal values that is the same on every machine.

CellProfiler takes the place of the greatest value of an object from an argsort that is not stable,
so that of equal values the one that this sort leaves last is taken. It is the sort that NumPy had
before processors sorted by vector instructions: quicksort with the median of three (Singleton 1969,
Sedgewick 1978), which hands short runs to insertion sort.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from cellfolio.measurement.compiled import compiled, compiled_within
from cellfolio.measurement.objects import Floats, Ints, Labels

Places = npt.NDArray[np.int32]
F = TypeVar("F", bound=np.floating[Any])

_SHORT = 15


def last_greatest(values: Floats, labels: Labels, greatest: Floats) -> Ints:
    """Return the place of the greatest value of each object, of equal ones as CellProfiler does.

    Parameters
    ----------
    values : array of float64, shape (pixels,)
        Of a whole plane.
    labels : array of int32, shape (pixels,)
        From 1, without gaps; 0 is background.
    greatest : array of float64, shape (objects,)
        The greatest value of each object.

    Examples
    --------
    >>> values, labels = np.array([0.0, 3, 2, 3]), np.array([0, 1, 2, 1], dtype=np.int32)
    >>> last_greatest(values, labels, np.array([3.0, 2.0])).tolist()
    [3, 2]
    """
    order = np.arange(len(values), dtype=np.int32)
    ranks, places = np.full(len(greatest), -1), np.zeros(len(greatest), dtype=np.int64)
    waiting, limits = np.zeros((128, 2), dtype=np.int64), np.zeros((128, 2))
    waiting[0], limits[0] = (0, len(values) - 1), (-np.inf, np.inf)
    stack = (waiting, limits)
    _sort(values, order, labels, (greatest, np.unique(greatest)), stack, (ranks, places))
    return places


@compiled
def _sort(
    values: Floats,
    order: Places,
    labels: Labels,
    wanted: tuple[Floats, Floats],
    stack: tuple[Ints, Floats],
    last: tuple[Ints, Ints],
) -> None:
    """Sort indices, but only those parts that can hold a wanted value; note the last ones."""
    greatest, ordered = wanted
    waiting, limits = stack
    held = np.int64(1)
    while held > 0:
        held -= 1
        low, high = waiting[held, 0], waiting[held, 1]
        least, most = limits[held, 0], limits[held, 1]
        while high - low > _SHORT and _any_between(ordered, least, most):
            at = _split(values, order, low, high)
            pivot = values[order[at]]
            _note(order, at, values, labels, greatest, last)
            # The longer side waits, so that few ever do.
            if at - low < high - at:
                waiting[held, 0], waiting[held, 1] = at + 1, high
                limits[held, 0], limits[held, 1] = pivot, most
                high, most = at - 1, pivot
            else:
                waiting[held, 0], waiting[held, 1] = low, at - 1
                limits[held, 0], limits[held, 1] = least, pivot
                low, least = at + 1, pivot
            held += 1
        if high - low <= _SHORT:
            _insert(values, order, low, high)
            for at in range(low, high + 1):
                _note(order, at, values, labels, greatest, last)


@compiled_within
def _note(
    order: Places,
    at: int,
    values: Floats,
    labels: Labels,
    greatest: Floats,
    last: tuple[Ints, Ints],
) -> None:
    """Note that an index is where it stays, if it is of a greatest value and the last by now."""
    ranks, found = last
    place = order[at]
    number = labels[place] - 1
    if number >= 0 and values[place] == greatest[number] and at > ranks[number]:
        ranks[number], found[number] = at, place


@compiled_within
def _split(values: Floats, order: Places, low: int, high: int) -> int:
    """Put smaller values before a pivot and greater ones behind it; return where it is."""
    middle = low + ((high - low) >> 1)
    for one, other in ((low, middle), (middle, high), (low, middle)):
        if values[order[other]] < values[order[one]]:
            order[one], order[other] = order[other], order[one]
    pivot = values[order[middle]]
    left, right = low, high - 1
    order[middle], order[right] = order[right], order[middle]
    while True:
        left += 1
        while values[order[left]] < pivot:
            left += 1
        right -= 1
        while pivot < values[order[right]]:
            right -= 1
        if left >= right:
            break
        order[left], order[right] = order[right], order[left]
    order[left], order[high - 1] = order[high - 1], order[left]
    return left


@compiled_within
def _insert(values: Floats, order: Places, low: int, high: int) -> None:
    for at in range(low + 1, high + 1):
        index = order[at]
        value = values[index]
        place = at
        while place > low and value < values[order[place - 1]]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = index


@compiled_within
def _any_between(ordered: Floats, least: float, most: float) -> bool:
    low, high = np.int64(0), np.int64(len(ordered))
    while low < high:
        middle = (low + high) >> 1
        if ordered[middle] < least:
            low = middle + 1
        else:
            high = middle
    return bool(low < len(ordered) and ordered[low] <= most)


def sort_each(values: npt.NDArray[F], bounds: Ints) -> npt.NDArray[F]:
    """Return values, sorted between each bound and the next.

    Examples
    --------
    >>> sort_each(np.array([3.0, 1.0, 2.0, 0.0]), np.array([0, 2, 4])).tolist()
    [1.0, 3.0, 0.0, 2.0]
    """
    found = values.copy()
    for start, end in pairwise(bounds.tolist()):
        found[start:end].sort()
    return found
