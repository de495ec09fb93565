"""Folders of runs, and pages that came with a package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import OpenPortal

HOSTILE = "<script>alert(1)</script>"


def write_evaluation(folder: Path, title: str = "cpjump1-replicating") -> None:
    tables = folder / "tables"
    tables.mkdir(parents=True)
    rng = np.random.default_rng(0)
    pd.DataFrame({"group": "U2OS", "correlation": rng.normal(0, 0.1, 500)}).to_parquet(
        tables / "null.parquet"
    )
    found = pd.DataFrame(
        {"group": "U2OS", "Metadata_p": list("abcd"), "correlation": [0.0, 0.5, 0.6, np.nan]}
    )
    found.to_parquet(tables / "perturbations.parquet")
    found.to_csv(tables / "perturbations.csv", index=False)
    pd.DataFrame(
        {"group": ["U2OS"], "percent_replicating": [0.5], "limit_low": [-np.inf], "limit_high": 0.2}
    ).to_parquet(tables / "scores.parquet")
    document = {
        "form": "cellfolio evaluation 1",
        "benchmark": title,
        "parameters": {"draws": 500, "groups": [{"name": HOSTILE}]},
        "inputs": [{"name": f"../{HOSTILE}.parquet", "digest": "SHA256:abc"}],
        "notes": [f"a note {HOSTILE}"],
        "version": "9",
        "not_compared": {"started": "2026-01-01T00:00:00+00:00"},
    }
    (folder / "record.json").write_text(json.dumps(document))
    (folder / "report.html").write_text("<h1>Report</h1>")


def run_url(portal_url: str) -> str:
    return portal_url.replace("/package/", "/run/")


def test_evaluation_is_told_and_drawn(open_portal: OpenPortal, tab: Page, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_evaluation(folder, f"run {HOSTILE}")
    portal = open_portal(folder)
    tab.goto(run_url(portal.url))
    expect(tab.get_by_role("heading", level=1)).to_contain_text(f"run {HOSTILE}")
    expect(tab.locator("figcaption").first).to_contain_text("3 perturbations against 500 values")
    expect(tab.locator("figcaption").first).to_contain_text("66.7% lie beyond chance")
    expect(tab.locator("svg line.limit")).to_have_count(1)
    expect(tab.get_by_text("SHA256:abc")).to_be_visible()
    expect(tab.get_by_text(f"a note {HOSTILE}")).to_be_visible()
    expect(tab.get_by_role("link", name="tables/perturbations.parquet")).to_have_count(1)
    expect(tab.get_by_role("link", name="tables/perturbations.csv")).to_have_count(0)
    tab.get_by_role("link", name="report.html").click()
    expect(tab.frame_locator("iframe").get_by_role("heading")).to_have_text("Report")


def test_other_runs_are_told(open_portal: OpenPortal, client: httpx.Client, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    plate = folder / "profiles" / "P1"
    plate.mkdir(parents=True)
    facts = {"step": "normalize", "rows": 384, "features": 900, "made_of": {"a.csv": "SHA256:x"}}
    documents = {
        plate / "record.json": {"form": "cellfolio profiles 2", "files": {"P1.parquet": facts}},
        folder / "profiles" / "run.json": {
            "form": "cellfolio run 1",
            "parts": [{"name": "P1", "files": ["a"], "failure": {"message": "no wells"}}],
        },
        folder / "measured.json": {
            "form": "cellfolio measuring 1",
            "plates": {"P9": {"sites": 4, "cells": 90, "failed": {"A01_1": "too dark"}}},
        },
    }
    for path, document in documents.items():
        path.write_text(json.dumps(document))
    url = run_url(open_portal(folder).url)
    measured = client.get(url).text
    assert "too dark" in measured
    assert "4 sites, 90 cells" in measured
    profiles = client.get(f"{url}/profiles").text
    assert "no wells" in profiles
    one = client.get(f"{url}/profiles/P1").text
    assert "normalize: 384 × 900" in one
    assert "SHA256:x" in one


def test_pages_of_quality_need_no_record(
    open_portal: OpenPortal, client: httpx.Client, tmp_path: Path
) -> None:
    folder = tmp_path / "quality"
    (folder / "P1").mkdir(parents=True)
    (folder / "P1.html").write_text("<p>fine</p>")
    answer = client.get(run_url(open_portal(folder).url))
    assert "quality of plates" in answer.text
    assert "P1.html" in answer.text


@pytest.mark.parametrize(
    "record",
    [b"{", b"[]", b"\xff\xfe", b'{"form": 3, "inputs": 7, "files": [1], "plates": {"a": 1}}',
     b'{"form": "cellfolio run 1", "parts": [1, {"failure": 4}], "not_compared": []}'],
)  # fmt: skip
def test_damaged_records_are_no_error_of_the_portal(
    open_portal: OpenPortal, client: httpx.Client, tmp_path: Path, record: bytes
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "record.json").write_bytes(record)
    answer = client.get(run_url(open_portal(folder).url))
    assert answer.status_code in (200, 422)


def test_folder_without_run_says_so(
    open_portal: OpenPortal, client: httpx.Client, tmp_path: Path
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "a.txt").write_text("x")
    answer = client.get(run_url(open_portal(folder).url))
    assert answer.status_code == 404
    assert "no record of a run" in answer.text


def test_damaged_table_is_told_in_its_place(
    open_portal: OpenPortal, client: httpx.Client, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    write_evaluation(folder)
    (folder / "tables" / "null.parquet").write_bytes(b"PAR1 broken")
    answer = client.get(run_url(open_portal(folder).url))
    assert answer.status_code == 200
    assert "null.parquet" in answer.text
    assert 'role="alert"' in answer.text


@contextmanager
def listener() -> Iterator[tuple[str, list[str]]]:
    """Listen for anything that a page asks of elsewhere."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


def hostile_page(elsewhere: str) -> str:
    return f"""<!doctype html><html><head>
<meta http-equiv="refresh" content="0; url={elsewhere}/refresh">
<base href="{elsewhere}/base/"><link rel="stylesheet" href="{elsewhere}/style.css">
<style>@import "{elsewhere}/import.css"; p {{ background: url({elsewhere}/back.png); }}
@font-face {{ font-family: x; src: url({elsewhere}/font.woff); }} p {{ font-family: x; }}</style>
</head><body onload="top.document.title='owned'"><p>still here</p>
<script>parent.document.title = "owned"; fetch("{elsewhere}/fetch");
top.location = "{elsewhere}/top";</script>
<img src="{elsewhere}/img.png" onerror="top.location='{elsewhere}/img'">
<iframe src="{elsewhere}/frame"></iframe>
<object data="{elsewhere}/object"></object><video src="{elsewhere}/video" autoplay></video>
<form action="{elsewhere}/form"><input type="submit" value="send"></form>
<svg><image href="{elsewhere}/svg.png"/><script>top.location="{elsewhere}/svg"</script></svg>
<a id="out" href="{elsewhere}/link" target="_top">out</a></body></html>"""


def test_hostile_page_does_nothing(
    open_portal: OpenPortal, tmp_path: Path, browser: Browser
) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    with listener() as (elsewhere, asked):
        (folder / "evil.html").write_text(hostile_page(elsewhere))
        portal = open_portal(folder)
        alone = browser.new_page()  # its console tells what was refused
        alone.goto(f"{portal.url}/evil.html")
        frame = alone.frame_locator("iframe")
        expect(frame.get_by_text("still here")).to_be_visible()
        frame.locator("#out").click()
        frame.get_by_role("button", name="send").click()
        alone.wait_for_timeout(700)
        assert alone.title().startswith("evil.html")
        assert portal.url in alone.url
        alone.goto(f"{portal.url}/evil.html".replace("/package/", "/api/page/"))
        alone.wait_for_timeout(700)
        assert "/api/page/" in alone.url
        alone.close()
        assert asked == []


def test_page_is_sent_with_its_own_policy(
    open_portal: OpenPortal, client: httpx.Client, tmp_path: Path
) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "a.html").write_text("<p>ä</p>", encoding="utf-8")
    (folder / "a.txt").write_text("<script>")
    (folder / "a.png").write_bytes(b"<svg onload=alert(1)>")
    url = open_portal(folder).url
    answer = client.get(f"{url}/a.html".replace("/package/", "/api/page/"))
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script-src" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert client.get(f"{url}/a.txt".replace("/package/", "/api/page/")).status_code == 400
    assert client.get(f"{url}/a.png".replace("/package/", "/api/figure/")).status_code == 422


def test_runs_are_a_tab_of_their_folder(
    open_portal: OpenPortal, client: httpx.Client, tmp_path: Path
) -> None:
    write_evaluation(tmp_path / "out" / "evaluation")
    (tmp_path / "out" / "notes").mkdir()
    (tmp_path / "out" / "notes" / "a.txt").write_text("x")
    url = open_portal(tmp_path / "out").url
    assert "tab=runs" in client.get(url).text
    assert "tab=runs" not in client.get(f"{url}/notes").text
    below = client.get(url, params={"tab": "runs"}).text
    assert "/run/folder/out/evaluation" in below
    one = client.get(f"{url}/evaluation", params={"tab": "runs"}).text
    assert "66.7% lie beyond chance" in one
