"""A plate in a terminal: the value of each well where it is, or a sign for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from string import ascii_lowercase, ascii_uppercase, digits
from typing import TYPE_CHECKING

from cellfolio.cli.text import columns, printable, width
from cellfolio.registries.plates import row_letters

if TYPE_CHECKING:
    from cellfolio.registries.plates import PlateFormat, Well

SIGNS = digits[1:] + ascii_lowercase + ascii_uppercase
NO_VALUE, NO_WELL = ".", " "
_MARGIN = 4


def plate_lines(
    values: Mapping[Well, str | None], shape: PlateFormat, room: int
) -> Iterator[str] | None:
    r"""Return a plate as lines, or None if it does not fit.

    Values are written out if there is room for the longest, else each has a sign, which a list
    below explains; the most common ones come first.

    Parameters
    ----------
    values : mapping of Well to str or None
        None stands for no value; wells that are not in it stay empty.
    shape : PlateFormat
    room : int
        Columns of the terminal.

    Examples
    --------
    >>> from cellfolio.registries.plates import PLATES, Well
    >>> drugs = {Well(1, 1): "DMSO", Well(1, 2): "taxol", Well(2, 1): None}
    >>> print(*plate_lines(drugs, PLATES[6], 80), sep="\n")
        1      2      3
    A   DMSO   taxol
    B   .
    >>> print(*plate_lines(drugs, PLATES[6], 20), sep="\n")
        1 2 3
    A   1 2
    B   .
    <BLANKLINE>
      1  DMSO   1
      2  taxol  1
      .  none   1
    """
    shown = {well: NO_VALUE if one is None else printable(one) for well, one in values.items()}
    longest = max(map(width, shown.values()), default=1)
    if _MARGIN + shape.columns * (longest + 2) <= room:
        return _grid(shown, shape, max(longest, 2) + 2)
    counts = Counter(one for one in values.values() if one is not None)
    ranked = sorted(counts, key=lambda one: (-counts[one], one))
    if len(ranked) > len(SIGNS) or _MARGIN + shape.columns > room:
        return None
    signs = dict(zip(ranked, SIGNS, strict=False))
    marked = {well: NO_VALUE if one is None else signs[one] for well, one in values.items()}
    step = 3 if _MARGIN + shape.columns * 3 <= room else 1
    if shape.columns < 10 or step == 1:
        step = min(2, (room - _MARGIN) // shape.columns)
    legend = [("", signs[one], printable(one), f"{counts[one]:,}") for one in ranked]
    none = len(values) - sum(counts.values())
    if none:
        legend.append(("", NO_VALUE, "none", f"{none:,}"))
    return _with_legend(_grid(marked, shape, step), legend)


def _grid(cells: Mapping[Well, str], shape: PlateFormat, step: int) -> Iterator[str]:
    from cellfolio.registries.plates import Well

    numbers = [str(one) for one in range(1, shape.columns + 1)]
    if step < 3 and shape.columns > 9:  # no room for two digits: every fifth column is named
        line = ""
        for at, number in enumerate(numbers):
            if (at + 1) % 5 == 0 or at == 0:
                line = line.ljust(at * step) + number
    else:
        line = "".join(number.ljust(step) for number in numbers)
    yield (" " * _MARGIN + line).rstrip()
    for row in range(1, shape.rows + 1):
        texts = [cells.get(Well(row, column), NO_WELL) for column in range(1, shape.columns + 1)]
        padded = "".join(text + " " * (step - width(text)) for text in texts)
        yield (row_letters(row).ljust(_MARGIN) + padded).rstrip()


def _with_legend(grid: Iterator[str], legend: list[tuple[str, str, str, str]]) -> Iterator[str]:
    yield from grid
    yield ""
    yield from columns(legend, "<<<>")
