"""How long a user waits for images in the portal, and how smoothly they change.

``python -m benchmarks.portal_images`` makes the images, looks at them with Debian's Chromium and
prints a line for each measurement: five channels of a local site from the click to the picture;
frames a second while contrast and channels change, and requests meanwhile; one plane of a far
OME-TIFF, behind 30 ms for each request. `measure_local`, `measure_frames` and `measure_far` are
for tables of several benchmarks.

The browser draws without a graphics card, on the processor that the portal runs on too, as in a
virtual machine.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import tifffile
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from benchmarks.images import CHANNELS, DEPTHS, HEIGHT, LATENCY, RATE, WIDTH
from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.registries.plates import ImageName
from cellfolio.storage.home import Home
from cellfolio.web.serving import Portal, ServeOptions
from cellfolio.workflows.publishing import save
from tests.servers.faults import Delay, FaultProxy, Throttle
from tests.servers.seaweed import SeaweedServer
from tests.web.conftest import QUIET, find_browser

SIDE = 1080
SITES = 14
SECONDS = 3.0
"""For which the frames are counted."""
BUCKET, STACK = "images", "stack.ome.tiff"
_WATCH = """
const seen = new MutationObserver(() => {
  if (!document.querySelector("[data-image-info][data-state=shown]")) return;
  seen.disconnect();
  const { port1, port2 } = new MessageChannel();
  // A message that is sent before a frame is drawn arrives after that.
  port1.onmessage = () => {
    const waited = performance.timeOrigin + performance.now() - Number(sessionStorage.clicked);
    document.documentElement.dataset.waited = waited;
  };
  requestAnimationFrame(() => port2.postMessage(null));
});
const watch = () => seen.observe(document, { subtree: true, attributeFilter: ["data-state"] });
addEventListener("click", (event) => {
  sessionStorage.clicked = performance.timeOrigin + event.timeStamp;
  delete document.documentElement.dataset.waited;
  watch();
}, true);
watch();
"""
"""Tells by the browser's own clock how long a user waits from a click until the frame is drawn."""
_COUNT = """(seconds) => new Promise((resolve) => {
  const viewer = window.viewer;
  const end = performance.now() + 1000 * seconds;
  const copy = new OffscreenCanvas(1, 1).getContext("2d");
  let frames = 0;
  const next = (now) => {
    // Reading a pixel waits until the frame before is drawn, so that none is counted that is not.
    copy.drawImage(viewer.canvas, 0, 0);
    copy.getImageData(0, 0, 1, 1);
    frames += 1;
    if (now > end) return resolve(frames / seconds);
    if (frames % 30 === 0) viewer.toggle(1);
    const low = 100 + (frames % 50);
    viewer.state.setChannel(0, { low, high: low + 5000 });
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a user sees of the speed.

    Attributes
    ----------
    work : str
    value : float
        Median over the rounds.
    unit : str
    target : float
    more_is_better : bool
    """

    work: str
    value: float
    unit: str
    target: float
    more_is_better: bool = False

    @property
    def met(self) -> bool:
        """Whether it is as good as it should be."""
        return self.value >= self.target if self.more_is_better else self.value <= self.target


def write_sites(folder: Path, sites: int = SITES) -> None:
    """Write sites as an Opera Phenix does: a file for each of five channels, LZW."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE] / 40
    for site in range(1, sites + 1):
        for channel in range(1, 6):
            light = 900 + 700 * np.sin(rows + site) * np.cos(columns + channel)
            name = str(ImageName(1, 1, site, 1, channel))
            pixels = random.poisson(light).astype(np.uint16)
            tifffile.imwrite(folder / name, pixels, compression="lzw")


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Start Chromium as it is on a machine without a graphics card: without WebGL."""
    with sync_playwright() as started:
        program = find_browser()
        browser = started.chromium.launch(executable_path=program, args=[*QUIET, "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


def measure_local(folder: Path, page: Page, home: Home) -> tuple[Seen, Seen]:
    """Return the seconds from the click on a site to its five channels on the screen.

    By the link in a list of files, and by that of the site before. Each site is looked at for the
    first time; the browser has shown another one before.
    """
    portal = Portal([str(folder)], home, ServeOptions(port=0)).start()
    page.add_init_script(_WATCH)
    times: dict[str, list[float]] = {"of a file": [], "to the next site": []}
    try:
        for site in range(1, SITES, 2):
            page.goto(portal.url)
            name = str(ImageName(1, 1, site, 1, 1))
            times["of a file"].append(_wait(page, page.get_by_role("link", name=name, exact=True)))
            page.wait_for_load_state("networkidle")
            following = page.get_by_role("link", name="Next site")
            times["to the next site"].append(_wait(page, following))
    finally:
        portal.stop()
    work = f"{SIDE} × {SIDE} × 5 channels on the screen after a click"
    first, second = (
        Seen(f"{work} {link}", statistics.median(found[1:]), "s", 0.3)
        for link, found in times.items()
    )
    return first, second


def _wait(page: Page, link: Locator) -> float:
    link.wait_for()
    link.click(no_wait_after=True)
    waited = page.locator("html[data-waited]").get_attribute("data-waited")
    return float(str(waited)) / 1000


def measure_frames(folder: Path, page: Page, home: Home) -> tuple[Seen, Seen]:
    """Return frames a second while contrast and channels change, and requests meanwhile."""
    portal = Portal([str(folder)], home, ServeOptions(port=0)).start()
    page.add_init_script("document.addEventListener('viewer', (e) => (window.viewer = e.detail))")
    asked: list[str] = []
    try:
        page.goto(f"{portal.url}/{ImageName(1, 1, 1, 1, 1)}")
        page.wait_for_selector("[data-image-info][data-layers=shown]")
        page.evaluate(_COUNT, 0.5)
        page.on("request", lambda one: asked.append(one.url) if "/api/" in one.url else None)
        rate = page.evaluate(_COUNT, SECONDS)
    finally:
        portal.stop()
    return (
        Seen("frames a second while contrast and channels change", rate, "/s", 58, True),
        Seen("requests meanwhile", len(asked), "", 0),
    )


def write_stack(path: Path, depths: int = DEPTHS) -> None:
    """Write the stack that `benchmarks.images` reads, uncompressed: 565 MB."""
    random = np.random.default_rng(0)
    plane = random.poisson(400, (CHANNELS, HEIGHT, WIDTH)).astype(np.uint16)
    pixels = np.stack([np.roll(plane, z, axis=1) for z in range(depths)])
    tifffile.imwrite(path, pixels, ome=True, metadata={"axes": "ZCYX"})


def measure_far(server: SeaweedServer, scratch: Path, rounds: int = 7) -> tuple[Seen, Seen]:
    """Return the seconds until one plane of a far stack is here, and until its image is known.

    Every request to the store takes 30 ms longer, and a connection gives 100 MB a second. The
    list of pages was read before, as by anybody who looked at the stack once; no plane was.
    """
    path = scratch / STACK
    write_stack(path)
    server.create_bucket(BUCKET)
    server.client().upload_file(str(path), BUCKET, STACK)
    with path.open("rb") as file:
        digest = Digest("SHA256", hashlib.file_digest(file, "sha256").hexdigest())
    entry = Entry(STACK, f"s3://{BUCKET}/{STACK}", path.stat().st_size, digest)
    with FaultProxy(server.endpoint, Delay(seconds=LATENCY), Throttle(rate=RATE)) as proxy:
        os.environ["AWS_ENDPOINT_URL"] = proxy.endpoint
        try:
            home = Home(scratch / "home")
            save(Package.of([entry]), "far/stack", home)
            _read_once(home)
            return _far_times(home, rounds, path.stat().st_size)
        finally:
            os.environ["AWS_ENDPOINT_URL"] = server.endpoint


def _read_once(home: Home) -> None:
    with _asking(home) as (client, root):
        client.get(f"{root}/api/plane/far/stack/{STACK}?c=0&z=0").raise_for_status()


def _far_times(home: Home, rounds: int, size: int) -> tuple[Seen, Seen]:
    planes, facts = [], []
    for number in range(rounds):
        # A new portal has opened nothing and keeps no plane.
        with _asking(home) as (client, root):
            begin = time.perf_counter()
            client.get(f"{root}/api/image/far/stack/{STACK}").raise_for_status()
            facts.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            address = f"{root}/api/plane/far/stack/{STACK}?c=3&z={30 + number}"
            found = client.get(address).raise_for_status()
            planes.append(time.perf_counter() - begin)
            assert len(found.content) == 2 * HEIGHT * WIDTH
    what = f"a far OME-TIFF of {size / 1e6:.0f} MB, {1000 * LATENCY:.0f} ms away"
    return (
        Seen(f"one plane of {what}", statistics.median(planes), "s", 0.5),
        Seen(f"what {what} is", statistics.median(facts), "s", 0.5),
    )


@contextmanager
def _asking(home: Home) -> Iterator[tuple[httpx.Client, str]]:
    portal = Portal(["far/stack"], home, ServeOptions(port=0)).start()
    try:
        with httpx.Client(trust_env=False, timeout=60) as client:
            yield client, portal.url.split("/package/")[0]
    finally:
        portal.stop()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="cellfolio-bench-") as scratch:
        folder = Path(scratch, "sites")
        folder.mkdir()
        write_sites(folder)
        with opened_browser() as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            found = [*measure_local(folder, page, Home(Path(scratch, "home")))]
            found += measure_frames(folder, page, Home(Path(scratch, "home")))
        with SeaweedServer(memory_limit="1GiB") as server:
            os.environ.update(server.env())
            found += measure_far(server, Path(scratch))
    for one in found:
        met = "met" if one.met else "NOT MET"
        print(f"{one.work}: {one.value:.3g} {one.unit} (target {one.target:g}): {met}")


if __name__ == "__main__":
    main()
