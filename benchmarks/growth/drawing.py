"""The picture of growth: CPU seconds against size, one panel for each subject, both logarithmic."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import groupby
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from PIL import Image

from benchmarks.growth.curves import Curve
from benchmarks.growth.table import shown

_COLOURS = 256
"""Colours of the picture: all it has, and a small file."""


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Draw curves that are in the order of their subjects."""
    groups = [(name, list(some)) for name, some in groupby(curves, lambda one: one.subject)]
    rows = -(-len(groups) // 2)
    figure, panels = plt.subplots(
        rows, 2, figsize=(11, 4.3 * rows), layout="constrained", squeeze=False
    )
    for panel in panels.flat[len(groups) :]:
        panel.set_visible(False)
    for panel, (name, some) in zip(panels.flat, groups, strict=False):
        _draw_subject(panel, name, some)
    whole = BytesIO()
    figure.savefig(whole, dpi=90)
    plt.close(figure)
    Image.open(whole).convert("RGB").quantize(_COLOURS).save(path, optimize=True)


def _draw_subject(panel: Axes, name: str, curves: Sequence[Curve]) -> None:
    for number, curve in enumerate(curves):
        points = curve.points[1:]
        exponent = curve.growth.exponent
        told = shown(curve.growth) if exponent is None else f"n^{exponent:.2f}"
        panel.loglog(
            [one.n for one in points],
            [max(one.cpu, 1e-3) for one in points],
            marker="os^vDPX<>"[number % 9],
            markersize=5,
            linewidth=1.4,
            label=f"{curve.work}: {told}",
        )
    _draw_linear(panel, curves)
    panel.set_title(name, loc="left", fontweight="bold")
    panel.set_xlabel(curves[0].unit)
    panel.set_ylabel("CPU seconds")
    panel.grid(visible=True, which="major", color="0.9")
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(fontsize=7.5, frameon=False, loc="upper left", bbox_to_anchor=(0, -0.16))


def _draw_linear(panel: Axes, curves: Sequence[Curve]) -> None:
    """Draw lines of the slope 1 behind, to compare with."""
    ends = [one.n for curve in curves for one in curve.points[1:]]
    times = [max(one.cpu, 1e-3) for curve in curves for one in curve.points[1:]]
    left, right = min(ends), max(ends)
    panel.set_ylim(min(times) / 2, max(times) * 2)
    start = min(times) * left / right
    while start < max(times):
        line = [start, start * right / left]
        panel.plot([left, right], line, color="0.85", linewidth=0.8, linestyle="--", zorder=0)
        start *= 10
