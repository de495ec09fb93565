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

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Ints

F = TypeVar("F", bound=np.floating[Any])

_SHORT = 15


@compiled
def order_of(values: Floats) -> Ints:
    """Return the indices that sort values, with the order of equal ones as CellProfiler has it.

    Examples
    --------
    >>> order_of(np.array([3.0, 1.0, 2.0])).tolist()
    [1, 2, 0]
    """
    order = np.arange(len(values))
    waiting = np.empty((128, 2), dtype=np.int64)
    held = 0
    low, high = 0, len(values) - 1
    while True:
        while high - low > _SHORT:
            at = _split(values, order, low, high)
            # The longer side waits, so that few ever do.
            if at - low < high - at:
                waiting[held, 0], waiting[held, 1] = at + 1, high
                high = at - 1
            else:
                waiting[held, 0], waiting[held, 1] = low, at - 1
                low = at + 1
            held += 1
        _insert(values, order, low, high)
        if held == 0:
            return order
        held -= 1
        low, high = waiting[held, 0], waiting[held, 1]


@compiled
def _split(values: Floats, order: Ints, low: int, high: int) -> int:
    """Put smaller values before a pivot and greater ones behind it; return where it is."""
    middle = low + ((high - low) >> 1)
    _in_order(values, order, low, middle)
    _in_order(values, order, middle, high)
    _in_order(values, order, low, middle)
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


@compiled
def _in_order(values: Floats, order: Ints, one: int, other: int) -> None:
    if values[order[other]] < values[order[one]]:
        order[one], order[other] = order[other], order[one]


@compiled
def _insert(values: Floats, order: Ints, low: int, high: int) -> None:
    for at in range(low + 1, high + 1):
        index = order[at]
        value = values[index]
        place = at
        while place > low and value < values[order[place - 1]]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = index


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
