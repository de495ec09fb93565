"""Steps that read and write tables and matrices."""

from __future__ import annotations

import hashlib
from pathlib import Path

from benchmarks import recipe
from benchmarks.steps import Work, step


@step
def ours_table(path: str, columns: str) -> Work:
    import pandas
    import pyarrow.parquet

    from cellfolio.formats.format import Source
    from cellfolio.formats.loading import load
    from cellfolio.package.digests import Digest
    from cellfolio.storage.home import Home

    assert pandas
    assert pyarrow.parquet
    with Path(path).open("rb") as file:  # a package tells it
        digest = Digest("SHA256", hashlib.file_digest(file, "sha256").hexdigest())
    source = Source(Path(path), "profiles.csv.gz", digest, Home())
    return lambda: load(source, columns=_first_columns(columns))


@step
def pandas_table(path: str, columns: str) -> Work:
    import pandas as pd

    from cellfolio.formats.delimited import exact_decimals

    return lambda: pd.read_csv(path, usecols=_first_columns(columns), **exact_decimals())


def _first_columns(count: str) -> list[str] | None:
    return [f"Cells_Feature_{at}" for at in range(int(count))] or None


@step
def ours_writing(path: str, float_format: str) -> Work:
    from cellfolio.formats.saving import write_table

    plate = recipe.read_plate(path)
    return lambda: write_table(plate, Path(path).with_name("ours.csv.gz"), float_format or None)


@step
def pandas_writing(path: str, float_format: str) -> Work:
    plate, target = recipe.read_plate(path), Path(path).with_name("pandas.csv.gz")
    return lambda: plate.to_csv(target, index=False, float_format=float_format or None)


TEN = [2, 41, 350, 1_207, 4_000, 7_777, 12_345, 20_002, 27_182, 31_415]
"""Places of the genes that are asked for."""
CHUNK = 8192
"""Cells that the peer makes dense at a time."""


@step
def ours_genes(path: str) -> Work:
    import h5py
    import numpy as np

    from cellfolio.formats.format import Source
    from cellfolio.formats.gene_columns import GeneColumns

    assert h5py

    def run() -> float:
        with GeneColumns(Source(Path(path), path)) as file:
            cells = np.arange(len(file.index("obs")))
            assert file.index("var")
            values = np.full((len(cells), len(TEN)), np.nan, dtype=file.dtype)
            file.fill(values, cells, np.array(TEN))
        return float(values.sum(dtype=np.float64))

    return run


@step
def dense_genes(path: str) -> Work:
    import anndata
    import numpy as np

    def run() -> float:
        backed = anndata.read_h5ad(path, backed="r")
        total = 0.0
        for first in range(0, backed.n_obs, CHUNK):
            block = backed[first : first + CHUNK].X.toarray()
            total += block[:, TEN].sum(dtype=np.float64)
        backed.file.close()
        return total

    return run
