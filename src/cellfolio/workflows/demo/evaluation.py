"""The last part of the demonstration: benchmarks find what is known to be true of the plates.

::

    <folder>/evaluation/<name>.toml   the configuration: a user may edit it and run it again
    <folder>/evaluation/<name>/       tables, figures, report.html and record.json
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellfolio.storage.home import Home

TRUTH = "truth.json"
_GROUP = '[[group]]\nname = "simulated plates"\nprofiles = ["../profiles/profiles.parquet"]\n'
_SIZE = 4


@dataclass(frozen=True, slots=True)
class Judged:
    """What benchmarks found of the known truth.

    Attributes
    ----------
    active, inactive : int
        Perturbations that change cells, and that do not.
    found, wrong : int
        How many of each were said to replicate.
    pairs, matched : int
        Pairs of perturbations with the same mechanism, and how many look alike.
    pages : tuple of Path
    """

    active: int
    found: int
    inactive: int
    wrong: int
    pairs: int
    matched: int
    pages: tuple[Path, ...]


def judge_profiles(checkout: Path, folder: Path, home: Home) -> Judged:
    """Run benchmarks on the profiles of a demonstration, and compare them with the truth.

    Parameters
    ----------
    checkout : Path
        Folder with the truth.
    folder : Path
        Of the demonstration, with its profiles.
    home : Home
    """
    truth = json.loads((checkout / TRUTH).read_text(encoding="utf-8"))
    place = folder / "evaluation"
    place.mkdir(exist_ok=True)
    size = min(_SIZE, len(truth["active"]) + len(truth["inactive"]))
    column = 'perturbation = ["Metadata_perturbation"]'
    tables = _run(place, "replicating", f"{column}\nsize = {size}\n{_GROUP}", home)
    replicating = set(tables.loc[tables["replicating"], "Metadata_perturbation"])
    pages = [place / "replicating/report.html"]
    matched = 0
    if truth["same_moa"]:
        column = 'perturbation = "Metadata_perturbation"'
        text = f'{column}\n{_GROUP}target = "Metadata_moa"\n'
        pairs = _run(place, "matching", text, home)
        matched = int(pairs["matching"].sum())
        pages.append(place / "matching/report.html")
    return Judged(
        len(truth["active"]), len(replicating & set(truth["active"])),
        len(truth["inactive"]), len(replicating & set(truth["inactive"])),
        len(truth["same_moa"]), matched, tuple(pages),
    )  # fmt: skip


def _run(place: Path, name: str, text: str, home: Home) -> Any:
    """Write a configuration, run it, and return its table of perturbations or pairs."""
    import pandas as pd

    from cellfolio.workflows.benchmarks import evaluate, read_configuration

    path = place / f"{name}.toml"
    path.write_text(f'benchmark = "cpjump1-{name}"\n{text}', encoding="utf-8")
    evaluate(read_configuration(path), place / name, home=home)
    table = {"replicating": "perturbations", "matching": "pairs"}[name]
    return pd.read_parquet(place / name / f"tables/{table}.parquet")
