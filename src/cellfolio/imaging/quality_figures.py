"""Pictures of a plate's quality: controls, missing values, replicates, places, features.

Names come from tables of strangers and are drawn as they are: never as mathematics.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cellfolio.imaging.plate_map import INK, RIM
from cellfolio.registries.plates import row_letters

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from cellfolio.evaluation.positions import PositionEffect
    from cellfolio.evaluation.quality import PlateQuality
    from cellfolio.evaluation.replicates import ReplicateAgreement

BLUE, ORANGE, RED, GREY = "#0072B2", "#E69F00", "#D55E00", "#9A9A9A"
"""Okabe's and Ito's: what is looked at, controls, a limit, what would be by chance."""
NO_CHANNEL = "no channel"
_LONGEST = 24
_BINS = 30


def draw_controls(quality: PlateQuality) -> Figure:
    """Draw how far controls spread, by feature, and how far wells are from them.

    Parameters
    ----------
    quality : PlateQuality
        With controls.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import numpy as np

    figure, (left, right) = _figure(2, 9.0, 3.4)
    spread = quality.features["control_spread"].dropna().to_numpy()
    shown = np.minimum(spread, 3.0)
    left.hist(shown, bins=np.linspace(0, 3, _BINS + 1).tolist(), color=BLUE)
    left.axvline(1, color=RED, linestyle="--", linewidth=1.2)
    left.annotate(
        "as all wells", (1, 1), (4, -4), xycoords=("data", "axes fraction"), fontsize=8, color=RED,
        textcoords="offset points", va="top",
    )  # fmt: skip
    _label(left, "spread of controls / spread of all wells", "features")
    left.set_xlim(0, 3)
    if (spread > 3).any():
        left.set_xticks([0, 1, 2, 3], ["0", "1", "2", "≥ 3"])
    wells = quality.wells.dropna(subset=["distance"])
    kinds = {
        f"controls ({quality.control_count:,})": (wells[wells["control"]]["distance"], ORANGE),
        f"others ({int((~wells['control']).sum()):,})": (
            wells[~wells["control"]]["distance"],
            BLUE,
        ),
    }
    _cumulative(right, kinds)
    _label(right, "distance from the controls' median", "share of wells")
    return figure


def _cumulative(axes: Axes, kinds: Mapping[str, tuple[pd.Series[Any], str]]) -> None:
    import numpy as np

    for name, (values, colour) in kinds.items():
        ordered = np.sort(values.to_numpy())
        shares = np.arange(1, len(ordered) + 1) / max(len(ordered), 1)
        dashed = "-" if colour == BLUE else (0, (4, 1.5))
        axes.step(
            ordered, shares, where="post", color=colour, label=name, linewidth=2, linestyle=dashed
        )
    axes.set_ylim(0, 1.02)
    axes.legend(fontsize=8, frameon=False, loc="lower right")


def draw_missing(quality: PlateQuality) -> Figure:
    """Draw the shares of values that are missing, by feature and by well.

    Parameters
    ----------
    quality : PlateQuality

    Returns
    -------
    matplotlib.figure.Figure
    """
    import numpy as np

    figure, (left, right) = _figure(2, 9.0, 3.2)
    for axes, shares, what in (
        (left, quality.features["missing"], "features"),
        (right, quality.wells["missing"], "wells"),
    ):
        ordered = np.sort(shares.to_numpy())[::-1] * 100
        some = ordered[ordered > 0]
        axes.fill_between(np.arange(len(some) + 1), np.append(some, 0), step="post", color=BLUE)
        axes.set_xlim(0, max(len(some), 1) * 1.02)
        axes.set_ylim(0, max(ordered.max(initial=0) * 1.1, 1))
        _whole_numbers(axes)
        _label(axes, f"{what}, most missing first", "missing (%)")
        axes.set_title(f"{len(some):,} of {len(ordered):,} {what}", fontsize=10, loc="left")
    return figure


def draw_replicates(found: ReplicateAgreement) -> Figure:
    """Draw correlations of replicates beside those that come about by chance.

    Parameters
    ----------
    found : ReplicateAgreement
        With at least one perturbation.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import numpy as np

    figure, (axes,) = _figure(1, 7.0, 3.6)
    values = found.perturbations["correlation"].dropna().to_numpy()
    everything = np.concatenate([values, found.null])
    low = min(-0.2, float(everything.min(initial=0)))
    bins = np.linspace(low, max(1.0, float(everything.max(initial=1))), _BINS + 1).tolist()
    if len(found.null):
        axes.hist(
            found.null, bins=bins, color=GREY, label="wells of different perturbations",
            weights=np.full(len(found.null), 100 / len(found.null)),
        )  # fmt: skip
    axes.hist(
        values, bins=bins, histtype="step", color=BLUE, linewidth=2, label="replicates",
        weights=np.full(len(values), 100 / max(len(values), 1)),
    )  # fmt: skip
    if np.isfinite(found.threshold):
        axes.axvline(
            found.threshold, color=RED, linestyle="--", linewidth=1.2,
            label=f"95th percentile by chance: {found.threshold:.2f}",
        )  # fmt: skip
    _label(axes, "median correlation", "share (%)")
    axes.margins(y=0.08)
    figure.legend(
        *axes.get_legend_handles_labels(), fontsize=8, frameon=False, loc="outside upper left",
        ncols=3, columnspacing=1.2,
    )  # fmt: skip
    return figure


def draw_positions(positions: Sequence[PositionEffect]) -> Figure:
    """Draw means by row and by column of the plate.

    Parameters
    ----------
    positions : sequence of PositionEffect
        At least one.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    height = 2.1 * len(positions) + 0.3
    figure = Figure(figsize=(9.0, height))
    # Placed by hand: to let matplotlib find the places takes as long as all the rest.
    figure.subplots_adjust(0.085, 0.3 / height, 0.99, 1 - 0.3 / height, 0.05, 0.4)
    grid = figure.subplots(len(positions), 2, squeeze=False, sharey="row")
    for (left, right), effect in zip(grid, positions, strict=True):
        for axes, means, share, what in (
            (left, effect.by_row, effect.row, "row"),
            (right, effect.by_column, effect.column, "column"),
        ):
            axes.plot(list(means), list(means.values()), "o-", color=BLUE, markersize=4)
            names = [row_letters(one) if what == "row" else str(one) for one in means]
            step = -(-len(names) // 16)  # more names would touch
            axes.set_xticks(list(means)[::step], names[::step], fontsize=8)
            told = f" · explains {max(share, 0):.0%}" if math.isfinite(share) else ""
            axes.set_title(f"{effect.of} by {what}{told}", fontsize=10, loc="left")
            _plain(axes)
        left.set_ylabel(f"mean of {effect.of}", fontsize=9)
    return figure


def draw_selected(features: pd.DataFrame) -> Figure:
    """Draw which features are left, by compartment, group and channel.

    Parameters
    ----------
    features : pandas.DataFrame
        As in `PlateQuality.features`.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each compartment; in each field the number that is left of how many.
    """
    from matplotlib.figure import Figure

    channels = _ordered(features["channel"])
    rows = {
        compartment: sorted(set(own["group"]))
        for compartment, own in features.groupby("compartment", sort=True)
    }
    heights = [len(groups) for groups in rows.values()]
    figure = Figure(
        figsize=(2.0 + max(0.62 * len(channels), 2.6), 0.3 * sum(heights) + 0.4 * len(rows) + 1.6),
        layout="constrained",
    )
    grid = figure.subplots(
        len(rows), 1, squeeze=False, sharex=True, gridspec_kw={"height_ratios": heights}
    )
    for axes, (compartment, groups) in zip(grid[:, 0], rows.items(), strict=True):
        own = features[features["compartment"] == compartment]
        drawn = _fields(axes, own, groups, channels)
        axes.set_title(compartment or "all", fontsize=10, loc="left")
    grid[-1, 0].set_xticks(
        range(len(channels)), [_short(one or NO_CHANNEL) for one in channels], fontsize=8,
        rotation=40, ha="right", rotation_mode="anchor",
    )  # fmt: skip
    _as_written(grid[-1, 0].get_xticklabels())
    bar = figure.colorbar(
        drawn, ax=list(grid[:, 0]), location="top", aspect=40, shrink=0.7, pad=0.02
    )
    bar.set_label("left (%)", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return figure


def _fields(axes: Axes, own: pd.DataFrame, groups: list[str], channels: list[str]) -> Any:
    import numpy as np

    found = own.groupby(["group", "channel"])["selected"].agg(["size", "sum"])
    shares = np.full((len(groups), len(channels)), np.nan)
    for (group, channel), (size, left) in zip(found.index, found.to_numpy(), strict=True):
        place = groups.index(group), channels.index(channel)
        shares[place] = 100 * left / size
        axes.text(
            place[1], place[0], f"{left}/{size}", ha="center", va="center", fontsize=7,
            color="white" if shares[place] > 55 else INK,
        )  # fmt: skip
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    axes.set_yticks(range(len(groups)), [_short(one) for one in groups], fontsize=8)
    axes.tick_params(length=0)
    _as_written(axes.get_yticklabels())
    for spine in axes.spines.values():
        spine.set_color(RIM)
    return drawn


def _ordered(channels: pd.Series[Any]) -> list[str]:
    """Return the channels by name, what compares several and what has none last."""
    from cellfolio.profiles.features import SEVERAL_CHANNELS

    rest = (SEVERAL_CHANNELS, "")
    found = set(channels)
    return [*sorted(found - set(rest)), *(one for one in rest if one in found)]


def _figure(panels: int, width: float, height: float) -> tuple[Figure, Sequence[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, panels, squeeze=False)[0]


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _whole_numbers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _as_written(texts: Iterable[Text]) -> None:
    for text in texts:
        text.set_parse_math(False)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
