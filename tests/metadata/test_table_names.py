"""Names of tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.table_names import find_table, list_table_files, quoted
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package

KEYS = (
    "2d_fields/metadata.csv",
    "counts.h5ad",
    "notes.ipynb",
    "plates/wells.sqlite",
    "probe-localization/metadata.csv",
    "probe-localization/cells-per-day.tsv.gz",
    "raw/a.tiff",
    "same.csv",
    "same.parquet",
    "Case.csv",
    "case.CSV",
)
TABLES = list_table_files(Package.of([Entry(key, "file:///x") for key in KEYS]))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("2d_fields/metadata.csv", "2d_fields/metadata.csv"),
        ("2d_fields/metadata", "2d_fields/metadata.csv"),
        ("_2d_fields_metadata", "2d_fields/metadata.csv"),
        ("2D_FIELDS/metadata", "2d_fields/metadata.csv"),
        ("cells-per-day", "probe-localization/cells-per-day.tsv.gz"),
        ("cells_per_day", "probe-localization/cells-per-day.tsv.gz"),
        ("cells-per-day.tsv.gz", "probe-localization/cells-per-day.tsv.gz"),
        ("counts.h5ad/obs", "counts.h5ad/obs"),
        ("counts/var", "counts.h5ad/var"),
        ("counts_var", "counts.h5ad/var"),
        ("obs", "counts.h5ad/obs"),
        ("wells.sqlite/Layout", "plates/wells.sqlite/Layout"),
        ("plates/wells/Layout", "plates/wells.sqlite/Layout"),
        ("same.parquet", "same.parquet"),
        ("Case", "Case.csv"),
        ("case", "case.CSV"),
    ],
)
def test_a_table_has_all_its_names(name: str, found: str) -> None:
    assert find_table(name, TABLES).name == found


@pytest.mark.parametrize("name", ["metadata", "metadata.csv", "same", "CASE", "metadata.CSV"])
def test_a_name_of_several_tables_is_refused_with_all_of_them(name: str) -> None:
    with pytest.raises(InvalidArgument, match="is that of 2 tables"):
        find_table(name, TABLES)


@pytest.mark.parametrize("name", ["a", "raw/a.tiff", "notes", "counts.h5ad/uns", "", "/"])
def test_what_is_no_table_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="there is no table"):
        find_table(name, TABLES)


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(InvalidArgument) as told:
        find_table("2d_field/metadata", TABLES)
    assert '"2d_fields/metadata"' in told.value.hint


parts = st.text(st.sampled_from("ab-_.é 1"), min_size=1, max_size=4).filter(lambda s: s.strip("."))


@given(st.sets(st.lists(parts, min_size=1, max_size=3).map("/".join), min_size=1, max_size=6))
def test_the_full_name_always_works(stems: set[str]) -> None:
    keys = {f"{stem}.csv" for stem in stems}
    tables = list_table_files(Package.of([Entry(key, "file:///x") for key in sorted(keys)]))
    assert {table.key for table in tables} == keys
    for key in keys:
        assert find_table(key, tables).key == key


def test_names_are_quoted_where_sql_needs_it() -> None:
    assert quoted('a"b/c.csv') == '"a""b/c.csv"'
    assert quoted("wells_1") == "wells_1"
