"""The command featurize: what it prints, writes and refuses."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.cli.conftest import Cellfolio
from tests.cli.test_commands import check
from tests.workflows.networks import convolution, write_plate


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    (tmp_path / "net.onnx").write_bytes(convolution())
    return write_plate(tmp_path / "plate")


def featurize(*more: str) -> list[object]:
    return [
        "featurize", "plate/images", "-o", "deep", "--labels", "plate/labels",
        "--network", "./net.onnx", "--size", "16", *more,
    ]  # fmt: skip


def test_cells_are_featurized_and_told(cellfolio: Cellfolio, plate: Path, tmp_path: Path) -> None:
    digest = f"SHA256:{hashlib.sha256((tmp_path / 'net.onnx').read_bytes()).hexdigest()}"
    ran = cellfolio(*featurize("--digest", digest))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"net (ONNX, cpu), {digest}",
        "2 sites, 8 cells",
        "6 features of each cell: DNA, ER",
        "→ deep",
    ]
    again = cellfolio(*featurize("--json"))
    check(again, "featurize")
    assert (again.document["kept"], again.document["features"]) == (2, 6)
    assert again.document["network"]["digest"] == digest
    ran = cellfolio("aggregate", "deep", "-o", "wells.csv")
    assert ran.code == 0, ran.err
    assert (tmp_path / "wells.csv").read_text().startswith("Metadata_Plate,Metadata_Well,")


def test_how_cells_are_shown_is_chosen(cellfolio: Cellfolio, plate: Path) -> None:
    chosen = ("--channels", "ER,DNA", "--around", "cells", "--edge", "drop", "--masked",
              "--scaling", "type", "--name", "own", "--well", "A1")  # fmt: skip
    ran = cellfolio(*featurize(*chosen, "--json"))
    assert ran.code == 0, ran.err
    assert (ran.document["sites"], ran.document["cells"]) == (1, 3)  # one is at the border
    assert ran.document["network"]["name"] == "own"


def test_sites_that_fail_are_told(cellfolio: Cellfolio, plate: Path) -> None:
    (plate / "labels/r01c01f01p01_nuclei.tiff").unlink()
    ran = cellfolio(*featurize())
    assert ran.code == 1
    assert "P1 A01 site 1: plate/labels has no labels of its nuclei" in ran.out
    ran = cellfolio(*featurize("--json"))
    check(ran, "featurize", code=1)
    assert [(one["well"], one["site"]) for one in ran.document["failed"]] == [("A01", 1)]


def test_wrong_networks_are_refused(cellfolio: Cellfolio, plate: Path, tmp_path: Path) -> None:
    ran = cellfolio(*featurize("--digest", "SHA256:" + "0" * 64))
    assert ran.code == 5
    assert "net.onnx: expected SHA256:0000" in ran.err
    ran = cellfolio(*featurize("--together"))
    assert ran.code == 2
    assert "made for images of 3 colours" in ran.err
    (tmp_path / "net.onnx").write_bytes(b"no network")
    assert cellfolio(*featurize()).code == 5
    assert not (tmp_path / "deep").exists()
