"""One field of view: its images, its label images and what is true of its objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.simulation.anatomy import Labels, map_anatomy
from cellfolio.simulation.camera import batches, expose, focus
from cellfolio.simulation.cells import Cell, draw_cells
from cellfolio.simulation.design import ExperimentDesign, Plate, Stream, WellDesign
from cellfolio.simulation.staining import CHANNELS, stain

MARGIN = 32
"""Width of the canvas around an image, pixel: cells at the border are cut, not pushed in."""


@dataclass(frozen=True, slots=True)
class Acquisition:
    """One of the times that a site was imaged.

    Parameters
    ----------
    number : int
        From 1; the same cells with another number have other noise.
    defocus : float
        Blur on top of the optics, standard deviation in pixel, 0 to 20; 0 in focus.

    Raises
    ------
    InvalidArgument
        A number is out of range.
    """

    number: int = 1
    defocus: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        if self.number < 1:
            raise InvalidArgument(
                f"acquisition number is out of range: expected a whole number from 1 on, "
                f"found {self.number}"
            )
        if not 0.0 <= self.defocus <= 20.0:
            raise InvalidArgument(
                f"defocus is out of range: expected a blur from 0 to 20 pixels, "
                f"found {self.defocus}"
            )


@dataclass(frozen=True, slots=True)
class ObjectTruth:
    """What is true of one cell of an image.

    Parameters
    ----------
    label : int
        Its number in both label images, from 1.
    y, x : float
        Centre of mass of its nucleus, pixel.
    nucleus_area, cell_area : int
        Pixels in the image.
    dna_content : float
        1 before the DNA is copied, 2 after; times the ploidy that a treatment causes.
    mitotic : bool
        Whether it divides.
    touches_border : bool
        Whether the image cuts it.
    """

    label: int
    y: float
    x: float
    nucleus_area: int
    cell_area: int
    dna_content: float
    mitotic: bool
    touches_border: bool


@dataclass(frozen=True, slots=True, eq=False)
class SiteImages:
    """Images and truth of one field of view. The arrays are read-only.

    Parameters
    ----------
    images : array of shape (C, Y, X), uint16
        Pixel values, channels in the order of `CHANNELS`.
    nuclei, cells : array of shape (Y, X), uint16
        Label images: 0 is background; nucleus n lies within cell n. Parts of cells whose
        nucleus is outside the image are seen in the images but have no label, as in a
        segmentation that starts from nuclei.
    objects : tuple of ObjectTruth
        One per label, in order.
    """

    images: NDArray[np.uint16]
    nuclei: NDArray[np.uint16]
    cells: NDArray[np.uint16]
    objects: tuple[ObjectTruth, ...]

    def channel(self, name: str) -> NDArray[np.uint16]:
        """Return the image of one channel.

        Parameters
        ----------
        name : str
            One of `CHANNELS`.

        Returns
        -------
        array of shape (Y, X), uint16
            Pixel values.

        Raises
        ------
        InvalidArgument
            There is no such channel.
        """
        if name not in CHANNELS:
            raise InvalidArgument(
                f"no such channel: expected one of {', '.join(CHANNELS)}, found {name!r}"
            )
        plane: NDArray[np.uint16] = self.images[CHANNELS.index(name)]
        return plane


def simulate_site(
    design: ExperimentDesign,
    plate: Plate,
    well: WellDesign,
    site: int,
    *,
    acquisition: Acquisition | None = None,
) -> SiteImages:
    """Simulate one field of view.

    Parameters
    ----------
    design : ExperimentDesign
        The experiment.
    plate : Plate
        One of its plates.
    well : WellDesign
        One of the wells of that plate.
    site : int
        From 1 to ``design.site_count``.
    acquisition : Acquisition, optional
        Which picture of these cells; the first, in focus, if omitted.

    Returns
    -------
    SiteImages
        The same for the same arguments, whatever was simulated before.

    Raises
    ------
    InvalidArgument
        The design has no such plate, well or site.

    Examples
    --------
    >>> design = ExperimentDesign(seed=7)
    >>> plate = design.plates[0]
    >>> result = simulate_site(design, plate, design.layout(plate)[1], 1)
    >>> result.images.shape, result.images.dtype, result.nuclei.max() == len(result.objects)
    ((5, 256, 256), dtype('uint16'), np.True_)
    """
    _check_place(design, plate, well, site)
    acquisition = acquisition or Acquisition()
    where = (plate.index, well.row, well.column, site)
    height, width = design.image_shape
    shape = (height + 2 * MARGIN, width + 2 * MARGIN)
    effect = well.perturbation.effect
    crowding = _crowding(design, plate, well)
    cells = draw_cells(design.stream(Stream.CELLS, *where), shape, effect, crowding)
    anatomy = map_anatomy(cells, shape)
    light = stain(design.stream(Stream.TEXTURE, *where), cells, anatomy, effect)
    view = (slice(MARGIN, MARGIN + height), slice(MARGIN, MARGIN + width))
    seen = focus(light, acquisition.defocus)[(slice(None), *view)]
    camera = design.stream(Stream.CAMERA, *where, acquisition.number)
    images = expose(camera, seen, batches(design, plate))
    nuclei, bodies, numbers = _visible_labels(anatomy.nuclei[view], anatomy.cells[view])
    objects = _measure(nuclei, bodies, tuple(cells[number - 1] for number in numbers))
    for array in (images, nuclei, bodies):
        array.flags.writeable = False
    return SiteImages(images, nuclei, bodies, objects)


def _check_place(design: ExperimentDesign, plate: Plate, well: WellDesign, site: int) -> None:
    if plate not in design.plates:
        raise InvalidArgument(
            f"the design has no such plate: expected one of its {design.plate_count} plates, "
            f"found {plate.barcode}"
        )
    if well not in design.layout(plate):
        raise InvalidArgument(
            f"plate {plate.barcode} has no such well: expected one of its {design.well_count} "
            f"wells, found {well.well} with {well.perturbation.name}"
        )
    if not 1 <= site <= design.site_count:
        raise InvalidArgument(
            f"the design has no such site: expected 1 to {design.site_count}, found {site}"
        )


def _crowding(design: ExperimentDesign, plate: Plate, well: WellDesign) -> float:
    """Wells differ in how many cells they were given; on large plates the edge has fewer."""
    rng = design.stream(Stream.WELL, plate.index, well.row, well.column)
    rows, columns = design.plate_shape
    outer = well.row in (1, rows) or well.column in (1, columns)
    edge = 0.93 if outer and min(rows, columns) > 2 else 1.0
    return edge * float(rng.lognormal(0.0, 0.07))


def _visible_labels(
    nuclei: Labels, cells: Labels
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], list[int]]:
    """Give the cells whose nucleus is in view numbers from 1; forget the others."""
    numbers = [int(number) for number in np.unique(nuclei) if number]
    table = np.zeros(max(int(cells.max()), 1) + 1, np.uint16)
    table[numbers] = np.arange(1, len(numbers) + 1)
    return table[nuclei], table[cells], numbers


def _measure(
    nuclei: NDArray[np.uint16], cells: NDArray[np.uint16], drawn: tuple[Cell, ...]
) -> tuple[ObjectTruth, ...]:
    count = len(drawn) + 1
    flat = nuclei.ravel()
    nucleus_areas = np.bincount(flat, minlength=count)
    cell_areas = np.bincount(cells.ravel(), minlength=count)
    rows, columns = np.indices(nuclei.shape, sparse=False)
    sum_y = np.bincount(flat, rows.ravel(), count)
    sum_x = np.bincount(flat, columns.ravel(), count)
    border = np.concatenate((cells[0], cells[-1], cells[:, 0], cells[:, -1]))
    cut = set(border.tolist())
    return tuple(
        ObjectTruth(
            label,
            float(sum_y[label] / nucleus_areas[label]),
            float(sum_x[label] / nucleus_areas[label]),
            int(nucleus_areas[label]),
            int(cell_areas[label]),
            cell.dna_content,
            cell.mitotic,
            label in cut,
        )
        for label, cell in enumerate(drawn, start=1)
    )
