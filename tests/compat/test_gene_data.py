"""Genes out of matrices on disk: the same as reading everything, in little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from cellfolio.compat.abc.anndata_utils import get_gene_data
from cellfolio.errors import BrokenFile, CellfolioError
from cellfolio.formats import gene_columns
from tests.compat.atlas import OLD, Atlas
from tests.formats.h5ad import LAYOUTS, write_h5ad


class Files:
    """Gives paths as a cache does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, str]] = []

    def get_file_path(self, directory: str, file_name: str) -> Path:
        self.asked.append((directory, file_name))
        return self.folder / f"{directory}-{file_name.replace('/', '-')}.h5ad"


class Experiment:
    """Two data sets, three matrices, and what is known of their cells and genes."""

    def __init__(self, folder: Path, layout: str, dtype: str = "float32") -> None:
        chance = np.random.default_rng(5)
        self.files = Files(folder)
        self.genes = pd.DataFrame(
            {"gene_symbol": [f"Gene{n % 37}" for n in range(40)]},
            index=pd.Index([f"ENS{n:03d}" for n in range(40)], name="gene_identifier"),
        )
        tables, matrices = [], []
        for number, (directory, label, cells, genes) in enumerate(
            [("A", "A-1", 50, 40), ("A", "A-2", 70, 40), ("B", "B-1", 30, 25)]
        ):
            matrix = chance.poisson(0.6, (cells, genes)).astype(dtype)
            names = [f"{label}:{n}" for n in chance.permutation(cells)]
            present = list(chance.permutation(self.genes.index)[:genes])
            for kind, values in (("log2", matrix), ("raw", matrix * 3)):
                path = folder / f"{directory}-{label}-{kind}.h5ad"
                write_h5ad(path, values, names, present, layout)
            matrices.append(pd.DataFrame(matrix, index=names, columns=present))
            labels = {"dataset_label": directory, "feature_matrix_label": label}
            tables.append(pd.DataFrame({**labels, "order": number}, index=names))
        self.cells = pd.concat(tables).sample(frac=0.7, random_state=1)
        self.cells.index.name = "cell_label"
        self.whole = pd.concat(matrices)

    def expected(self, symbols: list[str], factor: int = 1) -> pd.DataFrame:
        """The naive way: everything in memory, then the part that was asked for."""
        wanted = self.genes[self.genes["gene_symbol"].isin(symbols)]
        table = self.whole.reindex(index=self.cells.index, columns=wanted.index) * factor
        table.columns = pd.Index(wanted["gene_symbol"])
        return table


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("window", [1 << 22, 7])
def test_same_as_reading_everything(
    tmp_path: Path, layout: str, dtype: str, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gene_columns, "_WINDOW", window)
    experiment = Experiment(tmp_path, layout, dtype)
    symbols = ["Gene30", "Gene4", "Gene17"]
    for step in (1, 16, 8192):
        found = get_gene_data(
            experiment.files, experiment.cells, experiment.genes, symbols, chunk_size=step
        )
        assert list(found.columns) == ["Gene4", "Gene17", "Gene30"]
        pd.testing.assert_frame_equal(found, experiment.expected(symbols))
    raw = get_gene_data(
        experiment.files, experiment.cells, experiment.genes, symbols, data_type="raw"
    )
    pd.testing.assert_frame_equal(raw, experiment.expected(symbols, 3))
    assert set(experiment.files.asked) == {
        (directory, f"{label}/{kind}")
        for directory, label in (("A", "A-1"), ("A", "A-2"), ("B", "B-1"))
        for kind in ("log2", "raw")
    }


def test_symbols_of_several_genes_warn(tmp_path: Path) -> None:
    experiment = Experiment(tmp_path, "csr_matrix")
    with pytest.warns(UserWarning, match="2 genes have the 1 symbols asked for"):
        found = get_gene_data(experiment.files, experiment.cells, experiment.genes, ["Gene1"])
    assert list(found.columns) == ["Gene1", "Gene1"]
    pd.testing.assert_frame_equal(found, experiment.expected(["Gene1"]))


def test_one_line_is_printed_for_each_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = Experiment(tmp_path, "csc_matrix")
    get_gene_data(experiment.files, experiment.cells, experiment.genes, ["Gene4"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [f"loading file: {label}" for label in ("A-1", "A-2", "B-1")]
    assert lines[3].endswith(f"cells: {len(experiment.cells)} of {len(experiment.cells)}")
    assert len(lines) == 4


def test_cells_without_a_file_have_no_values(tmp_path: Path) -> None:
    experiment = Experiment(tmp_path, "csr_matrix")
    cells = experiment.cells.rename(index={experiment.cells.index[0]: "nobody"})
    cells.iloc[1, 0] = None
    found = get_gene_data(experiment.files, cells, experiment.genes, ["Gene4"])
    assert found.iloc[:2].isna().to_numpy().all()


def test_wrong_input_is_said(tmp_path: Path) -> None:
    experiment = Experiment(tmp_path, "csr_matrix")
    files, cells, genes = experiment.files, experiment.cells, experiment.genes
    with pytest.raises(ValueError, match="all_cells lacks dataset_label"):
        get_gene_data(files, cells.drop(columns="dataset_label"), genes, ["Gene4"])
    with pytest.raises(ValueError, match="all_genes lacks gene_symbol"):
        get_gene_data(files, cells, genes.drop(columns="gene_symbol"), ["Gene4"])
    with pytest.raises(ValueError, match="the index of all_cells repeats"):
        get_gene_data(files, pd.concat([cells, cells]), genes, ["Gene4"])
    with pytest.raises(ValueError, match="chunk_size should be at least 1, found 0"):
        get_gene_data(files, cells, genes, ["Gene4"], chunk_size=0)
    (tmp_path / "A-A-1-log2.h5ad").write_bytes(b"no HDF5")
    with pytest.raises(ValueError, match=r"A-A-1-log2\.h5ad cannot be read as h5ad") as caught:
        get_gene_data(files, cells, genes, ["Gene4"])
    assert isinstance(caught.value, CellfolioError)
    with h5py.File(tmp_path / "A-A-1-log2.h5ad", "w") as file:
        file["X"] = np.zeros((2, 2))
    with pytest.raises(BrokenFile, match="expected a table 'obs' with an index"):
        get_gene_data(files, cells, genes, ["Gene4"])


def test_files_are_downloaded(empty_atlas: Atlas, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    experiment = Experiment(made, "csr_matrix")
    labels = [("A", "A-1"), ("A", "A-2"), ("B", "B-1")]
    empty_atlas.publish(
        OLD,
        {
            (directory, "expression_matrices", f"{label}/log2"): (
                made / f"{directory}-{label}-log2.h5ad"
            ).read_bytes()
            for directory, label in labels
        },
    )
    cache = empty_atlas.open(tmp_path / "cache")
    found = get_gene_data(cache, experiment.cells, experiment.genes, ["Gene4", "Gene17"])
    pd.testing.assert_frame_equal(found, experiment.expected(["Gene4", "Gene17"]))


MEASURE = """
import resource, sys
import h5py, numpy, pandas
from pathlib import Path
from cellfolio.compat.abc.anndata_utils import get_gene_data
from cellfolio.formats.format import Source
from cellfolio.formats.gene_columns import GeneColumns
path = Path(sys.argv[1])
class Files:
    def get_file_path(self, directory, file_name):
        return path
with GeneColumns(Source(path, path.name)) as file:
    names = file.index("obs")
    genes = file.index("var")
cells = pandas.DataFrame({"dataset_label": "A", "feature_matrix_label": "A"}, index=names)
table = pandas.DataFrame({"gene_symbol": genes}, index=genes)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = get_gene_data(Files(), cells, table, genes[5:15])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, found.to_numpy().sum())
"""


def test_memory_does_not_grow_with_the_matrix(tmp_path: Path) -> None:
    """Densified in chunks of 8,192 cells, this one would take 1 GB each."""
    cells, width, each = 12_000, 32_285, 700
    chance = np.random.default_rng(1)
    indices = np.sort(chance.integers(0, width, (cells, each), dtype=np.int32), axis=1)
    path = tmp_path / "large.h5ad"
    write_h5ad(
        path,
        np.zeros((0, width), dtype=np.float32),
        [f"c{n}" for n in range(cells)],
        [f"g{n}" for n in range(width)],
        "csr_matrix",
    )
    with h5py.File(path, "r+") as file:
        group = file["X"]
        group.attrs["shape"] = (cells, width)
        for name in ("data", "indices", "indptr"):
            del group[name]
        group["indices"] = indices.ravel()
        group["data"] = np.ones(cells * each, dtype=np.float32)
        group["indptr"] = np.arange(0, cells * each + 1, each)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    megabytes, total = map(float, done.stdout.splitlines()[-1].split())
    print(f"{megabytes:.0f} MB more")
    wanted = (indices >= 5) & (indices < 15)
    assert 0 < total <= wanted.sum()
    assert megabytes < 250
