"""Growing numbers of cells, of wells, and of genes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.evaluation import make_experiment
from benchmarks.genes import Bench as Matrix
from benchmarks.growth.bench import Bench, Collected
from benchmarks.growth.curves import Curve

CELL_FEATURES, WELL_FEATURES = 200, 300
WELLS = 384
_SORTED = 1.2
"""What medians grow with, n·log n: between 384 and 24,576 wells that is a power of 1.13."""
_QUADRATIC = 2.1
"""What all pairs of wells grow with, by their nature."""
_MOST_PAIRED = 6_144
"""Wells of which all pairs fit into memory."""


def cells(bench: Bench) -> list[Curve]:
    """Aggregate single cells of a plate by their median."""
    found = Collected("cells", "cells")
    home, path = bench.folder("home"), bench.scratch / "cells.parquet"
    for n in bench.sizes(WELLS, 10_000, 30_000, 100_000, 300_000, 1_000_000):
        write_cells(path, n)
        point = bench.run(n, ["ours_cells", str(path)], home)
        found.add(f"{CELL_FEATURES} features to profiles of {WELLS} wells", point)
    path.unlink()
    return found.curves()


def write_cells(path: Path, count: int) -> None:
    """Write cells of a plate, wells in order, in groups of rows of about 25,000 cells."""
    random = np.random.default_rng(0)
    names = [f"Cells_Texture_{at}" for at in range(CELL_FEATURES)]
    texts = [("Metadata_Plate", pa.string()), ("Metadata_Well", pa.string())]
    schema = pa.schema([*texts, *((name, pa.float32()) for name in names)])
    well = np.arange(count) * WELLS // count
    labels = np.array([f"{chr(65 + at // 24)}{at % 24 + 1:02d}" for at in range(WELLS)])
    with pq.ParquetWriter(path, schema) as writer:
        for some in np.array_split(well, max(1, count // 25_000)):
            values = random.standard_normal((CELL_FEATURES, len(some)), dtype=np.float32)
            columns = [pa.array(["P1"] * len(some)), pa.array(labels[some])]
            writer.write_table(pa.table([*columns, *map(pa.array, values)], schema=schema))


def wells(bench: Bench) -> list[Curve]:
    """Normalize, select and evaluate wells of plates, four replicates on four plates."""
    found = Collected("wells", "wells")
    home, path = bench.folder("home"), bench.scratch / "wells.parquet"
    works = {
        "normalize": "normalize (MAD)",
        "select": "select features",
        "precision": "average precision within plates",
        "replicating": "percent replicating, null of 1,000",
    }
    for n in bench.sizes(24, 384, 1_536, 3_072, 6_144, 24_576):
        experiment(n).to_parquet(path)
        for work, shown in works.items():
            point = bench.run(n, ["growing_wells", str(path), work], home)
            limit = _SORTED if work == "normalize" else 1.1
            found.add(f"{shown}, {WELL_FEATURES} features", point, limit)
        if n <= _MOST_PAIRED:
            point = bench.run(n, ["growing_wells", str(path), "all pairs"], home)
            found.add("percent replicating, null of all pairs", point, _QUADRATIC)
    path.unlink()
    return found.curves()


def experiment(count: int) -> pd.DataFrame:
    """Make so many wells: of plates of 384, or of the first wells of four plates."""
    plates = max(4, count // WELLS)
    table = make_experiment(plates, WELL_FEATURES)
    return table[np.arange(len(table)) % WELLS < count // plates].reset_index(drop=True)


def genes(bench: Bench) -> list[Curve]:
    """Read genes out of a large matrix, and predict them."""
    found = Collected("genes", "genes")
    home = bench.folder("home")
    folder = bench.folder("matrix")
    matrix = Matrix(folder, bench.rounds, 0.1)
    for n in bench.sizes(1, 100, 300, 1_000, 3_000, 10_000):
        for layout, shown in (("csr-plain", "cell (CSR)"), ("csc-plain", "gene (CSC)")):
            path = str(matrix.path(layout))
            point = bench.run(n, ["growing_genes", path, str(n)], home)
            found.add(f"read of {matrix.cells:,} cells, by {shown}", point)
        point = bench.run(n, ["growing_ridge", str(n)], home)
        found.add("predict by ridge, 200 rows × 300 features, 5 folds", point)
    return found.curves()
