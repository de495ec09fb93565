"""Tables for people: as many rows and columns as fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cellfolio.cli.text import columns, paint, plural, printable, width

if TYPE_CHECKING:
    import pandas as pd

_CELL = 44
"""Columns of a terminal that a value may take."""
_GAP = 2
_FALLBACK = (100, 24)


def table_lines(frame: pd.DataFrame, rows: int, *, whole: int = 0) -> Iterator[str]:
    """Yield the first rows of a table, and what is left out.

    Parameters
    ----------
    frame : DataFrame
    rows : int
        Most rows that are shown; with 0, only their number is told.
    whole : int
        How many of the first columns are not cut, such as names that a user has to type.
    """
    if not rows:
        yield paint(plural(len(frame), "row"), "dim")
        return
    room = shutil.get_terminal_size(_FALLBACK).columns
    names = [str(name) for name in frame.columns]
    cells = [_column(frame.iloc[:rows, at], name, cut=at >= whole) for at, name in enumerate(names)]
    shown = _fitting([max(map(width, column)) for column in cells], room)
    if shown:
        sides = "".join(">" if frame.dtypes.iloc[at].kind in "iuf" else "<" for at in range(shown))
        for number, line in enumerate(columns(zip(*cells[:shown], strict=True), sides)):
            yield paint(line, "bold") if number == 0 else line
    yield paint(_left_out(frame.shape, min(rows, len(frame)), names[shown:]), "dim")


def _fitting(widths: Sequence[int], room: int) -> int:
    """Return how many columns fit; at least one is shown."""
    taken = 0
    for at, size in enumerate(widths):
        taken += size + (_GAP if at else 0)
        if taken > room and at:
            return at
    return len(widths)


def _left_out(shape: tuple[int, int], rows: int, names: Sequence[str]) -> str:
    text = plural(shape[0], "row")
    if rows < shape[0]:
        text = f"{rows:,} of {text}"
    if names:
        listed = ", ".join(map(printable, names[:6])) + (", …" if len(names) > 6 else "")
        text += f"; {shape[1] - len(names)} of {plural(shape[1], 'column')}, not {listed}"
    return text


def _column(column: pd.Series[Any], name: str, *, cut: bool) -> list[str]:
    values = zip(column.tolist(), column.isna().tolist(), strict=True)
    cells = ["" if gone else _text(value) for value, gone in values]
    texts = map(printable, (name, *cells))
    return [_short(text) if cut else text for text in texts]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _short(text: str) -> str:
    """Cut a long text in its middle: of paths, both ends tell."""
    if width(text) <= _CELL:
        return text
    half = (_CELL - 1) // 2
    return f"{text[: half - 8]}…{text[-half - 8 :]}"
