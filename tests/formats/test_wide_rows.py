"""Wide tables of numbers: whatever pandas makes of them, and nothing else."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import BrokenFile
from cellfolio.formats.delimited import exact_decimals, read_wide_frame
from cellfolio.formats.format import Source
from cellfolio.formats.loading import load
from cellfolio.formats.parquet import same_table
from cellfolio.formats.rows import Dialect, UnusualRows
from cellfolio.formats.wide_rows import WIDE, read_wide

TEXTS = ["A01", "", "NA", "a b", "1e", "-", "True", "7", "0.5", '"x, y"', '"say ""no"""', "é"]
DECIMALS = ["0.1", "-2.5e-05", "1E+3", ".5", "5.", "3.0", "0.30000000000000004", "-0.0", "1e22"]
WHOLE = ["0", "-7", "12", "007", "-0"]
LARGE = ["9007199254740993", "18446744073709551615", "36893488147419103232"]
KINDS = [DECIMALS, [*DECIMALS, "", "nan", "NA"], WHOLE, [*WHOLE, "NaN"], [*WHOLE, *LARGE], [""]]


def judge(path: Path, mark: str = ",") -> pd.DataFrame:
    found: pd.DataFrame = pd.read_csv(
        path, sep=mark, low_memory=False, index_col=False, **exact_decimals()
    )
    return found


def written(path: Path, names: list[str], rows: list[list[str]], mark: str, end: str) -> bytes:
    lines = [mark.join(row).replace(", ", f"{mark} ") for row in [names, *rows]]
    path.write_bytes(data := "".join(f"{line}{end}" for line in lines).encode())
    return data


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    """Return names and rows: some columns of anything, then many of numbers of all kinds."""
    before, count = draw(st.integers(0, 3)), draw(st.integers(1, 6))
    chosen = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
    columns = [[draw(st.sampled_from(TEXTS)) for _ in range(count)] for _ in range(before)]
    some = [[draw(st.sampled_from(kind)) for _ in range(count)] for kind in chosen]
    plain = [[f"{at}.25" for at in range(count)]]
    columns += [(some[at % 50 // 5] if at % 50 // 5 < len(some) else plain[0]) if not at % 5
                else plain[0] for at in range(WIDE + 20)]  # fmt: skip
    names = [f"Feature_{at}" for at in range(len(columns))]
    return names, [list(row) for row in zip(*columns, strict=True)]


@given(table=tables(), mark=st.sampled_from([",", "\t"]), end=st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=80, deadline=None)
def test_types_and_bits_are_those_of_pandas(
    tmp_path_factory: pytest.TempPathFactory,
    table: tuple[list[str], list[list[str]]],
    mark: str,
    end: str,
) -> None:
    path = tmp_path_factory.mktemp("wide") / ("a.tsv" if mark == "\t" else "a.csv")
    written(path, *table, mark, end)
    assert same_table(load(path), judge(path, mark))


def source(path: Path) -> tuple[Source, Dialect]:
    return Source(path, path.name), Dialect("csv", ",")


NAMES = ["drug", "well", *(f"Cells_{at}" for at in range(WIDE))]
ROWS = [
    ['"a, ""b"""', "A01", *(["0.5", "7", "", "1e-05", *["2.5"] * 6] * (WIDE // 10))],
    ["", "A02", *(["2.25", "-3", "4", "nan", *["3.0"] * 6] * (WIDE // 10))],
    ["c", "A03", *(["1", "0", "5", "", *["-4"] * 6] * (WIDE // 10))],
]


def test_usual_profiles_are_read_this_way(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    written(path, NAMES, ROWS, ",", "\n")
    expected = judge(path)
    assert expected.dtypes.astype(str).value_counts().to_dict() == {
        "float64": 450, "int64": 50, expected["well"].dtype.name: 2,
    }  # fmt: skip
    found = read_wide_frame(*source(path), None, NAMES)
    assert found is not None
    assert same_table(found, expected)


def test_rows_may_come_in_any_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    data = written(path, NAMES, ROWS, ",", "\n")
    lines = data.splitlines(keepends=True)
    pieces = [lines, [b"".join(lines)], [b"".join(lines[:2]), b"".join(lines[2:])]]
    for some in pieces:
        found = read_wide(iter(some), ",", NAMES, **exact_decimals())
        assert same_table(found, judge(path))
        assert isinstance(found.index, pd.RangeIndex)


def changed(at: int, value: str) -> Iterator[bytes]:
    rows = [[*row[:2], *([row[2]] * WIDE)] for row in ROWS]
    rows[1][at] = value
    yield ",".join(NAMES).encode() + b"\n"
    yield from (",".join(row).encode() + b"\n" for row in rows)


@pytest.mark.parametrize("value", ["+1", "-nan", "1E5", "1e-320", "123456789012345678901234"])
def test_unusual_numbers_are_those_of_pandas(tmp_path: Path, value: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"".join(changed(300, value)))
    assert same_table(load(path), judge(path))


@pytest.mark.parametrize("value", ["x", "True", "inf", " 1", "1,5", "1e999", "1e", "-", "--1",
                                   '"1"', "1.2.3", "0x10"])  # fmt: skip
def test_other_values_are_left_to_the_reader_of_all_tables(tmp_path: Path, value: str) -> None:
    with pytest.raises(UnusualRows):
        read_wide(changed(300, value), ",", NAMES)
    path = tmp_path / "a.csv"
    path.write_bytes(b"".join(changed(300, value)))
    if "," in value:
        with pytest.raises(BrokenFile, match="line 3 has 503 fields, the header has 502"):
            load(path)
    else:
        assert same_table(load(path), judge(path))


def test_few_numbers_whole_numbers_and_nothing_are_left_to_it() -> None:
    header = ",".join(NAMES).encode() + b"\n"
    whole = ",".join(["A01", "", *(["3"] * WIDE)]).encode() + b"\n"
    texts = ",".join(["A01", *(["x"] * 10), *(["0.5"] * (WIDE - 9))]).encode() + b"\n"
    for pieces in ([], [header], [header, whole], [header, texts], [b"\n" + header, whole]):
        with pytest.raises(UnusualRows):
            read_wide(pieces, ",", NAMES)


def test_broken_rows_are_told_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    data = b"".join(changed(300, "1"))
    path.write_bytes(data[:-300])
    with pytest.raises(BrokenFile, match="line 4 has"):
        load(path)
    path.write_bytes(data.replace(b"A03", b"A\0003"))
    with pytest.raises(BrokenFile, match="line 4 has a NUL byte"):
        load(path)
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(data)[:-30])
    with pytest.raises(BrokenFile, match="cut off"):
        load(packed)
