"""The portal's speed: what a user waits for in a browser, what a page weighs, many readers at once.

``python -m benchmarks.portal`` measures everything with Debian's Chromium, which draws without a
graphics card on the processor that the portal runs on too, prints the table and writes it into
``benchmarks/README.md``. Each part can be run by itself: ``benchmarks.portal_pages``,
``portal_images``, ``portal_scatter``, ``portal_plates``. Options: ``--rounds``.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, Response

from benchmarks.portal_images import (
    measure_far,
    measure_frames,
    measure_local,
    opened_browser,
    write_sites,
)
from benchmarks.portal_pages import make_packages, package_pages
from benchmarks.portal_plates import measure as measure_plate
from benchmarks.portal_plates import write_plate
from benchmarks.portal_scatter import measure as measure_scatter
from benchmarks.report import write_section
from cellfolio.storage.home import Home
from cellfolio.web.serving import Portal, ServeOptions
from tests.servers.seaweed import SeaweedServer

READERS, REQUESTS = 50, 20
"""Readers at a time, and what each asks for."""
_MARK = "portal"


@dataclass(frozen=True, slots=True)
class PortalLine:
    """A line of the table.

    Attributes
    ----------
    work, measured, target : str
    met : bool or None
        None where there is no target.
    """

    work: str
    measured: str
    target: str = ""
    met: bool | None = None


def below(work: str, value: float, most: float, unit: str) -> PortalLine:
    """Return a line whose value may not be above its target."""
    return PortalLine(work, f"{value:,.3g} {unit}", f"≤ {most:g} {unit}", value <= most)


def pages_part(scratch: Path, rounds: int) -> Iterator[PortalLine]:
    """Yield first views of packages of 100,000 entries."""
    home = Home(scratch / "pages")
    make_packages(home)
    with opened_browser() as browser:
        for one in package_pages(browser, home, rounds):
            yield below(one.work, one.seconds, one.target, "s")


def images_part(scratch: Path, rounds: int) -> Iterator[PortalLine]:
    """Yield images: from the click to the picture, frames, a far plane."""
    folder = scratch / "sites"
    folder.mkdir()
    write_sites(folder)
    with opened_browser() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        seen = [*measure_local(folder, page, Home(scratch / "images"))]
        seen += measure_frames(folder, page, Home(scratch / "images"))
    with SeaweedServer(memory_limit="2GiB") as server:
        os.environ.update(server.env())
        seen += measure_far(server, scratch)
    for one in seen:
        sign = "≥" if one.more_is_better else "≤"
        yield PortalLine(
            one.work, f"{one.value:,.3g} {one.unit}", f"{sign} {one.target:g} {one.unit}", one.met
        )


def scatter_part(scratch: Path, rounds: int) -> Iterator[PortalLine]:
    """Yield 200,000 points."""
    found = measure_scatter(rounds)
    work = f"{found['points']:,} points, until they can be moved"
    yield below(work, found["interactive"] / 1e3, 1.0, "s")
    yield PortalLine("a frame while they move, median", f"{found['frame, median']} ms")
    yield PortalLine(f"lasso, {found['points in the lasso']:,} points", f"{found['lasso']} ms")


def plates_part(scratch: Path, rounds: int) -> Iterator[PortalLine]:
    """Yield a montage of 384 wells, and a heat map."""
    folder = write_plate(scratch / "plate", 384, 1080, range(3, 6), None)
    targets = {"montage, one channel, first": 2.0, "montage, one channel, again": 0.2}
    told: set[str] = set()
    for one in measure_plate(folder, scratch / "plates", repeats=rounds):
        if one.what in told:
            continue
        told.add(one.what)
        work = f"384 wells: {one.what}"
        if one.what in targets:
            yield below(work, one.seconds, targets[one.what], "s")
        else:
            yield PortalLine(work, f"{one.seconds:,.3g} s")


@contextmanager
def served(words: Sequence[str], home: Path) -> Iterator[tuple[str, int]]:
    """Start a portal in a process of its own; yield its address and the process's id."""
    command = [sys.executable, "-m", "cellfolio", "serve", *words, "--port", "0"]
    environment = {**os.environ, "CELLFOLIO_HOME": str(home)}
    home.mkdir(parents=True, exist_ok=True)
    said = home / "portal.txt"  # not a pipe, for whose reader it would wait when that is full
    with (
        said.open("wb") as stderr,
        subprocess.Popen(command, env=environment, stderr=stderr) as portal,
    ):
        try:
            while "\n" not in said.read_text() and portal.poll() is None:
                time.sleep(0.02)
            yield said.read_text().split("\n")[0].split()[-1], portal.pid
        finally:
            portal.terminate()


def weight_part(scratch: Path, rounds: int) -> Iterator[PortalLine]:
    """Yield what the first page and a package's weigh, compressed as they are sent."""
    folder = scratch / "weight"
    folder.mkdir()
    (folder / "wells.csv").write_text("well,count\nA01,3\n")
    portal = Portal([str(folder)], Home(scratch / "weighed"), ServeOptions(port=0)).start()
    try:
        with opened_browser() as browser:
            for work, url in (
                ("first page", portal.url.partition("package")[0]),
                ("page of a package", portal.url),
            ):
                weight = weigh(browser, url) / 1e3
                yield below(f"{work}, all that is loaded, gzipped", weight, 300, "kB")
    finally:
        portal.stop()


def weigh(browser: Browser, url: str) -> int:
    """Return the bytes, as gzip makes them, of everything that a page loads."""
    page: Page = browser.new_page()
    loaded: list[Response] = []
    page.on("response", lambda one: loaded.append(one))  # noqa: PLW0108 - it marks what it is given
    page.goto(url, wait_until="networkidle")
    total = sum(len(gzip.compress(one.body())) for one in loaded if one.status == 200)
    page.close()
    return total


def load_part(scratch: Path, rounds: int) -> Iterator[PortalLine]:
    """Yield what many readers at once see of a portal, and what it takes."""
    folder = scratch / "read"
    folder.mkdir()
    write_sites(folder)
    (folder / "README.md").write_text("# Sites\n\n" + "A line of text.\n\n" * 200)
    (folder / "wells.csv").write_text(
        "well,count,area\n" + "".join(f"A{n % 24 + 1:02d},{n},{n / 7}\n" for n in range(50_000))
    )
    with served([str(folder)], scratch / "load") as (url, process):
        root, _, name = url.partition("/package/")
        image = next(iter(sorted(path.name for path in folder.glob("*.tif*"))))
        addresses = [
            f"{root}/",
            f"{root}/package/{name}",
            f"{root}/package/{name}/README.md",
            f"{root}/package/{name}/wells.csv",
            f"{root}/api/entries/{name}",
            f"{root}/api/image/{name}/{image}",
            f"{root}/api/plane/{name}/{image}?c=0",
        ]
        with httpx.Client(trust_env=False, timeout=120) as client:
            for address in addresses:
                client.get(address).raise_for_status()
        before = memory_of(process)
        begun = time.perf_counter()
        with ThreadPoolExecutor(READERS) as pool:
            answers = list(pool.map(lambda number: read(addresses, number), range(READERS)))
        seconds = time.perf_counter() - begun
        after = memory_of(process)
    times = sorted(one for reader in answers for one, _ in reader)
    failed = sum(status != 200 for reader in answers for _, status in reader)
    work = f"{READERS} readers at once, {len(times):,} requests"
    yield PortalLine(f"{work}: failed", f"{failed}", "0", failed == 0)
    yield PortalLine(f"{work}: answered", f"{len(times) / seconds:,.0f} a second")
    yield PortalLine(f"{work}: median wait", f"{statistics.median(times) * 1e3:,.0f} ms")
    yield PortalLine(f"{work}: 95 of 100 wait less", f"{times[len(times) * 95 // 100]:.2f} s")
    work = "memory that they add to the portal's"
    yield below(f"{work} {before:,.0f} MB", after - before, 300, "MB")


def read(addresses: list[str], number: int) -> list[tuple[float, int]]:
    """Ask as one reader; return how long each answer took, and its status."""
    found = []
    with httpx.Client(trust_env=False, timeout=120) as client:
        for at in range(REQUESTS):
            begun = time.perf_counter()
            status = client.get(addresses[(number + at) % len(addresses)]).status_code
            found.append((time.perf_counter() - begun, status))
    return found


def memory_of(process: int) -> float:
    """Return the memory of a process in MB, most of all that it ever had."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1e3
    raise ValueError(f"process {process} tells nothing of its memory")


PARTS: tuple[Callable[[Path, int], Iterator[PortalLine]], ...] = (
    pages_part,
    images_part,
    scatter_part,
    plates_part,
    weight_part,
    load_part,
)


def table(lines: list[PortalLine]) -> str:
    """Return the lines as Markdown."""
    rows = ["| work | measured | target | met |", "|---|---|---|---|"]
    for line in lines:
        met = "" if line.met is None else "yes" if line.met else "**no**"
        rows.append(f"| {line.work} | {line.measured} | {line.target} | {met} |")
    return "\n".join(rows) + "\n"


def write_page(text: str, rounds: int) -> None:
    """Write the table between its marks."""
    head = (
        f"Medians of {rounds} rounds; Python {platform.python_version()}, {os.cpu_count()} cores "
        "shared by portal and browser, no graphics card. Remade by `python -m benchmarks.portal`."
    )
    write_section(_MARK, f"{head}\n\n{text}")


def main() -> None:
    """Measure, print, and write the table unless only a part was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    lines: list[PortalLine] = []
    with tempfile.TemporaryDirectory(prefix="cellfolio-bench-") as scratch:
        for part in PARTS:
            if asked.only in part.__name__:
                found = list(part(Path(scratch), asked.rounds))
                print(table(found), flush=True)
                lines += found
    if not asked.only:
        write_page(table(lines), asked.rounds)


if __name__ == "__main__":
    main()
