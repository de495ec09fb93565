"""Planes as viewers get them: pixels in a few types, kept for a while, never made twice at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.outlines import check_labels
from cellfolio.imaging.projection import Projection
from cellfolio.imaging.reducing import reduce_plane, told_reduction
from cellfolio.imaging.scaling import sides
from cellfolio.workflows.shown_images.opening import LARGEST, OpenedImage

KEPT = 192 * 1024 * 1024
"""Bytes of planes that are kept."""
_HEAVY = 16 * 1024 * 1024
"""Pixels from which on planes are read one or two at a time, so that memory stays bounded."""
_FLOAT_MOST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class PlaneAsked:
    """Which plane of an image.

    Attributes
    ----------
    c, t, level : int
    z : int
        Of no meaning where depths are projected.
    project : {'max', 'mean', 'sum'} or None
    labels : bool
        Whether pixels are numbers of objects.
    """

    c: int = 0
    z: int = 0
    t: int = 0
    level: int = 0
    project: Projection | None = None
    labels: bool = False


def read_plane(opened: OpenedImage, asked: PlaneAsked) -> NDArray[Any]:
    """Read a plane.

    Returns
    -------
    array of shape (Y, X)
        uint8, uint16 or float32, little-endian, contiguous; of labels uint8, uint16 or uint32.

    Raises
    ------
    InvalidArgument
        If there is no such plane, or it has more pixels than are given at once.
    BrokenFile, TransferError
        See `Image.read`.
    """
    if not 0 <= asked.level < len(opened.levels):
        raise InvalidArgument(f"level {asked.level}: expected 0 to {len(opened.levels) - 1}")
    level = opened.levels[asked.level]
    if level.shape[0] * level.shape[1] > LARGEST:
        raise InvalidArgument(
            f"a plane of {sides(level.shape)} pixels is not given at once",
            hint=f"ask for level={opened.fitting_level}",
        )
    image = level.image
    z: int | None = asked.z
    if asked.project is not None:
        z = None
    elif "Z" not in image.lead and asked.labels:
        z = 0  # Rule: labels without depth lie over every depth.
    chosen = image.select(t=asked.t, c=asked.c, z=z)
    found = reduce_plane(chosen, level.factor, asked.project or "max", labels=asked.labels)
    return to_labels(found) if asked.labels else to_light(found)


def to_light(plane: NDArray[Any]) -> NDArray[Any]:
    """Return pixels as uint8 or uint16 where they are, else as float32.

    Examples
    --------
    >>> to_light(np.array([[-1, 70_000]])).dtype, to_light(np.array([[True]])).dtype
    (dtype('float32'), dtype('uint8'))
    """
    if plane.dtype.kind == "b":
        plane = plane.view(np.uint8)
    if plane.dtype.kind == "u" and plane.dtype.itemsize <= 2:
        return np.ascontiguousarray(plane, plane.dtype.newbyteorder("<"))
    if plane.dtype.kind not in "iuf":
        raise InvalidArgument(f"pixels of type {plane.dtype} have no brightness")
    if plane.dtype == np.float64:
        plane = plane.clip(-_FLOAT_MOST, _FLOAT_MOST)
    return np.ascontiguousarray(plane, "<f4")


def to_labels(plane: NDArray[Any]) -> NDArray[Any]:
    """Return numbers of objects in the smallest type that has all of them.

    Raises
    ------
    InvalidArgument
        If they are no whole numbers from 0 to 2**32.
    """
    labels = check_labels(plane)
    if labels.dtype.kind == "b":
        return np.ascontiguousarray(labels.view(np.uint8))
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low < 0 or high >= 2**32:
        raise InvalidArgument(f"labels from {low} to {high}; expected whole numbers from 0 on")
    kind = "<u1" if high < 256 else "<u2" if high < 65_536 else "<u4"
    return np.ascontiguousarray(labels, kind)


class PlaneStore:
    """Keeps planes up to a number of bytes; two who ask for one at once wait for the same.

    Parameters
    ----------
    most : int
        Bytes.
    """

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._size = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, NDArray[Any]] = OrderedDict()
        self._coming: dict[object, Future[NDArray[Any]]] = {}
        self._heavy = threading.BoundedSemaphore(2)

    def get(self, key: object, pixels: int, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Return what is kept under a key, or make it.

        Parameters
        ----------
        key : object
        pixels : int
            How many it has, before anything is read.
        make : callable
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            coming = self._coming.get(key)
            mine = coming is None
            if coming is None:
                coming = self._coming[key] = Future()
        if not mine:
            return coming.result()
        try:
            if pixels > _HEAVY:
                with self._heavy:
                    found = make()
            else:
                found = make()
            found.setflags(write=False)
        except BaseException as error:
            with self._lock:
                del self._coming[key]
            coming.set_exception(error)
            raise
        self._keep(key, found)
        coming.set_result(found)
        return found

    def _keep(self, key: object, found: NDArray[Any]) -> None:
        with self._lock:
            del self._coming[key]
            if found.nbytes > self._most // 4:
                return
            self._kept[key] = found
            self._size += found.nbytes
            while self._size > self._most:
                _, oldest = self._kept.popitem(last=False)
                self._size -= oldest.nbytes


def told_level(opened: OpenedImage, level: int) -> str:
    """Return what a reader is told of the resolution; empty for all pixels."""
    shape = opened.levels[level].shape
    whole = opened.levels[0].shape
    return "" if shape == whole else told_reduction(whole, shape)
