"""How soon 200,000 points can be looked at: in a browser, from a table that the portal shows.

``python -m benchmarks.portal_scatter`` prints the times. The browser is Chromium on a
machine without a graphics card: with one, frames take less.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.portal_images import opened_browser

COUNT = 200_000
_FRAMES = """async () => {
  const page = document.querySelector('[data-scatter]').page.scatter;
  const times = [];
  const copy = new OffscreenCanvas(1, 1).getContext('2d');
  for (let at = 0; at < 40; at += 1) {
    const started = performance.now();
    page.setView({ x: 0.5 + at / 400, y: 0.5, zoom: 1 + at / 20 });
    await new Promise((done) => page.addEventListener('drawn', done, { once: true }));
    copy.drawImage(page.points, 0, 0);
    copy.getImageData(0, 0, 1, 1); // waits until it is drawn
    times.push(performance.now() - started);
  }
  return times;
}"""
_HOVER = """() => {
  const page = document.querySelector('[data-scatter]').page.scatter;
  const started = performance.now();
  for (let at = 0; at < 1000; at += 1) {
    page.grid.nearest((at % 100) / 100, ((at * 7) % 100) / 100, [0.02, 0.02], () => true);
  }
  return (performance.now() - started) / 1000;
}"""
_LASSO = """() => {
  const page = document.querySelector('[data-scatter]').page.scatter;
  const line = [];
  for (let at = 0; at < 64; at += 1) {
    line.push(0.5 + 0.4 * Math.cos(at / 10.2), 0.5 + 0.4 * Math.sin(at / 10.2));
  }
  const started = performance.now();
  const found = page.rowsInside(line).length;
  return [performance.now() - started, found];
}"""


def make_cells(count: int = COUNT) -> pd.DataFrame:
    """Return cells of 14 types with places, a class and a number."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 14, count)
    places = rng.normal(0, 8, (14, 2))[kinds] + rng.normal(0, 1, (count, 2))
    return pd.DataFrame(
        {
            "Metadata_cell_type": np.array([f"type {number:02d}" for number in range(14)])[kinds],
            "umap_1": places[:, 0],
            "umap_2": places[:, 1],
            "Cells_AreaShape_Area": rng.gamma(4, 200, count) + 50 * kinds,
        }
    )


@contextmanager
def shown_cells(folder: Path, count: int = COUNT) -> Iterator[str]:
    """Show the table in a portal; yield the address of its points."""
    from cellfolio.storage.home import Home
    from cellfolio.web.serving import Portal, ServeOptions

    screen = folder / "cells"
    screen.mkdir()
    make_cells(count).to_parquet(screen / "cells.parquet")
    portal = Portal([str(screen)], Home(folder / "home"), ServeOptions(port=0)).start()
    try:
        yield f"{portal.url}/cells.parquet".replace("/package/", "/scatter/")
    finally:
        portal.stop()


def measure(repeats: int = 5) -> dict[str, Any]:
    """Return times in milliseconds: the median of some openings, and of what is done then."""
    with (
        tempfile.TemporaryDirectory() as place,
        shown_cells(Path(place)) as url,
        opened_browser() as browser,
    ):
        tab = browser.new_page(viewport={"width": 1280, "height": 860})
        ready = [_open(tab, url) for _ in range(repeats + 1)]
        frames = tab.evaluate(_FRAMES)
        hover = tab.evaluate(_HOVER)
        lasso, inside = tab.evaluate(_LASSO)
    return {
        "points": COUNT,
        "first opening": round(ready[0]),
        "interactive": round(statistics.median(ready[1:])),
        "frame, median": round(statistics.median(frames), 1),
        "frame, slowest of 40": round(max(frames), 1),
        "point under the pointer": round(hover, 3),
        "lasso": round(lasso, 1),
        "points in the lasso": inside,
    }


def _open(tab: Any, url: str) -> float:
    """Return the milliseconds from asking for the page to points that can be moved."""
    tab.goto("about:blank")
    tab.goto(url, wait_until="commit")
    tab.locator("[data-scatter][data-state=ready]").wait_for(timeout=60_000)
    return float(tab.evaluate("performance.getEntriesByName('scatter-ready')[0].startTime"))


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
