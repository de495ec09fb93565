"""What the values of a column are like, against pandas."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cellfolio.metadata.column_facts import (
    BINS,
    QUANTILES,
    TOP,
    ColumnFacts,
    describe_column,
    kind_of,
    unit_of,
)


def _facts(values: Any, type_: pa.DataType | None = None) -> ColumnFacts:
    return describe_column(pa.chunked_array([pa.array(values, type_)]))


def test_numbers_are_as_pandas_has_them() -> None:
    values = np.random.default_rng(3).normal(5, 2, 1_000)
    found = _facts([*values, None, float("nan"), float("inf")])
    expected = pd.Series(values)
    assert (found.count, found.missing) == (1_001, 2)
    assert found.lowest == expected.min()
    assert found.highest == expected.max()
    assert found.mean == pytest.approx(expected.mean())
    assert found.deviation == pytest.approx(expected.std())
    assert [value for _, value in found.quantiles] == pytest.approx(
        expected.quantile(list(QUANTILES)).tolist()
    )
    counts, edges = np.histogram(values, BINS)
    assert list(found.bars) == counts.tolist()
    assert found.edges == pytest.approx(edges.tolist())
    assert sum(found.bars) == len(values)


def test_whole_numbers_have_a_bar_each() -> None:
    found = _facts([1, 2, 2, 4, None])
    assert found.edges == (0.5, 1.5, 2.5, 3.5, 4.5)
    assert found.bars == (1, 2, 0, 1)
    assert found.top[0] == (2, 2)
    assert found.distinct == 3


def test_texts_are_counted() -> None:
    values = ["b"] * 3 + ["a"] * 3 + ["c"] + [f"x{at}" for at in range(20)] + [None]
    for type_ in (pa.string(), pa.dictionary(pa.int8(), pa.string())):
        found = _facts(values, type_)
        assert found.top[:2] == (("a", 3), ("b", 3))
        assert (found.distinct, found.count, found.missing) == (23, 27, 1)
        assert len(found.top) == TOP


@pytest.mark.parametrize(
    "values",
    [
        [],
        [None],
        [1.0],
        [2.5, 2.5],
        [float("nan")],
        [1e308, -1e308],
        [2**62, -(2**62)],
        [[1], [2]],
        [{"a": 1}],
        [b"\0"],
        [datetime.datetime(2020, 1, 1)],
        [True, None],
    ],
)
def test_every_kind_of_column_is_described(values: list[Any]) -> None:
    found = _facts(values)
    assert found.count + found.missing == len(values)


def test_kinds_and_units() -> None:
    assert kind_of(pa.dictionary(pa.int8(), pa.string())) == "text"
    assert kind_of(pa.timestamp("ns")) == "date and time"
    assert kind_of(pa.list_(pa.int8())) == "list or record"
    assert kind_of(pa.binary()) == "bytes"
    assert unit_of(pa.field("x [µm]", pa.int32())) == "µm"
    assert unit_of(pa.field("name (short)", pa.string())) == ""
    assert unit_of(pa.field("x", pa.int32(), metadata={"unit": "mm"})) == "mm"
