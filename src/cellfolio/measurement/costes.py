"""Costes: Manders' coefficients above thresholds that are found from the image.

The definitions are those of CellProfiler's module MeasureColocalization (version 4.2), after Costes
et al. 2004, https://doi.org/10.1529/biophysj.103.038422: along the line that fits both channels,
thresholds are lowered until the pixels below them no longer correlate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Ints, Objects, Plane
from cellfolio.package.nearest import suggest

METHODS = ("faster", "fast", "accurate")
_STEPS = ((0.45, 10), (0.35, 5), (0.25, 2))
"""Fast: so many candidates down while the correlation is above."""
_CLOSE = 10
"""From this candidate down, fast tries each."""
_FEWEST = 3
"""Pixels that have a correlation."""
_FLOATS = 255
"""Steps where no image is of whole numbers."""
_MOST = 65535
"""Steps of thresholds; single precision does not tell many more apart."""
_UNSURE = 1e-6
"""Where less of a sum of squares is left than this, it is computed again from the pixels."""


@dataclass(frozen=True, slots=True)
class CostesSettings:
    """How thresholds are found.

    Attributes
    ----------
    method : {'faster', 'fast', 'accurate'}
        CellProfiler's names: bisection; all candidates from above, in larger steps while the
        correlation is high; all candidates.
    steps : int or None
        Candidates are whole multiples of 1 / steps. By default the greatest value of the images'
        type, at most 65535, and 255 for floats, as CellProfiler has it.

    Examples
    --------
    >>> CostesSettings("exact")
    Traceback (most recent call last):
    ...
    cellfolio.errors.InvalidArgument: there is no method 'exact'
    """

    method: str = "faster"
    steps: int | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InvalidArgument(
                f"there is no method {self.method!r}", hint=suggest(self.method, METHODS)
            )
        if self.steps is not None and not 2 <= self.steps <= _MOST:
            raise InvalidArgument(f"steps should be from 2 to {_MOST}, found {self.steps!r}")

    def for_images(self, images: Iterable[npt.ArrayLike]) -> CostesSettings:
        """Return the settings with the steps that suit the type of images, as they were given."""
        if self.steps is not None:
            return self
        types = [np.asarray(image).dtype for image in images]
        known = [int(np.iinfo(one).max) for one in types if one.kind in "iu"]
        return replace(self, steps=min(max(known, default=_FLOATS), _MOST))


@dataclass(frozen=True)
class Backgrounds:
    """The pixels below each candidate threshold, as sums.

    Candidate m is m / steps in the first channel and ``slope`` m / steps + ``base`` in the second.

    Attributes
    ----------
    steps : int
    slope, base : float
        Of the line, by orthogonal regression.
    pixels : array of float64, shape (2, pixels)
        Both channels, around their means.
    above : array of int64, shape (2, pixels)
        The first candidate that a pixel is above in both channels, and the first after those.
    sums : array of float64, shape (6, steps + 2)
        By candidate: number of pixels that are below it in either channel; sums of both channels,
        of their squares and their product.
    """

    steps: int
    slope: float
    base: float
    pixels: Floats = field(repr=False)
    above: Ints = field(repr=False)
    sums: Floats = field(repr=False)

    @classmethod
    def of(cls, first: Plane, second: Plane, steps: int) -> Backgrounds | None:
        """Return the backgrounds of two channels; None if no line fits them.

        Parameters
        ----------
        first, second : array of float32, shape (pixels,)
            From 0 to 1.
        steps : int
        """
        line = _line(first, second)
        if line is None:
            return None
        slope, base = line
        candidates = np.arange(steps + 2) / steps
        ends = _ends(candidates, first)
        along = slope * candidates + base
        if slope > 0:
            starts = np.zeros_like(ends)
            ends = np.minimum(ends, _ends(along, second))
        else:  # a lower candidate is a higher threshold of the second channel
            starts = len(candidates) - _ends(along[::-1], second)
        pixels = np.stack([one - one.mean(dtype=np.float64) for one in (first, second)])
        x, y = pixels
        above = np.zeros((6, len(candidates) + 1))
        _add_between(starts, ends, x, y, above)
        whole = np.array([x.size, x.sum(), y.sum(), x @ x, y @ y, x @ y])
        sums = whole[:, None] - np.cumsum(above, axis=1)[:, :-1]
        return cls(steps, slope, base, pixels, np.stack([starts, ends]), sums)

    def count(self, candidate: int) -> int:
        """Return how many pixels are below a candidate."""
        return int(self.sums[0, candidate])

    def correlation(self, candidate: int) -> float:
        """Return the correlation of the pixels below a candidate; NaN if a channel is constant."""
        count, x, y, xx, yy, xy = self.sums[:, candidate].tolist()
        if count < 2:
            return float("nan")
        square_x, square_y, cross = xx - x * x / count, yy - y * y / count, xy - x * y / count
        if square_x < _UNSURE * xx or square_y < _UNSURE * yy:  # rounding may be most of it
            starts, ends = self.above
            x, y = self.pixels[:, (starts > candidate) | (candidate >= ends)]
            if x.min() == x.max() or y.min() == y.max():
                return float("nan")
            x, y = x - x.mean(), y - y.mean()
            square_x, square_y, cross = x @ x, y @ y, x @ y
        return float(cross / np.sqrt(square_x * square_y))

    def thresholds(self, candidate: int) -> tuple[float, float]:
        """Return the thresholds of both channels."""
        return candidate / self.steps, self.slope * (candidate / self.steps) + self.base


def find_costes_thresholds(
    first: Plane, second: Plane, settings: CostesSettings | None = None
) -> tuple[float, float]:
    """Find the thresholds of two channels below which their pixels do not correlate.

    Parameters
    ----------
    first, second : array of float32, any shape
        All pixels of an image, from 0 to 1.
    settings : CostesSettings, optional

    Returns
    -------
    tuple of float
        NaN where no line fits: a channel has one value, or the two do not correlate.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> stain = np.append(np.zeros(900), rng.uniform(0.4, 1, 100))
    >>> noise = rng.uniform(0, 0.2, (2, 1000))
    >>> one, other = (0.7 * stain + noise).astype(np.float32)
    >>> [round(value, 2) for value in find_costes_thresholds(one, other)]
    [0.19, 0.19]
    """
    settings = settings or CostesSettings()
    found = Backgrounds.of(first.ravel(), second.ravel(), settings.steps or _FLOATS)
    if found is None:
        return float("nan"), float("nan")
    if settings.method == "faster":
        return found.thresholds(_bisect(found))
    return found.thresholds(_descend(found, first, second, fast=settings.method == "fast"))


def measure_costes(
    objects: Objects, images: Mapping[str, Plane], settings: CostesSettings | None = None
) -> dict[str, Floats]:
    """Measure how much of each stain of objects lies where the other one is, too.

    Parameters
    ----------
    objects : Objects
    images : mapping of str to array of float32, shape (rows, columns)
        By name of the channel; from 0 to 1.
    settings : CostesSettings, optional

    Returns
    -------
    dict of str to array of float64, shape (objects,)
        ``Correlation_Costes_A_B``, for both orders.

    Notes
    -----
    Thresholds are those of the whole image, as in CellProfiler. With s the pixels of an object
    that are above both, and t those that reach that of A: costes of A, B = Σs a / Σt a; missing
    where it is 0/0 or there are no thresholds, and 0 where no pixel of any object is above both.

    Examples
    --------
    >>> objects = Objects.of(np.array([[1, 1, 1, 1, 1, 1]]))
    >>> one = np.array([[0.1, 0.2, 0.1, 0.2, 0.8, 0.9]], dtype=np.float32)
    >>> images = {"ER": one, "RNA": one[:, [1, 0, 3, 2, 4, 5]]}
    >>> found = measure_costes(objects, images, CostesSettings("fast"))
    >>> round(float(found["Correlation_Costes_ER_RNA"][0]), 3)
    1.0
    """
    found: dict[str, Floats] = {}
    for one, other in combinations(sorted(images), 2):
        limits = find_costes_thresholds(images[one], images[other], settings)
        shares = np.full((2, len(objects)), np.nan)
        if not np.isnan(limits).any():
            first, second = (images[name].ravel()[objects.pixels] for name in (one, other))
            _shares(first, second, np.array(limits, dtype=np.float32), objects.bounds, shares)
        found[f"Correlation_Costes_{one}_{other}"] = shares[0]
        found[f"Correlation_Costes_{other}_{one}"] = shares[1]
    return found


def _line(first: Plane, second: Plane) -> tuple[float, float] | None:
    """Fit a line to the pixels that are not black in both, by orthogonal regression."""
    stained = (first > 0) | (second > 0)
    if np.count_nonzero(stained) < _FEWEST:
        return None
    x, y = first[stained].astype(np.float64), second[stained].astype(np.float64)
    mean_x, mean_y = x.mean(), y.mean()
    x, y = x - mean_x, y - mean_y
    square_x, square_y, cross = float(x @ x), float(y @ y), float(x @ y)
    if abs(cross) <= 8 * np.finfo(float).eps * max(square_x, square_y):
        return None
    apart = square_y - square_x
    slope = (apart + np.sqrt(apart * apart + 4 * cross * cross)) / (2 * cross)
    return float(slope), float(mean_y - slope * mean_x)


def _ends(limits: Floats, values: Plane) -> Ints:
    """Return how many of ascending limits a value reaches, in single precision."""
    found: Ints = np.searchsorted(limits.astype(np.float32), values, side="right").astype(np.int64)
    return found


@compiled
def _add_between(starts: Ints, ends: Ints, x: Floats, y: Floats, above: Floats) -> None:
    """Add a pixel's values where it begins to be above the thresholds, subtract where it ends."""
    for at in range(len(starts)):
        if starts[at] < ends[at]:
            for place, sign in ((starts[at], 1.0), (ends[at], -1.0)):
                above[0, place] += sign
                above[1, place] += sign * x[at]
                above[2, place] += sign * y[at]
                above[3, place] += sign * x[at] * x[at]
                above[4, place] += sign * y[at] * y[at]
                above[5, place] += sign * x[at] * y[at]


def _bisect(found: Backgrounds) -> int:
    """Return the candidate below the lowest one found whose background correlates.

    Of each window, the candidate a sixth from its upper end is tried. A background that is too
    small counts as one that does not correlate; one without a correlation ends the search.
    """
    left, right = 1, found.steps
    tried, last, valid = _within(left, right, 6), 0, 1
    while last != tried:
        correlation = found.correlation(tried)
        if found.count(tried) < _FEWEST or correlation < 0:
            left = tried - 1
        elif correlation >= 0:
            right, valid = tried + 1, tried
        last = tried
        tried = _within(left, right, 6 if right - left > 6 else 2)
    return valid - 1


def _within(left: int, right: int, parts: int) -> int:
    return int((right - left) // (6 / 5 if parts == 6 else 2)) + left


def _descend(found: Backgrounds, first: Plane, second: Plane, *, fast: bool) -> int:
    """Return the first candidate, from above, whose background does not correlate."""
    brightest = float(first.max()), float(second.max())
    candidate = min(int(max(brightest) // (1 / found.steps)) + 1, found.steps + 1)
    while candidate > 1 and all(
        limit > most for limit, most in zip(found.thresholds(candidate), brightest, strict=True)
    ):
        candidate -= 1
    reached = candidate
    while candidate > 1:
        reached = candidate
        correlation = found.correlation(candidate)
        if correlation <= 0 or found.count(candidate) < 2:
            break
        jump = 1
        if fast and candidate >= _CLOSE:
            jump = next((steps for above, steps in _STEPS if correlation > above), 1)
        candidate -= jump
    return reached


@compiled
def _shares(
    first: Plane, second: Plane, limits: npt.NDArray[np.float32], bounds: Ints, found: Floats
) -> None:
    anywhere = False
    for number in range(len(bounds) - 1):
        both_a, both_b, above_a, above_b = 0.0, 0.0, 0.0, 0.0
        for at in range(bounds[number], bounds[number + 1]):
            one, other = first[at], second[at]
            if one >= limits[0]:
                above_a += one
            if other >= limits[1]:
                above_b += other
            if one > limits[0] and other > limits[1]:
                both_a += one
                both_b += other
                anywhere = True
        if above_a > 0:
            found[0, number] = both_a / above_a
        if above_b > 0:
            found[1, number] = both_b / above_b
    if not anywhere:
        found[:] = 0.0
