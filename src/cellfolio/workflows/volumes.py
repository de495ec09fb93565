"""Volumes of which any slice is had at once: compressed ones are unpacked, and kept."""

from __future__ import annotations

import gzip
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.formats.derived import Derived, find_derived, keep_derived
from cellfolio.formats.format import Source
from cellfolio.formats.slices import PLANES, cut, find_axis, lay_out, position_at
from cellfolio.formats.streams import BLOCK, faults_named
from cellfolio.formats.volumes import Volume, read_nifti
from cellfolio.imaging.slices import grey_limits

if TYPE_CHECKING:
    import numpy.typing as npt

IN_MEMORY = 256_000_000
"""Bytes of voxels that are held in memory, of a compressed file."""
LARGEST = 1024
"""Pixels of a side of a slice that are sent; of larger ones every second, third, …"""
_RULES = "plain-1.nii"
_TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4")


@dataclass(frozen=True, slots=True)
class Plane:
    """One of the three planes of a volume.

    Attributes
    ----------
    name : str
    axis, down, across : int
        See `cellfolio.formats.slices.Layout`.
    down_turned, across_turned : bool
    letters : tuple of str
        Directions at the top, right, bottom and left; ``?`` if the file does not tell.
    shape : tuple of int
        Rows and columns that are sent.
    step : int
        Of how many voxels one is sent, along each side.
    positions : tuple of str
        Of the first slice, and of the last.
    """

    name: str
    axis: int
    down: int
    across: int
    down_turned: bool
    across_turned: bool
    letters: tuple[str, str, str, str]
    shape: tuple[int, int]
    step: int
    positions: tuple[str, str]


def open_volume(source: Source) -> Volume | None:
    """Open a volume whose slices can be read at once.

    Returns
    -------
    Volume or None
        None of a large compressed file that is to be unpacked first (see `unpack`).

    Raises
    ------
    BrokenFile
    """
    import numpy as np

    volume = read_nifti(source)
    if not _is_packed(source):
        return volume
    held: Any = volume.data
    if math.prod(held.shape) * held.stored.itemsize <= IN_MEMORY:
        whole: Any = np.asarray(held)
        return replace(volume, data=whole)
    kept = None if source.home is None else find_derived(_derived(source))
    return None if kept is None else read_nifti(Source(kept, source.name))


def unpack(source: Source) -> None:
    """Unpack a compressed file into the home, where its slices are then read from.

    Raises
    ------
    BrokenFile
        If it is damaged.
    NotEnoughSpace
    """
    from cellfolio.storage.disk import check_free_space

    assert source.home is not None
    held = read_nifti(source).data
    needed = held.offset + math.prod(held.shape) * held.stored.itemsize
    check_free_space(source.home.folder, needed, "unpacking")
    with faults_named(source, "nifti"):
        keep_derived(_derived(source), lambda path: _write(source, path))


def _write(source: Source, path: Path) -> bool:
    with gzip.open(source.path) as packed, path.open("wb") as plain:
        while block := packed.read(BLOCK):
            plain.write(block)
    return True


def _is_packed(source: Source) -> bool:
    with source.path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _derived(source: Source) -> Derived:
    return Derived(source, "volumes", _RULES)


def planes_of(volume: Volume) -> tuple[Plane, ...]:
    """Return the three planes: anatomical ones if the file tells how it lies in space."""
    names: Sequence[str] = tuple(PLANES) if "?" not in volume.orientation else ("z", "y", "x")
    return tuple(_plane(volume, name) for name in names)


def _plane(volume: Volume, name: str) -> Plane:
    shown = lay_out(volume, name)
    size = volume.data.shape
    middle = size[shown.axis] // 2
    empty = cut(_hollow(volume), name, index=middle)
    (top, bottom), (left, right) = empty.down.letters, empty.across.letters
    step = -(-max(size[shown.down], size[shown.across]) // LARGEST)
    rows, columns = (-(-size[axis] // step) for axis in (shown.down, shown.across))
    ends = tuple(position_at(volume, shown.axis, at) for at in (0, size[shown.axis] - 1))
    return Plane(
        name,
        shown.axis,
        shown.down,
        shown.across,
        shown.down_turned,
        shown.across_turned,
        (top, right, bottom, left),
        (rows, columns),
        step,
        (ends[0], ends[1]),
    )


def _hollow(volume: Volume) -> Volume:
    """Return a volume of the same place in space, whose voxels take no room."""
    import numpy as np

    nothing: Any = np.broadcast_to(np.uint8(0), volume.data.shape)
    return replace(volume, data=nothing)


def read_slice(
    volume: Volume, plane: str, index: int, time: int = 0
) -> tuple[npt.NDArray[Any], str]:
    """Read a slice as it is shown, and tell where it lies.

    Returns
    -------
    array, shape (rows, columns)
        Little-endian, of one of the types that browsers know.
    str
        Such as ``5.4 mm P``.

    Raises
    ------
    InvalidArgument
        If there is no such slice, or its voxels are no numbers.
    BrokenFile
    """
    import numpy as np

    from cellfolio.errors import InvalidArgument

    found = cut(volume, plane, index=index, time=time)
    if found.data.dtype.kind not in "buif":
        raise InvalidArgument(f"voxels of {found.data.dtype} cannot be shown in shades of grey")
    step = -(-max(found.data.shape) // LARGEST)
    data = found.data[::step, ::step]
    if data.dtype.kind == "b":
        data = data.astype("u1")
    kind = f"{data.dtype.kind}{data.dtype.itemsize}"
    wanted = kind if kind in _TYPES else "f4"
    return np.ascontiguousarray(data.astype(f"<{wanted}")), found.position


def limits_of(volume: Volume, time: int = 0) -> tuple[float, float]:
    """Return the values that are black and white, by the slices in the middle."""
    import numpy as np

    middles = []
    for plane in planes_of(volume):
        axis, _ = find_axis(volume, plane.name)
        data, _ = read_slice(volume, plane.name, volume.data.shape[axis] // 2, time)
        middles.append(data.ravel())
    return grey_limits(np.concatenate(middles))
