"""What correlations are without replicates: null distributions, and where they end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import Protocol

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.similarities import Rows, Similarities, Vectors, middles, strips
from cellfolio.profiles.statistics import Array, Mask

TAILS = ("right", "left", "both")
_MOST_PAIRS = 200_000_000
_TRIES = 1_000


class Null(Protocol):
    """A way to make a null distribution."""

    def draw(self, vectors: Vectors, codes: Rows, replicates: int) -> Array:
        """Return correlations of rows that are no replicates.

        Parameters
        ----------
        vectors : Vectors
        codes : array of int, shape (rows,)
            Equal for rows of one perturbation.
        replicates : int
            The most common number of replicates.
        """


@dataclass(frozen=True, slots=True)
class SampledGroups:
    """Medians of the correlations within groups of random rows, all of other perturbations.

    With ``size=4, seed=9000`` it is the null distribution of CPJUMP1, draw by draw.

    Attributes
    ----------
    size : int or None
        Rows of a group; by default as many as most perturbations have.
    draws : int
    seed : int or random.Random
        A generator goes on where it is, so that several distributions can come out of one.
    """

    size: int | None = None
    draws: int = 1_000
    seed: int | Random = 0

    def draw(self, vectors: Vectors, codes: Rows, replicates: int) -> Array:
        """See `Null`."""
        size = max(2, replicates) if self.size is None else self.size
        kinds = len(np.unique(codes))
        if size < 2 or self.draws < 1:
            raise InvalidArgument(
                f"expected groups of 2 or more and 1 draw or more, found {size} and {self.draws}"
            )
        if kinds < size:
            raise InvalidArgument(
                f"a null distribution of {size} rows needs {size} perturbations, found {kinds}",
                hint="take fewer rows: SampledGroups(size=2)",
            )
        stream = self.seed if isinstance(self.seed, Random) else Random(self.seed)
        groups, tried = np.empty((0, size), dtype=np.int64), 0
        while tried < self.draws * _TRIES:
            # Never more than are still needed, so that the stream ends where it would one by one.
            rows = _choices(stream, len(codes), self.draws - len(groups), size)
            drawn = np.sort(codes[rows], axis=1)
            apart = (drawn[:, 1:] != drawn[:, :-1]).all(axis=1)
            groups, tried = np.concatenate([groups, rows[apart]]), tried + len(rows)
            if len(groups) == self.draws:
                bounds = np.arange(0, groups.size + 1, size)
                return middles(vectors, groups.ravel(), bounds)
        raise InvalidArgument(
            f"random groups of {size} rows are hardly ever of {size} perturbations",
            hint="leave out controls with only=, or take AllPairs()",
        )


def _choices(stream: Random, count: int, groups: int, size: int) -> Rows:
    """Return what ``stream.choices(range(count), k=size)`` gives for each group."""
    shares = np.array([stream.random() for _ in range(groups * size)])
    return (shares * count).astype(np.int64).reshape(groups, size)


@dataclass(frozen=True, slots=True)
class SampledPerturbations:
    """Medians of the correlations within random perturbations, with one random row of each.

    Groups are as large as the perturbations are, in turn. Perturbations are drawn before rows, so
    that those with many rows count as much as others, and few perturbations are enough.

    Attributes
    ----------
    draws : int
    seed : int
    """

    draws: int = 1_000
    seed: int = 0

    def draw(self, similarities: Similarities, codes: Rows, replicates: int) -> Array:
        """See `Null`."""
        sizes = np.unique(codes, return_counts=True)[1]
        kinds = np.split(np.argsort(codes, kind="stable"), np.cumsum(sizes)[:-1])
        several = [min(int(size), len(kinds)) for size in sizes if size > 1]
        if len(kinds) < 2:
            return _some(np.empty(0))
        counts = list(islice(cycle(several or [min(replicates, len(kinds))]), self.draws))
        random = np.random.default_rng(self.seed)
        rows = [
            random.choice(kinds[one])
            for count in counts
            for one in random.choice(len(kinds), count, replace=False)
        ]
        bounds = np.append(0, np.cumsum(counts))
        return middles(similarities, np.array(rows, dtype=np.int64), bounds)


@dataclass(frozen=True, slots=True)
class AllPairs:
    """The correlation of every pair of rows of other perturbations: no chance in it."""

    def draw(self, vectors: Vectors, codes: Rows, replicates: int) -> Array:
        """See `Null`."""
        count = len(codes)
        if count * (count - 1) // 2 > _MOST_PAIRS:
            raise InvalidArgument(
                f"{count:,} rows are too many for all pairs", hint="take SampledGroups()"
            )
        every = np.arange(count)
        parts = []
        for some in strips(count, count):
            later = slice(some.start + 1, count)
            found = vectors.some(some).to(vectors.some(later))
            wanted = (codes[some, None] != codes[later]) & (every[some, None] < every[later])
            parts.append(found[wanted])
        return _some(np.concatenate(parts) if parts else np.empty(0))


@dataclass(frozen=True, slots=True)
class OneOfEach:
    """The correlations between random rows, one of each perturbation, as Rosetta has it.

    Attributes
    ----------
    seed : int
    """

    seed: int = 0

    def __post_init__(self) -> None:
        check_seed(self.seed)

    def draw(self, vectors: Vectors, codes: Rows, replicates: int) -> Array:
        """See `Null`."""
        shuffled = np.random.default_rng(self.seed).permutation(len(codes))
        _, first = np.unique(codes[shuffled], return_index=True)
        chosen = shuffled[first]
        ones = vectors.some(chosen)
        found = ones.to(ones)
        return _some(found[np.triu_indices(len(chosen), 1)])


def check_seed(seed: int) -> None:
    """Refuse a seed that NumPy does not take."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidArgument(f"seed should be a whole number from 0, found {seed!r}")


def _some(null: Array) -> Array:
    if not len(null):
        raise InvalidArgument("expected rows of several perturbations, found one perturbation")
    return null


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Where a null distribution ends.

    Attributes
    ----------
    percentile : float
        Of the null distribution, between 50 and 100; the left end is as far from 0.
    tail : {'right', 'left', 'both'}
        Which end counts. CPJUMP1 calls a score of both ends one- and two-tailed: with ``'both'``
        each end has its own 5 percent.
    """

    percentile: float = 95
    tail: str = "right"

    def __post_init__(self) -> None:
        if self.tail not in TAILS:
            raise InvalidArgument(f"tail should be one of {TAILS}, found {self.tail!r}")
        if not 50 <= self.percentile < 100:
            raise InvalidArgument(
                f"percentile should be from 50 to below 100, found {self.percentile}"
            )

    def limits(self, null: Array) -> tuple[float, float]:
        """Return the lower and the upper limit; infinite where an end does not count."""
        low, high = np.nanpercentile(null, [100 - self.percentile, self.percentile])
        return (
            float(low) if self.tail != "right" else -np.inf,
            float(high) if self.tail != "left" else np.inf,
        )


def beyond(values: Array, limits: tuple[float, float]) -> Mask:
    """Return which values are beyond limits; a missing value is not."""
    found: Mask = (values < limits[0]) | (values > limits[1])
    return found
