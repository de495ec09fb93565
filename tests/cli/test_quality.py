"""The commands quality and embed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cellfolio
from tests.cli.test_commands import check
from tests.evaluation.sites import lower, make_images
from tests.profiles.plates import CONTROLS, make_plate


@pytest.fixture
def plate(tmp_path: Path) -> str:
    table = make_plate(features=10)
    table.loc[7, "Metadata_Object_Count"] = 11
    table.to_csv(tmp_path / "profiles.csv.gz", index=False)
    return "profiles.csv.gz"


@pytest.mark.slow
def test_quality_is_told_and_written(cellfolio: Cellfolio, plate: str, tmp_path: Path) -> None:
    options = ("-o", "pages", "--reference", CONTROLS, "--perturbation", "drug")
    ran = cellfolio("quality", plate, *options)
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert (ran.code, ran.err) == (0, "")
    assert lines[:2] == ["P1", "wells 96, 1 to look at"]
    assert "replicating 20 of 20 perturbations" in lines
    assert lines[-1] == "→ pages/P1.html"
    assert (tmp_path / lines[-1].removeprefix("→ ")).is_file()
    again = cellfolio("quality", plate, "-o", "pages", "--perturbation", "drug", "--json")
    check(again, "quality")
    (found,) = again.document["plates"]
    assert (found["plate"], found["wells"], found["controls"]) == ("P1", 96, 0)
    assert [flag["well"] for flag in found["flags"]] == ["A08"]
    assert all(Path(picture).is_file() for picture in found["pictures"])


@pytest.mark.slow
def test_sites_are_told(cellfolio: Cellfolio, tmp_path: Path) -> None:
    table = make_images()
    lower(table, 5, "ImageQuality_PowerLogLogSlope_RNA", 2)
    table.to_csv(tmp_path / "image.csv.gz", index=False)
    ran = cellfolio("quality", "--images", "image.csv.gz", "-o", "pages")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[:2] == ["P1", "sites 48, 1 to look at"]
    assert lines[2].startswith("A02 site 2: out of focus, slope")
    again = cellfolio("quality", "--images", "image.csv.gz", "-o", "pages", "--json")
    check(again, "quality")
    (found,) = again.document["plates"]
    assert (found["wells"], found["sites"]["count"], found["sites"]["flagged"]) == (None, 48, 1)
    assert cellfolio("quality", "-o", "pages").code != 0


def test_embedding_is_drawn(cellfolio: Cellfolio, plate: str, tmp_path: Path) -> None:
    ran = cellfolio("embed", plate, "--color", "drug", "-o", "points.png", "--json")
    check(ran, "embed")
    assert (ran.document["rows"], ran.document["features"]) == (96, 10)
    assert (tmp_path / "points.png").read_bytes().startswith(b"\x89PNG")
    lines = cellfolio("embed", plate, "--color", "drug", "-o", "points.svg").out.splitlines()
    assert lines[0] == "96 profiles, 10 features"
    assert lines[-1] == "→ points.svg"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("quality", "profiles.csv.gz"), "-o"),
        (("quality", "absent.csv", "-o", "x"), "absent.csv is not there"),
        (("quality", "profiles.csv.gz", "-o", "x", "--reference", "drug =="), "the query"),
        (("quality", "profiles.csv.gz", "-o", "x", "--perturbation", "drog"), "did you mean drug?"),
        (("quality", "profiles.csv.gz", "-o", "x", "--well", "hole"), "no column 'hole'"),
        (("embed", "profiles.csv.gz", "--color", "drug", "-o", "x.gif"), ".png, .svg"),
        (("embed", "profiles.csv.gz", "--color", "drog", "-o", "x.png"), "did you mean drug?"),
        (("embed", "wells.csv", "--color", "well", "-o", "x.png"), "no column is a feature"),
    ],
)
def test_mistakes_are_told_in_a_line(
    cellfolio: Cellfolio, plate: str, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    assert plate
    (tmp_path / "wells.csv").write_text("well\nA01\n")
    ran = cellfolio(*arguments)
    assert ran.code != 0
    assert told in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "x.png").exists()
