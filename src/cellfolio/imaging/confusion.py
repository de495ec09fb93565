"""A picture of which labels were taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_LONGEST = 28
"""Letters of a label that are shown."""
_NUMBERED = 25
"""Labels up to which each count is written."""


def draw_confusion(counts: pd.DataFrame, title: str = "") -> Figure:
    """Draw a confusion matrix: how the rows of each label were predicted.

    Parameters
    ----------
    counts : DataFrame
        As `cellfolio.evaluation.agreement.confusion` returns it.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
        Coloured by the share of each row; counts are written where there is room.
    """
    import numpy as np
    from matplotlib.figure import Figure

    values = counts.to_numpy()
    shares = values / np.maximum(values.sum(axis=1, keepdims=True), 1)
    size = min(max(4.0, 2.6 + 0.36 * len(values)), 16.0)
    figure = Figure(figsize=(size + 1.4, size), layout="constrained")
    axes = figure.add_subplot()
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [_short(str(name)) for name in counts.index]
    font = 9 if len(names) <= _NUMBERED else 6
    axes.set_yticks(range(len(names)), names, fontsize=font, parse_math=False)
    axes.set_xticks(
        range(len(names)), [_short(str(name)) for name in counts.columns],
        rotation=45, ha="right", rotation_mode="anchor", fontsize=font, parse_math=False,
    )  # fmt: skip
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(title, fontsize=11, parse_math=False)
    if len(names) <= _NUMBERED:
        for row, column in np.argwhere(values > 0).tolist():
            colour = "white" if shares[row, column] > 0.55 else "black"
            axes.text(
                column, row, str(values[row, column]), ha="center", va="center", color=colour,
                fontsize=8,
            )  # fmt: skip
    figure.colorbar(drawn, ax=axes, shrink=0.8, label="share of the true label")
    return figure


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
