"""Tables and matrices as numbers: what programs are told is what the file has."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellfolio.profiles.embedding import embed
from cellfolio.web.serving import Portal
from tests.web.conftest import OpenPortal

HOSTILE = "<img src=x onerror=alert(1)>"


def cells(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    kinds = ["a", "b & c", HOSTILE, "\u202etxt"]
    return pd.DataFrame(
        {
            "Metadata_Plate": "P1",
            "Metadata_Well": [f"A{1 + row % 12:02d}" for row in range(rows)],
            "Metadata_kind": [None if row % 7 == 6 else kinds[row % 4] for row in range(rows)],
            "umap_1": np.where(np.arange(rows) == 5, np.nan, rng.normal(size=rows)),
            "umap_2": rng.normal(size=rows),
            "Cells_A": rng.normal(size=rows),
            "Cells_B": rng.normal(size=rows),
            "Cells_same": 1.5,
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "screen"
    found.mkdir()
    cells().to_parquet(found / "cells.parquet")
    cells().to_csv(found / "cells.csv.gz", index=False)
    return found


def ask(client: httpx.Client, portal: Portal, what: str, **query: object) -> httpx.Response:
    base = portal.url.partition("/package")[0].rstrip("/")
    pairs = {name: value for name, value in query.items() if value is not None}
    return client.get(f"{base}/api/{what}", params=pairs)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["cells.parquet", "cells.csv.gz"])
def test_head_tells_what_can_be_drawn(
    open_portal: OpenPortal, client: httpx.Client, folder: Path, name: str
) -> None:
    told = ask(client, open_portal(folder), f"profiles/head/folder/screen/{name}").json()
    assert told["rows"] == 60
    assert told["pairs"] == [["umap_1", "umap_2"]]
    assert {"name": "Metadata_kind", "kind": "text"} in told["columns"]
    assert told["colour"] == "Metadata_kind"
    assert "pca" in told["ways"]


@pytest.mark.parametrize("name", ["cells.parquet", "cells.csv.gz"])
def test_places_are_those_of_the_table(
    open_portal: OpenPortal, client: httpx.Client, folder: Path, name: str
) -> None:
    portal = open_portal(folder)
    answer = ask(client, portal, f"profiles/places/folder/screen/{name}", x="umap_1", y="umap_2")
    assert answer.headers["content-type"] == "application/octet-stream"
    found = np.frombuffer(answer.content, "<f4").reshape(-1, 2)
    expected = cells()[["umap_1", "umap_2"]].to_numpy(np.float32)
    assert np.isnan(found[5]).all(), "a row without an x has no place"
    rest = np.arange(60) != 5
    np.testing.assert_array_equal(found[rest], expected[rest])


def test_classes_are_told_by_number_and_name(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    portal = open_portal(folder)
    where = "folder/screen/cells.parquet"
    head = ask(client, portal, f"profiles/column/{where}", name="Metadata_kind").json()
    raw = ask(client, portal, f"profiles/values/{where}", name="Metadata_kind").content
    codes = np.frombuffer(raw, head["type"])
    names = [*head["names"]]
    found = [None if code == head["missing_code"] else names[code] for code in codes]
    expected = cells()["Metadata_kind"]
    assert found == [None if pd.isna(value) else value for value in expected]
    assert head["counts"] == sorted(expected.value_counts().tolist(), reverse=True)
    assert head["missing"] == int(expected.isna().sum())
    assert HOSTILE in names, "names travel as they are; the page writes them as texts"


def test_numbers_keep_their_value_and_constant_ones_have_limits(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    portal = open_portal(folder)
    where = "folder/screen/cells.parquet"
    head = ask(client, portal, f"profiles/column/{where}", name="Cells_A").json()
    assert (head["kind"], head["type"]) == ("number", "float32")
    raw = ask(client, portal, f"profiles/values/{where}", name="Cells_A").content
    np.testing.assert_array_equal(
        np.frombuffer(raw, "<f4"), cells()["Cells_A"].to_numpy(np.float32)
    )
    same = ask(
        client, portal, f"profiles/column/{where}", **{"name": "Cells_same", "as": "number"}
    ).json()
    assert same["limits"][0] < same["limits"][1]


def test_wrong_questions_are_answered_in_one_line(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    portal = open_portal(folder)
    where = "folder/screen/cells.parquet"
    for what, query, told in (
        ("places", {"x": "Metadata_kind", "y": "umap_1"}, "Metadata_kind has texts"),
        ("places", {"x": "umap_1"}, "two columns"),
        ("places", {"x": "umap_1", "y": "umap_9"}, "no column 'umap_9'"),
        ("column", {"name": "Cells_a"}, "no column 'Cells_a'"),
        ("column", {"name": "Metadata_kind", "as": "number"}, "has texts"),
        ("rows", {"row": 60}, "rows are 0 to 59"),
        ("rows", {"row": list(range(201))}, "up to 200 rows"),
    ):
        answer = ask(client, portal, f"profiles/{what}/{where}", **query)
        assert answer.status_code == 400, (what, query)
        assert told in answer.json()["error"]


def test_table_without_rows(open_portal: OpenPortal, client: httpx.Client, folder: Path) -> None:
    cells().head(0).to_parquet(folder / "none.parquet")
    (folder / "empty.csv").write_bytes(b"")
    portal = open_portal(folder)
    told = ask(client, portal, "profiles/head/folder/screen/none.parquet").json()
    assert (told["rows"], told["ways"], told["colour"]) == (0, [], "")
    broken = ask(client, portal, "profiles/head/folder/screen/empty.csv")
    assert broken.status_code == 422
    assert "empty" in broken.json()["error"]


def test_embedding_is_computed_once_and_kept(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    portal = open_portal(folder)
    where = "folder/screen/cells.parquet"
    early = ask(client, portal, f"profiles/embedding/{where}", way="pca").json()
    told = early
    for _ in range(200):
        if told["state"] == "done":
            break
        time.sleep(0.05)
        told = ask(client, portal, f"profiles/embedding/{where}", way="pca").json()
    assert told["state"] == "done"
    assert told["labels"][0].startswith("PC 1 (")
    raw = ask(client, portal, f"profiles/places/{where}", way="pca").content
    expected = embed(cells(), "pca").places
    np.testing.assert_allclose(
        np.frombuffer(raw, "<f4").reshape(-1, 2), expected, rtol=1e-5, atol=1e-6
    )
    again = open_portal(folder)
    assert ask(client, again, f"profiles/embedding/{where}", way="pca").json()["seconds"] == 0


def test_failure_of_an_embedding_is_told(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    pd.DataFrame({"Metadata_a": ["x", "y", "z"], "Cells_A": [1.0, 1.0, 1.0]}).to_parquet(
        folder / "flat.parquet"
    )
    portal = open_portal(folder)
    for _ in range(200):
        told = ask(client, portal, "profiles/embedding/folder/screen/flat.parquet").json()
        if told["state"] == "failed":
            break
        time.sleep(0.05)
    assert told["state"] == "failed"
    assert "usable features" in told["error"]


def test_columns_of_a_second_table(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    names = [f"cell-{number}" for number in range(20)]
    numbers = pd.DataFrame({"label": names, "x": np.arange(20.0), "y": np.arange(20.0)})
    numbers.to_csv(folder / "places.csv", index=False)
    more = pd.DataFrame({"cell": names[::-1][:15], "class": [f"k{n % 2}" for n in range(15)]})
    more.to_csv(folder / "classes.csv", index=False)
    pd.DataFrame({"other": ["a", "b"]}).to_csv(folder / "unrelated.csv", index=False)
    portal = open_portal(folder)
    where = "folder/screen/places.csv"
    head = ask(
        client, portal, f"profiles/column/{where}", **{"name": "class", "with": "classes.csv"}
    ).json()
    raw = ask(
        client, portal, f"profiles/values/{where}", **{"name": "class", "with": "classes.csv"}
    )
    codes = np.frombuffer(raw.content, head["type"])
    joined = numbers.merge(more, how="left", left_on="label", right_on="cell")["class"]
    found = [None if code == head["missing_code"] else head["names"][code] for code in codes]
    assert found == [None if pd.isna(value) else value for value in joined]
    assert head["missing"] == 5
    bad = ask(client, portal, f"profiles/head/{where}", **{"with": "unrelated.csv"})
    assert bad.status_code == 400
    assert "no column that names the rows" in bad.json()["error"]


@pytest.mark.parametrize("layout", ["csr_matrix", "csc_matrix", "dense"])
def test_genes_and_cells_of_a_matrix(
    open_portal: OpenPortal, client: httpx.Client, tmp_path: Path, layout: str
) -> None:
    import anndata

    rng = np.random.default_rng(0)
    matrix = rng.poisson(0.6, (25, 8)).astype(np.float32)
    folder = tmp_path / "atlas"
    folder.mkdir()
    held = anndata.AnnData(
        matrix if layout == "dense" else getattr(sparse, layout)(matrix),
        obs=pd.DataFrame(index=[f"c{n}" for n in range(25)]),
        var=pd.DataFrame(index=[f"Gene{n}" for n in range(8)]),
    )
    held.obs["kind"] = pd.Categorical(["a", "b"] * 12 + [None])
    held.obs["depth"] = np.arange(25.0)
    held.obsm["X_umap"] = rng.normal(size=(25, 2))
    held.write_h5ad(folder / "full.h5ad")
    portal = open_portal(folder)
    where = "folder/atlas/full.h5ad"
    head = ask(client, portal, f"profiles/head/{where}").json()
    assert head["rows"] == 25
    assert head["pairs"][0] == ["obsm:X_umap:1", "obsm:X_umap:2"]
    names = ask(client, portal, f"profiles/names/{where}", q="gene3").json()["names"]
    assert names == ["gene:Gene3"]
    raw = ask(
        client, portal, f"profiles/values/{where}", **{"name": "gene:Gene3", "as": "number"}
    ).content
    np.testing.assert_array_equal(np.frombuffer(raw, "<f4"), matrix[:, 3])
    told = ask(client, portal, f"profiles/column/{where}", name="obs:kind").json()
    assert (told["names"], told["counts"], told["missing"]) == (["a", "b"], [12, 12], 1)
    places = ask(client, portal, f"profiles/places/{where}", x=head["pairs"][0][0],
                 y=head["pairs"][0][1])  # fmt: skip
    np.testing.assert_array_equal(
        np.frombuffer(places.content, "<f4").reshape(-1, 2),
        np.asarray(held.obsm["X_umap"], np.float32),
    )
    wrong = ask(client, portal, f"profiles/values/{where}", name="gene:Gen3")
    assert wrong.status_code == 400
    assert "gene" in wrong.json()["error"]


def test_rows_are_told_with_pictures_of_their_wells(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    import tifffile

    images = folder / "images" / "P1"
    images.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(100, 900, (2, 40, 40)).astype(np.uint16)
    for well in (1, 2):
        tifffile.imwrite(
            images / f"r01c{well:02d}f01p01.ome.tiff", pixels, metadata={"axes": "CYX"}, ome=True
        )
    portal = open_portal(folder)
    told = ask(client, portal, "profiles/rows/folder/screen/cells.parquet", row=[0, 2]).json()
    first, other = told["rows"]
    assert first["values"]["Metadata_Well"] == "A01"
    assert "picture" not in other, "there is no image of A03"
    base = portal.url.partition("/package")[0].rstrip("/")
    answer = client.get(base + first["picture"])
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    page = client.get(base + first["image"])
    assert page.status_code == 200
    missing = ask(client, portal, "crop/folder/screen/images", plate="P1", well="H12")
    assert missing.status_code == 404


def test_rows_without_images_say_so(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    told = ask(
        client, open_portal(folder), "profiles/rows/folder/screen/cells.parquet", row=[0]
    ).json()
    assert "no images of plates" in told["no_pictures"]
    assert told["rows"][0]["values"]["Metadata_kind"] == "a"
