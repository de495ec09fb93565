"""Plates by HTTP: the list, values and colours of wells, pictures, a well, replicates."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import imagecodecs
import numpy as np
import pytest

from cellfolio.storage.home import Home
from cellfolio.web import plate_places
from tests.plates import image_path
from tests.web.conftest import OpenPortal
from tests.web.experiment import FEATURE, GAPS, HOSTILE, SAME, write_experiment, write_large

NAME = "folder/study"


@pytest.fixture
def root(open_portal: OpenPortal, tmp_path: Path) -> str:
    portal = open_portal(write_experiment(tmp_path / "study"))
    return portal.url.split("/package/")[0]


def ask(client: httpx.Client, url: str, **query: Any) -> Any:
    answer = client.get(url, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_plates_are_found_by_map_images_and_tables(client: httpx.Client, root: str) -> None:
    found = ask(client, f"{root}/api/plates/{NAME}")["plates"]
    assert [one["name"] for one in found] == ["P1", "P2"]
    first = found[0]
    assert first["batches"] == ["B1"]
    assert (first["images"], first["wells_with_images"]) == (8, 2)
    assert [(one["name"], one["rows_are"]) for one in first["tables"]] == [
        ("profiles.parquet", "wells"),
        ("cells.csv", "objects"),
    ]
    page = client.get(f"{root}/plates/{NAME}").text
    assert f'href="/plate/{NAME}?plate=P2"' in page


def test_wells_have_what_the_plate_map_says(client: httpx.Client, root: str) -> None:
    found = ask(client, f"{root}/api/wells/{NAME}", plate="P1")
    assert (found["colour"], found["table"]) == ("Metadata_perturbation", "")
    assert (found["rows"], found["columns"]) == (2, 3)
    assert found["wells"]["A03"] == HOSTILE
    assert found["wells"]["B03"] is None
    assert found["controls"] == ["A01", "B01"]
    assert found["scale"]["kind"] == "categories"
    named = {one["name"]: one["wells"] for one in found["scale"]["categories"]}
    assert named == {"DMSO": 2, "taxol": 2, HOSTILE: 1}


def test_wells_have_features_and_what_is_no_number_is_none(client: httpx.Client, root: str) -> None:
    found = ask(client, f"{root}/api/wells/{NAME}", plate="P1", colour=FEATURE)
    assert found["table"] == "profiles.parquet"
    assert found["wells"]["B02"] == 900.0
    assert found["scale"]["kind"] == "numbers"
    gaps = ask(client, f"{root}/api/wells/{NAME}", plate="P1", colour=GAPS)
    assert [gaps["wells"][well] for well in ("A01", "A02", "A03", "B03")] == [None, None, 1.0, None]
    assert gaps["scale"]["parted"]


def test_ends_of_the_colours_may_be_told(client: httpx.Client, root: str) -> None:
    url = f"{root}/api/wells/{NAME}"
    found = ask(client, url, plate="P1", colour=FEATURE, low=0, high=200)["scale"]
    assert (found["low"], found["high"], found["above"]) == (0, 200, 1)
    answer = client.get(url, params={"plate": "P1", "colour": FEATURE, "low": 5, "high": 1})
    assert answer.status_code == 400
    assert "expected the lower end first" in answer.json()["error"]


def test_rows_of_objects_are_counted_and_averaged(client: httpx.Client, root: str) -> None:
    url = f"{root}/api/wells/{NAME}"
    counts = ask(client, url, plate="P1", colour="number of rows", table="cells.csv")
    assert counts["wells"]["A01"] == 3
    assert counts["wells"]["A02"] is None
    means = ask(client, url, plate="P1", colour="Cells_Area")
    assert means["wells"]["A01"] == 1.0
    assert means["note"] == "mean of the rows of a well"


def test_unknown_plate_column_table_and_well_are_told(client: httpx.Client, root: str) -> None:
    for path, status, words in (
        ("api/wells/folder/study?plate=P9", 404, "no plate 'P9'"),
        ("api/wells/folder/study", 400, "2 plates here, and the address names none"),
        ("api/wells/folder/study?plate=P1&colour=Cells_AreaShape_Are", 400, "no column"),
        ("api/wells/folder/study?plate=P1&colour=x&table=y.csv", 404, "no table 'y.csv'"),
        ("api/montage/folder/study?plate=P1&channel=GFP", 400, "no channel 'GFP'"),
        ("api/montage/folder/study?plate=P1&site=7", 404, "no site 7"),
        ("api/site/folder/study?plate=P1&well=A02", 404, "no image of A02"),
        ("api/site/folder/study?plate=P1&well=Z99", 400, "is not on the plate"),
        ("api/site/folder/study?plate=P1", 400, "names no well"),
    ):
        answer = client.get(f"{root}/{path}")
        assert answer.status_code == status, path
        assert words in answer.json()["error"], path
    assert client.get(f"{root}/plate/{NAME}?plate=P9").status_code == 404


def test_montage_has_each_well_in_its_place(client: httpx.Client, root: str) -> None:
    answer = client.get(f"{root}/api/montage/{NAME}", params={"plate": "P1", "channel": "DNA"})
    assert answer.headers["content-type"] == "image/jpeg"
    facts = json.loads(answer.headers["x-cellfolio-picture"])
    assert facts["sites"] == {"A01": 1, "B02": 1}
    (channel,) = facts["channels"]
    assert channel["name"] == "DNA"
    pixels = imagecodecs.jpeg8_decode(answer.content)
    down, across = facts["step"]
    assert pixels.shape[:2] == (2 * down, 3 * across)
    bright = [
        [float(pixels[y * down : (y + 1) * down, x * across : (x + 1) * across].mean())
         for x in range(3)]
        for y in range(2)
    ]  # fmt: skip
    assert bright[0][0] > 10
    assert bright[1][1] > 10
    assert max(bright[0][1], bright[0][2], bright[1][0], bright[1][2]) < 2


def test_montage_is_made_anew_by_a_new_portal_of_what_was_kept(
    client: httpx.Client, open_portal: OpenPortal, tmp_path: Path
) -> None:
    folder, home = write_experiment(tmp_path / "study"), Home(tmp_path / "home")
    query = {"plate": "P1", "channel": "DNA"}
    first = open_portal(folder, home=home).url.split("/package/")[0]
    made = client.get(f"{first}/api/montage/{NAME}", params=query)
    kept = list((home.folder / "derived" / "thumbnails").glob("*/*.npz"))
    assert kept
    second = open_portal(folder, home=home).url.split("/package/")[0]
    assert client.get(f"{second}/api/montage/{NAME}", params=query).content == made.content
    for one in kept:  # damaged ones are made again
        one.write_bytes(b"PK\3\4 no archive")
    third = open_portal(folder, home=home).url.split("/package/")[0]
    assert client.get(f"{third}/api/montage/{NAME}", params=query).content == made.content


def test_wells_that_are_not_read_yet_are_told(
    client: httpx.Client, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plate_places, "_PATIENCE", 0.0)
    for _ in range(100):
        answer = client.get(f"{root}/api/montage/{NAME}", params={"plate": "P1"})
        facts = json.loads(answer.headers["x-cellfolio-picture"])
        if not facts["waiting"]:
            break
        assert answer.headers["cache-control"] == "no-store"
        time.sleep(0.05)
    assert facts["waiting"] == 0
    assert set(facts["sites"]) == {"A01", "B02"}


def test_broken_image_is_told_and_the_others_are_shown(
    client: httpx.Client, open_portal: OpenPortal, tmp_path: Path
) -> None:
    folder = write_experiment(tmp_path / "study")
    broken = image_path(folder, "A01", 1, "DNA")
    broken.write_bytes(broken.read_bytes()[:200])
    root = open_portal(folder).url.split("/package/")[0]
    answer = client.get(f"{root}/api/montage/{NAME}", params={"plate": "P1", "channel": "DNA"})
    assert answer.status_code == 200
    facts = json.loads(answer.headers["x-cellfolio-picture"])
    assert list(facts["failures"]) == ["A01"]
    site = client.get(f"{root}/api/site/{NAME}", params={"plate": "P1", "well": "A01"})
    assert site.status_code == 422


def test_one_site_has_the_contrast_of_its_plate(client: httpx.Client, root: str) -> None:
    query = {"plate": "P1", "well": "B02", "channel": "DNA"}
    one = client.get(f"{root}/api/site/{NAME}", params={**query, "site": 2})
    pixels = imagecodecs.jpeg8_decode(one.content)
    assert pixels.shape[:2] == (40, 48)
    assert int(pixels.max()) > 200
    other = client.get(f"{root}/api/site/{NAME}", params={**query, "contrast_of": "P2"})
    assert other.status_code == 200
    assert np.ptp(imagecodecs.jpeg8_decode(other.content)) > 100


def test_well_tells_contents_images_cells_and_profile(client: httpx.Client, root: str) -> None:
    page = client.get(f"{root}/well/{NAME}", params={"plate": "P1", "well": "B02"}).text
    assert "<dd>taxol</dd>" in page
    assert "well=B02&amp;site=2" in page
    assert "/cells.csv?where=%22Metadata_Plate%22%3DP1&amp;where=%22Metadata_Well%22%3DB02" in page
    assert ">3</td>" in page
    assert FEATURE.replace("_", "_<wbr>") in page
    assert SAME.replace("_", "_<wbr>") not in page
    assert "the other 5 wells" in page
    part = client.get(f"{root}/well/{NAME}", params={"plate": "P1", "well": "B02", "part": "1"})
    assert "<html" not in part.text
    control = client.get(f"{root}/well/{NAME}", params={"plate": "P1", "well": "A01"}).text
    assert "negative control" in control


def test_well_without_anything_has_a_page(client: httpx.Client, root: str) -> None:
    page = client.get(f"{root}/well/{NAME}", params={"plate": "P1", "well": "B03"})
    assert page.status_code == 200
    assert "There is no image of this well." in page.text


def test_hostile_names_are_text(client: httpx.Client, root: str) -> None:
    for path in (
        f"well/{NAME}?plate=P1&well=A03",
        f"replicates/{NAME}?perturbation=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E",
    ):
        page = client.get(f"{root}/{path}").text
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
        assert "<img src=x" not in page


def test_replicates_are_found_over_plates(client: httpx.Client, root: str) -> None:
    page = client.get(f"{root}/replicates/{NAME}", params={"perturbation": "taxol"}).text
    assert "4 wells of 2 plates" in page
    assert page.count('alt="B02 of P') == 2
    assert page.count("contrast_of=P1") == page.count("/api/site/")
    assert "A01 control" in page  # the only control with an image
    usual = client.get(f"{root}/replicates/{NAME}").text
    assert "<h1>taxol</h1>" in usual  # the most common that is no control
    unknown = client.get(f"{root}/replicates/{NAME}", params={"perturbation": "taxole"})
    assert unknown.status_code == 404
    assert "taxol" in unknown.text


def test_1536_wells_of_a_table_alone(
    client: httpx.Client, open_portal: OpenPortal, tmp_path: Path
) -> None:
    root = open_portal(write_large(tmp_path / "big")).url.split("/package/")[0]
    found = ask(client, f"{root}/api/wells/folder/big", colour=FEATURE)
    assert (found["rows"], found["columns"]) == (32, 48)
    assert len(found["wells"]) == 1532
    assert "A01" not in found["wells"]
    scale = found["scale"]
    assert scale["low"] == -scale["high"]
    assert scale["below"] == scale["above"] > 0


def test_a_plate_map_alone_is_a_plate(
    client: httpx.Client, open_portal: OpenPortal, tmp_path: Path
) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    (folder / "drugs.csv").write_text("well,drug,dose\na1,DMSO,0\nH12,taxol,0.1\n")
    (folder / "README.md").write_text("nothing")
    root = open_portal(folder).url.split("/package/")[0]
    assert ask(client, f"{root}/api/plates/folder/maps")["plates"] == []
    found = ask(client, f"{root}/api/wells/folder/maps/drugs.csv", colour="dose")
    assert (found["plate"], found["rows"], found["wells"]["H12"]) == ("drugs", 8, 0.1)
    empty = client.get(f"{root}/plates/folder/maps")
    assert empty.status_code == 200
    assert "There are no plates here" in empty.text


def test_packages_with_plates_have_a_tab(
    client: httpx.Client, root: str, open_portal: OpenPortal, tmp_path: Path
) -> None:
    page = client.get(f"{root}/package/{NAME}", params={"tab": "plates"}).text
    assert f'href="/plate/{NAME}?plate=P1"' in page
    assert "tab=plates" not in client.get(f"{root}/package/{NAME}/cells.csv").text
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.txt").write_text("x")
    other = client.get(open_portal(tmp_path / "plain").url).text
    assert "tab=plates" not in other
    assert "tab=records" not in other
