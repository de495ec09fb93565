"""Pages tell of a plate's images, with profiles or without."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.workflows.quality import quality
from tests.evaluation.sites import lower, make_images
from tests.profiles.plates import make_plate
from tests.workflows.test_quality import EVIL, TAGS, Reader


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two plates; a site of the first is out of focus, one of the second is empty."""
    first, second = make_images(), make_images(1, plate="P2")
    lower(first, 5, "ImageQuality_PowerLogLogSlope_RNA", 2)
    second.loc[3, "Count_Cells"] = 0
    path = tmp_path / "image.csv.gz"
    pd.concat([first, second]).to_csv(path, index=False)
    return path


def test_pages_of_images_alone(images: Path, tmp_path: Path) -> None:
    pages = quality((), tmp_path / "pages", images=images)
    assert [page.plate for page in pages] == ["P1", "P2"]
    first, second = pages
    assert first.quality is None
    assert first.sites is not None
    assert [flag.kind for flag in first.sites.flags] == ["out of focus"]
    names = {path.name for path in first.pictures if path.suffix == ".png"}
    assert names == {"site-objects.png", "site-flags.png", "site-focus.png"}
    page = Reader(first.path)
    digest = hashlib.sha256(images.read_bytes()).hexdigest()
    assert page.tags <= TAGS
    for text in ("Sites to look at", "A02", "out of focus", digest):
        assert text in page.text
    assert "it has no cells" in Reader(second.path).text


def test_pages_of_profiles_tell_of_images_too(images: Path, tmp_path: Path) -> None:
    profiles = tmp_path / "profiles.csv"
    make_plate(1).assign(Metadata_Plate="P1").to_csv(profiles, index=False)
    (page,) = quality(profiles, tmp_path / "pages", images=images)
    assert page.quality is not None
    text = Reader(page.path).text
    assert text.index("Wells to look at") < text.index("Sites to look at")
    for path in (profiles, images):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text
    make_plate(1).assign(Metadata_Plate="P9").to_csv(profiles, index=False)
    with pytest.raises(InvalidArgument, match="has no images of the plate P9"):
        quality(profiles, tmp_path / "pages", images=images)


@pytest.mark.slow
def test_twice_gives_the_same_bytes(images: Path, tmp_path: Path) -> None:
    one, other = (quality((), tmp_path / name, images=images)[0] for name in "ab")
    assert one.path.read_bytes() == other.path.read_bytes()
    for first, second in zip(one.pictures, other.pictures, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_names_of_strangers_do_no_harm(tmp_path: Path) -> None:
    table = make_images(plate=EVIL).replace("A02", EVIL)
    table.columns = [str(name).replace("RNA", EVIL) for name in table]
    table["Metadata_Problem"] = EVIL
    table.to_parquet(tmp_path / "image.parquet")
    (page,) = quality((), tmp_path / "pages", images=tmp_path / "image.parquet")
    assert Reader(page.path).tags <= TAGS
    assert {path.name for path in page.pictures} == {"site-focus.png", "site-focus.svg"}


@pytest.mark.parametrize("text", ["Metadata_Plate\nP1\n", "Metadata_Well\n", "a,b\n1,2\n"])
def test_tables_of_something_else_are_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "image.csv"
    path.write_text(text)
    with pytest.raises(InvalidArgument, match="table of images"):
        quality((), tmp_path / "pages", images=path)
    assert not (tmp_path / "pages").exists()
