"""Delimited tables and Parquet: types, bits, and every kind of broken row."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.delimited import exact_decimals
from cellfolio.formats.loading import load
from cellfolio.formats.parquet import same_table
from cellfolio.formats.rows import has_long_numbers
from tests.formats.samples import table

ALL = "well,count\nA01,3\nA02,4\n"
TABLES = (
    "aics/cardio/*.csv", "aics/tables/*.csv", "aics/fov_processing/*.csv", "example_human/*.csv",
    "cpjump1/single_cells/*/*.csv", "cpjump1/published/*/*.csv", "cpjump1/metadata/**/*.[ct]sv",
    "abc_atlas/merfish_subset/*metadata.csv", "abc_atlas/metadata/**/*.csv", "bbbc021/*.csv*",
    "lincs_plate/*.csv.gz", "ta_orf_l1000/*.csv*", "misc/cytominer_database/data_b/*/*.csv",
)  # fmt: skip


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def real_tables(shared: Path) -> list[Path]:
    return sorted(path for one in TABLES for path in (shared / "data").glob(one))


@pytest.mark.slow
def test_real_tables_are_as_pandas_reads_them(shared: Path) -> None:
    read, broken = 0, []
    for path in real_tables(shared):
        try:
            found = load(path)
        except BrokenFile as error:
            broken.append((path.parent.name, path.name, error.reason))
            continue
        mark = "\t" if path.suffix == ".tsv" else ","
        judge = pd.read_csv(path, sep=mark, low_memory=False, **exact_decimals())
        assert same_table(found, judge), path
        read += 1
    assert read > 60
    # A site of cytominer-database with empty files, and one whose rows lack fields.
    assert broken == [
        ("E17-4", "Cells.csv", "it is empty"),
        ("E17-4", "Nuclei.csv", "it is empty"),
        ("J21-2", "Cells.csv", "line 2 has 564 fields, the header has 586"),
    ]


@pytest.mark.parametrize("long", [False, True])
def test_decimals_are_right_to_the_last_bit_whatever_their_length(
    tmp_path: Path, *, long: bool
) -> None:
    # Short ones are read another way than those of which one operation does not give the nearest.
    path = tmp_path / "numbers.csv"
    whole, part = st.integers(0, 999_999).map(str), st.text("0123456789", max_size=9)
    power = st.sampled_from(["", "", "e-05", "e-17", "e+22", "E7", "e3"])

    @given(st.lists(st.tuples(st.sampled_from(["", "-"]), whole, part, power), min_size=1))
    @settings(max_examples=150)
    def check(parts: list[tuple[str, str, str, str]]) -> None:
        texts = ["0.5"]
        for sign, before, after, exponent in parts:
            digits = f"{before}.{after}"[: 6 if exponent else 15]
            texts.append(f"{sign}{digits}{exponent}")
        texts += ["0.1234567890123456789", "1.2345e-23", "9007199254740993"] if long else []
        write(path, "name,value\n" + "".join(f"a,{one}\n" for one in texts))
        assert has_long_numbers(path.read_bytes()) is long
        found = load(path)["value"].to_numpy()
        assert found.tobytes() == np.array(list(map(float, texts))).tobytes()

    check()


def test_header_of_two_rows(shared: Path) -> None:
    path = shared / "data/misc/cytominer_database/data_a/1/object.csv"
    with pytest.raises(
        BrokenFile, match="column 'Cells' is there twice, as fields 2 and 3"
    ) as seen:
        load(path)
    assert "header_rows=2" in seen.value.hint
    found = load(path, header_rows=2)
    assert same_table(found, pd.read_csv(path, header=[0, 1], **exact_decimals()))
    assert found.columns[1][0] == "Cells"


def test_real_parquet_is_as_pandas_reads_it(shared: Path) -> None:
    for path in sorted((shared / "data/pediatric_atlas/BR00147001").glob("*.parquet")):
        judge = pd.read_parquet(path)
        assert same_table(load(path), judge)
        some = list(judge.columns[[5, 2]])
        assert same_table(load(path, columns=some), judge[some])


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)],
)
def test_compressed_table(tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    plain = table().to_csv(index=False).encode()
    for name in (f"a.csv{suffix}", "b.csv"):  # one with a plain name is compressed inside
        assert same_table(load(write(tmp_path / name, compress(plain))), load_plain(tmp_path))


def load_plain(folder: Path) -> pd.DataFrame:
    found = load(write(folder / "plain.csv", table().to_csv(index=False)))
    assert isinstance(found, pd.DataFrame)
    return found


def test_types_follow_the_rules_of_pandas(tmp_path: Path) -> None:
    text = (
        "int,gap,flag,flaggap,code,name,big,huge,mixed,empty\n"
        "1,1,True,True,007,NA,9007199254740993,18446744073709551615,1,\n"
        "2,,False,,010,None,2,1,x,\n"
        "-3,3,True,False,011,b,3,2,2,\n"
    )
    path = write(tmp_path / "a.csv", text)
    found = load(path)
    kinds = [kind.name for kind in found.dtypes]
    assert kinds[:3] == ["int64", "float64", "bool"]
    assert found["flaggap"].tolist()[::2] == [True, False]
    assert found["flaggap"].dtype == object
    assert found["code"].tolist() == [7, 10, 11]
    assert found["name"].isna().tolist() == [True, True, False]
    assert found["big"].tolist()[0] == 2**53 + 1
    assert found["huge"].tolist()[0] == 2**64 - 1
    assert found["mixed"].tolist() == ["1", "x", "2"]
    assert found["empty"].dtype == np.float64
    told = load(path, text=["code"], missing=[])
    assert told["code"].tolist() == ["007", "010", "011"]
    assert told["name"].tolist() == ["NA", "None", "b"]
    assert told["gap"].isna().tolist() == [False, True, False]


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60),
    st.sampled_from(["{!r}", "{:.17g}", "{:.17e}", "{:.25g}"]),
)
def test_floats_are_right_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[float], form: str
) -> None:
    path = tmp_path_factory.mktemp("floats") / "a.csv"
    numbers = [*numbers, 0.5]  # a column of whole numbers would be int64, which has no -0
    write(path, "x,y\n" + "".join(f"{form.format(one)},0.5\n" for one in numbers))
    found = load(path)["x"].to_numpy(float)
    assert found.tobytes() == np.array(numbers, dtype=float).tobytes()


cells = st.text(st.sampled_from('ab,"\n\r\t ;é1'), max_size=6)


@settings(max_examples=200)
@given(
    st.integers(2, 4).flatmap(
        lambda width: st.lists(
            st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=8
        )
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_quoted_tables_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], end: str, always: bool
) -> None:
    header = [f"column{at}" for at in range(len(rows[0]))]
    # Not csv.writer: it leaves "\r" without quotes.
    text = end.join(
        ",".join(
            '"' + one.replace('"', '""') + '"' if always or set(one) & set(',"\n\r') else one
            for one in row
        )
        for row in [header, *rows]
    )
    path = write(tmp_path_factory.mktemp("quoted") / "a.csv", text + end)
    found = load(path, text=header, missing=[]).fillna("")
    assert list(found) == header
    assert found.to_numpy().tolist() == rows


@settings(max_examples=200)
@given(
    st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=6),
    st.booleans(),
)
def test_ragged_rows_are_refused_and_no_others(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], quote: bool
) -> None:
    text = "a,b,c\n" + "".join(
        ",".join(f'"{one.replace(chr(34), chr(34) * 2)}"' if quote else one for one in row) + "\n"
        for row in rows
    )
    path = write(tmp_path_factory.mktemp("ragged") / "a.csv", text)
    try:
        seen = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        seen = [[], ["", ""]]
    full = [row for row in seen if row and (quote or len(row) > 1 or row[0].strip(" \t"))]
    whole = all(len(row) == 3 for row in full)
    try:
        found = load(path, text=["a", "b", "c"], missing=[])
    except BrokenFile:
        # Where the file is unusual, a line of spaces is no blank line.
        assert not whole or full != [row for row in seen if row]
    else:
        assert whole
        assert len(found) == len(full) - 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a,b\n1,2\n3\n", "line 3 has 1 field, the header has 2"),
        (b"a,b\n1,2,3\n", "line 2 has 3 fields, the header has 2"),
        (b"a,b,c\n1,2\n", "line 2 has 2 fields, the header has 3"),
        (b"a\n1\n2,3\n", "line 3 has 2 fields, the header has 1"),
        (b"a,b\n1,2,3\n4\n", "line 2 has 3 fields"),
        (b'a,b\n"1\n2",3\n4\n', "line 4 has 1 field"),
        (b"a,b,a\n1,2,3\n", "column 'a' is there twice, as fields 1 and 3"),
        (b"a,b\n1,\xff\n", r"line 2, field 2 is not UTF-8 \(byte 0xff\)"),
        (b"a,b\n1,2\n\x00,2\n", "line 3 has a NUL byte"),
        ("a,b\n1,2\n".encode("utf-16"), "line 1 has a NUL byte"),
        (b"", "it is empty"),
        (b"\n\n", "it is empty"),
        (b'a,b\n1,"2\n3,4\n', "unexpected end of data"),
        (b"a;b\n1;2\n", "expected ',' between fields, found ';'"),
        (b'{"message": "not found"}\n', "it looks like JSON"),
        (b"<!DOCTYPE html>\n", "it looks like HTML"),
    ],
)
def test_broken_rows_are_named(tmp_path: Path, content: bytes, told: str) -> None:
    for name, data in (("a.csv", content), ("b.csv.gz", gzip.compress(content))):
        with pytest.raises(BrokenFile, match=told) as seen:
            load(write(tmp_path / name, data))
        assert seen.value.format == "csv"
        assert seen.value.path == name


@pytest.mark.parametrize("columns", [None, ["b"]])
def test_short_and_long_rows_far_down_are_named(tmp_path: Path, columns: list[str] | None) -> None:
    rows = 400_000
    lines = ["a,b,c", *("1,2,3" for _ in range(rows))]
    lines[-5], lines[-4] = "1,2", "1,2,3,4"
    path = write(tmp_path / "a.csv", "\n".join(lines))
    with pytest.raises(BrokenFile, match=f"line {rows - 3} has 2 fields, the header has 3"):
        load(path, columns=columns)


def test_blank_lines_and_byte_order_marks_are_skipped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"\xef\xbb\xbfwell,count\r\n\r\nA01,3\r\n  \r\nA02,4")
    assert same_table(load(path), load(write(tmp_path / "b.csv", ALL)))


def test_other_encodings_and_delimiters(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "name;µ\né;1,5\n".encode("latin-1"))
    with pytest.raises(BrokenFile, match="line 1, field 2 is not UTF-8"):
        load(path, delimiter=";")
    found = load(path, encoding="latin-1", delimiter=";")
    assert found.to_dict("list") == {"name": ["é"], "µ": ["1,5"]}
    wide = write(tmp_path / "b.csv", "a,b\né,2\n".encode("utf-16"))
    assert load(wide, encoding="utf-16").to_dict("list") == {"a": ["é"], "b": [2]}
    short = write(tmp_path / "c.csv", "a,b\né\n".encode("utf-16"))
    with pytest.raises(BrokenFile, match="line 2 has 1 field"):
        load(short, encoding="utf-16")
    with pytest.raises(BrokenFile):
        load(write(tmp_path / "d.csv", b"a,b\n\xe9,1\n"), encoding="ascii")


def test_tabs_by_suffix_and_declared(tmp_path: Path) -> None:
    text = ALL.replace(",", "\t")
    judge = load(write(tmp_path / "a.csv", ALL))
    assert same_table(load(write(tmp_path / "a.tsv", text)), judge)
    assert same_table(load(write(tmp_path / "platemap.txt", text), declared="tsv"), judge)
    with pytest.raises(BrokenFile, match=r"expected ',' between fields, found '\\t'"):
        load(write(tmp_path / "b.csv", text))


def test_only_the_columns_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", table().to_csv(index=False))
    whole = load(path)
    assert same_table(load(path, columns=["gaps", "well"]), whole[["gaps", "well"]])
    with pytest.raises(InvalidArgument, match="no column 'wel'") as seen:
        load(path, columns=["wel"])
    assert seen.value.hint == "did you mean well?"
    with pytest.raises(InvalidArgument, match="list of names"):
        load(path, columns="well")


def test_polars_has_the_same_values(tmp_path: Path) -> None:
    import polars as pl

    path = write(tmp_path / "a.csv", table().to_csv(index=False))
    found = load(path, table="polars")
    assert isinstance(found, pl.DataFrame)
    assert found.equals(pl.from_pandas(load(path)))
    assert found["gaps"].null_count() > 0
    with pytest.raises(InvalidArgument, match="table should be one of"):
        load(path, table="dask")


def test_compression_bomb_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv.gz", gzip.compress(b"a\n" + b"1\n" * 5_000_000))
    with pytest.raises(BrokenFile, match=r"more than 1\.0 MB are inside") as seen:
        load(path, max_bytes=1_000_000)
    assert "max_bytes=" in seen.value.hint
    assert len(load(path, max_bytes=20_000_000)) == 5_000_000


def test_option_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ALL)
    with pytest.raises(InvalidArgument, match="csv has no option 'colums'") as seen:
        load(path, colums=["well"])
    assert seen.value.hint == "did you mean columns?"
    for wrong in ({"header_rows": 0}, {"delimiter": "::"}, {"text": "well"}):
        with pytest.raises(InvalidArgument):
            load(path, **wrong)
