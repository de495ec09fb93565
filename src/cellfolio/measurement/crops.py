"""Crops: a square of a site around each cell, as networks look at cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.measuring import scale_image
from cellfolio.measurement.objects import Floats, Ints, Objects, Plane

Edge: TypeAlias = Literal["zero", "reflect", "shift", "drop"]
Scaling: TypeAlias = Literal["percentile", "type"]
_LARGEST = 4096


@dataclass(frozen=True, slots=True)
class CropSettings:
    """How crops are cut.

    Attributes
    ----------
    size : int
        Rows and columns of a crop, in pixels.
    edge : {'zero', 'reflect', 'shift', 'drop'}
        What becomes of a crop that reaches over the edge of the image: what is missing is 0, or is
        what lies on the other side of the edge (which is not doubled), or the crop moves inwards,
        or the cell is left out.
    masked : bool
        Whether all but the cell's own pixels is 0. What is reflected is no pixel of the cell.
    scaling : {'percentile', 'type'}
        What is 0 and 1 in a channel: two percentiles of the site's image, beyond which values are
        cut off, so that sites of any brightness look alike; or the range of the image's type (see
        `scale_image`), so that brightness stays.
    percentiles : tuple of float
        Of all pixels of the image, per cent.

    Examples
    --------
    >>> CropSettings(edge="mirror")
    Traceback (most recent call last):
    ...
    cellfolio.errors.InvalidArgument: edge should be one of ('zero', 'reflect', 'shift', 'drop'), \
found 'mirror'
    """

    size: int = 128
    edge: Edge = "zero"
    masked: bool = False
    scaling: Scaling = "percentile"
    percentiles: tuple[float, float] = (0.1, 99.9)

    def __post_init__(self) -> None:
        if not 1 <= self.size <= _LARGEST:
            raise InvalidArgument(f"size should be from 1 to {_LARGEST} pixels, found {self.size}")
        for name, value, known in (
            ("edge", self.edge, get_args(Edge)),
            ("scaling", self.scaling, get_args(Scaling)),
        ):
            if value not in known:
                raise InvalidArgument(f"{name} should be one of {known}, found {value!r}")
        low, high = self.percentiles
        if not 0 <= low < high <= 100:
            raise InvalidArgument(
                f"percentiles should be two from 0 to 100, the lower first, found {low, high}"
            )


@dataclass(frozen=True)
class Crops:
    """Crops of the cells of a site; they are cut when they are read.

    Attributes
    ----------
    numbers : array of int64, shape (cells,)
        Labels of the cells, ascending.
    centers : array of float64, shape (cells, 2)
        Mean row and column of each cell's pixels.
    corners : array of int64, shape (cells, 2)
        Row and column of the image that the crop begins with; may be outside of it.
    channels : tuple of str
    settings : CropSettings
    """

    numbers: Ints
    centers: Floats
    corners: Ints = field(repr=False)
    channels: tuple[str, ...]
    settings: CropSettings
    _planes: npt.NDArray[np.float32] = field(repr=False)
    _labels: npt.NDArray[np.generic] = field(repr=False)

    def __len__(self) -> int:
        return len(self.numbers)

    def read(self, start: int = 0, stop: int | None = None) -> npt.NDArray[np.float32]:
        """Cut crops.

        Parameters
        ----------
        start, stop : int
            Of which cells: the memory is that of these only.

        Returns
        -------
        array of float32, shape (cells, channels, size, size)
            From 0 to 1.
        """
        some = slice(start, stop)
        rows, above = self._lines(self.corners[some, 0], self._labels.shape[0])
        columns, aside = self._lines(self.corners[some, 1], self._labels.shape[1])
        at = rows[:, :, None], columns[:, None, :]
        kept = ~(above[:, :, None] | aside[:, None, :])
        if self.settings.masked:
            kept &= self._labels[at] == self.numbers[some, None, None]
        found = np.moveaxis(self._planes[:, at[0], at[1]], 0, 1)
        if self.settings.masked or self.settings.edge == "zero":
            found = np.where(kept[:, None], found, np.float32(0))
        return np.ascontiguousarray(found)

    def _lines(self, firsts: Ints, length: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Return the lines of the image that crops have, and which lie outside of it."""
        lines = firsts[:, None] + np.arange(self.settings.size)
        outside = (lines < 0) | (lines >= length)
        if self.settings.edge == "reflect":
            # There and back without the ends: 0 1 2 1 | 0 1 2 1 …
            period = max(1, 2 * (length - 1))
            lines = lines % period
            lines = np.minimum(lines, period - lines)
        return np.clip(lines, 0, length - 1), outside


def crop_cells(
    labels: npt.ArrayLike,
    images: Mapping[str, npt.ArrayLike],
    settings: CropSettings | None = None,
    *,
    around: npt.ArrayLike | None = None,
) -> Crops:
    """Place a crop around the centre of each cell.

    The centre of a crop is the pixel that is nearest to the mean row and column of the cell's
    pixels; a crop of even size has one pixel more before it than after.

    Parameters
    ----------
    labels : array of int, shape (rows, columns)
        The number of each pixel's cell; 0 is background.
    images : mapping of str to array, shape (rows, columns)
        By name of the channel.
    settings : CropSettings, optional
    around : array of int, optional
        Labels of other objects, such as nuclei, with the numbers of their cells: each of them has
        a crop, in whose centre it is.

    Returns
    -------
    Crops
        By label; with ``edge="drop"``, of those whose crop is within the image.

    Raises
    ------
    InvalidArgument
        If there is no image, shapes differ, values are missing, or crops are to be moved inwards
        and are larger than the image.

    Examples
    --------
    >>> labels = np.array([[0, 0, 0, 0], [0, 5, 5, 0], [0, 0, 0, 0]])
    >>> image = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    >>> found = crop_cells(labels, {"DNA": image}, CropSettings(2, scaling="type", masked=True))
    >>> found.numbers.tolist(), (found.read() * 255).tolist()
    ([5], [[[[0.0, 0.0], [100.0, 120.0]]]])
    """
    settings = settings or CropSettings()
    whole = np.asarray(labels)
    objects = Objects.of(whole if around is None else np.asarray(around))
    if not images:
        raise InvalidArgument("crops need at least one channel, found none")
    planes = np.stack([_scale(image, name, settings) for name, image in images.items()])
    for what, shape in (("channels", planes.shape[1:]), ("labels", whole.shape)):
        if shape != objects.shape:
            raise InvalidArgument(
                f"{what} should have the shape of the objects, {objects.shape}, found {shape}"
            )
    corners = np.floor(objects.centers + 0.5).astype(np.int64) - settings.size // 2
    room = np.array(objects.shape) - settings.size
    kept = np.ones(len(objects), dtype=bool)
    if settings.edge == "shift":
        if len(objects) and room.min() < 0:
            raise InvalidArgument(
                f"crops of {settings.size} pixels cannot be moved into an image of "
                f"{objects.shape[0]} × {objects.shape[1]}",
                hint="take smaller ones, or another rule for the edge",
            )
        corners = np.minimum(np.maximum(corners, 0), room)
    elif settings.edge == "drop":
        kept = np.asarray(((corners >= 0) & (corners <= room)).all(axis=1), dtype=bool)
    return Crops(
        objects.numbers[kept],
        objects.centers[kept],
        corners[kept],
        tuple(images),
        settings,
        planes,
        whole,
    )


def _scale(image: npt.ArrayLike, name: str, settings: CropSettings) -> Plane:
    """Return a channel from 0 to 1."""
    what = f"channel {name}"
    if settings.scaling == "type":
        return scale_image(image, what)
    given = np.asarray(image)
    if given.ndim != 2 or given.dtype.kind not in "buif":
        raise InvalidArgument(
            f"{what} should be one plane of numbers, found {given.dtype} of shape {given.shape}"
        )
    values = given.astype(np.float64)
    if not np.isfinite(values).all():
        raise InvalidArgument(f"{what} has missing or infinite values")
    low, high = np.percentile(values, settings.percentiles) if values.size else (0.0, 0.0)
    if not high > low:  # an image without contrast
        return np.zeros(values.shape, dtype=np.float32)
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)
