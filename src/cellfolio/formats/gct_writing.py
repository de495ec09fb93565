"""Matrices as GCT 1.3.

References
----------
GCT 1.3: https://clue.io/connectopedia/gct_format
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.matrix import AnnotatedMatrix

if TYPE_CHECKING:
    import pandas as pd

_MISSING = "NaN"
"""What all readers of GCT take for a missing value; an empty field stops some."""
_BREAKS = re.compile(r"[\t\r\n]")


def write_gct(matrix: AnnotatedMatrix, path: Path) -> None:
    r"""Write a matrix as GCT 1.3: rows are features or genes, columns are samples.

    Parameters
    ----------
    matrix : AnnotatedMatrix
    path : Path
        Replaced if it exists.

    Raises
    ------
    InvalidArgument
        If identifiers are there more than once, or a text has a tab or line break, for which GCT
        has no words.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np, pandas as pd
    >>> genes = pd.DataFrame(index=["TP53"])
    >>> samples = pd.DataFrame({"dose": [1.5, None]}, index=["A01", "A02"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "two.gct")
    ...     write_gct(AnnotatedMatrix(np.array([[0.1, 2.0]]), genes, samples), path)
    ...     print(path.read_text().replace("\t", " "), end="")
    #1.3
    1 2 0 1
    id A01 A02
    dose 1.5 NaN
    TP53 0.1 2.0
    """
    for axis, facts in (("row", matrix.rows), ("column", matrix.columns)):
        if not facts.index.is_unique:
            twice = facts.index[facts.index.duplicated()][0]
            raise InvalidArgument(f"two {axis}s of the matrix are called {twice!r}")
    lines = list(_lines(matrix))
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)


def _lines(matrix: AnnotatedMatrix) -> Iterator[str]:
    rows, columns = matrix.rows, matrix.columns
    facts = [_texts(rows.iloc[:, at]) for at in range(rows.shape[1])]
    yield "#1.3\n"
    yield f"{len(rows)}\t{len(columns)}\t{len(facts)}\t{columns.shape[1]}\n"
    yield _line("id", [*map(_text, rows.columns), *map(_text, columns.index)])
    for at, name in enumerate(columns.columns):
        yield _line(_text(name), [*("" for _ in facts), *_texts(columns.iloc[:, at])])
    for at, name in enumerate(rows.index):
        told = [one[at] for one in facts]
        yield _line(_text(name), [*told, *map(_number, matrix.values[at].tolist())])


def _line(name: str, fields: list[str]) -> str:
    return "\t".join([name, *fields]) + "\n"


def _number(value: float) -> str:
    return repr(value) if value == value else _MISSING  # noqa: PLR0124 - NaN differs from itself


def _texts(column: pd.Series[Any]) -> list[str]:
    missing = column.isna().tolist()
    values = column.astype(object).tolist()
    return [_MISSING if gone else _text(one) for one, gone in zip(values, missing, strict=True)]


def _text(value: object) -> str:
    text = str(value)
    if _BREAKS.search(text):
        raise InvalidArgument(
            f"GCT cannot hold {text[:60]!r}: a text there has no tabs and line breaks",
            hint="write it as .h5ad or .parquet",
        )
    return text
