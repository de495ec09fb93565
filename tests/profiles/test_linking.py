"""Objects of compartments become cells."""

from __future__ import annotations

import re

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.linking import find_steps, link_compartments

numbers = st.lists(st.integers(1, 12), unique=True, max_size=8)


@st.composite
def images(draw: st.DrawFn) -> dict[str, pa.Table]:
    """Tables whose parents may be 0, missing, or shared."""
    parents = st.one_of(st.none(), st.integers(0, 12))
    made = {}
    for name, own in (("Cells", ["Nuclei"]), ("Cytoplasm", ["Cells", "Nuclei"]), ("Nuclei", [])):
        objects = draw(numbers)
        columns: dict[str, pa.Array] = {"ObjectNumber": pa.array(objects, pa.int64())}
        for parent in own:
            some = draw(st.lists(parents, min_size=len(objects), max_size=len(objects)))
            columns[f"Parent_{parent}"] = pa.array(some, pa.int64())
        columns["Area"] = pa.array(range(100, 100 + len(objects)), pa.float64())
        made[name] = pa.table(columns)
    return made


@settings(max_examples=40)
@given(images())
def test_cells_are_those_of_an_inner_join(tables: dict[str, pa.Table]) -> None:
    found = link_compartments(tables)
    cells, cytoplasm, nuclei = (
        tables[name].to_pandas().add_prefix(f"{name}_").astype("float64")
        for name in ("Cells", "Cytoplasm", "Nuclei")
    )
    joined = cytoplasm.merge(
        cells, left_on="Cytoplasm_Parent_Cells", right_on="Cells_ObjectNumber"
    ).merge(nuclei, left_on="Cytoplasm_Parent_Nuclei", right_on="Nuclei_ObjectNumber")
    areas = ["Cells_Area", "Cytoplasm_Area", "Nuclei_Area"]
    joined = joined.sort_values("Cytoplasm_Area")[areas]
    pd.testing.assert_frame_equal(
        found.table.select(areas).to_pandas(), joined.reset_index(drop=True)
    )
    assert (found.base, found.left_out) == ("Cytoplasm", len(cytoplasm) - len(joined))


def test_parents_are_found_through_others() -> None:
    tables = {
        "Nuclei": pa.table({"ObjectNumber": [1, 2], "x": [0.1, 0.2]}),
        "Cells": pa.table({"ObjectNumber": [5, 6], "Parent_Nuclei": [2, 1], "x": [5.0, 6.0]}),
        "Spots": pa.table({"ObjectNumber": [1, 2, 3], "Parent_Cells": [6, 6, 5], "x": [1, 2, 3]}),
    }
    found = link_compartments(tables)
    assert found.base == "Spots"
    assert found.table["Nuclei_x"].to_pylist() == [0.1, 0.1, 0.2]
    assert found.table["Metadata_ObjectNumber"].to_pylist() == [1, 2, 3]


def test_one_compartment_is_as_it_was() -> None:
    table = pa.table({"ObjectNumber": [3, 1], "Parent_Wells": [1, 1], "Area": [1.0, 2.0]})
    found = link_compartments({"Objects": table})
    assert found.table["Objects_Area"].to_pylist() == [1.0, 2.0]
    assert found.table["Metadata_Objects_Number_Object_Number"].to_pylist() == [3, 1]


def test_what_cannot_be_linked_is_named() -> None:
    with pytest.raises(InvalidArgument, match=re.escape("Cells, Spots cannot be linked")):
        find_steps({"Cells": ["Nuclei"], "Spots": ["Nuclei"]})
    nuclei = pa.table({"ObjectNumber": [1, 1]})
    with pytest.raises(InvalidArgument, match="Nuclei has object 1 more than once"):
        link_compartments({"Nuclei": nuclei})
    cells = pa.table({"ObjectNumber": [1], "Parent_Nuclei": [0.5]})
    with pytest.raises(InvalidArgument, match="Parent_Nuclei should hold whole numbers"):
        link_compartments({"Cells": cells, "Nuclei": pa.table({"ObjectNumber": [1]})})
