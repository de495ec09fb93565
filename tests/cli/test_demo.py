"""The demonstration as a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfolio.workflows.demo import folder as demos
from tests.cli.conftest import Cellfolio
from tests.cli.test_commands import check
from tests.workflows.test_demo import SMALL


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demos, "DESIGN", SMALL)


@pytest.mark.slow
def test_demo(cellfolio: Cellfolio, tmp_path: Path) -> None:
    ran = cellfolio("demo")
    assert (ran.code, ran.err) == (0, "")
    assert [line for line in ran.out.splitlines() if line[:1].isdigit()] == [
        "1. Simulate a Cell Painting experiment",
        "2. Publish it in the local registry",
        "3. Simulate what is done a week later",
        "4. Publish that as the next revision",
        "5. Get the package into a folder",
        "6. Hash every file that was put there",
        "7. Look into the package",
        "8. Compare the revisions",
        "9. Look at the cells of a site",
        "10. Measure every cell of every site",
        "11. Make a profile of each well",
        "12. See whether benchmarks find the truth",
        "13. Count the bytes",
    ]
    assert "CELLFOLIO_HOME=cellfolio-demo/home cellfolio log demo/cell-painting" in ran.out
    assert cellfolio("list", "local").out == ""  # the user's own registry was not touched
    again = cellfolio("demo", "--seed", "5")
    assert "is finished (seed 0)" in again.out
    assert "Make it anew with seed 5 with --again." in again.out


@pytest.mark.slow
def test_demo_as_json(cellfolio: Cellfolio) -> None:
    ran = cellfolio("demo", "--folder", "d", "--json")
    check(ran, "demo")
    assert not ran.document["found"]
    again = cellfolio("demo", "--folder", "d", "--json")
    assert {**again.document, "found": False} == ran.document


def test_demo_refuses_other_folders(cellfolio: Cellfolio, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    ran = cellfolio("demo", "--folder", ".", "--again")
    assert ran.code == 2
    assert "holds no demonstration" in ran.err
