"""CellProfiler's CSV files to one table of single cells.

``python -m benchmarks.single_cells SITE`` makes a tree of 27 sites from a real one, the folder SITE
with Image.csv, Cells.csv, Cytoplasm.csv and Nuclei.csv (109 cells × 6,034 columns of CPJUMP1): all
numbers with decimals are varied a little and written with 16 digits. It measures in turn joining
them to Parquet and reading them with pandas, and nothing else; prints the table and writes it into
``benchmarks/README.md``. Options as those of ``benchmarks.transfer``.

``--keep FOLDER`` makes the tree there and measures nothing: to run CytoTable on it in an
environment of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import Figures, measure
from benchmarks.report import Line, Options, run_in_scratch

SITES = 27
OBJECTS = ("Cells", "Cytoplasm", "Nuclei")
CYTOTABLE = 232 / 3.5
"""Times the CPU of `pandas.read_csv` that CytoTable 1.2.6 took for 27 such sites, measured before
in one run: 232 and 3.5 CPU seconds."""


def make_tree(site: Path, folder: Path) -> None:
    """Make the folders of sites, with images numbered as in one run of CellProfiler."""
    rng = np.random.default_rng(1)
    tables = {name: pd.read_csv(site / f"{name}.csv") for name in (*OBJECTS, "Image")}
    for number in range(1, SITES + 1):
        well, place = f"A{(number - 1) // 9 + 1:02}", (number - 1) % 9 + 1
        target = folder / f"BR00116991-{well}-{place}"
        target.mkdir(parents=True)
        for name, table in tables.items():
            made = table.assign(ImageNumber=number)
            if name == "Image":
                made = made.assign(Metadata_Well=well, Metadata_Site=place)
            else:
                decimals = made.select_dtypes("float").columns
                made[decimals] *= 1 + 1e-3 * rng.normal(size=(len(made), len(decimals)))
            made.to_csv(target / f"{name}.csv", index=False, na_rep="nan", lineterminator="\r\n")


class Bench:
    """A folder with the tree."""

    def __init__(self, site: Path, scratch: Path, rounds: int) -> None:
        self.rounds = rounds
        self.tree = scratch / "tree"
        make_tree(site, self.tree)

    def environment(self, name: str, number: int) -> Mapping[str, str]:
        """Change nothing."""
        return {}

    def measure(self, *steps: str) -> dict[str, Figures]:
        """Measure steps in turn."""
        runs = {step: lambda _, step=step: [step, str(self.tree)] for step in steps}
        return measure(runs, self.environment, self.rounds, lambda: None)


def joining(bench: Bench) -> list[Line]:
    """Join all tables."""
    found = bench.measure("ours_tree", "pandas_tree")
    ours, pandas = found["ours_tree"], found["pandas_tree"]
    work = f"{SITES} sites × 109 cells × 6,034 columns, CSV to joined Parquet"
    less = CYTOTABLE * pandas.cpu / ours.cpu
    room, times = ours.memory, ours.cpu / pandas.cpu
    return [
        Line(
            work,
            ours,
            "pandas.read_csv alone",
            pandas,
            "≤ 2× CPU",
            f"{times:.2f}×",
            times <= 2,
        ),
        Line(
            work,
            ours,
            f"CytoTable, {CYTOTABLE:.0f} × pandas",
            None,
            "≥ 30× less CPU",
            f"{less:.0f}× less",
            less >= 30,
        ),
        Line(work, ours, "—", None, "≤ 500 MB", f"{room:.0f} MB", room <= 500),
    ]


PARTS = (joining,)


def main() -> None:
    """Measure, print and write the table."""
    site = Path(sys.argv.pop(1))
    if sys.argv[1:2] == ["--keep"]:
        make_tree(site, Path(sys.argv[2]))
        return

    def bench(scratch: Path, options: Options) -> Bench:
        return Bench(site, scratch, options.rounds)

    run_in_scratch(PARTS, bench, "single_cells", __doc__)


if __name__ == "__main__":
    main()
