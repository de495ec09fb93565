"""A table of a plate's images, as it is written when plates are measured."""

from __future__ import annotations

import numpy as np
import pandas as pd


def make_images(seed: int = 0, *, plate: str = "P1", wells: int = 12) -> pd.DataFrame:
    """Return a good plate: four sites in each well of a row, two channels."""
    rng = np.random.default_rng(seed)
    count = 4 * wells
    table = pd.DataFrame(
        {
            "Metadata_Plate": plate,
            "Metadata_Well": np.repeat([f"A{column:02d}" for column in range(1, wells + 1)], 4),
            "Metadata_Site": np.tile(np.arange(1, 5), wells),
            "Count_Cells": rng.poisson(120, count),
        }
    )
    for channel, slope in (("DNA", -1.9), ("RNA", -2.1)):
        table[f"ImageQuality_PowerLogLogSlope_{channel}"] = slope + rng.uniform(-0.1, 0.1, count)
        table[f"ImageQuality_PercentMaximal_{channel}"] = rng.uniform(0.0001, 0.02, count)
        table[f"ImageQuality_MinIntensity_{channel}"] = 0.003
        table[f"ImageQuality_MaxIntensity_{channel}"] = rng.uniform(0.3, 1, count)
    return table


def lower(table: pd.DataFrame, at: int, name: str, by: float) -> None:
    """Lower a value of a row."""
    table[name] = table[name].to_numpy() - by * (np.arange(len(table)) == at)
