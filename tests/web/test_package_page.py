"""The page of a package, its folders and files: every tab, hostile names and texts."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect

from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.web.listing import PAGE
from cellfolio.workflows.publishing import save
from tests.web.conftest import OpenPortal
from tests.web.everybody import serious_findings
from tests.web.published import HOSTILE, NAME, SCRIPT, Revisions, build_revisions

TABS = ("files", "readme", "metadata", "revisions", "compare", "code")


@pytest.fixture
def plates(tmp_path: Path) -> Revisions:
    return build_revisions(tmp_path / "plates", Home())


@pytest.fixture
def url(open_portal: OpenPortal, plates: Revisions) -> str:
    return f"{open_portal().url}package/{NAME}"


@pytest.mark.parametrize("tab", TABS)
def test_no_tab_lets_a_text_be_more_than_text(client: httpx.Client, url: str, tab: str) -> None:
    first = client.get(url, params={"tab": tab})
    assert first.status_code == 200
    for text in ("<script>document", 'onerror="', "<b>bold", "javascript:alert", "\u202e"):
        assert text not in first.text.replace("[elsewhere](javascript:alert", ""), text


def test_tab_that_is_none_is_told(client: httpx.Client, url: str) -> None:
    answer = client.get(url, params={"tab": SCRIPT})
    assert answer.status_code == 400
    assert SCRIPT not in answer.text
    assert client.get(f"{url}/wells.csv?tab=revisions").status_code == 400


def test_every_hostile_name_has_a_page_of_its_own(client: httpx.Client, url: str) -> None:
    for name in HOSTILE:
        for query in ("", "?tab=metadata", "?tab=code"):
            answer = client.get(f"{url}/{quote(name)}{query}")
            assert answer.status_code == 200, name


def test_revisions_and_what_they_changed(client: httpx.Client, url: str, plates: Revisions) -> None:
    api = url.replace("/package/", "/api/revisions/")
    lines = client.get(api).json()["revisions"]
    assert [one["top_hash"] for one in lines] == [plates.second.top_hash, plates.first.top_hash]
    assert lines[0]["message"] == "A second plate"
    diff = url.replace("/package/", "/api/diff/")
    found = client.get(diff, params={"with": plates.first.top_hash[:12]}).json()
    assert found["counts"] == {"added": 1, "removed": 1, "changed": 1, "meta_changed": 0}
    assert [one["key"] for one in found["added"]] == ["added.csv"]
    assert [one["key"] for one in found["removed"]] == ["gone.csv"]
    assert found["changed"][0]["after"] == {"key": "wells.csv", "size": 23}
    assert found["package_meta_changed"] == [{"path": ["plates"], "before": "1", "after": "2"}]
    inside = client.get(f"{diff}/images", params={"with": plates.first.top_hash}).json()
    assert inside["counts"] == {"added": 0, "removed": 0, "changed": 0, "meta_changed": 0}
    assert client.get(diff, params={"with": "feedfeed"}).status_code == 404


def test_comparison_is_walked_by_its_links(
    open_portal: OpenPortal, tab: Page, plates: Revisions
) -> None:
    tab.goto(f"{open_portal().url}package/{NAME}")
    tab.get_by_role("link", name="Revisions").click()
    expect(tab.locator("tbody tr")).to_have_count(2)
    expect(tab.locator("tbody")).to_contain_text(SCRIPT)
    tab.get_by_role("link", name="compare", exact=True).click()
    expect(tab.get_by_role("link", name="added.csv")).to_be_visible()
    tab.get_by_role("link", name="Removed 1").click()
    tab.get_by_role("link", name="gone.csv").click()
    expect(tab.locator(".crumbs")).to_contain_text(plates.first.top_hash[:12])
    tab.go_back()
    tab.get_by_role("link", name="Metadata 1").click()
    expect(tab.locator(".change del")).to_have_text("1")
    expect(tab.locator(".change ins")).to_have_text("2")
    tab.get_by_role("link", name="the other way round").click()
    expect(tab.get_by_role("link", name="gone.csv")).to_be_visible()


def test_readme_and_code_in_a_browser(
    open_portal: OpenPortal, tab: Page, plates: Revisions
) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(f"{open_portal().url}package/{NAME}")
    tab.get_by_role("link", name="README", exact=True).click()
    expect(tab.get_by_role("heading", name="Plates", exact=True)).to_be_visible()
    expect(tab).not_to_have_title("gone")
    tab.get_by_role("link", name="the wells").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("wells.csv")
    tab.get_by_role("link", name="Code", exact=True).click()
    tab.get_by_role("button", name="Copy Python").click()
    expect(tab.get_by_role("button", name="Copied")).to_be_visible()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert f"cellfolio.open('{NAME}@{plates.second.top_hash}')" in copied


def test_folder_is_a_page_at_a_time(open_portal: OpenPortal, tab: Page) -> None:
    keys = [f"site {number:03d}.tiff" for number in range(2 * PAGE + 1)]
    save(Package.of([Entry(f"images/{key}", "s3://b/x", 9) for key in keys]), NAME, Home())
    portal = open_portal()
    tab.goto(f"{portal.url}package/{NAME}/images")
    rows = tab.locator("table.files tbody tr")
    expect(rows).to_have_count(PAGE)
    tab.get_by_role("link", name="Next").click()
    tab.get_by_role("link", name="Last page").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("site 400.tiff")
    tab.get_by_label("Filter names in this folder").fill("SITE 39")
    expect(rows).to_have_count(14)
    expect(tab).to_have_url(f"{portal.url}package/{NAME}/images?filter=SITE%2039")
    tab.reload()
    expect(rows).to_have_count(14)


def test_sizes_of_a_large_package_come_after_its_page(
    open_portal: OpenPortal, tab: Page, client: httpx.Client
) -> None:
    entries = [Entry(f"p{number % 7}/{number}", "s3://b/x", 10) for number in range(7_000)]
    save(Package.of(entries), NAME, Home())
    url = f"{open_portal().url}package/{NAME}"
    assert "is being added up" in client.get(url).text
    tab.goto(url)
    expect(tab.locator("#summary")).to_contain_text("Nothing on this machine yet", timeout=20_000)
    expect(tab.locator("#listing tbody tr").first).to_contain_text("10.0 kB", timeout=20_000)
    expect(tab.locator("[hx-trigger^=load]")).to_have_count(0, timeout=20_000)


def test_data_set_that_cannot_be_opened_shows_what_the_catalogue_says(
    open_portal: OpenPortal, client: httpx.Client
) -> None:
    answer = client.get(f"{open_portal().url}package/cpjump1/images")
    assert answer.status_code == 400
    assert "has images of many plates" in answer.text
    assert "CC0 1.0" in answer.text


@pytest.mark.slow
def test_pages_can_be_used_by_everybody(
    open_portal: OpenPortal, tab: Page, plates: Revisions
) -> None:
    portal = open_portal()
    for place in ("", "?q=tiff", "jobs", *(f"package/{NAME}?tab={one}" for one in TABS)):
        tab.goto(portal.url + place)
        assert not serious_findings(tab), place


@pytest.mark.parametrize("place", ["", f"package/{NAME}", f"package/{NAME}?tab=revisions"])
def test_nothing_is_wider_than_a_small_screen(
    open_portal: OpenPortal, tab: Page, plates: Revisions, place: str
) -> None:
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.goto(open_portal().url + place)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
