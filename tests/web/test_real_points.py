"""Real tables, matrices and volumes, looked at in a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import OpenPortal

pytestmark = pytest.mark.slow


def open_points(tab: Page, url: str, key: str, query: str = "") -> None:
    tab.goto(f"{url}/{key}{query}".replace("/package/", "/scatter/"))
    root = tab.locator("[data-scatter]")
    expect(root).to_have_attribute("data-state", "ready", timeout=60_000)


def told_counts(tab: Page) -> dict[str, int]:
    lines = tab.locator(".classes button.class").all()
    return {
        one.locator(".called").inner_text(): int(
            one.locator(".count").inner_text().replace(",", "")
        )
        for one in lines
    }


def test_cells_of_the_brain_by_class(open_portal: OpenPortal, tab: Page, shared: Path) -> None:
    folder = shared / "data" / "abc_atlas" / "merfish_subset"
    portal = open_portal(folder)
    query = "?with=cla_merfish_metadata.csv&colour=class"
    open_points(tab, portal.url, "cla_merfish_expression.csv", query)
    cells = pd.read_csv(folder / "cla_merfish_expression.csv", usecols=["cell_label"])
    classes = pd.read_csv(folder / "cla_merfish_metadata.csv").set_index("cell_label")["class"]
    expected = cells["cell_label"].map(classes).value_counts()
    assert told_counts(tab) == expected.to_dict()


def test_blood_cells_by_gene(open_portal: OpenPortal, tab: Page, shared: Path) -> None:
    portal = open_portal(shared / "data" / "misc")
    tab.goto(f"{portal.url}/10x_pbmc68k_reduced.h5ad")
    expect(tab.locator("[data-scatter]")).to_have_attribute("data-state", "ready", timeout=60_000)
    assert told_counts(tab)["Dendritic"] == 240
    expect(tab.get_by_text("700 cells × 765 genes")).to_be_visible()
    field = tab.get_by_label("Colour", exact=True)
    field.click()
    field.fill("cd3d")
    expect(tab.locator("ul.names:visible li")).to_have_text(["gene:CD3D"])
    tab.keyboard.press("Enter")
    expect(tab.locator(".legend")).to_contain_text("Values lie from -0.608 to 5.231")


def test_plates_of_the_atlas(open_portal: OpenPortal, tab: Page, shared: Path) -> None:
    portal = open_portal(shared / "data" / "pediatric_atlas")
    key = "BR00147001/BR00147001_bulk_normalized.parquet"
    open_points(tab, portal.url, key, "?colour=Metadata_cell_line&way=pca")
    table = pd.read_parquet(
        shared / "data" / "pediatric_atlas" / key, columns=["Metadata_cell_line"]
    )
    assert told_counts(tab) == table["Metadata_cell_line"].value_counts().to_dict()


def test_expression_with_its_metadata(open_portal: OpenPortal, tab: Page, shared: Path) -> None:
    portal = open_portal(shared / "data" / "ta_orf_l1000")
    query = "?with=TA-ORF_L1000_cdesc.csv&colour=pert_type"
    open_points(tab, portal.url, "TA-ORF_L1000_ZSPCQNORM_1092x978.csv.gz", query)
    assert told_counts(tab) == {"trt_oe": 934, "ctl_untrt": 86, "ctl_vector": 72}


def test_real_volume(open_portal: OpenPortal, tab: Page, shared: Path) -> None:
    portal = open_portal(shared / "data" / "misc")
    tab.goto(f"{portal.url}/nifti/example4d.nii.gz")
    expect(tab.locator("[data-volume]")).to_have_attribute("data-state", "ready", timeout=60_000)
    import nibabel as nib

    voxels = np.asarray(nib.load(shared / "data/misc/nifti/example4d.nii.gz").dataobj)
    expect(tab.locator("[data-part=readout]")).to_contain_text(f"value {voxels[64, 48, 12, 0]}")
    tab.get_by_label("Time").fill("1")
    expect(tab.locator("[data-part=readout]")).to_contain_text(f"value {voxels[64, 48, 12, 1]}")
