"""Histograms as shapes that a template draws."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cellfolio.workflows.run_distributions import Distribution

WIDTH, HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 8, 10, 26
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, in units of the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A place along the axis, and what to write there."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Shapes of two distributions.

    Attributes
    ----------
    null, found : tuple of Bar
    limits, ticks : tuple of Mark
    base : float
        Where bars begin.
    """

    null: tuple[Bar, ...]
    found: tuple[Bar, ...]
    limits: tuple[Mark, ...]
    ticks: tuple[Mark, ...]
    base: float = HEIGHT - _BOTTOM


def draw_histogram(shown: Distribution) -> Histogram:
    """Return the shapes of a distribution against chance."""
    low, high = shown.edges[0], shown.edges[-1]
    tallest = max((*shown.found, *shown.null)) or 1.0
    room = HEIGHT - _TOP - _BOTTOM

    def place(value: float) -> float:
        return round(_LEFT + (value - low) / (high - low) * (WIDTH - _LEFT - _RIGHT), 2)

    def bars(shares: tuple[float, ...]) -> tuple[Bar, ...]:
        made = []
        for start, stop, share in zip(shown.edges, shown.edges[1:], shares, strict=False):
            tall = round(share / tallest * room, 2)
            if tall:
                left = place(start)
                made.append(Bar(left, HEIGHT - _BOTTOM - tall, round(place(stop) - left, 2), tall))
        return tuple(made)

    return Histogram(
        bars(shown.null),
        bars(shown.found),
        tuple(Mark(place(one), f"{one:.3g}") for one in shown.limits or () if math.isfinite(one)),
        tuple(Mark(place(one), f"{one:g}") for one in round_numbers(low, high)),
    )


def round_numbers(low: float, high: float) -> list[float]:
    """Return a few round numbers between two.

    Examples
    --------
    >>> round_numbers(-0.15, 0.53)
    [0.0, 0.2, 0.4]
    """
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(one * power for one in (1, 2, 5, 10) if one * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(at * step, 12) for at in range(first, last + 1)]
