"""Pictures of a plate's quality: all that was found is drawn, within the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cellfolio.evaluation import PlateDesign, PlateQuality, plate_quality
from cellfolio.imaging.quality_figures import (
    draw_controls,
    draw_missing,
    draw_positions,
    draw_replicates,
    draw_selected,
)
from cellfolio.imaging.saving import png_bytes
from tests.profiles.plates import CONTROLS, PLACES, make_plate

DESIGN = PlateDesign(("Metadata_drug",), CONTROLS)


def odd_plate(kind: str) -> dict[str, pd.DataFrame]:
    plate = make_plate()
    features = list(plate.columns[4:])
    if kind == "one feature":
        plate = plate[list(plate.columns[:5])]
    if kind == "constant":
        plate[features] = 1.0
    if kind == "wild":
        plate.loc[plate["Metadata_drug"] == "DMSO", features[:9]] *= 1e6
    if kind == "one drug":
        plate["Metadata_drug"] = np.where(plate["Metadata_drug"] == "DMSO", "DMSO", "taxol")
    if kind == "nothing measured":
        plate[features] = np.nan
    if kind == "long names":
        plate = plate.rename(
            columns={one: f"{one[:24]}{'Long' * 20}{one[24:]}" for one in features}
        )
    selected = plate.drop(columns=list(plate.columns[5:9]))
    return {"raw": plate, "selected": selected}


def figures(found: PlateQuality) -> list[Figure]:
    assert found.replicates is not None
    drawn = [draw_controls(found), draw_missing(found), draw_selected(found.features)]
    if len(found.replicates.perturbations):
        drawn.append(draw_replicates(found.replicates))
    return [*drawn, draw_positions(found.positions)]


@pytest.mark.parametrize(
    "kind",
    [
        "good",
        *(
            pytest.param(kind, marks=pytest.mark.slow)
            for kind in ("one feature", "constant", "wild", "one drug", "nothing measured")
        ),
        "long names",
    ],
)
def test_all_words_are_within_the_picture(kind: str) -> None:
    for figure in figures(plate_quality(odd_plate(kind), DESIGN, places=PLACES)):
        png_bytes(figure, dpi=int(figure.dpi))  # places are known after that
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert drawn.x0 > -0.02
        assert drawn.y0 > -0.02
        assert drawn.x1 < width + 0.02
        assert drawn.y1 < height + 0.02


def texts(figure: Figure) -> list[str]:
    return [one.get_text() for axes in figure.axes for one in axes.texts]


def test_fields_tell_how_many_features_are_left() -> None:
    found = plate_quality(odd_plate("good"), DESIGN)
    told = [tuple(map(int, one.split("/"))) for one in texts(draw_selected(found.features))]
    counts = found.features.groupby(["compartment", "group", "channel"])["selected"]
    assert sorted(told) == sorted(zip(counts.sum(), counts.size(), strict=True))
    assert sum(left for left, _ in told) == 36


def test_histograms_have_every_perturbation_and_draw() -> None:
    found = plate_quality(odd_plate("good"), DESIGN).replicates
    assert found is not None
    (axes,) = draw_replicates(found).axes
    shares: Any = [sum(one.get_height() for one in axes.containers[0])]
    assert shares == pytest.approx([100])
    labels = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert sorted(labels)[1:] == ["replicates", "wells of different perturbations"]
    assert f"chance: {found.threshold:.2f}" in sorted(labels)[0]
