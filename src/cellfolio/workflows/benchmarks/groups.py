"""Groups of plates that are evaluated together: one modality, cell line and time of CPJUMP1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.rows import find_rows
from cellfolio.profiles.tables import open_table
from cellfolio.workflows.benchmarks.benchmark import Place
from cellfolio.workflows.benchmarks.settings import keys_of, take_settings
from cellfolio.workflows.evaluating import Plates

CONTROL = "Metadata_is_negative_control"
"""A column that is added: whether a well is a negative control."""
_PLATE = "{plate}"


@dataclass(frozen=True, slots=True)
class GroupKeys:
    """The keys of ``[[group]]``.

    Attributes
    ----------
    modality, cell, time : str
        Published values are found by them: ``compound``, ``A549``, ``short``.
    name : str
        By default these three.
    plates : tuple of str
        Which stand for ``{plate}`` of `profiles`.
    profiles : tuple of str
        Files, if they are not those of the whole configuration.
    target : str
        Column of this group with what perturbations act on.
    """

    modality: str = ""
    cell: str = ""
    time: str = ""
    name: str = ""
    plates: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    target: str = ""


GROUP_KEYS = keys_of(GroupKeys)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of plates.

    Attributes
    ----------
    name, modality, cell, time : str
    files : tuple of str
    target : str
    """

    name: str
    modality: str
    cell: str
    time: str
    files: tuple[str, ...]
    target: str

    @property
    def published(self) -> str:
        """What it is called in published tables."""
        return f"{self.modality} {self.cell} {self.time}"


@dataclass(frozen=True, slots=True)
class Wells:
    """The wells of a group that are used.

    Attributes
    ----------
    table : DataFrame
        Treated wells, and negative controls, with `CONTROL`.
    plates : Plates
    left_out : int
        Wells without perturbation.
    """

    table: pd.DataFrame
    plates: Plates
    left_out: int

    @property
    def treated(self) -> pd.DataFrame:
        """Wells that are no negative controls."""
        return self.table[~self.table[CONTROL]]


def parse_groups(document: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the groups of a configuration.

    Raises
    ------
    InvalidArgument
        If there is none, names are not their own, or a group has no files.
    """
    pattern = document.get("profiles", "")
    groups = tuple(_group(part, pattern) for part in document.get("group", ()))
    if not groups:
        raise InvalidArgument(
            "the configuration has no [[group]]",
            hint="a group is a modality, a cell line and a time, with its plates",
        )
    names = [group.name for group in groups]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidArgument(
            f"two groups are called {twice[0]!r}", hint="give them names of their own: name ="
        )
    return groups


def _group(part: Mapping[str, Any], pattern: str) -> Group:
    keys = take_settings(GroupKeys, part, "[[group]]")
    name = keys.name or " ".join(filter(None, (keys.modality, keys.cell, keys.time)))
    if not name:
        raise InvalidArgument("a [[group]] should have a modality, or a name")
    files = keys.profiles
    if not files:
        if not keys.plates or _PLATE not in pattern:
            raise InvalidArgument(
                f"the group {name!r} has no files",
                hint='name profiles = [...] in it; or plates = [...], and above all groups '
                'profiles = "folder/{plate}.csv.gz"',
            )  # fmt: skip
        files = tuple(pattern.replace(_PLATE, plate) for plate in keys.plates)
    return Group(name, keys.modality, keys.cell, keys.time, files, keys.target)


def read_wells(
    group: Group, perturbation: Sequence[str], controls: str, place: Place, *, drop_missing: bool
) -> Wells:
    """Read the wells of a group; leave out those that have no perturbation and are no controls.

    Parameters
    ----------
    group : Group
    perturbation : sequence of str
        Columns that name it.
    controls : str
        Query that names negative controls; empty if there are none.
    place : Place
    drop_missing : bool

    Raises
    ------
    InvalidArgument, EntryNotFound, BrokenFile, UnknownFormat
    """
    plates = place.read(group.files, drop_missing=drop_missing)
    table = plates.table
    if not isinstance(table, pd.DataFrame):
        raise InvalidArgument(f"{group.name}: expected tables, found {type(table).__name__}")
    absent = [name for name in perturbation if name not in table]
    if absent:
        raise InvalidArgument(
            f"{group.name}: there is no column {absent[0]!r}",
            hint=f"name that of the perturbation: perturbation = [...]; there are "
            f"{', '.join(map(str, list(table.columns)[:6]))} …",
        )  # fmt: skip
    try:
        negative = (
            find_rows(open_table(table), controls) if controls else np.zeros(len(table), dtype=bool)
        )
    except InvalidArgument as error:
        hint = "controls = \"...\" tells which wells are negative controls; '' if none are"
        raise InvalidArgument(f"{group.name}: {error.message}", hint=hint) from None
    known = table[list(perturbation)].notna().all(axis=1).to_numpy()
    kept = known | negative
    used = table[kept].reset_index(drop=True)
    flags = pd.Series(negative[kept], index=used.index, name=CONTROL)
    return Wells(pd.concat([flags, used], axis=1), plates, int((~kept).sum()))
