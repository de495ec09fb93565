"""Objects of a segmentation, drawn over a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.colours import Colour, label_colours
from cellfolio.imaging.contrast import to_bytes
from cellfolio.imaging.scaling import sides


def find_outlines(labels: NDArray[Any], width: int = 1) -> NDArray[np.bool_]:
    """Return where the outlines of objects are: pixels of an object that touch another or none.

    Lines lie within the objects, so that two that touch have a line each. Where the image cuts an
    object, there is none.

    Parameters
    ----------
    labels : array of shape (Y, X)
        Integers, one for each object, 0 for background; or a mask of truth values.
    width : int
        Of the lines, in pixels.

    Raises
    ------
    InvalidArgument
        If it is no label image.

    Examples
    --------
    >>> labels = np.zeros((5, 5), int)
    >>> labels[1:4, 1:4] = 7
    >>> find_outlines(labels).sum()
    np.int64(8)
    """
    left = check_labels(labels).copy()
    found = np.zeros(left.shape, bool)
    for _ in range(width):
        edge = _touches_another(left)
        found |= edge
        left[edge] = 0
    return found


def _touches_another(labels: NDArray[Any]) -> NDArray[np.bool_]:
    differs = np.zeros(labels.shape, bool)
    below = labels[1:] != labels[:-1]
    beside = labels[:, 1:] != labels[:, :-1]
    differs[1:] |= below
    differs[:-1] |= below
    differs[:, 1:] |= beside
    differs[:, :-1] |= beside
    found: NDArray[np.bool_] = differs & (labels != 0)
    return found


def draw_outlines(
    picture: NDArray[np.uint8], labels: NDArray[Any], colour: Colour, *, width: int = 1
) -> NDArray[np.uint8]:
    """Return a picture with outlines of objects drawn over it.

    Parameters
    ----------
    picture : array of shape (Y, X, 3), uint8
        As large as on the screen; lines of a picture that is made smaller later would vanish.
    labels : array of shape (Y, X)
        See `find_outlines`.
    colour : tuple of float
    width : int
        In pixels.

    Raises
    ------
    InvalidArgument
        If the sizes differ, or `labels` is no label image.
    """
    labels = check_labels(labels)
    _check_size(picture, labels)
    found = picture.copy()
    found[find_outlines(labels, width)] = to_bytes(np.asarray(colour, np.float32))
    return found


def fill_labels(
    picture: NDArray[np.uint8], labels: NDArray[Any], *, opacity: float = 0.5
) -> NDArray[np.uint8]:
    """Return a picture with each object tinted in a colour of its own, and outlined in it.

    Parameters
    ----------
    picture : array of shape (Y, X, 3), uint8
    labels : array of shape (Y, X)
        See `find_outlines`. A label has the same colour in every picture.
    opacity : float
        From 0, nothing to see, to 1, nothing to see of the picture.

    Raises
    ------
    InvalidArgument
        If the sizes differ, or `labels` is no label image.
    """
    labels = check_labels(labels)
    _check_size(picture, labels)
    numbers, at = np.unique(labels, return_inverse=True)
    colours = label_colours(numbers)[at.reshape(labels.shape)].astype(np.float32)
    share = np.where(labels != 0, np.float32(opacity), np.float32(0))
    share[find_outlines(labels)] = 1
    mixed = picture + (colours - picture) * share[..., None]
    found: NDArray[np.uint8] = np.rint(mixed).astype(np.uint8)
    return found


def check_labels(labels: NDArray[Any]) -> NDArray[Any]:
    """Return a label image or a mask as what it is.

    An image in bytes most of whose objects are 255 is a mask; where it was turned or made smaller
    by interpolation, 128 and more are the object.

    Raises
    ------
    InvalidArgument
        If it is not of two dimensions, or not of whole numbers.
    """
    if labels.ndim != 2:
        raise InvalidArgument(f"labels of shape {labels.shape}; expected those of one plane")
    if labels.dtype.kind == "f" and np.array_equal(labels, np.rint(labels)):
        return labels.astype(np.int64)
    if labels.dtype.kind not in "iub":
        raise InvalidArgument(f"labels of type {labels.dtype}; expected whole numbers, or a mask")
    objects = labels[labels != 0] if labels.dtype == np.uint8 else labels[:0]
    if 2 * np.count_nonzero(objects == 255) > objects.size:
        return labels >= 128
    return labels


def _check_size(picture: NDArray[np.uint8], labels: NDArray[Any]) -> None:
    if picture.shape[:2] != labels.shape:
        raise InvalidArgument(
            f"the segmentation is of {sides(labels.shape)} pixels, and the image of "
            f"{sides(picture.shape)}"
        )
