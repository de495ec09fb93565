"""The page about a plate's quality that a recipe makes: of which tables, by which design."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.workflows.profiling.inputs import Plate
from cellfolio.workflows.profiling.recipe import (
    AnnotateStep,
    ConsensusStep,
    NormalizeStep,
    PageStep,
    Recipe,
    SelectStep,
    Stage,
)
from cellfolio.workflows.profiling.records import Facts, code_version
from cellfolio.workflows.profiling.tables import find_features

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.evaluation import PlateDesign
    from cellfolio.workflows.quality import QualityPage

PAGES = "quality"
"""Folder of pages in that of a plate, and what the page is called among the stages."""
INPUT = "input"


def page_stages(recipe: Recipe) -> tuple[Stage, ...]:
    """Return the stages that the page shows, from what was measured to what is compared.

    The last is the last selection, or if there is none the last table of wells. Those before are
    what it is made of, but for what was not annotated yet, which may have other wells.
    """
    wells = [stage for stage in recipe.stages if not isinstance(stage.step, ConsensusStep)]
    selected = [stage for stage in wells if isinstance(stage.step, SelectStep)]
    found = [(selected or wells)[-1]]
    while found[0].source is not None and not isinstance(found[0].step, AnnotateStep):
        found.insert(0, recipe.stage(found[0].source))
    return tuple(found)


def shows_input(stages: tuple[Stage, ...]) -> bool:
    """Whether profiles that the recipe starts from are shown before its stages."""
    return stages[0].source is None and isinstance(stages[0].step, (NormalizeStep, SelectStep))


def page_name(plate: Plate) -> str:
    """Return the path of a plate's page, below its folder."""
    from cellfolio.workflows.quality import file_name

    return f"{PAGES}/{file_name(plate.name)}.html"


def page_design(recipe: Recipe, page: PageStep) -> dict[str, object]:
    """Return what the recipe says of controls and replicates, and if it says nothing, implies.

    Then negative controls are what a normalization of the page learns from, or else any; and
    replicates are those of one perturbation in the external table.
    """
    shown = page_stages(recipe)
    normalized = [stage.step for stage in (*shown, *recipe.stages)]
    references = (one.reference for one in normalized if isinstance(one, NormalizeStep))
    external = (one.step.external_on for one in shown if isinstance(one.step, AnnotateStep))
    found = asdict(page)
    found["reference"] = page.reference or next(filter(None, references), None)
    found["perturbation"] = page.perturbation or tuple(filter(None, external))
    found["count"] = page.count or None
    return found


def page_facts(recipe: Recipe, page: PageStep, key: str) -> Facts:
    """Return what decides a page; `key` is that of its last table."""
    stages = page_stages(recipe)
    design = {
        name: list(one) if isinstance(one, tuple) else one
        for name, one in page_design(recipe, page).items()
    }
    parameters = {**design, "tables": [stage.name for stage in stages]}
    if recipe.inputs.features:
        parameters["features"] = list(recipe.inputs.features)
    return Facts("page", parameters, {"what its tables are made of": key}, "", code_version())


def write_page(
    recipe: Recipe,
    plate: Plate,
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    digests: Mapping[str, str],
) -> QualityPage:
    """Write the page of a plate.

    Parameters
    ----------
    recipe : Recipe
    plate : Plate
    folder : Path
        That of the plate's files.
    tables : mapping of str to DataFrame
        Name → table, from the first to the last.
    digests : mapping of str to str
        Of the files that they are made of, by name.

    Raises
    ------
    InvalidArgument
        If the tables have no wells, no controls, or others than the design says.
    """
    from cellfolio.evaluation import PlateDesign
    from cellfolio.workflows.quality import with_columns, write_quality_page

    assert recipe.page is not None
    shown = {name: _with_features(recipe, table) for name, table in tables.items()}
    make: Callable[..., PlateDesign] = PlateDesign
    design = with_columns(make(**page_design(recipe, recipe.page)), list(shown.values()))
    return write_quality_page(plate.name, shown, folder / PAGES, design, inputs=digests)


def _with_features(recipe: Recipe, table: pd.DataFrame) -> object:
    """Return a table that tells which of its columns are features, if the recipe names them."""
    from cellfolio.profiles import to_anndata

    features = find_features(recipe, table)
    return table if features is None else to_anndata(table, features=features)
