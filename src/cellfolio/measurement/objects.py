"""Objects of a site: where the pixels of each lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.distances import distances_to_edge

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int32]
Plane = npt.NDArray[np.float32]
"""An image as CellProfiler has it: float32, from 0 to 1."""

_LARGEST = 2**31 - 1


class Runs(NamedTuple):
    """Pixels of objects that lie side by side in a row: object by object, row by row.

    Attributes
    ----------
    rows, columns : array of int64
        Where each begins.
    lengths : array of int64
        In pixels.
    bounds : array of int64, shape (objects + 1,)
        Where the runs of each object begin, and their number.
    """

    rows: Ints
    columns: Ints
    lengths: Ints
    bounds: Ints


@dataclass(frozen=True)
class Objects:
    """Objects of one kind, such as nuclei, in one site.

    Everything else of this package works on the pixels of an object as a list, or on runs of them
    along rows, so labels are sorted once.

    Attributes
    ----------
    labels : array of int32, shape (rows, columns)
        The number of each pixel's object among these objects, from 1; 0 is background.
    numbers : array of int64, shape (objects,)
        The labels that were given, ascending.
    pixels : array of int64
        Flat indices of all pixels of objects: object by object, row by row.
    bounds : array of int64, shape (objects + 1,)
        Where the pixels of each object begin in `pixels`, and its length.
    runs : Runs
        The same pixels, as runs along rows.
    """

    labels: Labels
    numbers: Ints
    pixels: Ints = field(repr=False)
    bounds: Ints = field(repr=False)
    runs: Runs = field(repr=False)

    @classmethod
    def of(cls, labels: npt.NDArray[np.generic]) -> Objects:
        """Return the objects of a label image.

        Parameters
        ----------
        labels : array of int or bool, shape (rows, columns)
            Numbers of objects, in any order, with gaps or without; 0 is background.

        Raises
        ------
        InvalidArgument
            If it is no plane of whole numbers from 0.

        Examples
        --------
        >>> Objects.of(np.array([[0, 7, 7], [3, 3, 3]])).areas.tolist()
        [3, 2]
        """
        given = np.asarray(labels)
        if given.ndim != 2:
            raise InvalidArgument(f"labels should be one plane, found the shape {given.shape}")
        if given.dtype.kind not in "bui":
            raise InvalidArgument(f"labels should be whole numbers, found {given.dtype}")
        starts, lengths, values = _runs(given)
        if len(values) and (int(values.min()) < 0 or int(values.max()) > _LARGEST):
            worst = values.min() if values.min() < 0 else values.max()
            raise InvalidArgument(f"labels should be from 0 to {_LARGEST}, found {worst}")
        numbers, which = _ranked(values, given.size)
        order = np.argsort(which, kind="stable")
        starts, lengths, which = starts[order], lengths[order], which[order].astype(np.int64)
        ends = np.cumsum(lengths)
        pixels = np.arange(lengths.sum()) + np.repeat(starts - ends + lengths, lengths)
        dense = np.zeros(given.size, dtype=np.int32)
        dense[pixels] = np.repeat(which + 1, lengths)
        run_bounds = np.searchsorted(which, np.arange(len(numbers) + 1))
        return cls(
            dense.reshape(given.shape),
            numbers,
            pixels,
            np.concatenate([[0], ends])[run_bounds],
            Runs(*np.divmod(starts, max(given.shape[1], 1)), lengths, run_bounds),
        )

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the plane."""
        return self.labels.shape[0], self.labels.shape[1]

    def values(self, image: Plane) -> Plane:
        """Return the value of an image at each of `pixels`."""
        rows, columns, lengths, _ = self.runs
        found = np.empty(len(self.pixels), dtype=np.float32)
        _copy_runs(image, rows, columns, lengths, found)
        return found

    @cached_property
    def areas(self) -> Ints:
        """Number of pixels of each object."""
        return np.diff(self.bounds)

    @cached_property
    def places(self) -> tuple[Ints, Ints]:
        """Row and column of each of `pixels`."""
        rows = np.repeat(self.runs.rows, self.runs.lengths)
        return rows, self.pixels - rows * self.shape[1]

    @cached_property
    def boxes(self) -> Ints:
        """First row and column, and last row and column + 1, of each; shape (objects, 4)."""
        if not len(self):
            return np.zeros((0, 4), dtype=np.int64)
        rows, columns, lengths, bounds = self.runs
        low = [np.minimum.reduceat(one, bounds[:-1]) for one in (rows, columns)]
        high = [np.maximum.reduceat(one, bounds[:-1]) for one in (rows + 1, columns + lengths)]
        return np.stack([*low, *high], axis=1)

    @cached_property
    def edges(self) -> npt.NDArray[np.bool_]:
        """Which of `pixels` have a neighbour, of 4, within the plane and outside of the object."""
        differ = np.zeros(self.shape, dtype=np.bool_)
        down, across = (
            self.labels[1:] != self.labels[:-1],
            self.labels[:, 1:] != self.labels[:, :-1],
        )
        differ[1:] |= down
        differ[:-1] |= down
        differ[:, 1:] |= across
        differ[:, :-1] |= across
        return differ.ravel()[self.pixels]

    @cached_property
    def depths(self) -> Floats:
        """How far each of `pixels` is from the next pixel that is not of its object.

        Euclidean; what lies beyond the image does not count as outside. Where an object fills the
        image, infinite.
        """
        return distances_to_edge(self.labels, self.pixels, self.bounds, self.boxes)

    @cached_property
    def centers(self) -> Floats:
        """Mean row and column of each; shape (objects, 2)."""
        if not len(self):
            return np.zeros((0, 2))
        rows, columns, lengths, bounds = self.runs
        across = lengths * columns + lengths * (lengths - 1) // 2
        sums = [np.add.reduceat(one, bounds[:-1]) for one in (rows * lengths, across)]
        return np.stack(sums, axis=1) / self.areas[:, None]


def _runs(labels: npt.NDArray[np.generic]) -> tuple[Ints, Ints, npt.NDArray[np.generic]]:
    """Return flat index, length and label of the runs of equal labels along rows, but of 0."""
    changes = np.ones(labels.shape, dtype=np.bool_)
    np.not_equal(labels[:, 1:], labels[:, :-1], out=changes[:, 1:])
    starts = np.flatnonzero(changes)
    lengths = np.diff(starts, append=labels.size)
    values = labels.ravel()[starts]
    held = values != 0
    return starts[held], lengths[held], values[held]


def _ranked(
    values: npt.NDArray[np.generic], most: int
) -> tuple[Ints, npt.NDArray[np.unsignedinteger]]:
    """Return the distinct whole numbers among values, ascending, and the rank of each value.

    Numbers up to `most` are marked in a list; others have to be sorted.
    """
    if not len(values) or int(values.max()) > most:
        numbers, ranks = np.unique(values, return_inverse=True)
    else:
        there = np.zeros(int(values.max()) + 1, dtype=np.int64)
        there[values.astype(np.int64)] = 1
        numbers, ranks = np.flatnonzero(there), (np.cumsum(there) - 1)[values.astype(np.int64)]
    # Numbers of 16 bits are sorted by counting.
    small = np.uint16 if len(numbers) < 2**16 else np.uint32
    return numbers.astype(np.int64), ranks.astype(small)


@compiled
def _copy_runs(image: Plane, rows: Ints, columns: Ints, lengths: Ints, found: Plane) -> None:
    # Places that cannot be negative need no look at the other end of an axis.
    end = np.uint64(0)
    for run in range(len(rows)):
        row, column = np.uint64(rows[run]), np.uint64(columns[run])
        for at in range(np.uint64(lengths[run])):
            found[end + at] = image[row, column + at]
        end += np.uint64(lengths[run])
