"""`measure` and `profile` under kills: real images cut small, and a recipe for three plates."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tifffile

from benchmarks.soak.killing import litter
from cellfolio import MeasureInputs, MeasureOptions, measure_plates
from cellfolio.measurement import MeasurementSettings
from cellfolio.measurement.site import SiteSettings
from cellfolio.storage.disk import sha256_of
from cellfolio.storage.home import Home
from cellfolio.workflows.measuring.records import SiteRecord
from cellfolio.workflows.profiling.records import RECORD, PlateRecord
from cellfolio.workflows.profiling.running import run_recipe
from tests.plates import SITES, image_path, write_plate
from tests.workflows.recipes import SELECT, bytes_of, make_small

OPTIONS = MeasureOptions(
    SiteSettings(MeasurementSettings(groups=("Intensity", "AreaShape"))), labels=True, outlines=True
)
_SIDE = 128
"""Pixels of a cut."""
_CHANNELS = {"DNA": 0, "RNA": 2}
"""Ours, and the number in the names of CellProfiler's example of human cells."""


@dataclass
class Made:
    """A command that fills a folder with tables.

    Attributes
    ----------
    name : str
    fill : callable
        Fills the folder it is given.
    recorded : callable
        Given the folder, tells what its records promise: files and their SHA-256.
    scratch : Path
    done : str
        Name of the record that a run writes at its end.
    """

    name: str
    fill: Callable[[Path], None]
    recorded: Callable[[Path], dict[Path, str]]
    scratch: Path
    done: str

    @property
    def out(self) -> Path:
        """The folder that is filled."""
        return self.scratch / "out"

    @property
    def whole(self) -> Path:
        """The folder of an undisturbed run."""
        return self.scratch / "whole"

    def reset(self) -> None:
        """Forget what was made, but for the first, undisturbed run."""
        if self.out.exists() and not self.whole.exists():
            self.out.rename(self.whole)
        shutil.rmtree(self.out, ignore_errors=True)

    def work(self) -> None:
        """Run it."""
        self.fill(self.out)

    def phase(self) -> str:
        """Tell how far it came."""
        there, all_of_it = len(_tables(self.out)), len(_tables(self.whole))
        if (self.out / self.done).exists():
            return "ending"
        if not there:
            return "before the first table"
        return "between tables" if there < all_of_it else "after the last table"

    def look(self) -> list[str]:
        """Compare every file that is there with the undisturbed run, and with the records."""
        expected, found = bytes_of(self.whole), bytes_of(self.out)
        wrong = [f"{name} is not part of the result" for name in found.keys() - expected.keys()]
        for name in found.keys() & expected.keys():
            if Path(name).suffix != ".json" and found[name] != expected[name]:
                wrong.append(f"{Path(name).name} has other bytes")
        for path, sha256 in self.recorded(self.out).items():
            if not path.is_file() or sha256_of(path).value != sha256:
                wrong.append(f"a record calls {path.name} finished, and it is not")
        if self.done in found and found != expected:
            wrong.append(f"{self.done} is there, and the rest is not")
        return wrong

    def finished(self) -> list[str]:
        """Compare all with the undisturbed run."""
        wrong = litter(self.out)
        if self.whole.exists():
            expected, found = bytes_of(self.whole), bytes_of(self.out)
            names = [name for name in expected if found.get(name) != expected[name]]
            wrong += [f"{name} is not as in an undisturbed run" for name in names]
            wrong += [f"{name} is not part of the result" for name in found.keys() - expected]
        return wrong


def _tables(folder: Path) -> list[Path]:
    kinds = (".parquet", ".gz", ".csv")
    found = folder.rglob("*") if folder.exists() else ()
    return [path for path in found if path.suffix in kinds and path.name[0] != "."]


def write_cuts(shared: Path, folder: Path) -> Path:
    """Write cuts of CellProfiler's example of human cells as the images of a plate."""
    write_plate(folder)
    name = "AS_09125_050116030001_D03f00d"
    for channel, number in _CHANNELS.items():
        whole = tifffile.imread(shared / f"data/example_human/{name}{number}.tif")
        for at, (well, site) in enumerate(SITES):
            row, column = 128 * (at // 2), 128 * (at % 2)
            cut = whole[row : row + _SIDE, column : column + _SIDE]
            tifffile.imwrite(image_path(folder, well, site, channel), cut)
    return folder / "images"


def measuring(shared: Path, scratch: Path) -> Made:
    """Return measuring a plate of real images."""
    images = write_cuts(shared, scratch / "plate")

    def fill(out: Path) -> None:
        home = Home(scratch / "home")
        run = measure_plates(
            MeasureInputs(images, select={"well": "A01"}), out, OPTIONS, workers=1, home=home
        )
        assert not run.failed, run.failed

    fill(scratch / "warm")  # so that everything is imported and compiled
    return Made("measure", fill, recorded_sites, scratch, "measured.json")


def recorded_sites(out: Path) -> dict[Path, str]:
    """Return the tables that records of sites promise."""
    promised = {}
    for path in (out / "records").rglob("*.json"):
        record = SiteRecord.read(path)
        assert record is not None, f"{path} cannot be read"
        assert record.table is not None, record.failure
        table = out / "cells" / path.parent.name / f"{path.stem}.parquet"
        promised[table] = record.table.sha256
    return promised


def profiling(scratch: Path) -> Made:
    """Return a recipe for three plates, some steps of which need all of them."""
    recipe = make_small(scratch / "small")(SELECT.format("batch"), quality="page = false")

    def fill(out: Path) -> None:
        run = run_recipe(recipe, out, workers=1)
        assert not run.failed, run.failed

    fill(scratch / "warm")
    return Made("profile", fill, recorded_profiles, scratch, "run.json")


def recorded_profiles(out: Path) -> dict[Path, str]:
    """Return the files that records of plates promise."""
    promised = {}
    for path in out.rglob(RECORD):
        json.loads(path.read_bytes())
        for name, facts in PlateRecord.read(path.parent).files.items():
            promised[path.parent / name] = str(facts["sha256"])
    return promised
