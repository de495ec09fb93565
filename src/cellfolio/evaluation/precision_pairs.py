"""Which rows a profile should find, and among which others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.labels import codes_of, labels_of, names_of
from cellfolio.evaluation.similarities import Rows, Vectors, as_slice, equal_sizes, strips
from cellfolio.profiles.statistics import Array, Mask
from cellfolio.profiles.tables import ProfileTable

_DENSE = 2_000
"""Rows whose similarities are all kept at once: 32 MB."""
_STRIP = 64
"""Rows of one value that are compared with their negatives by themselves."""


@dataclass(frozen=True, slots=True)
class PairRule:
    """Which pairs of profiles are positive, which negative.

    A pair is positive if it is equal in all columns of `pos_sameby` and differs in all of
    `pos_diffby`; negative likewise. Each is a column, or a sequence of columns.

    Attributes
    ----------
    pos_sameby, pos_diffby, neg_sameby, neg_diffby : tuple of str
    labels : str
        Column with several labels in a value (``EGFR|TTN``, or a list). In `pos_sameby` each label
        is a question of its own; in `neg_diffby` no label may be shared.

    Examples
    --------
    >>> rule = PairRule("compound", neg_sameby="Plate", neg_diffby=["compound", "negcon"])
    >>> rule.neg_diffby
    ('compound', 'negcon')
    """

    pos_sameby: str | Sequence[str]
    pos_diffby: str | Sequence[str] = ()
    neg_sameby: str | Sequence[str] = ()
    neg_diffby: str | Sequence[str] = ()
    labels: str = ""

    def __post_init__(self) -> None:
        for name in ("pos_sameby", "pos_diffby", "neg_sameby", "neg_diffby"):
            object.__setattr__(self, name, names_of(getattr(self, name)))
        if not self.pos_sameby:
            raise InvalidArgument("pos_sameby should name at least one column")
        if not self.neg_sameby and not self.neg_diffby:
            raise InvalidArgument("neg_sameby or neg_diffby should name at least one column")
        for kind in ("pos", "neg"):
            same, other = set(getattr(self, f"{kind}_sameby")), set(getattr(self, f"{kind}_diffby"))
            if same & other:
                raise InvalidArgument(
                    f"{kind}_sameby and {kind}_diffby both have {', '.join(sorted(same & other))}"
                )
        if self.labels:
            if self.labels in (*self.neg_sameby, *self.pos_diffby):
                raise InvalidArgument(
                    f"labels {self.labels!r} can be in pos_sameby and neg_diffby only"
                )
            if self.labels not in self.pos_sameby:
                raise InvalidArgument(f"labels {self.labels!r} should be in pos_sameby, too")

    def plain(self, name: str) -> tuple[str, ...]:
        """Return the columns of a part that have one label each."""
        return tuple(one for one in getattr(self, name) if one != self.labels)


@dataclass(frozen=True, slots=True)
class Design:
    """The columns of a rule as numbers, for the rows that are used.

    Attributes
    ----------
    rule : PairRule
    owner : array of int, shape (questions,)
        The row of each question: each row, or each label of each row.
    group : array of int, shape (questions,)
        Questions of one group are positives of each other, but for `pos_diffby`.
    asked : list of str
        The label of each question, if there are labels.
    pos_apart, neg_apart : array of int, shape (columns, rows)
        Values that differ within a pair.
    block : array of int, shape (rows,)
        Equal for rows that may be negatives of each other.
    labelled : array of bool, shape (rows, labels), or None
    """

    rule: PairRule
    owner: Rows
    group: Rows
    asked: list[str]
    pos_apart: Rows
    neg_apart: Rows
    block: Rows
    labelled: npt.NDArray[np.float32] | None = field(repr=False)

    def questions(self, rows: Rows) -> tuple[Rows, Rows]:
        """Return the questions of some rows, and before them the place of each one's row."""
        bounds = np.searchsorted(self.owner, np.append(rows, rows + 1)).reshape(2, -1)
        count = bounds[1] - bounds[0]
        at = np.repeat(np.arange(len(rows)), count)
        return at, np.arange(len(at)) + np.repeat(bounds[1] - np.cumsum(count), count)


def design_of(table: ProfileTable, rule: PairRule, rows: Rows) -> Design:
    """Return the columns of a rule as numbers.

    Raises
    ------
    InvalidArgument
        If a column is not there, or lacks a value.
    """

    @cache
    def together(names: tuple[str, ...]) -> Rows:
        if not names:
            return np.zeros(len(rows), dtype=np.int64)
        codes, unknown = codes_of(table, names, rows)
        if unknown.any():
            raise InvalidArgument(
                f"{unknown.sum():,} of {len(rows):,} rows lack a value in {' or '.join(names)}",
                hint="leave them out with only "
                f'"{" and ".join(f"{name} == {name}" for name in names)}"',
            )
        return codes

    def each(names: tuple[str, ...]) -> Rows:
        columns = [together((name,)) for name in names]
        return np.array(columns, dtype=np.int64).reshape(-1, len(rows))

    same = together(rule.plain("pos_sameby"))
    owner, group, asked, labelled = np.arange(len(rows)), same, list[str](), None
    if rule.labels:
        if rule.labels not in table.column_names():
            raise InvalidArgument(f"there is no column {rule.labels!r}")
        found = labels_of(table.columns([rule.labels])[rule.labels].iloc[rows])
        owner, group, asked, labelled = _questions(found, same)
        if rule.labels not in rule.neg_diffby:
            labelled = None
    pos_apart, neg_apart = each(rule.plain("pos_diffby")), each(rule.plain("neg_diffby"))
    block = together(rule.plain("neg_sameby"))
    return Design(rule, owner, group, asked, pos_apart, neg_apart, block, labelled)


def _questions(found: list[tuple[str, ...]], same: Rows) -> tuple[Rows, Rows, list[str], Any]:
    names = sorted({label for labels in found for label in labels})
    if not names:
        raise InvalidArgument("no row has a label")
    number = {name: at for at, name in enumerate(names)}
    owner = np.repeat(np.arange(len(found)), [len(labels) for labels in found])
    asked = [label for labels in found for label in labels]
    label = np.array([number[one] for one in asked])
    labelled = np.zeros((len(found), len(names)), dtype=np.float32)
    labelled[owner, label] = 1
    return owner, same[owner] * len(names) + label, asked, labelled


@dataclass(frozen=True, slots=True)
class Positives:
    """Similarities of each question to its positives, the highest first.

    Attributes
    ----------
    values : array of float
        Of all questions, one after the other.
    start, count : array of int, shape (questions,)
        Where those of each are.
    """

    values: Array = field(repr=False)
    start: Rows
    count: Rows


def find_positives(design: Design, vectors: Vectors) -> Positives:
    """Compare the questions of each group with each other."""
    order = np.argsort(design.group, kind="stable")
    bounds = np.append(0, np.cumsum(np.unique(design.group, return_counts=True)[1]))
    count = np.zeros(len(design.owner), dtype=np.int64)
    start, parts, taken = np.zeros_like(count), [np.empty(0)], 0
    for _, questions in equal_sizes(order, bounds):
        size = questions.shape[1]
        if size < 2:
            continue
        members = design.owner[questions]
        for some in strips(size, len(questions) * size):
            found = vectors.among(members, some)
            wanted = _positive(design, members, some)
            found[~wanted] = -np.inf
            found = -np.sort(-found, axis=-1)
            counts = wanted.sum(axis=-1)
            parts.append(found[np.arange(size) < counts[..., None]])
            count[questions[:, some]] = counts
            ends = np.cumsum(counts.ravel())
            start[questions[:, some]] = taken + (ends - counts.ravel()).reshape(counts.shape)
            taken += int(counts.sum())
    return Positives(np.concatenate(parts), start, count)


def _positive(design: Design, members: Rows, some: slice) -> Mask:
    size = members.shape[1]
    other = np.arange(size)[some, None] != np.arange(size)
    wanted = np.broadcast_to(other, (len(members), *other.shape)).copy()
    for codes in design.pos_apart:
        values = codes[members]
        wanted &= values[:, some, None] != values[:, None, :]
    return wanted


@dataclass(frozen=True, slots=True)
class Negatives:
    """How many negatives some rows have, and the similarities of those that ask for them.

    Attributes
    ----------
    rows, count : array of int
    asking : array of int
        Some of the rows.
    values : array of float, shape (asking, others)
        Those of others that are no negatives are -inf.
    """

    rows: Rows
    count: Rows
    asking: Rows
    values: Array = field(repr=False)


def negative_strips(design: Design, vectors: Vectors, asks: Mask) -> Iterator[Negatives]:
    """Yield rows with their negatives, each row once.

    Parameters
    ----------
    design : Design
    vectors : Vectors
    asks : array of bool, shape (rows,)
        Rows whose similarities are needed.
    """
    alike = np.lexsort([*design.neg_apart, design.block])
    ends = np.flatnonzero(np.diff(design.block[alike], append=-1)) + 1
    for begin, end in zip(np.append(0, ends[:-1]), ends, strict=True):
        members = alike[begin:end]
        block = vectors.some(members)
        whole = block.to(block) if _is_dense(design, members) else None
        for strip in _strips(design, members):
            rows = members[strip]
            wanted = _negative(design, rows, members)
            asking = np.flatnonzero(asks[rows])
            # Rows of a strip mostly have the same value, so others of that value can be left out.
            needed = as_slice(np.flatnonzero(wanted.any(axis=0)))
            its = as_slice(asking + strip.start)
            if whole is None:
                found = block.some(its).to(block.some(needed))
            else:
                found = whole[its][:, needed]
            np.copyto(found, -np.inf, where=~wanted[as_slice(asking)][:, needed])
            yield Negatives(rows, np.count_nonzero(wanted, axis=1), rows[asking], found)


def _strips(design: Design, members: Rows) -> Iterator[slice]:
    """Yield parts of a block; many rows of one value are not mixed with others."""
    count = len(members)
    codes = design.neg_apart[:, members]
    starts = np.flatnonzero(np.append(True, (codes[:, 1:] != codes[:, :-1]).any(axis=0)))
    ends = np.append(starts[1:], count)
    large = ends - starts >= _STRIP
    for begin, end in pairwise(np.unique([0, *starts[large], *ends[large], count]).tolist()):
        for part in strips(end - begin, count):
            yield slice(begin + part.start, begin + part.stop)


def _is_dense(design: Design, members: Rows) -> bool:
    """Tell whether most pairs of a small block are negative: then one product finds each twice."""
    if len(members) > _DENSE or len(design.neg_apart) > 1:
        return len(members) <= _DENSE
    sizes = [np.unique(codes[members], return_counts=True)[1] for codes in design.neg_apart]
    return not sizes or bool(np.square(sizes[0]).sum() < len(members) ** 2 / 2)


def _negative(design: Design, rows: Rows, members: Rows) -> Mask:
    # Where something has to differ, a row is no negative of itself anyway.
    first, *others = design.neg_apart if len(design.neg_apart) else [np.arange(len(design.block))]
    wanted: Mask = first[rows][:, None] != first[members]
    for codes in others:
        wanted &= codes[rows][:, None] != codes[members]
    if design.labelled is not None:
        wanted &= design.labelled[rows] @ design.labelled[members].T == 0
    return wanted
