"""Single cells to profiles of wells, against pycytominer and polars.

``python -m benchmarks.cells`` writes Parquet files of 96, 192 and 384 wells × 1,500 cells × 600
features (32 bits), and databases as cytominer-database makes them, of 6,480 and 64,800 cells ×
1,800 features; then aggregates each by its median, prints the table and writes it into
``benchmarks/README.md``. pycytominer takes the smaller database: the larger one would take it
minutes; for the largest Parquet file it needs 9 GB. Options as those of ``benchmarks.transfer``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Figures, measure
from benchmarks.report import Line, Options, run_in_scratch

WELLS = (96, 192, 384)
CELLS = 1_500
FEATURES = 600
COMPARTMENTS = ("Cells", "Cytoplasm", "Nuclei")
SITES, OBJECTS = 9, 30
_GROUP = 24
"""Wells of a group of rows."""
_KEYS = "TableNumber, ImageNumber"


def well_name(number: int) -> str:
    return f"{chr(65 + number // 24)}{number % 24 + 1:02d}"


def write_parquet(path: Path, wells: int, cells: int) -> None:
    """Write cells of a plate, wells in order."""
    rng = np.random.default_rng(0)
    names = [f"{COMPARTMENTS[at % 3]}_Texture_{at}" for at in range(FEATURES)]
    keys = [("Metadata_Plate", pa.string()), ("Metadata_Well", pa.string())]
    schema = pa.schema([*keys, *((name, pa.float32()) for name in names)])
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, wells, _GROUP):
            some = [well_name(first + at // cells) for at in range(_GROUP * cells)]
            values = rng.lognormal(0, 1, (FEATURES, len(some))).astype(np.float32)
            columns = [pa.array(["P1"] * len(some)), pa.array(some), *map(pa.array, values)]
            writer.write_table(pa.table(columns, schema=schema))


def write_sqlite(path: Path, wells: int) -> None:
    """Write cells of a plate as cytominer-database does, with its indexes."""
    rng = np.random.default_rng(0)
    file = sqlite3.connect(path)
    keys = "TableNumber TEXT, ImageNumber BIGINT"
    file.execute("PRAGMA journal_mode = off")
    file.execute(
        f"CREATE TABLE Image ({keys}, Metadata_Plate TEXT, Metadata_Well TEXT, "
        "Metadata_Site BIGINT)"
    )
    parents = {"Cytoplasm": ("Cytoplasm_Parent_Cells", "Cytoplasm_Parent_Nuclei")}
    for name in COMPARTMENTS:
        more = [f"{one} BIGINT" for one in parents.get(name, ())]
        columns = [f"{name}_Texture_{at} FLOAT" for at in range(FEATURES)]
        file.execute(
            f"CREATE TABLE {name} ({keys}, ObjectNumber BIGINT, {', '.join([*columns, *more])})"
        )
        file.execute(
            f"CREATE INDEX {name}_index ON {name} (TableNumber, ImageNumber, ObjectNumber)"
        )
    file.execute(f"CREATE INDEX Image_index ON Image ({_KEYS})")
    for image in range(wells * SITES):
        key = (f"{image:032x}", image)
        site = (*key, "P1", well_name(image // SITES), image % SITES + 1)
        file.execute("INSERT INTO Image VALUES (?, ?, ?, ?, ?)", site)
        for name in COMPARTMENTS:
            values = rng.lognormal(0, 1, (OBJECTS, FEATURES))
            values[:, ::40] = np.round(values[:, ::40] * 10)
            rows = [
                (*key, at + 1, *row, *([at + 1] * len(parents.get(name, ()))))
                for at, row in enumerate(values.tolist())
            ]
            slots = ", ".join("?" * len(rows[0]))
            file.executemany(f"INSERT INTO {name} VALUES ({slots})", rows)
    file.commit()
    file.close()


class Bench:
    """A folder with cells."""

    def __init__(self, scratch: Path, rounds: int, scale: float) -> None:
        self.rounds = rounds
        self.cells = int(CELLS * scale)
        self.parquet = {wells: scratch / f"cells{wells}.parquet" for wells in WELLS}
        for wells, path in self.parquet.items():
            write_parquet(path, wells, self.cells)
        self.small, self.large = scratch / "small.sqlite", scratch / "large.sqlite"
        self.wells = 24, int(240 * scale)
        write_sqlite(self.small, self.wells[0])
        write_sqlite(self.large, self.wells[1])

    def environment(self, name: str, number: int) -> Mapping[str, str]:
        """Change nothing."""
        return {}

    def measure(self, path: Path, *steps: str) -> dict[str, Figures]:
        """Measure steps in turn."""
        runs = {step: lambda _, step=step: [step, str(path)] for step in steps}
        return measure(runs, self.environment, self.rounds, lambda: None)


def parquet(bench: Bench) -> list[Line]:
    """Aggregate a Parquet file."""
    lines = []
    taken = {}
    for wells, path in bench.parquet.items():
        work = f"Parquet, {wells} wells × {bench.cells:,} cells × {FEATURES}: median"
        found = bench.measure(path, "ours_cells", "polars_cells", "pycytominer_cells")
        ours, polars, peer = (found[f"{name}_cells"] for name in ("ours", "polars", "pycytominer"))
        taken[wells] = ours.cpu
        times = ours.cpu / polars.cpu
        lines.append(
            Line(work, ours, "polars", polars, "≤ 1.5× CPU", f"{times:.2f}×", times <= 1.5)
        )
        less = peer.cpu / ours.cpu
        lines.append(
            Line(work, ours, "pycytominer", peer, "≥ 5× less CPU", f"{less:.1f}× less", less >= 5)
        )
    each = [cpu / wells / bench.cells / FEATURES * 1e9 for wells, cpu in taken.items()]
    room = ours.memory
    lines.append(Line(work, ours, "—", None, "≤ 1.5 GB", f"{room:.0f} MB", room <= 1_500))
    shown = ", ".join(f"{one:.1f}" for one in each)
    linear = max(each[1:]) <= 1.5 * each[0]
    lines.append(Line("the three sizes", ours, "—", None, "linear", f"{shown} ns a value", linear))
    return lines


def databases(bench: Bench) -> list[Line]:
    """Aggregate a database."""
    small, large = (wells * SITES * OBJECTS for wells in bench.wells)
    features = 3 * FEATURES
    found = bench.measure(bench.small, "ours_cells", "pycytominer_single_cells")
    ours, peer = found["ours_cells"], found["pycytominer_single_cells"]
    less = peer.cpu / ours.cpu
    whole = bench.measure(bench.large, "ours_cells")["ours_cells"]
    scaled = peer.cpu * large / small / whole.cpu
    work = f"SQLite, {small:,} cells × {features:,}: median"
    more = f"SQLite, {large:,} cells × {features:,}: median"
    return [
        Line(work, ours, "pycytominer", peer, "≥ 10× less CPU", f"{less:.1f}× less", less >= 10),
        Line(
            more, whole, "pycytominer, scaled by cells", None, "≥ 10× less CPU",
            f"{scaled:.1f}× less", scaled >= 10,
        ),
        Line(more, whole, "—", None, "≤ 1 GB", f"{whole.memory:.0f} MB", whole.memory <= 1_000),
    ]  # fmt: skip


PARTS = (parquet, databases)


def main() -> None:
    """Measure, print and write the table."""

    def bench(scratch: Path, options: Options) -> Bench:
        return Bench(scratch, options.rounds, 0.1 if options.quick else 1)

    run_in_scratch(PARTS, bench, "cells", __doc__)


if __name__ == "__main__":
    main()
