"""`cellfolio view`: a picture in a file, in the terminal, or facts; and clear refusals."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile

from cellfolio.cli.preview import blocks, choose_way, iterm, kitty
from cellfolio.formats.images import PixelSize, write_ome_tiff
from tests.cli.conftest import PROGRAM, Cellfolio
from tests.cli.test_commands import check


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Two channels, three depths."""
    pixels = np.random.default_rng(0).integers(1, 999, (2, 3, 40, 50)).astype(np.uint16)
    path = tmp_path / "cells.ome.tiff"
    size = PixelSize(0.5, 0.5, 1.0)
    write_ome_tiff(path, pixels, "CZYX", channels=("DNA", "ER"), pixel_size=size)
    return path


@pytest.mark.parametrize("name", ["out.png", "out.svg", "out.pdf"])
def test_a_picture_is_saved(cellfolio: Cellfolio, cells: Path, tmp_path: Path, name: str) -> None:
    ran = cellfolio("view", cells.name, "-o", name)
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "cells.ome.tiff"
    assert lines[-1].startswith(f"{name}: ")
    assert (tmp_path / name).stat().st_size > 1000


def test_the_document_tells_what_was_shown(cellfolio: Cellfolio, cells: Path) -> None:
    look = ("--channels", "er,DNA", "--range", "0,500")
    ran = cellfolio("view", cells, *look, "-o", "a.png", "--json")
    check(ran, "view")
    document = ran.document
    assert document["images"][0]["shape"] == [2, 3, 40, 50]
    assert document["images"][0]["pixel_size"] == {"x": 0.5, "y": 0.5, "z": 1.0}
    assert [one["name"] for one in document["channels"]] == ["ER", "DNA"]
    assert document["channels"][0]["limits"] == [[0, 500]]
    assert (document["picture"], document["scale_bar"]) == ("a.png", 5)
    shape = imagecodecs.imread("a.png").shape
    assert shape[:2] == (document["height"], document["width"])


def test_facts_without_a_picture(cellfolio: Cellfolio, cells: Path) -> None:
    ran = cellfolio("view", cells)
    assert ran.out.splitlines() == [
        "cells.ome.tiff",
        "  axes        C 2 × Z 3 × Y 40 × X 50, uint16",
        "  channels    DNA, ER",
        "  pixel size  x 0.5 µm, y 0.5 µm, z 1 µm",
        "-o FILE.png saves a picture",
    ]
    ran = cellfolio("view", cells, "--json")
    check(ran, "view")
    assert ran.document["picture"] is ran.document["channels"] is None


@pytest.mark.slow
def test_every_option_is_heard(cellfolio: Cellfolio, cells: Path, tmp_path: Path) -> None:
    labels = np.zeros((40, 50), np.uint8)
    labels[10:20, 10:30] = 1
    tifffile.imwrite(tmp_path / "seg.tif", labels)
    plain = pixels_of(cellfolio, cells)
    for options in (
        ["--channels", "1"], ["--z", "0"], ["--project", "mean"], ["--style", "composite"],
        ["--contrast", "10,90"], ["--range", "1,50"], ["--colours", "red,00ff00"],
        ["--overlay", "seg.tif"], ["--overlay", "seg.tif", "--outline-colour", "red"],
        ["--overlay", "seg.tif", "--fill"], ["--no-scale-bar"], ["--pixel-size", "7"],
        ["--size", "100"],
    ):  # fmt: skip
        found = pixels_of(cellfolio, cells, *options)
        assert found.shape != plain.shape or (found != plain).any(), options


def pixels_of(cellfolio: Cellfolio, *words: object) -> np.ndarray:
    ran = cellfolio("view", *words, "-o", "x.png")
    assert ran.code == 0, ran.err
    found: np.ndarray = imagecodecs.imread("x.png")
    return found


def test_what_was_left_out_is_noted(cellfolio: Cellfolio, tmp_path: Path) -> None:
    path = tmp_path / "bf.ome.tiff"
    write_ome_tiff(path, np.ones((2, 9, 9), "u1"), "CYX", channels=("DNA", "Brightfield"))
    ran = cellfolio("view", path, "--style", "composite", "-o", "x.png")
    assert ran.err == "note: left out of the composite, unless asked for: Brightfield\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["-o", "x.jpg"], 2, "saved as .png, .svg or .pdf"),
        (["-o", "nowhere/x.png"], 2, "there is no folder"),
        (["-o", "x.png", "--channels", "RNA"], 2, "no channel is called 'RNA'"),
        (["-o", "x.png", "--z", "9"], 2, "no number 9 along Z"),
        (["-o", "x.png", "--t", "1"], 2, "no number 1 along T"),
        (["-o", "x.png", "--z", "1", "--project", "max"], 2, "both given"),
        (["-o", "x.png", "--range", "1"], 2, "expected two numbers"),
        (["-o", "x.png", "--contrast", "a,b"], 2, "expected two numbers"),
        (["-o", "x.png", "--contrast", "9,1"], 2, "from 0 to 100"),
        (["-o", "x.png", "--contrast", "1,9", "--range", "1,9"], 2, "use one"),
        (["-o", "x.png", "--colours", "blurple,red"], 2, "'blurple' is no colour"),
        (["-o", "x.png", "--overlay", "no.tif"], 3, "no.tif does not exist"),
        (["-o", "x.png", "--style", "plate"], 2, "does not tell its well"),
        (["-o", "x.png", "--info", "no.json"], 3, "no.json does not exist"),
        (["no.tiff"], 3, "no.tiff does not exist"),
        (["cut.tiff"], 5, "cut.tiff cannot be read"),
        (["text.tiff"], 2, "text.tiff cannot be opened"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    cellfolio: Cellfolio, cells: Path, tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    (tmp_path / "cut.tiff").write_bytes(cells.read_bytes()[:500])
    (tmp_path / "text.tiff").write_bytes(b"not an image")
    before = sorted(tmp_path.iterdir())
    ran = cellfolio("view", *([cells] if words[0] == "-o" else []), *words)
    assert ran.code == code, ran.err
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert sorted(tmp_path.iterdir()) == before


# In the terminal


def in_terminal(folder: Path, *words: str, **environment: str) -> str:
    """Run a command whose output is a terminal; return what it shows."""
    reader, writer = pty.openpty()
    known = {k: v for k, v in os.environ.items() if k not in ("COLORTERM", "NO_COLOR", "TMUX")}
    done = subprocess.Popen(
        [*PROGRAM, *words], stdout=writer, stderr=subprocess.PIPE, cwd=folder,
        env={**known, "TERM": "xterm", **environment},
    )  # fmt: skip
    os.close(writer)
    found = b""
    try:
        while piece := os.read(reader, 65536):
            found += piece
    except OSError:  # Linux's way to say that the other end is closed.
        pass
    finally:
        os.close(reader)
        assert done.wait(60) == 0, done.stderr and done.stderr.read()
        if done.stderr:
            done.stderr.close()
    return found.decode()


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({"TERM": "xterm-kitty"}, "\x1b_Ga=T,f=100,"),
        pytest.param(
            {"TERM_PROGRAM": "iTerm.app"}, "\x1b]1337;File=inline=1;", marks=pytest.mark.slow
        ),
        pytest.param({"COLORTERM": "truecolor"}, "\x1b[38;2;", marks=pytest.mark.slow),
        ({"TERM": "xterm-256color"}, "\x1b[38;5;"),
    ],
    ids=["kitty", "iterm", "truecolour", "256 colours"],
)
def test_a_terminal_shows_what_it_can(cells: Path, environment: dict[str, str], shown: str) -> None:
    found = in_terminal(cells.parent, "view", cells.name, **environment)
    assert shown in found
    assert "channels" in found


def test_a_terminal_that_shows_nothing_is_told_facts(cells: Path) -> None:
    found = in_terminal(cells.parent, "view", cells.name, NO_COLOR="1", COLORTERM="truecolor")
    assert "▀" not in found
    assert "-o FILE.png" in found


def test_inside_of_tmux_pictures_are_blocks() -> None:
    inside = {"TERM": "tmux-256color", "TMUX": "/tmp/x", "KITTY_WINDOW_ID": "1"}
    assert choose_way(inside) == "256 colours"
    assert choose_way({**inside, "COLORTERM": "truecolor"}) == "truecolour"


def test_blocks_are_the_pixels() -> None:
    pixels = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)
    (line,) = blocks(pixels, 80, truecolour=True)
    assert line == ("\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[38;2;0;255;0;48;2;255;255;255m▀\x1b[0m")
    (line,) = blocks(pixels, 80, truecolour=False)
    assert line == "\x1b[38;5;196;48;5;21m▀\x1b[38;5;46;48;5;231m▀\x1b[0m"
    lines = list(blocks(np.zeros((300, 200, 3), np.uint8), 40, truecolour=True))
    assert len(lines) == 30


def test_protocols_carry_the_whole_picture() -> None:
    import base64
    import re

    png = bytes(range(256)) * 40
    (shown,) = kitty(png, 30)
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", shown)
    assert pieces[0][0] == "a=T,f=100,c=30,m=1"
    assert [head for head, _ in pieces[1:]] == ["m=1"] * (len(pieces) - 2) + ["m=0"]
    assert base64.b64decode("".join(body for _, body in pieces)) == png
    assert all(len(body) <= 4096 for _, body in pieces)
    (shown,) = iterm(png, 30)
    head, _, body = shown.partition(":")
    assert f"size={len(png)}" in head
    assert base64.b64decode(body.rstrip("\x07")) == png
