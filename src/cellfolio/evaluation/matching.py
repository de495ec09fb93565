"""Percent matching: how many perturbations of one target look alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, product
from random import Random
from typing import Any

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.labels import chosen_rows, labels_of
from cellfolio.evaluation.nulls import Cutoff, beyond
from cellfolio.evaluation.similarities import Rows, Vectors, prepare
from cellfolio.profiles.statistics import Array
from cellfolio.profiles.tables import ProfileTable, open_table


@dataclass(frozen=True, slots=True)
class MatchedBy:
    """Columns that say what is compared.

    Attributes
    ----------
    perturbation : str or tuple of two str
        Column that names the perturbation; one of each table if they differ.
    target : str or tuple of two str
        Column with what it acts on, such as a gene; several with ``|`` between them, or as lists.
    """

    perturbation: str | tuple[str, str]
    target: str | tuple[str, str]

    def of(self, side: int) -> tuple[str, str]:
        """Return both columns of the first table (0) or the second (1)."""
        both = (self.perturbation, self.target)
        first, second = (one if isinstance(one, str) else one[side] for one in both)
        return first, second


@dataclass(frozen=True, slots=True)
class SampledTargets:
    """Perturbations of two random targets, all against all, as CPJUMP1 has it.

    Across tables the two may be the same, as in CPJUMP1; with ``apart`` they are not, and neither
    are perturbations that share another target. Within a table they never are.

    Attributes
    ----------
    draws : int
    seed : int or random.Random
    apart : bool
    """

    draws: int = 1_000
    seed: int | Random = 0
    apart: bool = False

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise InvalidArgument(f"expected 1 draw or more, found {self.draws}")


@dataclass(frozen=True, slots=True)
class Matching:
    """How alike perturbations of one target are.

    Attributes
    ----------
    table : DataFrame
        One row for each pair: ``target``, ``first``, ``second``, ``correlation``, ``matching``.
        Within a table, a pair that shares two targets has two rows.
    null : array of float
        Correlations of perturbations of random targets.
    limits : tuple of float
    score : float
        Share of pairs that match.
    targets : tuple of int
        Targets of the first table, of the second, and those compared.
    """

    table: pd.DataFrame = field(repr=False)
    null: Array = field(repr=False)
    limits: tuple[float, float]
    score: float
    targets: tuple[int, int, int]


def percent_matching(
    first: object,
    second: object | None,
    by: MatchedBy,
    null: SampledTargets | None = None,
    cutoff: Cutoff | None = None,
    *,
    only: str | None = None,
) -> Matching:
    """Compare perturbations of one target: of two modalities, or within one.

    Parameters
    ----------
    first : pandas.DataFrame, polars.DataFrame or anndata.AnnData
        One row for each well, such as those of compounds.
    second : table of any kind, or None
        Such as those of genes; the features that both have are used. Without it, perturbations of
        the first are compared with each other.
    by : MatchedBy
    null : SampledTargets, optional
    cutoff : Cutoff, optional
        By default the 95th percentile, from the right.
    only : str, optional
        Query that names the rows to use, of both tables.

    Returns
    -------
    Matching

    Raises
    ------
    InvalidArgument
        If a column is not there, no target has two perturbations, or a feature has missing values.

    Notes
    -----
    The correlation of two perturbations is the median of Pearson's r between all wells of one and
    all of the other, as in CPJUMP1 [1]_.

    References
    ----------
    .. [1] Chandrasekaran et al., Nature Methods 2024.

    Examples
    --------
    >>> drugs = pd.DataFrame({
    ...     "name": ["x", "y"], "gene": ["EGFR|TTN", "MYC"],
    ...     "Cells_1": [1, 5], "Cells_2": [2, 1], "Cells_3": [4, 0],
    ... })
    >>> knockouts = pd.DataFrame({
    ...     "name": ["ko1", "ko2"], "gene": ["EGFR", "MYC"],
    ...     "Cells_1": [2, 9], "Cells_2": [3, 2], "Cells_3": [7, 1],
    ... })
    >>> found = percent_matching(drugs, knockouts, MatchedBy("name", "gene"))
    >>> found.table.round(3)
      target first second  correlation  matching
    0   EGFR     x    ko1        0.990     False
    1    MYC     y    ko2        0.997     False
    """
    null, cutoff = null or SampledTargets(), cutoff or Cutoff()
    tables = [open_table(first)] if second is None else [open_table(first), open_table(second)]
    if second is not None:
        others = set(tables[1].features)
        shared = [name for name in tables[0].features if name in others]
        if not shared:
            raise InvalidArgument("the tables have no feature in common")
        tables = [open_table(one.keeping(shared)) for one in tables]
    sides = [_Side.of(table, by.of(number), only) for number, table in enumerate(tables)]
    blocks = _Blocks(sides[0], sides[-1], within=second is None)
    common = sorted(sides[0].members.keys() & sides[-1].members.keys())
    pairs = [(gene, one, two) for gene in common for one, two in blocks.pairs(gene, gene)]
    if not pairs:
        raise InvalidArgument(
            f"no two perturbations share one of the {len(sides[0].members):,} targets of "
            f"{by.of(0)[1]}",
            hint="are targets called the same in both?",
        )
    correlation = np.array([blocks.median(one, two) for _, one, two in pairs])
    drawn = _draw(blocks, common, null)
    limits = cutoff.limits(drawn)
    table = pd.DataFrame(
        {
            "target": [gene for gene, _, _ in pairs],
            "first": [sides[0].names[one] for _, one, _ in pairs],
            "second": [sides[-1].names[two] for _, _, two in pairs],
            "correlation": correlation,
            "matching": beyond(correlation, limits),
        }
    )
    counts = (len(sides[0].members), len(sides[-1].members), len({gene for gene, *_ in pairs}))
    return Matching(table, drawn, limits, float(table["matching"].mean()), counts)


@dataclass(frozen=True, slots=True)
class _Side:
    """Perturbations of a table.

    `names`, `rows` and `labels` are by perturbation, in the order of their first rows; `members`
    has the numbers of perturbations by target.
    """

    names: list[Any]
    rows: list[Rows]
    labels: list[frozenset[str]]
    members: dict[str, list[int]]
    vectors: Vectors

    @classmethod
    def of(cls, table: ProfileTable, columns: tuple[str, str], only: str | None) -> _Side:
        absent = [name for name in columns if name not in table.column_names()]
        if absent:
            raise InvalidArgument(f"there is no column {absent[0]!r}")
        rows = chosen_rows(table, only)
        told = table.columns(list(dict.fromkeys(columns))).iloc[rows].reset_index(drop=True)
        codes, names = pd.factorize(told[columns[0]])
        labels: list[set[str]] = [set() for _ in names]
        for code, found in zip(codes, labels_of(told[columns[1]]), strict=True):
            if code >= 0:
                labels[code].update(found)
        members: dict[str, list[int]] = {}
        for number, found_ in enumerate(labels):
            for label in sorted(found_):
                members.setdefault(label, []).append(number)
        known = np.flatnonzero(codes >= 0)
        order = known[np.argsort(codes[known], kind="stable")]
        places = np.split(order, np.cumsum(np.bincount(codes[known]))[:-1])
        frozen = [frozenset(one) for one in labels]
        return cls(list(names), places, frozen, members, prepare(table, "correlation", rows))


@dataclass(slots=True)
class _Blocks:
    """Correlations between the perturbations of two sides; medians are found once."""

    first: _Side
    second: _Side
    within: bool
    found: dict[tuple[int, int], float] = field(default_factory=dict)
    all: Array | None = None

    def pairs(self, one: str, two: str) -> list[tuple[int, int]]:
        """Return pairs of perturbations of two targets."""
        left, right = self.first.members[one], self.second.members[two]
        if self.within and one == two:
            return list(combinations(left, 2))
        return list(product(left, right))

    def share(self, one: int, two: int) -> bool:
        """Whether two perturbations share a target."""
        return not self.first.labels[one].isdisjoint(self.second.labels[two])

    def median(self, one: int, two: int) -> float:
        """Return the median correlation between the wells of two perturbations."""
        if (one, two) not in self.found:
            if self.all is None:
                self.all = self.first.vectors.to(self.second.vectors)
            block = self.all[np.ix_(self.first.rows[one], self.second.rows[two])]
            self.found[one, two] = float(np.median(block))
        return self.found[one, two]


def _draw(blocks: _Blocks, targets: list[str], null: SampledTargets) -> Array:
    """Return medians between perturbations of random targets."""
    stream = null.seed if isinstance(null.seed, Random) else Random(null.seed)
    apart = null.apart or blocks.within
    drawn: list[float] = []
    for _ in range(null.draws):
        one, two = stream.choices(targets, k=2)
        drawn += [
            blocks.median(*pair)
            for pair in blocks.pairs(one, two)
            if not (apart and blocks.share(*pair))
        ]
    if not drawn:
        raise InvalidArgument(
            f"no two perturbations of other targets among {len(targets):,}",
            hint="a null distribution needs perturbations of several targets",
        )
    return np.array(drawn)
