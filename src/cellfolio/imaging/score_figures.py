"""Pictures of several scores: bars with intervals, maps of pairs, panels against chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""Of Okabe and Ito: told apart by everybody."""
_CHANCE, _INK, _SOFT = "#9A9A9A", "#222222", "#6A6A6A"
_MARKERS = ("D", "o", "s", "^", "v", "P", "X")
_BINS = 40
_ACROSS = 4
"""Panels side by side, at most."""
_PANEL_SIZES = {1: (6.4, 3.4), 2: (4.4, 3.0), 3: (3.4, 2.5), 4: (2.75, 2.15)}
"""Panels side by side → width and height of each."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Scores that are compared.

    Attributes
    ----------
    names : sequence of str
        One for each bar.
    values : sequence of float
    lows, highs : sequence of float
        Ends of their intervals; missing where there is none.
    kinds : sequence of str
        Such as the modality: bars of one kind have one colour.
    published : mapping of str to sequence of float
        Other scores of the same bars by what they are called; missing where there is none.
    label : str
        Of the axis.
    percent : bool
    """

    names: Sequence[str]
    values: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    kinds: Sequence[str]
    published: Mapping[str, Sequence[float]] = field(default_factory=dict)
    label: str = ""
    percent: bool = False

    @classmethod
    def of(
        cls,
        scores: pd.DataFrame,
        score: str,
        names: Sequence[str],
        kinds: Sequence[str],
        published: Mapping[str, Sequence[float]],
        label: str,
        *,
        percent: bool = False,
    ) -> Bars:
        """Return bars of a column; its intervals are those with ``_low`` and ``_high`` behind."""
        values, lows, highs = (scores[f"{score}{end}"].tolist() for end in ("", "_low", "_high"))
        return cls(names, values, lows, highs, kinds, published, label, percent)


def draw_bars(bars: Bars, title: str = "") -> Figure:
    """Draw scores as bars with their intervals, and published ones as marks.

    Raises
    ------
    InvalidArgument
        If there is none.
    """
    import numpy as np
    from matplotlib.ticker import PercentFormatter

    if not len(bars.names):
        raise InvalidArgument("there is no score to draw")
    figure, axes = _plain_axes((7.4, 1.3 + 0.34 * len(bars.names)), title)
    places = np.arange(len(bars.names))
    values = np.asarray(bars.values, dtype=np.float64)
    kinds = list(dict.fromkeys(bars.kinds))
    colours = [COLOURS[kinds.index(kind) % len(COLOURS)] for kind in bars.kinds]
    axes.barh(places, values, 0.62, color=colours, alpha=0.85)
    ends = np.array([bars.lows, bars.highs], dtype=np.float64)
    off = np.abs(ends - values)
    known = np.isfinite(off).all(axis=0)
    axes.errorbar(
        values[known], places[known], xerr=off[:, known], fmt="none", ecolor=_INK, elinewidth=1.1,
        capsize=2.5,
    )  # fmt: skip
    for (name, marks), marker in zip(bars.published.items(), _MARKERS, strict=False):
        axes.plot(
            marks, places, marker, color="white", markeredgecolor=_INK, markersize=5.5,
            markeredgewidth=1, label=name, zorder=4,
        )  # fmt: skip
    axes.set_yticks(places, list(bars.names), fontsize=9, parse_math=False)
    axes.set_ylim(len(places) - 0.4, -0.6)
    axes.set_xlabel(bars.label)
    axes.axvline(0, color=_INK, linewidth=0.8)
    _grid(axes)
    if bars.percent:
        axes.set_xlim(0, _end_of_shares([values, ends, *bars.published.values()]))
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    _kind_legend(axes, kinds)
    return figure


def _end_of_shares(parts: Sequence[Any]) -> float:
    """Return where an axis of shares ends: at 1, unless all are small."""
    import numpy as np

    every = np.concatenate([np.ravel(np.asarray(part, dtype=np.float64)) for part in parts])
    most = float(np.nanmax(every, initial=0.0))
    return 1.0 if most > 0.5 else max(0.02, 1.1 * most)


def _kind_legend(axes: Axes, kinds: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    handles: list[Any] = []
    if len(kinds) > 1:
        handles = [
            Patch(color=COLOURS[at % len(COLOURS)], alpha=0.85, label=kind)
            for at, kind in enumerate(kinds)
        ]
    handles += axes.get_legend_handles_labels()[0]
    if handles:
        legend = axes.legend(
            handles=handles, frameon=False, fontsize=8.5, loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
        )  # fmt: skip
        for text in legend.get_texts():
            text.set_parse_math(False)


def draw_score_map(scores: pd.DataFrame, title: str = "", label: str = "") -> Figure:
    """Draw scores of pairs: rows and columns are what was compared, such as modalities.

    Parameters
    ----------
    scores : DataFrame
        Shares between 0 and 1; missing where nothing was compared.
    title, label : str
    """
    import numpy as np
    from matplotlib.figure import Figure

    values = scores.to_numpy(dtype=np.float64)
    if not np.isfinite(values).any():
        raise InvalidArgument("there is no score to draw")
    size = (3.4 + 0.95 * values.shape[1], 1.9 + 0.5 * values.shape[0])
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    most = max(0.01, float(np.nanmax(values)))
    drawn = axes.imshow(values, cmap="Blues", vmin=0, vmax=most, aspect="auto")
    axes.set_yticks(range(len(scores)), list(map(str, scores.index)), fontsize=9, parse_math=False)
    axes.set_xticks(
        range(values.shape[1]), list(map(str, scores.columns)), rotation=35, ha="right",
        rotation_mode="anchor", fontsize=9, parse_math=False,
    )  # fmt: skip
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row, column in np.argwhere(np.isfinite(values)).tolist():
        colour = "white" if values[row, column] > 0.6 * most else _INK
        text = f"{values[row, column]:.1%}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    axes.set_title(title, fontsize=11, loc="left", parse_math=False)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.9, label=label)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    bar.outline.set_visible(False)
    return figure


@dataclass(frozen=True, slots=True)
class Panel:
    """A distribution, that of chance, and where chance ends.

    Attributes
    ----------
    title : str
    values, null : array of float
    limits : tuple of float
    """

    title: str
    values: Any
    null: Any
    limits: tuple[float, float]


def draw_panels(
    panels: Sequence[Panel], label: str, found: str, chance: str, limit: str = "limit of chance"
) -> Figure:
    """Draw distributions against chance beside each other, all on one scale.

    Parameters
    ----------
    panels : sequence of Panel
    label : str
        Of the horizontal axis.
    found, chance, limit : str
        What the two distributions are, and the line.
    """
    import numpy as np
    from matplotlib.figure import Figure

    kept = [panel for panel in panels if len(_known(panel.values)) and len(_known(panel.null))]
    if not kept:
        raise InvalidArgument("there is no distribution to draw")
    every = np.concatenate([_known(one) for panel in kept for one in (panel.values, panel.null)])
    edges = np.linspace(every.min() - 1e-9, every.max() + 1e-9, _BINS + 1).tolist()
    across = min(_ACROSS, len(kept))
    down = -(-len(kept) // across)
    size = _PANEL_SIZES[across]
    figure = Figure(figsize=(size[0] * across, size[1] * down + 0.5), layout="constrained")
    grid = figure.subplots(down, across, sharex=True, squeeze=False)
    for axes in grid.flat[len(kept) :]:
        axes.set_visible(False)
    for axes, panel in zip(grid.flat, kept, strict=False):
        _draw_panel(axes, panel, edges)
    for axes in grid[:, 0]:
        axes.set_ylabel("density", fontsize=8.5)
    for at, axes in enumerate(grid.flat):
        if at + across >= len(kept):
            axes.tick_params(labelbottom=True)
            axes.set_xlabel(label, fontsize=8.5)
    _panel_legend(figure, found, chance, limit)
    return figure


def _draw_panel(axes: Axes, panel: Panel, edges: Sequence[float]) -> None:
    import numpy as np

    axes.hist(_known(panel.null), edges, density=True, color=_CHANCE, alpha=0.5)
    axes.hist(
        _known(panel.values), edges, density=True, histtype="stepfilled",
        facecolor=f"{COLOURS[0]}30", edgecolor=COLOURS[0], linewidth=1.3,
    )  # fmt: skip
    for limit in panel.limits:
        if np.isfinite(limit):
            axes.axvline(limit, color=COLOURS[5], linestyle="--", linewidth=1.1)
    axes.set_title(panel.title, fontsize=9, parse_math=False)
    axes.tick_params(labelsize=8)
    _despine(axes)


def _panel_legend(figure: Figure, found: str, chance: str, limit: str) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=f"{COLOURS[0]}30", edgecolor=COLOURS[0], label=found),
        Patch(color=_CHANCE, alpha=0.5, label=chance),
        Line2D([], [], color=COLOURS[5], linestyle="--", label=limit),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False, fontsize=9)


def _known(values: Any) -> Any:
    import numpy as np

    found = np.asarray(values, dtype=np.float64)
    return found[np.isfinite(found)]


def _plain_axes(size: tuple[float, float], title: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=11, loc="left", parse_math=False)
    axes.tick_params(labelsize=9)
    _despine(axes)
    return figure, axes


def _despine(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _grid(axes: Axes) -> None:
    axes.xaxis.grid(visible=True, color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
