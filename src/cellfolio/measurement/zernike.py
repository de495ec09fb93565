"""Zernike moments: how the pixels of an object are spread over the least circle around it."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from cellfolio.measurement.compiled import compiled, compiled_within
from cellfolio.measurement.objects import Floats, Ints, Objects, Runs

_DEGREE = 9
"""Of the highest Zernike polynomials."""
ZERNIKES = tuple((n, m) for n in range(_DEGREE + 1) for m in range(n % 2, n + 1, 2))
"""Degree and order of each Zernike polynomial."""


def measure_zernikes(objects: Objects, centers: Floats, radii: Floats) -> dict[str, Floats]:
    """Measure |Σ V*| / (π r²) over the pixels of objects that are not outside of their circles.

    Parameters
    ----------
    objects : Objects
    centers : array of float64, shape (objects, 2)
        Row and column of the middle of the least circle around each.
    radii : array of float64, shape (objects,)
        The r of each.

    Returns
    -------
    dict of str to array of float64, shape (objects,)
        ``Zernike_<n>_<m>``: of the polynomial V of degree n and order m; missing for a pixel.

    Notes
    -----
    V is a sum of powers of y and x, so the sums of yᵃxᵇ over the pixels are all that is needed;
    along a row they are differences of sums from the left.

    Examples
    --------
    >>> objects = Objects.of(np.ones((1, 2), dtype=int))
    >>> found = measure_zernikes(objects, np.array([[0, 0.5]]), np.array([0.5]))
    >>> round(float(found["Zernike_0_0"][0] * np.pi * 0.5**2), 6)
    2.0
    """
    powers = _DEGREE + 1
    width = int((objects.boxes[:, 3] - objects.boxes[:, 1]).max(initial=0))
    sums = np.zeros((len(objects), powers, powers))
    before = np.zeros((width + 1, powers))
    _power_sums(objects.runs, objects.boxes, (centers, radii), before, sums)
    with np.errstate(invalid="ignore"):
        found = np.abs(np.einsum("zab,oab->zo", _coefficients(), sums)) / (np.pi * radii**2)
    return {f"Zernike_{n}_{m}": found[row] for row, (n, m) in enumerate(ZERNIKES)}


@cache
def _coefficients() -> npt.NDArray[np.complex128]:
    """Return the factors of yᵃxᵇ in each polynomial; shape (polynomials, powers, powers).

    A polynomial is the sum of (y² + x²)ᵖ (y + ix)ᵐ with p to (n − m) / 2.
    """
    found = np.zeros((len(ZERNIKES), _DEGREE + 1, _DEGREE + 1), dtype=np.complex128)
    for row, (n, m) in enumerate(ZERNIKES):
        for p in range((n - m) // 2 + 1):
            k = (n - m) // 2 - p
            factor = (-1) ** k * math.comb(n - k, k) * math.comb(n - 2 * k, p)
            for s in range(p + 1):
                for t in range(m + 1):
                    ways = math.comb(p, s) * math.comb(m, t)
                    found[row, 2 * (p - s) + m - t, 2 * s + t] += factor * ways * 1j**t
    return found


@compiled
def _power_sums(
    runs: Runs,
    boxes: Ints,
    circles: tuple[Floats, Floats],
    before: Floats,
    found: Floats,
) -> None:
    """Sum up yᵃxᵇ over the pixels of each object, in radii from the middle.

    `before` has room for the sums of xᵇ left of each column.
    """
    rows, columns, lengths, bounds = runs
    centers, radii = circles
    powers = before.shape[1]
    for number in range(len(radii)):
        radius = radii[number]
        left, width = boxes[number, 1], boxes[number, 3] - boxes[number, 1]
        for at in range(width):
            x = (left + at - centers[number, 1]) / radius
            power = 1.0
            for b in range(powers):
                before[at + 1, b] = before[at, b] + power
                power *= x
        for run in range(bounds[number], bounds[number + 1]):
            y = (rows[run] - centers[number, 0]) / radius
            start, end = columns[run] - left, columns[run] - left + lengths[run]
            # Only the ends of a row can be outside, by rounding.
            while start < end and _outside(y, (left + start - centers[number, 1]) / radius):
                start += 1
            while start < end and _outside(y, (left + end - 1 - centers[number, 1]) / radius):
                end -= 1
            for b in range(powers):
                value = before[end, b] - before[start, b]
                for a in range(powers - b):
                    found[number, a, b] += value
                    value *= y


@compiled_within
def _outside(y: float, x: float) -> bool:
    return x * x + y * y > 1
