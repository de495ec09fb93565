"""What tests of recipes share: cells that are made up, and what a folder holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

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
