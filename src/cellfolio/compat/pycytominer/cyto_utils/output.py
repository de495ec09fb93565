"""Tables into files, as the peer's functions write them: whole or not at all."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.storage.disk import writing

Returned: TypeAlias = Any
"""A data frame; or the name of the file, if one is given."""

_TYPES = ("csv", "parquet", "anndata_h5ad", "anndata_zarr")
_ZARR = ("zarr.json", ".zgroup")
"""One of these is in a folder that is a Zarr group."""
_LEVEL = 9
"""Of gzip, as pandas has it by default."""


def output(
    df: pd.DataFrame,
    output_filename: str,
    output_type: str | None = "csv",
    sep: str = ",",
    float_format: str | None = None,
    compression_options: str | dict[str, Any] | None = {"method": "gzip", "mtime": 1},
    **kwargs: Any,
) -> str:
    """Write a table, and return the name of its file; a file that is there is replaced.

    Raises
    ------
    InvalidArgument
        A ValueError.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     name = output(pd.DataFrame({"Cells_A": [0.5]}), f"{folder}/a.csv.gz")
    ...     pd.read_csv(name)["Cells_A"].tolist()
    [0.5]
    """
    kind = output_type or "csv"
    if kind not in _TYPES:
        raise InvalidArgument(f"output_type should be one of {_TYPES}, found {output_type!r}")
    options = _compression(compression_options) if kind == "csv" else {}
    if hasattr(output_filename, "write"):  # a file that is open
        _write_open(df, output_filename, kind, sep=sep, float_format=float_format)
        return output_filename
    path = Path(output_filename)
    with writing(path, path.suffix) as unfinished:
        if kind == "csv":
            with unfinished.open("wb") as file, _packed(file, path.name, options) as packed:
                df.to_csv(packed, sep=sep, index=False, float_format=float_format)
        elif kind == "parquet":
            df.to_parquet(unfinished, compression="snappy")
        else:
            _write_anndata(df, unfinished, kind)
        if path.is_dir() and any((path / name).is_file() for name in _ZARR):
            shutil.rmtree(path)
    return output_filename


def returned(
    table: pd.DataFrame,
    output_file: str | None,
    output_type: str | None,
    compression_options: str | dict[str, Any] | None,
    float_format: str | None,
) -> Returned:
    """Return a table; or write it, if a file is named, and return its name."""
    if output_file is None:
        return table
    return output(
        table,
        output_file,
        output_type,
        float_format=float_format,
        compression_options=compression_options,
    )


def _compression(options: str | Mapping[str, Any] | None) -> dict[str, Any]:
    found = dict(options) if isinstance(options, Mapping) else {"method": options}
    if found.get("method") not in ("gzip", None):
        raise InvalidArgument(f"a table is compressed by 'gzip' or not, found {found['method']!r}")
    return found


def _write_open(table: pd.DataFrame, file: Any, kind: str, **how: Any) -> None:
    if kind != "csv":
        raise InvalidArgument(f"into an open file, a table is written as csv, found {kind!r}")
    table.to_csv(file, index=False, **how)


def _packed(file: Any, name: str, options: dict[str, Any]) -> Any:
    if options.get("method") is None:
        return contextlib.nullcontext(file)
    level, time = options.get("compresslevel", _LEVEL), options.get("mtime")
    return gzip.GzipFile(name, "wb", level, file, time)


def _write_anndata(table: pd.DataFrame, path: Path, kind: str) -> None:
    from cellfolio.profiles import to_anndata

    numbers = table.select_dtypes("number").columns
    features = [name for name in numbers if not name.startswith("Metadata_")]
    data = to_anndata(table, features=features)
    if kind == "anndata_h5ad":
        data.write_h5ad(path)
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Writing zarr v2")  # which version is AnnData's choice
        data.write_zarr(path)
