"""The tables of a plate: each is made when it is asked for, of those before it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.workflows.profiling.inputs import (
    Plate,
    PlateInputs,
    read_metadata,
    read_profiles,
)
from cellfolio.workflows.profiling.recipe import (
    AggregateStep,
    AnnotateStep,
    ConsensusStep,
    NormalizeStep,
    Recipe,
    SelectStep,
    Stage,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

_PLATE = "Metadata_Plate"
_DIGITS = 5
"""With which CPJUMP1 wrote its files."""


class PlateTables:
    """The tables of a plate.

    Parameters
    ----------
    recipe : Recipe
    plate : Plate
    inputs : PlateInputs
    kept : Path or None
        The exact table of aggregated cells, if it is there and up to date.

    Attributes
    ----------
    problems : list of str
        What was left out of the single cells.
    """

    def __init__(
        self, recipe: Recipe, plate: Plate, inputs: PlateInputs, kept: Path | None = None
    ) -> None:
        self.problems: list[str] = []
        self._recipe = recipe
        self._plate = plate
        self._inputs = inputs
        self._kept = kept
        self._made: dict[str, pd.DataFrame] = {}

    def table(self, name: str) -> pd.DataFrame:
        """Return the table of a stage that is made by plate."""
        if name not in self._made:
            stage = self._recipe.stage(name)
            if isinstance(stage.step, AggregateStep):
                self._made[name] = self._aggregated(stage.step)
            else:
                self._made[name] = self._later(stage)
        return self._made[name]

    def handed_on(self, name: str | None) -> pd.DataFrame:
        """Return the table of a stage, or of the input, as the next step takes it."""
        if name is None:
            return self._profiles
        return handed_on(self._recipe, self.table(name))

    @cached_property
    def _profiles(self) -> pd.DataFrame:
        return read_profiles(self._inputs.source)

    def _aggregated(self, step: AggregateStep) -> pd.DataFrame:
        if self._kept is not None:
            return read_profiles(self._kept)
        from cellfolio.formats.single_cells.opening import open_cells
        from cellfolio.profiles import split_features
        from cellfolio.workflows.cell_profiles import aggregate_cells

        cells = open_cells(self._inputs.source, keep_going=self._recipe.inputs.keep_going)
        prefixes = self._recipe.inputs.features
        # Cells of one plate need not say which.
        by = [name for name in step.by if name in cells.columns or name != _PLATE]
        found = aggregate_cells(
            cells,
            by,
            step.method,
            features=split_features(cells.columns, prefixes).features if prefixes else None,
            count_objects=step.count_objects,
            on_problem=lambda one: self.problems.append(f"{one.path}: {one.what}"),
        )
        if len(by) < len(step.by):
            found.insert(step.by.index(_PLATE), _PLATE, self._plate.name)
        return found

    def _later(self, stage: Stage) -> pd.DataFrame:
        before = self.handed_on(stage.source)
        if isinstance(stage.step, AnnotateStep):
            return self._annotated(before, stage.step)
        return make_table(self._recipe, stage, before)

    def _annotated(self, before: pd.DataFrame, step: AnnotateStep) -> pd.DataFrame:
        from cellfolio.profiles import annotate

        assert self._inputs.plate_map is not None
        external = self._inputs.external
        return annotate(
            before,
            read_metadata(self._inputs.plate_map),
            well=step.well,
            position=step.position,
            external=None if external is None else read_metadata(external),
            external_on=step.external_on or None,
        )


def handed_on(recipe: Recipe, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as the next step takes it."""
    if not recipe.parity:
        return table
    from cellfolio.profiles import round_significant

    return round_significant(table)


def make_table(recipe: Recipe, stage: Stage, before: pd.DataFrame) -> pd.DataFrame:
    """Normalize, select or combine.

    Raises
    ------
    InvalidArgument
    """
    from cellfolio.profiles import consensus, feature_select, normalize

    features = find_features(recipe, before)
    step = stage.step
    if isinstance(step, NormalizeStep):
        by, reference = step.by or None, step.reference or None
        return normalize(before, step.method, reference=reference, by=by, features=features)
    if isinstance(step, SelectStep):
        return feature_select(
            before,
            step.operations,
            reference=step.reference or None,
            features=features,
            parity=recipe.parity,
        ).profiles
    if isinstance(step, ConsensusStep):
        return consensus(before, step.by, step.method, features=features)
    raise InvalidArgument(f"{stage.name!r} is not made of one table")


def find_features(recipe: Recipe, table: pd.DataFrame) -> Sequence[str] | None:
    """Return the features by how they begin, numbers only; None to find them as usual."""
    from pandas.api.types import is_numeric_dtype

    from cellfolio.profiles import split_features

    prefixes = recipe.inputs.features
    if not prefixes:
        return None
    named = split_features(list(table.columns), prefixes).features
    kinds: dict[Any, Any] = dict(table.dtypes)
    return [
        name
        for name in named
        if is_numeric_dtype(kinds[name]) and not name.startswith("Image_Metadata_")
    ]


def count_features(recipe: Recipe, table: pd.DataFrame) -> int:
    """Return how many features a table has."""
    from cellfolio.profiles import split_features

    found = find_features(recipe, table)
    return len(split_features(list(table.columns)).features if found is None else found)
