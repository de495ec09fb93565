"""What a user picks along an axis: a number, a slice, a name, or several of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import index
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument

Pick = SupportsIndex | str | slice | Sequence[SupportsIndex] | Sequence[str] | None
"""None stands for everything."""


@dataclass(frozen=True, slots=True)
class Picked:
    """Positions along an axis.

    Attributes
    ----------
    positions : range or tuple of int
    single : bool
        Whether one was picked, so that the axis is gone.
    """

    positions: range | tuple[int, ...]
    single: bool = False

    @classmethod
    def all(cls, length: int) -> Picked:
        """Return all positions of an axis."""
        return cls(range(length))

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def step(self) -> float | None:
        """How many positions lie between neighbours; None where that differs."""
        if isinstance(self.positions, range):
            return float(abs(self.positions.step)) if len(self) > 1 else 1.0
        steps = {b - a for a, b in pairwise(self.positions)}
        return float(abs(steps.pop())) if len(steps) == 1 else None if steps else 1.0

    @property
    def first(self) -> int:
        """The lowest position."""
        return min(self.positions, default=0)

    @property
    def last(self) -> int:
        """The highest position."""
        return max(self.positions, default=-1)

    def narrowed(self, axis: str, asked: Pick) -> Picked:
        """Return what is picked of the positions that were picked before."""
        if self.single:
            pick(axis, asked, None, ())
            return self
        if isinstance(asked, slice):
            _span(axis, asked, len(self))
            return Picked(self.positions[asked])
        chosen = pick(axis, asked, len(self), ())
        if asked is None:
            return self
        return Picked(tuple(self.positions[one] for one in chosen.positions), chosen.single)

    def of(self, array: NDArray[Any], axis: int) -> NDArray[Any]:
        """Return the positions of an axis that has only those from the first to the last."""
        if self.positions == range(self.first, self.last + 1):
            return array
        return array.take(np.asarray(self.positions) - self.first, axis=axis)


def pick(axis: str, asked: Pick, length: int | None, names: Sequence[str]) -> Picked:
    """Return the positions that a user asks for.

    Parameters
    ----------
    axis : str
        For messages.
    asked : int, slice, str, sequence or None
    length : int or None
        None where the image has no such axis; it then has one position, and needs no picking.
    names : sequence of str
        Of the positions, where they have some.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> pick("C", ["ER", 0], 3, ("DNA", "AGP", "ER")).positions
    (2, 0)
    >>> pick("Z", slice(None, None, 2), 5, ()).positions
    range(0, 5, 2)
    >>> pick("Z", -1, 5, ())
    Picked(positions=(4,), single=True)
    """
    size = 1 if length is None else length
    if asked is None:
        return Picked.all(size)
    if isinstance(asked, slice):
        return Picked(_span(axis, asked, size))
    if isinstance(asked, str) or not isinstance(asked, Sequence | np.ndarray):
        return Picked((_position(axis, asked, size, names, length is None),), single=True)
    several = tuple(_position(axis, one, size, names, length is None) for one in asked)
    return Picked(several)


def _span(axis: str, asked: slice, size: int) -> range:
    try:
        return range(*asked.indices(size))
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"{asked} picks nothing along {axis}: {error}") from error


def _position(axis: str, asked: Any, size: int, names: Sequence[str], absent: bool) -> int:
    if isinstance(asked, str):
        return _named(axis, asked, names)
    try:
        number = index(asked)
    except TypeError:
        raise InvalidArgument(
            f"{asked!r} picks nothing along {axis}; expected a number, a slice or a name"
        ) from None
    if not -size <= number < size:
        what = f"the image has no axis {axis}" if absent else f"{axis} has {size}"
        raise InvalidArgument(f"there is no number {number} along {axis}: {what}")
    return number % size


def _named(axis: str, asked: str, names: Sequence[str]) -> int:
    found = [at for at, name in enumerate(names) if name == asked]
    if len(found) == 1:
        return found[0]
    if axis != "C" or not names:
        raise InvalidArgument(f"nothing along {axis} has a name, so not {asked!r}; use a number")
    known = ", ".join(names)
    if found:
        raise InvalidArgument(f"{len(found)} channels are called {asked!r}; use their numbers")
    raise InvalidArgument(f"no channel is called {asked!r}", hint=f"channels: {known}")
