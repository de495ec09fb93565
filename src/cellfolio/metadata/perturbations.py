"""What is known of the perturbations, joined to the wells of a plate. Pure joins of tables.

Rule 1: a join has one row for each well of the plate map, never more and never fewer.
Rule 2: a well whose perturbation is left empty takes what the metadata tells in its row without
a perturbation: in CPJUMP1's compounds that is DMSO, ``negcon``. Without such a row nothing is
known of it.

References
----------
``metadata/`` of CPJUMP1 (jump-cellpainting/2021_Chandrasekaran_submitted); ``annotate`` of
pycytominer, whose names of columns these are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.columns import (
    BATCH,
    MAP_NAME,
    PLATE,
    PREFIX,
    WELL,
    as_text,
    prefixed,
    some_of,
    with_prefix,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class JoinReport:
    """What a join of wells and perturbations did not find.

    Attributes
    ----------
    wells : int
        Rows of the plate map, and of the join.
    key : str or None
        Name of the column that both have; None if nothing was joined.
    empty : tuple of str
        Wells without a perturbation.
    empty_told : bool
        Whether the metadata tells what those are.
    unknown : tuple of str
        Perturbations of the plate that the metadata does not have.
    repeated : tuple of str
        Perturbations of the plate with several, different rows of metadata: the first is used.
    """

    wells: int
    key: str | None = None
    empty: tuple[str, ...] = ()
    empty_told: bool = False
    unknown: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What somebody should look into, a sentence each."""
        found = []
        if self.unknown:
            found.append(f"{_count(self.unknown)} no metadata: {some_of(self.unknown)}")
        if self.repeated:
            found.append(
                f"{_count(self.repeated)} several rows of metadata that differ, of which the "
                f"first is used: {some_of(self.repeated)}"
            )
        return tuple(found)


def _count(names: Sequence[str]) -> str:
    return "1 perturbation has" if len(names) == 1 else f"{len(names)} perturbations have"


def join_perturbations(
    wells: pd.DataFrame, perturbations: pd.DataFrame, *, key: str | None = None
) -> tuple[pd.DataFrame, JoinReport]:
    """Add what is known of the perturbations to the wells of a plate.

    Parameters
    ----------
    wells : pandas.DataFrame
        See `tidy_plate_map`.
    perturbations : pandas.DataFrame
        A row for each perturbation. A row without one tells of wells without one.
    key : str, optional
        Column that both have; by default the first of the plate map's that both have.

    Returns
    -------
    pandas.DataFrame, JoinReport
        As many rows as `wells`, in the same order. A column that both have besides the key is
        there twice, that of `perturbations` with ``_external`` behind its name.

    Raises
    ------
    InvalidArgument
        If they share no column.

    Examples
    --------
    >>> import pandas as pd
    >>> from cellfolio.metadata.plate_maps import tidy_plate_map
    >>> wells = tidy_plate_map(pd.DataFrame({"well": ["A1", "A2"], "drug": ["d1", None]}))
    >>> told = pd.DataFrame({"drug": ["d1", None], "control_type": ["poscon", "negcon"]})
    >>> joined, report = join_perturbations(wells, told)
    >>> joined["Metadata_control_type"].tolist(), report.empty
    (['poscon', 'negcon'], ('A02',))
    """
    told = with_prefix(perturbations)
    on = shared_key(wells, told) if key is None else prefixed(key)
    if on is None or on not in wells or on not in told:
        raise InvalidArgument(
            f"plate map and metadata share no column{'' if key is None else f' {key!r}'}: "
            f"{', '.join(wells.columns[:6])} and {', '.join(told.columns[:6])}",
            hint="name a column that both have with key=",
        )
    first, repeated = _rows_by_key(told, on)
    keys = [as_text(value) for value in wells[on]]
    added = told.drop(columns=on).rename(
        columns={one: f"{one}_external" for one in told if one in wells and one != on}
    )
    rows = added.reset_index(drop=True).reindex([first.get(one, -1) for one in keys])
    joined = wells.reset_index(drop=True).join(rows.reset_index(drop=True))
    used = dict.fromkeys(filter(None, keys))
    return joined, JoinReport(
        wells=len(wells),
        key=on.removeprefix(PREFIX),
        empty=tuple(well for well, one in zip(wells[WELL], keys, strict=True) if one is None),
        empty_told=None in first and bool(added.iloc[first[None]].notna().any()),
        unknown=tuple(one for one in used if one not in first),
        repeated=tuple(one for one in used if one in repeated),
    )


def shared_key(wells: pd.DataFrame, perturbations: pd.DataFrame) -> str | None:
    """Return the first column of the wells that the perturbations have too, with its prefix."""
    theirs = {prefixed(str(column)) for column in perturbations}
    ours = (one for one in wells if one not in (WELL, PLATE, BATCH, MAP_NAME))
    return next((one for one in ours if one in theirs), None)


def _rows_by_key(table: pd.DataFrame, key: str) -> tuple[dict[str | None, int], set[str | None]]:
    """Return the first row of each key, and the keys of which another row tells otherwise."""
    first: dict[str | None, int] = {}
    repeated: set[str | None] = set()
    for at, value in enumerate(map(as_text, table[key])):
        if value not in first:
            first[value] = at
        elif not table.iloc[at].equals(table.iloc[first[value]]):
            repeated.add(value)
    return first, repeated


def choose_perturbations(
    wells: pd.DataFrame, tables: Mapping[str, pd.DataFrame], plate_map: str
) -> str | None:
    """Return the name of the table that tells most of a plate's perturbations.

    Of equals the one that is called as the plate map: for ``drugs_platemap`` that is
    ``drugs_metadata``; then the one of the shortest name. None if none tells any.
    """
    kind = re.sub(r"[_-]?plate_?map$", "", plate_map, flags=re.IGNORECASE)

    def rank(name: str) -> tuple[int, bool, int, str]:
        key = shared_key(wells, tables[name])
        if key is None:
            return 0, False, 0, name
        known = set(map(as_text, with_prefix(tables[name])[key])) - {None}
        count = len(known & set(map(as_text, wells[key])))
        return -count, name != f"{kind}_metadata", len(name), name

    best = min(tables, key=rank, default=None)
    return best if best is not None and rank(best)[0] < 0 else None
