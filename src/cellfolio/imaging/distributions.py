"""Pictures of scores: a distribution against chance, and how sure each score is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CHANCE, _FOUND, _LIMIT = "#9A9A9A", "#0072B2", "#D55E00"
"""Grey, blue and vermilion of Okabe and Ito: told apart by everybody."""
_BINS = 40


@dataclass(frozen=True, slots=True)
class DistributionStyle:
    """What the words of a picture are.

    Attributes
    ----------
    title : str
    x_label : str
    found, chance : str
        What the two distributions are called.
    """

    title: str = ""
    x_label: str = "correlation"
    found: str = "replicates"
    chance: str = "null"


def draw_distributions(
    values: Sequence[float] | npt.NDArray[Any],
    null: Sequence[float] | npt.NDArray[Any],
    limits: tuple[float, float],
    style: DistributionStyle | None = None,
) -> Figure:
    """Draw a distribution, that of chance, and where chance ends.

    Parameters
    ----------
    values, null : array of float
        Missing values are left out.
    limits : tuple of float
        Lower and upper; infinite ones are not drawn.
    style : DistributionStyle, optional

    Returns
    -------
    matplotlib.figure.Figure
        Both histograms have the same area.

    Raises
    ------
    InvalidArgument
        If there is nothing to draw.
    """
    import numpy as np

    style = style or DistributionStyle()
    found, chance = (_known(one) for one in (values, null))
    if not len(found) or not len(chance):
        raise InvalidArgument("there is no value to draw", hint="does any have two replicates?")
    both = np.concatenate([found, chance])
    edges = np.linspace(both.min() - 1e-9, both.max() + 1e-9, _BINS + 1)
    figure, axes = _axes(style.title, style.x_label, "density")
    axes.hist(
        chance, edges, density=True, color=_CHANCE, alpha=0.55, label=f"{style.chance}, {_n(chance)}"
    )
    axes.hist(
        found, edges, density=True, histtype="stepfilled", facecolor=f"{_FOUND}30",
        edgecolor=_FOUND, linewidth=1.6, label=f"{style.found}, {_n(found)}",
    )  # fmt: skip
    for limit in limits:
        if np.isfinite(limit):
            axes.axvline(limit, color=_LIMIT, linestyle="--", label=f"limit {limit:.3f}")
    axes.legend(frameon=False, fontsize=9)
    return figure


def draw_significance(
    scores: Sequence[float] | npt.NDArray[Any],
    p_values: Sequence[float] | npt.NDArray[Any],
    level: float,
    style: DistributionStyle | None = None,
) -> Figure:
    """Draw scores against the p-values that they have.

    Parameters
    ----------
    scores, p_values : array of float, shape (groups,)
        P-values are corrected, and above 0.
    level : float
        Below it, a p-value is significant.
    style : DistributionStyle, optional

    Returns
    -------
    matplotlib.figure.Figure
        With the p-values from 1 at the bottom to the least at the top, in powers of ten.
    """
    import numpy as np

    style = style or DistributionStyle()
    heights = -np.log10(np.asarray(p_values, dtype=np.float64))
    places, sure = np.asarray(scores, dtype=np.float64), heights > -np.log10(level)
    figure, axes = _axes(style.title, style.x_label, "−log₁₀ of corrected p-value")
    for some, colour, name in ((~sure, _CHANCE, style.chance), (sure, _FOUND, style.found)):
        label = f"{name}, {_n(places[some])}"
        axes.scatter(places[some], heights[some], s=18, color=colour, alpha=0.75, linewidths=0,
                     label=label)  # fmt: skip
    axes.axhline(-np.log10(level), color=_LIMIT, linestyle="--", label=f"p = {level:g}")
    axes.set_ylim(bottom=min(0.0, float(heights.min())) - 0.05)
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _known(values: Any) -> npt.NDArray[np.float64]:
    import numpy as np

    found = np.asarray(values, dtype=np.float64)
    return found[np.isfinite(found)]


def _n(values: npt.NDArray[Any]) -> str:
    return f"{len(values):,}"


def _axes(title: str, x_label: str, y_label: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.tick_params(labelsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes
