"""Pages about plates: whole, safe, the same again."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from cellfolio.errors import InvalidArgument, ObjectNotFound
from cellfolio.evaluation import PlateDesign
from cellfolio.imaging.saving import save_figure
from cellfolio.workflows.embedding import draw_embedding
from cellfolio.workflows.quality import file_name, quality, write_quality_page
from tests.profiles.plates import CONTROLS, make_plate

DESIGN = PlateDesign(("drug",), CONTROLS)
DRUGS = PlateDesign(("Metadata_drug",))
EVIL = "<script>alert(1)</script>\"'&{{7*7}}$\\frac{\u202e"
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "p", "dl", "dt", "dd",
    "small", "nav", "a", "main", "section", "figure", "figcaption", "img", "table", "thead",
    "tbody", "tr", "th", "td", "div",
}  # fmt: skip


class Reader(HTMLParser):
    """Collects tags, attributes and text of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def tables(tmp_path: Path) -> list[Path]:
    """Two plates, one with few wells, before and after some features were dropped."""
    few = make_plate(2).assign(Metadata_Plate="P2").head(8)
    first = pd.concat([make_plate(1), few])
    first.iloc[5, 4] = np.nan
    first.to_csv(tmp_path / "all.csv.gz", index=False)
    first.drop(columns=list(first.columns[4:24])).to_parquet(tmp_path / "some.parquet")
    return [tmp_path / "all.csv.gz", tmp_path / "some.parquet"]


def test_page_of_each_plate_tells_what_was_found(tables: list[Path], tmp_path: Path) -> None:
    pages = quality(tables, tmp_path / "out", DESIGN)
    assert [page.plate for page in pages] == ["P1", "P2"]
    page = pages[0]
    read = Reader(page.path)
    assert read.tags <= TAGS
    for what in (
        "some.parquet has 20 features, all.csv.gz has 40.",
        "all.csv.gz → some.parquet",
        f"16 wells by {CONTROLS}.",
        "20 of 20 perturbations with replicates",
    ):
        assert what in read.text
    for path in tables:
        assert hashlib.sha256(path.read_bytes()).hexdigest() in read.text
    names = sorted(path.name for path in page.pictures)
    kinds = ["controls", "distance", "features", "missing", "objects", "places", "replicates"]
    assert names == sorted(f"{kind}.{form}" for kind in kinds for form in ("png", "svg"))
    shown = [value for name, value in read.attributes if name == "src"]
    assert len(shown) == len(kinds)
    embedded = {base64.b64decode(one.removeprefix("data:image/png;base64,")) for one in shown}
    assert embedded == {path.read_bytes() for path in page.pictures if path.suffix == ".png"}
    for png in embedded:
        assert Picture.open(io.BytesIO(png)).size[0] > 500
    # It needs no other file, and can do nothing.
    links = [value for name, value in read.attributes if name in ("href", "src", "action")]
    assert all(link.startswith(("#section-", "data:image/png;base64,")) for link in links)
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    policy = [value for name, value in read.attributes if value.startswith("default-src")]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert "http" not in read.text


@pytest.mark.slow
def test_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_quality_page("P1", {"all": make_plate(1)}, tmp_path / folder, DRUGS)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 1 + 2 * 3
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


def test_hostile_names_are_shown_as_they_are(tmp_path: Path) -> None:
    plate = make_plate().replace({"Metadata_drug": {"drug 03": EVIL}})
    names = {
        plate.columns[4]: f"Cells_Texture_Contrast_{EVIL}",
        "Metadata_drug": f"Metadata_{EVIL}",
    }
    plate = plate.rename(columns=names)
    plate.loc[3, f"Cells_Texture_Contrast_{EVIL}"] = np.nan
    stages = {EVIL: plate, "selected": plate.drop(columns=list(plate.columns[8:12]))}
    design = PlateDesign((f"Metadata_{EVIL}",))
    inputs = {f"{EVIL}.csv": "sha256:0"}
    page = write_quality_page(f"../{EVIL}", stages, tmp_path / "out", design, inputs=inputs)
    read = Reader(page.path)
    assert read.tags <= TAGS
    assert "<script>alert(1)</script>" in read.text
    assert "\u202e" not in read.text
    assert "\\u202e" in read.text
    assert "{{7*7}}" in read.text
    assert page.path.parent == tmp_path / "out"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out"]
    for path in page.pictures:
        assert path.parent.parent == tmp_path / "out"


@given(st.text(max_size=40), st.text(max_size=40))
def test_plates_get_files_of_their_own(one: str, other: str) -> None:
    names = [file_name(one), file_name(other)]
    assert (names[0] == names[1]) == (one == other)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name)


def test_little_is_enough_for_a_page(tmp_path: Path) -> None:
    """One table without controls, replicates, objects or places."""
    table = make_plate().drop(columns=["Metadata_Object_Count", "Metadata_Plate", "Metadata_drug"])
    table["Metadata_Well"] = [f"well {n}" for n in range(96)]
    table.iloc[:5].to_csv(tmp_path / "few.csv", index=False)
    (page,) = quality(tmp_path / "few.csv", tmp_path / "out")
    assert (page.plate, page.pictures) == ("few", ())
    text = Reader(page.path).text
    for told in ("No negative controls were named", "None is missing", "No column was named"):
        assert told in text


def test_bad_input_is_told_and_leaves_nothing(tables: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InvalidArgument, match="found none"):
        quality([], out)
    with pytest.raises(ObjectNotFound):
        quality([tables[0], tmp_path / "absent.csv"], out)
    with pytest.raises(InvalidArgument, match="named twice"):
        quality([tables[0], tables[0]], out)
    with pytest.raises(InvalidArgument, match="P1: no well is a negative control") as raised:
        quality(tables, out, PlateDesign(reference="Metadata_drug == 'dmso'"))
    assert raised.value.hint
    with pytest.raises(InvalidArgument, match="no column 'dose'"):
        quality(tables, out, PlateDesign(("dose",)))
    make_plate().to_csv(tmp_path / "one.csv", index=False)
    with pytest.raises(InvalidArgument, match="1 are only in one of them, such as P2"):
        quality([tables[0], tmp_path / "one.csv"], out)
    assert not out.exists()


# Embeddings


@settings(max_examples=10)
@given(st.sampled_from(["drug", "Metadata_Object_Count", "Metadata_Plate"]))
def test_points_are_coloured_by_any_column(color: str) -> None:
    figure = draw_embedding(make_plate(features=6), color, title="P1")
    axes = figure.axes[0]
    assert axes.get_xlabel().startswith("PC 1 (")
    assert sum(len(np.asarray(one.get_offsets())) for one in axes.collections) == 96
    assert (axes.get_legend() is None) == (color == "Metadata_Object_Count")


def test_hostile_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    plate = make_plate(features=6).rename(columns={"Metadata_Object_Count": "Metadata_$\\frac{"})
    plate = plate.replace({"Metadata_drug": {"DMSO": "$\\frac{", "drug 03": "_$x$"}})
    for color in ("drug", "$\\frac{"):
        save_figure(draw_embedding(plate, color, title="$\\frac{"), tmp_path / "points.svg")
    assert (tmp_path / "points.svg").stat().st_size > 1000


def test_column_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(InvalidArgument, match="no column 'drugg'") as raised:
        draw_embedding(make_plate(), "drugg")
    assert raised.value.hint == "did you mean drug?"
