"""Two modalities of a Rosetta data set, or of a user's own tables, for the Rosetta benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import AllPairs, Cutoff, Reproducible, percent_replicating
from cellfolio.metadata.rosetta.profiles import ProfileOptions, Wanted
from cellfolio.metadata.rosetta.sets import MODALITIES, NEGCON, RosettaSet, find_set
from cellfolio.metadata.rosetta.tables import PERTURBATION, feature_columns
from cellfolio.metadata.rosetta.values import standardize
from cellfolio.storage.disk import sha256_of
from cellfolio.workflows.benchmarks.benchmark import Place
from cellfolio.workflows.benchmarks.settings import take_settings
from cellfolio.workflows.evaluating import Plates
from cellfolio.workflows.opening import is_path
from cellfolio.workflows.rosetta import read_profiles

KEEPS = ("all", "overlap", "union")
LIMIT = 90.0
"""Percentile of the null above which replicates of a perturbation agree, as published."""


@dataclass(frozen=True, slots=True)
class InputKeys:
    """Keys of a configuration that say where the modalities are.

    Attributes
    ----------
    data_set : str
        One of the Rosetta data sets, whose columns are known.
    source : str
        Folder or package of the data set; by default that of the catalogue.
    variant, expression_variant : str
        Files of morphology and expression; by default the first of each.
    morphology, expression : tuple of str
        A user's own tables, instead of a data set.
    by : str
        Column of both that names the perturbation.
    controls : str
        What is in that column for negative controls, which are left out.
    drop_unusable : bool
        Leave out features that are constant or miss values, instead of refusing them.
    """

    data_set: str = ""
    source: str = ""
    variant: str = ""
    expression_variant: str = ""
    morphology: tuple[str, ...] = ()
    expression: tuple[str, ...] = ()
    by: str = PERTURBATION
    controls: str = NEGCON
    drop_unusable: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the modalities are.

    Attributes
    ----------
    keys : InputKeys
    data_set : RosettaSet or None
    """

    keys: InputKeys
    data_set: RosettaSet | None

    def modalities(self) -> tuple[str, ...]:
        """Return those that there are."""
        if self.data_set is not None:
            return MODALITIES
        return tuple(one for one in MODALITIES if getattr(self.keys, one))

    def read(self, modality: str, level: str, place: Place) -> Side:
        """Read one modality: a row for each well (``replicate``) or perturbation (``treatment``).

        Own tables are what they are: their level is not changed.

        Raises
        ------
        InvalidArgument, EntryNotFound, BrokenFile, UnknownFormat
        """
        if self.data_set is None:
            return self._own(modality, place)
        keys = self.keys
        variant = keys.variant if modality == MODALITIES[0] else keys.expression_variant
        wanted = Wanted(self.data_set, modality, level, variant or None)
        fill = "plate_median" if level == "treatment" else "none"
        options = ProfileOptions(standardize=True, fill=fill)
        found = read_profiles(wanted, self._source(place), options, home=place.home)
        features = feature_columns(found.table, modality)
        incomplete = [name for name in features if found.table[name].isna().any()]
        table = found.table.drop(columns=incomplete)
        digest = found.report.digest or self._digest(found.report.file, place)
        inputs = ((found.report.file, digest),)
        plates = Plates(self._without_controls(table), inputs, 0, len(incomplete))
        return Side(plates, tuple(one for one in features if one not in set(incomplete)),
                    found.report.notes)  # fmt: skip

    def _source(self, place: Place) -> Path | str | None:
        word = self.keys.source
        path = place.root / Path(word).expanduser()
        if word and (path.exists() or is_path(word)):
            return path
        return word or None

    def _digest(self, name: str, place: Place) -> str:
        source = self._source(place)
        if not isinstance(source, Path):
            return ""
        return str(sha256_of(source / name if source.is_dir() else source))

    def _own(self, modality: str, place: Place) -> Side:
        plates = place.read(getattr(self.keys, modality))
        table = plates.table
        if not isinstance(table, pd.DataFrame) or self.keys.by not in table:
            raise InvalidArgument(
                f"{modality} has no column {self.keys.by!r}",
                hint='by = "COLUMN" names the perturbation',
            )
        features = feature_columns(table, modality)
        kept = Plates(
            self._without_controls(table), plates.inputs, plates.not_in_all, plates.incomplete
        )
        return Side(kept, tuple(features), ())

    def _without_controls(self, table: pd.DataFrame) -> pd.DataFrame:
        return table[table[self.keys.by] != self.keys.controls].reset_index(drop=True)


@dataclass(frozen=True, slots=True)
class Side:
    """One modality that was read.

    Attributes
    ----------
    plates : Plates
    features : tuple of str
        Those whose names tell it; empty where they are told by being numbers.
    notes : tuple of str
    """

    plates: Plates = field(repr=False)
    features: tuple[str, ...] = field(repr=False)
    notes: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """The table, negative controls left out."""
        table: pd.DataFrame = self.plates.table
        return table


def take_inputs(document: Mapping[str, Any], *, least: int = 2) -> Inputs:
    """Return where the modalities are.

    Parameters
    ----------
    document : mapping
        Keys were checked.
    least : int
        Modalities that are needed.

    Raises
    ------
    InvalidArgument
    """
    keys = take_settings(InputKeys, document, "the configuration")
    own = [one for one in MODALITIES if getattr(keys, one)]
    if keys.data_set:
        if own:
            raise InvalidArgument(f"the configuration should have data_set or {own[0]}, not both")
        return Inputs(keys, find_set(keys.data_set))
    if len(own) < least:
        raise InvalidArgument(
            "the configuration should name its data_set, or files of "
            + (" and of ".join(MODALITIES) if least > 1 else " or ".join(MODALITIES)),
            hint='data_set = "LUAD"; or morphology = ["a.csv"] and expression = ["b.csv"], with by',
        )
    for name in ("source", "variant", "expression_variant"):
        if getattr(keys, name):
            raise InvalidArgument(f"{name} is of use with data_set only")
    return Inputs(keys, None)


def standardized(side: Side, plate: str) -> pd.DataFrame:
    """Return wells standardized per plate: less the mean of its wells, over their deviation."""
    if plate not in side.table:
        raise InvalidArgument(f"there is no column {plate!r}", hint='plate = "COLUMN", or ""')
    names = list(side.features)
    values = standardize(side.table[names].to_numpy(dtype=float), side.table[plate])
    scaled = pd.DataFrame(values, columns=names, index=side.table.index)
    return pd.concat([side.table.drop(columns=names), scaled], axis=1)


def reproducible(inputs: Inputs, keep: str, place: Place) -> Reproducible | None:
    """Return which perturbations have replicates that agree; None for all.

    Raises
    ------
    InvalidArgument
    """
    if keep not in KEEPS:
        raise InvalidArgument(f"keep should be one of {', '.join(KEEPS)}, found {keep!r}")
    if keep == "all":
        return None
    if inputs.data_set is None:
        raise InvalidArgument(
            f"keep = {keep!r} needs the wells of a data_set, and tables of yours are given",
            hint='leave it out, or give only the rows that are wanted; "all" keeps every row',
        )
    agreeing = []
    for modality in MODALITIES:
        side = inputs.read(modality, "replicate", place)
        found = percent_replicating(
            side.table, PERTURBATION, AllPairs(), Cutoff(LIMIT), statistic="mean",
            features=side.features,
        )  # fmt: skip
        table = found.table
        agreeing.append(tuple(table.loc[table["replicating"], PERTURBATION]))
    return Reproducible(agreeing[0], agreeing[1], keep)
