"""Features equal those of cp_measure, and of an older CellProfiler on another image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cellfolio.measurement import MeasurementSettings, measure_objects
from tests.measurement.golden import read_site
from tests.measurement.human import Human, read_human

pytestmark = pytest.mark.slow

RANKED = "Correlation_RWC_"
"""cp_measure ranks the pixels of each object by themselves."""
CENTRED = "RadialDistribution_"
"""cp_measure takes another pixel as the centre, where several are as far from the edge."""
TIED = "Location_MaxIntensity_"


def near(one: pd.DataFrame, other: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    found = np.isclose(one[names], other[names], rtol=1e-6, atol=1e-11, equal_nan=True)
    return pd.DataFrame(found, columns=names)


def test_features_are_those_of_cp_measure(shared: Path) -> None:
    pytest.importorskip("cp_measure")
    from tests.measurement.peer import measure_by_peer

    site = read_site(shared, "dexamethasone_r01c21f05")
    images = {name: site.images[name] for name in ("AGP", "DNA")}
    found = measure_objects(site.labels["Nuclei"], images)
    peer = measure_by_peer(site.labels["Nuclei"], images)
    names = [str(name) for name in found if name in peer]
    assert len(names) == 473
    equal = near(found, peer, names)
    odd = [name for name in names if name.startswith((RANKED, CENTRED, TIED))]
    others = equal.drop(columns=odd)
    assert others.to_numpy().mean() > 0.995
    assert set(others.columns[~others.all()]) <= {
        name for name in names if name.startswith(("Texture_", "Correlation_"))
    }
    centred = [name for name in names if name.startswith(CENTRED)]
    assert 0.5 < equal[centred].to_numpy().mean() < 1
    # An object without a pair of pixels in a direction: 0 here and in CellProfiler.
    textures = [name for name in names if name.startswith("Texture_")]
    missing = peer[textures].isna().to_numpy()
    assert (found[textures].to_numpy()[missing] == 0).all()


@pytest.fixture(scope="module")
def human(shared: Path) -> Human:
    return read_human(shared)


def test_enough_nuclei_are_those_of_cellprofiler(human: Human) -> None:
    assert human.count == 289
    assert len(human.table) == 189


def test_other_tables_of_cellprofiler_are_the_same(human: Human) -> None:
    settings = MeasurementSettings(groups=("AreaShape", "Intensity", "Location"))
    found = measure_objects(human.labels, human.images, settings)
    # The older release tells angles in radians, and 45° of objects as wide as high as -45°.
    angles = np.radians(found["AreaShape_Orientation"])
    turned = np.isclose(angles, np.pi / 4) & (human.table["AreaShape_Orientation"] < 0)
    assert turned.sum() == 1
    found["AreaShape_Orientation"] = angles.where(~turned, -angles)
    names = [str(name) for name in found if name in human.table and name != "ObjectNumber"]
    assert len(names) == 98
    equal = near(found, human.table, names)
    wrong = set(equal.columns[~equal.all()])
    assert wrong <= {"AreaShape_Solidity", *(name for name in names if name.startswith(TIED))}
    # Its convex hulls have fewer pixels.
    hulls = found["AreaShape_Area"] / human.table["AreaShape_Solidity"]
    assert np.allclose(hulls, np.rint(hulls))
    assert (hulls <= found["AreaShape_ConvexArea"] + 1e-6).all()
    # Where the brightest pixel is another, its value is the same.
    assert equal["Intensity_MaxIntensity_DNA"].all()
