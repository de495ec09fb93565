"""The folder of a demonstration: whose it is, and whether it is finished."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cellfolio.errors import InvalidArgument
from cellfolio.simulation import ExperimentDesign
from cellfolio.storage.disk import write_atomically
from cellfolio.storage.home import Home

MARKER = ".cellfolio-demo.json"
_MARKER_VERSION = 1
_PARTS = ("experiment", "home", "cell-painting", "measured", "profiles", "evaluation")

DESIGN = ExperimentDesign(site_count=1)
"""Three plates and a fourth in revision 2: about 20 s on one core."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A demonstration in a folder.

    Attributes
    ----------
    folder : Path
        Absolute.
    design : ExperimentDesign
    finished : bool
        Whether all steps were done, now or before.
    home : Home
        Of its own.
    """

    folder: Path
    design: ExperimentDesign
    finished: bool
    home: Home

    @property
    def experiment(self) -> Path:
        """What the simulated microscope wrote."""
        return self.folder / "experiment"

    @property
    def checkout(self) -> Path:
        """The package as a user gets it."""
        return self.folder / "cell-painting"

    @property
    def measured(self) -> Path:
        """The cells of each plate, measured."""
        return self.folder / "measured"


def prepare_demo(folder: Path, design: ExperimentDesign = DESIGN, *, again: bool = False) -> Demo:
    """Make a folder ready for a demonstration, or find the one that is there.

    A demonstration that was interrupted is cleared away and begun anew.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    design : ExperimentDesign
    again : bool
        Clear away a finished one too.

    Raises
    ------
    InvalidArgument
        If the folder holds something else.
    """
    folder = folder.expanduser().resolve()
    marker = _read_marker(folder)
    home = Home(folder / "home")
    if marker is None and _is_taken(folder):
        raise InvalidArgument(
            f"{folder} is not empty and holds no demonstration",
            hint="name another folder with --folder; nothing was changed",
        )
    whole = marker is not None and marker["finished"] and (home.folder / "registry").is_dir()
    if marker is not None and whole and not again:
        return Demo(folder, replace(design, seed=marker["seed"]), True, home)
    folder.mkdir(parents=True, exist_ok=True)
    _write_marker(folder, design, finished=False)
    for part in _PARTS:
        shutil.rmtree(folder / part, ignore_errors=True)
    return Demo(folder, design, False, home)


def _is_taken(folder: Path) -> bool:
    if not folder.exists():
        return False
    return not folder.is_dir() or any(folder.iterdir())


def _read_marker(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        if found["version"] != _MARKER_VERSION:
            return None
        return {"seed": int(found["seed"]), "finished": bool(found["finished"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_marker(folder: Path, design: ExperimentDesign, *, finished: bool) -> None:
    document = {"version": _MARKER_VERSION, "seed": design.seed, "finished": finished}
    write_atomically(folder / MARKER, json.dumps(document).encode())


def mark_finished(demo: Demo) -> None:
    """Note that all steps were done."""
    _write_marker(demo.folder, demo.design, finished=True)
