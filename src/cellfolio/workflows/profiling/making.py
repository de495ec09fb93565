"""Making the files of one plate, and those for which several plates are taken together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import CellfolioError, InvalidArgument
from cellfolio.formats.saving import write_table
from cellfolio.workflows.processes import Failure
from cellfolio.workflows.profiling.inputs import Digests, Plate, PlateInputs, find_inputs
from cellfolio.workflows.profiling.recipe import (
    AggregateStep,
    AnnotateStep,
    ConsensusStep,
    Level,
    Recipe,
    Stage,
)
from cellfolio.workflows.profiling.records import (
    Facts,
    PlateRecord,
    exact_name,
    file_names,
    stage_facts,
)
from cellfolio.workflows.profiling.tables import (
    PlateTables,
    count_features,
    handed_on,
    make_table,
)

if TYPE_CHECKING:
    import pandas as pd

_UNFINISHED = re.compile(r"\.(record\.json\.)?[0-9a-f]{32}(\..+)?")


@dataclass(frozen=True, slots=True)
class FileState:
    """A file that a recipe makes, and why it has to be made; empty if it is up to date."""

    folder: Path
    name: str
    facts: Facts
    why: str


@dataclass(frozen=True, slots=True)
class ProfiledPart:
    """What was done for a plate, or for plates that were taken together.

    Attributes
    ----------
    name : str
        ``BATCH/PLATE``, ``batch NAME`` or ``all plates``.
    made, kept : tuple of str
        Files that were made, and those that were up to date.
    reasons : tuple of str
        Why, for each that was made.
    wells, features : int or None
        Of the first table; features of the last one in `selected`.
    selected : int or None
    problems : tuple of str
        What was left out of single cells.
    failure : Failure or None
    """

    name: str
    made: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    wells: int | None = None
    features: int | None = None
    selected: int | None = None
    problems: tuple[str, ...] = ()
    failure: Failure | None = None


def plate_folder(output: Path, plate: Plate) -> Path:
    """Return the folder with the files of a plate."""
    return output / plate.batch / plate.name


class PlateWork:
    """A plate: which of its files have to be made, and making them.

    Raises
    ------
    NotFound
        If an input is not there.
    """

    def __init__(self, recipe: Recipe, plate: Plate, output: Path) -> None:
        self.recipe = recipe
        self.plate = plate
        self.folder = plate_folder(output, plate)
        self.record = PlateRecord.read(self.folder)
        self.inputs = find_inputs(recipe, plate)
        self._digests = Digests(self.record.looks)
        self.facts = self._facts()
        self.record.looks = self._digests.seen
        self.states = {
            stage.name: [
                FileState(self.folder, name, facts, self.record.outdated(name, facts))
                for name, facts in _files(recipe, stage, plate.name, self.facts[stage.name])
            ]
            for stage in self._stages
        }
        self._check_inputs_stay()

    @property
    def _stages(self) -> list[Stage]:
        return [stage for stage in self.recipe.stages if stage.level == "plate"]

    def _check_inputs_stay(self) -> None:
        """Refuse to write over what the recipe reads."""
        own = self.inputs.source.resolve()
        names = [state.name for some in self.states.values() for state in some]
        if own in [(self.folder / name).resolve() for name in names]:
            raise InvalidArgument(
                f"{own.name} of the output would take the place of the input",
                hint="name another output folder",
            )

    def _facts(self) -> dict[str, Facts]:
        found: dict[str, Facts] = {}
        for stage in self._stages:
            made_of = {}
            if stage.source is None:
                made_of["the input"] = self._digests.of(self.inputs.source)
            else:
                made_of[f"what {stage.source or 'aggregated'!r} is made of"] = found[
                    stage.source
                ].key
            if isinstance(stage.step, AnnotateStep):
                made_of |= dict(_annotation_digests(self.inputs, self._digests))
            found[stage.name] = stage_facts(self.recipe, stage, made_of)
        return found

    def source_key(self, source: str | None) -> str:
        """Return what identifies a stage's table, or the input's."""
        if source is None:
            return self._digests.of(self.inputs.source)
        return self.facts[source].key

    def tables(self) -> PlateTables:
        """Return the tables of the plate, from cells that are aggregated already if they are."""
        kept = None
        for stage in self._stages:
            if isinstance(stage.step, AggregateStep):
                name = exact_name(self.plate.name)
                if not self.record.outdated(name, self.facts[stage.name]):
                    kept = self.folder / name
        return PlateTables(self.recipe, self.plate, self.inputs, kept)

    def make(self) -> ProfiledPart:
        """Make what is out of date."""
        states = [state for some in self.states.values() for state in some]
        if any(state.why for state in states):
            self.folder.mkdir(parents=True, exist_ok=True)
            _sweep(self.folder)
            tables = self.tables()
            started = datetime.now(UTC).isoformat(timespec="seconds")
            for stage in self._stages:
                if any(state.why for state in self.states[stage.name]):
                    table = tables.table(stage.name)
                    if isinstance(stage.step, AggregateStep):
                        self.record.problems = tables.problems or self.record.problems
                    write_files(self.recipe, self.states[stage.name], table, self.record, started)
        return _part(str(self.plate), states, self.record)


def _annotation_digests(inputs: PlateInputs, digests: Digests) -> Iterator[tuple[str, str]]:
    # The table of barcodes is not among them: what counts is the plate map that it names.
    for what, path in (("the plate map", inputs.plate_map), ("external", inputs.external)):
        if path is not None:
            yield f"{what} {path.name}", digests.of(path)


def _files(recipe: Recipe, stage: Stage, stem: str, facts: Facts) -> Iterator[tuple[str, Facts]]:
    for name, number_format in file_names(recipe, stage, stem).items():
        yield name, replace(facts, number_format=number_format)


def write_files(
    recipe: Recipe, states: list[FileState], table: pd.DataFrame, record: PlateRecord, started: str
) -> None:
    """Write a table to those of its files that are out of date, and record them."""
    shape = len(table), count_features(recipe, table)
    for state in states:
        if state.why:
            path = state.folder / state.name
            write_table(table, path, float_format=state.facts.number_format or None)
            record.add(state.name, state.facts, shape)
            finished = datetime.now(UTC).isoformat(timespec="seconds")
            record.times[state.name] = {"started": started, "written": finished}
    record.write()


def _sweep(folder: Path) -> None:
    """Remove what a killed run was writing."""
    for path in folder.iterdir():
        if _UNFINISHED.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _part(name: str, states: list[FileState], record: PlateRecord) -> ProfiledPart:
    recorded = [record.files[state.name] for state in states]
    selected = [one["features"] for one in recorded if one["step"] == "select"]
    return ProfiledPart(
        name,
        tuple(state.name for state in states if state.why),
        tuple(state.name for state in states if not state.why),
        tuple(state.why for state in states if state.why),
        recorded[0]["rows"] if recorded else None,
        recorded[0]["features"] if recorded else None,
        selected[-1] if selected else None,
        tuple(record.problems),
    )


class PoolWork:
    """Plates that are taken together, of a batch or all, once the plates themselves are made.

    Parameters
    ----------
    recipe : Recipe
    level : {'batch', 'all'}
    plates : tuple of Plate
    output : Path
    """

    def __init__(
        self, recipe: Recipe, level: Level, plates: tuple[Plate, ...], output: Path
    ) -> None:
        self.recipe = recipe
        self.level = level
        self.works = {plate: PlateWork(recipe, plate, output) for plate in plates}
        self._batch = plates[0].batch if level == "batch" else ""
        self._output = output
        self.own = PlateRecord.read(output / self._batch)
        self.states = {stage.name: list(self._find_states(stage)) for stage in self._stages}

    @property
    def _stages(self) -> list[Stage]:
        return [stage for stage in self.recipe.stages if stage.level == self.level]

    @property
    def name(self) -> str:
        """What people call it."""
        return pool_name(self.level, self._batch)

    def _facts(self, stage: Stage, plates: tuple[Plate, ...]) -> Facts:
        source = None if stage.source is None else self.recipe.stage(stage.source)
        if source is None or source.level == "plate":
            made_of = {str(one): self.works[one].source_key(stage.source) for one in plates}
        else:
            groups = _groups(source.level, plates)
            made_of = {name: self._facts(source, some).key for name, some in groups.items()}
        return stage_facts(self.recipe, stage, made_of)

    def _find_states(self, stage: Stage) -> Iterator[FileState]:
        facts = self._facts(stage, tuple(self.works))
        if isinstance(stage.step, ConsensusStep):
            for name, own in _files(self.recipe, stage, self._batch, facts):
                yield FileState(self.own.folder, name, own, self.own.outdated(name, own))
            return
        for plate, work in self.works.items():
            for name, own in _files(self.recipe, stage, plate.name, facts):
                yield FileState(work.folder, name, own, work.record.outdated(name, own))

    def make(self) -> ProfiledPart:
        """Make what is out of date."""
        started = datetime.now(UTC).isoformat(timespec="seconds")
        tables: dict[Plate, PlateTables] = {}
        for stage in self._stages:
            if any(state.why for state in self.states[stage.name]):
                tables = tables or {plate: work.tables() for plate, work in self.works.items()}
                table, lengths = self._table(stage, tuple(self.works), tables)
                self._write(stage, table, lengths, started)
        states = [state for some in self.states.values() for state in some]
        own = [state for state in states if state.folder == self.own.folder]
        return replace(
            _part(self.name, own, self.own),
            made=tuple(state.name for state in states if state.why),
            kept=tuple(state.name for state in states if not state.why),
            reasons=tuple(state.why for state in states if state.why),
        )

    def _write(self, stage: Stage, table: pd.DataFrame, lengths: list[int], started: str) -> None:
        states = self.states[stage.name]
        if isinstance(stage.step, ConsensusStep):
            self.own.folder.mkdir(parents=True, exist_ok=True)
            write_files(self.recipe, states, table, self.own, started)
            return
        start = 0
        for work, length in zip(self.works.values(), lengths, strict=True):
            some = [state for state in states if state.folder == work.folder]
            rows = table.iloc[start : start + length].reset_index(drop=True)
            write_files(self.recipe, some, rows, work.record, started)
            start += length

    def _table(
        self, stage: Stage, plates: tuple[Plate, ...], tables: Mapping[Plate, PlateTables]
    ) -> tuple[pd.DataFrame, list[int]]:
        """Return the table of a stage for some plates together, and the rows of each plate."""
        source = None if stage.source is None else self.recipe.stage(stage.source)
        lengths: list[int] = []
        if source is None or source.level == "plate":
            parts = [tables[plate].handed_on(stage.source) for plate in plates]
            lengths = [len(part) for part in parts]
        else:
            parts = []
            for some in _groups(source.level, plates).values():
                part, counts = self._table(source, some, tables)
                parts.append(handed_on(self.recipe, part))
                lengths += counts
        return make_table(self.recipe, stage, _stacked(parts)), lengths


def pool_name(level: Level, batch: str) -> str:
    """Return what plates taken together are called."""
    return f"batch {batch}" if level == "batch" and batch else "all plates"


def _groups(level: Level, plates: tuple[Plate, ...]) -> dict[str, tuple[Plate, ...]]:
    """Return the plates that a level takes together, by what they are called."""
    found: dict[str, tuple[Plate, ...]] = {}
    for plate in plates:
        name = pool_name(level, plate.batch)
        found[name] = (*found.get(name, ()), plate)
    return found


def _stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Put plates below each other; a feature that one does not have is missing there."""
    import pandas as pd

    both = pd.concat(parts, ignore_index=True)
    first = [name for name in both.columns if name.startswith("Metadata_")]
    known = set(first)
    return both[[*first, *(name for name in both.columns if name not in known)]]


@dataclass(frozen=True, slots=True)
class Job:
    """Something that a process is asked to do: a plate, or plates taken together."""

    recipe: Recipe
    level: Level
    plates: tuple[Plate, ...]
    output: Path

    @property
    def name(self) -> str:
        """What people call it."""
        if self.level == "plate":
            return str(self.plates[0])
        return pool_name(self.level, self.plates[0].batch)

    def open(self) -> PlateWork | PoolWork:
        """Look what there is to do."""
        if self.level == "plate":
            return PlateWork(self.recipe, self.plates[0], self.output)
        return PoolWork(self.recipe, self.level, self.plates, self.output)

    def do(self) -> ProfiledPart:
        """Do it; whatever goes wrong is told, and the others go on."""
        return self._safely(lambda work: work.make())

    def look(self) -> ProfiledPart:
        """Tell what would be made, and why."""
        return self._safely(partial(_planned, name=self.name))

    def _safely(self, what: Any) -> ProfiledPart:
        try:
            return what(self.open())  # type: ignore[no-any-return]
        except (CellfolioError, OSError, MemoryError) as error:
            return ProfiledPart(self.name, failure=Failure.of(error))
        except Exception as error:  # a plate's trouble is not that of the others
            odd = InvalidArgument(f"{type(error).__name__}: {error}", hint="this may be a bug")
            return ProfiledPart(self.name, failure=Failure.of(odd))


def _planned(work: PlateWork | PoolWork, name: str) -> ProfiledPart:
    states = [state for some in work.states.values() for state in some]
    return ProfiledPart(
        name,
        tuple(state.name for state in states if state.why),
        tuple(state.name for state in states if not state.why),
        tuple(state.why for state in states if state.why),
    )


def pooled_jobs(recipe: Recipe, plates: tuple[Plate, ...], output: Path) -> Iterator[Job]:
    """Yield the jobs for which plates are taken together, batches first."""
    levels: tuple[Level, ...] = ("batch", "all")
    for level in levels:
        if any(stage.level == level for stage in recipe.stages):
            for some in _groups(level, plates).values():
                yield Job(recipe, level, some, output)
