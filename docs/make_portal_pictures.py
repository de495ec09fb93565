"""Write the pictures of the portal's guide: every main view, of a demonstration made anew.

Run it from the checkout after a change of how pages look; Chromium draws them::

    python -m docs.make_portal_pictures
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from cellfolio.web.serving import Portal, ServeOptions
from cellfolio.workflows.demo.folder import prepare_demo
from cellfolio.workflows.demo.steps import demo_steps
from docs.portal_views import OF_THE_DEMO
from tests.web.conftest import FLAGS, find_browser

FOLDER = Path(__file__).parent / "guide" / "pictures" / "portal"
SIZE = {"width": 1280, "height": 860}
DARK = ("image", "plate")
"""Views that are shown in the dark theme."""
_SETTLED = 800
"""Milliseconds after which nothing moves any more."""


def main() -> None:
    """Write all pictures."""
    program = find_browser()
    if program is None:
        raise SystemExit("Chromium is not installed: apt-get install chromium")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch, sync_playwright() as started:
        demo = prepare_demo(Path(scratch) / "cellfolio-demo")
        for step in demo_steps(demo):
            step.run(None)
        shown = [str(demo.folder / name) for name in ("profiles", "measured", "evaluation")]
        portal = Portal(["demo/cell-painting", *shown], demo.home, ServeOptions(port=0)).start()
        browser = started.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            write_pictures(browser, portal.url.rstrip("/"))
        finally:
            browser.close()
            portal.stop()


def write_pictures(browser: Browser, root: str) -> None:
    """Open each view and write what it looks like, as JPEG: pages with photographs stay small."""
    for view in OF_THE_DEMO:
        theme = "dark" if view.name in DARK else "light"
        context = browser.new_context(viewport=SIZE, color_scheme=theme)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(root + view.address, wait_until="networkidle")
        page.wait_for_selector(view.ready)
        page.wait_for_timeout(_SETTLED)
        path = FOLDER / f"{view.name}.jpg"
        page.screenshot(path=path, type="jpeg", quality=80)
        print(f"wrote {path}, {path.stat().st_size:,} bytes: {view.about}")
        context.close()


if __name__ == "__main__":
    main()
