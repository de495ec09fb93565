"""The Cell Painting Gallery: its layout, and the table of the plates of CPJUMP1."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.registries.gallery import (
    GalleryLayout,
    PlateRecord,
    parse_gallery_key,
    parse_plate_folder,
    read_plates,
)
from cellfolio.storage.places import parse_uri

SOURCE = "cpg0000-jump-pilot/source_4"


@pytest.fixture(scope="session")
def table() -> tuple[PlateRecord, ...]:
    """The table of plates that comes with the library."""
    data = files("cellfolio.registries") / "data" / "cpjump1_plates.csv"
    return read_plates(data.read_text(encoding="utf-8"))


def test_table_has_every_plate_of_the_published_readme(
    shared: Path, table: tuple[PlateRecord, ...]
) -> None:
    (seed,) = (shared / "seeds").glob("003*")
    batch, told = "", []
    for line in seed.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            batch = line.strip("# ")
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and cells[2].isdecimal():
            told.append(PlateRecord(batch, cells[0], cells[1], int(cells[2])))
    assert list(table) == told
    assert len(told) == 107
    assert len({record.batch for record in told}) == 6


def test_table_agrees_with_the_published_experiment_table(
    shared: Path, table: tuple[PlateRecord, ...]
) -> None:
    lines = (shared / "data/cpjump1/published/map/experiment-metadata.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines[1:]]
    told = {(row[0], row[2]): int(row[-1]) for row in rows if not row[0].endswith("_DL")}
    assert {(one.batch, one.plate): one.expected_images for one in table} == told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "begins with batch,plate"),
        ("plate,batch,description,images\n", "begins with batch,plate"),
        ("batch,plate,description,images\na,b,c\n", "line 2 .* a number of images"),
        ("batch,plate,description,images\na,b,c,1\na,b,c,-2\n", "line 3 .* a number of images"),
        ("batch,plate,description,images\na,b,c,1\na,b,d,2\n", "line 3: plate b is in a twice"),
    ],
)
def test_broken_table_of_plates_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        read_plates(text)


names = st.from_regex(r"[A-Za-z0-9_+ ]{1,12}", fullmatch=True)


@given(names, names)
def test_keys_of_the_layout_are_read_back(batch: str, plate: str) -> None:
    layout = GalleryLayout(f"s3://cellpainting-gallery/{SOURCE}")
    folder = f"{plate}__2020-11-08T18_18_00-Measurement1"
    for place, part in [
        (layout.plate_images(batch, folder), "images"),
        (layout.illumination(batch, plate), "illum"),
        (layout.load_data(batch, plate), "load_data_csv"),
        (layout.profiles(batch, plate), "profiles"),
    ]:
        assert parse_uri(place.uri) == place
        found = parse_gallery_key(f"{place.path}/file.x")
        assert found is not None
        assert (found.project, found.source) == tuple(SOURCE.split("/"))
        assert (found.part, found.batch, found.plate) == (part, batch, plate)
        assert f"{place.path}/file.x".endswith(f"{found.folder}/{found.rest}")
    maps = parse_gallery_key(f"{layout.platemaps(batch).path}/barcode_platemap.csv")
    assert maps is not None
    assert (maps.part, maps.batch, maps.plate) == ("metadata", batch, None)
    known = parse_gallery_key(f"{layout.external_metadata().path}/x.tsv")
    assert known is not None
    assert (known.batch, known.rest) == (None, "external_metadata/x.tsv")


@pytest.mark.parametrize(
    "key",
    ["", "a", "index.html", "a/b/images/c", "a/b/other/c/d", "a/b/images/c/d", "a//images/c/d/e"],
)
def test_keys_of_another_layout_are_not_read(key: str) -> None:
    assert parse_gallery_key(key) is None


@given(st.text("abc/", max_size=12), st.sampled_from(["images", "workspace", "workspace_dl"]))
def test_any_key_is_read_or_none(rest: str, area: str) -> None:
    for key in (rest, f"p/s/{area}/{rest}", f"p/s/{area}/profiles/{rest}"):
        found = parse_gallery_key(key)
        assert found is None or key.endswith(found.rest)


def test_plate_folders() -> None:
    exported = parse_plate_folder("BR00116991A__2020-12-08T19_51_35-Measurement2")
    assert (exported.barcode, exported.time) == ("BR00116991A", "2020-12-08T19_51_35")
    assert exported.measurement == 2
    assert parse_plate_folder("BR00116991").barcode == "BR00116991"
    assert parse_plate_folder("A__B").barcode == "A__B"
