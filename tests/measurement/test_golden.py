"""Features equal those of CellProfiler on real sites, given its labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cellfolio.measurement import MeasurementSettings, Spectrum, measure_objects, scale_image
from tests.measurement.golden import KINDS, SITES, GoldenSite, read_site

pytestmark = pytest.mark.slow

TIED = "Location_MaxIntensity_"
"""Of pixels of one value CellProfiler takes the one that an unstable sort leaves last."""
DISCARDED = "Neighbors_"
"""Cells of nuclei at the border were neighbours in CellProfiler; the labels do not have them."""


@pytest.fixture(scope="module", params=SITES)
def site(request: pytest.FixtureRequest, shared: Path) -> GoldenSite:
    return read_site(shared, request.param)


@pytest.fixture(scope="module")
def found(site: GoldenSite) -> dict[str, pd.DataFrame]:
    spectra = {name: Spectrum.of(scale_image(image)) for name, image in site.images.items()}
    return {
        kind: measure_objects(
            site.labels[kind],
            site.images,
            MeasurementSettings(neighbor_distance=1 if kind == "Nuclei" else 5),
            spectra=spectra,
        )
        for kind in KINDS
    }


def differing(found: pd.DataFrame, golden: pd.DataFrame) -> set[str]:
    shared_columns = [name for name in found.columns if name in golden.columns]
    one, other = found[shared_columns], golden[shared_columns]
    near = np.isclose(one, other, rtol=1e-6, atol=1e-11, equal_nan=True)
    return {name for at, name in enumerate(shared_columns) if not near[:, at].all()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_feature_is_that_of_cellprofiler(
    site: GoldenSite, found: dict[str, pd.DataFrame], kind: str
) -> None:
    golden = site.tables[kind]
    wrong = differing(found[kind], golden)
    assert {name for name in wrong if not name.startswith((TIED, DISCARDED))} == set()
    assert len(wrong) <= 0.01 * len(golden.columns)


@pytest.mark.parametrize("kind", KINDS)
def test_no_feature_is_missing(site: GoldenSite, found: dict[str, pd.DataFrame], kind: str) -> None:
    missing = set(site.tables[kind].columns) - set(found[kind].columns)
    told_by_segmentation = ("Parent_", "Children_", "Number_", "Location_Center_Z")
    assert {name for name in missing if not name.startswith(told_by_segmentation)} == set()


def test_cells_away_from_discarded_ones_have_the_same_neighbours(
    site: GoldenSite, found: dict[str, pd.DataFrame]
) -> None:
    name = "Neighbors_NumberOfNeighbors_5"
    same = found["Cells"][name].to_numpy() == site.tables["Cells"][name].to_numpy()
    fewer = found["Cells"][name].to_numpy() <= site.tables["Cells"][name].to_numpy()
    assert fewer.all()
    assert same.mean() > 0.8
    assert "Neighbors_NumberOfNeighbors_1" not in differing(found["Nuclei"], site.tables["Nuclei"])


def test_twice_gives_the_same_bytes(site: GoldenSite, found: dict[str, pd.DataFrame]) -> None:
    again = measure_objects(
        site.labels["Nuclei"], site.images, MeasurementSettings(neighbor_distance=1)
    )
    assert again.to_numpy().tobytes() == found["Nuclei"].to_numpy().tobytes()
