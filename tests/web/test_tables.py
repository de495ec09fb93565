"""Tables by HTTP and in a browser."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, Page, expect

from cellfolio.web.serving import Portal
from tests.web.conftest import OpenPortal
from tests.web.dialogs import note_dialogs

HOSTILE = "<img src=x onerror=alert(1)>"
NAME = "<script>alert(2)</script>"


@pytest.fixture
def portal(open_portal: OpenPortal, tmp_path: Path) -> Portal:
    folder = tmp_path / "plates"
    folder.mkdir()
    numbers = np.random.default_rng(0).normal(size=(450, 90))
    cells = pd.DataFrame(numbers, columns=[f"Cells_f{at}" for at in range(90)])
    cells.insert(0, "well", [f"W{at:03}" for at in range(450)])
    cells.to_parquet(folder / "cells.parquet")
    (folder / "wells.csv").write_text("well,n,dose (µM)\nA01,3,0.5\nA02,,1.0\nB01,5,\n")
    pd.DataFrame({f"x{NAME}": [HOSTILE, "a\u202eb", None], "=1+1": [1, 2, 3]}).to_csv(
        folder / f"h {NAME.replace('/', '')}.csv", index=False
    )
    (folder / "broken.csv").write_text("a,b\n1\n")
    (folder / "broken.parquet").write_bytes(b"PAR1xPAR1")
    return open_portal(folder)


def _api(portal: Portal, operation: str, key: str) -> str:
    return portal.url.replace("/package/", f"/api/{operation}/") + "/" + quote(key)


def test_columns_are_told(portal: Portal, client: httpx.Client) -> None:
    found = client.get(_api(portal, "table-columns", "wells.csv")).json()
    assert found["rows"] == found["found"] == 3
    assert found["columns"] == [
        {"name": "well", "kind": "text", "unit": ""},
        {"name": "n", "kind": "number", "unit": ""},
        {"name": "dose (µM)", "kind": "number", "unit": "µM"},
    ]
    wide = client.get(_api(portal, "table-columns", "cells.parquet")).json()
    assert (wide["rows"], len(wide["columns"])) == (450, 91)


def test_rows_are_sent_in_windows(portal: Portal, client: httpx.Client) -> None:
    address = _api(portal, "table", "cells.parquet")
    asked = {"first": 440, "count": 200, "from": 89, "columns": 40}
    found = client.get(address, params=asked).json()
    assert found["columns"] == ["Cells_f88", "Cells_f89"]
    assert found["numbers"] == [89, 90]
    assert len(found["rows"]) == 10
    sought = {"where": ["Cells_f0>0", "well~W00*"], "sort": "-Cells_f0", "column": ["well"]}
    best = client.get(address, params=sought).json()
    table = client.get(address, params={"format": "csv"}).text
    frame = pd.read_csv(io.StringIO(table))
    expected = frame[(frame.Cells_f0 > 0) & frame.well.str.startswith("W00")]
    assert [row[0] for row in best["rows"]] == list(
        expected.sort_values("Cells_f0", ascending=False).well
    )
    many = client.get(address, params={"count": 1000, "columns": 500}).json()
    assert len(many["rows"]) * len(many["columns"]) <= 50_000


def test_values_stay_what_they_are(portal: Portal, client: httpx.Client) -> None:
    statement = (
        "select 1152921504606846976::bigint as big, [1, null] as l, {'a': 1} as r, true as t, "
        "date '2020-02-01' as day, null as nothing, repeat('x', 500) as long"
    )
    asked = {"sql": statement}
    found = client.get(_api(portal, "table", "wells.csv"), params=asked).json()
    row = dict(zip(found["columns"], found["rows"][0], strict=True))
    assert row["big"] == "1152921504606846976", "browsers would round it"
    assert (row["l"], row["r"]) == ("[1, null]", '{"a": 1}')
    assert (row["t"], row["nothing"]) == (True, None)
    assert str(row["day"]).startswith("2020-02-01")
    assert row["long"] == "x" * 300 + "…"


def test_results_are_downloaded_as_files(portal: Portal, client: httpx.Client) -> None:
    address = _api(portal, "table", "cells.parquet")
    sought = {"sql": "select well, Cells_f1 from this where Cells_f1 > 0", "sort": "Cells_f1"}
    text = client.get(address, params={**sought, "format": "csv"})
    assert text.headers["content-type"].startswith("text/csv")
    assert "cells.csv" in text.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(text.text)))
    other = client.get(address, params={**sought, "format": "parquet"}).content
    frame = pq.read_table(io.BytesIO(other)).to_pandas()
    assert [float(row["Cells_f1"]) for row in rows] == frame.Cells_f1.tolist()
    assert frame.Cells_f1.is_monotonic_increasing
    assert len(frame) > 100


def test_column_is_summarized(portal: Portal, client: httpx.Client) -> None:
    address = _api(portal, "table-summary", "cells.parquet")
    found = client.get(address, params={"column": "Cells_f3"}).json()
    assert sum(found["bars"]) == found["count"] == 450
    text = client.get(_api(portal, "table-summary", "wells.csv"), params={"number": 0}).json()
    assert text["top"] == [["A01", 1], ["A02", 1], ["B01", 1]]


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"sql": "select * from read_csv('/etc/passwd')"}, 400, "reads nothing but the tables"),
        ({"sql": "select * from read_text('/etc/hostname')"}, 400, "reads nothing but the tables"),
        ({"sql": "copy this to '/tmp/x.csv'"}, 400, "one statement that reads"),
        ({"sql": "attach '/tmp/x.db'"}, 400, "one statement that reads"),
        ({"sql": "pragma version"}, 400, "one statement that reads"),
        ({"sql": "drop table this"}, 400, "one statement that reads"),
        ({"sql": "select '" + "x" * 30_000 + "'"}, 400, "characters"),
        ({"where": "nothing=1"}, 400, "no column"),
        ({"where": "well"}, 400, "no condition"),
        ({"sort": "nothing"}, 400, "no column"),
        ({"count": "5000"}, 400, "count"),
        ({"first": "-1"}, 400, "first"),
        ({"table": "x"}, 400, "one table"),
        ({"other": "x"}, 400, "unknown parameter"),
    ],
)
def test_wrong_questions_are_answered_in_words(
    portal: Portal, client: httpx.Client, asked: dict[str, str], status: int, words: str
) -> None:
    answer = client.get(_api(portal, "table", "wells.csv"), params=asked)
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert "--" not in answer.json()["hint"]


@pytest.mark.slow
def test_table_is_walked_with_the_keyboard(portal: Portal, tab: Page) -> None:
    tab.goto(f"{portal.url}/cells.parquet")
    grid = tab.locator("#table-grid")
    expect(grid.locator("tbody tr")).to_have_count(200)
    expect(tab.locator("#table-status")).to_contain_text("450 rows, 91 columns")
    grid.locator("tbody tr").first.locator("td").first.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowLeft", "End"):
        tab.keyboard.press(key)
    expect(tab.locator(":focus")).to_have_attribute("aria-colindex", "31")
    tab.keyboard.press("ArrowRight")
    expect(tab.locator("#table-columns")).to_have_text("Columns 31–60 of 91")
    expect(tab.locator(":focus")).to_have_attribute("aria-colindex", "32")
    tab.keyboard.press("Control+End")
    tab.keyboard.press("ArrowDown")
    expect(tab.locator("#table-rows")).to_have_text("Rows 201–400 of 450")
    assert "first=200" in tab.url
    assert "from=30" in tab.url
    tab.reload()
    expect(tab.locator("#table-rows")).to_have_text("Rows 201–400 of 450")
    expect(tab.locator("#table-columns")).to_have_text("Columns 31–60 of 91")


def test_table_is_sorted_filtered_asked_and_summarized(portal: Portal, tab: Page) -> None:
    tab.goto(f"{portal.url}/cells.parquet")
    tab.locator("#table-condition").fill("well~W00*")
    tab.keyboard.press("Enter")
    expect(tab.locator("#table-status")).to_contain_text("10 of 450 rows")
    tab.get_by_role("button", name="well", exact=True).click()
    tab.get_by_role("button", name="well ↑", exact=True).click()
    expect(tab.locator("tbody tr").first.locator("td").first).to_have_text("W009")
    expect(tab.locator("th[aria-sort=descending]")).to_have_count(1)
    tab.locator("#table-column").fill("f88")
    tab.keyboard.press("Enter")
    expect(tab.locator(":focus")).to_have_attribute("aria-colindex", "91")
    tab.get_by_role("button", name="Summary of Cells_f88").click()
    expect(tab.locator("#table-summary svg").first).to_be_visible()
    expect(tab.locator("#table-summary")).to_contain_text("Median")
    tab.reload()
    expect(tab.locator("#table-summary")).to_contain_text("Median")
    tab.locator("#table-sql summary").click()
    tab.locator("#table-statement").fill("select count(*) as cells from this")
    tab.keyboard.press("Control+Enter")
    expect(tab.locator("tbody")).to_have_text("1450")
    assert "sql=select" in tab.url
    tab.get_by_role("button", name="Whole table again").click()
    expect(tab.locator("#table-status")).to_contain_text("450 rows")


@pytest.mark.slow
def test_missing_values_and_numbers_are_told_apart(portal: Portal, tab: Page) -> None:
    tab.goto(f"{portal.url}/wells.csv")
    second = tab.locator("tbody tr").nth(1)
    expect(second.locator("td").nth(1)).to_have_text("missing")
    expect(second.locator("td").nth(1)).to_have_class("none number")
    expect(second.locator("td").nth(2)).to_have_class("number")
    expect(tab.locator("thead")).to_contain_text("number, µM")


def test_text_of_a_table_is_only_ever_text(portal: Portal, tab: Page) -> None:
    dialogs = note_dialogs(tab)
    tab.goto(portal.url)
    tab.get_by_role("link", name="h <script>").click()
    expect(tab.locator("tbody tr").first).to_contain_text(HOSTILE)
    expect(tab.locator("tbody tr").nth(1)).to_contain_text("a\\u202eb")
    tab.get_by_role("button", name="Summary of x").click()
    expect(tab.locator("#table-summary")).to_contain_text(HOSTILE)
    tab.locator("#table-summary").get_by_title("Show only these rows").first.click()
    expect(tab.locator("#table-chips")).to_contain_text("=")
    assert tab.locator("#content img, #content script").count() == 0
    assert not dialogs


def test_broken_tables_say_so_in_their_place(portal: Portal, tab: Page) -> None:
    for key, words in (("broken.csv", "line 2 has 1 field"), ("broken.parquet", "cannot be read")):
        tab.goto(f"{portal.url}/{key}")
        expect(tab.get_by_role("alert")).to_contain_text(words)
        expect(tab.get_by_role("link", name="Bytes")).to_be_visible()


@pytest.mark.slow
def test_wrong_statement_leaves_the_table(portal: Portal, browser_page: Page) -> None:
    browser_page.goto(f"{portal.url}/wells.csv")
    expect(browser_page.locator("tbody tr")).to_have_count(3)
    browser_page.locator("#table-sql summary").click()
    browser_page.locator("#table-statement").fill("select nothing from this")
    browser_page.get_by_role("button", name="Run").click()
    expect(browser_page.locator("#table-failure")).to_contain_text("nothing")
    expect(browser_page.locator("tbody tr")).to_have_count(3)


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[Page]:
    """A page whose console may tell of refused questions, as browsers do."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_real_plate_of_thousands_of_columns(
    open_portal: OpenPortal, tab: Page, client: httpx.Client, shared: Path
) -> None:
    folder = shared / "data" / "pediatric_atlas" / "BR00147001"
    portal = open_portal(folder)
    key = "BR00147001_bulk_annotated.parquet"
    frame = pd.read_parquet(folder / key)
    tab.goto(f"{portal.url}/{key}?sort=-Metadata_seeding_density&from=2960")
    expect(tab.locator("#table-columns")).to_have_text("Columns 2,941–2,970 of 3,004")
    found = client.get(
        _api(portal, "table", key),
        params={"sort": "-Metadata_seeding_density", "from": 3000, "columns": 4},
    ).json()
    order = frame.sort_values("Metadata_seeding_density", ascending=False, kind="stable")
    got = pd.DataFrame(found["rows"], columns=found["columns"])
    pd.testing.assert_frame_equal(
        got, order.iloc[:, 3000:].reset_index(drop=True), check_dtype=False, check_exact=True
    )


def test_real_profiles_of_open_reading_frames(
    open_portal: OpenPortal, client: httpx.Client, shared: Path
) -> None:
    portal = open_portal(shared / "data" / "ta_orf_l1000")
    key = "TA-ORF_L1000_ZSPCQNORM_1092x978.csv.gz"
    facts = client.get(_api(portal, "table-columns", key)).json()
    assert (facts["rows"], len(facts["columns"])) == (1092, 979)
    joined = client.get(
        _api(portal, "table", key),
        params={
            "sql": 'select c.pert_type, count(*) n, avg(t."200814_at") mean from this t '
            'join "TA-ORF_L1000_cdesc.csv" c on c.id = t.cid group by 1 order by 1'
        },
    ).json()
    assert joined["columns"] == ["pert_type", "n", "mean"]
    assert sum(row[1] for row in joined["rows"]) == 1092
