"""Growing numbers of sites through the engine: tiny images, really segmented and measured."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import tifffile

from benchmarks.growth.bench import Bench, Collected
from benchmarks.growth.curves import Curve

SIDE = 64
CHANNELS = {"DNA": 5, "RNA": 3, "AGP": 2}
WELLS, PER_WELL = 384, 9
_DRAWN = 16
"""Sites that are drawn; the others are copies."""


def curves(bench: Bench) -> list[Curve]:
    """Measure, then ask what there is to do, then measure again: nothing."""
    found = Collected("sites", "sites")
    home = bench.folder("home")
    _warm_up(bench, home)
    for n in bench.sizes(4, 100, 1_000, 10_000):
        images, output = bench.folder("images"), bench.scratch / "measured"
        write_sites(images, n)
        shutil.rmtree(output, ignore_errors=True)
        measuring = ["growing_sites", str(images), str(output)]
        first = bench.run(n, measuring, home, once=True)
        found.add("segment and measure, two workers", first)
        plan = bench.run(n, ["growing_plan", str(images), str(output)], home, once=True)
        found.add("tell what is left of finished sites", plan)
        again = bench.run(n, measuring, home, once=True)
        found.add("go on with finished sites", again)
    for folder in ("images", "measured"):
        shutil.rmtree(bench.scratch / folder)
    return found.curves()


def _warm_up(bench: Bench, home: Path) -> None:
    """Compile what measures, and import what is imported: no size should pay for it."""
    images = bench.folder("images")
    write_sites(images, 4)
    step = ["growing_sites", str(images), str(bench.folder("warmed"))]
    bench.run(4, step, home, once=True)


def draw_site(seed: int) -> dict[str, np.ndarray]:
    """Draw three channels with two or three cells that can be segmented."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    light = random.integers(300, 600, (len(CHANNELS), SIDE, SIDE)).astype(np.float64)
    for row, column in [(18, 18), (42, 44), (46, 14)][: 2 + seed % 2]:
        away = np.hypot(y - row - random.integers(-2, 3), x - column - random.integers(-2, 3))
        light[0] += 20_000 * (away < 9)
        light[1] += 9_000 * (away < 15)
        light[2] += 7_000 * (away < 15)
    return {name: light[at].astype(np.uint16) for at, name in enumerate(CHANNELS)}


def write_sites(folder: Path, count: int) -> None:
    """Write sites as an Opera Phenix names them, in plates of 384 wells of nine sites."""
    drawn = [draw_site(seed) for seed in range(min(count, _DRAWN))]
    originals: dict[tuple[int, str], bytes] = {}
    for seed, images in enumerate(drawn):
        for name, image in images.items():
            path = folder / "drawn.tiff"
            tifffile.imwrite(path, image)
            originals[seed, name] = path.read_bytes()
            path.unlink()
    for number in range(count):
        well, site = divmod(number, PER_WELL)
        plate, well = divmod(well, WELLS)
        place = folder / f"P{plate}__2020-11-05T19_51_35-Measurement1" / "Images"
        place.mkdir(parents=True, exist_ok=True)
        row, column = divmod(well, 24)
        for name, channel in CHANNELS.items():
            file = f"r{row + 1:02}c{column + 1:02}f{site + 1:02}p01-ch{channel}sk1fk1fl1.tiff"
            (place / file).write_bytes(originals[number % _DRAWN, name])
