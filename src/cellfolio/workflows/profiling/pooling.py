"""Making the files for which several plates are taken together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.workflows.profiling.inputs import Plate
from cellfolio.workflows.profiling.making import (
    FileState,
    PlateWork,
    now,
    part_of,
    stage_files,
    write_files,
)
from cellfolio.workflows.profiling.pages import PAGES, page_stages
from cellfolio.workflows.profiling.parts import ProfiledPart
from cellfolio.workflows.profiling.recipe import ConsensusStep, Level, Recipe, Stage
from cellfolio.workflows.profiling.records import Facts, PlateRecord, stage_facts
from cellfolio.workflows.profiling.tables import PlateTables, handed_on, make_table

if TYPE_CHECKING:
    import pandas as pd


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
        last = page_stages(recipe)[-1]
        if recipe.page is not None and last.level == level:
            key = self._facts(last, plates).key
            self.states[PAGES] = [work.page_state(key) for work in self.works.values()]

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
            pools = groups(source.level, plates)
            made_of = {name: self._facts(source, some).key for name, some in pools.items()}
        return stage_facts(self.recipe, stage, made_of)

    def _find_states(self, stage: Stage) -> Iterator[FileState]:
        facts = self._facts(stage, tuple(self.works))
        if isinstance(stage.step, ConsensusStep):
            for name, own in stage_files(self.recipe, stage, self._batch, facts):
                yield FileState(self.own.folder, name, own, self.own.outdated(name, own))
            return
        for plate, work in self.works.items():
            for name, own in stage_files(self.recipe, stage, plate.name, facts):
                yield work.state(name, own)

    def make(self) -> ProfiledPart:
        """Make what is out of date."""
        started = now()
        pages = self.states.get(PAGES, [])
        shown = {stage.name for stage in page_stages(self.recipe)} if _due(pages) else set()
        problems: list[str] = []
        if any(map(_due, self.states.values())):
            tables = {plate: work.tables() for plate, work in self.works.items()}
            pooled: dict[str, dict[Plate, pd.DataFrame]] = {}
            for stage in self.recipe.stages:
                due = stage.level == self.level and _due(self.states[stage.name])
                if due and isinstance(stage.step, ConsensusStep):
                    self._write_own(stage, tables, started)
                elif due or (stage.name in shown and stage.level != "plate"):
                    rows = self._rows(stage, tables)
                    pooled |= {stage.name: rows} if stage.name in shown else {}
                    if due:
                        self._write(stage, rows, started)
            for state, plate in zip(pages, self.works if pages else (), strict=True):
                own = {name: rows[plate] for name, rows in pooled.items()}
                problems += self.works[plate].make_page(state, tables[plate], own, started)
        return self._told(tuple(problems))

    def _told(self, problems: tuple[str, ...]) -> ProfiledPart:
        parts = [
            part_of(self.name, some, record)
            for record in (self.own, *(work.record for work in self.works.values()))
            if (some := self._states_of(record))
        ]
        own = self._states_of(self.own)
        return replace(
            part_of(self.name, own, self.own, problems),
            made=tuple(name for part in parts for name in part.made),
            kept=tuple(name for part in parts for name in part.kept),
            reasons=tuple(why for part in parts for why in part.reasons),
        )

    def _states_of(self, record: PlateRecord) -> list[FileState]:
        states = [state for some in self.states.values() for state in some]
        return [state for state in states if state.folder == record.folder]

    def _write_own(self, stage: Stage, tables: Mapping[Plate, PlateTables], started: str) -> None:
        """Write what is one table of all plates."""
        table, _ = self._table(stage, tuple(self.works), tables)
        self.own.folder.mkdir(parents=True, exist_ok=True)
        write_files(self.recipe, self.states[stage.name], table, self.own, started)

    def _write(self, stage: Stage, rows: Mapping[Plate, pd.DataFrame], started: str) -> None:
        for plate, work in self.works.items():
            some = [state for state in self.states[stage.name] if state.folder == work.folder]
            write_files(self.recipe, some, rows[plate], work.record, started)

    def _rows(self, stage: Stage, tables: Mapping[Plate, PlateTables]) -> dict[Plate, pd.DataFrame]:
        """Return the rows of each plate in the table of a stage."""
        found: dict[Plate, pd.DataFrame] = {}
        for plates in groups(stage.level, tuple(self.works)).values():
            table, lengths = self._table(stage, plates, tables)
            start = 0
            for plate, length in zip(plates, lengths, strict=True):
                found[plate] = table.iloc[start : start + length].reset_index(drop=True)
                start += length
        return found

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
            for some in groups(source.level, plates).values():
                part, counts = self._table(source, some, tables)
                parts.append(handed_on(self.recipe, part))
                lengths += counts
        return make_table(self.recipe, stage, _stacked(parts)), lengths


def _due(states: list[FileState]) -> bool:
    return any(state.why for state in states)


def pool_name(level: Level, batch: str) -> str:
    """Return what plates taken together are called."""
    return f"batch {batch}" if level == "batch" and batch else "all plates"


def groups(level: Level, plates: tuple[Plate, ...]) -> dict[str, tuple[Plate, ...]]:
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
