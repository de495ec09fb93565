"""Ten genes out of an h5ad file, against making chunks of cells dense.

``python -m benchmarks.genes`` writes 20,000 cells × 32,285 genes as the Allen Brain Cell Atlas
has them, by cell (CSR) and by gene (CSC), measures everything in turn, prints the table and
writes it into ``benchmarks/README.md``. Options as those of ``benchmarks.transfer``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse

from benchmarks.measure import Figures, measure
from benchmarks.report import Line, Options, run_in_scratch

GENES = 32_285
EACH = 2_600
"""Genes found in a cell: 20,000 × 2,600 values take 420 MB."""
LIMIT = 300
"""MB."""


class Bench:
    """A folder with one matrix in both layouts."""

    def __init__(self, scratch: Path, rounds: int, scale: float) -> None:
        self.rounds = rounds
        self.cells = int(20_000 * scale)
        self.folder = scratch
        self._write()

    def _write(self) -> None:
        chance = np.random.default_rng(1)
        # Some genes are found in nearly all cells, most in few.
        order = np.sort(chance.beta(0.6, 1.8, (self.cells, EACH)), axis=1)
        indices = np.minimum((order * GENES).astype(np.int32), GENES - 1)
        fresh = np.diff(indices, axis=1, prepend=-1) > 0
        starts = np.concatenate([[0], np.cumsum(fresh.sum(axis=1))])
        found = indices[fresh]
        values = chance.exponential(2, len(found)).astype(np.float32)
        matrix = scipy.sparse.csr_matrix((values, found, starts), shape=(self.cells, GENES))
        obs = pd.DataFrame(index=[f"cell-{n}" for n in range(self.cells)])
        var = pd.DataFrame(
            {"gene_symbol": [f"Gene{n}" for n in range(GENES)]},
            index=[f"ENSMUSG{n:011d}" for n in range(GENES)],
        )
        for layout in ("csr", "csc"):
            whole = anndata.AnnData(matrix.asformat(layout), obs=obs, var=var)
            whole.write_h5ad(self.path(layout), compression="gzip" if layout == "csr" else None)
            whole.write_h5ad(self.path(f"{layout}-plain"))

    def path(self, layout: str) -> Path:
        """Return the file of a layout."""
        return self.folder / f"{layout}.h5ad"

    def environment(self, name: str, number: int) -> Mapping[str, str]:
        """Return nothing: no home is used."""
        return {}

    def compare(self, layout: str) -> tuple[Figures, Figures]:
        """Measure picking ten genes, ours and by dense chunks in turn."""
        path = str(self.path(layout))
        found = measure(
            {"ours": lambda _: ["ours_genes", path], "dense": lambda _: ["dense_genes", path]},
            self.environment,
            self.rounds,
            lambda: None,
        )
        return found["ours"], found["dense"]


def _lines(bench: Bench, layout: str, about: str) -> list[Line]:
    ours, dense = bench.compare(layout)
    faster, less = dense.wall / ours.wall, dense.cpu / ours.cpu
    size = f"{bench.path(layout).stat().st_size / 1e6:.0f} MB"
    work = f"10 genes of {bench.cells:,} × {GENES:,}, {about}, {size}"
    return [
        Line(
            work, ours, "dense chunks", dense,
            "≥ 4× faster", f"{faster:.1f}×, {less:.1f}× less CPU", faster >= 4,
        ),
        Line(
            work, ours, "dense chunks", dense,
            f"≤ {LIMIT} MB", f"{ours.memory:.0f} MB", ours.memory <= LIMIT,
        ),
    ]  # fmt: skip


def by_cell(bench: Bench) -> list[Line]:
    """CSR, not compressed."""
    return _lines(bench, "csr-plain", "CSR")


def by_cell_compressed(bench: Bench) -> list[Line]:
    """CSR, compressed: both spend their time in zlib."""
    return _lines(bench, "csr", "CSR with gzip")


def by_gene(bench: Bench) -> list[Line]:
    """CSC."""
    return _lines(bench, "csc-plain", "CSC")


PARTS = (by_cell, by_cell_compressed, by_gene)


def main() -> None:
    """Measure, print and write the table."""

    def bench(scratch: Path, options: Options) -> Bench:
        return Bench(scratch, options.rounds, 0.2 if options.quick else 1)

    run_in_scratch(PARTS, bench, "genes", __doc__)


if __name__ == "__main__":
    main()
