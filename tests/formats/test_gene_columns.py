"""Some genes out of h5ad files: the same as anndata reads, whatever the layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats import gene_columns
from cellfolio.formats.format import Source
from cellfolio.formats.gene_columns import GeneColumns, places_of
from cellfolio.formats.loading import load
from tests.formats.h5ad import LAYOUTS, write_h5ad

LAYOUT_OF: dict[str, Callable[[Any], Any]] = {
    "csr": scipy.sparse.csr_matrix,
    "csc": scipy.sparse.csc_matrix,
    "dense": np.asarray,
}


def opened(path: Path, layer: str | None = None) -> GeneColumns:
    return GeneColumns(Source(path, path.name), layer)


def picked(
    path: Path, rows: list[int], columns: list[int], layer: str | None = None
) -> np.ndarray[Any, Any]:
    """Values of some cells, in this order, and genes; NaN where there is none."""
    with opened(path, layer) as file:
        targets = np.full(file.shape[0], -1)
        targets[rows] = np.arange(len(rows))
        values = np.full((len(rows), len(columns)), np.nan, np.result_type(file.dtype, "f4"))
        file.fill(values, targets, np.array(columns, dtype=np.int64), 16)
    return values


def example(layout: str) -> anndata.AnnData:
    chance = np.random.default_rng(2)
    matrix = chance.poisson(0.4, (60, 30)).astype(np.float32)
    return anndata.AnnData(
        LAYOUT_OF[layout](matrix),
        obs=pd.DataFrame({"plate": ["a", "b"] * 30}, index=[f"c{n}" for n in range(60)]),
        var=pd.DataFrame(
            {"gene_symbol": pd.Categorical([f"G{n % 7}" for n in range(30)])},
            index=[f"ENS{n}" for n in range(30)],
        ),
        layers={"raw": LAYOUT_OF[layout]((matrix * 3).astype(np.uint16))},
    )


@pytest.mark.parametrize("layout", LAYOUT_OF)
@pytest.mark.parametrize("window", [1 << 22, 7])
def test_same_as_anndata(
    tmp_path: Path, layout: str, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gene_columns, "_WINDOW", window)
    data = example(layout)
    data.write_h5ad(tmp_path / "a.h5ad")
    rows, columns = [59, 3, 17], [29, 0, 12]
    for layer, factor in ((None, 1), ("raw", 3)):
        whole = data.to_df().to_numpy() * factor
        found = picked(tmp_path / "a.h5ad", rows, columns, layer)
        assert np.array_equal(found, whole[np.ix_(rows, columns)])
    with opened(tmp_path / "a.h5ad", "raw") as file:
        assert file.shape == (60, 30)
        assert file.dtype == np.uint16
        assert file.index("obs") == list(data.obs_names)
        assert file.index("var") == list(data.var_names)
        assert file.column("var", "gene_symbol") == list(data.var["gene_symbol"])
        assert file.column("obs", "plate") == ["a", "b"] * 30
        assert file.column("var", "name") is None


@settings(max_examples=30)
@given(data=st.data(), layout=st.sampled_from(["csr", "csc", "dense"]))
def test_any_matrix_any_choice(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, layout: str
) -> None:
    cells, genes = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    size = cells * genes
    numbers = st.lists(st.sampled_from([0, 0, 1, -2]), min_size=size, max_size=size)
    matrix = np.array(data.draw(numbers), dtype=np.float32).reshape(cells, genes)
    rows = data.draw(st.lists(st.integers(0, cells - 1), unique=True))
    columns = data.draw(st.lists(st.integers(-1, genes - 1), unique=True))
    path = tmp_path_factory.mktemp("any") / "a.h5ad"
    names = [f"c{n}" for n in range(cells)], [f"g{n}" for n in range(genes)]
    write_h5ad(path, matrix, *names, layout if layout == "dense" else f"{layout}_matrix")
    expected = np.where(np.array(columns) < 0, np.nan, matrix[np.ix_(rows, columns)])
    assert np.array_equal(picked(path, rows, columns), expected, equal_nan=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pieces_are_small(tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gene_columns, "_WINDOW", 7)
    matrix = np.random.default_rng(1).poisson(0.6, (50, 40)).astype(np.float32)
    names = [f"c{n}" for n in range(50)], [f"g{n}" for n in range(40)]
    write_h5ad(tmp_path / "a.h5ad", matrix, *names, layout)
    with opened(tmp_path / "a.h5ad") as file:
        pieces = list(file.read(np.ones(50, dtype=bool), np.arange(40)))
    assert len(pieces) >= 50
    for cells, genes, values in pieces:
        assert len(cells) == len(genes) == len(values)
        assert len(values) <= 7 or len(set(cells)) == 1


def test_real_file_of_an_old_anndata(shared: Path, tmp_path: Path) -> None:
    path = shared / "data/misc/10x_pbmc68k_reduced.h5ad"
    judge = load(path)
    genes = places_of(list(judge.var_names), ["CD3D", "nobody", "LYZ"])
    with opened(path) as file:
        assert file.index("obs") == list(judge.obs_names)
        assert file.index("var") == list(judge.var_names)
    found = picked(path, [5, 699, 0], list(genes))
    expected = judge.to_df()[["CD3D", "LYZ"]].iloc[[5, 699, 0]].to_numpy()
    assert np.array_equal(found[:, [0, 2]], expected)
    assert np.isnan(found[:, 1]).all()
    # Its sparse part, as X: `h5sparse_format` instead of `encoding-type`.
    with h5py.File(path) as old, h5py.File(tmp_path / "old.h5ad", "w") as new:
        for name, to in (("raw.X", "X"), ("obs", "obs"), ("raw.var", "var")):
            old.copy(name, new, to)
    found = picked(tmp_path / "old.h5ad", [5, 699, 0], list(genes))
    whole = pd.DataFrame(judge.raw.X.toarray(), columns=judge.raw.var_names)
    assert np.array_equal(found[:, [0, 2]], whole[["CD3D", "LYZ"]].iloc[[5, 699, 0]].to_numpy())


def _replace(group: h5py.Group, name: str, change: Callable[[Any], Any]) -> None:
    values = change(group[name][:])
    del group[name]
    group[name] = values


FAULTS: dict[str, tuple[Callable[[h5py.File], Any], str]] = {
    "index beyond the genes": (
        lambda f: _replace(f["X"], "indices", lambda v: np.where(np.arange(len(v)) == 3, 99, v)),
        r"indices lead out of the matrix: up to \d+ are expected, found 0 to 99",
    ),
    "negative index": (
        lambda f: _replace(f["X"], "indices", lambda v: np.where(np.arange(len(v)) == 3, -1, v)),
        "indices lead out of the matrix",
    ),
    "indices too short": (
        lambda f: _replace(f["X"], "indices", lambda v: v[:-1]),
        "indptr, indices and data of its matrix contradict",
    ),
    "indptr goes back": (
        lambda f: _replace(f["X"], "indptr", lambda v: np.r_[v[:1], v[-2], v[2:]]),
        "indptr, indices and data of its matrix contradict",
    ),
    "another number of cells": (
        lambda f: f["X"].attrs.modify("shape", (9, 40)),
        "its matrix has 9 obs, its table obs 50",
    ),
    "unknown encoding": (
        lambda f: f["X"].attrs.modify("encoding-type", "coo_matrix"),
        "expected its matrix to be CSR, CSC or dense, found 'coo'",
    ),
    "no matrix": (lambda f: f.pop("X"), "it has no matrix X"),
    "no table": (lambda f: f.pop("var"), "expected a table 'var' with an index"),
    "no data": (lambda f: f["X"].pop("data"), "'data'"),
}


@pytest.mark.parametrize("layout", ["csr_matrix", "csc_matrix"])
@pytest.mark.parametrize("fault", FAULTS)
def test_damage_is_named(tmp_path: Path, layout: str, fault: str) -> None:
    path = tmp_path / "a.h5ad"
    matrix = np.ones((50, 40), dtype=np.float32)
    write_h5ad(path, matrix, [f"c{n}" for n in range(50)], [f"g{n}" for n in range(40)], layout)
    change, told = FAULTS[fault]
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(BrokenFile, match=rf"a\.h5ad cannot be read as h5ad: .*{told}"):
        picked(path, list(range(50)), list(range(40)))


def test_cut_off_empty_or_foreign(tmp_path: Path) -> None:
    example("csr").write_h5ad(tmp_path / "a.h5ad")
    data = (tmp_path / "a.h5ad").read_bytes()
    for content in (b"", b"no HDF5", data[: len(data) // 2]):
        (tmp_path / "b.h5ad").write_bytes(content)
        with pytest.raises(BrokenFile, match=r"b\.h5ad cannot be read as h5ad"):
            opened(tmp_path / "b.h5ad")
    with pytest.raises(InvalidArgument, match="has no layer 'spliced'") as caught:
        opened(tmp_path / "a.h5ad", "spliced")
    assert caught.value.hint == "it has raw"


def test_cell_that_stands_twice_is_refused(tmp_path: Path) -> None:
    example("csr").write_h5ad(tmp_path / "a.h5ad")
    with opened(tmp_path / "a.h5ad") as file:
        targets = np.zeros(60, dtype=np.int64)
        with pytest.raises(BrokenFile, match="several cells of one name"):
            file.fill(np.zeros((1, 1)), targets, np.array([0]))


def test_values_of_one_place_are_added_up(tmp_path: Path) -> None:
    write_h5ad(tmp_path / "a.h5ad", np.ones((1, 3), "f4"), ["c"], ["g", "h", "i"], "csr_matrix")
    with h5py.File(tmp_path / "a.h5ad", "r+") as file:
        _replace(file["X"], "indices", lambda _: np.array([2, 2, 0]))
    assert picked(tmp_path / "a.h5ad", [0], [0, 1, 2]).tolist() == [[1, 0, 2]]
