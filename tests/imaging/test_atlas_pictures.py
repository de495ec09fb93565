"""Pictures of slices and of cells: what is drawn where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

from cellfolio.errors import InvalidArgument
from cellfolio.formats.slices import Side, VolumeSlice
from cellfolio.imaging.saving import png_bytes, save_figure
from cellfolio.imaging.scatter import ScatterStyle, draw_classes, draw_values
from cellfolio.imaging.slices import boundaries, draw_slice


@given(st.data())
def test_outlines_are_exactly_the_edges(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    size = rows * columns
    values = data.draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    labels = np.array(values).reshape(rows, columns)
    found = set()
    for (x, y), (x2, y2) in boundaries(labels):
        assert (x == x2) != (y == y2)
        pieces = int(abs(x2 - x) + abs(y2 - y))
        step = np.sign([x2 - x, y2 - y])
        found |= {(x + step[0] * n, y + step[1] * n, bool(step[0])) for n in range(pieces)}
    expected = {
        (float(c + 1), float(r), False)
        for r in range(rows)
        for c in range(columns - 1)
        if labels[r, c] != labels[r, c + 1]
    } | {
        (float(c), float(r + 1), True)
        for r in range(rows - 1)
        for c in range(columns)
        if labels[r, c] != labels[r + 1, c]
    }
    assert found == expected


def a_slice(dtype: str = "int16") -> VolumeSlice:
    data = np.zeros((4, 6), dtype=dtype)
    data[1:3, 2:5] = 7
    down = Side(("S", "I"), "I", -0.5, 7.5)
    return VolumeSlice(data, "coronal", 3, "6 mm P", down, Side(("L", "R"), "R", 1.0, 4.0))


def test_slice_has_mm_letters_and_outlines_in_place() -> None:
    shown = a_slice()
    (axes,) = draw_slice(shown, (shown.data > 0).astype(int), {1: "#FF0000"}).axes
    assert (axes.get_xlim(), axes.get_ylim()) == ((1, 4), (7.5, -0.5))
    assert axes.get_aspect() == 1
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("mm to right", "mm to inferior")
    assert [text.get_text() for text in axes.texts] == ["S", "I", "L", "R"]
    assert axes.get_title() == "coronal 3, 6 mm P"
    (lines,) = (one for one in axes.collections if isinstance(one, LineCollection))
    corners = {tuple(corner) for line in lines.get_segments() for corner in np.asarray(line)}
    assert corners == {(2.0, 1.5), (3.5, 1.5), (2.0, 5.5), (3.5, 5.5)}
    grey, coloured = axes.images
    assert np.asarray(coloured.get_array())[1, 2].tolist()[:3] == [1, 0, 0]
    assert not np.asarray(coloured.get_array())[0, 0].any()
    assert grey.get_clim()[1] > 7


def test_slices_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"same grid: expected \(4, 6\), found \(6, 4\)"):
        draw_slice(a_slice(), np.zeros((6, 4), dtype=int))
    with pytest.raises(InvalidArgument, match="a slice of complex64"):
        draw_slice(a_slice("complex64"))


def drawn_colours(axes: Any) -> dict[tuple[float, ...], str]:
    found = {}
    for group in axes.collections:
        for place, colour in zip(group.get_offsets(), group.get_facecolors(), strict=False):
            found[tuple(map(float, place))] = to_hex(colour)
    return found


def test_classes_have_their_colours() -> None:
    classes = pd.Categorical(["a", "b", None, "a"], categories=["a", "b", "unused"])
    style = ScatterStyle(y_down=True)
    figure = draw_classes([0, 1, 2, np.nan], [5, 6, 7, 8], classes, {"a": "#FF0000"}, style)
    (axes,) = figure.axes
    found = drawn_colours(axes)
    assert found == {(0, 5): "#ff0000", (1, 6): found[1, 6], (2, 7): "#d0d0d0"}
    assert found[1, 6] not in ("#ff0000", "#d0d0d0")
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["a  2", "b  1", "not known  1"]
    assert axes.yaxis_inverted()
    assert axes.get_aspect() == 1


def test_legend_is_bounded() -> None:
    classes = [f"{n:03d} a class with a name of many letters" for n in range(300)] + ["often"] * 9
    (axes,) = draw_classes(np.arange(309), np.arange(309), classes).axes
    legend = axes.get_legend()
    assert legend is not None
    lines = [text.get_text() for text in legend.get_texts()]
    assert len(lines) == 17
    assert lines[0] == "often  9"
    assert lines[-1] == "285 more  285"
    assert max(map(len, lines)) < 40


def test_numbers_have_a_bar_and_high_ones_are_in_front() -> None:
    figure = draw_values([0, 1, 2], [0, 0, 0], [5.0, np.nan, 1.0], "Snap25 (log2)")
    axes, bar = figure.axes
    assert bar.get_ylabel() == "Snap25 (log2)"
    order = [tuple(place) for place in np.asarray(axes.collections[-1].get_offsets())]
    assert order == [(2, 0), (0, 0)]
    assert drawn_colours(axes)[1, 0] == "#d0d0d0"
    draw_values([0, 1], [0, 0], [0, 0])
    draw_values([0], [0], [np.nan])


def test_wrong_lengths_and_no_places() -> None:
    with pytest.raises(InvalidArgument, match="expected 3 places, found 2 x and 2 y"):
        draw_classes([0, 1], [0, 1], ["a", "b", "c"])
    with pytest.raises(InvalidArgument, match="no cell has a place"):
        draw_values([np.nan], [0], [1])


def test_many_cells_make_small_files_and_the_same_bytes(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    x, y = chance.normal(size=(2, 20_000))
    classes = chance.choice(["a", "b"], 20_000)
    save_figure(draw_classes(x, y, classes), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size < 700_000  # dots are pixels
    first, again = (png_bytes(draw_classes(x, y, classes), dpi=50) for _ in range(2))
    assert first == again
