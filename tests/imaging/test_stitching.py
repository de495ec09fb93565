"""Sites are put where they were taken: cut a picture into sites, and it comes back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.stitching import Layout, place_sites, place_wells, shrink, stitch
from cellfolio.registries.plates import Well

PIXEL = 5.979760809567617e-07
"""Metres of a pixel of CPJUMP1."""


def scene(rows: int, columns: int) -> NDArray[np.uint16]:
    return np.random.default_rng(1).integers(1, 65535, (rows, columns)).astype(np.uint16)


def cut(
    picture: NDArray[np.uint16], size: int, step: int
) -> dict[int, tuple[tuple[float, float], NDArray[np.uint16]]]:
    """Return sites of a picture by number, with positions in metres, Y upwards, from its middle."""
    starts = range(0, picture.shape[0] - size + 1, step)
    middle = picture.shape[0] / 2
    corners = [(top, left) for top in starts for left in starts]
    return {
        number: (
            ((left + size / 2 - middle) * PIXEL, (middle - top - size / 2) * PIXEL),
            picture[top : top + size, left : left + size],
        )
        for number, (top, left) in enumerate(corners, 1)
    }


@given(st.integers(2, 12), st.integers(1, 4), st.integers(0, 3), st.sampled_from(["last", "mean"]))
@settings(max_examples=60)
def test_sites_cut_from_a_picture_give_it_back(
    size: int, count: int, overlap: int, how: str
) -> None:
    step = max(1, size - overlap)
    picture = scene(step * (count - 1) + size, step * (count - 1) + size)
    sites = cut(picture, size, step)
    positions = {number: position for number, (position, _) in sites.items()}
    layout = place_sites(positions, (PIXEL, PIXEL), (size, size))
    tiles = [(number, tile) for number, (_, tile) in sites.items()]
    found = stitch(layout, tiles, overlap=how)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found, picture)
    assert found.dtype == picture.dtype


def test_positions_of_cpjump1_lie_side_by_side() -> None:
    step = 2 * 0.000322907  # from the Image.csv of the data set, 1,080 pixels
    layout = place_sites(
        {1: (-step / 2, step / 2), 2: (step / 2, step / 2)}, (PIXEL, PIXEL), (1080, 1080)
    )
    assert layout.offsets == {1: (0, 0), 2: (0, 1080)}


def test_later_sites_cover_earlier_ones_or_the_mean_is_taken() -> None:
    layout = Layout({1: (0, 0), 2: (0, 1)}, (1, 4))
    one, two = np.array([[1, 1]], np.uint8), np.array([[4, 4]], np.uint8)
    assert stitch(layout, [(1, one), (2, two)]).tolist() == [[1, 4, 4, 0]]
    assert stitch(layout, [(2, two), (1, one)]).tolist() == [[1, 1, 4, 0]]
    assert stitch(layout, [(1, one), (2, two)], overlap="mean").tolist() == [[1, 2, 4, 0]]


def test_wells_stand_in_rows_and_columns() -> None:
    layout = place_wells([Well(2, 3), Well(2, 4), Well(4, 3)], (3, 5), gap=2)
    assert layout.offsets == {Well(2, 3): (0, 0), Well(2, 4): (0, 7), Well(4, 3): (10, 0)}
    assert layout.shape == (13, 12)


@given(st.integers(1, 5), st.integers(5, 20), st.integers(5, 20))
def test_shrinking_takes_the_mean_of_squares(factor: int, rows: int, columns: int) -> None:
    picture = scene(rows, columns)
    small = shrink(picture, factor)
    assert small.shape == (rows // factor, columns // factor)
    for row, column in np.ndindex(small.shape):
        square = picture[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
        assert small[row, column] == round(square.mean())


def test_what_cannot_be_placed_is_refused() -> None:
    one = np.zeros((2, 2), np.uint8)
    layout = Layout({1: (0, 0), 2: (1, 1)}, (2, 2))
    for tiles, message in (
        ([(3, one)], "3 has no place"),
        ([(2, one)], "reaches over"),
        ([(1, one), (2, one[:1, :1].astype(float))], "type float64; expected two dimensions and u"),
        ([(1, np.zeros((2, 2, 3), np.uint8))], r"shape \(2, 2, 3\)"),
        ([], "no tiles"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            stitch(layout, tiles)
    with pytest.raises(InvalidArgument, match="no sites"):
        place_sites({}, (1, 1), (2, 2))
    with pytest.raises(InvalidArgument, match="numbers above 0"):
        place_sites({1: (0, 0)}, (0, 1), (2, 2))
    with pytest.raises(InvalidArgument, match="positions and pixel size do not fit"):
        place_sites({1: (0, 0), 2: (1, 1)}, (1e-9, 1e-9), (2, 2))
    with pytest.raises(InvalidArgument, match="cannot be made 9 times smaller"):
        shrink(one, 9)
