"""Portals that listen on a free port of this machine, and a browser that looks at them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from cellfolio.storage.home import Home
from cellfolio.web.serving import Portal, ServeOptions

QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
)
"""No talking to anybody."""
FLAGS = (*QUIET, "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
"""WebGL too, worked out on the processor: what a graphics card would draw is tested."""

PATIENCE = 30_000
"""Milliseconds that a page may take to show what is expected: others use the machine, too."""

OpenPortal = Callable[..., Portal]
SHORT = ("test_pages.py",)
"""Files whose browser tests are not among the long ones."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that start a browser among the long ones: it takes both cores of a machine."""
    for item in items:
        here = Path(item.path).parent == Path(__file__).parent
        starts = here and "browser" in getattr(item, "fixturenames", ())
        if starts and item.path.name not in SHORT:
            item.add_marker(pytest.mark.slow)


def find_browser() -> str | None:
    """Return the path of Chromium, if it is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def open_portal() -> Iterator[OpenPortal]:
    """Open portals of the test's home; they are closed when it ends."""
    opened: list[Portal] = []

    def open_(*words: Path | str, home: Home | None = None) -> Portal:
        portal = Portal(map(str, words), home or Home(), ServeOptions(port=0)).start()
        opened.append(portal)
        return portal

    yield open_
    for portal in opened:
        portal.stop()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """Speak HTTP, not by way of a proxy."""
    with httpx.Client(trust_env=False, timeout=30) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium once for a file of tests."""
    program = find_browser()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed; .ci/run installs it")
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as started:
        found = started.chromium.launch(executable_path=program, args=list(FLAGS))
        yield found
        found.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """Open a page in a context of its own; an error in its console fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    found = context.new_page()
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            problems.append(f"{message.type}: {message.text}")

    found.on("console", note)
    found.on("pageerror", lambda error: problems.append(str(error)))
    yield found
    context.close()
    assert not problems, problems
