"""What an h5ad file has is what anndata says, of every age."""

from __future__ import annotations

from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.h5ad_contents import (
    read_gene,
    read_obs_column,
    read_obsm,
    summarize_h5ad,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    held = anndata.AnnData(sparse.csr_matrix(rng.poisson(1, (9, 4)).astype(np.float32)))
    held.obs["kind"] = pd.Categorical(["a", None, *"bbbbaaa"])
    held.obs["note"] = [f"n{n}" for n in range(9)]
    held.obs["depth"] = np.arange(9, dtype=np.int32)
    held.obs["ok"] = pd.array([True, None, *[False] * 7], dtype="boolean")
    held.obs["sure"] = [True] * 8 + [False]
    held.obsm["X_umap"] = rng.normal(size=(9, 2))
    held.layers["raw"] = held.X.toarray()
    held.uns["settings"] = {"n": 3}
    found = tmp_path / "cells.h5ad"
    held.write_h5ad(found)
    return found


def test_summary_is_what_anndata_says(path: Path) -> None:
    found = summarize_h5ad(Source(path, path.name))
    assert (found.cells, found.genes) == (9, 4)
    assert found.matrix is not None
    assert (found.matrix.kind, found.matrix.shape) == ("csr", (9, 4))
    assert [(one.name, one.kind) for one in found.obs] == [
        ("kind", "category"),
        ("note", "text"),
        ("depth", "int32"),
        ("ok", "bool"),
        ("sure", "bool"),
    ]
    assert [one.name for one in found.layers] == ["raw"]
    assert [(one.name, one.shape) for one in found.obsm] == [("X_umap", (9, 2))]
    assert [one.name for one in found.uns] == ["settings"]


@pytest.mark.parametrize("name", ["kind", "note", "depth", "ok", "sure"])
def test_columns_are_those_of_anndata(path: Path, name: str) -> None:
    held = anndata.read_h5ad(path)
    found = read_obs_column(Source(path, path.name), name)
    expected = held.obs[name].reset_index(drop=True)
    same = [
        (pd.isna(one) and pd.isna(other)) or one == other
        for one, other in zip(found, expected, strict=True)
    ]
    assert all(same)


def test_embeddings_and_genes(path: Path) -> None:
    held = anndata.read_h5ad(path)
    source = Source(path, path.name)
    np.testing.assert_array_equal(read_obsm(source, "X_umap"), held.obsm["X_umap"])
    for gene in range(4):
        np.testing.assert_array_equal(read_gene(source, gene), held.X[:, gene].toarray().ravel())
        np.testing.assert_array_equal(read_gene(source, gene, "raw"), held.layers["raw"][:, gene])


def test_what_is_not_there_is_told(path: Path) -> None:
    source = Source(path, path.name)
    with pytest.raises(InvalidArgument, match="no column 'kinds'"):
        read_obs_column(source, "kinds")
    with pytest.raises(InvalidArgument, match="no embedding 'X_tsne'"):
        read_obsm(source, "X_tsne")


def test_broken_files_are_told(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    for name, content in (("empty", b""), ("cut", whole[:700]), ("other", b"not hdf5 at all")):
        bad = tmp_path / f"{name}.h5ad"
        bad.write_bytes(content)
        with pytest.raises(BrokenFile):
            summarize_h5ad(Source(bad, bad.name))
    with h5py.File(tmp_path / "bare.h5ad", "w") as file:
        file["X"] = np.zeros((2, 2))
    with pytest.raises(BrokenFile, match="no table 'obs'"):
        summarize_h5ad(Source(tmp_path / "bare.h5ad", "bare.h5ad"))


def test_codes_that_stand_for_nothing_are_missing(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        codes = file["obs/kind/codes"]
        codes[0], codes[2] = 100, -7
    found = read_obs_column(Source(path, path.name), "kind")
    assert pd.isna(found[0])
    assert pd.isna(found[2])
    assert found[3] == "b"


def test_file_of_an_old_anndata(shared: Path) -> None:
    path = shared / "data" / "misc" / "10x_pbmc68k_reduced.h5ad"
    source = Source(path, path.name)
    found = summarize_h5ad(source)
    assert (found.cells, found.genes) == (700, 765)
    assert {one.name: one.kind for one in found.obs}["bulk_labels"] == "category"
    assert not any(one.name.endswith("_categories") for one in found.uns)
    with pytest.warns():  # of the old layout
        held = anndata.read_h5ad(path)
    assert read_obs_column(source, "bulk_labels").tolist() == held.obs["bulk_labels"].tolist()
    np.testing.assert_array_equal(read_obsm(source, "X_umap"), held.obsm["X_umap"])
    np.testing.assert_array_equal(read_gene(source, 5), held.X[:, 5])
