"""The plan of a simulated experiment: plates, wells, and which stream of chance feeds what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.simulation.perturbations import DMSO, LIBRARY, ControlType, Perturbation

PIXEL_SIZE_UM = 0.598
"""Edge of a pixel, micrometre: a 20x objective with 2x2 binning, as in CPJUMP1."""

MAX_SHAPE = (16, 24)
"""Rows and columns of a 384-well plate."""


class Stream(IntEnum):
    """Independent streams of chance; the numbers are part of what a seed means."""

    LAYOUT = 0
    BATCH = 1
    WELL = 2
    CELLS = 3
    TEXTURE = 4
    CAMERA = 5
    REVISION = 6


@dataclass(frozen=True, slots=True)
class Plate:
    """One plate.

    Parameters
    ----------
    index : int
        From 0.
    barcode : str
        ``SIM00001`` and on.
    plate_map : str
        Name of the plate map that says what is in its wells.
    """

    index: int
    barcode: str
    plate_map: str


@dataclass(frozen=True, slots=True)
class WellDesign:
    """One well and what is in it.

    Parameters
    ----------
    row, column : int
        From 1.
    perturbation : Perturbation
        The treatment.

    Examples
    --------
    >>> WellDesign(2, 3, DMSO).well
    'B03'
    """

    row: int
    column: int
    perturbation: Perturbation

    @property
    def well(self) -> str:
        """Name of the well, ``A01`` style."""
        return f"{chr(ord('A') + self.row - 1)}{self.column:02d}"

    @property
    def control_type(self) -> ControlType:
        """``"negcon"``, ``"poscon"`` or empty."""
        return self.perturbation.control_type


@dataclass(frozen=True, slots=True)
class ExperimentDesign:
    """A Cell Painting experiment to simulate.

    The same design gives the same experiment, whatever order its sites are made in.

    Parameters
    ----------
    seed : int
        Not negative.
    plate_count : int
        Number of plates, 1 to 99.
    plate_shape : tuple of int
        Rows and columns of wells; at most 16 x 24 (384 wells).
    site_count : int
        Fields of view per well, 1 to 25.
    image_shape : tuple of int
        Height and width of an image, pixel; 64 to 4096 each.
    perturbations : tuple of Perturbation
        What is tested, positive control included, negative control not.
    shuffle_plates : bool
        Whether each plate has a plate map of its own. By default all plates share one.

    Raises
    ------
    InvalidArgument
        A number is out of range, a perturbation comes twice, or the wells cannot hold every
        perturbation once and the negative control twice.

    Examples
    --------
    >>> design = ExperimentDesign(seed=7)
    >>> [plate.barcode for plate in design.plates], design.replicates, design.size
    (['SIM00001', 'SIM00002', 'SIM00003'], 2, 144)
    >>> wells = design.layout(design.plates[0])
    >>> wells[0].well, wells[-1].well, [well.control_type for well in wells].count("negcon")
    ('A01', 'D06', 6)
    """

    seed: int = 0
    plate_count: int = 3
    plate_shape: tuple[int, int] = (4, 6)
    site_count: int = 2
    image_shape: tuple[int, int] = (256, 256)
    perturbations: tuple[Perturbation, ...] = LIBRARY
    shuffle_plates: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        _check_range("seed", self.seed, 0, 2**63)
        _check_range("plate_count", self.plate_count, 1, 99)
        _check_range("site_count", self.site_count, 1, 25)
        _check_pair("plate_shape", self.plate_shape)
        _check_pair("image_shape", self.image_shape)
        for axis, limit in enumerate(MAX_SHAPE):
            _check_range(f"plate_shape[{axis}]", self.plate_shape[axis], 1, limit)
            _check_range(f"image_shape[{axis}]", self.image_shape[axis], 64, 4096)
        _check_perturbations(self.perturbations, self.well_count)

    @property
    def well_count(self) -> int:
        """Wells per plate."""
        return self.plate_shape[0] * self.plate_shape[1]

    @property
    def replicates(self) -> int:
        """Wells per perturbation on each plate; about a quarter is left to the control."""
        if not self.perturbations:
            return 0
        return max(1, self.well_count * 3 // 4 // len(self.perturbations))

    @property
    def size(self) -> int:
        """Sites of all plates."""
        return self.plate_count * self.well_count * self.site_count

    @property
    def plates(self) -> tuple[Plate, ...]:
        """The plates, in order."""
        return tuple(
            Plate(index, f"SIM{index + 1:05d}", f"SIM-MAP-{self._map_index(index) + 1:02d}")
            for index in range(self.plate_count)
        )

    def layout(self, plate: Plate) -> tuple[WellDesign, ...]:
        """Return what is in each well of a plate, row by row.

        Parameters
        ----------
        plate : Plate
            One of `plates`.

        Returns
        -------
        tuple of WellDesign
            As many as `well_count`.
        """
        rows, columns = self.plate_shape
        treated = self.perturbations * self.replicates
        contents = treated + (DMSO,) * (self.well_count - len(treated))
        order = self.stream(Stream.LAYOUT, self._map_index(plate.index)).permutation(len(contents))
        return tuple(
            WellDesign(row + 1, column + 1, contents[order[row * columns + column]])
            for row in range(rows)
            for column in range(columns)
        )

    def stream(self, purpose: Stream, *where: int) -> np.random.Generator:
        """Return the stream of chance for one purpose at one place.

        Parameters
        ----------
        purpose : Stream
            What the numbers are for.
        *where : int
            Indices of plate, row, column, site: as many as the purpose needs.

        Returns
        -------
        numpy.random.Generator
            Always at its beginning; independent of every other purpose and place.
        """
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(purpose, *where)))

    def _map_index(self, plate_index: int) -> int:
        return plate_index if self.shuffle_plates else 0


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidArgument(
            f"{name} is out of range: expected a whole number from {low} to {high}, found {value!r}"
        )


def _check_pair(name: str, value: tuple[int, ...]) -> None:
    if not isinstance(value, tuple) or len(value) != 2:
        raise InvalidArgument(
            f"{name} is not a shape: expected a tuple of two whole numbers, found {value!r}"
        )


def _check_perturbations(perturbations: tuple[Perturbation, ...], wells: int) -> None:
    names = [perturbation.name for perturbation in perturbations]
    twice = sorted({name for name in names if names.count(name) > 1 or name == DMSO.name})
    if twice:
        raise InvalidArgument(
            f"perturbations are named twice: expected unique names other than {DMSO.name}, "
            f"found {', '.join(twice)}",
            hint="the negative control is added by the layout",
        )
    if wells < len(perturbations) + 2:
        raise InvalidArgument(
            f"the plate is too small: expected at least {len(perturbations) + 2} wells for "
            f"{len(perturbations)} perturbations and two negative controls, found {wells}",
            hint=f"a larger plate_shape, or perturbations=LIBRARY[:{max(wells - 2, 0)}]",
        )
