"""What a terminal shows: safe text, aligned columns, few colours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
SHORT = 12
"""Digits of a hash that people are shown."""


def printable(text: object) -> str:
    r"""Return text that cannot move the cursor, change colours or reverse itself.

    Names and messages come from strangers. Every character that is not printable is written as
    an escape, as ``repr`` does.

    Examples
    --------
    >>> printable("plates/a.csv"), printable("a\x1b[2Jb\nc")
    ('plates/a.csv', 'a\\x1b[2Jb\\nc')
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(char if char.isprintable() else _escape(char) for char in shown)


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


def printable_lines(text: str) -> list[str]:
    r"""Return the lines of a text, each printable; tabs become spaces.

    Examples
    --------
    >>> printable_lines("a\tb\r\nc\x07")
    ['a       b', 'c\\x07']
    """
    return [printable(line.expandtabs()) for line in text.splitlines()]


def first_line(text: str | None) -> str:
    """Return the first line of a text that has one, with ``…`` where more follows.

    Examples
    --------
    >>> first_line("Plate 7 again, it was out of focus.")
    'Plate 7 again, it was out of focus.'
    """
    lines = [line for line in printable_lines(text or "") if line.strip()]
    return lines[0] + (" …" if len(lines) > 1 else "") if lines else ""


def short(top_hash: str) -> str:
    """Return the start of a hash, for people."""
    return printable(top_hash[:SHORT])


def plural(number: int, noun: str) -> str:
    """Return a number and its noun.

    Examples
    --------
    >>> plural(1, "file"), plural(1450, "file")
    ('1 file', '1,450 files')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size_text(size: int | None) -> str:
    """Return a number of bytes for people; ``?`` where it is unknown."""
    from cellfolio.package.sizes import format_size

    return "?" if size is None or size < 0 else format_size(size)


def paint(text: str, style: str) -> str:
    """Return text in a colour or weight, if standard output is a terminal that wants it."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if _coloured() else text


def _coloured() -> bool:
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and sys.stdout.isatty()


def width(text: str) -> int:
    """Return how many columns of a terminal a printable text takes.

    Examples
    --------
    >>> width("plate"), width("細胞")
    (5, 4)
    """
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text if not combining(c))


def columns(rows: Iterable[Sequence[str]], alignment: str) -> Iterator[str]:
    """Align rows of printable texts, two spaces between columns.

    Parameters
    ----------
    rows : iterable of sequence of str
        Each as long as `alignment`.
    alignment : str
        ``<`` or ``>`` for each column.

    Examples
    --------
    >>> list(columns([("a", "7 B"), ("plates", "12 kB")], "<>"))
    ['a         7 B', 'plates  12 kB']
    """
    listed = [tuple(row) for row in rows]
    widths = [max(map(width, column)) for column in zip(*listed, strict=True)]
    for row in listed:
        cells = [
            _pad(cell, size, side) for cell, size, side in zip(row, widths, alignment, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def _pad(text: str, size: int, side: str) -> str:
    space = " " * (size - width(text))
    return space + text if side == ">" else text + space
