"""Cells and genes of a made-up brain, from a folder and from a bucket."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cellfolio
from cellfolio.errors import BrokenFile, CellfolioError, EntryNotFound, InvalidArgument
from cellfolio.registries.abc.contents import release_of
from cellfolio.workflows.expression import MissingValuesWarning
from tests.brain import GENES, MERFISH, Files, brain_files, cells, expression
from tests.compat.atlas import OLD, manifest, path_of
from tests.servers.seaweed import SeaweedServer

LACKED = "1 of 2,400 cells are in no file"


def put(folder: Path, files: Files) -> str:
    """Write a release to a folder; return its address."""
    for key, content in files.items():
        path = folder / path_of(*key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    path = folder / f"releases/{OLD}/manifest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest(OLD, files)))
    return f"abc+file://{folder}"


@pytest.fixture
def atlas(tmp_path: Path) -> str:
    return put(tmp_path / "atlas", brain_files())


def test_cells_have_all_that_is_known_of_them(atlas: str) -> None:
    found = cellfolio.atlas_cells(MERFISH, dataset=atlas)
    truth = cells().set_index("cell_label")
    table = found.table
    assert list(table.index) == list(truth.index)
    assert (table["dataset_label"] == MERFISH).all()
    known = truth.index[truth["cluster_alias"] != 99]
    names = {11: "01 IT-ET Glut", 12: "07 CTX-MGE GABA", 13: "18 TH Glut", 14: "30 Astro-Epen"}
    names |= {15: "30 Astro-Epen", 16: "31 OPC-Oligo"}
    assert (
        table.loc[known, "class"].astype(str) == truth.loc[known, "cluster_alias"].map(names)
    ).all()
    placed = truth.index.delete([3, 4])
    assert np.array_equal(table.loc[placed, "x_ccf"], truth.loc[placed, "x_ccf"])
    assert np.array_equal(table.loc[placed, "z_ccf"], truth.loc[placed, "x"])
    structures = {1: "SSp-bfd", 2: "VPM", 3: "cc"}
    wanted = truth.loc[placed, "parcellation_index"].map(structures)
    assert (table.loc[placed, "parcellation_structure"].astype(str) == wanted).all()
    assert [(one.reason, list(one.cells)) for one in found.unjoined] == [
        ("cluster_alias 99 is not in the taxonomy", [truth.index[5]]),
        ("no ccf coordinates", list(truth.index[[3, 4]])),
        ("no parcellation_index", list(truth.index[[3, 4]])),
    ]
    assert found.colours("class")["01 IT-ET Glut"] == "#FA0087"
    assert len(found.sources) == 7
    assert all(digest.startswith("MD5:") for digest in found.sources.values())


def test_only_what_is_needed_is_read(atlas: str) -> None:
    found = cellfolio.atlas_cells(MERFISH, dataset=atlas, columns=["y", "x"])
    assert list(found.table) == ["y", "x"]
    assert [Path(key).name for key in found.sources] == ["cell_metadata.csv"]
    found = cellfolio.atlas_cells(
        MERFISH, dataset=atlas, columns=["class"], only={"class": "18 TH Glut"}
    )
    assert set(found.table["class"]) == {"18 TH Glut"}
    assert not any("CCF" in key for key in found.sources)
    found = cellfolio.atlas_cells(MERFISH, dataset=atlas, columns=["parcellation_division"])
    assert not any("taxonomy" in key for key in found.sources)


def test_wrong_questions_about_cells(atlas: str, tmp_path: Path) -> None:
    with pytest.raises(EntryNotFound, match="no directory 'MERFISH'"):
        cellfolio.atlas_cells("MERFISH", dataset=atlas)
    with pytest.raises(InvalidArgument, match="no column 'clas'") as caught:
        cellfolio.atlas_cells(MERFISH, dataset=atlas, columns=["clas"])
    assert caught.value.hint == "did you mean class or subclass?"
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a.txt").write_text("a")
    with pytest.raises(InvalidArgument, match="is not of the Allen Brain Cell Atlas"):
        cellfolio.atlas_cells(MERFISH, dataset=str(tmp_path / "other"))


@pytest.mark.parametrize("matrix", ["log2", "raw"])
def test_genes_are_those_of_the_matrices(atlas: str, matrix: str) -> None:
    table = cells().set_index("cell_label").sample(frac=0.5, random_state=2)
    table = table.loc[table.index.isin(expression(matrix).index)]
    found = cellfolio.genes(table, ["Mog", GENES["Snap25"]], dataset=atlas, matrix=matrix)
    assert list(found.obs_names) == list(table.index)
    assert list(found.var_names) == ["Mog", GENES["Snap25"]]
    assert list(found.var["gene_symbol"]) == ["Mog", "Snap25"]
    expected = expression(matrix).loc[table.index, ["Mog", "Snap25"]].to_numpy()
    assert found.X.dtype == np.float32
    assert np.array_equal(found.X, expected)
    assert found.uns["cellfolio"]["digests"][0].startswith("MD5:")
    found.write_h5ad(Path(atlas.removeprefix("abc+file://")) / "written.h5ad")


def test_cells_in_no_file_are_told(atlas: str) -> None:
    table = cellfolio.atlas_cells(MERFISH, dataset=atlas).table
    with pytest.warns(MissingValuesWarning, match=LACKED):
        found = cellfolio.genes(table, ["Aqp4"], dataset=atlas)
    missing = found.to_df()["Aqp4"].isna()
    assert list(missing[missing].index) == list(set(table.index) - set(expression("log2").index))


def test_wrong_questions_about_genes(atlas: str, tmp_path: Path) -> None:
    table = cells().set_index("cell_label").iloc[:5]
    with pytest.raises(EntryNotFound, match="no gene is called snap25") as caught:
        cellfolio.genes(table, ["snap25"], dataset=atlas)
    assert caught.value.hint == "snap25: did you mean Snap25?"
    for wrong, told in (
        ({"genes": "Mog"}, "expected a list of genes"),
        ({"matrix": "log10"}, "matrix should be one of"),
        ({"cells": table.iloc[:0]}, "there are no cells"),
        ({"cells": table[["x"]]}, "the cells lack feature_matrix_label"),
        ({"cells": pd.concat([table, table])}, "is in the table twice"),
    ):
        asked = {"cells": table, "genes": ["Mog"], "dataset": atlas, **wrong}
        with pytest.raises(InvalidArgument, match=told):
            cellfolio.genes(**asked)  # type: ignore[arg-type]
    with pytest.raises(EntryNotFound, match="is in 0 directories of the release"):
        cellfolio.genes(table.assign(feature_matrix_label="other"), ["Mog"], dataset=atlas)
    broken = {**brain_files(), (MERFISH, "expression_matrices", "C57BL6J-638850/log2"): b"HDF5?"}
    other = put(tmp_path / "broken", broken)
    with pytest.raises(BrokenFile, match=r"log2\.h5ad cannot be read as h5ad"):
        cellfolio.genes(table, ["Mog"], dataset=other)


def test_from_a_bucket(bucket: str, s3: SeaweedServer, s3_env: dict[str, str]) -> None:
    client = s3.client()
    files = brain_files()
    for key, content in files.items():
        client.put_object(Bucket=bucket, Key=path_of(*key), Body=content)
    client.put_object(
        Bucket=bucket,
        Key=f"releases/{OLD}/manifest.json",
        Body=json.dumps(manifest(OLD, files)).encode(),
    )
    client.close()
    address = f"abc+s3://{bucket}"
    found = cellfolio.atlas_cells(MERFISH, dataset=address, only={"class": "31 OPC-Oligo"})
    values = cellfolio.genes(found.table, ["Mog", "Aqp4"], dataset=address).to_df()
    assert values["Mog"].mean() > 3 > 1 > values["Aqp4"].mean()
    figure = cellfolio.draw_cells(found, "Mog", dataset=address)
    assert figure.axes[0].yaxis_inverted()


def test_a_folder_with_several_versions_has_the_newest(tmp_path: Path) -> None:
    for version in ("20230630", "20231215"):
        path = tmp_path / f"metadata/WMB-10X/{version}/views/gene.csv"
        path.parent.mkdir(parents=True)
        path.write_text(f"gene_identifier\n{version}\n")
    release = release_of(cellfolio.open(str(tmp_path)))
    assert release.find("WMB-10X", "gene").version == "20231215"


@pytest.mark.parametrize("start", ["20231215_f", "20250531"])
def test_a_real_release_is_found_again_in_its_package(shared: Path, start: str) -> None:
    from cellfolio.registries.abc.manifest import parse_release
    from cellfolio.registries.abc.release import to_package

    (path,) = (shared / "data/abc_atlas/manifests").glob(f"manifest_{start}*.json")
    real = parse_release(json.loads(path.read_text()))
    found = release_of(to_package(real))
    assert found.version == real.version
    assert {(f.directory, f.kind, f.name, f.relative_path) for f in found.files} == {
        (f.directory, f.kind, f.name, f.relative_path) for f in real.files
    }
    with pytest.raises(CellfolioError, match="stands for 2 files"):
        found.find("WMB-10XMulti", "WMB-10XMulti")
