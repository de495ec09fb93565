"""Conditions over columns mean what they mean for one value at a time."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.formats.table_rows import MemoryRows
from cellfolio.metadata.conditions import Condition, parse_condition, parse_conditions
from cellfolio.metadata.row_order import Sorting, order_rows, parse_sorting

VALUES: dict[str, list[Any]] = {
    "number": [1.5, -0.0, None, 3e300, 0.1, 2.0, float("nan"), float("inf")],
    "whole": [3, None, -4, 2**62, 0, 1, 5, 5],
    "text": ["A01", "", None, "a01", "10", "2", "B*", "é"],
    "flag": [True, False, None, True, False, True, None, False],
    "day": [datetime.date(2019, 8, day) if day != 3 else None for day in range(1, 9)],
    "kind": ["x", "y", None, "x", "y", "x", "x", ""],
}
TABLE = pa.table({**VALUES, "kind": pa.array(VALUES["kind"]).dictionary_encode()})
OPERATORS = ("=", "!=", "~", "!~", "<", "<=", ">", ">=")


@pytest.mark.parametrize("name", list(VALUES))
@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(
    "value", ["1.5", "0", "5", "A01", "a*", "true", "x", "2019-08", "1e400", "inf", "2 kB", "-1"]
)
def test_columns_are_filtered_as_single_values_are(name: str, operator: str, value: str) -> None:
    condition = Condition(name, operator, value)
    expected = [at for at, one in enumerate(VALUES[name]) if condition.holds([one])]
    found = order_rows(MemoryRows(TABLE), [condition], [])
    assert found is not None
    assert found.tolist() == expected


@given(
    st.lists(st.one_of(st.none(), st.floats(), st.integers(-5, 5).map(float)), max_size=20),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.integers(-5, 5).map(str),
        st.sampled_from(["0.1000000000000000055", "0.09999999999999999999", "5.0000000000000001"]),
    ),
)
def test_decimals_are_compared_exactly(
    values: list[float | None], operator: str, wanted: str
) -> None:
    values = [*values, 0.1, 5.0]
    condition = Condition("x", operator, wanted)
    rows = MemoryRows(pa.table({"x": pa.array(values, pa.float64())}))
    found = order_rows(rows, [condition], [])
    assert found is not None
    assert found.tolist() == [at for at, one in enumerate(values) if condition.holds([one])]


@pytest.mark.parametrize("name", list(VALUES))
def test_missing_values_are_found(name: str) -> None:
    rows = MemoryRows(TABLE)
    for text in (f"{name}=", f"{name}!="):
        condition = parse_condition(text)
        expected = [at for at, one in enumerate(VALUES[name]) if condition.holds([one])]
        found = order_rows(rows, [condition], [])
        assert found is not None
        assert found.tolist() == expected, text


def test_rows_are_sorted_and_missing_ones_are_last() -> None:
    frame = pd.DataFrame({"g": ["b", "a", None, "a", "b"], "x": [1.0, 2.0, 3.0, np.nan, -1.0]})
    rows = MemoryRows(pa.Table.from_pandas(frame))
    assert _sorted(rows, "x") == [4, 0, 1, 2, 3]
    assert _sorted(rows, "-x") == [2, 1, 0, 4, 3]
    assert _sorted(rows, "g", "-x") == [1, 3, 0, 4, 2]
    assert _sorted(rows, "-g") == [0, 4, 1, 3, 2], "equal ones stay as they are"
    found = order_rows(rows, parse_conditions(["g!=b"]), [Sorting("x", falling=True)])
    assert found is not None
    assert found.tolist() == [1] or found.tolist() == [1, 3]


def _sorted(rows: MemoryRows, *words: str) -> list[int]:
    found = order_rows(rows, [], [parse_sorting(one) for one in words])
    assert found is not None
    return [int(one) for one in found]


def test_all_as_they_are_is_no_order() -> None:
    assert order_rows(MemoryRows(TABLE), [], []) is None


def test_wrong_questions_are_told() -> None:
    rows = MemoryRows(TABLE.append_column("list", pa.array([[1]] * 8)))
    with pytest.raises(InvalidArgument, match="no column 'nmber'") as told:
        order_rows(rows, [parse_condition("nmber=1")], [])
    assert "number" in told.value.hint
    with pytest.raises(InvalidArgument, match="sorted"):
        order_rows(rows, [], [Sorting("list")])


def test_too_many_texts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cellfolio.metadata.row_order.MOST_DISTINCT", 3)
    with pytest.raises(InvalidArgument, match="different values"):
        order_rows(MemoryRows(TABLE), [parse_condition("text=A01")], [])
