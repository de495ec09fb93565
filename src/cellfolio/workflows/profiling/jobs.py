"""What processes are asked to do: a plate, or plates taken together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cellfolio.errors import CellfolioError, InvalidArgument
from cellfolio.workflows.processes import Failure
from cellfolio.workflows.profiling.inputs import Plate
from cellfolio.workflows.profiling.making import PlateWork
from cellfolio.workflows.profiling.parts import ProfiledPart
from cellfolio.workflows.profiling.pooling import PoolWork, groups, pool_name
from cellfolio.workflows.profiling.recipe import Level, Recipe


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
            for some in groups(level, plates).values():
                yield Job(recipe, level, some, output)
