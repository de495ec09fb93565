"""One statement that reads tables in memory, and can do nothing else."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.frames import fit_for_sql, table_of
from cellfolio.metadata.sql import Limits, run_sql, tables_named

WELLS = pd.DataFrame({"well": ["A01", "A02", "B01"], "gene": ["TTN", None, "MYH6"], "n": [3, 4, 5]})


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ('select * from a join "x/b.csv" using (well)', ("a", "x/b.csv")),
        ("with w as (select * from wells) select * from W where g in (from genes)",
         ("genes", "wells")),
        ("with recursive r(n) as (select 1 union all select n + 1 from r) from r", ()),
        ("describe wells", ("wells",)),
        ("summarize 'a/b.csv'", ("a/b.csv",)),
        ("values (1), (2)", ()),
        ("from main.wells natural join plates -- all of them", ("plates", "wells")),
        ("select count(*) from a where exists (select 1 from b) union select 1 from c",
         ("a", "b", "c")),
    ],
)  # fmt: skip
def test_tables_that_a_statement_names_are_known_before_it_runs(
    statement: str, names: tuple[str, ...]
) -> None:
    assert tables_named(statement) == names


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('{file}')",
        "select * from read_text('{file}')",
        "select * from read_blob('{file}')",
        "select * from read_json_auto('{file}')",
        "select * from parquet_scan('{file}')",
        "select * from sniff_csv('{file}')",
        "select * from glob('/*')",
        "select * from '{file}'",
        "select * from query('select * from read_text(''{file}'')')",
        "select * from read_csv('https://example.org/a.csv')",
        "select * from 's3://bucket/a.parquet'",
        "select * from duckdb_secrets()",
        "select getenv('HOME')",
        "select * from secret_frame",
        "select * from sqlite_scan('{file}', 't')",
        "copy (select 1) to '{file}'",
        "copy wells to '{file}' (format parquet)",
        "attach '{file}' as other",
        "export database '{file}'",
        "import database '{file}'",
        "install httpfs",
        "load httpfs",
        "set memory_limit = '100GB'",
        "set enable_external_access = true",
        "reset enable_external_access",
        "pragma database_list",
        "call enable_logging()",
        "create table x as select 1",
        "insert into wells values ('A', 'B', 1)",
        "delete from wells",
        "drop view wells",
        "use other",
        "begin",
        "prepare x as select 1",
        "explain analyze select 1",
        "checkpoint",
        "show tables",
        "select 1; select 2",
        "select 1; copy (select 1) to '{file}'",
        "",
        "-- nothing",
        "select",
        "select * from metadata.csv",
        "pivot wells on gene using sum(n)",
    ],
)
def test_whatever_reads_or_writes_elsewhere_is_refused_in_one_line(
    statement: str, tmp_path: Path
) -> None:
    secret_frame = pd.DataFrame({"secret": [1]})
    file = tmp_path / "secret.csv"
    file.write_text("secret,b\n1,2\n")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InvalidArgument) as told:
        run_sql(statement.replace("{file}", str(file)), {"wells": WELLS})
    assert "\n" not in told.value.message
    assert sorted(tmp_path.iterdir()) == before
    assert file.read_text() == "secret,b\n1,2\n"
    assert secret_frame is not None


TEXT, TIME = ("object", "datetime64[ns]") if pd.__version__ < "3" else ("str", "datetime64[us]")
"""Types of columns of this pandas."""


def told(column: pd.Series[Any]) -> list[Any]:
    """Return the values of a column, with None for what is missing."""
    return [None if pd.isna(value) else value for value in column]


def test_types_are_kept() -> None:
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None, 2**62], dtype="Int64"),
            "f": [0.1, np.nan, 1e300],
            "b": pd.array([True, None, False], dtype="boolean"),
            "t": ["a", None, "é"],
            "d": pd.to_datetime(pd.Series(["2019-08-07", None, "2020-01-01"])),
        }
    )
    found = run_sql("select * from t order by f nulls last", {"t": frame})
    assert [str(kind) for kind in found.dtypes] == [
        "Int64", "float64", "boolean", TEXT, TIME
    ]  # fmt: skip
    assert found["i"].tolist()[:2] == [1, 2**62]
    assert found["f"].tolist()[:2] == [0.1, 1e300]
    sums = run_sql("select sum(n) s, count(*) c from wells", {"wells": WELLS})
    assert sums.dtypes.astype(str).tolist() == ["int64", "int64"]


def test_records_become_columns_of_one_type() -> None:
    frame = table_of([{"a": 1, "b": "x"}, {"a": None, "c": [1, {"d": 2}]}, {"b": 3, "A": 2.5}])
    assert frame.dtypes.astype(str).to_dict() == {
        "a": "Int64", "b": TEXT, "c": TEXT, "A_2": "float64"
    }  # fmt: skip
    assert told(frame["b"]) == ["x", None, "3"]
    assert told(frame["c"]) == [None, '[1, {"d": 2}]', None]
    assert run_sql(
        "select json_extract(c, '$[1].d') as d from t where c is not null", {"t": frame}
    )["d"].tolist() == ["2"]


def test_fitting_leaves_its_argument_alone() -> None:
    frame = pd.DataFrame(
        {"a": pd.Series([1, "x", None], dtype=object), 3: pd.Categorical(["a", "b", "a"])}
    )
    before = frame.copy(deep=True)
    fitted = fit_for_sql(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert told(fitted["a"]) == ["1", "x", None]
    assert fitted["3"].tolist() == ["a", "b", "a"]
    assert fit_for_sql(pd.DataFrame()).empty


def test_a_wrong_column_is_named_with_the_nearest() -> None:
    with pytest.raises(InvalidArgument, match='"genes" not found') as told:
        run_sql("select genes from wells", {"wells": WELLS})
    assert told.value.hint == "did you mean gene?"
    with pytest.raises(InvalidArgument) as told:
        run_sql("select zzz from wells", {"wells": WELLS})
    assert told.value.hint == "wells has well, gene, n"


def test_a_statement_is_ended_in_time() -> None:
    start = time.monotonic()
    with pytest.raises(InvalidArgument, match=r"ended after 0\.2 s"):
        run_sql("select count(*) from range(10000000000) a, range(100) b", {}, Limits(seconds=0.2))
    assert time.monotonic() - start < 20


def test_memory_is_bounded_and_nothing_is_put_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgument, match=r"more than the 0\.05 GB"):
        run_sql(
            "select * from (select range i, md5(range::varchar) h from range(5000000)) order by h",
            {},
            Limits(memory=50_000_000),
        )
    assert list(tmp_path.iterdir()) == []


def test_rows_of_a_result_are_bounded_and_the_statement_ends_there() -> None:
    started = time.monotonic()
    found = run_sql("select * from range(50_000_000_000) r(n)", {}, Limits(rows=5_000))
    assert found["n"].tolist() == list(range(5_000))
    assert time.monotonic() - started < 20
    assert len(run_sql("select * from wells", {"wells": WELLS}, Limits(rows=5_000))) == 3
    assert run_sql("select 1 as a where false", {}, Limits(rows=5)).columns.tolist() == ["a"]


def test_tables_of_arrow_and_data_sets_are_asked_too(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(WELLS)
    pq.write_table(table, tmp_path / "wells.parquet")
    for asked in (table, ds.dataset(tmp_path / "wells.parquet")):
        found = run_sql("select gene from w where n > 4", {"w": asked})
        assert found["gene"].tolist() == ["MYH6"]
        with pytest.raises(InvalidArgument) as told:
            run_sql("select gen from w", {"w": asked})
        assert "gene" in told.value.hint
