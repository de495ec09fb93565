"""Tables at the edge, against pycytominer: one row, infinite, whole, objects, no controls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.profiles import (
    DropMissing,
    DropOutliers,
    FrequencyThreshold,
    InverseNormal,
    Modz,
    NoiseRemoval,
    Operation,
    Robustize,
    RobustMad,
    Spherize,
    Standardize,
    VarianceThreshold,
    aggregate,
    consensus,
    feature_select,
    normalize,
)
from tests.profiles.peer import CONTROLS, ask, assert_same, matrix, tables

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@given(table=tables())
@settings(max_examples=10)
def test_groups_of_one_row_are_that_row(table: pd.DataFrame) -> None:
    by = ["Metadata_Plate", "Metadata_Well"]
    ordered = matrix(table.sort_values(by))
    for method in ("median", "mean", Modz()):
        found = consensus(table, by, method)
        np.testing.assert_array_equal(matrix(found), ordered)
    assert_same(aggregate(table, by), ask("aggregate", table, strata=by))


@given(table=tables(infinite=True), method=st.sampled_from(["median", "mean"]))
@settings(max_examples=15)
def test_infinite_values_are_averaged_as_in_pycytominer(table: pd.DataFrame, method: Any) -> None:
    by = ["Metadata_Plate"]
    assert_same(aggregate(table, by, method), ask("aggregate", table, strata=by, operation=method))


@given(table=tables(infinite=True))
@settings(max_examples=15)
def test_infinite_values_are_selected_as_in_pycytominer(table: pd.DataFrame) -> None:
    table = table.assign(Cells_Kind_stays=np.linspace(0, 1, len(table)))
    operations: dict[str, tuple[Operation, dict[str, Any]]] = {
        "drop_na_columns": (DropMissing(0.2), {"na_cutoff": 0.2}),
        "drop_outliers": (DropOutliers(3), {"outlier_cutoff": 3}),
        "frequency_threshold": (FrequencyThreshold(0.3), {"freq_cut": 0.3}),
    }
    for name, (operation, options) in operations.items():
        peer = ask("feature_select", table, operation=name, **options)
        if name == "frequency_threshold" and len(table) == 1:
            continue  # every feature has one value
        assert list(feature_select(table, [operation]).profiles) == list(peer), name


@given(data=st.data(), rows=st.integers(2, 9))
@settings(max_examples=15)
def test_whole_numbers_truth_values_and_words_for_missing(data: st.DataObject, rows: int) -> None:
    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return data.draw(st.lists(values, min_size=rows, max_size=rows))

    words = st.sampled_from(["nan", " None ", "NA", "", "null"])
    table = pd.DataFrame(
        {
            "Metadata_Well": [f"A{n:02d}" for n in range(rows)],
            "Cells_Whole": np.array(column(st.integers(-(2**40), 2**40))),
            "Cells_Small": np.array(column(st.integers(0, 255)), dtype=np.uint8),
            "Nuclei_Words": np.array(["nan", *column(st.integers(0, 9) | words)][:rows], object),
        }
    )
    if pd.to_numeric(table["Nuclei_Words"], errors="coerce").isna().all():
        table["Nuclei_Words"] = [1, *table["Nuclei_Words"][1:]]
    for method, name in ((RobustMad(), "mad_robustize"), (InverseNormal(), "inverse_normal")):
        assert_same(normalize(table, method), ask("normalize", table, method=name))


def test_numbers_as_objects_are_numbers() -> None:
    plain = pd.DataFrame({"Metadata_Well": ["A", "B", "C"], "Cells_A": [1.0, 2.0, 4.0]})
    objects = plain.assign(Cells_A=np.array([1, 2.0, np.float32(4)], dtype=object))
    nullable = plain.assign(Cells_A=pd.array([1, 2, 4], dtype="Int64"))
    for table in (objects, nullable):
        pd.testing.assert_frame_equal(normalize(table), normalize(plain))
        pd.testing.assert_frame_equal(
            aggregate(table, "Metadata_Well"), ask("aggregate", plain, strata=["Metadata_Well"])
        )


@pytest.mark.parametrize(
    "method",
    [Standardize(), Robustize(), RobustMad(), Spherize(), InverseNormal()],
    ids=lambda method: type(method).__name__,
)
@given(table=tables(least=2))
@settings(max_examples=3)
def test_without_controls_nothing_is_learned(method: Any, table: pd.DataFrame) -> None:
    table = table.assign(Metadata_control_type="poscon")
    with pytest.raises(InvalidArgument, match="no row belongs to the reference"):
        normalize(table, method, reference=CONTROLS)
    with pytest.raises(InvalidArgument, match="no row of Metadata_Plate 'P"):
        normalize(table, method, reference=CONTROLS, by="Metadata_Plate")


@pytest.mark.parametrize(
    "operation",
    [VarianceThreshold(), FrequencyThreshold(), DropMissing(), NoiseRemoval("Metadata_drug", 1)],
    ids=lambda operation: type(operation).__name__,
)
def test_without_controls_nothing_is_selected(operation: Operation) -> None:
    table = pd.DataFrame(
        {
            "Metadata_drug": ["a", "a", "b"],
            "Metadata_control_type": ["poscon"] * 3,
            "Cells_A": [1.0, 2.0, 4.0],
        }
    )
    with pytest.raises(InvalidArgument, match="reference"):
        feature_select(table, [operation], reference=CONTROLS)


@given(table=tables(least=2), value=st.sampled_from([0.0, 0.1, -1e300, 5e-324]))
@settings(max_examples=8)
def test_nothing_that_varies_is_told(table: pd.DataFrame, value: float) -> None:
    features = [name for name in table if not str(name).startswith("Metadata_")]
    table = table.assign(**dict.fromkeys(map(str, features), value))
    with pytest.raises(InvalidArgument, match="no feature is left"):
        feature_select(table, [VarianceThreshold()])
    with pytest.raises(ValueError, match="No feature in X meets"):
        ask("feature_select", table, operation="variance_threshold")
    assert not matrix(normalize(table, RobustMad())).any()
    assert np.isnan(matrix(normalize(table, RobustMad(0)))).all()
    assert (np.abs(matrix(normalize(table))) <= 1e-15 * abs(value)).all()  # of the mean's rounding
