"""Selecting features: those that say something, once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.operations import (
    Blocklist,
    CorrelationThreshold,
    DropMissing,
    FrequencyThreshold,
    Operation,
)
from cellfolio.profiles.rows import Groups, find_rows, group_rows
from cellfolio.profiles.statistics import Array, Mask
from cellfolio.profiles.tables import ProfileTable, T, open_table

CPJUMP1_2021: tuple[Operation, ...] = (
    FrequencyThreshold(unique=0.1),
    CorrelationThreshold(0.9),
    DropMissing(0.05),
    Blocklist(),
)
"""The operations of the CPJUMP1 recipe of 2021, with the limits of the pycytominer of that time."""

_PARITIES = ("", "cpjump1-2021")


@dataclass(frozen=True, slots=True)
class Dropped:
    """A feature that was dropped.

    Attributes
    ----------
    feature : str
    operation : Operation
        The first that dropped it.
    reason : str
    """

    feature: str
    operation: Operation
    reason: str

    def __str__(self) -> str:
        return f"{self.feature}: {self.reason} ({self.operation})"


@dataclass(frozen=True)
class Selection(Generic[T]):
    """Profiles with some of their features.

    Attributes
    ----------
    profiles : table
        Of the kind that was given; all other columns are still there, in the same order.
    features : tuple of str
        Those left.
    dropped : tuple of Dropped
        The others, in the order in which they went.
    """

    profiles: T = field(repr=False)
    features: tuple[str, ...] = field(repr=False)
    dropped: tuple[Dropped, ...]


def feature_select(
    profiles: T,
    operations: Sequence[Operation],
    *,
    reference: str | None = None,
    features: Sequence[str] | None = None,
    image_features: bool = False,
    parity: str = "",
) -> Selection[T]:
    """Drop features that say nothing, say what others say, or are not to be trusted.

    Parameters
    ----------
    profiles : pandas.DataFrame, polars.DataFrame or anndata.AnnData
    operations : sequence of Operation
        `VarianceThreshold`, `FrequencyThreshold`, `CorrelationThreshold`, `DropMissing`,
        `Blocklist`, `DropOutliers`, `NoiseRemoval`. Each sees what those before it left.
    reference : str, optional
        Query that names the rows to look at; all rows are returned. See `normalize`.
    features : sequence of str, optional
        Names of the features; by default those that `split_features` finds.
    image_features : bool
        Whether numbers of whole images, ``Image_…``, are features, too.
    parity : {'', 'cpjump1-2021'}
        With ``'cpjump1-2021'`` each operation sees all features, as in pycytominer before 1.0; the
        limits of that time are those of `CPJUMP1_2021`, and files had five digits
        (`round_significant`).

    Returns
    -------
    Selection

    Raises
    ------
    InvalidArgument
        If no feature is left, no row is in the reference, or an operation cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> profiles = pd.DataFrame({"Well": ["A01", "A02"], "Cells_A": [1, 2], "Cells_B": [3, 3]})
    >>> from cellfolio.profiles.operations import VarianceThreshold
    >>> selection = feature_select(profiles, [VarianceThreshold()])
    >>> selection.features
    ('Cells_A',)
    >>> print(selection.dropped[0])
    Cells_B: variance 0 is not above 1e-06 (VarianceThreshold(minimum=1e-06))
    """
    if parity not in _PARITIES:
        raise InvalidArgument(f"parity should be one of {_PARITIES}, found {parity!r}")
    _check_operations(operations)
    table = open_table(profiles, features, image_features=image_features)
    rows = None if reference is None else find_rows(table, reference)
    if rows is not None and not rows.any():
        raise InvalidArgument(
            "no row belongs to the reference",
            hint="look at the values of the column in the query",
        )
    values = table.values()
    evidence = _Evidence(table, table.features, values if rows is None else values[:, rows], rows)
    dropped = tuple(_dropped(evidence, operations, apart=parity == "cpjump1-2021"))
    gone = {one.feature for one in dropped}
    left = tuple(name for name in table.features if name not in gone)
    if not left:
        raise InvalidArgument(
            f"no feature is left of {len(table.features)}; the last went because "
            f"{dropped[-1].reason}" if dropped else "there are no features",
            hint="look at .dropped after fewer operations",
        )  # fmt: skip
    return Selection(table.keeping(left), left, dropped)


def _check_operations(operations: object) -> None:
    if isinstance(operations, str) or not isinstance(operations, Sequence):
        raise InvalidArgument(
            f"operations should be a list such as [VarianceThreshold()], found {operations!r}"
        )
    for one in operations:
        if isinstance(one, (type, str)) or not hasattr(one, "find"):
            raise InvalidArgument(
                f"an operation should be a value such as VarianceThreshold(), found {one!r}"
            )


@dataclass(frozen=True)
class _Evidence:
    """The features that are left; their values are put together when they are asked for."""

    table: ProfileTable
    features: tuple[str, ...]
    given: Array
    rows: Mask | None
    kept: tuple[int, ...] | None = None

    @cached_property
    def values(self) -> Array:
        return self.given if self.kept is None else self.given[list(self.kept)]

    def groups(self, by: str | Sequence[str]) -> Groups:
        return group_rows(self.table, by, self.rows)

    def without(self, dropped: set[str]) -> _Evidence:
        before = range(len(self.features)) if self.kept is None else self.kept
        kept = [one for one in zip(self.features, before, strict=True) if one[0] not in dropped]
        if len(kept) == len(self.features):
            return self
        names, places = tuple(name for name, _ in kept), tuple(at for _, at in kept)
        return _Evidence(self.table, names, self.given, self.rows, places)


def _dropped(
    evidence: _Evidence, operations: Sequence[Operation], *, apart: bool
) -> Iterator[Dropped]:
    gone: set[str] = set()
    for operation in operations:
        found: dict[str, Any] = operation.find(evidence)
        for name, reason in found.items():
            if name not in gone:
                yield Dropped(name, operation, reason)
        gone.update(found)
        if not apart:
            evidence = evidence.without(gone)
        if not evidence.features:
            return
