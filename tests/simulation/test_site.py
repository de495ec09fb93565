"""One field of view: determinism, consistent labels, plausible images."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.simulation import (
    CHANNELS,
    Acquisition,
    ExperimentDesign,
    Plate,
    SiteImages,
    WellDesign,
    simulate_site,
)
from cellfolio.simulation.anatomy import map_anatomy
from cellfolio.simulation.camera import Batch, expose
from cellfolio.simulation.cells import draw_cells
from cellfolio.simulation.perturbations import Effect

Place = tuple[Plate, WellDesign, int]


def places(design: ExperimentDesign) -> list[Place]:
    return [
        (plate, well, site)
        for plate in design.plates
        for well in design.layout(plate)
        for site in range(1, design.site_count + 1)
    ]


def content(result: SiteImages) -> tuple[object, ...]:
    arrays = (result.images, result.nuclei, result.cells)
    return (*(array.tobytes() for array in arrays), result.objects)


def test_order_and_workers_do_not_matter(small: ExperimentDesign) -> None:
    todo = places(small)
    forwards = {place: content(simulate_site(small, *place)) for place in todo}
    backwards = {place: content(simulate_site(small, *place)) for place in reversed(todo)}
    with ThreadPoolExecutor(4) as workers:
        results = workers.map(lambda place: content(simulate_site(small, *place)), todo)
        together = dict(zip(todo, results, strict=True))
    assert forwards == backwards == together
    assert len({each[0] for each in forwards.values()}) == len(todo)


def test_another_seed_gives_other_images(small: ExperimentDesign) -> None:
    other = replace(small, seed=12)
    first, second = (simulate_site(each, *places(each)[0]) for each in (small, other))
    assert not np.array_equal(first.images, second.images)


def test_more_plates_leave_the_first_ones_as_they_are(small: ExperimentDesign) -> None:
    place = places(small)[0]
    longer = replace(small, plate_count=5)
    assert content(simulate_site(small, *place)) == content(simulate_site(longer, *place))


def test_shapes_types_and_read_only(small: ExperimentDesign) -> None:
    result = simulate_site(small, *places(small)[0])
    assert result.images.shape == (len(CHANNELS), 96, 128)
    assert result.images.dtype == result.nuclei.dtype == result.cells.dtype == np.uint16
    assert result.nuclei.shape == result.cells.shape == (96, 128)
    assert np.array_equal(result.channel("Mito"), result.images[4])
    with pytest.raises(ValueError, match="read-only"):
        result.images[0, 0, 0] = 1
    with pytest.raises(InvalidArgument, match=r"expected one of DNA, RNA, .* found 'GFP'"):
        result.channel("GFP")


def test_labels_are_consistent(small: ExperimentDesign) -> None:
    for place in places(small):
        result = simulate_site(small, *place)
        nucleus = result.nuclei > 0
        assert np.array_equal(result.nuclei[nucleus], result.cells[nucleus])
        expected = list(range(1, len(result.objects) + 1))
        assert [each.label for each in result.objects] == expected
        for labels in (result.nuclei, result.cells):
            assert [number for number in np.unique(labels).tolist() if number] == expected
        for each in result.objects:
            assert each.nucleus_area == np.count_nonzero(result.nuclei == each.label)
            assert each.cell_area == np.count_nonzero(result.cells == each.label)
            assert each.cell_area > each.nucleus_area or each.touches_border
            rows, columns = np.nonzero(result.nuclei == each.label)
            assert (each.y, each.x) == pytest.approx((rows.mean(), columns.mean()))


def test_every_cell_is_one_piece() -> None:
    shape = (256, 256)
    anatomy = map_anatomy(draw_cells(np.random.default_rng(5), shape, Effect(), 1.2), shape)
    for number in range(1, int(anatomy.cells.max()) + 1):
        body = anatomy.cells == number
        grown = body & (anatomy.nuclei == number)
        size = -1
        while size != int(grown.sum()):
            size = int(grown.sum())
            for axis in (0, 1):
                grown = grown | np.roll(grown, 1, axis) | np.roll(grown, -1, axis)
            grown &= body
        assert np.array_equal(grown, body)


def test_stains_are_where_they_belong() -> None:
    design = ExperimentDesign(seed=7)
    plate = design.plates[0]
    well = next(each for each in design.layout(plate) if each.control_type == "negcon")
    result = simulate_site(design, plate, well, 1)
    nucleus = result.nuclei > 0
    grown = nucleus.copy()
    for shift, axis in ((4, 0), (-4, 0), (4, 1), (-4, 1)):
        grown |= np.roll(nucleus, shift, axis)
    cytoplasm = grown & (result.cells > 0) & ~nucleus
    inside = {name: float(result.channel(name)[nucleus].mean()) for name in CHANNELS}
    around = {name: float(result.channel(name)[cytoplasm].mean()) for name in CHANNELS}
    assert inside["DNA"] > 3 * around["DNA"]
    assert all(around[name] > 1.2 * inside[name] for name in ("ER", "Mito"))
    assert 100 < result.images.min() < result.images.max() < 20_000
    assert 10 <= len(result.objects) <= 30


def test_another_acquisition_has_the_same_cells_and_other_noise(small: ExperimentDesign) -> None:
    place = places(small)[0]
    first = simulate_site(small, *place)
    again = simulate_site(small, *place, acquisition=Acquisition(2))
    blurred = simulate_site(small, *place, acquisition=Acquisition(1, defocus=4.0))
    for other in (again, blurred):
        assert np.array_equal(first.cells, other.cells)
        assert first.objects == other.objects
        assert not np.array_equal(first.images, other.images)
    sharpness = [np.diff(each.channel("Mito").astype(float)).std() for each in (first, blurred)]
    assert sharpness[0] > 1.3 * sharpness[1]


def test_too_much_light_saturates() -> None:
    light = np.full((1, 8, 8), 1e5, np.float32)
    picture = expose(np.random.default_rng(0), light, (Batch(1.0, 10.0, 0.0, (0.5, 0.5)),))
    assert picture.dtype == np.uint16
    assert np.all(picture == 65535)
