"""The known truth can be measured in the images, on every plate."""

from __future__ import annotations

import numpy as np
import pytest

from cellfolio.simulation import Expectation, ExperimentDesign, known_truth
from cellfolio.simulation.camera import batches
from tests.simulation.conftest import Measured

TRUTH = known_truth(ExperimentDesign())

STRONG = [each for each in TRUTH.expectations if not 0.82 < each.factor < 1.22]
"""Effects that four sites show; weaker ones need a full experiment."""


def values(measured: Measured, name: str, quantity: str) -> list[float]:
    return [site[quantity] for plate in measured.values() for site in plate[name]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "expected", STRONG, ids=lambda each: f"{each.perturbation}-{each.quantity}"
)
def test_effects_go_the_expected_way(measured: Measured, expected: Expectation) -> None:
    change = np.mean(values(measured, expected.perturbation, expected.quantity)) - 1
    assert change * expected.direction > 0.08


@pytest.mark.slow
@pytest.mark.parametrize("name", ["simalisertib", "simbarasertib"])
def test_large_nuclei_are_separated_on_every_plate(measured: Measured, name: str) -> None:
    for plate in measured.values():
        treated = [site["nucleus_area"] for site in plate[name]]
        control = [site["nucleus_area"] for site in plate["DMSO"]]
        assert min(treated) > 1.2 * max(control)


@pytest.mark.slow
def test_the_inactive_one_is_not_separated(measured: Measured) -> None:
    for name in TRUTH.inactive:
        for quantity in measured["SIM00001"]["DMSO"][0]:
            control = values(measured, "DMSO", quantity)
            change = np.mean(values(measured, name, quantity)) - 1
            # Mean of four sites against the spread of twelve.
            assert abs(change) < 3 * np.std(control, ddof=1) * np.sqrt(1 / 4 + 1 / 12)


def test_plates_differ_in_brightness() -> None:
    design = ExperimentDesign(seed=7)
    gains = np.array([[each.gain for each in batches(design, plate)] for plate in design.plates])
    assert np.all(gains.std(axis=0) > 0.01)
    assert np.all((gains > 0.6) & (gains < 1.6))
