"""Curves: what work of several sizes took, and the power of the size that it grows with.

Rule 1: the constant is what the same work takes with next to nothing, the first point of a curve.
Rule 2: the exponent is that of a·n^b, fitted to CPU seconds less the constant by least squares of
logarithms. Sizes that take less than half of the constant more are left out: they say nothing.
Rule 3: its range is that of fits which leave out one size each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_SMALLEST = 0.005
"""CPU seconds beyond the constant below which a size says nothing."""


@dataclass(frozen=True, slots=True)
class Point:
    """What work of one size took: CPU and wall seconds, and the peak of memory in MB."""

    n: int
    cpu: float
    wall: float
    memory: float


@dataclass(frozen=True, slots=True)
class Growth:
    """How fast something grows.

    Attributes
    ----------
    exponent : float or None
        None where fewer than two sizes rise above the constant.
    least, most : float or None
        Of fits that leave out one size; None where there are fewer than three.
    above : int
        Sizes that rise above the constant.
    """

    exponent: float | None = None
    least: float | None = None
    most: float | None = None
    above: int = 0


@dataclass(frozen=True, slots=True)
class Curve:
    """Work of several sizes.

    Attributes
    ----------
    subject, work, unit : str
        Such as ``entries``, ``open, cold, verified``, ``entries``.
    points : tuple of Point
        By size; the first tells the constant.
    limit : float
        Largest exponent that is fine; more than 1 where the work is so by its nature.
    """

    subject: str
    work: str
    unit: str
    points: tuple[Point, ...]
    limit: float = 1.1

    @property
    def largest(self) -> Point:
        """The point of the largest size."""
        return self.points[-1]

    @property
    def growth(self) -> Growth:
        """The power of the size that CPU seconds grow with."""
        base = self.points[0].cpu
        above = [
            (one.n, one.cpu - base)
            for one in self.points[1:]
            if one.cpu - base > max(base / 2, _SMALLEST)
        ]
        if len(above) < 2:
            return Growth(above=len(above))
        if len(above) < 3:
            return Growth(slope(above), above=len(above))
        without = [slope(above[:at] + above[at + 1 :]) for at in range(len(above))]
        return Growth(slope(above), min(without), max(without), len(above))

    @property
    def met(self) -> bool:
        """Whether it grows no faster than it may."""
        found = self.growth.exponent
        return found is None or found <= self.limit

    @property
    def memory_per_million(self) -> float:
        """MB that a million more take, from the second largest size to the largest."""
        before, last = self.points[-2:]
        return (last.memory - before.memory) / (last.n - before.n) * 1e6


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the exponent b of a·n^b by least squares of logarithms.

    Examples
    --------
    >>> round(slope([(10, 3.0), (100, 30.0), (1000, 300.0)]), 3)
    1.0
    """
    x = [math.log(n) for n, _ in points]
    y = [math.log(value) for _, value in points]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    shared = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
    return shared / sum((a - middle_x) ** 2 for a in x)
