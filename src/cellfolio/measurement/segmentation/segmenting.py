"""Segmenting a site: nuclei, their cells and their cytoplasm, with one number for the three."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.measuring import scale_image
from cellfolio.measurement.objects import Ints, Labels, Objects, Plane
from cellfolio.measurement.segmentation.cells import find_cells
from cellfolio.measurement.segmentation.labelling import at_border, outline_of, renumber
from cellfolio.measurement.segmentation.nuclei import Nuclei, find_nuclei
from cellfolio.measurement.segmentation.settings import SegmentationSettings
from cellfolio.package.nearest import suggest_or_list

NUCLEI, CELLS, CYTOPLASM = "Nuclei", "Cells", "Cytoplasm"
KINDS = (CELLS, CYTOPLASM, NUCLEI)
"""Kinds of objects, as tables of CellProfiler are called; by the alphabet."""
NucleusFinder: TypeAlias = Callable[[Mapping[str, Plane]], npt.ArrayLike]
"""A function from images, by channel and from 0 to 1, to labels of nuclei."""
CellFinder: TypeAlias = Callable[[Mapping[str, Plane], Labels], npt.ArrayLike]
"""A function from images and labels of nuclei to labels of cells."""


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """Nuclei, cells and cytoplasm of a site; a nucleus, its cell and its cytoplasm have one number.

    Attributes
    ----------
    nuclei : array of int32, shape (rows, columns)
        Numbers from 1 to `count`; 0 is background.
    cells : array of int32
        A cell has the number of its nucleus.
    cytoplasm : array of int32
        Cells without their nuclei; the outline of a nucleus belongs to it, so that it is not empty.
    all_nuclei, all_cells : array of int32
        The same and, with greater numbers, those that were discarded: for their size, or because
        their nucleus touches the border.
    discarded_neighbors : int
        How many discarded nuclei, the first behind `count`, are still neighbours of nuclei.

    Examples
    --------
    >>> nuclei, cells = np.zeros((7, 9), int), np.zeros((7, 9), int)
    >>> nuclei[2:5, 3:6], cells[1:6, 1:8] = 4, 7
    >>> site = labels_given(nuclei, cells)
    >>> site.count, int((site.nuclei == 1).sum()), int((site.cytoplasm == 1).sum())
    (1, 9, 34)
    """

    nuclei: Labels = field(repr=False)
    cells: Labels = field(repr=False)
    cytoplasm: Labels = field(repr=False)
    all_nuclei: Labels = field(repr=False)
    all_cells: Labels = field(repr=False)
    discarded_neighbors: int = 0

    @property
    def count(self) -> int:
        """How many nuclei there are, and so cells."""
        return int(self.nuclei.max(initial=0))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the plane."""
        return self.nuclei.shape[0], self.nuclei.shape[1]

    def around(self, kind: str) -> Labels:
        """Return what counts as neighbours of one kind: the `around` of `measure_objects`.

        Parameters
        ----------
        kind : str
            Of `KINDS`.

        Notes
        -----
        As in CellProfiler, nuclei that are too large are neighbours of nuclei, and those at the
        border and small ones are not; but cells of nuclei at the border are neighbours of cells.
        """
        if kind == NUCLEI:
            last = self.count + self.discarded_neighbors
            return np.where(self.all_nuclei <= last, self.all_nuclei, 0)
        return self.all_cells if kind == CELLS else self.labels(kind)

    def labels(self, kind: str) -> Labels:
        """Return the labels of one kind.

        Parameters
        ----------
        kind : str
            Of `KINDS`.

        Raises
        ------
        InvalidArgument
            If there is no such kind.
        """
        if kind not in KINDS:
            raise InvalidArgument(
                f"there are no objects {kind!r}", hint=suggest_or_list(kind, KINDS)
            )
        found: Labels = getattr(self, kind.lower())
        return found


def segment(
    images: Mapping[str, npt.ArrayLike],
    settings: SegmentationSettings | None = None,
    *,
    nuclei_by: NucleusFinder | None = None,
    cells_by: CellFinder | None = None,
) -> Segmentation:
    """Find nuclei, cells and cytoplasm, as CellProfiler does.

    Parameters
    ----------
    images : mapping of str to array, shape (rows, columns)
        By name of the channel; see `scale_image`.
    settings : SegmentationSettings, optional
        Those of CPJUMP1 by default: nuclei in DNA, cells in RNA.
    nuclei_by, cells_by : callable, optional
        Other ways to find nuclei, from the images, and cells, from the images and the nuclei. They
        return labels, with any numbers; see `labels_given`.

    Raises
    ------
    InvalidArgument
        If a channel is missing, has another shape than the others, or cannot be used.

    Examples
    --------
    >>> y, x = np.mgrid[:80, :80]
    >>> away = np.hypot(y - 40, x - 36)
    >>> images = {"DNA": np.where(away < 12, 0.4, 0.01), "RNA": np.where(away < 22, 0.2, 0.001)}
    >>> site = segment(images)
    >>> site.count, int((site.cells == 1).sum()) == int((away < 22).sum())
    (1, True)
    """
    settings = settings or SegmentationSettings()
    wanted = set() if nuclei_by else {settings.nuclei.channel}
    wanted |= set() if cells_by else {settings.cells.channel}
    planes = _planes_of(images, images.keys() if nuclei_by or cells_by else sorted(wanted), wanted)
    if nuclei_by:
        given = _objects_of(nuclei_by(planes), "nuclei", planes)
        nuclei = Nuclei(given.labels, given.labels)
    else:
        nuclei = find_nuclei(planes[settings.nuclei.channel], settings.nuclei)
    if cells_by:
        cells = _objects_of(cells_by(planes, nuclei.labels.copy()), "cells", planes)
        return _matched(nuclei, cells, shrink=settings.shrink_nuclei)
    all_cells = find_cells(planes[settings.cells.channel], nuclei, settings.cells)
    return _inside(nuclei, all_cells, settings)


def labels_given(
    nuclei: npt.ArrayLike, cells: npt.ArrayLike, *, shrink_nuclei: bool = True
) -> Segmentation:
    """Return labels that were made elsewhere as a segmentation.

    Parameters
    ----------
    nuclei, cells : array of int, shape (rows, columns)
        Any numbers, with gaps or without; 0 is background.
    shrink_nuclei : bool
        Whether the outline of a nucleus belongs to the cytoplasm.

    Returns
    -------
    Segmentation
        A nucleus is in the cell in which most of its pixels are; of several in a cell, the one
        with the most pixels there has it. Pairs are numbered in the order of the nuclei. Nuclei
        without a cell and cells without a nucleus are among all nuclei and all cells alone.

    Raises
    ------
    InvalidArgument
        If they have different shapes, or are no labels.

    Examples
    --------
    >>> site = labels_given([[0, 5, 5, 0, 0, 9]], [[2, 2, 2, 0, 1, 1]])
    >>> site.nuclei.tolist(), site.cells.tolist()
    ([[0, 1, 1, 0, 0, 2]], [[1, 1, 1, 0, 2, 2]])
    """
    found, around = Objects.of(np.asarray(nuclei)), Objects.of(np.asarray(cells))
    if found.shape != around.shape:
        raise InvalidArgument(
            f"cells should have the shape of the nuclei, {found.shape}, found {around.shape}"
        )
    return _matched(Nuclei(found.labels, found.labels), around, shrink=shrink_nuclei)


def _planes_of(
    images: Mapping[str, npt.ArrayLike], names: Iterable[str], wanted: Iterable[str]
) -> dict[str, Plane]:
    shapes = {name: np.shape(image) for name, image in images.items()}
    for name in wanted:
        if name not in images:
            raise InvalidArgument(
                f"there is no channel {name!r} to segment", hint=suggest_or_list(name, images)
            )
    for name, shape in shapes.items():
        first = next(iter(shapes))
        if shape != shapes[first]:
            raise InvalidArgument(
                f"channel {name} should have the shape of channel {first}, {shapes[first]}, "
                f"found {shape}"
            )
    return {name: scale_image(images[name], f"channel {name}") for name in names}


def _objects_of(labels: npt.ArrayLike, kind: str, planes: Mapping[str, Plane]) -> Objects:
    found = Objects.of(np.asarray(labels))
    for plane in planes.values():
        if found.shape != plane.shape:
            raise InvalidArgument(
                f"{kind} should have the shape of the images, {plane.shape}, found {found.shape}"
            )
    return found


def _inside(nuclei: Nuclei, all_cells: Labels, settings: SegmentationSettings) -> Segmentation:
    """Discard cells that touch the border, with their nuclei, where that is wanted."""
    count = int(nuclei.labels.max(initial=0))
    kept = np.arange(1, count + 1)
    if settings.cells.discard_border:
        kept = np.setdiff1d(kept, at_border(all_cells))
        nuclei = Nuclei(
            renumber(nuclei.labels, kept),
            renumber(nuclei.all_labels, kept),
            nuclei.too_large + count - len(kept),
        )
        all_cells = renumber(all_cells, kept)
    return _segmentation(nuclei, all_cells, len(kept), shrink=settings.shrink_nuclei)


def _matched(nuclei: Nuclei, cells: Objects, *, shrink: bool) -> Segmentation:
    """Pair nuclei and cells, and give pairs the first numbers."""
    pairs = _pairs_of(nuclei.labels, cells.labels)
    alone = int(nuclei.labels.max(initial=0)) - len(pairs)
    nuclei = Nuclei(
        renumber(nuclei.labels, pairs[:, 0]),
        renumber(nuclei.all_labels, pairs[:, 0]),
        nuclei.too_large + alone,
    )
    all_cells = renumber(cells.labels, pairs[:, 1])
    return _segmentation(nuclei, all_cells, len(pairs), shrink=shrink)


def _segmentation(nuclei: Nuclei, all_cells: Labels, count: int, *, shrink: bool) -> Segmentation:
    inner, cells = (np.where(one <= count, one, 0) for one in (nuclei.labels, all_cells))
    within = (inner > 0) & ~outline_of(inner) if shrink else inner > 0
    cytoplasm = np.where(within, 0, cells)
    return Segmentation(inner, cells, cytoplasm, nuclei.all_labels, all_cells, nuclei.too_large)


def _pairs_of(nuclei: Labels, cells: Labels) -> Ints:
    """Return number of nucleus and of cell of each pair, in the order of nuclei."""
    both = (nuclei > 0) & (cells > 0)
    found, shared = np.unique(
        np.stack([nuclei[both], cells[both]], axis=1), axis=0, return_counts=True
    )
    # Each nucleus chooses its cell first, then each cell its nucleus; of equals the lower number.
    for side in (0, 1):
        order = np.lexsort((found[:, 1 - side], -shared, found[:, side]))
        found, shared = found[order], shared[order]
        first = np.unique(found[:, side], return_index=True)[1]
        found, shared = found[first], shared[first]
    return found[np.argsort(found[:, 0])].astype(np.int64)
