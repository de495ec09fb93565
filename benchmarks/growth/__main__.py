"""Measure how time and memory grow; write the table into ``benchmarks/README.md``, and a picture.

Options: ``--only SUBJECT`` (entries, packages, sites, cells, wells, genes) measures one subject and
keeps what was measured of the others; ``--rounds N``; ``--quick`` measures two sizes of each, and
writes nothing; ``--draw`` measures nothing, and writes table and picture of what was measured.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.growth import entries, packages, profiles, sites
from benchmarks.growth.bench import Bench, Subject
from benchmarks.growth.drawing import draw
from benchmarks.growth.keeping import keep, kept
from benchmarks.growth.table import table, write_table
from tests.servers.seaweed import SeaweedServer

SUBJECTS: dict[str, Subject] = {
    "entries": entries.curves,
    "packages": packages.curves,
    "sites": sites.curves,
    "cells": profiles.cells,
    "wells": profiles.wells,
    "genes": profiles.genes,
}
PICTURE = Path(__file__).parents[1] / "growth.png"


def main() -> None:
    """Measure, print, keep, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description=__doc__)
    parser.add_argument("--only", choices=SUBJECTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--draw", action="store_true")
    options = parser.parse_args()
    if not options.draw:
        _measure(options.only, options.rounds, quick=options.quick)
    if not options.quick:
        found = sorted(kept(), key=lambda curve: list(SUBJECTS).index(curve.subject))
        write_table(found)
        draw(found, PICTURE)


def _measure(only: str | None, rounds: int, *, quick: bool) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="cellfolio-bench-") as scratch,
        SeaweedServer(memory_limit="2GiB") as server,
    ):
        os.environ.update(server.env())
        bench = Bench(server, Path(scratch), 1 if quick else rounds, quick)
        for name, curves in SUBJECTS.items():
            if only in (None, name):
                found = curves(bench)
                print(table(found), flush=True)
                if not quick:
                    keep(name, found)


if __name__ == "__main__":
    main()
