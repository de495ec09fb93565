"""Tables of image files: read, compared with the names in them, and built from names."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.metadata.load_data import contradictions, image_files, load_data_table
from cellfolio.metadata.phenix_index import read_phenix_index
from cellfolio.metadata.positions import pixel_size_of, site_positions
from cellfolio.registries.plates import ImageName
from cellfolio.registries.selection import CPJUMP1_CHANNELS

images = st.builds(
    ImageName, st.integers(1, 16), st.integers(1, 24), st.integers(1, 16), st.just(1),
    st.integers(1, 8),
)  # fmt: skip


@given(st.lists(images, min_size=1, max_size=30, unique=True))
@settings(max_examples=20)
def test_built_table_names_the_images_it_was_built_from(there: list[ImageName]) -> None:
    table = load_data_table([*map(str, there), "Index.idx.xml"], "BR1", "/images")
    files = image_files(table)
    assert sorted(files["FileName"]) == sorted(map(str, there))
    assert set(files["PathName"]) == {"/images"}
    assert contradictions(files) == ()
    names = {channel.number: channel.name for channel in CPJUMP1_CHANNELS}
    columns = ("Metadata_Well", "Metadata_Site", "Metadata_Channel")
    assert {tuple(row) for row in files[list(columns)].itertuples(index=False)} == {
        (f"{'ABCDEFGHIJKLMNOP'[one.row - 1]}{one.column:02d}", one.site, names[one.channel])
        for one in there
    }
    assert len(table) == len({(one.row, one.column, one.site) for one in there})


def test_real_row_of_cpjump1(shared: Path) -> None:
    path = shared / "data/cpjump1/single_cells/BR00116991-A01-1/Image.csv"
    with path.open(newline="") as file:
        row = next(csv.DictReader(file))
    files = image_files(pd.read_csv(path))
    assert len(files) == 16
    assert contradictions(files) == ()
    for _, one in files.iterrows():
        ending = f"{one['Kind']}{one['Metadata_Channel']}"
        assert one["FileName"] == row[f"FileName_{ending}"]
        assert one["PathName"] == row[f"PathName_{ending}"]
    assert set(files["Metadata_Plate"]) == {"BR00116991"}
    assert site_positions(files) == {("A01", 1): (-0.000322907, 0.000322907)}
    assert pixel_size_of(files) == (5.979760809567617e-07, 5.979760809567617e-07)
    only_urls = pd.read_csv(path).filter(regex="^(URL_Orig|Metadata_)")
    same = files[files["Kind"] == "Orig"].reset_index(drop=True)
    again = image_files(only_urls)
    assert again["FileName"].tolist() == same["FileName"].tolist()
    assert again["PathName"].tolist() == [f"file:{one}" for one in same["PathName"]]


def test_contradictions_are_named() -> None:
    table = load_data_table(
        [str(ImageName(1, 2, 3, 1, 5)), str(ImageName(1, 2, 3, 1, 1))], "B", "/"
    )
    wrong = table.assign(
        Metadata_Well="B02", Metadata_Site=4,
        FileName_OrigMito="img_001.tif", FileName_OrigDNA=str(ImageName(1, 2, 3, 1, 4)),
    )  # fmt: skip
    found = [str(one).partition(" is ")[2] for one in contradictions(image_files(wrong))]
    assert found == [
        "not the name of a plate image",
        "of well A02, and the table says B02",
        "of site 3, and the table says 4",
        "of channel 4, and the table says 5",
    ]


def test_table_without_wells_has_rows_and_columns() -> None:
    table = load_data_table([str(ImageName(2, 3, 4, 1, 5))], "B", "/").drop(
        columns=["Metadata_Well", "Metadata_Site"]
    )
    files = image_files(table)
    assert files[["Metadata_Well", "Metadata_Site"]].values.tolist() == [["B03", 4]]


@pytest.mark.parametrize(
    ("drop", "message"),
    [
        (["FileName_OrigDNA"], "has columns FileName_Orig"),
        (["Metadata_Plate"], "a column Metadata_Plate; found"),
        (["Metadata_Well", "Metadata_Row"], "a column Metadata_Row; found"),
        (["Metadata_Site", "Metadata_FieldID"], "Metadata_Site or Metadata_FieldID"),
    ],
)
def test_other_tables_are_refused(drop: list[str], message: str) -> None:
    table = load_data_table([str(ImageName(1, 1, 1, 1, 5))], "B", "/").drop(columns=drop)
    with pytest.raises(InvalidArgument, match=message):
        image_files(table)


def test_sites_have_numbers() -> None:
    table = load_data_table([str(ImageName(1, 1, 1, 1, 5))], "B", "/")
    with pytest.raises(InvalidArgument, match="no numbers of sites"):
        image_files(table.assign(Metadata_Site="left"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.tif"], "none of the files is a plate image"),
        (["r01c01f01p01-ch1sk1fk1fl1.tiff", "r01c01f01p01-ch01sk1fk1fl1.tiff"], "are one image"),
        (["r01c01f01p01-ch9sk1fk1fl1.tiff"], r"channels \[9\] are none of"),
    ],
)
def test_names_that_make_no_table(names: list[str], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        load_data_table(names, "B", "/")


# The index of the Opera Phenix

IMAGE = """
<Image Version="1"><id>0{row}0{column}K1F{site}P1R{channel}</id><State>Ok</State>
<URL>r0{row}c0{column}f0{site}p01-ch{channel}sk1fk1fl1.tiff</URL><Row>{row}</Row>
<Col>{column}</Col><FieldID>{site}</FieldID><PlaneID>1</PlaneID><TimepointID>0</TimepointID>
<ChannelID>{channel}</ChannelID>{more}<PositionX Unit="m">{x}</PositionX>
<PositionY Unit="m">{y}</PositionY></Image>"""
EACH = (
    '<ImageResolutionX Unit="m">6E-07</ImageResolutionX><ImageResolutionY>6E-07</ImageResolutionY>'
)
INDEX = """\ufeff<?xml version="1.0" encoding="utf-8"?>
<EvaluationInputData xmlns="43B2A954-E3C3-47E1-B392-6635266B0DD3/HarmonyV5"><Plates><Plate>
<PlateID>BR1</PlateID><Name>pilot</Name></Plate></Plates>{maps}<Images>{images}</Images>
</EvaluationInputData>"""
MAPS = "<Maps><Map>{}</Map></Maps>".format(
    "".join(f'<Entry ChannelID="{n}"><ChannelName>c{n}</ChannelName>{EACH}</Entry>' for n in (5, 9))
)


def index(*, shared_by_channel: bool) -> str:
    listed = [
        IMAGE.format(
            row=row, column=column, site=site, channel=channel, x=site * 1e-4, y=-site * 1e-4,
            more="" if shared_by_channel else EACH,
        )
        for row, column, site, channel in product((1, 2), (1,), (1, 2), (5, 9))
    ]  # fmt: skip
    return INDEX.format(maps=MAPS if shared_by_channel else "", images="".join(listed))


@pytest.mark.parametrize("shared_by_channel", [False, True])
def test_index_of_the_opera_phenix(shared_by_channel: bool) -> None:
    files = read_phenix_index(index(shared_by_channel=shared_by_channel))
    assert len(files) == 8
    assert set(files["Metadata_Plate"]) == {"BR1"}
    assert set(files["Metadata_Channel"]) == {"DNA", "c9" if shared_by_channel else "9"}
    assert contradictions(files) == ()
    assert pixel_size_of(files) == (6e-7, 6e-7)
    assert site_positions(files) == {
        (well, site): (site * 1e-4, -site * 1e-4) for well in ("A01", "B01") for site in (1, 2)
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<a/>", "tells no image"),
        ("<a", "cannot be parsed"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "entities, which are refused"),
        (index(shared_by_channel=False).replace("<Row>1<", "<Row>one<"), "is no number"),
    ],
)
def test_broken_index_is_named(text: str, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason) as caught:
        read_phenix_index(text, name="plate/Index.idx.xml")
    assert caught.value.path == "plate/Index.idx.xml"


def test_positions_need_one_plate_and_columns() -> None:
    files = image_files(load_data_table([str(ImageName(1, 1, 1, 1, 5))], "B", "/"))
    with pytest.raises(
        InvalidArgument, match="no column Metadata_PositionX and Metadata_PositionY"
    ):
        site_positions(files)
    both = pd.concat([files, files.assign(Metadata_Plate="C")])
    with pytest.raises(InvalidArgument, match="2 plates; expected one"):
        site_positions(both)
    for sizes in ([6e-7, 7e-7], [0, 0]):
        told = pd.concat([files, files]).assign(
            Metadata_ImageResolutionX=sizes, Metadata_ImageResolutionY=6e-7
        )
        with pytest.raises(InvalidArgument, match="sizes of a pixel; expected one"):
            pixel_size_of(told)
