"""Pictures of the quality of a plate's sites: how sharp they are, by channel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cellfolio.imaging.quality_figures import BLUE, RED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cellfolio.evaluation.site_quality import SiteQuality

_HEIGHT = 0.42
"""Inches for a channel."""


def draw_slopes(quality: SiteQuality) -> Figure:
    """Draw the slope of each site's power spectrum, a line of dots for each channel.

    Parameters
    ----------
    quality : SiteQuality
        With slopes of at least one channel.

    Returns
    -------
    matplotlib.figure.Figure
        Dots below the limit of their channel are red.
    """
    import numpy as np
    from matplotlib.figure import Figure

    names = list(quality.slopes)
    figure = Figure(figsize=(7.5, 0.9 + _HEIGHT * len(names)), layout="constrained")
    axes = figure.subplots()
    for row, name in enumerate(names):
        values = quality.slopes[name].to_numpy()
        limit = quality.limits[str(name)]
        # Dots that would lie on each other are moved apart, the same way each time.
        off = np.random.default_rng(0).uniform(-0.28, 0.28, len(values))
        low = values < limit
        for some, colour, size in ((~low, BLUE, 9), (low, RED, 22)):
            axes.scatter(values[some], row + off[some], s=size, color=colour, alpha=0.6, lw=0)
        if math.isfinite(limit):
            axes.plot([limit, limit], [row - 0.4, row + 0.4], color=RED, linewidth=1.4)
    axes.set_yticks(range(len(names)), [str(name) for name in names], fontsize=9)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("slope of the power spectrum (lower is more blurred)", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
