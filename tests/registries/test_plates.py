"""Names of wells, channels, sites and image files, and what a user's words select."""

from __future__ import annotations

import csv
from pathlib import Path
from string import ascii_uppercase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.registries.plates import (
    PLATE_384,
    PLATE_1536,
    PLATES,
    ImageName,
    PlateFormat,
    Well,
    match_image_name,
    name_numbers,
    name_wells,
    parse_image_name,
    parse_well,
    parse_wells,
    smallest_plate,
)
from cellfolio.registries.selection import (
    CPJUMP1_CHANNELS,
    Grid,
    parse_channel,
    parse_channels,
    parse_selection,
    parse_sites,
)

wells_1536 = st.builds(Well, st.integers(1, 32), st.integers(1, 48))
wells_384 = st.builds(Well, st.integers(1, 16), st.integers(1, 24))
two_digits = st.integers(1, 99)
images = st.builds(
    ImageName,
    *[two_digits] * 5,
    sk=st.integers(0, 9999),
    fk=st.integers(0, 9999),
    fl=st.integers(0, 9999),
)

# Letters of all rows of a 1536-well plate, said otherwise than the code does.
ROWS = [*ascii_uppercase, "AA", "AB", "AC", "AD", "AE", "AF"]


@given(wells_1536)
def test_well_there_and_back(well: Well) -> None:
    assert str(well) == f"{ROWS[well.row - 1]}{well.column:02d}"
    assert parse_well(str(well)) == well
    assert parse_well(f" {ROWS[well.row - 1].lower()}{well.column}") == well


@pytest.mark.parametrize(
    "text",
    [
        *["", "A", "1", "A00", "A49", "AG01", "ZZ1", "1A", "A٣", "A100", "A0001", "A--1", "ſ1"],
        *[
            "17",
            "0101",
            "001001",
            "1,2",
            "1-2",
            "(0,1)",
            "(1,0)",
            "(33,1)",
            "(1,49)",
            "(1,2",
            "1.0",
        ],
        *["r0c1", "r33c1", "r1c49", "c1r1", "c1r", "Well", "Well_", "A1.5", "A1 B2", "nan"],
    ],
)
def test_what_is_no_well_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="well"):
        parse_well(text)


def customary_forms(row: int, column: int) -> list[str]:
    letters = ROWS[row - 1]
    plain = [f"{letters}{column}", f"{letters}{column:02d}", f"{letters}{column:03d}"]
    apart = [f"{letters}{between}{column:02d}" for between in "-_ "]
    worded = [f"{word}{letters}{column:02d}" for word in ("Well", "Well_", "well ", "WELL: ")]
    counted = [f"r{row:02d}c{column:02d}", f"R{row}C{column}", f"row {row}, column {column}"]
    counted += [f"Row{row} Col{column}", f"Well r{row}-c{column}", f"({row},{column})"]
    return [*plain, *apart, *worded, *counted, f" ( {row}, {column} ) "]


@given(wells_1536)
def test_every_customary_form_names_the_well(well: Well) -> None:
    for text in customary_forms(well.row, well.column):
        assert parse_well(text) == parse_well(text.lower()) == parse_well(text.upper()) == well


def test_every_customary_form_is_checked_against_the_plate() -> None:
    for text in customary_forms(17, 1) + customary_forms(1, 25):
        with pytest.raises(InvalidArgument, match="384-well plate has A01 to P24"):
            parse_well(text, PLATE_384)


@pytest.mark.parametrize(
    ("size", "last"),
    [(6, "B03"), (12, "C04"), (24, "D06"), (48, "F08"), (96, "H12"), (384, "P24"), (1536, "AF48")],
)
def test_the_usual_plates(size: int, last: str) -> None:
    assert PLATES[size].size == size
    wells = list(PLATES[size].wells())
    assert (str(wells[0]), str(wells[-1]), len(set(wells))) == ("A01", last, size)
    assert smallest_plate(wells) == smallest_plate([wells[-1]]) == PLATES[size]


def test_no_plate_has_that_well() -> None:
    with pytest.raises(InvalidArgument, match="AG01 is not on the largest plate"):
        smallest_plate([Well(1, 1), Well(33, 1)])


def test_wells_outside_the_plate_are_refused() -> None:
    for word in ("Q01", "A25", "Q", "25", "A01-Q02", "P24-A25"):
        with pytest.raises(InvalidArgument, match="384-well plate has A01 to P24"):
            parse_wells(word)
    assert parse_wells("AF48", PLATE_1536) == (Well(32, 48),)


@given(wells_384, wells_384)
def test_range_is_the_rectangle_between_its_corners(one: Well, two: Well) -> None:
    rows, columns = sorted([one.row, two.row]), sorted([one.column, two.column])
    expected = [
        well
        for well in PLATE_384.wells()
        if rows[0] <= well.row <= rows[1] and columns[0] <= well.column <= columns[1]
    ]
    assert list(parse_wells(f"{one}-{two}")) == expected
    assert list(parse_wells(f"{two} - {one}")) == expected


def test_rows_columns_and_lists() -> None:
    assert parse_wells("b") == tuple(Well(2, column) for column in range(1, 25))
    assert parse_wells("03") == parse_wells("3") == tuple(Well(row, 3) for row in range(1, 17))
    assert parse_wells("A-P") == parse_wells("1-24") == tuple(PLATE_384.wells())
    assert parse_wells(["A05, A01", "A05"]) == (Well(1, 1), Well(1, 5))
    assert parse_wells([]) == ()


@pytest.mark.parametrize(
    "word", ["A-3", "A01-B", "1-B2", "A01-", "-A01", "A1-B2-C3", "*", "A01;A02"]
)
def test_mixed_or_broken_ranges_are_refused(word: str) -> None:
    with pytest.raises(InvalidArgument, match="expected"):
        parse_wells(word)


@pytest.mark.parametrize("parse", [parse_wells, parse_sites, parse_channels])
@pytest.mark.parametrize("word", ["", " ", "1,", ",1"])
def test_empty_word_does_not_come_to_mean_everything(parse: object, word: str) -> None:
    assert callable(parse)
    for words in (word, [word], ["1", word]):
        with pytest.raises(InvalidArgument, match="empty name"):
            parse(words)


@given(st.sets(wells_384, min_size=1))
def test_short_form_of_wells_names_the_same_wells(wells: set[Well]) -> None:
    assert parse_wells(name_wells(wells)) == tuple(sorted(wells))


@given(wells_384, wells_384)
def test_short_form_of_a_rectangle_is_one_word(one: Well, two: Well) -> None:
    assert "," not in name_wells(parse_wells(f"{one}-{two}"))


@given(st.sets(two_digits, min_size=1))
def test_short_form_of_numbers_names_the_same_sites(sites: set[int]) -> None:
    assert parse_sites(name_numbers(sites)) == tuple(sorted(sites))


@pytest.mark.parametrize("word", ["0", "4-1", "100", "1-100", "x", "1-2-3", "-1", "1.5", "٣"])
def test_impossible_sites_are_refused(word: str) -> None:
    with pytest.raises(InvalidArgument, match="from 1 to 99"):
        parse_sites(word)


@given(images)
def test_image_name_there_and_back(image: ImageName) -> None:
    assert parse_image_name(str(image)) == image


@given(images)
def test_two_digit_channel_and_short_suffix_are_the_same_image(image: ImageName) -> None:
    name = str(image).replace(f"-ch{image.channel}sk", f"-ch{image.channel:02}sk")
    assert match_image_name(name) == image
    assert match_image_name(name.removesuffix("f")) == image
    assert match_image_name(name.upper()) == match_image_name(str(image).upper()) == image


@given(st.from_regex(r"r\d\dc\d\df\d\dp\d\d-ch\d\d?sk\dfk\dfl\d\.tiff?", fullmatch=True))
@example("r00c01f01p01-ch1sk1fk1fl1.tiff")
def test_name_that_is_read_has_all_numbers_of_its_text(name: str) -> None:
    image = match_image_name(name)
    if image is None:
        return
    assert name.isascii()
    assert image.row == int(name[1:3]) > 0
    assert image.column == int(name[4:6]) > 0
    assert image.site == int(name[7:9]) > 0


@pytest.mark.parametrize(
    "name",
    [
        "Index.idx.xml",
        "r00c01f01p01-ch1sk1fk1fl1.tiff",
        "r01c01f01p01-ch0sk1fk1fl1.tiff",
        "r01c01f01p01-ch1sk1fk1fl1.tiff.tmp",
        "r01c01f01p01-ch1sk1fk1fl1.TIFF\n",
        "x/r01c01f01p01-ch1sk1fk1fl1.tiff",
        "r1c1f1p1-ch1sk1fk1fl1.tiff",
        "r01c01f01p01_ch1sk1fk1fl1.tiff",
    ],
)
def test_other_files_are_no_images(name: str) -> None:
    assert match_image_name(name) is None
    with pytest.raises(InvalidArgument, match="not the name of a plate image"):
        parse_image_name(name)


def test_image_names_sort_as_images(shared: Path) -> None:
    names = [path.name for path in (shared / "data/cpjump1/example_images").glob("*/*.tiff")]
    assert len(names) == 32
    assert sorted(names) == [str(image) for image in sorted(map(parse_image_name, names))]


def test_example_images_are_in_the_wells_of_their_compounds(shared: Path) -> None:
    """The folder is called by compound; the plate map says by well."""
    data = shared / "data/cpjump1"
    maps = data / "metadata/platemaps/2020_11_04_CPJUMP1/platemap"
    samples = {
        row["well_position"]: row["broad_sample"]
        for row in _rows(maps / "JUMP-Target-1_compound_platemap.txt", "\t")
    }
    compounds = {
        row["broad_sample"]: row["pert_iname"]
        for row in _rows(
            data / "metadata/external_metadata/JUMP-Target-1_compound_metadata.tsv", "\t"
        )
    }
    folders = sorted((data / "example_images").glob("*/"))
    seen = {}
    for folder in folders:
        (well,) = {str(parse_image_name(path.name).well) for path in folder.glob("*.tiff")}
        seen[folder.name.casefold()] = compounds.get(samples[well], "DMSO").casefold()
    assert len(seen) == 4
    assert all(compound == folder for folder, compound in seen.items()), seen


def test_channels_are_those_of_the_published_tables(shared: Path) -> None:
    csv.field_size_limit(1 << 24)
    table = shared / "data/cpjump1/single_cells/BR00116991-A01-1/Image.csv"
    (row,) = _rows(table, ",")
    told = {
        parse_image_name(value).channel: column.removeprefix("FileName_Orig")
        for column, value in row.items()
        if column.startswith("FileName_Orig")
    }
    assert told == {channel.number: channel.name for channel in CPJUMP1_CHANNELS}


def test_channel_words() -> None:
    for channel in CPJUMP1_CHANNELS:
        words = [str(channel.number), f"ch{channel.number}", f"CH0{channel.number}"]
        words += [channel.name.lower(), channel.name.upper()]
        if channel.dye:
            words += [channel.dye, channel.dye.replace(" ", "").upper()]
        assert {parse_channel(word) for word in words} == {channel}
    assert parse_channels("fluorescence,8") == (*CPJUMP1_CHANNELS[:5], CPJUMP1_CHANNELS[7])


@pytest.mark.parametrize("word", ["GFP", "9", "0", "ch", "Alexa", "dna er", "5-9", "3-1"])
def test_unknown_channel_names_the_choices(word: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_channels(word)
    told = caught.value.message + caught.value.hint
    assert "5 DNA (Hoechst 33342)" in told or "from 1 to 8" in told


shapes = st.sampled_from([PlateFormat(2, 3), PlateFormat(4, 6)])
few = st.sets(st.integers(1, 4)).map(lambda found: tuple(sorted(found)))


@given(shapes, few, few, st.sets(st.builds(Well, st.integers(1, 2), st.integers(1, 3))))
def test_expected_are_the_images_of_the_grid_that_match(
    shape: PlateFormat, sites: tuple[int, ...], channels: tuple[int, ...], wells: set[Well]
) -> None:
    grid = Grid(shape, (1, 2, 3, 4), (1, 2, 3, 4))
    asked = parse_selection(
        "P1",
        batch="B",
        wells=[str(well) for well in wells],
        sites=map(str, sites),
        channels=map(str, channels),
    )
    assert asked.whole_plate == (not wells and not sites and not channels)
    everything = parse_selection("P1").expected(grid)
    assert len(everything) == shape.size * 16
    assert asked.expected(grid) == tuple(image for image in everything if asked.matches(image))


@pytest.mark.parametrize("name", ["", " ", "a/b"])
def test_plate_or_batch_that_is_no_folder_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="name of a plate"):
        parse_selection(name)
    with pytest.raises(InvalidArgument, match="name of a batch"):
        parse_selection("P1", batch=name)


def _rows(path: Path, delimiter: str) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter=delimiter))
