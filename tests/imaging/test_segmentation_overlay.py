"""Pictures of segmented sites show outlines in their colours, and count objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.colours import parse_colour
from cellfolio.imaging.contrast import to_bytes
from cellfolio.imaging.outlines import find_outlines
from cellfolio.imaging.picture import Picture
from cellfolio.imaging.segmentation_overlay import LINES, draw_segmentation
from tests.measurement.golden import read_site

Array = NDArray[Any]


def site(shape: tuple[int, int] = (60, 90)) -> tuple[dict[str, Array], dict[str, Array]]:
    y, x = np.mgrid[: shape[0], : shape[1]]
    cells, nuclei = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for number, column in ((3, 20), (9, 60)):
        away = (y - 30) ** 2 + (x - column) ** 2
        cells[away < 15**2] = number
        nuclei[away < 6**2] = number
    images = {
        "Brightfield": np.full(shape, 100, np.uint16),
        "DNA": (nuclei > 0).astype(np.uint16) * 900,
        "RNA": (cells > 0).astype(np.uint16) * 500,
    }
    return images, {"Cells": cells, "Cytoplasm": cells * (nuclei == 0), "Nuclei": nuclei}


def where(picture: Picture, colour: str) -> Array:
    found: Array = (picture.pixels == to_bytes(np.asarray(parse_colour(colour), "f4"))).all(axis=-1)
    return found


def test_each_kind_has_its_outlines() -> None:
    images, labels = site()
    picture = draw_segmentation(images, labels)
    top = picture.pixels.shape[0] - 6 - 60
    for kind, colour in LINES.items():
        drawn = where(picture, colour)[top : top + 60, 6:96]
        assert np.array_equal(drawn, find_outlines(labels[kind])), kind
    words = {one.text for one in picture.words}
    assert words == {"DNA", "RNA", "Cells (2)", "Nuclei (2)"}


def test_objects_are_counted_though_a_smaller_picture_loses_some() -> None:
    images, _ = site((400, 400))
    dots = np.zeros((400, 400), np.uint16)
    dots[5::50, 5::50] = np.arange(1, 65).reshape(8, 8)
    picture = draw_segmentation(images, {"Vesicles": dots}, side=160)
    assert max(picture.pixels.shape) < 220
    assert "Vesicles (64)" in {one.text for one in picture.words}


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1)])
def test_odd_sites_are_drawn(shape: tuple[int, int]) -> None:
    for value in (0, 65535):
        image = np.full(shape, value, np.uint16)
        for number in (0, 1):
            assert draw_segmentation({"A": image}, {"Cells": np.full(shape, number)}).pixels.size


def test_channels_can_be_chosen_and_misspelled() -> None:
    images, labels = site()
    assert [one.name for one in draw_segmentation(images, labels).channels] == ["DNA", "RNA"]
    chosen = draw_segmentation(images, labels, channels=("RNA",))
    assert [one.name for one in chosen.channels] == ["RNA"]
    with pytest.raises(InvalidArgument, match="no channel 'DN'") as found:
        draw_segmentation(images, labels, channels=("DN",))
    assert "DNA" in str(found.value.hint)


def test_what_does_not_fit_is_named() -> None:
    images, labels = site()
    with pytest.raises(InvalidArgument, match="Nuclei is of shape"):
        draw_segmentation(images, {"Nuclei": labels["Nuclei"][1:]})
    with pytest.raises(InvalidArgument, match="no image"):
        draw_segmentation({}, labels)


@pytest.mark.slow
def test_real_site_is_drawn_the_same_twice(shared: Path) -> None:
    real = read_site(shared, "DMSO_r04c14f05")
    one, other = (draw_segmentation(real.images, real.labels) for _ in range(2))
    assert one.pixels.tobytes() == other.pixels.tobytes()
    assert "Cells (98)" in {word.text for word in one.words}
