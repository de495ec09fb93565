"""Pictures of plates: every well in its place, in the colour of its value, and a legend for all."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from PIL import Image as Picture

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.plate_map import COLOURS, MOST_CATEGORIES, OTHER, draw_plate
from cellfolio.imaging.saving import png_bytes
from cellfolio.registries.plates import PLATES, Well


def labels(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def colours(figure: Figure) -> dict[tuple[int, int], str]:
    """Return the colour of each well that is drawn, by row and column, from its outline."""
    (wells,) = [one for one in figure.axes[0].collections if isinstance(one, PatchCollection)]
    found = {}
    shades = np.asarray(wells.get_facecolor())
    for path, shade in zip(wells.get_paths(), shades, strict=True):
        box = path.get_extents()
        row, column = round((box.y0 + box.y1) / 2), round((box.x0 + box.x1) / 2)
        found[row, column] = "#" + "".join(f"{round(part * 255):02X}" for part in shade[:3])
    return found


@pytest.mark.parametrize("size", PLATES)
def test_every_plate_has_its_wells_in_place(size: int) -> None:
    shape = PLATES[size]
    values = {well: "ab"[(well.row + well.column) % 2] for well in shape.wells()}
    figure = draw_plate(values, title=f"{size} wells", label="kind")
    assert colours(figure) == {
        (well.row, well.column): COLOURS["ab".index(value)] for well, value in values.items()
    }
    axes = figure.axes[0]
    ticks = [one.get_text() for one in axes.get_xticklabels()]
    assert ticks == [str(number) for number in range(1, shape.columns + 1)]
    assert len({one.get_text() for one in axes.get_yticklabels()}) == shape.rows
    assert axes.yaxis_inverted()  # A on top
    assert labels(figure) == [f"a ({(size + 1) // 2})", f"b ({size // 2})"]


@pytest.mark.parametrize("size", [6, 48, 384])
@pytest.mark.parametrize("numeric", [False, True])
def test_nothing_is_drawn_outside_or_over_something_else(size: int, numeric: bool) -> None:
    values: dict[Well, object] = {}
    for at, well in enumerate(PLATES[size].wells()):
        values[well] = at / 7 if numeric else f"compound {at % 30}"
    values.pop(Well(1, 1))
    values[Well(1, 2)] = None
    figure = draw_plate(values, PLATES[size], title="A plate", label="concentration in µM")
    with io.BytesIO() as file:
        figure.savefig(file, format="png")
        pixels = np.asarray(Picture.open(file).convert("L"))
    rim = np.concatenate([pixels[:3].ravel(), pixels[-3:].ravel()])
    sides = np.concatenate([pixels[:, :3].ravel(), pixels[:, -3:].ravel()])
    assert rim.min() == sides.min() == 255
    boxes = [figure.axes[0].get_tightbbox()] + [one.get_tightbbox() for one in figure.axes[1:]]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            assert one is not None
            assert other is not None
            assert not one.overlaps(other)


def test_wells_without_a_value_are_not_those_that_are_not_there() -> None:
    values = {Well(1, 1): "x", Well(1, 2): None, Well(2, 1): float("nan"), Well(2, 2): " "}
    figure = draw_plate(values, PLATES[6])
    assert labels(figure) == ["x (1)", "no value (3)", "no well (2)"]
    assert set(colours(figure)) == {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert list(colours(figure).values()).count("#FFFFFF") == 3


@given(st.dictionaries(st.sampled_from(list(PLATES[96].wells())), st.integers(0, 40), min_size=1))
@settings(max_examples=12, deadline=None)
def test_every_well_is_counted_once_in_the_legend(numbers: Mapping[Well, int]) -> None:
    figure = draw_plate({well: f"c{one}" for well, one in numbers.items()}, PLATES[96])
    counted = [int(one.rpartition("(")[2].rstrip(")")) for one in labels(figure)]
    assert sum(counted) == 96
    assert len(counted) <= MOST_CATEGORIES + 2


def test_of_many_categories_the_common_ones_are_shown() -> None:
    wells = list(PLATES[384].wells())
    values = {well: f"single {at}" for at, well in enumerate(wells)}
    values.update(dict.fromkeys(wells[:5], "five"))
    values.update(dict.fromkeys(wells[5:9], "four"))
    figure = draw_plate(values)
    assert labels(figure) == ["five (5)", "four (4)", "375 others (375)"]
    assert list(colours(figure).values()).count(OTHER) == 375


def test_numbers_have_a_scale() -> None:
    figure = draw_plate({Well(1, 1): 1, Well(1, 2): 2.5, Well(1, 3): np.float32(4)}, label="cells")
    assert figure.axes[1].get_ylabel() == "cells"
    assert figure.axes[1].get_ylim() == (1.0, 4.0)
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written == ["1", "2.5", "4"]


def test_doses_follow_the_logarithm_and_zero_has_a_colour_of_its_own() -> None:
    doses = {Well(1, 1): 0.0, Well(1, 2): 0.001, Well(1, 3): 10.0, Well(2, 1): 0.1}
    figure = draw_plate(doses, label="µM")
    assert figure.axes[1].get_yscale() == "log"
    assert figure.axes[1].get_ylim() == pytest.approx((0.001, 10.0))
    assert labels(figure) == ["0 (1)", "no well (2)"]
    assert colours(figure)[1, 1] == OTHER
    assert len(set(colours(figure).values())) == 4


def test_names_are_not_taken_for_formulas() -> None:
    figure = draw_plate({Well(1, 1): "$\\frac{", Well(1, 2): "a_b^c$"}, title="$x", label="$")
    assert png_bytes(figure)[1:4] == b"PNG"


def test_same_values_give_the_same_bytes() -> None:
    values: dict[Well, object] = {well: well.row for well in PLATES[24].wells()}
    assert png_bytes(draw_plate(values)) == png_bytes(draw_plate(values))


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no wells"):
        draw_plate({})
    with pytest.raises(InvalidArgument, match="C01 is not on the plate: a 6-well plate"):
        draw_plate({Well(3, 1): 1}, PLATES[6])
    with pytest.raises(InvalidArgument, match="dose are not all numbers"):
        draw_plate({Well(1, 1): "x"}, kind="numbers", label="dose")
    figure = draw_plate({Well(1, 1): 1, Well(1, 2): 2}, kind="categories")
    assert labels(figure)[:2] == ["1 (1)", "2 (1)"]
