"""Delimited text is that of pandas, byte for byte."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.formats.delimiting import delimited_text
from cellfolio.formats.saving import write_table

FORMATS = st.sampled_from([None, "%.5g", "%g", "%.3f", "%e"])
TEXTS = st.one_of(
    st.none(), st.text(max_size=4), st.sampled_from(['"', "nan", "a,b", "c\nd", "\r"])
)
FLOATS = st.floats(width=32) | st.floats() | st.integers(-3, 3).map(float)
HARD = [
    0.0,
    -0.0,
    1e-4,
    9.9e-5,
    1e14,
    1e15,
    1e16,
    123456789012345.6,
    5e-324,
    1e22,
    0.5,
    2.5,
    np.nan,
]


def _column(draw: st.DrawFn, rows: int) -> Any:
    def some(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    kind = draw(st.sampled_from(["f8", "f8", "f8", "f4", "i8", "u1", "?", *OTHERS]))
    if kind in ("f8", "f4"):
        with np.errstate(over="ignore"):
            return np.array(some(FLOATS | st.sampled_from(HARD)), dtype=kind)
    if kind in ("i8", "u1", "?"):
        return np.array(some(st.integers(0, 100)), dtype=kind)
    return pd.Series(some(OTHERS[kind][0]), dtype=OTHERS[kind][1])


OTHERS: dict[str, tuple[st.SearchStrategy[Any], Any]] = {
    "text": (TEXTS, object),
    "mixed": (st.one_of(TEXTS, FLOATS, st.booleans()), object),
    "category": (st.sampled_from(["x", "y, z", None]), "category"),
    "whole": (st.one_of(st.none(), st.integers(0, 9)), "Int64"),
    "nullable": (st.one_of(st.none(), st.floats(-9, 9)), "Float64"),
    "date": (st.sampled_from([None, "2021-03-04", "2021-03-04 05:06:07.5"]), "datetime64[ns]"),
    "span": (st.sampled_from([None, 5, 10**14]), "timedelta64[ns]"),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(0, 5))
    columns = [_column(draw, rows) for _ in range(draw(st.integers(0, 7)))]
    frame = pd.DataFrame(dict(enumerate(columns)), index=range(rows))
    names = draw(st.lists(TEXTS, min_size=len(columns), max_size=len(columns)))
    return frame.set_axis(pd.Index(names, dtype=object), axis=1)


@given(frame=frames(), float_format=FORMATS, separator=st.sampled_from([",", "\t"]))
@settings(max_examples=100)
def test_the_text_is_that_of_pandas(
    frame: pd.DataFrame, float_format: str | None, separator: str
) -> None:
    wanted = frame.to_csv(
        index=False, sep=separator, float_format=float_format, lineterminator="\n"
    )
    assert "".join(delimited_text(frame, separator, float_format)) == wanted


@pytest.mark.parametrize("float_format", [None, "%.5g"])
def test_numbers_of_all_sizes_are_those_of_pandas(float_format: str | None) -> None:
    rng = np.random.default_rng(2)
    bits = rng.integers(-(2**63), 2**63 - 1, (200, 20))
    usual = rng.normal(size=(200, 20)) * 10.0 ** rng.integers(-7, 18, (200, 20))
    frame = pd.DataFrame(np.hstack([bits.view(np.float64), usual, usual.round(3)]))
    wanted = frame.to_csv(index=False, float_format=float_format, lineterminator="\n")
    assert "".join(delimited_text(frame, ",", float_format)) == wanted


def test_a_long_table_has_dates_where_pandas_has_them() -> None:
    # pandas leaves times out where none of some thousand rows side by side has one.
    rows = 1_010_000 // 10
    dates = np.full(rows, "2021-03-04", dtype="datetime64[ns]")
    dates[15_000::30_000] += np.timedelta64(1, "ns")
    frame = pd.DataFrame(np.zeros((rows, 8), dtype=np.int8)).assign(date=dates, c="x")
    pieces = list(delimited_text(frame, ","))
    assert "".join(pieces) == frame.to_csv(index=False, lineterminator="\n")
    assert len(pieces) == 3  # a header, and two of rows


def test_files_are_those_of_pandas(shared: Path, tmp_path: Path) -> None:
    path = shared / "data/lincs_plate/SQ00015054_normalized_feature_select.csv.gz"
    frame = pd.read_csv(path)
    for suffix, separator in ((".csv", ","), (".csv.gz", ","), (".tsv", "\t")):
        out = tmp_path / f"plate{suffix}"
        write_table(frame, out, "%.5g")
        found = out.read_bytes()
        text = gzip.decompress(found) if suffix.endswith("gz") else found
        wanted = frame.to_csv(index=False, sep=separator, float_format="%.5g", lineterminator="\n")
        assert text == wanted.encode()
    frame.to_csv(tmp_path / "pandas.csv.gz", index=False, float_format="%.5g")
    assert (tmp_path / "plate.csv.gz").stat().st_size <= (tmp_path / "pandas.csv.gz").stat().st_size


def test_formats_that_cannot_be_used(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [0.5], "y": [1]})
    for wrong in ("%d", "%s", "x", "%5.2f", "%.5g,", "%(a)g"):
        with pytest.raises(InvalidArgument, match=r"float_format should be one such as '%\.5g'"):
            write_table(frame, tmp_path / "table.csv", wrong)
    with pytest.raises(InvalidArgument, match=r"of use for \.csv, .* found \.parquet"):
        write_table(frame, tmp_path / "table.parquet", "%.5g")
    assert not list(tmp_path.iterdir())
