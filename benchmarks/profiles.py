"""Profiles of a plate, against pycytominer.

``python -m benchmarks.profiles`` makes a plate as large as those of CPJUMP1 (384 wells × 5,800
features that correlate in families, some with missing values, some constant), and others for
consensus profiles; then measures everything in turn, prints the table and writes it into
``benchmarks/README.md``. Options as those of ``benchmarks.transfer``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import Figures, Run, measure
from benchmarks.recipe import write_inputs
from benchmarks.report import Line, Options, run_in_scratch

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
            "Metadata_treatment": [f"BRD{at}" if at % 6 else "DMSO" for at in number],
        }
    )
    return pd.concat([metadata, pd.DataFrame(values.T, columns=names)], axis=1)


def _words(step: str, arguments: tuple[str, ...], number: int) -> list[str]:
    assert number >= 0
    return [step, *arguments]


class Bench:
    """A folder with plates."""

    def __init__(self, scratch: Path, rounds: int, scale: float) -> None:
        self.rounds = rounds
        self.features = int(5_800 * scale)
        self.plate = scratch / "plate.parquet"
        self.few = scratch / "few.parquet"
        self.whole = scratch / "whole.parquet"
        self.four = scratch / "four.parquet"
        self.treated = scratch / "treated.parquet"
        self.text = scratch / "treated.csv.gz"
        self.folder = scratch
        make_plate(self.features, WELLS, 96, missing=True).to_parquet(self.plate)
        make_plate(int(300 * scale), WELLS, 96, missing=False).to_parquet(self.few)
        make_plate(self.features, WELLS, 96, missing=False).to_parquet(self.whole)
        make_plate(self.features, 4 * WELLS, 320, missing=False).to_parquet(self.four)
        treated = make_plate(int(3_900 * scale), WELLS, 96, missing=False)
        treated.to_parquet(self.treated)
        treated.to_csv(self.text, index=False, float_format="%.5g")
        write_inputs(pd.read_parquet(self.plate), scratch)

    def environment(self, name: str, number: int) -> Mapping[str, str]:
        """Let the peer's linear algebra have one thread, as ours has: two wait for each other."""
        return {} if name.startswith("ours") else {"OPENBLAS_NUM_THREADS": "1"}

    def compare(self, steps: Sequence[str], *arguments: str, slow: bool) -> list[Figures]:
        """Measure ours and another in turn, or the other, if it is slow, only once."""
        runs: dict[str, Run] = {step: partial(_words, step, arguments) for step in steps}
        if not slow:
            return list(measure(runs, self.environment, self.rounds, _nothing).values())
        rounds = dict(zip(steps, (self.rounds, 1), strict=False))
        return [
            measure({step: run}, self.environment, rounds[step], _nothing)[step]
            for step, run in runs.items()
        ]


def _nothing() -> None:
    """Leave what was written: it is in memory."""


PROFILES = ("ours_profiles", "pycytominer_profiles")
RECIPE = ("ours_recipe", "pycytominer_recipe")


def _line(
    bench: Bench, path: Path, work: str, shown: str, target: float, *, slow: bool = False
) -> Line:
    figures = bench.compare(PROFILES, str(path), work, slow=slow)
    return _compared(shown, figures, "pycytominer", target)


def _compared(shown: str, figures: list[Figures], other: str, target: float) -> Line:
    ours, peer = figures
    less = peer.cpu / ours.cpu
    return Line(
        shown, ours, other, peer, f"≥ {target:g}× less CPU", f"{less:.3g}× less", less >= target
    )


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
    few = f"{WELLS} × {bench.features * 300 // 5_800}"
    found.append(_line(bench, bench.few, "spherize", f"{few}: spherize, ZCA-cor", 1))
    whole = f"{size}: spherize, ZCA-cor"
    found.append(_line(bench, bench.whole, "spherize", whole, 30, slow=True))
    return found


def selecting(bench: Bench) -> list[Line]:
    """Select features in the order of CPJUMP1."""
    shown = f"{WELLS} × {bench.features:,}: feature_select, order of CPJUMP1"
    line = _line(bench, bench.plate, "feature_select", shown, 15, slow=True)
    memory = line.ours.memory
    room = Line(
        shown, line.ours, line.other, line.others, "≤ 600 MB", f"{memory:.0f} MB", memory <= 600
    )
    return [line, room]


def combining(bench: Bench) -> list[Line]:
    """Combine replicates."""
    one = f"{WELLS} × {bench.features:,}: modz, 96 groups"
    four = f"{4 * WELLS:,} × {bench.features:,}: modz, 320 groups"
    few = f"{WELLS} × {bench.features * 3_900 // 5_800:,}: modz, 321 groups, one of 64"
    treated = "modz, treatments"
    return [
        _line(bench, bench.text, treated, f"{few}; read from csv.gz", 70, slow=True),
        _line(bench, bench.treated, treated, f"{few}; read from Parquet", 70),
        _line(bench, bench.whole, "modz", one, 70),
        _line(bench, bench.plate, "modz", f"{one}, some values missing", 70),
        _line(bench, bench.four, "modz", four, 70),
    ]


def writing(bench: Bench) -> list[Line]:
    """Write a plate as text."""
    size = f"{WELLS} × {bench.features:,}: csv.gz"
    steps = ("ours_writing", "pandas_writing")
    return [
        _compared(
            f"{size}, {shown}",
            bench.compare(steps, str(bench.plate), float_format, slow=True),
            "pandas", 4,
        )
        for float_format, shown in (("%.5g", "`%.5g`"), ("", "fewest digits"))
    ]  # fmt: skip


def chain(bench: Bench) -> list[Line]:
    """Make the files of a plate from its wells."""
    size = f"{WELLS} × {bench.features:,}: recipe"
    folder = str(bench.folder)
    files = bench.compare(RECIPE, folder, "write", slow=True)
    tables = bench.compare(RECIPE[:1], folder, "", slow=True)[0]
    return [
        _compared(f"{size}, csv.gz in, five csv.gz out", files, "pycytominer", 15),
        Line(
            f"{size}, csv.gz in, nothing written", tables, "", None,
            "≤ 2 CPU-s", f"{tables.cpu:.2f} CPU-s", tables.cpu <= 2,
        ),
    ]  # fmt: skip


PARTS = (normalizing, selecting, combining, writing, chain)


def main() -> None:
    """Measure, print and write the table."""

    def bench(scratch: Path, options: Options) -> Bench:
        return Bench(scratch, options.rounds, 0.2 if options.quick else 1)

    run_in_scratch(PARTS, bench, "profiles", __doc__)


if __name__ == "__main__":
    main()
