"""A recipe: which plates there are, which steps are done, which files are written. Values only.

A recipe becomes stages, each of which is a table for every plate:

====================================  ==========================================================
``""``                                aggregated single cells
``augmented``                         annotated
``normalized``, ``normalized_NAME``   one for each normalization
``…_feature_select[_NAME]_LEVEL``     one for each selection and what it selects from
``…_consensus``                       one for each consensus and what it combines
====================================  ==========================================================
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from cellfolio.errors import InvalidArgument
from cellfolio.package.nearest import suggest_or_list

if TYPE_CHECKING:
    from cellfolio.profiles import Modz, Normalization, Operation
    from cellfolio.profiles.aggregating import Average

Level: TypeAlias = Literal["plate", "batch", "all"]
LEVELS: tuple[Level, ...] = ("plate", "batch", "all")
FORMATS = ("csv.gz", "csv", "parquet", "h5ad")
PARITIES = ("", "cpjump1-2021")
NORMALIZED = "normalized"


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the plates are.

    Attributes
    ----------
    pattern : str
        Path of a plate's file or folder, with ``{plate}`` and maybe ``{batch}`` in it; below the
        recipe's root.
    single_cells : bool
        Whether these are single cells, or a profile for each well.
    plates : tuple of str
        ``PLATE`` or ``BATCH/PLATE``; all that are found if empty.
    features : tuple of str
        How features begin; empty for `cellfolio.profiles.split_features` to find them.
    keep_going : bool
        Whether parts of single cells that are broken are left out, and told of.
    """

    pattern: str
    single_cells: bool
    plates: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    keep_going: bool = False


@dataclass(frozen=True, slots=True)
class AggregateStep:
    """Single cells become a profile of each well."""

    method: Average = "median"
    by: tuple[str, ...] = ("Metadata_Plate", "Metadata_Well")
    count_objects: bool = True


@dataclass(frozen=True, slots=True)
class AnnotateStep:
    """Profiles learn what was in their wells.

    Attributes
    ----------
    plate_map : str
        Path with ``{plate_map}``, ``{plate}`` or ``{batch}`` in it.
    barcodes : str
        Path of the table that tells the plate map of each plate; needed for ``{plate_map}``.
    position, well : str
        Columns of wells: of the plate map, of the profiles.
    external, external_on : str
        Path of a table of perturbations, and the column it shares with the plate map.
    """

    plate_map: str
    barcodes: str = ""
    position: str = "well_position"
    well: str = "Metadata_Well"
    external: str = ""
    external_on: str = ""


@dataclass(frozen=True, slots=True)
class NormalizeStep:
    """Features become comparable; `name` tells several of these steps apart."""

    method: Normalization
    name: str = ""
    reference: str = ""
    by: tuple[str, ...] = ()

    @property
    def stage(self) -> str:
        """What its files are called."""
        return f"{NORMALIZED}_{self.name}" if self.name else NORMALIZED


@dataclass(frozen=True, slots=True)
class SelectStep:
    """Features that say nothing go: by plate, by batch, or of all plates together."""

    operations: tuple[Operation, ...]
    level: Level = "plate"
    of: tuple[str, ...] = ()
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ConsensusStep:
    """Replicates become one profile: of a plate, a batch, or of all plates."""

    by: tuple[str, ...]
    of: tuple[str, ...]
    method: Modz | Average = "median"
    level: Level = "batch"


Step: TypeAlias = AggregateStep | AnnotateStep | NormalizeStep | SelectStep | ConsensusStep


@dataclass(frozen=True, slots=True)
class Outputs:
    """Which files are written.

    Attributes
    ----------
    formats : tuple of {'csv.gz', 'csv', 'parquet', 'h5ad'}
    number_format : str
        Of numbers in text, such as ``%.5g``; empty for all digits.
    """

    formats: tuple[str, ...] = ("csv.gz",)
    number_format: str = ""


@dataclass(frozen=True, slots=True)
class PageStep:
    """What the page about a plate's quality is told of it (see `cellfolio.evaluation.PlateDesign`).

    Attributes
    ----------
    perturbation : tuple of str
        Columns that tell replicates; by default the one of the external table.
    reference : str
        Query that names negative controls; by default what a normalization learns from.
    well, count : str
        Columns of wells, and of numbers of objects; the latter is found if empty.
    """

    perturbation: tuple[str, ...] = ()
    reference: str = ""
    well: str = "Metadata_Well"
    count: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A table that every plate gets: `step` makes it of the stage `source`, or of the input."""

    name: str
    step: Step
    source: str | None
    level: Level = "plate"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How profiles are made.

    Attributes
    ----------
    inputs : Inputs
    root : Path
        The folder below which paths of the recipe are.
    stages : tuple of Stage
        In an order in which each comes after what it is made of.
    outputs : Outputs
    parity : {'', 'cpjump1-2021'}
        With ``'cpjump1-2021'``, each step takes what the one before wrote with five digits, and
        each operation of a selection sees all features, as in 2021.
    page : PageStep or None
        Of the page about the quality of each plate; None if there is to be none.
    """

    inputs: Inputs
    root: Path
    stages: tuple[Stage, ...]
    outputs: Outputs = Outputs()
    parity: str = ""
    page: PageStep | None = PageStep()

    def stage(self, name: str) -> Stage:
        """Return a stage by its name."""
        return next(stage for stage in self.stages if stage.name == name)

    def with_plates(self, plates: tuple[str, ...]) -> Recipe:
        """Return the recipe for some plates only."""
        return replace(self, inputs=replace(self.inputs, plates=plates))


def plan_stages(
    aggregate: AggregateStep | None,
    annotate: AnnotateStep | None,
    normalize: tuple[NormalizeStep, ...],
    select: tuple[SelectStep, ...],
    consensus: tuple[ConsensusStep, ...],
) -> tuple[Stage, ...]:
    """Return the stages of some steps.

    Raises
    ------
    InvalidArgument
        If a step is made of something that is not there, or two would have one name.
    """
    stages: list[Stage] = []
    last: str | None = None
    if aggregate is not None:
        stages.append(Stage("", aggregate, None))
        last = ""
    if annotate is not None:
        stages.append(Stage("augmented", annotate, last))
        last = "augmented"
    stages += [Stage(step.stage, step, last) for step in normalize]
    normalized = tuple(step.stage for step in normalize) or (last,)
    for step in select:
        for of in _named(step.of, stages) or normalized:
            stages.append(Stage(_selected_name(of, step.level), step, of, step.level))
    for combined in consensus:
        for of in _named(combined.of, stages):
            stages.append(Stage(f"{of}_consensus".strip("_"), combined, of, combined.level))
    _check_stages(stages)
    return tuple(stages)


def _selected_name(of: str | None, level: Level) -> str:
    base, _, name = (of or "").partition("_") if (of or "").startswith(NORMALIZED) else (of, "", "")
    return "_".join(filter(None, (base, "feature_select", name, level)))


def _named(names: tuple[str, ...], stages: list[Stage]) -> tuple[str, ...]:
    known = [stage.name for stage in stages]
    for name in names:
        if name not in known:
            raise InvalidArgument(
                f"the recipe makes nothing called {name!r}", hint=suggest_or_list(name, known)
            )
    return names


def _check_stages(stages: list[Stage]) -> None:
    if not stages:
        raise InvalidArgument(
            "the recipe has no step",
            hint="add [aggregate], [annotate], [[normalize]] or [[feature_select]]",
        )
    names = [stage.name for stage in stages]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InvalidArgument(
            f"two steps of the recipe would write {twice[0]!r}",
            hint="give each [[normalize]] a name of its own, and each selection its level or `of`",
        )
    levels = {stage.name: stage.level for stage in stages}
    for stage in stages:
        above = "plate" if stage.source is None else levels[stage.source]
        if LEVELS.index(stage.level) < LEVELS.index(above):
            raise InvalidArgument(
                f"{stage.name!r} is made by {stage.level}, of {stage.source!r}, which is made by "
                f"{above}",
                hint=f'set level = "{above}"',
            )
