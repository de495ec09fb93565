"""The text of delimited tables, as pandas writes it, in a fraction of the time.

`DataFrame.to_csv` takes seconds for a table of thousands of columns, and most of that for numbers.
Here a row of numbers is formatted at once, or by Arrow; everything else is left to pandas.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import isnan
from typing import TYPE_CHECKING, Any, NamedTuple

from cellfolio.errors import InvalidArgument

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_CELLS = 100_000
"""Cells that pandas formats at once. Whether dates are written with times depends on it."""
_AT_ONCE = 10
"""How many times as many are formatted here."""
_FLOAT_FORMAT = re.compile(r"%(\.\d+)?[efg]")


def check_float_format(float_format: str) -> None:
    """Raise InvalidArgument if a format is none for numbers in a table."""
    if not _FLOAT_FORMAT.fullmatch(float_format):
        raise InvalidArgument(
            f"float_format should be one such as '%.5g' or '%.3f', found {float_format!r}"
        )


def delimited_text(
    frame: pd.DataFrame, separator: str, float_format: str | None = None
) -> Iterator[str]:
    r"""Yield the text of a table, some rows after the other: that of `DataFrame.to_csv`.

    Parameters
    ----------
    frame : DataFrame
        Its index is left out.
    separator : str
    float_format : str, optional
        Such as ``"%.5g"``; by default the fewest digits that give the same number again.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"drug": ["a, b", None], "x": [1.0, 1 / 3], "n": [7, 8]})
    >>> "".join(delimited_text(frame, ",", "%.5g"))
    'drug,x,n\n"a, b",1,7\n,0.33333,8\n'
    """
    if float_format is not None:
        check_float_format(float_format)
    rules: dict[str, Any] = {"index": False, "sep": separator, "float_format": float_format}
    rules["lineterminator"] = "\n"
    if frame.shape[1] < 2:  # a missing value alone in its row is written as ""
        yield frame.to_csv(**rules)
        return
    yield frame.iloc[:0].to_csv(**rules)
    rules |= {"header": False, "chunksize": max(_CELLS // frame.shape[1], 1)}
    runs = list(_runs(frame.dtypes.tolist(), float_format))
    size = rules["chunksize"] * _AT_ONCE
    for start in range(0, len(frame), size):
        rows = frame.iloc[start : start + size]
        parts = [
            _of_numbers(rows.iloc[:, run.columns], separator, float_format)
            if run.numbers
            else _of_others(rows.iloc[:, run.columns], rules)
            for run in runs
        ]
        yield "".join(f"{separator.join(row)}\n" for row in zip(*parts, strict=True))


class _Run(NamedTuple):
    """Columns side by side that are formatted here, or by pandas."""

    columns: slice
    numbers: bool


def _runs(kinds: Sequence[object], float_format: str | None) -> Iterator[_Run]:
    numbers = [_is_formatted_here(kind, float_format) for kind in kinds]
    for key, places in groupby(range(len(kinds)), numbers.__getitem__):
        first, *rest = places
        yield _Run(slice(first, first + len(rest) + 1), key)


def _is_formatted_here(kind: object, float_format: str | None) -> bool:
    import numpy as np

    if not isinstance(kind, np.dtype):
        return False
    # A format is applied to what a float32 is as float64. Without one, it has fewer digits.
    return kind == np.float64 or kind.kind in ("iubf" if float_format else "iub")


def _of_numbers(block: pd.DataFrame, separator: str, float_format: str | None) -> list[str]:
    """Return the text of each row of numbers; what is missing is left empty."""
    kinds = [kind.kind for kind in block.dtypes.tolist()]
    whole = kinds.count("f") < len(kinds)
    rows = block.to_numpy(dtype=object) if whole else block.to_numpy()
    if float_format is not None:
        form = separator.join(float_format if kind == "f" else "%s" for kind in kinds)
        return [(form % tuple(row)).replace("nan", "") for row in rows.tolist()]
    if whole:
        return [separator.join(map(str, row)).replace("nan", "") for row in rows.tolist()]
    return _shortest(rows, separator)


def _shortest(rows: np.ndarray, separator: str) -> list[str]:
    """Return rows of numbers as Python writes them: with the fewest digits; missing ones are empty.

    Arrow finds the same digits, but writes whole numbers, and large and small ones, otherwise.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    values = rows.ravel()
    found = pa.array(values).cast(pa.string())
    scientific, fraction = (pc.match_substring(found, mark).to_numpy(False) for mark in "e.")
    alike = fraction & ~scientific & (np.abs(values) >= 1e-4)
    if not alike.all():
        others = ["" if isnan(value) else repr(value) for value in values[~alike].tolist()]
        found = pc.replace_with_mask(found, pa.array(~alike), pa.array(others, pa.string()))
    ends = pa.array(np.arange(0, values.size + 1, rows.shape[1], dtype=np.int32))
    joined = pc.binary_join(pa.ListArray.from_arrays(ends, found), separator)
    texts: list[str] = joined.to_pylist()
    return texts


class _Lines(io.TextIOBase):
    """Keeps each row that pandas writes."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def write(self, text: str, /) -> int:
        self.rows.append(text)
        return len(text)


def _of_others(block: pd.DataFrame, rules: dict[str, Any]) -> list[str]:
    """Return the text of each row as pandas writes it."""
    lines = _Lines()
    block.to_csv(lines, **rules)
    found = [row.removesuffix("\n") for row in lines.rows]
    if block.shape[1] == 1:  # alone in its row, but not here
        found = ["" if row == '""' else row for row in found]
    return found
