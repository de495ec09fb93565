"""Names of the columns of a delimited table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import pairwise

from cellfolio.errors import BrokenFile
from cellfolio.formats.format import Source
from cellfolio.formats.rows import Dialect, blank
from cellfolio.formats.streams import Contents, empty

_DOCUMENTS = {"{": "JSON", "[": "JSON", "<": "HTML or XML"}
"""By the first character."""


def read_header(source: Source, dialect: Dialect, max_bytes: int | None) -> list[tuple[str, ...]]:
    """Return the names of a table's columns, one for each row of its header.

    Raises
    ------
    BrokenFile
        If there is none, a name is there twice, or it is separated by another character.
    """
    rows: list[list[str]] = []
    with Contents(source, dialect.format, max_bytes) as contents:
        # What is no text is told with its line and field when the rows are read.
        text = io.TextIOWrapper(io.BufferedReader(contents), dialect.codec, "replace", newline="")
        try:
            for fields in csv.reader(text, delimiter=dialect.delimiter):
                rows += [] if blank(fields) else [fields]
                if len(rows) == dialect.header_rows:
                    break
        except csv.Error as error:
            raise BrokenFile(source.name, dialect.format, f"its header: {error}") from None
    if not rows:
        raise empty(source, dialect.format)
    if len(rows) < dialect.header_rows or len({len(row) for row in rows}) > 1:
        reason = f"its first {dialect.header_rows} lines are no header"
        raise BrokenFile(source.name, dialect.format, reason)
    names = list(zip(*rows, strict=True))
    _check_names(source, dialect, names)
    return names


def _check_names(source: Source, dialect: Dialect, names: Sequence[tuple[str, ...]]) -> None:
    start = "".join(names[0])[:1]
    if start in _DOCUMENTS and not dialect.sure:
        reason = f"it looks like {_DOCUMENTS[start]}"
        hint = "look into it: a server may have sent an error instead of the file"
        raise BrokenFile(source.name, dialect.format, reason, hint=hint)
    others = [mark for mark in ",;\t" if mark != dialect.delimiter and mark in "".join(names[0])]
    if len(names) == 1 and others and not dialect.sure:
        raise BrokenFile(
            source.name,
            dialect.format,
            f"expected {dialect.delimiter!r} between fields, found {others[-1]!r}",
            hint=f"say delimiter={others[-1]!r}; delimiter={dialect.delimiter!r} reads it as is",
        )
    twice = _first_repeated(names)
    if twice is not None:
        first, second = twice
        raise BrokenFile(
            source.name,
            dialect.format,
            f"column {'/'.join(names[first])!r} is there twice, "
            f"as fields {first + 1} and {second + 1}",
            hint="if the table has two lines with names, say header_rows=2",
        )


def _first_repeated(names: Iterable[tuple[str, ...]]) -> tuple[int, int] | None:
    order = sorted((name, at) for at, name in enumerate(names) if any(name))
    pairs = ((one[1], other[1]) for one, other in pairwise(order) if one[0] == other[0])
    return min(pairs, key=lambda pair: pair[1], default=None)
