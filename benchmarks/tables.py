"""Reading a large table again, against pandas on the compressed file.

``python -m benchmarks.tables`` writes a table of 21,000 × 1,787 (150 MB as csv.gz), measures
everything in turn, prints the table and writes it into ``benchmarks/README.md``. Options as those
of ``benchmarks.transfer``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import Figures, measure, run_step
from benchmarks.report import Line, Options, run_in_scratch

COLUMNS = 1_783
"""Features of a Cell Painting profile; four columns of text come before."""


class Bench:
    """A folder with a table, and a home where it was read before."""

    def __init__(self, scratch: Path, rounds: int, scale: float) -> None:
        self.rounds = rounds
        self.rows = int(21_000 * scale)
        self.path = scratch / "profiles.csv.gz"
        self.home = scratch / "home"
        self._write()
        self.first = Figures(**run_step([*self.step("ours_table", 0)], self.environment("", 0)))

    def _write(self) -> None:
        rng = np.random.default_rng(1)
        labels = {
            f"Metadata_{name}": rng.integers(0, 400, self.rows).astype(str)
            for name in ("Plate", "Well", "Pert", "MoA")
        }
        values = rng.normal(size=(self.rows, COLUMNS)).round(5)
        frame = pd.DataFrame(values, columns=[f"Cells_Feature_{at}" for at in range(COLUMNS)])
        pd.concat([pd.DataFrame(labels) + "x", frame], axis=1).to_csv(
            self.path, index=False, compression={"method": "gzip", "compresslevel": 3}
        )

    def step(self, name: str, columns: int) -> list[str]:
        """Return a step's name and arguments."""
        return [name, str(self.path), str(columns)]

    def environment(self, name: str, number: int) -> Mapping[str, str]:
        """Return a home where the table was read before."""
        return {"CELLFOLIO_HOME": str(self.home)}

    def compare(self, columns: int) -> tuple[Figures, Figures]:
        """Measure reading again, ours and pandas in turn; 0 columns are all."""
        found = measure(
            {
                "ours": lambda _: self.step("ours_table", columns),
                "pandas": lambda _: self.step("pandas_table", columns),
            },
            self.environment,
            self.rounds,
            lambda: None,
        )
        return found["ours"], found["pandas"]


def _lines(bench: Bench, work: str, columns: int, target: float) -> list[Line]:
    ours, peer = bench.compare(columns)
    less, memory = peer.cpu / ours.cpu, ours.memory / peer.memory
    return [
        Line(
            work, ours, "pandas on csv.gz", peer,
            f"≥ {target:g}× less CPU", f"{less:.1f}× less", less >= target,
        ),
        Line(
            work, ours, "pandas on csv.gz", peer,
            "no more memory", f"{memory:.2f} of its memory", memory <= 1,
        ),
    ]  # fmt: skip


def _size(bench: Bench) -> str:
    return f"{bench.rows:,} × {COLUMNS + 4:,}, {bench.path.stat().st_size / 1e6:.0f} MB csv.gz"


def read_again(bench: Bench) -> list[Line]:
    """All columns, first and again."""
    lines = _lines(bench, f"{_size(bench)}: read again", 0, 8)
    peer = lines[0].others
    assert peer is not None
    shown = f"{bench.first.cpu / peer.cpu:.1f}× its CPU"
    first = Line(
        "first reading, which converts",
        bench.first,
        "pandas on csv.gz",
        peer,
        "≤ 3× its CPU, once",
        shown,
        bench.first.cpu <= 3 * peer.cpu,
    )
    return [*lines, first]


def read_some(bench: Bench) -> list[Line]:
    """Two columns again."""
    return _lines(bench, "two columns of it", 2, 8)


PARTS = (read_again, read_some)


def main() -> None:
    """Measure, print and write the table."""

    def bench(scratch: Path, options: Options) -> Bench:
        return Bench(scratch, options.rounds, 0.2 if options.quick else 1)

    run_in_scratch(PARTS, bench, "tables", __doc__)


if __name__ == "__main__":
    main()
