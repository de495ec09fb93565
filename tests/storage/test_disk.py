"""Writing files and folders whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfolio.storage.disk import remove_unfinished, writing


@pytest.mark.parametrize("suffix", ["", ".csv.gz"])
@pytest.mark.parametrize("name", ["a.csv.gz", "x" * 255, "é" * 127])
def test_file_appears_when_it_is_whole(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / name
    path.write_text("before")
    with writing(path, suffix) as unfinished:
        unfinished.write_text("after")
        assert unfinished.name.endswith(suffix)
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("folder", [False, True])
def test_nothing_stays_of_what_failed(tmp_path: Path, folder: bool) -> None:
    path = tmp_path / "made"
    with pytest.raises(RuntimeError), writing(path) as unfinished:
        (unfinished if folder else unfinished.parent).mkdir(exist_ok=True)
        (unfinished / "part" if folder else unfinished).write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_folder_gets_its_name(tmp_path: Path) -> None:
    with writing(tmp_path / "made") as unfinished:
        unfinished.mkdir()
        (unfinished / "part").write_text("whole")
    assert (tmp_path / "made/part").read_text() == "whole"


@pytest.mark.parametrize("suffix", ["", ".h5ad"])
def test_what_a_killed_run_leaves_is_found(tmp_path: Path, suffix: str) -> None:
    with writing(tmp_path / "a.h5ad", suffix) as unfinished:
        unfinished.write_text("half")
        assert remove_unfinished(tmp_path, {"b.h5ad"}) == 0
        assert remove_unfinished(tmp_path, {"a.h5ad"}) == 1
        unfinished.write_text("whole")
