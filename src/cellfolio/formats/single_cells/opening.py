"""Opening single cells by what is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from cellfolio.errors import InvalidArgument, UnknownFormat
from cellfolio.formats.single_cells.source import CellSource

_KINDS: Mapping[str, tuple[str, str]] = {
    ".parquet": ("parquet", "ParquetCells"),
    ".sqlite": ("cytominer", "SqliteCells"),
    ".sqlite3": ("cytominer", "SqliteCells"),
    ".db": ("cytominer", "SqliteCells"),
    ".npz": ("deepprofiler", "DeepProfilerCells"),
    ".csv": ("cellprofiler", "CellProfilerCells"),
    ".csv.gz": ("cellprofiler", "CellProfilerCells"),
}
"""Suffix → module of this package and its source; of a folder, the first that a file in it has."""


def open_cells(path: Path | str, *, keep_going: bool = False) -> CellSource:
    """Open single cells by what is there; nothing but names and types is read.

    Parameters
    ----------
    path : path
        A Parquet file of CytoTable or cellfolio, or a folder of them; a database of
        cytominer-database or CellProfiler (``.sqlite``); a folder of DeepProfiler's features
        (``.npz``), or one of its files; a folder of CellProfiler's tables (``.csv``).
    keep_going : bool
        Whether parts that are broken are left out, and told of by the batches, instead of raised.

    Returns
    -------
    CellSource

    Raises
    ------
    InvalidArgument
        If there is no such file or folder.
    UnknownFormat
        If nothing there is known to hold single cells.
    BrokenFile

    Examples
    --------
    >>> import tempfile, cellfolio
    >>> import pandas as pd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "cells.parquet")
    ...     pd.DataFrame({"Image_Metadata_Well": ["A01"], "Cells_Area": [7.0]}).to_parquet(path)
    ...     cellfolio.open_cells(path).columns
    ('Metadata_Well', 'Cells_Area')
    """
    path = Path(path)
    if not path.exists():
        raise InvalidArgument(f"there is no file or folder {path}")
    suffix = _suffix(path)
    if suffix is None:
        raise UnknownFormat(
            path.name or path,
            "",
            "no single cells are known in it",
            hint=f"they are in files, or folders of files, that end with {', '.join(_KINDS)}",
        )
    module, name = _KINDS[suffix]
    kind: Callable[..., CellSource] = getattr(
        import_module(f"cellfolio.formats.single_cells.{module}"), name
    )
    return kind(path, keep_going=keep_going)


def _suffix(path: Path) -> str | None:
    """Return the suffix that tells what a file or folder holds."""
    if path.is_file():
        return next((one for one in _KINDS if path.name.lower().endswith(one)), None)
    names = [one.name.lower() for one in path.rglob("*") if one.is_file()]
    return next((one for one in _KINDS if any(name.endswith(one) for name in names)), None)
