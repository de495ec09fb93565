"""MatrixMarket files of counts, with the tables of genes and cells beside them."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.delimited import read_frame
from cellfolio.formats.format import COMPRESSIONS, Source
from cellfolio.formats.matrix import CountMatrix
from cellfolio.formats.rows import Dialect
from cellfolio.formats.streams import faults_named, read_all

if TYPE_CHECKING:
    import pandas as pd

ROW_TABLES = ("genes", "features")
COLUMN_TABLES = ("cells", "barcodes")
"""Names of the tables, with .csv or .tsv and a suffix of compression. 10x Genomics writes
``features.tsv.gz`` (before 2018 ``genes.tsv``) and ``barcodes.tsv.gz``, both without a header; the
Allen Institute writes ``genes.csv`` and ``cells.csv``."""
_LINE = 4
"""Bytes of the shortest line of an entry, such as ``1 1\\n``."""


def read_mtx(
    source: Source,
    *,
    rows: Source | Path | str | None = None,
    columns: Source | Path | str | None = None,
    max_bytes: int | None = None,
) -> CountMatrix:
    """Read a matrix and the tables that name its rows and columns.

    Parameters
    ----------
    source : Source
    rows, columns : Source or path, optional
        Their tables. By default a file beside the matrix, such as ``genes.csv``,
        ``features.tsv.gz``, ``barcodes.tsv`` or ``cells.csv``; if the matrix is called
        ``GSM1_matrix.mtx``, then ``GSM1_genes.csv`` first. A table whose length is the other
        axis's belongs to that one. CSV has a header, TSV only if it has one line too many.
    max_bytes : int, optional
        Most bytes inside a compressed file.

    Returns
    -------
    CountMatrix

    Raises
    ------
    BrokenFile
        If the matrix is not whole, or a table has another length.

    References
    ----------
    Matrix Market exchange formats: https://math.nist.gov/MatrixMarket/formats.html
    """
    import scipy.io
    import scipy.sparse as sp

    data = read_all(source, "mtx", max_bytes)
    with faults_named(source, "mtx"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # scipy 1.18, of its next default
        _check_promise(source, data)
        counts: Any = sp.csr_matrix(scipy.io.mmread(io.BytesIO(data)))
    sides = [
        (_source(given) if given is not None else _beside(source, names))
        for given, names in ((rows, ROW_TABLES), (columns, COLUMN_TABLES))
    ]
    tables = [None if side is None else _read_table(side, counts.shape) for side in sides]
    height, width = counts.shape
    first, second = (None if table is None else len(table) for table in tables)
    if height != width and (first, second) in ((width, height), (width, None), (None, height)):
        tables = tables[::-1]  # cells × genes
    import pandas as pd

    framed = [
        pd.DataFrame(index=range(count)) if table is None else table
        for table, count in zip(tables, counts.shape, strict=True)
    ]
    for table, count, axis in zip(framed, counts.shape, ("rows", "columns"), strict=True):
        if len(table) != count:
            shown = " and ".join(side.name for side in sides if side is not None)
            raise BrokenFile(
                source.name,
                "mtx",
                f"it has {count} {axis}, but {len(table)} are named in {shown}",
                hint="name the tables that belong to it: rows=, columns=",
            )
    return CountMatrix(counts, framed[0], framed[1])


def _check_promise(source: Source, data: bytes) -> None:
    """Make sure that the sizes in the header fit the bytes behind it, before room is made."""
    head = data[: 1 << 16].split(b"\n")
    dense = b" array " in head[0].lower()
    sizes = next((line.split() for line in head[1:] if line.strip() and line[:1] != b"%"), [])
    if len(sizes) != (2 if dense else 3) or not all(one.isdigit() for one in sizes):
        raise BrokenFile(source.name, "mtx", "it does not tell its numbers of rows and columns")
    height, width, *entries = map(int, sizes)
    needed = height * width * 2 if dense else entries[0] * _LINE
    if needed > len(data) + _LINE and b"symmetric" not in head[0].lower():
        reason = f"it is cut off: {len(data)} bytes cannot have the numbers it promises"
        raise BrokenFile(source.name, "mtx", reason, hint="get the file again")
    if height + width > 1 << 31:
        raise BrokenFile(source.name, "mtx", f"{height} × {width} is larger than can be read")


def _source(given: Source | Path | str) -> Source:
    found = given if isinstance(given, Source) else Source(Path(given), Path(given).name)
    if not found.path.is_file():
        raise InvalidArgument(f"the table {found.path} is not there")
    return found


def _beside(source: Source, names: tuple[str, ...]) -> Source | None:
    own = source.name.rpartition("/")[2]
    stem = own.lower().removesuffix(".gz").removesuffix(".mtx")
    prefixes = [own[: len(stem)].removesuffix(end) for end in ("matrix", "counts")]
    prefixes = [one for one in dict.fromkeys(prefixes) if one and one != stem]
    tables = (
        f"{prefix}{name}{suffix}{more}"
        for prefix in (*prefixes, "")
        for name in names
        for suffix in (".csv", ".tsv")
        for more in ("", *COMPRESSIONS)
    )
    return next((found for name in tables if (found := source.find_beside(name))), None)


def _read_table(source: Source, shape: tuple[int, int]) -> pd.DataFrame:
    """Read a table. One of tabs has a header only if it has one line too many."""
    dialect = Dialect(
        "tsv" if ".tsv" in source.name.lower() else "csv",
        "\t" if ".tsv" in source.name.lower() else ",",
    )

    def read(header: int | None) -> pd.DataFrame:
        return read_frame(
            source, dialect, header=header, index_col=False, keep_default_na=False, na_values=[""]
        )

    if dialect.format == "csv":
        return read(0)
    plain = read(None)
    if len(plain) not in shape and len(plain) - 1 in shape:
        return read(0)
    return plain.rename(columns=lambda at: f"field_{at + 1}")
