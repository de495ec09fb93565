"""Layouts, and designs that cannot be simulated."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.simulation import (
    DMSO,
    LIBRARY,
    Acquisition,
    Effect,
    ExperimentDesign,
    Perturbation,
    Plate,
    WellDesign,
    known_truth,
    plan_revision,
    simulate_site,
)


@pytest.mark.parametrize(
    ("shape", "perturbations"),
    [((2, 3), LIBRARY[:4]), ((3, 4), LIBRARY), ((8, 12), LIBRARY), ((16, 24), LIBRARY)],
)
def test_every_plate_has_every_perturbation_and_controls(
    shape: tuple[int, int], perturbations: tuple[Perturbation, ...]
) -> None:
    design = ExperimentDesign(plate_shape=shape, perturbations=perturbations)
    for plate in design.plates:
        wells = design.layout(plate)
        counts = Counter(well.perturbation.name for well in wells)
        assert len({well.well for well in wells}) == len(wells) == shape[0] * shape[1]
        assert all(counts[each.name] == design.replicates for each in perturbations)
        assert counts["DMSO"] >= max(2, len(wells) // 4)


def test_well_names_reach_the_last_well_of_a_384_well_plate() -> None:
    design = ExperimentDesign(plate_shape=(16, 24))
    wells = design.layout(design.plates[0])
    assert (wells[0].well, wells[24].well, wells[-1].well) == ("A01", "B01", "P24")


def test_layout_depends_on_the_seed_and_on_the_plate_only_if_shuffled() -> None:
    same = ExperimentDesign(seed=3)
    assert same.layout(same.plates[0]) == same.layout(same.plates[1])
    assert {plate.plate_map for plate in same.plates} == {"SIM-MAP-01"}
    other = ExperimentDesign(seed=4)
    assert same.layout(same.plates[0]) != other.layout(other.plates[0])
    shuffled = ExperimentDesign(seed=3, shuffle_plates=True)
    assert shuffled.layout(shuffled.plates[0]) != shuffled.layout(shuffled.plates[1])
    assert len({plate.plate_map for plate in shuffled.plates}) == 3


def test_truth_names_what_acts_and_what_belongs_together() -> None:
    truth = known_truth(ExperimentDesign())
    assert truth.inactive == ("simplacib",)
    assert len(truth.active) == 8
    assert ("simalisertib", "simbarasertib") in truth.same_moa
    assert ("simrotenone", "simpiericidin") in truth.same_moa
    directions = {(each.perturbation, each.quantity): each.direction for each in truth.expectations}
    assert directions["simbarasertib", "nucleus_area"] == 1
    assert directions["simatrunculin", "actin"] == -1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"seed": -1}, "seed is out of range: expected a whole number from 0 .* found -1"),
        ({"seed": 1.5}, "seed is out of range"),
        ({"plate_count": 0}, "plate_count .* from 1 to 99, found 0"),
        ({"plate_count": True}, "plate_count"),
        ({"site_count": 26}, "site_count .* from 1 to 25, found 26"),
        ({"plate_shape": (17, 24)}, r"plate_shape\[0\] .* from 1 to 16, found 17"),
        ({"plate_shape": (6,)}, "plate_shape .* two whole numbers, found"),
        ({"image_shape": (256, 32)}, r"image_shape\[1\] .* from 64 to 4096, found 32"),
        ({"plate_shape": (2, 3)}, "at least 11 wells for 9 perturbations .* found 6"),
        ({"perturbations": LIBRARY[:1] * 2}, "named twice: .* found simalisertib"),
        ({"perturbations": (DMSO,)}, "named twice: .* found DMSO"),
    ],
)
def test_bad_designs_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        ExperimentDesign(**values)


def test_small_plate_hint_tells_a_way_out() -> None:
    with pytest.raises(InvalidArgument) as caught:
        ExperimentDesign(plate_shape=(2, 3))
    assert "LIBRARY[:4]" in caught.value.hint
    assert ExperimentDesign(plate_shape=(2, 3), perturbations=LIBRARY[:4]).replicates == 1


def test_bad_effects_and_acquisitions_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"actin .* from 0\.1 to 4, found 9"):
        Effect(actin=9)
    with pytest.raises(InvalidArgument, match=r"number .* from 1 .* found 0"):
        Acquisition(0)
    with pytest.raises(InvalidArgument, match=r"defocus .* from 0 to 20 .* found -1"):
        Acquisition(1, -1.0)


def test_unknown_places_and_revisions_are_refused(small: ExperimentDesign) -> None:
    plate = small.plates[0]
    well = small.layout(plate)[0]
    with pytest.raises(InvalidArgument, match=r"no such plate: .* found SIM00009"):
        simulate_site(small, Plate(8, "SIM00009", "SIM-MAP-01"), well, 1)
    with pytest.raises(InvalidArgument, match=r"no such well: .* found H12 with DMSO"):
        simulate_site(small, plate, WellDesign(8, 12, DMSO), 1)
    with pytest.raises(InvalidArgument, match="no such site: expected 1 to 2, found 3"):
        simulate_site(small, plate, well, 3)
    with pytest.raises(InvalidArgument, match="no such revision: expected one of 1, 2, found 3"):
        plan_revision(small, 3)
