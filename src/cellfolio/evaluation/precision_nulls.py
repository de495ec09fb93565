"""Mean average precision by chance.

A group of profiles has a mean average precision; what matters is how many positives and negatives
each of its members ranks. By chance, all orders of a member's ranking are equally likely. But
members are not independent: the similarity of two of them is ranked by both. How that is dealt with
decides whether p-values mean what they say:

* as independent draws, the mean of a group varies too little, and noise is called significant;
* with one draw for all members, as in copairs, it varies too much, and little is found;
* with one similarity for each pair, ranked by both among their own negatives, it is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.binomials import draw_binomial
from cellfolio.profiles.statistics import Array

Member = tuple[int, int]
"""How many positives and negatives a profile ranks."""

_AT_ONCE = 1_000_000
_FEW = 12
_MOST = 4_000_000_000
"""Random numbers of a group, about six minutes."""


def paired_null(members: Sequence[Member], draws: int, seed: int) -> Array:
    """Return means of average precision by chance, pairs of members sharing their similarity.

    Only these arguments decide, so a result does not depend on what else is looked at.

    Parameters
    ----------
    members : sequence of (int, int)
        Positives and negatives of each; their order does not matter.
    draws : int
    seed : int

    Notes
    -----
    The similarity of a pair is a random share u of all similarities by chance that are below it.
    Of n negatives, a binomial number is above it, with 1 - u as probability; between two
    positives, likewise (see `draw_binomial`). Which members are pairs follows from how many
    positives each has: the member with the most is paired with those that lack the most, and so on.
    A positive that is no member has a similarity of its own.

    Examples
    --------
    >>> null = paired_null([(1, 1), (1, 1)], draws=9_999, seed=0)
    >>> values, counts = np.unique(null, return_counts=True)
    >>> values.tolist(), (counts / 9_999).round(1).tolist()
    ([0.5, 0.75, 1.0], [0.3, 0.3, 0.3])
    """
    members = sorted(members)
    ranked, similarities = _shared([positives for positives, _ in members])
    work = draws * sum(len(one) for one in ranked)
    if work > _MOST:
        raise InvalidArgument(
            f"a group of {len(members):,} members with up to {members[-1][0]:,} positives is too "
            f"large for {draws:,} draws",
            hint="leave out controls with only=, take fewer draws, or null='copairs'",
        )
    stream = np.random.default_rng([seed, *chain.from_iterable(members)])
    size = max(1, _AT_ONCE // max(similarities, 1))
    parts = []
    half = (draws + 1) // 2
    for start in range(0, half, size):
        shares = stream.random((similarities, min(size, half - start)))
        mean = np.zeros((2, shares.shape[1]))
        for own, (_, negatives) in zip(ranked, members, strict=True):
            mean += _rankings(shares[own], negatives, stream)
        parts.append(mean / len(members))
    return np.concatenate(parts, axis=1).ravel()[:draws]


def _rankings(shares: Array, negatives: int, stream: np.random.Generator) -> Array:
    """Return average precisions of a member, given where its positives are; two of each.

    The second is of the same ranking from its end, which is as likely.
    """
    _sort(shares)
    last = len(shares)
    above = np.zeros(shares.shape[1])
    total, before = np.zeros((2, shares.shape[1])), np.ones(shares.shape[1])
    for rank, share in enumerate(shares[::-1], start=1):
        above += draw_binomial(negatives - above, 1 - share / before, stream)
        total[0] += rank / (rank + above)
        mirrored = last + 1 - rank
        total[1] += mirrored / (mirrored + negatives - above)
        before = share
    return total / last


def _sort(rows: Array) -> None:
    """Sort each column in place; few rows by comparing neighbours, a row at once."""
    if len(rows) > _FEW:
        rows.sort(axis=0)
        return
    for end in range(len(rows) - 1, 0, -1):
        for at in range(end):
            low = np.minimum(rows[at], rows[at + 1])
            np.maximum(rows[at], rows[at + 1], out=rows[at + 1])
            rows[at] = low


def _shared(positives: Sequence[int]) -> tuple[list[list[int]], int]:
    """Return the numbers of the similarities that each member ranks, and how many there are.

    As Havel and Hakimi construct a graph of given degrees.
    """
    left = list(positives)
    ranked: list[list[int]] = [[] for _ in positives]
    count = 0
    for _ in positives:
        first, *others = sorted(range(len(left)), key=lambda at: -left[at])
        for other in others[: left[first]]:
            if left[other] > 0:
                ranked[first].append(count)
                ranked[other].append(count)
                left[other] -= 1
                count += 1
        missing = positives[first] - len(ranked[first])
        ranked[first] += range(count, count + missing)
        count += missing
        left[first] = 0
    return ranked, count


def copairs_nulls(members: Sequence[Member], draws: int, seed: int) -> dict[Member, Array]:
    """Return average precisions by chance as copairs 0.5 draws them, when its cache is empty.

    The seed of each configuration depends on which others there are. All members of a group with
    the same configuration are given the same draws.
    """
    several = sorted({(positives, positives + negatives) for positives, negatives in members})
    seeds = np.random.default_rng(seed).integers(8096, size=len(several))
    return {
        (positives, total - positives): np.concatenate(
            list(_shuffled(positives, total, draws, int(own)))
        )
        for (positives, total), own in zip(several, seeds, strict=True)
    }


def _shuffled(positives: int, total: int, draws: int, seed: int) -> Iterator[Array]:
    stream = np.random.default_rng(seed)
    kind = np.uint16 if total < 2**16 else np.uint32
    rank = np.arange(1, positives + 1, dtype=np.float32)
    step = max(1, 4 * _AT_ONCE // total)
    for start in range(0, draws, step):
        places = np.tile(np.arange(total, dtype=kind), (min(step, draws - start), 1))
        stream.permuted(places, axis=1, out=places)
        first = np.sort(places[:, :positives], axis=1)
        # Single precision in all steps, as its comparisons depend on it.
        yield ((rank / (first + 1).astype(np.float32)).sum(axis=1) / positives).astype(np.float32)
