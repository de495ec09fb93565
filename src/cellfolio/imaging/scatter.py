"""Pictures of cells by their places: in a section, or in a map of similarity (UMAP)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MISSING = "#D0D0D0"
"""Colour of cells without a value."""
_PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000",
    "#882255", "#44AA99", "#332288", "#DDCC77", "#117733", "#AA4499", "#88CCEE", "#999933",
)  # fmt: skip
"""Okabe and Ito's eight colours, then those of Tol's muted scheme: told apart by everybody."""
_LONGEST = 28
"""Letters of a name in the legend."""
_POINTS = 9000.0
"""Points (1/72 inch squared) that all cells together take."""


@dataclass(frozen=True, slots=True)
class ScatterStyle:
    """How cells are drawn.

    Attributes
    ----------
    title : str
    x_label, y_label : str
        With the unit.
    y_down : bool
        Whether y grows downwards, as in sections of the atlas.
    point_size : float or None
        Square points; None for one that fits the number of cells.
    legend : int
        Most lines of the legend; what is more has one line for all.
    """

    title: str = ""
    x_label: str = "x"
    y_label: str = "y"
    y_down: bool = False
    point_size: float | None = None
    legend: int = 20


def draw_classes(
    x: Sequence[float] | npt.NDArray[Any],
    y: Sequence[float] | npt.NDArray[Any],
    classes: pd.Series[Any] | pd.Categorical | npt.NDArray[Any] | Sequence[Any],
    colours: Mapping[str, str] | None = None,
    style: ScatterStyle | None = None,
) -> Figure:
    """Draw cells coloured by what they are.

    Parameters
    ----------
    x, y : array of float, shape (cells,)
    classes : sequence, shape (cells,)
        Missing values are grey.
    colours : mapping of str to str, optional
        Colour of each class; by default, and of those that have none, colours that everybody can
        tell apart.
    style : ScatterStyle, optional

    Returns
    -------
    matplotlib.figure.Figure
        With a legend, the most frequent classes first. Cells are drawn in an order by chance (the
        same one each time), so that no class hides the others.

    Raises
    ------
    InvalidArgument
        If lengths differ, or no cell has a place.
    """
    import numpy as np
    import pandas as pd

    style = style or ScatterStyle()
    held = pd.Categorical(classes).remove_unused_categories()
    places = _places(x, y, len(held))
    counts = np.bincount(held.codes[held.codes >= 0], minlength=len(held.categories))
    order = np.argsort(-counts, kind="stable")
    # Without colours given, a class in the legend has one that can be told from the others.
    lines = style.legend if colours else min(style.legend, len(_PALETTE) + 1)
    shades = _shades([str(one) for one in held.categories], order, colours or {}, lines)
    palette = np.array([*shades.values(), MISSING])
    drawn = np.flatnonzero(np.isfinite(places).all(axis=1))
    drawn = np.random.default_rng(0).permutation(drawn)
    figure, axes = _empty_figure(places[drawn], style, legend=True)
    # One call for each colour is slower, and lets later classes hide earlier ones.
    axes.scatter(
        places[drawn, 0],
        places[drawn, 1],
        c=_rgba(palette)[held.codes[drawn]],
        **_dots(len(drawn), style),
    )
    _legend(axes, held, counts, order, (shades, lines))
    return figure


def draw_values(
    x: Sequence[float] | npt.NDArray[Any],
    y: Sequence[float] | npt.NDArray[Any],
    values: Sequence[float] | npt.NDArray[Any],
    name: str = "",
    style: ScatterStyle | None = None,
) -> Figure:
    """Draw cells coloured by a number, such as the expression of a gene.

    Parameters
    ----------
    x, y : array of float, shape (cells,)
    values : array of float, shape (cells,)
        Missing values are grey.
    name : str
        What the numbers are; at the colour bar.
    style : ScatterStyle, optional

    Returns
    -------
    matplotlib.figure.Figure
        With a colour bar up to the 99.5th percentile. Cells with high values are in front.

    Raises
    ------
    InvalidArgument
        If lengths differ, or no cell has a place.
    """
    import numpy as np

    style = style or ScatterStyle()
    numbers = np.asarray(values, dtype=np.float64)
    places = _places(x, y, len(numbers))
    here = np.isfinite(places).all(axis=1)
    known = np.flatnonzero(here & np.isfinite(numbers))
    unknown = np.flatnonzero(here & ~np.isfinite(numbers))
    figure, axes = _empty_figure(places[here], style, legend=False)
    dots = _dots(int(here.sum()), style)
    if len(unknown):
        axes.scatter(places[unknown, 0], places[unknown, 1], c=MISSING, **dots)
    known = known[np.argsort(numbers[known], kind="stable")]
    low = min(0.0, float(numbers[known].min())) if len(known) else 0.0
    high = float(np.percentile(numbers[known], 99.5)) if len(known) else 1.0
    if high <= low:  # so few cells have it that the percentile is 0
        high = float(numbers[known].max()) if len(known) else 1.0
    high = high if high > low else low + 1
    drawn = axes.scatter(
        places[known, 0],
        places[known, 1],
        c=numbers[known],
        cmap="viridis",
        vmin=low,
        vmax=high,
        **dots,
    )
    beyond = bool(len(known)) and float(numbers[known].max()) > high
    bar = figure.colorbar(drawn, ax=axes, extend="max" if beyond else "neither")
    bar.set_label(name, parse_math=False)
    bar.ax.tick_params(labelsize=8)
    return figure


def _places(x: Any, y: Any, count: int) -> npt.NDArray[np.float64]:
    import numpy as np

    places = [np.asarray(one, dtype=np.float64) for one in (x, y)]
    lengths = [len(one) for one in places]
    if set(lengths) != {count}:
        raise InvalidArgument(f"expected {count} places, found {lengths[0]} x and {lengths[1]} y")
    found = np.stack(places, axis=1)
    if not np.isfinite(found).all(axis=1).any():
        raise InvalidArgument("no cell has a place to be drawn at")
    return found


def _empty_figure(
    places: npt.NDArray[np.float64], style: ScatterStyle, *, legend: bool
) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    width, height = (float(one) for one in (places.max(axis=0) - places.min(axis=0)))
    tall = min(8.0, max(3.0, 6.0 * height / width if width else 6.0))
    figure = Figure(figsize=(6.0 + (3.2 if legend else 1.0), tall + 0.8), layout="constrained")
    axes = figure.add_subplot()
    axes.set_aspect("equal", adjustable="datalim" if not width or not height else "box")
    axes.set_anchor("W")  # what is left of the width is at the right, beside the legend
    # Names may come from strangers, and are never mathematics.
    axes.set_title(style.title, fontsize=10, parse_math=False)
    axes.set_xlabel(style.x_label, parse_math=False)
    axes.set_ylabel(style.y_label, parse_math=False)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if style.y_down:
        axes.invert_yaxis()
    return figure, axes


def _dots(count: int, style: ScatterStyle) -> dict[str, Any]:
    size = style.point_size or min(20.0, max(0.6, _POINTS / max(1, count)))
    return {"s": size, "marker": "o", "linewidths": 0, "rasterized": True}


def _shades(
    names: Sequence[str], order: npt.NDArray[Any], given: Mapping[str, str], lines: int
) -> dict[str, str]:
    """Return the colour of each class; without one given, only those in the legend have one."""
    shades: dict[str, str] = {}
    fresh = iter(_PALETTE)
    for rank, place in enumerate(order):
        name = names[place]
        shown = rank < lines
        shades[name] = given.get(name) or (next(fresh, "#888888") if shown else "#888888")
    return {name: shades[name] for name in names}


def _rgba(colours: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    from matplotlib.colors import to_rgba_array

    return to_rgba_array(list(colours))


def _legend(
    axes: Axes,
    held: pd.Categorical,
    counts: npt.NDArray[Any],
    order: npt.NDArray[Any],
    look: tuple[Mapping[str, str], int],
) -> None:
    from matplotlib.lines import Line2D

    shades, most = look
    names = [str(one) for one in held.categories]

    def mark(label: str, colour: str) -> Line2D:
        return Line2D([], [], marker="o", linestyle="", markersize=6, color=colour, label=label)

    shown = order[: most if len(order) <= most else most - 1]
    handles = [
        mark(f"{_short(names[n])}  {counts[n]:,}", shades[names[n]]) for n in shown if counts[n]
    ]
    rest = order[len(shown) :]
    if len(rest):
        few = {shades[names[n]] for n in rest}
        colour = few.pop() if len(few) == 1 else "none"
        handles.append(mark(f"{len(rest):,} more  {int(counts[rest].sum()):,}", colour))
    lost = int((held.codes < 0).sum())
    if lost:
        handles.append(mark(f"not known  {lost:,}", MISSING))
    made = axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8,
        handletextpad=0.3, borderaxespad=0.0,
    )  # fmt: skip
    for text in made.get_texts():
        text.set_parse_math(False)


def _short(name: str) -> str:
    # A name that starts with an underscore would be left out of a legend.
    name = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return f" {name}" if name.startswith("_") else name
