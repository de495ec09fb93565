"""Plates in a browser: drawn, walked by keys, coloured, opened; the address keeps all of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.web.conftest import OpenPortal
from tests.web.experiment import FEATURE, HOSTILE, write_experiment, write_large

NAME = "folder/study"


@pytest.fixture
def root(open_portal: OpenPortal, tmp_path: Path) -> str:
    portal = open_portal(write_experiment(tmp_path / "study"))
    return portal.url.split("/package/")[0]


def check_access(tab: Page) -> None:
    """Check that everybody can use the page."""
    found = Axe().run(tab)
    serious = [
        (one["id"], [node["html"][:200] for node in one["nodes"]])
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert not serious


def test_map_is_walked_by_keys_and_a_well_opened(root: str, tab: Page) -> None:
    tab.goto(f"{root}/plates/{NAME}")
    tab.get_by_role("link", name="P1", exact=True).click()
    grid = tab.get_by_role("grid")
    expect(tab.locator("#well-A01")).to_have_attribute("aria-label", "A01: DMSO, negative control")
    expect(tab.locator("#legend")).to_contain_text("taxol (2)")
    expect(tab.locator("#legend")).to_contain_text("no value (1)")
    grid.focus()
    for key in ("ArrowRight", "ArrowDown"):
        grid.press(key)
    expect(tab.locator("#readout")).to_have_text("B02: taxol")
    expect(grid).to_have_attribute("aria-activedescendant", "well-B02")
    grid.press("Home")
    grid.press("ArrowLeft")  # there is nothing beyond the edge
    expect(tab.locator("#readout")).to_contain_text("B01")
    grid.press("End")
    grid.press("ArrowLeft")
    grid.press("Enter")
    panel = tab.get_by_role("complementary", name="Well")
    expect(panel.get_by_role("heading", name="B02")).to_be_visible()
    expect(panel.locator("img")).to_have_count(2)
    assert "well=B02" in tab.url
    check_access(tab)
    tab.reload()
    expect(tab.locator("#well h2")).to_have_text("B02")


def test_hostile_perturbation_is_text_everywhere(root: str, tab: Page) -> None:
    tab.goto(f"{root}/plate/{NAME}?plate=P1")
    expect(tab.locator("#legend")).to_contain_text(f"{HOSTILE} (1)")
    tab.locator("#well-A03").click()
    expect(tab.locator("#readout")).to_have_text(f"A03: {HOSTILE}")
    expect(tab.locator("#well dd").first).to_have_text(HOSTILE)
    assert tab.locator("img[src=x]").count() == 0


def test_feature_is_found_by_typing_parts_of_its_name(root: str, tab: Page) -> None:
    tab.goto(f"{root}/plate/{NAME}?plate=P1")
    box = tab.get_by_role("combobox", name="Colour by")
    expect(box).to_have_value("perturbation")
    box.fill("area cells")
    first = tab.get_by_role("option").first
    expect(first).to_contain_text(FEATURE)
    box.press("Enter")
    expect(tab.locator(".legend-title")).to_have_text(FEATURE)
    expect(tab.locator("#well-B02")).to_have_attribute("aria-label", "B02: 900")
    assert f"colour={FEATURE}" in tab.url
    tab.get_by_label("From").fill("90")
    tab.get_by_label("From").press("Enter")
    tab.get_by_label("to", exact=True).fill("110")
    tab.get_by_label("to", exact=True).press("Enter")
    expect(tab.locator("#legend")).to_contain_text("1 above, up to 900")
    before = tab.locator("#well-B02 rect").get_attribute("fill")
    tab.reload()
    expect(tab.locator("#legend")).to_contain_text("1 above, up to 900")
    assert tab.locator("#well-B02 rect").get_attribute("fill") == before
    box.fill("nothing like it")
    expect(tab.get_by_role("listbox")).to_contain_text("no such column")
    box.press("Escape")
    expect(box).to_have_value(FEATURE)


def test_images_are_shown_with_channels_of_choice(root: str, tab: Page) -> None:
    tab.goto(f"{root}/plate/{NAME}?plate=P1")
    tab.get_by_label("Images").check()
    expect(tab.locator("#legend")).to_contain_text("DNA:")
    expect(tab.locator("#legend")).to_contain_text("no image (4)")
    expect(tab.locator("svg image")).to_have_attribute("href", re.compile("^blob:"))
    tab.get_by_label("RNA").uncheck()
    expect(tab.locator("#legend")).not_to_contain_text("RNA:")
    tab.locator("#well-A02").click()
    expect(tab.locator("#readout")).to_have_text("A02: no image")
    expect(tab.locator("#well")).to_contain_text("There is no image of this well.")
    assert "show=images" in tab.url
    assert "channel=DNA" in tab.url
    check_access(tab)
    tab.reload()
    expect(tab.get_by_label("RNA")).not_to_be_checked()
    expect(tab.locator("#legend")).to_contain_text("DNA:")
    tab.get_by_role("link", name="Next").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("P2")
    expect(tab.get_by_label("Images")).to_be_checked()


def test_replicates_are_side_by_side(root: str, tab: Page) -> None:
    tab.goto(f"{root}/plate/{NAME}?plate=P1&well=B02")
    tab.get_by_role("link", name="Replicates side by side").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("taxol")
    pictures = tab.locator(".strip img")
    expect(pictures).to_have_count(4)
    for at in range(4):
        pictures.nth(at).scroll_into_view_if_needed()
        tab.wait_for_function(
            "at => document.querySelectorAll('.strip img')[at].naturalWidth > 0", arg=at
        )
    tab.get_by_label("RNA").uncheck()
    tab.get_by_role("button", name="Show").click()
    assert "channel=DNA" in tab.url
    assert "channel=RNA" not in tab.url
    check_access(tab)


@pytest.mark.slow
def test_1536_wells_in_both_themes_and_narrow(
    open_portal: OpenPortal, tab: Page, tmp_path: Path
) -> None:
    root = open_portal(write_large(tmp_path / "big")).url.split("/package/")[0]
    themes: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 1280), ("dark", 390))
    for theme, width in themes:
        tab.emulate_media(color_scheme=theme)
        tab.set_viewport_size({"width": width, "height": 860})
        tab.goto(f"{root}/plate/folder/big?colour={FEATURE}")
        expect(tab.get_by_role("gridcell")).to_have_count(1536)
        expect(tab.locator("#well-A01")).to_have_attribute("aria-label", "A01: no well")
        expect(tab.locator("#legend")).to_contain_text("no well (4)")
        tab.get_by_role("grid").focus()
        tab.keyboard.press("Control+End")
        expect(tab.locator("#readout")).to_have_text("AF48: 3")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        check_access(tab)
