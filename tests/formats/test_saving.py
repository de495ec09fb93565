"""Tables are written whole or not at all, and come back as they were."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.formats.loading import load
from cellfolio.formats.saving import check_table_name, write_table

TABLE = pd.DataFrame({"well": ["A01", "A02"], "count": [3, 4], "area": [0.1, 1e-300]})


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".parquet"])
def test_a_table_comes_back_and_the_same_table_gives_the_same_bytes(
    tmp_path: Path, suffix: str
) -> None:
    one, other = tmp_path / f"one{suffix}", tmp_path / f"other{suffix}"
    one.write_bytes(b"what was there before")
    for path in (one, other):
        write_table(TABLE, path)
    assert load(one).equals(TABLE)
    assert one.read_bytes() == other.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [one.name, other.name]


def test_what_cannot_be_written_is_refused_and_leaves_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"its suffix should be one of \.csv"):
        check_table_name(tmp_path / "table.xlsx")
    with pytest.raises(InvalidArgument, match="there is no folder"):
        check_table_name(tmp_path / "no" / "table.csv")
    path = tmp_path / "mixed.parquet"
    path.write_bytes(b"good")
    with pytest.raises(InvalidArgument, match="cannot be written as Parquet"):
        write_table(pd.DataFrame({"mixed": [1, "a"]}), path)
    assert path.read_bytes() == b"good"
    assert [one.name for one in tmp_path.iterdir()] == ["mixed.parquet"]
