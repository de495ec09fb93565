"""Plate maps of any form become a row for each well; barcodes lead to them."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.barcodes import barcodes_of, find_plate_map, plate_facts, unknown_plate
from cellfolio.metadata.columns import plain_numbers
from cellfolio.metadata.plate_maps import is_grid, tidy_plate_map
from cellfolio.registries.plates import PLATES, Well

FORMS: tuple[Callable[[Well], str], ...] = (
    str,
    lambda well: str(well).lower(),
    lambda well: f"{str(well)[0]}-{well.column}",
    lambda well: f"r{well.row:02d}c{well.column:02d}",
    lambda well: f"({well.row}, {well.column})",
    lambda well: f"Well_{well}",
)
NAMES = ("well", "Well", "well_position", "Metadata_Well", "WELL ID", "Assay.Plate.Well")
wells_96 = st.lists(st.sampled_from(list(PLATES[96].wells())), unique=True, min_size=1)


@given(wells_96, st.sampled_from(FORMS), st.sampled_from(NAMES))
@settings(max_examples=60)
def test_long_table_of_any_form(wells: list[Well], form: Callable[[Well], str], name: str) -> None:
    table = pd.DataFrame({"drug": range(len(wells)), name: [form(well) for well in wells]})
    before = table.copy()
    tidy = tidy_plate_map(table)
    assert tidy.to_dict("list") == {
        "Metadata_Well": [f"{'ABCDEFGH'[well.row - 1]}{well.column:02d}" for well in wells],
        "Metadata_drug": list(range(len(wells))),
    }
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize("rows", [["A", "B", "B"], [1, 2, 2], ["1", "2", "2"], [1.0, 2.0, 2.0]])
def test_rows_and_columns_in_two_columns(rows: list[object]) -> None:
    tidy = tidy_plate_map(pd.DataFrame({"Row": rows, "Col": [1, 2, 12], "drug": list("xyz")}))
    assert tidy["Metadata_Well"].tolist() == ["A01", "B02", "B12"]
    assert tidy.columns.tolist() == ["Metadata_Well", "Metadata_drug"]


@given(st.sampled_from([6, 24, 96, 384]), st.booleans())
def test_grid_becomes_long(size: int, padded: bool) -> None:
    shape = PLATES[size]
    letters = "ABCDEFGHIJKLMNOP"[: shape.rows]
    table = pd.DataFrame({"": list(letters)})
    for column in range(1, shape.columns + 1):
        table[f"{column:02d}" if padded else str(column)] = [f"{one}{column}" for one in letters]
    assert is_grid(table)
    tidy = tidy_plate_map(table, name="drug")
    assert tidy["Metadata_Well"].tolist() == [str(well) for well in shape.wells()]
    assert tidy["Metadata_drug"].tolist() == [
        f"{letter}{column}" for letter in letters for column in range(1, shape.columns + 1)
    ]


def test_long_table_is_no_grid() -> None:
    assert not is_grid(pd.DataFrame({"row": ["A"], "column": [1], "drug": ["x"]}))
    assert not is_grid(pd.DataFrame({"row": []}))
    assert not is_grid(pd.DataFrame({"well": ["A1"], "1": ["x"]}))


def test_rows_without_anything_are_left_out() -> None:
    table = pd.DataFrame({"well": ["A1", None], "drug": ["x", None]})
    assert len(tidy_plate_map(table)) == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"well": ["A1", "a01"], "x": [1, 2]}, "A01 more than once"),
        ({"well": ["A1", "17"], "x": [1, 2]}, "'17' is not a well"),
        ({"well": ["A1", None], "x": [1, 2]}, "row 2 of the plate map names no well"),
        ({"drug": ["x"], "dose": [1]}, "has no column of wells; it has drug, dose"),
        ({"well": ["A1"], "position": ["B1"]}, "name different wells"),
        ({"": ["A", "a"], "1": [1, 2]}, "a row or a column more than once"),
        ({"well": ["A1"], "x": [1], "Metadata_x": [2]}, "'x' and 'Metadata_x' are one name"),
        ({"Row": ["A"], "Col": [None]}, "'A' is not a well"),
    ],
)
def test_bad_plate_map_is_refused(table: dict[str, list[object]], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        tidy_plate_map(pd.DataFrame(table))


def test_column_of_wells_can_be_named() -> None:
    table = pd.DataFrame({"well": ["A1"], "position": ["B1"], "source": ["C3"]})
    assert tidy_plate_map(table, well_column="source")["Metadata_Well"].tolist() == ["C03"]
    with pytest.raises(InvalidArgument, match="no column 'sauce'") as caught:
        tidy_plate_map(table, well_column="sauce")
    assert caught.value.hint == "did you mean source?"


def test_names_that_look_like_numbers_stay_names() -> None:
    texts = pd.DataFrame(
        {"id": ["007", "8"], "n": ["1", "-2"], "x": ["1.50", "2e-3"], "m": ["1", None]}
    )
    found = plain_numbers(texts)
    assert found["id"].tolist() == ["007", "8"]
    assert found["n"].tolist() == [1, -2]
    assert found["n"].dtype == "int64"
    assert found["x"].tolist() == [1.5, 0.002]
    assert found["m"].dtype == "float64"


# Barcodes

TABLE = pd.DataFrame(
    {"Assay_Plate_Barcode": ["BR1", "BR1", "123"], "Plate_Map_Name": ["m1", "m1", "m2"]}
)


def test_barcode_leads_to_plate_map() -> None:
    assert find_plate_map(TABLE, "BR1") == "m1"
    assert find_plate_map(plain_numbers(TABLE.iloc[2:]), "123") == "m2"
    assert find_plate_map(TABLE, "BR2") is None
    assert barcodes_of(TABLE) == ["BR1", "BR1", "123"]
    with pytest.raises(InvalidArgument, match="Assay_Plate_Barcode and Plate_Map_Name; found x"):
        find_plate_map(pd.DataFrame({"x": [1]}), "BR1")
    two = pd.DataFrame({"barcode": ["BR1", "BR1"], "plate_map": ["m1", "m2"]})
    with pytest.raises(InvalidArgument, match="BR1 has 2 plate maps: m1, m2"):
        find_plate_map(two, "BR1")


def test_unknown_barcode_names_the_nearest() -> None:
    error = unknown_plate("br00116999", ["BR00116991", "BR00117001", "X"])
    assert "no table of barcodes has the plate 'br00116999'" in str(error)
    assert error.hint.startswith("did you mean BR00116991")


def test_facts_of_a_plate_are_of_its_batch() -> None:
    table = pd.DataFrame(
        {"Batch": ["b1", "b2", "b2"], "Plate": ["P", "P", "Q"], "Time": [24, 48, 96]}
    )
    other = pd.DataFrame({"barcode": ["P"], "Time": [1], "Cell": ["U2OS"], "plate_map": ["m"]})
    nothing = pd.DataFrame({"Key": ["x"], "Value": ["y"]})
    facts = plate_facts([nothing, table, other], "P", "b2")
    assert facts == {"Metadata_Time": 48, "Metadata_Cell": "U2OS"}
