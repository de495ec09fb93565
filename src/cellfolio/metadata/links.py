"""Which of many numbered things are related to which; each relation is told by one or both."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

FORTH, BACK = 1, 2
"""Bits of what is told: by the thing with the lower number, by the one with the higher."""


class Links:
    """Relations between things that have numbers, the same in both directions.

    Parameters
    ----------
    count : int
        How many things there are.
    tellers, told : array of int64
        Numbers of things that name another, and of those that they name; in any order, and any
        number of times.

    Attributes
    ----------
    low, high : array of int64
        The two things of each relation, in order.
    said : array of uint8
        `FORTH`, `BACK` or both.

    Examples
    --------
    >>> links = Links(4, np.array([0, 2, 0]), np.array([2, 0, 3]))
    >>> links.of(0).tolist(), links.of(3).tolist(), links.said.tolist()
    ([2, 3], [0], [3, 1])
    """

    def __init__(self, count: int, tellers: Numbers, told: Numbers) -> None:
        size = max(count, 1)
        codes = np.minimum(tellers, told) * size + np.maximum(tellers, told)
        forth, back = np.unique(codes[tellers <= told]), np.unique(codes[tellers >= told])
        every = np.union1d(forth, back)
        self.low: Numbers = every // size
        self.high: Numbers = every % size
        self.said = (np.isin(every, forth) * FORTH + np.isin(every, back) * BACK).astype(np.uint8)
        other = self.low != self.high
        ends = np.concatenate([self.low, self.high[other]])
        neighbours = np.concatenate([self.high, self.low[other]])
        order = np.lexsort((neighbours, ends))
        self._neighbours = neighbours[order]
        self._starts = np.searchsorted(ends[order], np.arange(count + 1))

    def __len__(self) -> int:
        return len(self.low)

    def of(self, number: int) -> Numbers:
        """Return the numbers of what is related to a thing, in order."""
        return self._neighbours[self._starts[number] : self._starts[number + 1]]

    def of_any(self, numbers: Numbers) -> Numbers:
        """Return the numbers of what is related to any of some things, in order, each once."""
        found = [self.of(int(number)) for number in numbers]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Yield the two things of each relation, and what is said."""
        return zip(self.low.tolist(), self.high.tolist(), self.said.tolist(), strict=True)
