"""GCT, the text format of expression matrices of the Broad Institute.

References
----------
GCT 1.2 and 1.3: https://clue.io/connectopedia/gct_format
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from cellfolio.errors import BrokenFile
from cellfolio.formats.delimited import exact_decimals
from cellfolio.formats.format import Source
from cellfolio.formats.matrix import AnnotatedMatrix
from cellfolio.formats.streams import faults_named, read_all

if TYPE_CHECKING:
    import pandas as pd

_DIMENSIONS = {"#1.2": 2, "#1.3": 4}


def read_gct(source: Source, *, max_bytes: int | None = None) -> AnnotatedMatrix:
    """Read a GCT file of version 1.2 or 1.3.

    Parameters
    ----------
    source : Source
    max_bytes : int, optional
        Most bytes inside a compressed file.

    Returns
    -------
    AnnotatedMatrix
        Values are float64. What is known of rows and columns is typed by the rules of tables.

    Raises
    ------
    BrokenFile
        If it has fewer or more rows or fields than it says, or a value is no number.
    """
    data = read_all(source, "gct", max_bytes)
    with faults_named(source, "gct"):
        lines = data.decode("utf-8").replace("\r\n", "\n").rstrip("\n").split("\n")
        height, width, row_facts, column_facts = _sizes(source, lines)
        skipped = 3 + column_facts
        count = 1 + row_facts + width
        if len(lines) != skipped + height:
            reason = f"expected {height} rows, found {max(len(lines) - skipped, 0)}"
            raise BrokenFile(source.name, "gct", reason)
        for number, line in enumerate(lines[2:], start=3):
            if line.count("\t") + 1 != count:
                found = line.count("\t") + 1
                reason = f"line {number} has {found} fields, expected {count}"
                raise BrokenFile(source.name, "gct", reason)
        header = lines[2].split("\t")
        body = _table(lines[skipped:], header, names=True)
        facts = [line.split("\t") for line in lines[3:skipped]]
        return AnnotatedMatrix(
            _numbers(source, body, 1 + row_facts),
            _described(body.iloc[:, 0], body.iloc[:, 1 : 1 + row_facts], header[1 : 1 + row_facts]),
            _columns(header[1 + row_facts :], facts, 1 + row_facts),
        )


def _sizes(source: Source, lines: list[str]) -> tuple[int, int, int, int]:
    wanted = _DIMENSIONS.get(lines[0].strip())
    if wanted is None:
        raise BrokenFile(source.name, "gct", f"expected #1.2 or #1.3, found {lines[0][:20]!r}")
    sizes = lines[1].split() if len(lines) > 2 else []
    if len(sizes) != wanted or not all(one.isdigit() for one in sizes):
        raise BrokenFile(source.name, "gct", f"line 2 should have {wanted} numbers")
    height, width, *facts = map(int, sizes)
    # Version 1.2 has one column, Description, and nothing about samples.
    row_facts, column_facts = facts or (1, 0)
    return height, width, row_facts, column_facts


def _table(lines: list[str], header: list[str], *, names: bool) -> pd.DataFrame:
    """Read lines; with `names`, the first column has names, which stay text."""
    import csv

    import pandas as pd

    found: pd.DataFrame = pd.read_csv(
        io.StringIO("\n".join(lines) + "\n") if lines else io.StringIO(""),
        sep="\t",
        header=None,
        names=range(len(header)),
        index_col=False,
        quoting=csv.QUOTE_NONE,
        dtype={0: str} if names else None,
        low_memory=False,
        skip_blank_lines=False,
        **exact_decimals(),
    )
    return found


def _numbers(source: Source, body: pd.DataFrame, first: int) -> Any:
    import numpy as np

    for at in range(first, body.shape[1]):
        if body[at].dtype.kind not in "iuf" and len(body):
            reason = f"sample {at - first + 1} has values that are no numbers"
            raise BrokenFile(source.name, "gct", reason)
    return body.iloc[:, first:].to_numpy(np.float64)


def _described(names: Any, facts: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    import pandas as pd

    found = facts.set_axis(labels, axis=1)
    found.index = pd.Index(names, name="id")
    return found


def _columns(names: list[str], facts: list[list[str]], first: int) -> pd.DataFrame:
    import pandas as pd

    labels = [one[0] for one in facts]
    # Written as a table, so that the rules for types are those of tables.
    turned = "\n".join(
        "\t".join(one[at] for one in facts) for at in range(first, first + len(names))
    )
    if not facts:
        return pd.DataFrame(index=pd.Index(names, name="id"))
    return _described(names, _table(turned.split("\n"), labels, names=False), labels)
