"""Evaluation of profiles, against copairs and the method of the CPJUMP1 notebook.

``python -m benchmarks.evaluation`` makes an experiment as large as CPJUMP1 (51 plates of 384 wells,
800 features, 4 replicates of each compound, 64 controls on each plate), measures everything in
turn, prints the table and writes it into ``benchmarks/README.md``. Options as those of
``benchmarks.transfer``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import Figures, measure
from benchmarks.report import Line, Options, run_in_scratch

WELLS, CONTROLS, REPLICATES = 384, 64, 4


def make_experiment(plates: int, features: int) -> pd.DataFrame:
    """Make normalized profiles; compounds act weakly, controls have a name of their own."""
    rng = np.random.default_rng(1)
    place, plate = np.tile(np.arange(WELLS), plates), np.repeat(np.arange(plates), WELLS)
    batch, control = plate // REPLICATES, place % (WELLS // CONTROLS) == 0
    acts = 0.3 * rng.normal(size=((plates // REPLICATES + 1) * WELLS, features))
    values = rng.normal(size=(len(plate), features)) + acts[batch * WELLS + place]
    kinds = zip(control, plate, batch, place, strict=True)
    metadata = pd.DataFrame(
        {
            "Metadata_Plate": [f"BR{one:03d}" for one in plate],
            "Metadata_negcon": control,
            "Metadata_broad_sample": [
                f"DMSO-{p}-{w}" if negcon else f"BRD-{b}-{w}" for negcon, p, b, w in kinds
            ],
        }
    )
    names = [f"Cells_Feature_{at}" for at in range(features)]
    return pd.concat([metadata, pd.DataFrame(values, columns=names)], axis=1)


def make_scores(configurations: int) -> pd.DataFrame:
    """Make average precisions of groups of 2 to 5 members, of some configurations."""
    rng = np.random.default_rng(1)
    rows = []
    for number in range(configurations):
        size = 2 + number % 4
        negatives = 300 - size - 2 * number
        for group in range(20):
            name = f"{number:02d}-{group:02d}"
            rows += [(name, value, size - 1, size - 1 + negatives) for value in rng.random(size)]
    names = ["Metadata_target", "average_precision", "n_pos_pairs", "n_total_pairs"]
    return pd.DataFrame(rows, columns=names).assign(normalized_average_precision=0.0)


class Bench:
    """A folder with an experiment, one of four plates, and scores."""

    def __init__(self, scratch: Path, rounds: int, scale: float) -> None:
        self.rounds = rounds
        self.plates = int(51 * scale)
        self.many, self.few = scratch / "many.parquet", scratch / "few.parquet"
        self.scores = scratch / "scores.parquet"
        self.scratch = scratch
        make_experiment(self.plates, 800).to_parquet(self.many)
        make_experiment(REPLICATES, 800).to_parquet(self.few)
        make_scores(12).to_parquet(self.scores)

    def environment(self, name: str, number: int) -> Mapping[str, str]:
        """Let linear algebra have one thread, and copairs an empty cache."""
        home = self.scratch / f"{name}-{number}"
        home.mkdir(exist_ok=True)
        return {"OPENBLAS_NUM_THREADS": "1", "HOME": str(home)}

    def compare(self, path: Path, work: str) -> tuple[Figures, Figures]:
        """Measure ours and the peer in turn."""
        found = measure(
            {
                "ours": lambda _: ["ours_evaluation", str(path), work],
                "peer": lambda number: [
                    "peer_evaluation", str(path), work, str(self.scratch / f"{work}-{number}"),
                ],
            },
            self.environment,
            self.rounds,
            lambda: None,
        )  # fmt: skip
        return found["ours"], found["peer"]


def _lines(bench: Bench, path: Path, work: str, shown: str, peer: str, target: float) -> list[Line]:
    ours, theirs = bench.compare(path, work)
    less = theirs.cpu / ours.cpu
    wanted = f"≥ {target:g}× less CPU"
    lines = [Line(shown, ours, peer, theirs, wanted, f"{less:.0f}× less", less >= target)]
    if peer == "copairs" and path == bench.many:
        share = ours.memory / theirs.memory
        lines.append(
            Line(shown, ours, peer, theirs, "≤ 1/2 of its memory", f"{share:.2f}", share <= 0.5)
        )
    return lines


def precision(bench: Bench) -> list[Line]:
    """Rank replicates among all other wells of the plate, and among its controls."""
    size = f"average precision, {bench.plates} × {WELLS} × 800"
    return [
        *_lines(bench, bench.many, "others", f"{size}, all others", "copairs", 100),
        *_lines(bench, bench.many, "controls", f"{size}, controls", "copairs", 100),
    ]


def means(bench: Bench) -> list[Line]:
    """Draw nulls of 12 configurations."""
    shown = "p-values, 12 configurations, 100,000 draws"
    return _lines(bench, bench.scores, "means", shown, "copairs", 10)


def replicating(bench: Bench) -> list[Line]:
    """Percent replicating with the same random stream."""
    shown = f"percent replicating, {REPLICATES} × {WELLS} × 800, null of 1,000"
    return _lines(bench, bench.few, "replicating", shown, "the notebook's method", 50)


PARTS = (precision, means, replicating)


def main() -> None:
    """Measure, print and write the table."""

    def bench(scratch: Path, options: Options) -> Bench:
        return Bench(scratch, options.rounds, 0.2 if options.quick else 1)

    run_in_scratch(PARTS, bench, "evaluation", __doc__)


if __name__ == "__main__":
    main()
