"""Pictures of plates: a colour for each well, by category or by number.

Wells are round on plates of up to 96 and square on larger ones, as they are. Row letters are at the
left and column numbers on top. What a well lacks is shown too: white with a grey rim is a well
without a value, a small cross one that the plate map does not have.

References
----------
Okabe and Ito, "Color Universal Design" (2008), for the colours of categories. Numbers have viridis,
which colour-blind people can read too, and which has no grey that would look like a zero.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Literal

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.registries.plates import PlateFormat, Well, row_letters, smallest_plate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
"""Okabe's and Ito's, those that are easiest to tell apart first."""
MARKS = ("", "o", "s")
"""Categories beyond the colours have a mark as well."""
MOST_CATEGORIES = len(COLOURS) * len(MARKS)
OTHER, EMPTY, RIM, INK = "#9A9A9A", "#FFFFFF", "#8A8A8A", "#222222"
COLOUR_MAP = "viridis"
LOG_FROM = 100.0
"""Largest by smallest number from which colours follow the logarithm."""
_ROUND_UP_TO = 96
_LONGEST = 30
"""Characters of a label in the legend."""
_INCHES = {6: 1.0, 12: 0.85, 24: 0.65, 48: 0.52, 96: 0.46, 384: 0.3}
_SMALLEST = 0.17
"""Inches from well to well: so much by the number of wells, and on larger plates."""
_EDGE, _HEAD = 0.45, 0.62
_LINE, _LETTER = 0.17, 0.075
"""Inches of a line and a letter of the legend."""


@dataclass(frozen=True, slots=True)
class _Key:
    label: str
    colour: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class _Legend:
    keys: Sequence[_Key]
    title: str = ""

    @property
    def width(self) -> float:
        longest = max([len(one.label) for one in self.keys] + [len(self.title)])
        return 0.6 + _LETTER * longest

    @property
    def height(self) -> float:
        return _LINE * (len(self.keys) + 2)


def draw_plate(
    values: Mapping[Well, object],
    plate: PlateFormat | None = None,
    *,
    title: str = "",
    label: str = "",
    kind: Literal["auto", "categories", "numbers"] = "auto",
) -> Figure:
    """Draw a plate with a colour for each well.

    Parameters
    ----------
    values : mapping of Well to value
        None, NaN and infinite numbers are no values.
    plate : PlateFormat, optional
        By default the smallest of the usual ones that has all these wells.
    title : str
    label : str
        What the values are.
    kind : {'auto', 'categories', 'numbers'}
        By default numbers if all values are.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidArgument
        If there are no wells, one is not on the plate, or values are no numbers where they should.

    Examples
    --------
    >>> drugs = {Well(1, 1): "DMSO", Well(1, 2): "taxol", Well(2, 1): None}
    >>> figure = draw_plate(drugs, title="Pilot", label="drug")
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['DMSO (1)', 'taxol (1)', 'no value (1)', 'no well (3)']
    """
    if not values:
        raise InvalidArgument("no wells to draw")
    plate = plate or smallest_plate(values)
    outside = [well for well in values if well.row > plate.rows or well.column > plate.columns]
    if outside:
        raise InvalidArgument(f"{min(outside)} is not on the plate: {plate}")
    known = {well: value for well, value in values.items() if not is_empty(value)}
    numeric = all(map(is_number, known.values())) and bool(known)
    if kind == "numbers" and not numeric:
        raise InvalidArgument(f"{label or 'the values'} are not all numbers")
    if kind == "numbers" or (kind == "auto" and numeric):
        numbers = {well: float(value) for well, value in known.items()}  # type: ignore[arg-type]
        return _draw_numbers(values, numbers, plate, (title, label))
    return _draw_categories(values, {w: str(v) for w, v in known.items()}, plate, (title, label))


def is_number(value: object) -> bool:
    """Whether a value is a number, as colours of numbers take it."""
    # NumPy's bools are no Real either.
    return isinstance(value, Real) and not isinstance(value, bool)


def is_empty(value: object) -> bool:
    """Whether a well has no value, though it is there."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    if isinstance(value, Real):
        return not math.isfinite(float(value))
    return type(value).__name__ in ("NAType", "NaTType")


# Categories


def _draw_categories(
    values: Mapping[Well, object],
    known: Mapping[Well, str],
    plate: PlateFormat,
    words: tuple[str, str],
) -> Figure:
    counts = Counter(known.values())
    shown = most_common(counts)
    styles = {
        name: (COLOURS[at % len(COLOURS)], MARKS[at // len(COLOURS)])
        for at, name in enumerate(shown)
    }
    keys = [_Key(f"{_short(one)} ({counts[one]:,})", *styles[one]) for one in shown]
    rest = len(counts) - len(shown)
    if rest:
        others = len(known) - sum(counts[name] for name in shown)
        keys.append(_Key(f"{rest:,} others ({others:,})", OTHER))
    legend = _Legend([*keys, *_missing_keys(values, known, plate)], _short(words[1]))
    figure, axes = _canvas(plate, words[0], legend.width, legend.height)
    colours = {well: styles.get(name, (OTHER, ""))[0] for well, name in known.items()}
    _fill(axes, plate, values, colours)
    written = _write(axes, plate, known, colours)
    for mark in MARKS[1:]:
        marked = [well for well, name in known.items() if styles.get(name, ("", ""))[1] == mark]
        _scatter(axes, plate, marked, mark, lower=0.27 if written else 0.0)
    _add_legend(figure, plate, legend)
    return figure


def most_common(counts: Mapping[str, int]) -> list[str]:
    """Return the categories that are shown: all, or those that more wells have than the others."""
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    if len(ranked) <= MOST_CATEGORIES:
        return ranked
    left_out = counts[ranked[MOST_CATEGORIES - 1]]
    # Of equally common ones, to show some and not the others would say something that is not so.
    return [name for name in ranked if counts[name] > left_out] or ranked[: MOST_CATEGORIES - 1]


def _write(
    axes: Axes, plate: PlateFormat, known: Mapping[Well, str], colours: Mapping[Well, str]
) -> bool:
    """Write values into the wells, if all of them have room; return whether they have."""
    room = int(_pitch(plate) * 0.8 / 0.085)
    if any(len(name) > room for name in known.values()) or room < 3:
        return False
    for well, name in known.items():
        ink = "white" if _is_dark(colours[well]) else INK
        axes.text(
            well.column, well.row, name, ha="center", va="center", fontsize=9, color=ink,
            parse_math=False,
        )  # fmt: skip
    return True


def _is_dark(colour: str) -> bool:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue < 130


# Numbers


def _draw_numbers(
    values: Mapping[Well, object],
    known: Mapping[Well, float],
    plate: PlateFormat,
    words: tuple[str, str],
) -> Figure:
    from matplotlib.colors import to_hex

    zeros = [well for well, number in known.items() if number == 0]
    colouring, logarithmic = _colouring(list(known.values()))
    keys = _missing_keys(values, known, plate)
    if logarithmic and zeros:
        keys.insert(0, _Key(f"0 ({len(zeros):,})", OTHER))
    figure, axes = _canvas(plate, words[0], max(1.3, _Legend(keys).width), 2.2)
    shades = colouring.to_rgba(np.array(list(known.values())))
    colours = {well: to_hex(tuple(shade)) for well, shade in zip(known, shades, strict=True)}
    if logarithmic:
        colours.update(dict.fromkeys(zeros, OTHER))
    _fill(axes, plate, values, colours)
    _write(axes, plate, {well: f"{number:.3g}" for well, number in known.items()}, colours)
    width, height = figure.get_size_inches()
    space = _LINE * len(keys) + (0.25 if keys else 0)
    wide = plate.columns * _pitch(plate)
    bar = figure.add_axes(
        ((_EDGE + wide + 0.25) / width, (0.2 + space) / height,
         0.16 / width, (height - _HEAD - 0.25 - space) / height)
    )  # fmt: skip
    scale = figure.colorbar(colouring, cax=bar)
    scale.ax.tick_params(labelsize=8)
    scale.set_label(_short(words[1]), fontsize=9, parse_math=False)
    if keys:
        _add_legend(figure, plate, _Legend(keys), at_bottom=True)
    return figure


def _colouring(numbers: Sequence[float]) -> tuple[ScalarMappable, bool]:
    """Return colours for numbers, and whether they follow the logarithm."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm, Normalize

    positive = [number for number in numbers if number > 0]
    low, high = min(numbers), max(numbers)
    if low >= 0 and positive and max(positive) / min(positive) >= LOG_FROM:
        return ScalarMappable(LogNorm(min(positive), max(positive)), COLOUR_MAP), True
    if low == high:
        low, high = low - 0.5, high + 0.5
    return ScalarMappable(Normalize(low, high), COLOUR_MAP), False


# The plate


def _pitch(plate: PlateFormat) -> float:
    """Return the inches from well to well."""
    return next((inches for size, inches in _INCHES.items() if plate.size <= size), _SMALLEST)


def _canvas(plate: PlateFormat, title: str, beside: float, at_least: float) -> tuple[Figure, Axes]:
    """Return an empty plate, with so many inches beside it."""
    from matplotlib.figure import Figure

    pitch = _pitch(plate)
    wide, high = plate.columns * pitch, plate.rows * pitch
    name = title if len(title) <= 90 else title[:89] + "…"
    width = _EDGE + max(wide + beside, _LETTER * 1.15 * len(name)) + 0.2
    height = _HEAD + max(high, at_least) + 0.2
    figure = Figure(figsize=(width, height), facecolor="white")
    top = height - _HEAD - high
    axes = figure.add_axes((_EDGE / width, top / height, wide / width, high / height))
    axes.set_xlim(0.5, plate.columns + 0.5)
    axes.set_ylim(plate.rows + 0.5, 0.5)
    size = 10 if plate.size <= 96 else 8 if plate.size <= 384 else 6.5
    columns, rows = range(1, plate.columns + 1), range(1, plate.rows + 1)
    axes.set_xticks(list(columns), [str(one) for one in columns], fontsize=size)
    axes.set_yticks(list(rows), [row_letters(one) for one in rows], fontsize=size)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False, pad=3)
    for spine in axes.spines.values():
        spine.set_color(RIM)
    figure.text(
        _EDGE / width, 1 - 0.1 / height, name, ha="left", va="top", fontsize=11, parse_math=False
    )
    return figure, axes


def _fill(
    axes: Axes, plate: PlateFormat, values: Mapping[Well, object], colours: Mapping[Well, str]
) -> None:
    """Draw every well of the plate."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Circle, Patch, Rectangle

    def shape(well: Well) -> Patch:
        if plate.size <= _ROUND_UP_TO:
            return Circle((well.column, well.row), 0.43)
        return Rectangle((well.column - 0.44, well.row - 0.44), 0.88, 0.88)

    there = [well for well in plate.wells() if well in values]
    axes.add_collection(
        PatchCollection(
            [shape(well) for well in there],
            facecolors=[colours.get(well, EMPTY) for well in there],
            edgecolors=[colours.get(well, RIM) if plate.size > 384 else RIM for well in there],
            linewidths=0.5,
        )
    )
    absent = [well for well in plate.wells() if well not in values]
    _scatter(axes, plate, absent, "x")


def _scatter(
    axes: Axes, plate: PlateFormat, wells: Sequence[Well], mark: str, *, lower: float = 0.0
) -> None:
    if not wells:
        return
    size = (_pitch(plate) * 72 * (0.22 if mark == "x" else 0.16 if lower else 0.3)) ** 2
    axes.scatter(
        [well.column for well in wells],
        [well.row + lower for well in wells],
        s=min(size, 90.0),
        marker=mark,
        color=RIM if mark == "x" else INK,
        linewidths=0.8 if mark == "x" else 0,
        zorder=3,
    )


# Legends


def _artists(key: _Key) -> tuple[Line2D, ...]:
    """Return a well in small, with its mark."""
    from matplotlib.lines import Line2D

    def line(mark: str, size: float, colour: str, rim: str, width: float) -> Line2D:
        return Line2D(
            [], [], linestyle="", marker=mark, markersize=size, markerfacecolor=colour,
            markeredgecolor=rim, markeredgewidth=width,
        )  # fmt: skip

    if key.mark == "x":
        return (line("x", 5, RIM, RIM, 1),)
    well = line("s", 9, key.colour, RIM, 0.5)
    return (well, line(key.mark, 4, INK, INK, 0)) if key.mark else (well,)


def _missing_keys(
    values: Mapping[Well, object], known: Mapping[Well, object], plate: PlateFormat
) -> list[_Key]:
    empty, absent = len(values) - len(known), plate.size - len(values)
    keys = [_Key(f"no value ({empty:,})", EMPTY)] if empty else []
    return keys + ([_Key(f"no well ({absent:,})", EMPTY, "x")] if absent else [])


def _add_legend(
    figure: Figure, plate: PlateFormat, legend: _Legend, *, at_bottom: bool = False
) -> None:
    from matplotlib.legend_handler import HandlerTuple

    width, height = figure.get_size_inches()
    left = (_EDGE + plate.columns * _pitch(plate) + 0.1) / width
    made = figure.legend(  # type: ignore[call-overload]  # tuples are for HandlerTuple
        [_artists(one) for one in legend.keys],
        [one.label for one in legend.keys],
        handler_map={tuple: HandlerTuple(ndivide=1)},
        loc="lower left" if at_bottom else "upper left",
        bbox_to_anchor=(left, 0.05 / height if at_bottom else 1 - (_HEAD - 0.1) / height),
        title=legend.title or None,
        fontsize=8,
        title_fontsize=9,
        frameon=False,
        alignment="left",
        borderaxespad=0,
        labelspacing=0.5,
        handletextpad=0.4,
    )
    for text in [*made.get_texts(), made.get_title()]:
        text.set_parse_math(False)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
