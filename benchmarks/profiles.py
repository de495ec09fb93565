"""Profiles of a plate, against pycytominer.

``python -m benchmarks.profiles`` makes a plate as large as those of CPJUMP1 (384 wells × 5,800
features that correlate in families, some with missing values, some constant), and one of four
plates for consensus profiles; then measures everything in turn, prints the table and writes it into
``benchmarks/README.md``. Options as those of ``benchmarks.transfer``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import Figures, measure
from benchmarks.report import Line, read_options, run_parts

WELLS = 384
COMPARTMENTS = ("Cells", "Cytoplasm", "Nuclei")


def make_plate(features: int, wells: int, perturbations: int, *, missing: bool) -> pd.DataFrame:
    """Make profiles whose features correlate in families of up to eight."""
    rng = np.random.default_rng(1)
    latent = rng.normal(size=(40, wells))
    families = np.repeat(np.arange(features), rng.integers(1, 9, features))[:features]
    base = (rng.normal(size=(features, 40)) * (rng.random((features, 40)) < 0.1)) @ latent
    base += rng.normal(size=base.shape)
    noise = rng.uniform(0.05, 1.5, (features, 1)) * rng.normal(size=base.shape)
    values = base[families] * rng.choice([1, 1, 1, -1], (features, 1)) + noise
    values = values * rng.lognormal(0, 2, (features, 1)) + 10 * rng.normal(size=(features, 1))
    if missing:
        values[:40] = np.round(values[:40])
        values[40:60] = 3.25
        holes = rng.random((60, wells)) < rng.uniform(0, 0.2, (60, 1))
        values[200:260][holes] = np.nan
    names = [f"{COMPARTMENTS[at % 3]}_Family{family}_{at}" for at, family in enumerate(families)]
    number = np.arange(wells)
    metadata = pd.DataFrame(
        {
            "Metadata_Plate": "BR" + pd.Series(number // WELLS).astype(str),
            "Metadata_Well": [f"{chr(65 + at % 384 // 24)}{at % 24 + 1:02d}" for at in number],
            "Metadata_broad_sample": "BRD" + pd.Series(number % perturbations).astype(str),
            "Metadata_control_type": [None if at % 6 else "negcon" for at in number],
        }
    )
    return pd.concat([metadata, pd.DataFrame(values.T, columns=names)], axis=1)


class Bench:
    """A folder with plates."""

    def __init__(self, scratch: Path, rounds: int, scale: float) -> None:
        self.rounds = rounds
        self.features = int(5_800 * scale)
        self.plate = scratch / "plate.parquet"
        self.few = scratch / "few.parquet"
        self.whole = scratch / "whole.parquet"
        self.four = scratch / "four.parquet"
        make_plate(self.features, WELLS, 96, missing=True).to_parquet(self.plate)
        make_plate(int(300 * scale), WELLS, 96, missing=False).to_parquet(self.few)
        make_plate(self.features, WELLS, 96, missing=False).to_parquet(self.whole)
        make_plate(self.features, 4 * WELLS, 320, missing=False).to_parquet(self.four)

    def environment(self, name: str, number: int) -> Mapping[str, str]:
        """Let linear algebra have one thread: several wait for each other if others work, too."""
        return {"OPENBLAS_NUM_THREADS": "1"}

    def compare(self, path: Path, work: str) -> tuple[Figures, Figures]:
        """Measure ours and pycytominer in turn."""
        found = measure(
            {
                "ours": lambda _: ["ours_profiles", str(path), work],
                "peer": lambda _: ["pycytominer_profiles", str(path), work],
            },
            self.environment,
            self.rounds,
            lambda: None,
        )
        return found["ours"], found["peer"]


def _line(bench: Bench, path: Path, work: str, shown: str, target: float) -> Line:
    ours, peer = bench.compare(path, work)
    less = peer.cpu / ours.cpu
    return Line(
        shown, ours, "pycytominer", peer,
        f"≥ {target:g}× less CPU", f"{less:.0f}× less", less >= target,
    )  # fmt: skip


def normalizing(bench: Bench) -> list[Line]:
    """Each way to normalize."""
    size = f"{WELLS} × {bench.features:,}"
    found = [
        _line(bench, bench.plate, work, f"{size}: {work}", target)
        for work, target in (
            ("standardize", 30),
            ("robustize", 30),
            ("mad_robustize", 60),
            ("mad_robustize, negcon", 60),
        )
    ]
    few = f"{WELLS} × {pd.read_parquet(bench.few).shape[1] - 4}"
    found.append(_line(bench, bench.few, "spherize", f"{few}: spherize, ZCA-cor", 1))
    found.append(_line(bench, bench.whole, "spherize", f"{size}: spherize, ZCA-cor", 30))
    return found


def selecting(bench: Bench) -> list[Line]:
    """Select features in the order of CPJUMP1."""
    shown = f"{WELLS} × {bench.features:,}: feature_select, order of CPJUMP1"
    line = _line(bench, bench.plate, "feature_select", shown, 15)
    memory = line.ours.memory
    room = Line(
        shown, line.ours, line.other, line.others, "≤ 600 MB", f"{memory:.0f} MB", memory <= 600
    )
    return [line, room]


def combining(bench: Bench) -> list[Line]:
    """Combine replicates."""
    one = f"{WELLS} × {bench.features:,}: modz, 96 groups"
    four = f"{4 * WELLS:,} × {bench.features:,}: modz, 320 groups"
    return [
        _line(bench, bench.whole, "modz", one, 70),
        _line(bench, bench.plate, "modz", f"{one}, some values missing", 70),
        _line(bench, bench.four, "modz", four, 70),
    ]


PARTS = (normalizing, selecting, combining)


def main() -> None:
    """Measure, print and write the table."""
    options = read_options(__doc__)
    with tempfile.TemporaryDirectory(prefix="cellfolio-bench-") as scratch:
        bench = Bench(Path(scratch), options.rounds, 0.2 if options.quick else 1)
        run_parts(PARTS, bench, options, "profiles")


if __name__ == "__main__":
    main()
