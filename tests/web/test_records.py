"""Records: lists, one record, links both ways, of documents and of tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import OpenPortal
from tests.workflows import aics

NAME = "folder/aics_23"
WELL = "plate_3500001327_well_A1"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def root(open_portal: OpenPortal, tmp_path: Path) -> str:
    found = aics.documents(plates=2, wells=3)
    found["wells", WELL] |= {"note": HOSTILE, "fovs": [*found["wells", WELL]["fovs"], "fov_gone"]}
    folder = aics.write_tree(tmp_path / "aics_23", found)
    return open_portal(folder).url.split("/package/")[0]


def ask(client: httpx.Client, url: str, **query: Any) -> Any:
    answer = client.get(url, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_records_are_listed_by_kind(client: httpx.Client, root: str) -> None:
    found = ask(client, f"{root}/api/records/{NAME}", kind="wells")
    assert found["kinds"]["plates"] == 2
    assert (found["kind"], found["found"]) == ("wells", 6)
    first = found["records"][0]
    assert first["name"] == WELL
    assert first["related"] == {
        "lines": 1, "plates": 1, "fovs": 1, "cell_segs": 1, "nuclei_segs": 1, "structure_segs": 1,
    }  # fmt: skip


def test_records_are_searched_by_name_and_by_condition(client: httpx.Client, root: str) -> None:
    url = f"{root}/api/records/{NAME}"
    assert ask(client, url, kind="wells", q="1328 b1")["found"] == 1
    assert ask(client, url, kind="fovs", q="passage>=36")["found"] == 4
    wrong = client.get(url, params={"kind": "fovs", "q": "no_such=1"})
    assert wrong.status_code == 400
    page = client.get(f"{root}/records/{NAME}", params={"kind": "fovs", "q": "no_such=1"})
    assert page.status_code == 200  # the search can be mended
    assert "no_such" in page.text
    assert "6 of 6" in page.text


def test_record_has_fields_files_links_and_problems(client: httpx.Client, root: str) -> None:
    found = ask(client, f"{root}/api/record/{NAME}", id=f"wells/{WELL}")
    assert found["fields"] == {"note": HOSTILE}
    assert found["problems"] == ["fovs/fov_gone is not there"]
    (fov,) = found["related"]["fovs"]["names"]
    field = ask(client, f"{root}/api/record/{NAME}", id=f"fovs/{fov}")
    assert field["image"] == f"fovs/{fov}/image/load"
    assert [one.split("/")[0] for one in field["labels"]] == [
        "cell_segs", "nuclei_segs", "structure_segs",
    ]  # fmt: skip
    assert field["fields"]["passage"] is None
    page = client.get(f"{root}/record/{NAME}", params={"id": f"fovs/{fov}"}).text
    assert page.count("labels=") >= 3
    assert "with 3 segmentations" in page


def test_unknown_records_are_told(client: httpx.Client, root: str) -> None:
    for query, status, words in (
        ({"id": "wells/none"}, 404, "has no record wells/none"),
        ({"id": "genes/x"}, 404, "has no kind of records"),
        ({"id": "x"}, 400, "expected KIND/NAME"),
        ({}, 400, "expected KIND/NAME"),
    ):
        answer = client.get(f"{root}/api/record/{NAME}", params=query)
        assert (answer.status_code, words in answer.json()["error"]) == (status, True)
    of_file = client.get(f"{root}/api/records/{NAME}/README")
    assert of_file.status_code == 404
    assert "is a file" in of_file.json()["error"]


def test_folder_without_records_says_so(
    client: httpx.Client, open_portal: OpenPortal, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.txt").write_text("x")
    root = open_portal(tmp_path / "plain").url.split("/package/")[0]
    answer = client.get(f"{root}/records/folder/plain")
    assert answer.status_code == 404
    assert "has no records" in answer.text


def test_rows_of_a_table_and_their_files(
    client: httpx.Client, open_portal: OpenPortal, tmp_path: Path
) -> None:
    folder = tmp_path / "cells"
    for number in (1, 2):
        for column in ("3d", "2d"):
            path = folder / column / f"{number}.tiff"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(aics.image_bytes(number))
    text = "CellId,Structure,3d,2d\n7,<b>lamp</b>,3d/1.tiff,2d/1.tiff\n8,x,3d/2.tiff,2d/2.tiff\n"
    (folder / "metadata.csv").write_text(text)
    root = open_portal(folder).url.split("/package/")[0]
    found = ask(client, f"{root}/api/records/folder/cells")
    assert (found["kind"], found["found"]) == ("rows", 2)
    assert found["records"][0]["fields"]["Structure"] == "<b>lamp</b>"
    row = ask(client, f"{root}/api/record/folder/cells", id="rows/0")
    assert row["related"]["3d"]["names"] == ["1.tiff"]
    page = client.get(f"{root}/record/folder/cells", params={"id": "3d/1.tiff"}).text
    assert "id=rows%2F0" in page
    assert "id=2d%2F1.tiff" in page
    assert "&lt;b&gt;lamp" in client.get(f"{root}/record/folder/cells?id=rows/0").text


def test_plate_to_well_to_field_to_segmentation_and_back(root: str, tab: Page) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab.goto(f"{root}/records/{NAME}")
    tab.get_by_role("link", name="plates").click()
    tab.get_by_role("link", name="plate_3500001327", exact=True).click()
    related = tab.get_by_role("complementary", name="Related records")
    related.get_by_role("link", name=WELL, exact=True).click()
    expect(tab.locator("dd")).to_have_text(HOSTILE)
    related.get_by_role("link", name="fov_").first.click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("fov_")
    tab.wait_for_function("() => document.querySelector('.record-picture img').naturalWidth > 0")
    related.get_by_role("link", name=f"nuc_{WELL}").click()
    expect(tab.get_by_role("link", name="Over the image that it is of")).to_be_visible()
    found = Axe().run(tab)
    assert not [
        one["id"]
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    tab.get_by_role("navigation", name="What it is of").get_by_role("link", name=WELL).click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(WELL)


def test_real_images_of_the_cell_line(
    client: httpx.Client, open_portal: OpenPortal, tmp_path: Path, shared: Path
) -> None:
    data = shared / "data" / "aics"
    told = json.loads((data / "aics_23_example.json").read_text())
    folder = tmp_path / "real"
    info = told["info_examples"]["lines/line_AICS_23"]
    segmentations = {"cell_segs": "cell", "nuclei_segs": "nucleus", "structure_segs": "structure"}
    documents: dict[tuple[str, str], Any] = {
        ("lines", "line_AICS_23"): info,
        ("plates", info["plates"][0]): {"wells": ["w1"], "lines": ["line_AICS_23"]},
        ("wells", "w1"): {"plates": info["plates"][:1], "fovs": ["fov_1"]},
        ("fovs", "fov_1"): {"wells": ["w1"], **{kind: [f"{kind}_1"] for kind in segmentations}},
    }
    for (kind, name), document in documents.items():
        aics.write(folder / kind / name / "info.json", json.dumps(document))
    (folder / "fovs" / "fov_1" / "image.ome.tiff").symlink_to(
        data / "images" / "TOMM20_pipeline_example_structure_segmentation.tiff"
    )
    for kind, word in segmentations.items():
        aics.write(folder / kind / f"{kind}_1" / "info.json", json.dumps({"fovs": ["fov_1"]}))
        image = data / "images" / f"TOMM20_pipeline_example_{word}_segmentation.tiff"
        (folder / kind / f"{kind}_1" / "image.ome.tiff").symlink_to(image)
    root = open_portal(folder).url.split("/package/")[0]
    field = ask(client, f"{root}/api/record/folder/real", id="fovs/fov_1")
    assert len(field["labels"]) == 3
    line = ask(client, f"{root}/api/record/folder/real", id="lines/line_AICS_23")
    assert line["fields"]["edits"][0]["gene"] == "TJP1"
    assert line["related"]["plates"]["count"] == 1
    assert any("is not there" in one for one in line["problems"])
    picture = client.get(
        f"{root}/api/picture/folder/real/{field['image']}",
        params={"size": 200, "labels": field["labels"]},
    )
    assert picture.status_code == 200
    assert picture.headers["content-type"] == "image/png"


def test_packages_with_records_have_a_tab(client: httpx.Client, root: str) -> None:
    page = client.get(f"{root}/package/{NAME}", params={"tab": "records"}).text
    assert f'href="/records/{NAME}?kind=fovs"' in page
    assert "tab=records" not in client.get(f"{root}/package/{NAME}/fovs").text
