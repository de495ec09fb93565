"""Measurement of images, against cp_measure and what CellProfiler took.

``python -m benchmarks.measurement`` reads a real site of CPJUMP1 with DMSO out of the shared data
(see ``CELLFOLIO_SHARED`` in CONTRIBUTING.md), with the labels that CellProfiler made. It measures
each group of features in turn with ours and with cp_measure (of PyPI, with numba), and what Nyxus
has of it (``pip install nyxus``) in one thread after them; then the whole site, a crowded one,
workers and compiling; prints the table and writes it into ``benchmarks/README.md``. The crowded one
is this site beside its mirror image, in all 8 channels that there are, three of them brightfield.
What CellProfiler took was recorded in another run, and is called so. Options as those of
``benchmarks.transfer``; quick ones have a quarter of the site.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile

from benchmarks.measure import Figures, measure
from benchmarks.report import Line, Options, run_in_scratch
from benchmarks.steps.measurement import NYXUS
from tests.measurement.golden import KINDS, SITES, read_site

SHARED = Path(os.environ.get("CELLFOLIO_SHARED", Path(__file__).parents[2] / "shared"))
GOLDEN = "DMSO_r04c14f05"
BRIGHTFIELD = {"Brightfield": 6, "HighZBF": 7, "LowZBF": 8}
EIGHT_CHANNELS = 110.4
"""CPU seconds that CellProfiler 4.2.8.1 took for 191 objects of each kind in 8 channels, recorded
before, segmentation included."""
MODULES = {
    "AreaShape": ("MeasureObjectSizeShape",),
    "Correlation": ("MeasureColocalization",),
    "Granularity": ("MeasureGranularity",),
    "Intensity": ("MeasureObjectIntensity",),
    "RadialDistribution": ("MeasureObjectIntensityDistribution",),
    "Texture": ("MeasureTexture",),
}
"""Modules of CellProfiler by group of features."""


def save(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """Write arrays by name."""
    np.savez(path, allow_pickle=False, **dict(arrays))


class Bench:
    """Two files, each with images and labels of a site."""

    def __init__(self, scratch: Path, rounds: int, *, quick: bool) -> None:
        self.rounds = rounds
        self.scratch = scratch
        self.sites = 2 if quick else 12
        part = slice(0, 540) if quick else slice(None)
        self.golden, self.crowded = scratch / "golden.npz", scratch / "crowded.npz"
        site = read_site(SHARED, GOLDEN)
        arrays = {name: one[part, part] for name, one in {**site.images, **site.labels}.items()}
        save(self.golden, arrays)
        folder = SHARED / "data/cpjump1/example_images"
        for name, number in BRIGHTFIELD.items():
            plane = tifffile.imread(folder / f"{SITES[GOLDEN]}-ch{number}sk1fk1fl1.tiff")
            arrays[name] = plane[part, part]
        self.cells = len(np.unique(arrays["Cells"])) - 1
        last = int(arrays["Cells"].max())
        for name, one in arrays.items():
            other = one[:, ::-1]
            if name in KINDS:
                other = np.where(other > 0, other + last, other)
            arrays[name] = np.concatenate([one, other], axis=1)
        save(self.crowded, arrays)
        times = SHARED / "data/cellprofiler_golden" / GOLDEN / "times.json"
        self.recorded = json.loads(times.read_text(encoding="utf-8"))

    def environment(self, name: str, number: int) -> Mapping[str, str]:
        """Let linear algebra have one thread; compile into a folder that is empty at first."""
        folder = self.scratch / (f"{name}-{number}" if name == "compiling" else "compiled")
        folder.mkdir(exist_ok=True)
        return {"OPENBLAS_NUM_THREADS": "1", "NUMBA_CACHE_DIR": str(folder)}

    def measure(self, **calls: tuple[str, ...]) -> dict[str, Figures]:
        """Run steps in turn."""
        runs = {name: lambda _, call=call: call for name, call in calls.items()}
        return measure(runs, self.environment, self.rounds, lambda: None)


def groups(bench: Bench) -> list[Line]:
    """Measure each group of features of all kinds of objects in 5 channels."""
    lines = []
    for group, modules in MODULES.items():
        path = str(bench.golden)
        found = bench.measure(
            ours=("ours_of_group", path, group), peer=("peer_of_group", path, group)
        )
        ours, peer = found["ours"], found["peer"]
        recorded = sum(one["cpu_s"] for one in bench.recorded if one["module"] in modules)
        less = peer.cpu / ours.cpu
        work = f"{group}, {bench.cells} cells, 5 channels, 3 kinds"
        shown = f"{less:.0f}× less; CellProfiler, recorded: {recorded:.3g} CPU s"
        lines.append(Line(work, ours, "cp_measure", peer, "no slower", shown, less >= 1))
        if group in NYXUS:
            nyxus = bench.measure(nyxus=("nyxus_of_group", path, group))["nyxus"]
            times = nyxus.cpu / ours.cpu
            told = f"{times:.1f}× less"
            lines.append(Line(work, ours, "Nyxus", nyxus, "no slower", told, times >= 1))
    return lines


def whole_sites(bench: Bench) -> list[Line]:
    """Segment and measure a site, and all features of a crowded one."""
    ours = bench.measure(ours=("ours_of_site", str(bench.golden)))["ours"]
    recorded = sum(one["cpu_s"] for one in bench.recorded)
    work = f"whole site, {bench.cells} cells, 5 channels, segmentation included"
    peer = f"CellProfiler, recorded in another run: {recorded:.1f} CPU s"
    less = recorded / ours.cpu
    shown, room = f"{ours.cpu:.2f} s", f"{ours.memory:.0f} MB"
    many = bench.measure(ours=("ours_of_labels", str(bench.crowded)))["ours"]
    crowd = f"features of objects, {2 * bench.cells} cells, 8 channels"
    slow = f"CellProfiler, recorded with 191 cells: {EIGHT_CHANNELS} CPU s"
    return [
        Line(work, ours, peer, None, "≤ 2.2 CPU s", shown, ours.cpu <= 2.2),
        Line(work, ours, peer, None, "≥ 20× less CPU", f"{less:.0f}× less", less >= 20),
        Line(work, ours, "—", None, "≤ 600 MB", room, ours.memory <= 600),
        Line(crowd, many, slow, None, "≤ 8 CPU s", f"{many.cpu:.2f} s", many.cpu <= 8),
    ]


def workers(bench: Bench) -> list[Line]:
    """Measure sites in one process and in two."""
    path, sites = str(bench.golden), str(bench.sites)
    found = bench.measure(
        one=("ours_of_workers", path, "1", sites), two=("ours_of_workers", path, "2", sites)
    )
    faster = found["one"].wall / found["two"].wall
    return [
        Line(
            f"{sites} sites, two workers",
            Figures(found["two"].wall, 0, 0),
            "one worker of ours",
            Figures(found["one"].wall, 0, 0),
            "≥ 1.9× faster",
            f"{faster:.2f}×",
            faster >= 1.9,
        )
    ]


def compiling(bench: Bench) -> list[Line]:
    """Compile all that measures a site."""
    runs = {
        "compiling": lambda number: ["ours_compiled", str(bench.scratch / f"compiling-{number}")]
    }
    ours = measure(runs, bench.environment, bench.rounds, lambda: None)["compiling"]
    shown = f"{ours.cpu:.1f} s"
    return [Line("compile all, once", ours, "—", None, "≤ 15 CPU s", shown, ours.cpu <= 15)]


PARTS = (groups, whole_sites, workers, compiling)


def main() -> None:
    """Measure, print and write the table."""

    def bench(scratch: Path, options: Options) -> Bench:
        return Bench(scratch, options.rounds, quick=options.quick)

    run_in_scratch(PARTS, bench, "measurement", __doc__)


if __name__ == "__main__":
    main()
