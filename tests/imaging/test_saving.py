"""Figures are saved whole or not at all, and always the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.saving import png_bytes, save_figure

STARTS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


def a_figure() -> Figure:
    figure = Figure(figsize=(2, 1.5))
    axes = figure.add_subplot()
    axes.imshow(np.arange(12).reshape(3, 4))
    axes.set_title("DNA, 5 µm")
    return figure


@pytest.mark.parametrize("form", STARTS)
def test_the_suffix_decides_and_the_same_figure_gives_the_same_bytes(
    tmp_path: Path, form: str
) -> None:
    one, other = tmp_path / f"one.{form}", tmp_path / f"other.{form.upper()}"
    save_figure(a_figure(), one)
    save_figure(a_figure(), other)
    assert one.read_bytes().startswith(STARTS[form])
    assert one.read_bytes() == other.read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted([one, other])


@pytest.mark.slow
def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.imaging.test_saving import *\n"
        "for form in STARTS: save_figure(a_figure(), Path(sys.argv[1], 'x.' + form))"
    )
    folder = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=folder, check=True)
    for form in STARTS:
        save_figure(a_figure(), tmp_path / f"y.{form}")
        assert (tmp_path / f"x.{form}").read_bytes() == (tmp_path / f"y.{form}").read_bytes()


def test_bytes_of_a_png() -> None:
    assert png_bytes(a_figure()).startswith(STARTS["png"])


@pytest.mark.parametrize("name", ["cells", "cells.jpg", "cells.png.gz"])
def test_other_suffixes_are_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArgument, match=r"\.png, \.svg or \.pdf"):
        save_figure(a_figure(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="there is no folder"):
        save_figure(a_figure(), tmp_path / "not here" / "cells.png")


def test_a_failed_picture_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "cells.png"
    path.write_bytes(b"old")
    figure = a_figure()
    figure.axes[0].set_title(r"$\nothing_such{$")
    with pytest.raises(ValueError, match="nothing_such"):
        save_figure(figure, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
