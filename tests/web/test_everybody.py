"""Every main view, for everybody: both themes, small screens, by keyboard, without a mouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cellfolio.web.serving import Portal, ServeOptions
from cellfolio.workflows.demo.folder import Demo
from cellfolio.workflows.demo.steps import Outcome
from docs.portal_views import OF_THE_DEMO, PortalView
from tests.web.everybody import serious_findings

pytestmark = pytest.mark.slow
WHOLE = {"width": 1280, "height": 900}
SMALL = {"width": 390, "height": 800}


@pytest.fixture(scope="module")
def portal(whole_demo: tuple[Demo, list[Outcome]]) -> Iterator[Portal]:
    """Open a demonstration, as its end says."""
    demo, _ = whole_demo
    shown = [str(demo.folder / name) for name in ("profiles", "measured", "evaluation")]
    found = Portal(["demo/cell-painting", *shown], demo.home, ServeOptions(port=0)).start()
    yield found
    found.stop()


def open_view(page: Page, portal: Portal, view: PortalView) -> None:
    """Go to a view, and wait until it can be looked at."""
    root = portal.url.rstrip("/")
    page.goto(root + view.address, wait_until="networkidle")
    page.wait_for_selector(view.ready)


@pytest.mark.parametrize("view", OF_THE_DEMO, ids=lambda view: view.name)
def test_view_can_be_used_by_everybody(browser: Browser, portal: Portal, view: PortalView) -> None:
    """No serious finding of axe-core, no error in the console, nothing wider than the screen.

    In the theme that the system prefers, and in the other, which a button switches to.
    """
    problems: list[str] = []
    context = browser.new_context(viewport=WHOLE, color_scheme="dark")  # type: ignore[arg-type]
    page = context.new_page()
    page.on("console", lambda one: problems.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    open_view(page, portal, view)
    found = serious_findings(page)
    page.set_viewport_size(SMALL)  # type: ignore[arg-type]
    page.wait_for_timeout(300)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    context.close()
    assert not problems
    assert not found
    assert wide <= 0, f"{wide} pixels wider than a small screen"


def test_whole_path_by_keyboard(tab: Page, portal: Portal) -> None:
    """From the first page to an image: search, choose, walk down the tree; Tab and Enter only."""
    tab.goto(portal.url)
    tab.keyboard.press("/")
    tab.keyboard.type("cell-painting")
    link = tab.get_by_role("link", name="demo/cell-painting", exact=True).first
    expect(link).to_be_visible()
    tab.wait_for_url("**q=cell-painting**")  # what is found has replaced what was there
    for name in ("demo/cell-painting", "images/", "SIM00001/", "r01c01f01p01.ome.tiff"):
        go_to(tab, name)
        with tab.expect_navigation(wait_until="networkidle"):
            tab.keyboard.press("Enter")
    expect(tab.locator("canvas").first).to_be_visible()


def go_to(page: Page, name: str, most: int = 200) -> None:
    """Press Tab until a link of that name has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.innerText || ''").strip()
        if focused == name or focused.splitlines()[:1] == [name]:
            return
    raise AssertionError(f"Tab does not lead to {name!r} on {page.url}")


def test_reload_shows_the_same(tab: Page, portal: Portal, tmp_path: Path) -> None:
    """The address of a plate says all that is shown of it."""
    root = portal.url.rstrip("/")
    tab.goto(f"{root}/plate/demo/cell-painting?plate=SIM00001&well=B03", wait_until="networkidle")
    before = tab.locator("main").inner_text()
    tab.reload(wait_until="networkidle")
    assert tab.locator("main").inner_text() == before
    assert "B03" in before
