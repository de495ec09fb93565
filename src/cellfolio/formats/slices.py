"""Slices of volumes by anatomical plane and by position in mm.

Rule 1: positions are those of NIfTI: mm to the right, to the front and up are positive. ``"5.4P"``
says the direction, and is 5.4 mm to the back of the origin: `x` of the Common Coordinate Framework,
whose volumes run from front to back.
Rule 2: an anatomical slice is shown upright: up is superior (of a horizontal slice, anterior),
the animal's left is left (of a sagittal slice, anterior is left). A slice along an axis of the file
(``x``, ``y``, ``z``) is shown in the order of the file, from the top.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument

if TYPE_CHECKING:
    import numpy.typing as npt

    from cellfolio.formats.volumes import Volume

PLANES: Mapping[str, str] = {"coronal": "AP", "sagittal": "LR", "horizontal": "SI"}
"""Plane → the directions that it is cut across."""
_OTHER_NAMES = {"axial": "horizontal", "transverse": "horizontal", "frontal": "coronal"}
_SHOWN = {"coronal": ("S", "L"), "sagittal": ("S", "A"), "horizontal": ("A", "L")}
"""Plane → directions that are at the top and at the left."""
_POSITIVE = "RAS"
_OPPOSITE = dict(zip("RLAPSI", "LRPAIS", strict=True))
_AXES = "xyz"
_POSITION = re.compile(r"\s*([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)\s*(?:mm)?\s*([RLAPSIrlapsi]?)\s*")


@dataclass(frozen=True, slots=True)
class Side:
    """One axis of a picture of a slice.

    Attributes
    ----------
    letters : tuple of str
        Direction at its start (left or top) and at its end; ``?`` if the file does not tell.
    positive : str
        Direction that `start` and `end` count to.
    start, end : float
        Edges of the first and last voxel, in mm.
    """

    letters: tuple[str, str]
    positive: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, eq=False)
class VolumeSlice:
    """A slice of a volume, as it is shown: the first row is the top one.

    Attributes
    ----------
    data : ndarray, shape (rows, columns)
    plane : str
        ``coronal``, ``sagittal``, ``horizontal``, or an axis of the file.
    index : int
        Voxel along the axis that it is cut across.
    position : str
        Such as ``5.4 mm P``.
    down, across : Side
        Of the rows, from the top, and of the columns, from the left.
    """

    data: npt.NDArray[Any]
    plane: str
    index: int
    position: str
    down: Side
    across: Side

    def __repr__(self) -> str:
        rows, columns = self.data.shape
        return f"VolumeSlice({self.plane} {self.index} at {self.position}, {rows} × {columns})"


def find_axis(volume: Volume, name: str) -> tuple[int, str]:
    """Return the axis of a volume that a plane or an axis name stands for, and the plane's name.

    Raises
    ------
    InvalidArgument
        If there is no such plane, or the file does not tell how it lies in space.
    """
    word = _OTHER_NAMES.get(name.casefold(), name.casefold())
    if word in _AXES and len(word) == 1:
        return _AXES.index(word), word
    if word not in PLANES:
        raise InvalidArgument(
            f"there is no plane {name!r}",
            hint=f"name one of {', '.join(PLANES)}, or an axis of the file: x, y, z",
        )
    for axis, letter in enumerate(volume.orientation):
        if letter in PLANES[word]:
            return axis, word
    raise InvalidArgument(
        f"the volume does not tell how it lies in space; {word} is unknown",
        hint="name an axis of the file: x, y, z",
    )


def cut(
    volume: Volume,
    plane: str = "coronal",
    *,
    at: float | str | None = None,
    index: int | None = None,
    time: int = 0,
) -> VolumeSlice:
    """Read one slice of a volume; the rest of it stays in the file.

    Parameters
    ----------
    volume : Volume
    plane : str
        ``coronal``, ``sagittal``, ``horizontal`` (``axial``), or an axis of the file: ``x``,
        ``y``, ``z``.
    at : float or str, optional
        Position in mm as NIfTI counts them, or with a direction: ``"5.4P"``.
    index : int, optional
        Voxel instead of a position, from the end if negative. By default the middle.
    time : int
        Of a volume of four axes, place along the fourth.

    Raises
    ------
    InvalidArgument
        If there is no such plane or position.
    BrokenFile
        If the file is damaged there.
    """
    if at is not None and index is not None:
        raise InvalidArgument("name a position or a voxel, not both")
    axis, word = find_axis(volume, plane)
    size = volume.data.shape[axis]
    if at is not None:
        place = _index_at(volume, axis, at)
    else:
        place = size // 2 if index is None else index
        if not -size <= place < size:
            raise InvalidArgument(f"{word} slices are 0 to {size - 1}, found {place}")
        place %= size
    found = _read(volume, axis, place, time)
    shown = lay_out(volume, plane)
    if shown.down > shown.across:
        found = found.T
    found = found[:: -1 if shown.down_turned else 1, :: -1 if shown.across_turned else 1]
    down, across = _side(volume, shown.down), _side(volume, shown.across)
    down = _turned(down) if shown.down_turned else down
    across = _turned(across) if shown.across_turned else across
    return VolumeSlice(found, word, place, position_at(volume, axis, place), down, across)


@dataclass(frozen=True, slots=True)
class Layout:
    """How slices of a plane lie on the screen.

    Attributes
    ----------
    axis : int
        Of the volume, that slices are cut across.
    down, across : int
        Axes that run from the top and from the left.
    down_turned, across_turned : bool
        Whether they are shown from their end.
    """

    axis: int
    down: int
    across: int
    down_turned: bool = False
    across_turned: bool = False


def lay_out(volume: Volume, plane: str) -> Layout:
    """Return how slices of a plane lie on the screen.

    Raises
    ------
    InvalidArgument
        If there is no such plane, or the file does not tell how it lies in space.
    """
    axis, word = find_axis(volume, plane)
    down, across = (other for other in range(3) if other != axis)
    if word == "z":  # x runs to the right, as everybody expects
        return Layout(axis, across, down)
    if word not in _SHOWN:
        return Layout(axis, down, across)
    top, left = _SHOWN[word]
    if top not in _letters(volume, down):
        down, across = across, down
    turned = _letters(volume, down)[0] != top, _letters(volume, across)[0] != left
    return Layout(axis, down, across, *turned)


def _letters(volume: Volume, axis: int) -> tuple[str, str]:
    """Return the directions at the start and the end of an axis."""
    letter = volume.orientation[axis]
    return _OPPOSITE.get(letter, "?"), letter


def _read(volume: Volume, axis: int, place: int, time: int) -> npt.NDArray[Any]:
    import numpy as np

    further = volume.data.shape[3:]
    if len(further) > 1 and any(size > 1 for size in further[1:]):
        raise InvalidArgument(f"expected a volume of 3 or 4 axes, found {3 + len(further)}")
    steps = further[0] if further else 1
    if not 0 <= time < steps:
        raise InvalidArgument(f"places along the fourth axis are 0 to {steps - 1}, found {time}")
    parts: list[Any] = [slice(None)] * 3 + [time] * bool(further) + [0] * len(further[1:])
    parts[axis] = place
    return np.asarray(volume.data[tuple(parts)])


def _line(volume: Volume, axis: int) -> tuple[float, float]:
    """Return position and step along an axis, in mm that its own direction counts up.

    The position is that of the first voxel, half way along the other axes.
    """
    letter = volume.orientation[axis]
    if letter == "?":
        return 0.0, volume.spacing[axis]
    world = next(n for n, one in enumerate(_POSITIVE) if letter in (one, _OPPOSITE[one]))
    sign = 1.0 if letter in _POSITIVE else -1.0
    middle = [(size - 1) / 2 for size in volume.data.shape[:3]]
    middle[axis] = 0.0
    row = volume.affine[world]
    start = float(row[3] + sum(float(row[n]) * middle[n] for n in range(3)))
    return sign * start, sign * float(row[axis])


def _index_at(volume: Volume, axis: int, at: float | str) -> int:
    letter = volume.orientation[axis]
    matched = _POSITION.fullmatch(str(at))
    if matched is None:
        raise InvalidArgument(
            f"{at!r} is no position", hint="give mm, such as -5.4, or with a direction: 5.4P"
        )
    value, towards = float(matched[1]), matched[2].upper()
    if towards and towards not in (letter, _OPPOSITE.get(letter)):
        raise InvalidArgument(
            f"this slice is cut across {letter} and {_OPPOSITE.get(letter, '?')}, and {at!r} "
            f"leads to {towards}"
        )
    if not towards and letter != "?":
        towards = next(one for one in _POSITIVE if one in (letter, _OPPOSITE[letter]))
    along = value if towards in ("", letter) else -value
    start, step = _line(volume, axis)
    place = round((along - start) / step) if step else 0
    size = volume.data.shape[axis]
    if not 0 <= place < size:
        ends = f"{position_at(volume, axis, 0)} to {position_at(volume, axis, size - 1)}"
        raise InvalidArgument(f"{at} mm is outside of the volume, which goes from {ends}")
    return place


def position_at(volume: Volume, axis: int, place: int) -> str:
    """Return where a voxel lies along an axis, such as ``5.4 mm P``."""
    start, step = _line(volume, axis)
    value, letter = start + place * step, volume.orientation[axis]
    if value < 0 and letter != "?":
        value, letter = -value, _OPPOSITE[letter]
    return f"{value + 0.0:.4g} mm" + ("" if letter == "?" else f" {letter}")


def _side(volume: Volume, axis: int) -> Side:
    start, step = _line(volume, axis)
    letter = volume.orientation[axis]
    size = volume.data.shape[axis]
    first, last = start - step / 2, start + (size - 0.5) * step
    return Side(_letters(volume, axis), letter, first, last)


def _turned(side: Side) -> Side:
    return Side((side.letters[1], side.letters[0]), side.positive, side.end, side.start)
