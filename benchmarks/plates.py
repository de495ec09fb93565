"""A picture of a plate, against decoding its files.

``python -m benchmarks.plates`` writes 384 images of 1080 × 1080 pixels as the Opera Phenix does
(16 bits, LZW), measures everything in turn, prints the table and writes it into
``benchmarks/README.md``. Options as those of ``benchmarks.transfer``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from benchmarks.measure import Figures, Run, measure
from benchmarks.report import Line, Options, run_in_scratch
from cellfolio.registries.plates import PlateFormat

SIDE = 1080


class Bench:
    """A folder with an image of each well."""

    def __init__(self, scratch: Path, rounds: int, plate: PlateFormat) -> None:
        self.rounds = rounds
        self.folder = scratch / "images"
        self.folder.mkdir()
        self.wells = plate.size
        random = np.random.default_rng(0)
        rows, columns = np.mgrid[:SIDE, :SIDE] / 60
        for well in plate.wells():
            cells = 400 + 300 * np.sin(rows + well.row) * np.cos(columns + well.column)
            pixels = random.poisson(cells).astype(np.uint16)
            name = f"r{well.row:02}c{well.column:02}f01p01-ch5sk1fk1fl1.tiff"
            tifffile.imwrite(self.folder / name, pixels, compression="lzw")

    def compare(self) -> dict[str, Figures]:
        """Measure each in turn."""
        names = ("ours_plate", "ours_plate_saved", "tifffile_decode")
        return measure(
            {name: _always([name, str(self.folder)]) for name in names},
            lambda *_: {},
            self.rounds,
            lambda: None,
        )


def _always(arguments: list[str]) -> Run:
    return lambda _: arguments


def plate(bench: Bench) -> list[Line]:
    """Compare the picture, as an array and as a file, with decoding."""
    found = bench.compare()
    peer = found["tifffile_decode"]
    lines = []
    for name, what in (("ours_plate", "montage"), ("ours_plate_saved", "montage, saved as PNG")):
        ours = found[name]
        work = f"{bench.wells} wells of {SIDE} × {SIDE}: {what}"
        for unit, ratio in (("time", ours.wall / peer.wall), ("CPU", ours.cpu / peer.cpu)):
            lines.append(
                Line(
                    work, ours, "decode with tifffile", peer,
                    f"≤ 1.5× its {unit}", f"{ratio:.2f}×", ratio <= 1.5,
                )
            )  # fmt: skip
    return lines


PARTS = (plate,)


def main() -> None:
    """Measure, print and write the table."""

    def bench(scratch: Path, options: Options) -> Bench:
        shape = PlateFormat(4, 6) if options.quick else PlateFormat(16, 24)
        return Bench(scratch, options.rounds, shape)

    run_in_scratch(PARTS, bench, "plates", __doc__)


if __name__ == "__main__":
    main()
