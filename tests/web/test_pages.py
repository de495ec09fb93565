"""The first page, folders and files, in a browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.web.conftest import OpenPortal


def test_folder_is_walked_to_a_file(open_portal: OpenPortal, tab: Page, tmp_path: Path) -> None:
    folder = tmp_path / "plates"
    (folder / "a b").mkdir(parents=True)
    (folder / "a b" / "x#1?.bin").write_bytes(b"PAR1\0")
    portal = open_portal(folder)
    tab.goto(portal.url)
    tab.get_by_role("link", name="a b/").click()
    tab.get_by_role("link", name="x#1?.bin").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("x#1?.bin")
    expect(tab.locator("pre")).to_contain_text("50 41 52 31 00")
    tab.reload()
    expect(tab.locator("pre")).to_contain_text("PAR1")


def test_theme_is_switched_and_kept(open_portal: OpenPortal, tab: Page) -> None:
    tab.goto(open_portal().url)
    before = tab.locator("html").get_attribute("data-theme")
    tab.get_by_role("button", name="Switch between light and dark").click()
    after = tab.locator("html").get_attribute("data-theme")
    assert {before, after} == {"light", "dark"}
    tab.reload()
    assert tab.locator("html").get_attribute("data-theme") == after


def test_slash_goes_to_the_search(open_portal: OpenPortal, tab: Page) -> None:
    tab.goto(open_portal().url)
    tab.keyboard.press("/")
    expect(tab.get_by_role("searchbox")).to_be_focused()
