"""Where an image's planes come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a plane, in pixels: from the first row or column to before the last.

    Attributes
    ----------
    top, bottom, left, right : int
    """

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left


class Planes(Protocol):
    """Planes of an image, each with a number."""

    def read(self, numbers: Sequence[int], box: Box) -> NDArray[Any]:
        """Return a rectangle of planes as an array of shape (planes, height, width).

        Parameters
        ----------
        numbers : sequence of int
            Which planes.
        box : Box

        Raises
        ------
        BrokenFile
            If the bytes are not what the file says.
        TransferError
            If they cannot be had.
        """


@dataclass(frozen=True, slots=True, eq=False)
class ArrayPlanes:
    """Planes that are in memory.

    Attributes
    ----------
    array : array of shape (planes, Y, X)
    """

    array: NDArray[Any]

    def read(self, numbers: Sequence[int], box: Box) -> NDArray[Any]:
        """See `Planes.read`."""
        found: NDArray[Any] = self.array[
            np.asarray(numbers, np.intp), box.top : box.bottom, box.left : box.right
        ]
        return found
