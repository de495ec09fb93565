"""Making the files of one plate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.errors import InvalidArgument
from cellfolio.formats.saving import write_table
from cellfolio.workflows.profiling.inputs import Digests, Plate, PlateInputs, find_inputs
from cellfolio.workflows.profiling.pages import (
    INPUT,
    PAGES,
    page_facts,
    page_name,
    page_stages,
    shows_input,
    write_page,
)
from cellfolio.workflows.profiling.parts import ProfiledPart
from cellfolio.workflows.profiling.recipe import AggregateStep, AnnotateStep, Recipe, Stage
from cellfolio.workflows.profiling.records import (
    Facts,
    PlateRecord,
    exact_name,
    file_names,
    stage_facts,
)
from cellfolio.workflows.profiling.tables import PlateTables, count_features

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class FileState:
    """A file that a recipe makes, and why it has to be made; empty if it is up to date."""

    folder: Path
    name: str
    facts: Facts
    why: str


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
                self.state(name, facts)
                for name, facts in stage_files(recipe, stage, plate.name, self.facts[stage.name])
            ]
            for stage in self._stages
        }
        last = page_stages(recipe)[-1]
        if recipe.page is not None and last.level == "plate":
            self.states[PAGES] = [self.page_state(self.facts[last.name].key)]
        self._check_inputs_stay()

    @property
    def _stages(self) -> list[Stage]:
        return [stage for stage in self.recipe.stages if stage.level == "plate"]

    def state(self, name: str, facts: Facts) -> FileState:
        """Return a file of the plate, and why it has to be made."""
        return FileState(self.folder, name, facts, self.record.outdated(name, facts))

    def page_state(self, key: str) -> FileState:
        """Return the page of the plate; `key` is that of its last table."""
        assert self.recipe.page is not None
        return self.state(page_name(self.plate), page_facts(self.recipe, self.recipe.page, key))

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
        problems: tuple[str, ...] = ()
        if any(state.why for state in states):
            self.folder.mkdir(parents=True, exist_ok=True)
            tables = self.tables()
            started = now()
            for stage in self._stages:
                if any(state.why for state in self.states[stage.name]):
                    table = tables.table(stage.name)
                    if isinstance(stage.step, AggregateStep):
                        self.record.problems = tables.problems or self.record.problems
                    write_files(self.recipe, self.states[stage.name], table, self.record, started)
            for state in self.states.get(PAGES, ()):
                problems = self.make_page(state, tables, {}, started)
        return part_of(str(self.plate), states, self.record, problems)

    def make_page(
        self,
        state: FileState,
        tables: PlateTables,
        pooled: Mapping[str, pd.DataFrame],
        started: str,
    ) -> tuple[str, ...]:
        """Make the page if it is out of date; return why it cannot be made, if that is so.

        `pooled` are those of its tables for which plates are taken together.
        """
        if not state.why:
            return ()
        stages = page_stages(self.recipe)
        shown = {INPUT: tables.handed_on(None)} if shows_input(stages) else {}
        for one in stages:
            own = pooled[one.name] if one.name in pooled else tables.table(one.name)
            shown[one.name or "aggregated"] = own
        digests = dict(_input_digests(self.inputs, self._digests))
        try:
            page = write_page(self.recipe, self.plate, self.folder, shown, digests)
        except InvalidArgument as error:  # profiles are of use without it
            return (f"{state.name}: {error.message}",)
        last = list(shown.values())[-1]
        shape = len(last), count_features(self.recipe, last)
        self.record.add(state.name, state.facts, shape, page.pictures)
        self.record.times[state.name] = {"started": started, "written": now()}
        self.record.write()
        return ()


def now() -> str:
    """Return the time as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _annotation_digests(inputs: PlateInputs, digests: Digests) -> Iterator[tuple[str, str]]:
    # The table of barcodes is not among them: what counts is the plate map that it names.
    for what, path in (("the plate map", inputs.plate_map), ("external", inputs.external)):
        if path is not None:
            yield f"{what} {path.name}", digests.of(path)


def _input_digests(inputs: PlateInputs, digests: Digests) -> Iterator[tuple[str, str]]:
    for path in (inputs.source, inputs.plate_map, inputs.external):
        if path is not None:
            yield path.name, f"SHA256:{digests.of(path)}"


def stage_files(
    recipe: Recipe, stage: Stage, stem: str, facts: Facts
) -> Iterator[tuple[str, Facts]]:
    """Yield the files of a stage, and what decides the bytes of each."""
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
            record.times[state.name] = {"started": started, "written": now()}
    record.write()


def part_of(
    name: str, states: list[FileState], record: PlateRecord, problems: tuple[str, ...] = ()
) -> ProfiledPart:
    """Return what is told of a plate whose files are made; `problems` are of its page."""
    due = [state for state in states if state.why]
    made = [state for state in due if not state.facts.differs(record.files.get(state.name, {}))]
    tables = [state for state in states if state.facts.step != "page"]
    recorded = [record.files[state.name] for state in tables]
    selected = [one["features"] for one in recorded if one["step"] == "select"]
    return ProfiledPart(
        name,
        tuple(state.name for state in made),
        tuple(state.name for state in states if not state.why),
        tuple(state.why for state in made),
        recorded[0]["rows"] if recorded else None,
        recorded[0]["features"] if recorded else None,
        selected[-1] if selected else None,
        (*record.problems, *problems),
    )
