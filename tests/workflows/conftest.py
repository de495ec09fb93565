"""Recipes that tests run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cellfolio.workflows.profiling.recipe import Recipe
from cellfolio.workflows.profiling.toml_recipe import read_recipe
from tests.workflows.recipes import cells_of


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Recipe]:
    """Makes a recipe for three small plates of profiles."""
    rng = np.random.default_rng(4)
    folder = tmp_path / "small"
    folder.mkdir()
    wells = [f"{row}{column:02d}" for row in "ABCD" for column in range(1, 7)]
    drugs = ["DMSO", "a", "b", "c"] * 6
    pd.DataFrame({"well_position": wells, "drug": drugs}).to_csv(folder / "map.csv", index=False)
    for plate in ("P1", "P2", "P3"):
        table = cells_of(plate, wells, rng).groupby(["Metadata_Plate", "Metadata_Well"]).median()
        table.reset_index().to_csv(folder / f"{plate}.csv", index=False)

    def make(
        more: str = "",
        method: str = "standardize",
        output: str = "",
        quality: str = "page = false",
    ) -> Recipe:
        text = f"""
        [input]
        profiles = "{{plate}}.csv"
        plates = ["P1", "P2", "P3"]
        [annotate]
        plate_map = "map.csv"
        [[normalize]]
        method = "{method}"
        reference = "Metadata_drug == 'DMSO'"
        {more}
        [output]
        {output}
        [quality]
        {quality}
        """
        (folder / "recipe.toml").write_text(text)
        return read_recipe(folder / "recipe.toml")

    return make
