"""The command aggregate: what it prints, writes and refuses."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cellfolio as library
from tests.cli.conftest import Cellfolio


@pytest.fixture
def cells(tmp_path: Path) -> str:
    frame = pd.DataFrame(
        {
            "Metadata_Plate": "P1",
            "Metadata_Well": ["A02", "A01", "A01"],
            "Cells_Area": [3.0, 1.0, 2.0],
        }
    )
    (tmp_path / "cells").mkdir()
    frame.to_parquet(tmp_path / "cells/p1.parquet")
    return "cells"


def test_profiles_are_shown(cellfolio: Cellfolio, cells: str) -> None:
    ran = cellfolio("aggregate", cells, "--count-objects")
    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines[0][-2:] == ["Metadata_Object_Count", "Cells_Area"]
    assert lines[1:3] == [["P1", "A01", "2", "1.5"], ["P1", "A02", "1", "3"]]
    assert ran.out.splitlines()[-1] == "3 cells became 2 profiles of 1 feature"


def test_profiles_are_written(cellfolio: Cellfolio, cells: str, tmp_path: Path) -> None:
    ran = cellfolio("aggregate", cells, "-o", "wells.csv", "--method", "mean", "--json")
    assert ran.document == {
        "cells": 3,
        "profiles": 2,
        "features": 1,
        "by": ["Metadata_Plate", "Metadata_Well"],
        "method": "mean",
        "problems": [],
        "output": "wells.csv",
    }
    written = (tmp_path / "wells.csv").read_text()
    assert written == "Metadata_Plate,Metadata_Well,Cells_Area\nP1,A01,1.5\nP1,A02,3.0\n"


def test_what_is_broken_is_named_or_left_out(
    cellfolio: Cellfolio, cells: str, tmp_path: Path
) -> None:
    (tmp_path / "cells/p2.parquet").write_bytes(b"PAR1 and no more")
    ran = cellfolio("aggregate", cells, "-o", "wells.parquet")
    assert ran.code == 5
    assert "p2.parquet cannot be read as parquet" in ran.err
    assert not (tmp_path / "wells.parquet").exists()
    ran = cellfolio("aggregate", cells, "-o", "wells.parquet", "--keep-going")
    assert ran.code == 0
    assert "left out: p2.parquet: " in ran.out
    assert len(pd.read_parquet(tmp_path / "wells.parquet")) == 2


def test_cells_of_a_package(cellfolio: Cellfolio, cells: str, tmp_path: Path) -> None:
    library.build(tmp_path / cells, "lab/screen")
    expected = cellfolio("aggregate", cells).out
    assert cellfolio("aggregate", "lab/screen").out == expected
    assert cellfolio("aggregate", "lab/screen/p1.parquet").out == expected


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["absent.parquet"], 2, "absent.parquet"),
        (["cells", "-o", "wells.docx"], 2, "suffix should be one of"),
        (["cells", "--by", "Metadata_Gene"], 2, "Metadata_Gene"),
        (["cells", "--by", "Cells_Area"], 2, "grouped by a feature"),
        ([".", "--by", ""], 2, "found none"),
    ],
)
def test_what_cannot_be_done_is_told(
    cellfolio: Cellfolio, cells: str, arguments: list[str], code: int, words: str
) -> None:
    ran = cellfolio("aggregate", *arguments)
    assert ran.code == code
    assert words in ran.err
    assert "Traceback" not in ran.err
