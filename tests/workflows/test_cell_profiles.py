"""Profiles of single cells: the same as of one table of all cells, however they are read."""

from __future__ import annotations

import sqlite3
import tracemalloc
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.formats.single_cells.opening import open_cells
from cellfolio.formats.single_cells.source import CellBatch, CellProblem
from cellfolio.profiles.aggregating import OBJECT_COUNT, WELLS, Average, aggregate
from cellfolio.workflows.cell_profiles import aggregate_cells

BY = list(WELLS)


@dataclass
class Batches:
    """Cells of a table, in batches of some rows."""

    table: pa.Table
    size: int
    wells_in_order: bool

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.table.column_names)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[CellBatch]:
        table = self.table if columns is None else self.table.select(list(columns))
        for start in range(0, max(1, len(table)), self.size):
            problem = CellProblem(f"site {start}", "lost")
            yield CellBatch(table.slice(start, self.size), (problem,))


def cells(frame: pd.DataFrame, *, size: int = 3, in_order: bool = False) -> Batches:
    return Batches(pa.Table.from_pandas(frame, preserve_index=False), size, in_order)


NUMBERS = st.one_of(
    st.floats(width=32), st.sampled_from([0.0, np.nan, np.inf, -np.inf, 1e-300, 0.1])
)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    count = draw(st.integers(1, 30))
    rows = st.lists(NUMBERS, min_size=count, max_size=count)
    wells = st.lists(st.sampled_from(["A01", "B02", "C03", None]), min_size=count, max_size=count)
    plates = st.lists(st.sampled_from(["P1", "P2"]), min_size=count, max_size=count)
    whole = st.lists(st.integers(-9, 9), min_size=count, max_size=count)
    return pd.DataFrame(
        {
            "Metadata_Plate": draw(plates),
            "Metadata_Well": draw(wells),
            "Cells_A": np.array(draw(rows)),
            "Cells_B": np.array(draw(rows)).astype(np.float32),
            "Cells_C": draw(whole),
            "Nuclei_D": np.array(draw(rows)).astype(np.float32),
            "Nuclei_E": np.array(draw(whole)) > 0,
        }
    )


@given(
    frame=tables(),
    size=st.integers(1, 40),
    in_order=st.booleans(),
    method=st.sampled_from(["median", "mean"]),
    by=st.sampled_from([BY, ["Metadata_Well"], ["Metadata_Plate"]]),
    memory=st.sampled_from([1, 500, 1 << 20]),
)
@settings(max_examples=40)
def test_the_bits_are_those_of_one_table(
    frame: pd.DataFrame, size: int, in_order: bool, method: Average, by: list[str], memory: int
) -> None:
    if in_order:
        frame = frame.sort_values(BY, kind="stable").reset_index(drop=True)
    with np.errstate(over="ignore"):
        expected = aggregate(frame, by, method)
        source = cells(frame, size=size, in_order=in_order)
        found = aggregate_cells(source, by, method, count_objects=True, memory=memory)
    pd.testing.assert_series_equal(
        found.pop(OBJECT_COUNT),
        frame.groupby(by, dropna=False).size(),
        check_index=False,
        check_names=False,
    )
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize("in_order", [True, False])
def test_problems_are_told_once(in_order: bool) -> None:
    frame = pd.DataFrame(
        {"Metadata_Plate": "P", "Metadata_Well": list("AABBC"), "Cells_A": 1.0, "Cells_B": 2.0}
    )
    told: list[CellProblem] = []
    aggregate_cells(cells(frame, size=2, in_order=in_order), on_problem=told.append, memory=1)
    assert [one.path for one in told] == ["site 0", "site 2", "site 4"]


def test_broken_promise_of_order_is_named() -> None:
    frame = pd.DataFrame({"Metadata_Plate": "P", "Metadata_Well": list("ABA"), "Cells_A": 1.0})
    with pytest.raises(InvalidArgument, match=r"cells of .*'A' apart"):
        aggregate_cells(cells(frame, size=1, in_order=True))


def test_what_cannot_be_averaged_is_named() -> None:
    frame = pd.DataFrame({"Metadata_Well": ["A", "B"], "Cells_A": ["x", "y"], "Cells_B": [1.0, 2]})
    source = cells(frame)
    with pytest.raises(InvalidArgument, match="'Cells_A' should hold numbers, found 'x'"):
        aggregate_cells(source, "Metadata_Well")
    with pytest.raises(InvalidArgument, match="grouped by a feature, found 'Cells_B'"):
        aggregate_cells(source, ["Metadata_Well", "Cells_B"])
    with pytest.raises(InvalidArgument, match="Metadata_Plate"):
        aggregate_cells(source)
    with pytest.raises(InvalidArgument, match="method should be one of"):
        aggregate_cells(source, "Metadata_Well", "modz")  # type: ignore[arg-type]
    found = aggregate_cells(source, "Metadata_Well", features=["Cells_B"])
    assert found.columns.tolist() == ["Metadata_Well", "Cells_B"]


@pytest.mark.parametrize("in_order", [True, False])
def test_words_for_missing_values_and_lists_are_as_in_one_table(in_order: bool) -> None:
    frame = pd.DataFrame(
        {
            "Metadata_Plate": "P",
            "Metadata_Well": list("AAB"),
            "Cells_A": ["nan", None, "NA"],
            "Cells_B": [[1], [2], [3]],
            "Cells_C": [1, None, 3],
        }
    )
    found = aggregate_cells(cells(frame, size=5, in_order=in_order))
    pd.testing.assert_frame_equal(found, aggregate(frame))


def test_no_cells_give_no_profiles() -> None:
    frame = pd.DataFrame({"Metadata_Well": ["A"], "Cells_A": [1.0]})[:0]
    assert aggregate_cells(cells(frame), "Metadata_Well").shape == (0, 2)


def test_memory_is_that_of_a_block(tmp_path: Path) -> None:
    """A table of 48 MB is never in memory."""
    count, width = 30_000, 200
    chance = np.random.default_rng(0)
    frame = pd.DataFrame(
        chance.normal(size=(count, width)), columns=[f"Cells_{at}" for at in range(width)]
    )
    frame.insert(0, "Metadata_Well", chance.integers(0, 96, count))
    frame.to_parquet(tmp_path / "cells.parquet", row_group_size=5_000)
    expected = aggregate(frame, "Metadata_Well")
    source = open_cells(tmp_path / "cells.parquet")
    pa.default_memory_pool().release_unused()
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    found = aggregate_cells(source, "Metadata_Well", memory=4 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20
    assert pa.total_allocated_bytes() - before < 10 << 20
    pd.testing.assert_frame_equal(found, expected)


def test_real_cells_give_the_profiles_of_pycytominer(shared: Path, tmp_path: Path) -> None:
    """pycytominer finds no plate called Image_Metadata_Plate (its reindexing drops it)."""
    from pycytominer.cyto_utils.cells import SingleCells

    path = tmp_path / "plate.sqlite"
    path.write_bytes((shared / "data/misc/sqlite/test-SQ00014613.sqlite").read_bytes())
    with closing(sqlite3.connect(path)) as file, file:
        for name in ("Plate", "Well", "Site"):
            file.execute(
                f"ALTER TABLE Image RENAME COLUMN Image_Metadata_{name} TO Metadata_{name}"
            )
        file.execute(
            "UPDATE Nuclei SET Nuclei_Correlation_Costes_AGP_DNA = 0 "
            "WHERE Nuclei_Correlation_Costes_AGP_DNA = 'nan'"
        )
    file.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = SingleCells(
            f"sqlite:///{path}",
            strata=BY,
            image_cols=["TableNumber", "ImageNumber", "Metadata_Site"],
            fields_of_view_feature="Metadata_Site",
        ).aggregate_profiles()
    found = aggregate_cells(open_cells(path), count_objects=True)
    assert found[OBJECT_COUNT].tolist() == expected["Metadata_Object_Count"].tolist() == [6, 6]
    features = [name for name in found.columns if not name.startswith("Metadata_")]
    assert len(features) == 1_777
    pd.testing.assert_frame_equal(found[features], expected[features].astype(float))


def test_real_cells_without_partners_are_left_out(shared: Path) -> None:
    """Of 433 nuclei, 242 are of cells: only these count."""
    path = shared / "data/misc/sqlite/all_cellprofiler.sqlite"
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as file, file:
        joined = pd.read_sql_query(
            "SELECT Image_Metadata_Well AS well, Nuclei_AreaShape_Area AS area FROM Per_Cytoplasm "
            "JOIN Per_Nuclei ON Per_Nuclei.ImageNumber = Per_Cytoplasm.ImageNumber "
            "AND Nuclei_Number_Object_Number = Cytoplasm_Parent_Nuclei "
            "JOIN Per_Image ON Per_Image.ImageNumber = Per_Cytoplasm.ImageNumber",
            file,
        )
    file.close()
    found = aggregate_cells(open_cells(path), count_objects=True)
    expected = joined.groupby("well")["area"].agg(["median", "count"])
    assert found["Metadata_Well"].tolist() == expected.index.tolist()
    assert found["Nuclei_AreaShape_Area"].tolist() == expected["median"].tolist()
    assert found[OBJECT_COUNT].tolist() == expected["count"].tolist()


def test_real_plates_give_what_pycytominer_gives(shared: Path, tmp_path: Path) -> None:
    import pycytominer

    path = tmp_path / "plates"
    path.mkdir()
    for one in (shared / "data/pediatric_atlas").rglob("*_bulk.parquet"):
        (path / one.name).symlink_to(one)
    whole = pd.concat([pd.read_parquet(one) for one in sorted(path.iterdir())])
    whole = whole.rename(columns={"Image_Metadata_Plate": "Metadata_Plate"})
    found = aggregate_cells(open_cells(path), "Metadata_Plate", "mean")
    expected = pycytominer.aggregate(whole, ["Metadata_Plate"], operation="mean")
    pd.testing.assert_frame_equal(found, expected[found.columns], rtol=1e-9)


def test_files_of_one_well_each_are_read_a_well_at_a_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    places = [("P1", "A01", 1), ("P1", "A01", 2), ("P1", "B02", 1), ("P2", "A01", 1)]
    for plate, well, site in places:
        cells = pd.DataFrame(rng.normal(size=(9, 3)), columns=["net_0", "net_1", "net_2"])
        cells.insert(0, "Metadata_Well", well)
        cells.insert(0, "Metadata_Plate", plate)
        (tmp_path / "sites" / plate).mkdir(parents=True, exist_ok=True)
        cells.to_parquet(tmp_path / f"sites/{plate}/{well}_{site}.parquet")
    source = open_cells(tmp_path / "sites")
    assert source.wells_in_order
    found = aggregate_cells(source)
    whole = pd.concat(map(pd.read_parquet, sorted((tmp_path / "sites").rglob("*.parquet"))))
    whole.to_parquet(tmp_path / "whole.parquet")
    together = open_cells(tmp_path / "whole.parquet")
    assert not together.wells_in_order
    pd.testing.assert_frame_equal(found, aggregate_cells(together))
    (tmp_path / "sites/P1/A01_2.parquet").rename(tmp_path / "sites/P1/C03_9.parquet")
    apart = open_cells(tmp_path / "sites")
    assert not apart.wells_in_order  # the cells of A01 do not follow each other
    pd.testing.assert_frame_equal(found, aggregate_cells(apart))
