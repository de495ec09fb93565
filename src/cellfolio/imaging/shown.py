"""An image as it is shown: planes read one at a time, each made as small as it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.image import Image
from cellfolio.imaging.contrast import SAMPLE, Contrast, Fixed, sample
from cellfolio.imaging.outlines import check_labels
from cellfolio.imaging.projection import Projection, project
from cellfolio.imaging.scaling import sides, zoom_labels, zoom_pixels


@dataclass(frozen=True, slots=True, eq=False)
class ShownImage:
    """The planes of an image at the size in which they are shown.

    Attributes
    ----------
    planes : tuple of array of shape (Y, X)
        One for each channel, in the image's units.
    samples : tuple of array
        Pixels of each channel before it was made smaller, its extremes among them.
    """

    planes: tuple[NDArray[Any], ...]
    samples: tuple[NDArray[Any], ...]


def shrink(image: Image, zoom: float, how: Projection, *, samples: int = SAMPLE) -> ShownImage:
    """Read an image, channel by channel, and keep of each what is shown.

    Parameters
    ----------
    image : Image
        Of axes C, Z, Y and X, or fewer.
    zoom : float
        See `fit_zoom`.
    how : {'max', 'mean', 'sum'}
        How depths become one.
    samples : int
        How many pixels of each channel are kept to find contrast.
    """
    planes, kept = [], []
    for number in range(channel_count(image)):
        plane = _plane(image.select(c=number), how)
        planes.append(zoom_pixels(plane, zoom))
        # NaN aside, without a warning where there is nothing else.
        extremes = (np.fmin.reduce(plane, axis=None), np.fmax.reduce(plane, axis=None))
        kept.append(np.append(sample(plane, samples), extremes))
    return ShownImage(tuple(planes), tuple(kept))


def shrink_labels(labels: Image, zoom: float, shape: tuple[int, int]) -> NDArray[Any]:
    """Read a segmentation as it is shown over an image of this shape; depths by maximum.

    Raises
    ------
    InvalidArgument
        If it is of another size, has channels or times, or is no segmentation.
    """
    if set(labels.lead) - {"Z"}:
        raise InvalidArgument(f"{labels!r} is no segmentation; expected one plane, or a stack")
    if plane_shape(labels) != shape:
        raise InvalidArgument(
            f"the segmentation {labels.name} is of {sides(plane_shape(labels))} pixels, and the "
            f"image of {sides(shape)}"
        )
    return zoom_labels(check_labels(_plane(labels, "max")), zoom)


def find_limits(images: Sequence[ShownImage], contrast: Contrast) -> list[Fixed]:
    """Return the limits of each channel over all images."""
    return [
        contrast.limits(np.concatenate(samples))
        for samples in zip(*(image.samples for image in images), strict=True)
    ]


def channel_count(image: Image) -> int:
    """Return how many channels an image has."""
    return image.numbers.shape[image.lead.index("C")] if "C" in image.lead else 1


def plane_shape(image: Image) -> tuple[int, int]:
    """Return height and width of an image.

    Raises
    ------
    InvalidArgument
        If it has none, because it is a line or a point, or empty.
    """
    if image.axes[-2:] != "YX" or not image.size:
        raise InvalidArgument(f"{image!r} has no pixels to show")
    return image.shape[-2], image.shape[-1]


def largest_shape(images: Sequence[Image]) -> tuple[int, int]:
    """Return the largest height and the largest width of images.

    Raises
    ------
    InvalidArgument
        See `plane_shape`.
    """
    heights, widths = zip(*map(plane_shape, images), strict=True)
    return max(heights), max(widths)


def _plane(image: Image, how: Projection) -> NDArray[Any]:
    return project(image, how).read() if "Z" in image.lead else image.read()
