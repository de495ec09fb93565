"""Some rows of some columns, of files and of memory, are those that the whole table has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cellfolio.errors import BrokenFile
from cellfolio.formats.images.ranged import LocalFile
from cellfolio.formats.table_rows import MemoryRows, ParquetRows, RangedFile, TableRows

TABLE = pa.table(
    {
        "well": pa.array([f"W{at}" for at in range(95)]).dictionary_encode(),
        "area": pa.array([None if at % 7 == 0 else at / 3 for at in range(95)]),
        "at": pa.array([{"x": at, "y": -at} for at in range(95)]),
        "a.b": pa.array(range(95)),
    }
)


class CountingFile(LocalFile):
    """A file that counts what is read of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.read_bytes = 0

    def read(self, spans):  # type: ignore[no-untyped-def]
        self.read_bytes += sum(end - start for start, end in spans)
        return super().read(spans)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "cells.parquet"
    pq.write_table(TABLE, path, row_group_size=10)
    return path


@pytest.fixture(params=["memory", "file", "ranged"])
def rows(request: pytest.FixtureRequest, path: Path) -> TableRows:
    if request.param == "memory":
        return MemoryRows(TABLE)
    place = path if request.param == "file" else LocalFile(path)
    return ParquetRows(place, "cells.parquet")


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        slice(0, 3),
        slice(8, 33),
        slice(90, 500),
        slice(200, 300),
        np.array([94, 0, 17, 17, 50, 3]),
        np.array([], int),
    ],
)
def test_parts_are_those_of_the_whole(rows: TableRows, wanted: slice | np.ndarray | None) -> None:
    found = rows.read([3, 0, 1, 2], wanted)
    every = np.arange(rows.count)
    numbers = every if wanted is None else every[wanted] if isinstance(wanted, slice) else wanted
    assert rows.count == 95
    assert found.column_names == ["a.b", "well", "area", "at"]
    expected = TABLE.select([3, 0, 1, 2]).take(numbers)
    assert found.to_pylist() == expected.to_pylist()


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wide.parquet"
    values = np.random.default_rng(1).normal(size=(2_000, 60))
    table = pa.table({f"f{at}": values[:, at] for at in range(60)})
    pq.write_table(table, path, row_group_size=200)
    file = CountingFile(path)
    rows = ParquetRows(file, "wide.parquet")
    before = file.read_bytes
    assert rows.read([7], slice(1_000, 1_010)).column(0).to_pylist() == list(values[1_000:1_010, 7])
    assert file.read_bytes - before < path.stat().st_size / 50


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1xxxxPAR1", b"well,area\n"])
def test_broken_files_are_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "broken.parquet"
    path.write_bytes(data)
    with pytest.raises(BrokenFile, match=r"broken\.parquet"):
        ParquetRows(path, "broken.parquet")


def test_group_that_would_fill_the_memory_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cellfolio.formats.table_rows.LARGEST_GROUP", 100)
    rows = ParquetRows(path, "cells.parquet")
    with pytest.raises(BrokenFile, match="would take"):
        rows.read([0, 1, 2, 3], slice(0, 1))


def test_ranged_file_is_read_as_a_file_is(path: Path) -> None:
    file = RangedFile(LocalFile(path))
    whole = path.read_bytes()
    assert file.seek(-4, 2) == len(whole) - 4
    assert file.read() == b"PAR1"
    assert file.read() == b""
    file.seek(2)
    assert (file.read(5), file.tell()) == (whole[2:7], 7)
