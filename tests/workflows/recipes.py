"""What tests of recipes share: cells that are made up, and what a folder holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from cellfolio.workflows.profiling.recipe import Recipe
from cellfolio.workflows.profiling.toml_recipe import read_recipe

SELECT = """
[[feature_select]]
operations = ["variance_threshold", "correlation_threshold"]
level = "{}"
"""


def cells_of(plate: str, wells: list[str], rng: np.random.Generator) -> pd.DataFrame:
    """Return three cells for each well, some of whose features say the same or nothing."""
    rows = 3 * len(wells)
    base = rng.normal(size=(rows, 6)).cumsum(axis=1) * 100
    names = [f"{part}_Texture_{n}" for part in ("Cells", "Cytoplasm", "Nuclei") for n in range(4)]
    values = base[:, rng.integers(0, 6, 12)] * rng.uniform(1, 2, 12) + rng.normal(size=(rows, 12))
    table = pd.DataFrame(values, columns=names)
    table["Nuclei_Correlation_Manders_AGP_DNA"] = rng.normal(size=rows)
    table["Cells_AreaShape_EulerNumber"] = 1.0
    table.insert(0, "Metadata_Plate", plate)
    table.insert(1, "Metadata_Well", np.repeat(wells, 3))
    return table


def make_small(folder: Path) -> Callable[..., Recipe]:
    """Write three small plates of profiles; return what makes a recipe for them."""
    rng = np.random.default_rng(4)
    folder.mkdir(parents=True)
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


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files, without what records tell of times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            data = path.read_bytes()
            if path.suffix == ".json":
                document = json.loads(data)
                del document["not_compared"]
                data = json.dumps(document).encode()
            found[path.relative_to(folder).as_posix()] = data
    return found
