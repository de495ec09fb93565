"""Pictures of slices of volumes, with the outlines or colours of what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cellfolio.formats.slices import Side, VolumeSlice

_WIDTH = 7.0
"""Inches."""
_TALLEST = 9.0
_SURROUNDINGS = 1.0
"""Inches for titles and axes."""
_DIRECTIONS = {
    "R": "right",
    "L": "left",
    "A": "anterior",
    "P": "posterior",
    "S": "superior",
    "I": "inferior",
}


@dataclass(frozen=True, slots=True)
class SliceStyle:
    """How a slice is drawn.

    Attributes
    ----------
    limits : tuple of float or None
        Values that are black and white; None for the 1st and 99.8th percentile of what is not 0.
    outline : str
        Colour of the outlines.
    opacity : float
        Of the colours of structures, 0 to 1.
    title : str
        Before the position.
    """

    limits: tuple[float, float] | None = None
    outline: str = "#FFB000"
    opacity: float = 0.55
    title: str = ""


def draw_slice(
    shown: VolumeSlice,
    labels: npt.NDArray[Any] | None = None,
    colours: Mapping[int, str] | None = None,
    style: SliceStyle | None = None,
) -> Figure:
    """Draw a slice with axes in mm and letters for the directions.

    Parameters
    ----------
    shown : VolumeSlice
        What is shown in shades of grey.
    labels : ndarray of int, optional
        Structure of each pixel, of the same shape; structures are outlined.
    colours : mapping of int to str, optional
        Colour of structures; those that have none are not coloured.
    style : SliceStyle, optional

    Returns
    -------
    matplotlib.figure.Figure
        Its aspect is that of the spacing.

    Raises
    ------
    InvalidArgument
        If the shapes differ, or the slice has colours of its own.
    """
    from matplotlib.figure import Figure

    style = style or SliceStyle()
    _check(shown, labels)
    height, width = (abs(side.end - side.start) for side in (shown.down, shown.across))
    tall = min(_TALLEST, max(2.0, _WIDTH * height / width)) + _SURROUNDINGS
    figure = Figure(figsize=(_WIDTH, tall), layout="constrained")
    axes = figure.add_subplot()
    edges = (shown.across.start, shown.across.end, shown.down.end, shown.down.start)
    low, high = style.limits or grey_limits(shown.data)
    place: dict[str, Any] = {"extent": edges, "aspect": "equal", "interpolation": "nearest"}
    axes.imshow(shown.data, cmap="gray", vmin=low, vmax=high, **place)
    if labels is not None:
        if colours:
            axes.imshow(_coloured(labels, colours, style.opacity), **place)
        _outline(axes, labels, shown, style.outline)
    title = f"{style.title}  {shown.plane} {shown.index}, {shown.position}".strip()
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(_label(shown.across))
    axes.set_ylabel(_label(shown.down))
    _letter(axes, shown)
    return figure


def boundaries(labels: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the edges between pixels of different labels, as lines.

    Parameters
    ----------
    labels : ndarray, shape (rows, columns)

    Returns
    -------
    ndarray, shape (lines, 2, 2)
        Start and end of each line as (column, row), in pixels from the corner of the first one.
        Edges in a row are one line.

    Examples
    --------
    >>> import numpy as np
    >>> boundaries(np.array([[1, 2], [1, 2]])).tolist()
    [[[1.0, 0.0], [1.0, 2.0]]]
    """
    import numpy as np

    upright = _runs(labels[:, 1:] != labels[:, :-1])
    # The same across: turned, and turned back.
    level = _runs((labels[1:] != labels[:-1]).T)[:, :, ::-1]
    return np.concatenate([upright, level])


def _runs(differs: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return the lines down the columns of a mask of edges; (column, row)."""
    import numpy as np

    edge = np.zeros((1, differs.shape[1]), dtype=np.int8)
    change = np.diff(np.concatenate([edge, differs.astype(np.int8), edge]), axis=0).T
    column, start = np.nonzero(change == 1)
    _, end = np.nonzero(change == -1)
    lines = [np.stack([column + 1, row], axis=1) for row in (start, end)]
    return np.stack(lines, axis=1).astype(np.float64)


def _check(shown: VolumeSlice, labels: npt.NDArray[Any] | None) -> None:
    if shown.data.ndim != 2 or shown.data.dtype.kind not in "uifb":
        raise InvalidArgument(f"a slice of {shown.data.dtype} cannot be drawn in shades of grey")
    if labels is not None and labels.shape != shown.data.shape:
        raise InvalidArgument(
            f"the labels should be of the same grid: expected {shown.data.shape}, "
            f"found {labels.shape}"
        )


def grey_limits(data: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the values that are black and white, for structures to be seen.

    Examples
    --------
    >>> import numpy as np
    >>> grey_limits(np.array([0, 10, 1000, 1000]))
    (0.0, 1000.0)
    """
    import numpy as np

    inside = data[np.isfinite(data) & (data != 0)]
    if not inside.size:
        return 0.0, 1.0
    low, high = (float(one) for one in np.percentile(inside, (1, 99.8)))
    return min(low, 0.0) if low < high * 0.25 else low * 0.5, high if high > low else low + 1


def _coloured(
    labels: npt.NDArray[Any], colours: Mapping[int, str], opacity: float
) -> npt.NDArray[np.float64]:
    import numpy as np
    from matplotlib.colors import to_rgba

    known, places = np.unique(labels, return_inverse=True)
    clear = (0.0, 0.0, 0.0, 0.0)
    palette = [
        to_rgba(colours[int(one)], opacity) if int(one) in colours else clear for one in known
    ]
    found: npt.NDArray[np.float64] = np.array(palette)[places.reshape(labels.shape)]
    return found


def _outline(axes: Axes, labels: npt.NDArray[Any], shown: VolumeSlice, colour: str) -> None:
    import numpy as np
    from matplotlib.collections import LineCollection

    rows, columns = labels.shape
    start = np.array([shown.across.start, shown.down.start])
    end = np.array([shown.across.end, shown.down.end])
    lines = start + boundaries(labels) * (end - start) / np.array([columns, rows])
    axes.add_collection(
        LineCollection(list(lines), colors=colour, linewidths=0.6, rasterized=True),
        autolim=False,
    )


def _label(side: Side) -> str:
    towards = _DIRECTIONS.get(side.positive)
    return f"mm to {towards}" if towards else "mm"


def _letter(axes: Axes, shown: VolumeSlice) -> None:
    """Write the direction at each edge of the picture."""
    (top, bottom), (left, right) = shown.down.letters, shown.across.letters
    if "?" in (top, left):
        return
    places = ((0.5, 0.985, top), (0.5, 0.015, bottom), (0.015, 0.5, left), (0.985, 0.5, right))
    for x, y, letter in places:
        axes.text(
            x, y, letter,
            transform=axes.transAxes, color="white", fontsize=11, fontweight="bold",
            ha="center" if x == 0.5 else ("left" if x < 0.5 else "right"),
            va="center" if y == 0.5 else ("bottom" if y < 0.5 else "top"),
            bbox={"facecolor": "black", "alpha": 0.5, "linewidth": 0, "pad": 1.5},
        )  # fmt: skip
