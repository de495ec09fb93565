"""Illumination of a plate: how unevenly a channel is lit, from all its images.

The definitions are those of CellProfiler's modules Resize, CorrectIlluminationCalculate (Regular,
across all cycles) and CorrectIlluminationApply (version 4.2); the defaults are those of the
pipelines of JUMP.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.ndimage as ndi

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.measuring import scale_image
from cellfolio.measurement.objects import Floats, Plane
from cellfolio.measurement.segmentation.settings import check_least, check_one
from cellfolio.measurement.segmentation.smoothing import smooth

SMOOTHING = ("Median Filter", "Gaussian Filter", "No smoothing")
_FULL_WIDTH = 2.35
_DIMMEST = 0.02
"""So many of the pixels of a function may be dimmer than 1, and are set to it."""
_LEVELS = 65535
_AT_ONCE = 2**24


@dataclass(frozen=True, slots=True)
class IlluminationSettings:
    """How the illumination of a plate is found from the mean of its images.

    Attributes
    ----------
    smoothing_method : str
        Of `SMOOTHING`.
    filter_size : float
        In pixels of the smaller image, where the mean is made smaller.
    resizing_factor : float
        To which part of its rows and columns the mean is reduced before it is smoothed; at most 1.
    rescale : bool
        Whether the function is divided so that its least value is 1.

    Examples
    --------
    >>> IlluminationSettings().filter_size
    20.0
    """

    smoothing_method: str = "Median Filter"
    filter_size: float = 20.0
    resizing_factor: float = 0.25
    rescale: bool = True

    def __post_init__(self) -> None:
        check_one("smoothing_method", self.smoothing_method, SMOOTHING)
        check_least("filter_size", self.filter_size, 0)
        if not 0 < self.resizing_factor <= 1:
            raise InvalidArgument(
                "resizing_factor should be more than 0 and at most 1, found "
                f"{self.resizing_factor!r}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class ImageSum:
    """Images of one channel, added up one at a time.

    Sums of 16-bit images are exact, so that any order and any parts give the same bytes.

    Attributes
    ----------
    total : array of float64 or None
        None before the first image.
    count : int

    Examples
    --------
    >>> images = ImageSum()
    >>> for level in (10, 20, 60):
    ...     images = images.add(np.full((2, 2), level, dtype=np.uint16))
    >>> round(float(images.mean[0, 0]) * 65535, 3)
    30.0
    """

    total: Floats | None = field(default=None, repr=False)
    count: int = 0

    def add(self, image: npt.ArrayLike) -> ImageSum:
        """Return the sum with an image more.

        Raises
        ------
        InvalidArgument
            If it has another shape than the others, or cannot be used; see `scale_image`.
        """
        return self.merge(ImageSum(scale_image(image).astype(np.float64), 1))

    def merge(self, other: ImageSum) -> ImageSum:
        """Return the sum of the images of both."""
        if self.total is None or other.total is None:
            return other if self.total is None else self
        if self.total.shape != other.total.shape:
            raise InvalidArgument(
                f"images of a plate should have one shape, {self.total.shape}, "
                f"found {other.total.shape}"
            )
        return ImageSum(self.total + other.total, self.count + other.count)

    @property
    def mean(self) -> Plane:
        """Mean of the images.

        Raises
        ------
        InvalidArgument
            If there are none.
        """
        if self.total is None:
            raise InvalidArgument("there are no images to find the illumination from")
        found: Plane = (self.total / self.count).astype(np.float32)
        return found


def find_illumination(images: ImageSum, settings: IlluminationSettings | None = None) -> Plane:
    """Return the illumination of a plate in one channel.

    Parameters
    ----------
    images : ImageSum
        All images of the channel.
    settings : IlluminationSettings, optional

    Returns
    -------
    array of float32
        By which images are divided: 1 where they are dimmest, more where they are bright.

    Examples
    --------
    >>> x = np.linspace(0.1, 0.2, 80, dtype=np.float32)
    >>> found = find_illumination(ImageSum().add(np.tile(x, (80, 1))))
    >>> round(float(found.min()), 3), round(float(found.max()), 1)
    (1.0, 1.5)
    """
    settings = settings or IlluminationSettings()
    mean = images.mean
    shape = tuple(max(round(size * settings.resizing_factor), 1) for size in mean.shape)
    found = _smoothed(_resized(mean, shape), settings)
    if settings.rescale:
        positive = np.sort(found[found > 0])
        if len(positive):
            least = positive[int(len(positive) * _DIMMEST)]
            found = np.maximum(found, least) / least
    return _resized(found, mean.shape)


def correct_illumination(
    image: npt.ArrayLike, function: npt.ArrayLike, name: str = "the image"
) -> Plane:
    """Return an image divided by an illumination function.

    Parameters
    ----------
    image : array, shape (rows, columns)
        See `scale_image`.
    function : array of float, shape (rows, columns)
        As from `find_illumination`, or as saved by CellProfiler.
    name : str
        Of the channel, for messages.

    Returns
    -------
    array of float32
        From 0 to 1; what would be more is 1.

    Raises
    ------
    InvalidArgument
        If the shapes differ, or the function is not positive everywhere.

    Examples
    --------
    >>> correct_illumination(np.array([[0.2, 0.5]]), [[1.0, 2.0]]).tolist()
    [[0.20000000298023224, 0.25]]
    """
    plane, light = scale_image(image, name), np.asarray(function, dtype=np.float32)
    if light.shape != plane.shape:
        raise InvalidArgument(
            f"the illumination of {name} should have its shape, {plane.shape}, found {light.shape}"
        )
    if not (np.isfinite(light) & (light > 0)).all():
        raise InvalidArgument(
            f"the illumination of {name} should be positive everywhere, found zero, less, or "
            "missing values",
            hint="rescale it, so that its least value is 1",
        )
    found: Plane = np.minimum(plane / light, np.float32(1))
    return found


def _resized(image: Plane, shape: tuple[int, ...]) -> Plane:
    """Return an image of another size, by straight lines between pixels; mirrored at its border."""
    if image.shape == shape:
        return image
    shares = np.divide(image.shape, shape)
    blurred = image
    if (shares > 1).any():
        blurred = ndi.gaussian_filter(image, np.maximum(0, (shares - 1) / 2), mode="reflect")
    found = ndi.zoom(blurred, 1 / shares, order=1, mode="reflect", grid_mode=True)
    clipped: Plane = np.clip(found, image.min(), image.max())
    return clipped


def _smoothed(image: Plane, settings: IlluminationSettings) -> Plane:
    sigma = settings.filter_size / _FULL_WIDTH
    if settings.smoothing_method == "No smoothing":
        return image
    if settings.smoothing_method == "Gaussian Filter":
        return smooth(image, sigma).astype(np.float32)
    levels = (image * np.float32(_LEVELS)).astype(np.uint16)
    return scale_image(_median(levels, max(1, int(sigma + 0.5))))


def _median(levels: npt.NDArray[np.uint16], radius: int) -> npt.NDArray[np.uint16]:
    """Return the median of the pixels in a disk; of an even number, the upper one."""
    down, across = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = down**2 + across**2 <= radius**2
    height, width = levels.shape
    # Beyond the image are values that are sorted behind all others.
    framed = np.pad(levels.astype(np.int32), radius, constant_values=_LEVELS + 1)
    inside = np.pad(np.ones(levels.shape, dtype=np.int32), radius)
    found = np.empty_like(levels)
    step = max(_AT_ONCE // (int(disk.sum()) * width), 1)
    for top in range(0, height, step):
        rows = slice(top, min(top + step, height) + 2 * radius)
        windows, present = (
            np.lib.stride_tricks.sliding_window_view(one[rows], disk.shape)[:, :, disk]
            for one in (framed, inside)
        )
        middle = present.sum(axis=2, keepdims=True) // 2
        ordered = np.sort(windows, axis=2)
        found[top : top + step] = np.take_along_axis(ordered, middle, axis=2)[:, :, 0]
    return found
