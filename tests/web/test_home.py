"""The first page: search, facets, what is on this machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.web.views.home import PAGE
from cellfolio.workflows.publishing import save
from tests.web.conftest import OpenPortal
from tests.web.published import NAME, SCRIPT, build_revisions


@pytest.fixture
def plates(tmp_path: Path) -> Home:
    home = Home()
    build_revisions(tmp_path / "plates", home)
    return home


def search(client: httpx.Client, url: str, **query: Any) -> dict[str, Any]:
    for _ in range(100):
        found: dict[str, Any] = client.get(f"{url}api/search", params=query).json()
        if not found["unread"]:
            return found
        time.sleep(0.02)
    raise AssertionError("names are still being read")


def names(found: dict[str, Any]) -> list[str]:
    return [one["name"] for one in found["results"]]


def test_all_is_found_by_words_in_texts_and_file_names(
    open_portal: OpenPortal, client: httpx.Client, plates: Home, tmp_path: Path
) -> None:
    folder = tmp_path / "my screen"
    folder.mkdir()
    (folder / "Layout-7.csv").write_text("well\n")
    url = str(httpx.URL(open_portal(folder).url).join("/"))
    everything = names(search(client, url))
    assert {NAME, "folder/my-screen", "abc/atlas"} <= set(everything)
    assert names(search(client, url, q="layout-7")) == ["folder/my-screen"]
    assert names(search(client, url, q="merfish")) == ["abc/atlas"]
    assert names(search(client, url, q="plates s2.tiff")) == [NAME]
    (one,) = search(client, url, q="s2.tiff")["results"]
    assert one["matching"] == {"keys": ["images/p1/s2.tiff"], "count": 1, "more": False}
    assert one["held"] == {"files": one["files"], "size": one["size"]}
    assert search(client, url, q="no such words")["results"] == []


def test_facets_combine_and_live_in_the_address(
    open_portal: OpenPortal, client: httpx.Client, plates: Home
) -> None:
    url = open_portal().url
    found = search(client, url, cells="U2OS")
    assert NAME in names(found)
    assert "rosetta/TA-ORF-BBBC037-Rohban" in names(found)
    assert names(search(client, url, cells="U2OS", source="this machine")) == [NAME]
    assert names(search(client, url, here="1")) == [NAME]
    counts = {one["value"]: one["count"] for one in found["facets"]["organism"]}
    assert counts["human"] == len(found["results"])
    page = client.get(f"{url}?cells=U2OS&source=this+machine&q=plates").text
    assert page.count('class="title"') == 1
    assert page.count(" checked>") == 2


def test_hostile_texts_are_only_text(
    open_portal: OpenPortal, client: httpx.Client, plates: Home
) -> None:
    page = client.get(open_portal().url, params={"q": SCRIPT}).text
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page
    assert client.get(open_portal().url, params={"q": "x" * 9_000}).status_code == 200


def test_package_that_cannot_be_opened_is_told_in_its_place(
    open_portal: OpenPortal, client: httpx.Client, plates: Home
) -> None:
    pointer = plates.folder / "registry/.quilt/named_packages" / NAME / "latest"
    pointer.write_text("nonsense")
    answer = client.get(open_portal().url)
    assert answer.status_code == 200
    assert "should hold a top hash" in answer.text
    assert "Allen Brain Cell Atlas" in answer.text


def test_search_as_one_types_goes_into_the_address_and_back(
    open_portal: OpenPortal, tab: Page, plates: Home
) -> None:
    portal = open_portal()
    tab.goto(portal.url)
    titles = tab.locator(".cards .title")
    before = titles.count()
    tab.keyboard.press("/")
    tab.keyboard.type("rosetta", delay=20)
    expect(tab).to_have_url(portal.url + "?q=rosetta")
    expect(titles).to_have_count(5)
    expect(tab.get_by_role("searchbox")).to_be_focused()
    tab.get_by_role("checkbox", name="A549").focus()
    tab.keyboard.press("Space")
    expect(titles).to_have_count(2)
    expect(tab).to_have_url(portal.url + "?q=rosetta&cells=A549")
    expect(tab.get_by_role("checkbox", name="A549")).to_be_focused()
    tab.reload()
    expect(titles).to_have_count(2)
    expect(tab.get_by_role("searchbox")).to_have_value("rosetta")
    tab.go_back()
    expect(titles).to_have_count(5)
    tab.get_by_role("link", name="show all").click()
    expect(titles).to_have_count(before)


def test_file_that_was_found_is_opened(open_portal: OpenPortal, tab: Page, plates: Home) -> None:
    tab.goto(open_portal().url + "?q=s3.tiff")
    tab.get_by_role("link", name="images/p1/s3.tiff").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("s3.tiff")


def test_many_packages_are_in_pages_and_leave_no_file_open(
    open_portal: OpenPortal, client: httpx.Client
) -> None:
    home = Home()
    for number in range(2 * PAGE):
        entries = [Entry("a.csv", "s3://bucket/a.csv", number, Digest("SHA256", f"{number:064x}"))]
        save(Package.of(entries), f"many/p{number:03d}", home)
    opened = len(list(Path("/proc/self/fd").iterdir()))
    url = open_portal().url
    first, second = (client.get(url, params={"page": page}).text for page in (1, 2))
    assert len(list(Path("/proc/self/fd").iterdir())) < opened + PAGE / 2
    assert first.count('class="title"') == second.count('class="title"') == PAGE
    assert "many/p099" in first
    assert "many/p100" not in first
    assert "many/p100" in second
    assert f"page 1 of {2 * PAGE // PAGE + 1}" in first
    beyond = client.get(url, params={"page": 10**6, "q": "many/p"}).text
    assert "page 2 of 2" in beyond
    assert "many/p199" in beyond
    assert len(search(client, url, q="many/p")["results"]) == 2 * PAGE
