"""Colours of a plate's wells as a value: what a screen needs to draw them and their legend.

Rule 1: values are categories or numbers, and missing wells are told from wells without a value, as
in `cellfolio.imaging.plate_map`, whose colours these are.
Rule 2: the ends of a scale of numbers are robust: a few wells far from all others do not take the
colours from the others. Wells beyond the ends have the colour of the end, and are counted.
Rule 3: numbers on both sides of 0 have colours that part at 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.plate_map import (
    COLOUR_MAP,
    COLOURS,
    LOG_FROM,
    MARKS,
    OTHER,
    is_empty,
    is_number,
    most_common,
)
from cellfolio.registries.plates import Well

PARTED_MAP = "RdBu_r"
STEPS = 33
"""Colours of a scale of numbers; between them, a screen mixes."""
_ROBUST = (1.0, 99.0)
"""Percentiles that are the ends of a scale."""
_FEW = 20
"""Wells from which on percentiles are taken."""


@dataclass(frozen=True, slots=True)
class Category:
    """A category of wells.

    Attributes
    ----------
    name : str
    wells : int
    colour : str
    mark : str
        '', 'o' or 's': categories beyond the colours have one as well.
    """

    name: str
    wells: int
    colour: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class CategoryScale:
    """Colours of categories.

    Attributes
    ----------
    categories : tuple of Category
        The most common first.
    others, other_wells : int
        Categories that share a colour, and their wells.
    other_colour : str
    """

    categories: tuple[Category, ...]
    others: int = 0
    other_wells: int = 0
    other_colour: str = OTHER


@dataclass(frozen=True, slots=True)
class NumberScale:
    """Colours of numbers.

    Attributes
    ----------
    low, high : float
        Ends of the scale.
    lowest, highest : float
        Of the values.
    colours : tuple of str
        From `low` to `high`, in equal steps.
    logarithmic : bool
        Whether steps are of the logarithm.
    parted : bool
        Whether colours part at the middle, which is 0.
    below, above : int
        Wells beyond the ends.
    """

    low: float
    high: float
    lowest: float
    highest: float
    colours: tuple[str, ...]
    logarithmic: bool = False
    parted: bool = False
    below: int = 0
    above: int = 0


def scale_of(
    values: Mapping[Well, object],
    *,
    low: float | None = None,
    high: float | None = None,
    numbers: bool | None = None,
) -> CategoryScale | NumberScale | None:
    """Return the colours of wells; None if no well has a value.

    Parameters
    ----------
    values : mapping of Well to value
    low, high : float, optional
        Ends of the scale of numbers, where the robust ones are not wanted.
    numbers : bool, optional
        Whether the values are numbers; by default they are if all of them are.

    Raises
    ------
    InvalidArgument
        If `low` is not below `high`.

    Examples
    --------
    >>> scale = scale_of({Well(1, 1): "DMSO", Well(1, 2): "taxol", Well(2, 1): None})
    >>> [(one.name, one.wells) for one in scale.categories]
    [('DMSO', 1), ('taxol', 1)]
    >>> scale_of({Well(1, 1): -1.0, Well(1, 2): 3.0}).low
    -3.0
    """
    known = [value for value in values.values() if not is_empty(value)]
    if not known:
        return None
    if numbers is None:
        numbers = all(map(is_number, known))
    if numbers:
        return _of_numbers([float(one) for one in known], low, high)  # type: ignore[arg-type]
    return _of_categories([str(one) for one in known])


def _of_categories(known: Sequence[str]) -> CategoryScale:
    counts = Counter(known)
    shown = most_common(counts)
    categories = tuple(
        Category(name, counts[name], COLOURS[at % len(COLOURS)], MARKS[at // len(COLOURS)])
        for at, name in enumerate(shown)
    )
    left = len(known) - sum(one.wells for one in categories)
    return CategoryScale(categories, len(counts) - len(shown), left)


def _of_numbers(known: Sequence[float], low: float | None, high: float | None) -> NumberScale:
    lowest, highest = min(known), max(known)
    positive = [one for one in known if one > 0]
    asked = low is not None or high is not None
    first, last = _robust_ends(known)
    logarithmic = False
    if lowest >= 0 and positive and not asked:
        smallest, largest = _robust_ends(positive)
        logarithmic = largest / smallest >= LOG_FROM
        first, last = (smallest, largest) if logarithmic else (first, last)
    parted = first < 0 < last and not asked
    if parted:
        last = max(-first, last)
        first = -last
    first, last = (first if low is None else low), (last if high is None else high)
    if first == last and not asked:
        first, last = first - 0.5, last + 0.5
    if not (first < last and math.isfinite(last - first)):
        raise InvalidArgument(f"a scale from {first:g} to {last:g}: expected the lower end first")
    return NumberScale(
        first, last, lowest, highest, _colours(PARTED_MAP if parted else COLOUR_MAP),
        logarithmic, parted,
        sum(one < first and not (logarithmic and one == 0) for one in known),
        sum(one > last for one in known),
    )  # fmt: skip


def _robust_ends(known: Sequence[float]) -> tuple[float, float]:
    if len(known) < _FEW:
        return min(known), max(known)
    first, last = np.percentile(np.asarray(known), _ROBUST).tolist()
    return (first, last) if first < last else (min(known), max(known))


@cache
def _colours(name: str) -> tuple[str, ...]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return tuple(to_hex(one) for one in colormaps[name](np.linspace(0, 1, STEPS)))
