"""One small experiment, simulated and written once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellfolio.simulation import LIBRARY, ExperimentDesign, simulate_site, write_experiment
from tests.simulation.measuring import quantities

Measured = dict[str, dict[str, list[dict[str, float]]]]
"""Plate, perturbation, then one dictionary of quantities per site."""

SMALL = ExperimentDesign(
    seed=11,
    plate_count=1,
    plate_shape=(2, 3),
    site_count=2,
    image_shape=(96, 128),
    perturbations=LIBRARY[2:6],
)


@pytest.fixture(scope="session")
def small() -> ExperimentDesign:
    """Return a design of six wells."""
    return SMALL


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Write both revisions of the small design, each to a folder of its own."""
    root = tmp_path_factory.mktemp("written")
    return {
        number: write_experiment(SMALL, root / str(number), revision=number).folder
        for number in (1, 2)
    }


@pytest.fixture(scope="session")
def measured() -> Measured:
    """Measure every site of two plates, relative to the plate's negative controls."""
    design = ExperimentDesign(seed=7, plate_count=2, site_count=1)
    result: Measured = {}
    for plate in design.plates:
        found: dict[str, list[dict[str, float]]] = {}
        for well in design.layout(plate):
            site = simulate_site(design, plate, well, 1)
            found.setdefault(well.perturbation.name, []).append(quantities(site))
        control = {key: np.mean([each[key] for each in found["DMSO"]]) for key in found["DMSO"][0]}
        result[plate.barcode] = {
            name: [{key: float(each[key] / control[key]) for key in each} for each in sites]
            for name, sites in found.items()
        }
    return result
