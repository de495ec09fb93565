"""Wide delimited tables of numbers, read as one long column.

Rule: a column is what readers of CSV spend their time on. Of a plate with 384 wells and 5,800
features, reading all numbers as one column takes a quarter of the time. Types follow the rules of
`pandas.read_csv` all the same: what may be whole numbers, and what stands before the numbers, is
given to it as text. Tables that are otherwise are left to the reader of all tables.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cellfolio.formats.rows import UnusualRows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

WIDE = 500
"""Columns from which it is worth it."""
_MOST_BEFORE = 200
"""Columns that may stand before the numbers."""
_WHOLE_SHARE = 4
"""Of this many columns, one may hold whole numbers; those of more are faster read by pandas."""
_MISSING = (b"nan", b"NaN")
_NUMBER = b"0123456789.+-eE"


def read_wide(
    pieces: Iterable[bytes], delimiter: str, names: Sequence[str], **rules: Any
) -> pd.DataFrame:
    r"""Read a table, the types of whose columns are those of `pandas.read_csv`.

    Parameters
    ----------
    pieces : iterable of bytes
        Whole rows of UTF-8; the header first.
    delimiter : str
    names : sequence of str
    **rules
        For `pandas.read_csv`, where that reads a column.

    Raises
    ------
    UnusualRows
        If a row has more or fewer fields than there are names, a text after the first numbers, few
        numbers, or many whole ones.

    Examples
    --------
    >>> names = ["well", *(f"f{at}" for at in range(600))]
    >>> rows = [",".join(names), *(",".join([well, *["0.5"] * 595, *["7"] * 5]) for well in "AB")]
    >>> read_wide(["\n".join(rows).encode()], ",", names).dtypes.value_counts().to_list()
    [595, 5, 1]
    """
    table = _Wide(delimiter, names)
    for lines in _rows(pieces):
        table.add(lines)
    return table.frame(rules)


def _rows(pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the rows of each piece, without the header and blank lines."""
    header = True
    for piece in pieces:
        lines = [line for one in piece.split(b"\n") if (line := one.removesuffix(b"\r"))]
        if header and lines:
            if b'"' in lines[0] or not piece.startswith(lines[0]):
                raise UnusualRows
            del lines[0]
            header = False
        if lines:
            yield lines


class _Wide:
    """A table that is put together from its rows."""

    def __init__(self, delimiter: str, names: Sequence[str]) -> None:
        self._mark = delimiter.encode()
        if self._mark in _NUMBER + b'naN"\r\n' or len(set(names)) < len(names):
            raise UnusualRows
        self._names = list(names)
        self._before = -1  # columns before the numbers
        self._heads: list[bytes] = []
        self._parts: list[npt.NDArray[np.float64]] = []
        self._whole: dict[int, list[bytes]] = {}  # of columns of whole numbers so far, their text

    def add(self, lines: Sequence[bytes]) -> None:
        """Add rows."""
        first = self._before < 0
        if first:
            self._before = max(self._count_before(line) for line in lines)
            if self._before > _MOST_BEFORE or len(self._names) - self._before < WIDE:
                raise UnusualRows
            self._skip = self._pattern(self._before)
        rests = []
        for line in lines:
            at = self._end_of_head(line)
            self._heads.append(line[:at])
            rests.append(line[at:])
        fields = _Fields(rests, len(self._names) - self._before, self._mark)
        values = fields.numbers()
        self._parts.append(values)
        self._keep_whole(fields, values, first=first)

    def _count_before(self, line: bytes) -> int:
        """Return how many columns of a row end with a text, or stand before one that does."""
        for word in _MISSING:
            line = line.replace(self._mark + word, self._mark)
        text = line.rstrip(_NUMBER + self._mark)
        if b'"' in text:
            return len(next(csv.reader([text.decode()], delimiter=self._mark.decode())))
        return text.count(self._mark) + 1 if text else 0

    def _pattern(self, count: int) -> re.Pattern[bytes]:
        """Return what matches so many fields, which may be in quotes."""
        mark = re.escape(self._mark)
        field = rb'(?:"[^"]*(?:""[^"]*)*"|[^"' + mark + rb"]*)" + mark
        return re.compile(b"(?:%b){%d}" % (field, count))

    def _end_of_head(self, line: bytes) -> int:
        if b'"' not in line:
            fields = line.split(self._mark, self._before)
            if len(fields) <= self._before:  # a line of spaces
                raise UnusualRows
            return len(line) - len(fields[-1])
        found = self._skip.match(line)
        if found is None:  # a quote within a field, or an end of line in quotes
            raise UnusualRows
        return found.end()

    def _keep_whole(self, fields: _Fields, values: npt.NDArray[np.float64], *, first: bool) -> None:
        """Keep the text of columns that have been whole numbers so far."""
        import numpy as np

        columns = np.arange(values.shape[1]) if first else np.array(list(self._whole), np.int64)
        some = values if first else values[:, columns]
        columns = columns[((some == np.floor(some)) | np.isnan(some)).all(axis=0)]
        if len(columns) > values.shape[1] // _WHOLE_SHARE:
            raise UnusualRows
        texts = fields.texts(columns)
        self._whole = {
            at: [*self._whole.get(at, ()), *text]
            for at, text in zip(columns.tolist(), texts, strict=True)
        }

    def frame(self, rules: dict[str, Any]) -> pd.DataFrame:
        """Return the table."""
        import pandas as pd

        if not self._parts:
            raise UnusualRows
        decimal = [at for at in range(len(self._names) - self._before) if at not in self._whole]
        numbers = pd.DataFrame(
            self._block(decimal).T,
            columns=[self._names[self._before + at] for at in decimal],
            copy=False,
        )
        options: Any = {"copy": False} if pd.__version__.startswith("2.") else {}
        found: pd.DataFrame = pd.concat([self._others(rules), numbers], axis=1, **options)
        if not self._whole:
            return found
        order = [*range(self._before), *(self._before + at for at in (*self._whole, *decimal))]
        place = sorted(range(len(order)), key=order.__getitem__)
        ordered: pd.DataFrame = found.take(place, axis=1)
        return ordered

    def _block(self, columns: list[int]) -> npt.NDArray[np.float64]:
        """Return columns as rows of an array; what it is made of goes as it comes."""
        import numpy as np

        end = len(self._heads)
        block = np.empty((len(columns), end))
        while self._parts:
            part = self._parts.pop()
            part = part if len(columns) == part.shape[1] else np.take(part, columns, axis=1)
            block[:, end - len(part) : end] = part.T
            end -= len(part)
        return block

    def _others(self, rules: dict[str, Any]) -> pd.DataFrame:
        """Return what stands before the numbers, and whole numbers, as pandas reads them."""
        import pandas as pd

        rows: Iterable[tuple[bytes, ...]] = zip(*self._whole.values(), strict=True)
        if not self._whole:
            rows = ((),) * len(self._heads)
        # A last column that is no other's: a row of nothing but a missing value would be blank.
        text = b"\n".join(
            head + self._mark.join((*fields, b"0"))
            for head, fields in zip(self._heads, rows, strict=True)
        )
        names = [
            *self._names[: self._before],
            *(self._names[self._before + at] for at in self._whole),
        ]
        found: pd.DataFrame = pd.read_csv(
            io.BytesIO(text),
            sep=self._mark.decode(),
            header=None,
            names=range(len(names) + 1),
            index_col=False,
            encoding="utf-8",
            low_memory=False,
            **rules,
        )
        return found.iloc[:, :-1].set_axis(names, axis=1)


class _Fields:
    """Numbers of rows as text."""

    def __init__(self, rows: Sequence[bytes], width: int, mark: bytes) -> None:
        import numpy as np

        self._text = mark.join(rows) + mark
        self._mark = mark
        left = self._text.translate(None, _NUMBER + mark)
        for word in _MISSING:
            left = left.replace(word, b"")
        self._ends = np.flatnonzero(np.frombuffer(self._text, np.uint8) == mark[0])
        self._width = width
        lengths = np.cumsum([len(row) + 1 for row in rows])
        if left or not np.array_equal(self._ends[width - 1 :: width] + 1, lengths):
            raise UnusualRows

    def numbers(self) -> npt.NDArray[np.float64]:
        """Return the numbers, shape (rows, width); missing ones are NaN."""
        import numpy as np
        import pyarrow as pa

        count = len(self._ends)
        bounds = np.zeros(count + 1, np.int32)
        np.subtract(self._ends, np.arange(count), out=bounds[1:], casting="same_kind")
        there = np.packbits(bounds[1:] > bounds[:-1], bitorder="little")
        buffers = map(pa.py_buffer, (there, bounds, self._text.translate(None, self._mark)))
        texts = pa.Array.from_buffers(pa.string(), count, list(buffers))
        try:
            found: npt.NDArray[np.float64] = texts.cast(pa.float64()).to_numpy(False)
        except pa.ArrowInvalid:
            raise UnusualRows from None
        if np.isinf(found).any():  # pandas has texts for these
            raise UnusualRows
        return found.reshape(-1, self._width)

    def texts(self, columns: npt.NDArray[np.int64]) -> Iterator[list[bytes]]:
        """Yield the text of columns."""
        import numpy as np

        at = columns[:, None] + np.arange(0, len(self._ends), self._width)
        ends, starts = self._ends[at], self._ends[at - 1] + 1
        starts[at == 0] = 0
        for bounds in zip(starts.tolist(), ends.tolist(), strict=True):
            yield [self._text[start:end] for start, end in zip(*bounds, strict=True)]
