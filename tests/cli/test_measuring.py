"""The commands measure and warmup: what they print, write and refuse."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.conftest import PROGRAM, Cellfolio
from tests.plates import image_path, write_plate

LABELS = ("--labels", "plate/labels", "--groups", "Intensity", "--workers", "1")


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    return write_plate(tmp_path / "plate")


def test_sites_are_measured_once(cellfolio: Cellfolio, plate: Path, tmp_path: Path) -> None:
    ran = cellfolio("measure", "plate/images", "-o", "out", *LABELS)
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0].split() == ["plate", "sites", "cells", "failed"]
    assert lines[1].split() == ["P1", "4", "10", "0"]
    assert lines[2] == "4 sites measured, 0 up to date, in out"
    assert "CPU seconds per site" in lines[3]
    ran = cellfolio("measure", "plate/images", "-o", "out", *LABELS, "--json")
    assert (ran.document["measured"], ran.document["up_to_date"]) == (0, 4)
    assert ran.document["plates"] == {"P1": {"sites": 4, "cells": 10, "failed": 0}}
    cost = ran.document["cpu_seconds"]
    assert cost["plate"] == pytest.approx(cost["site"] * 384 * 9)
    assert cost["experiment"] == pytest.approx(cost["plate"] * 51)
    assert cellfolio("aggregate", "out", "-o", "wells.csv").code == 0
    assert len(pd.read_csv(tmp_path / "wells.csv")) == 2


def test_a_site_that_fails_is_told(cellfolio: Cellfolio, plate: Path) -> None:
    image_path(plate, "B02", 1, "RNA").write_bytes(b"II*\0 and no more")
    ran = cellfolio("measure", "plate/images", "-o", "out", *LABELS)
    assert ran.code == 1
    assert "P1 B02 site 1 failed: " in ran.out
    assert "3 sites" not in ran.out
    ran = cellfolio("measure", "plate/images", "-o", "out", *LABELS, "--json")
    (failed,) = ran.document["failed"]
    assert (failed["plate"], failed["well"], failed["site"]) == ("P1", "B02", 1)
    assert failed["failure"]["error"] == "BrokenFile"


def test_status_names_missing_shards(cellfolio: Cellfolio, plate: Path) -> None:
    image_path(plate, "A01", 1, "RNA").write_bytes(b"")
    cellfolio("measure", "plate/images", "-o", "out", *LABELS, "--shard", "1/3")
    ran = cellfolio("status", "out")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "out: 1 of 3 shards have ended",
        "missing  2/3",
        "missing  3/3",
        "failed   P1 A01_1",
    ]
    assert cellfolio("status", "out", "--json").document["shards"]["missing"] == ["2/3", "3/3"]
    write_plate(plate.parent / "anew")
    image_path(plate, "A01", 1, "RNA").write_bytes(
        image_path(plate.parent / "anew", "A01", 1, "RNA").read_bytes()
    )
    for shard in ("1/3", "2/3", "3/3"):
        cellfolio("measure", "plate/images", "-o", "out", *LABELS, "--shard", shard)
    ran = cellfolio("status", "out")
    assert (ran.code, ran.out.splitlines()[1:]) == (0, ["run it once without --shard"])
    cellfolio("measure", "plate/images", "-o", "out", *LABELS)
    assert cellfolio("status", "out", "--json").document["shards"] == {
        "ended": ["1/3", "2/3", "3/3"],
        "missing": [],
        "failed": [],
        "finished": True,
    }


def test_shards_and_what_is_missing(cellfolio: Cellfolio, plate: Path, tmp_path: Path) -> None:
    ran = cellfolio("measure", "plate/images", "-o", "out", *LABELS, "--shard", "1/2")
    assert ran.code == 0
    assert "shard 1/2 is done" in ran.out
    ran = cellfolio("measure", "plate/images", "-o", "out", *LABELS, "-n")
    assert ran.out.splitlines() == [
        "2 sites: it was not measured yet",
        "2 sites would be measured, 2 up to date",
        "shards that have not done all of their sites: 2/2",
    ]
    assert not (tmp_path / "out/images").exists()
    ran = cellfolio("measure", "plate/images", "-o", "out", *LABELS, "--json")
    assert ran.document["measured"] == 2
    assert (tmp_path / "out/images/P1.csv.gz").exists()


@pytest.mark.parametrize(
    ("words", "code", "told", "hint"),
    [
        (("--groups", "Intensty"), 2, "there are no features 'Intensty'", "Intensity"),
        (("--shard", "3/2"), 2, "'3/2' is no shard", ""),
        (("--channels", "DNA,Actn"), 2, "no image is of the channel 'Actn'", ""),
        (("--channels", "D_A=5"), 2, "a channel cannot be called 'D_A'", "letters"),
        (("--well", "Z99"), 2, "'Z99'", ""),
        (("--labels", "plate/images"), 3, "has no labels of nuclei", "nuclei.tiff"),
        (("--cell-threshold", "2"), 2, "2.0 is not in the range 0<=x<=1", ""),
        (("--nuclei", "Hoechst"), 2, "no image is of it", ""),
        (("--illumination", "plate/labels"), 3, "no illumination functions", "IllumDNA.npy"),
    ],
)
def test_what_cannot_be_done_is_refused(
    cellfolio: Cellfolio, plate: Path, tmp_path: Path, words: tuple[str, ...], code: int,
    told: str, hint: str,
) -> None:  # fmt: skip
    ran = cellfolio("measure", "plate/images", "-o", "out", *words)
    assert ran.code == code
    assert told in ran.err
    assert hint in ran.err
    assert not (tmp_path / "out").exists()


def test_pictures_labels_and_short_numbers(
    cellfolio: Cellfolio, plate: Path, tmp_path: Path
) -> None:
    more = ("--site", "2", "--well", "A", "--outlines", "--save-labels", "--float32")
    ran = cellfolio("measure", "plate/images", "-o", "out", *LABELS, *more, "--plate", "X7")
    assert ran.code == 0, ran.err
    assert (tmp_path / "out/outlines/X7/A01_2.png").exists()
    assert len(list((tmp_path / "out/labels/X7").iterdir())) == 3
    cells = pd.read_parquet(tmp_path / "out/cells/X7/A01_2.parquet")
    assert str(cells["Cells_Intensity_MeanIntensity_RNA"].dtype) == "float32"


@pytest.mark.slow
def test_warmup_compiles_once(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    env = {**os.environ, "NUMBA_DISABLE_JIT": "0", "NUMBA_CACHE_DIR": str(kept)}
    seconds = []
    for _ in range(2):
        done = subprocess.run(
            [*PROGRAM, "warmup", "--json"], capture_output=True, env=env, timeout=900, check=True
        )
        document = json.loads(done.stdout)
        assert document["folder"] == str(kept)
        assert document["cpu_seconds_again"] < document["cpu_seconds"]
        seconds.append(document["cpu_seconds"])
    assert list(kept.rglob("*.nbc"))
    assert seconds[1] < seconds[0] / 2
