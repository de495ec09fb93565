"""Pictures of scores: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.distributions import (
    DistributionStyle,
    draw_distributions,
    draw_significance,
)


def test_both_distributions_and_finite_limits_are_drawn() -> None:
    rng = np.random.default_rng(0)
    null, values = rng.normal(size=500), np.append(rng.normal(2, 1, 80), np.nan)
    style = DistributionStyle("title", found="pairs")
    figure = draw_distributions(values, null, (-np.inf, 1.6), style)
    (axes,) = figure.axes
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["null, 500", "pairs, 80", "limit 1.600"]
    assert axes.get_title() == "title"
    bars = [one for one in axes.patches if isinstance(one, Rectangle)]
    area = sum(one.get_width() * one.get_height() for one in bars)
    assert area == pytest.approx(1)
    both = draw_distributions(values, null, (-1.6, 1.6))
    assert len(both.axes[0].get_lines()) == 2


def test_equal_values_are_drawn() -> None:
    assert draw_distributions([0.5, 0.5], [0.5], (-np.inf, 0.5)).axes


def test_nothing_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no value to draw"):
        draw_distributions([np.nan], [1.0], (0, 1))


def test_significant_groups_are_told_from_others() -> None:
    style = DistributionStyle(found="significant", chance="other")
    figure = draw_significance([0.1, 0.5, 0.9], [1.0, 0.01, 0.0001], 0.05, style)
    (axes,) = figure.axes
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["other, 1", "significant, 2", "p = 0.05"]
    points = np.concatenate([one.get_offsets() for one in axes.collections])
    np.testing.assert_allclose(points, [[0.1, 0], [0.5, 2], [0.9, 4]])
