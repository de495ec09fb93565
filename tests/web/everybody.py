"""What axe-core finds of a page that is open, in either theme."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SERIOUS = ("serious", "critical")


def serious_findings(page: Page) -> list[tuple[str, str]]:
    """Return what keeps somebody from using the page, and where; its theme is as before."""
    found: list[tuple[str, str]] = []
    for _ in ("this theme", "the other"):
        violations = Axe().run(page).response["violations"]
        found += [
            (one["id"], one["nodes"][0]["html"]) for one in violations if one["impact"] in SERIOUS
        ]
        page.locator("#theme").click()
    return found
