"""First view of a package of 100,000 entries in a browser, and finding one of its files.

``python -m benchmarks.portal_pages`` makes the packages, opens a portal of each of them anew for
every round, looks at it with Debian's Chromium and prints a line for each measurement. Nothing of
a package was opened before by that portal: the manifest's index is on the disk, as it is after
any use of the package.
"""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.portal_images import opened_browser
from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.web.serving import Portal, ServeOptions
from cellfolio.workflows.publishing import save

ENTRIES = 100_000
TREE, FLAT, SMALL = "big/tree", "big/flat", "small/tree"
"""Plates with folders of their own; all in one folder; a few, to compare with."""


@dataclass(frozen=True, slots=True)
class PageTime:
    """How long a user waits.

    Attributes
    ----------
    work : str
    seconds : float
        Median over the rounds.
    target : float
        Seconds it may take.
    """

    work: str
    seconds: float
    target: float

    @property
    def met(self) -> bool:
        """Whether it took no longer than it may."""
        return self.seconds <= self.target


def make_packages(home: Home, entries: int = ENTRIES) -> None:
    """Save the packages; none of their bytes is anywhere."""
    tree = "plates/P{plate:03d}/images/r{row:02d}c{column:02d}.ome.tiff"
    for name, form in ((TREE, tree), (FLAT, "image_{number:06d}.ome.tiff")):
        save(Package.of(_entries(form, entries)), name, home)
    save(Package.of(_entries(tree, 10)), SMALL, home)


def _entries(form: str, count: int) -> Iterator[Entry]:
    for number in range(count):
        plate, well = divmod(number, 384)
        row, column = divmod(well, 24)
        key = form.format(plate=plate, row=row, column=column, number=number)
        digest = Digest("SHA256", hashlib.sha256(b"%d" % number).hexdigest())
        yield Entry(key, f"s3://bucket/{number}.tiff", 1_000_000 + number, digest)


def package_pages(browser: Browser, home: Home, rounds: int = 5) -> list[PageTime]:
    """Measure pages of packages that `make_packages` saved."""
    views: dict[str, tuple[Callable[[Page, str], None], float]] = {
        f"first view of a package of {ENTRIES:,} entries, in folders": (_view(TREE), 1.0),
        f"first view of a package of {ENTRIES:,} entries, all in one folder": (_view(FLAT), 1.0),
        "first view of a package of 10 entries": (_view(SMALL), 1.0),
        f"first page of the portal, with {2 * ENTRIES:,} entries in two packages": (_home, 1.0),
        f"a file found by its name among {2 * ENTRIES:,}, second search": (_search, 1.0),
    }
    taken: dict[str, list[float]] = {work: [] for work in views}
    for _ in range(rounds):
        for work, (look, _target) in views.items():
            with _tab(browser, home) as (tab, url):
                taken[work].append(_timed(look, tab, url))
    return [PageTime(work, statistics.median(taken[work]), views[work][1]) for work in views]


@contextmanager
def _tab(browser: Browser, home: Home) -> Iterator[tuple[Page, str]]:
    """Open a portal and an empty page whose browser has the portal's own files already."""
    portal = Portal([], Home(home.folder), ServeOptions(port=0)).start()
    context = browser.new_context()
    try:
        tab = context.new_page()
        tab.goto(f"{portal.url}api")
        yield tab, portal.url
    finally:
        context.close()
        portal.stop()


def _timed(look: Callable[[Page, str], None], tab: Page, url: str) -> float:
    if look is _search:
        tab.goto(f"{url}?q=r05c06")
        tab.locator(".files").first.wait_for()
    begun = time.perf_counter()
    look(tab, url)
    return time.perf_counter() - begun


def _view(name: str) -> Callable[[Page, str], None]:
    def look(tab: Page, url: str) -> None:
        tab.goto(f"{url}package/{name}", wait_until="commit")
        tab.locator("table.files tbody tr").first.wait_for()

    return look


def _home(tab: Page, url: str) -> None:
    tab.goto(url, wait_until="commit")
    tab.locator(".cards .title").first.wait_for()


def _search(tab: Page, url: str) -> None:
    tab.get_by_role("searchbox").fill("P123 r07c08")
    tab.get_by_role("link", name="plates/P123/images/r07c08.ome.tiff").wait_for()


def main() -> None:
    """Measure, and print a line for each."""
    with tempfile.TemporaryDirectory() as folder, opened_browser() as browser:
        home = Home(Path(folder))
        make_packages(home)
        for line in package_pages(browser, home):
            told = "met" if line.met else "missed"
            print(f"| {line.work} | {line.seconds:.2f} s | ≤ {line.target:g} s | {told} |")


if __name__ == "__main__":
    main()
