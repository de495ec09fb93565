"""Size on the screen: larger in whole steps, smaller by averaging; labels never mixed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument

_MOST = 16
"""How many times larger a small image becomes unasked."""


def sides(shape: tuple[int, ...]) -> str:
    """Return a size as people read it: width first."""
    return f"{shape[1]} × {shape[0]}"


def fit_zoom(shape: tuple[int, int], side: int) -> float:
    """Return by how much an image is enlarged to fit a square.

    Parameters
    ----------
    shape : tuple of int
        Height and width.
    side : int
        Of the square, in pixels.

    Returns
    -------
    float
        A whole number from 1 on, so that pixels stay square and sharp; or less than 1.

    Examples
    --------
    >>> fit_zoom((100, 80), 350), fit_zoom((1080, 1080), 270)
    (3.0, 0.25)
    """
    longest = max(shape)
    return float(min(side // longest, _MOST)) if side >= longest else side / longest


def zoomed_shape(shape: tuple[int, int], zoom: float) -> tuple[int, int]:
    """Return height and width on the screen; at least one pixel each."""
    return max(1, round(shape[0] * zoom)), max(1, round(shape[1] * zoom))


def zoom_pixels(plane: NDArray[Any], zoom: float) -> NDArray[Any]:
    """Return a plane at another size: pixels repeated, or averaged over their area.

    Parameters
    ----------
    plane : array of shape (Y, X)
    zoom : float
        As `fit_zoom` returns it.

    Returns
    -------
    array of shape `zoomed_shape`
        Of the same type when enlarged, float32 when made smaller.
    """
    if zoom >= 1:
        return _repeat(plane, round(zoom))
    return average_area(plane, zoomed_shape((plane.shape[0], plane.shape[1]), zoom))


def zoom_labels(labels: NDArray[Any], zoom: float) -> NDArray[Any]:
    """Return a label image at another size; each pixel is one of the labels that were there."""
    if zoom >= 1:
        return _repeat(labels, round(zoom))
    rows, columns = (
        ((np.arange(new) + 0.5) * (old / new)).astype(np.intp)
        for new, old in zip(
            zoomed_shape((labels.shape[0], labels.shape[1]), zoom), labels.shape, strict=True
        )
    )
    found: NDArray[Any] = labels[rows[:, None], columns]
    return found


def average_area(plane: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return a smaller plane whose pixels are the mean over what they cover.

    Pixels that lie in two of the new ones count for each by the part that lies in it.

    Parameters
    ----------
    plane : array of shape (Y, X)
    shape : tuple of int
        Height and width, not larger than those of the plane.

    Raises
    ------
    InvalidArgument
        If it would be larger, or empty.

    Examples
    --------
    >>> average_area(np.array([[0, 3, 6], [0, 3, 6]]), (1, 2))
    array([[1., 5.]], dtype=float32)
    """
    if not all(0 < new <= old for new, old in zip(shape, plane.shape, strict=True)):
        raise InvalidArgument(f"a plane of {plane.shape} cannot be averaged to {shape}")
    rows = _average_rows(plane, shape[0])
    return np.ascontiguousarray(_average_rows(np.ascontiguousarray(rows.T), shape[1]).T)


def _average_rows(plane: NDArray[Any], count: int) -> NDArray[np.float32]:
    height = plane.shape[0]
    if count == height:
        return plane.astype(np.float32)
    edges = np.arange(count + 1) * (height / count)
    first = np.minimum(np.floor(edges + 1e-9).astype(np.intp), height)
    part = (edges - first).astype(np.float32)[:, None]
    sums = np.empty((count, *plane.shape[1:]), np.float32)
    # One call for all of them, np.add.reduceat, takes ten times as long.
    for number, (start, stop) in enumerate(pairwise(first.tolist())):
        np.add.reduce(plane[start:stop], axis=0, dtype=np.float32, out=sums[number])
    # Rule: the row that an edge cuts was counted below the edge; its part above is moved there.
    sums -= part[:-1] * plane[first[:-1]]
    sums[:-1] += part[1:-1] * plane[first[1:-1]]
    found: NDArray[np.float32] = sums * np.float32(count / height)
    return found


def _repeat(plane: NDArray[Any], times: int) -> NDArray[Any]:
    return plane if times == 1 else plane.repeat(times, axis=0).repeat(times, axis=1)
