"""A large table is converted once, and comes back bit by bit."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.loading import load
from cellfolio.formats.parquet import same_table
from cellfolio.package.digests import digest_of
from cellfolio.storage.home import Home
from tests.formats.samples import table
from tests.formats.test_tables import real_tables


def kept(home: Home) -> list[Path]:
    return sorted(path for path in (home.folder / "derived").rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "every", [9, pytest.param(2, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_real_tables_come_back_bit_by_bit(shared: Path, home: Home, every: int) -> None:
    read, tables = 0, real_tables(shared)[::every]
    for path in tables:
        try:
            direct = load(path)
        except BrokenFile:
            continue
        first = load(path, home=home, convert_from=0)
        again = load(path, home=home, convert_from=0)
        assert same_table(first, direct), path
        assert same_table(again, direct), path
        some = list(direct.columns[::-3])
        assert same_table(load(path, home=home, convert_from=0, columns=some), direct[some])
        read += 1
    assert read > 0.7 * len(tables)
    assert len(kept(home)) > 0.7 * len(tables)


fields = st.sampled_from(
    ["", "1", "0", "007", "-3", "1.5", "1e400", "-0.0", "True", "False", "NA", "nan", "None", "x",
     "9007199254740993", "18446744073709551615", "99999999999999999999", "2024-01-02", "é", " 1",
     "inf", "1_0", "0x1F", "\t"]
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=150)
@given(
    st.lists(st.lists(fields, min_size=3, max_size=3), min_size=0, max_size=6),
    st.sampled_from([None, ["x"], []]),
)
def test_every_type_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], missing: list[str] | None
) -> None:
    folder = tmp_path_factory.mktemp("types")
    path, home = folder / "a.csv", Home(folder / "home")
    path.write_text("a,b,c\n" + "".join(",".join(row) + "\n" for row in rows))
    direct = load(path, missing=missing)
    for _ in range(2):
        assert same_table(load(path, home=home, convert_from=0, missing=missing), direct)
    polars = load(path, table="polars", missing=missing)
    again = load(path, home=home, convert_from=0, missing=missing, table="polars")
    assert again.equals(polars)


def test_second_reading_does_not_look_into_the_file(tmp_path: Path, home: Home) -> None:
    text = table().to_csv(index=False).encode()
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(text))
    source = Source(path, "plates/a.csv.gz", digest_of(path.read_bytes()), home)
    first = load(source, convert_from=0)
    os.truncate(path, 20)  # would be broken if it was read
    assert same_table(load(source, convert_from=0), first)
    with pytest.raises(BrokenFile):
        load(source)  # small: read directly


def test_small_tables_are_not_converted(tmp_path: Path, home: Home) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table().to_csv(index=False))
    load(path, home=home)
    assert kept(home) == []


def test_options_and_content_have_files_of_their_own(tmp_path: Path, home: Home) -> None:
    path = tmp_path / "a.csv"
    path.write_text("code,n\n007,1\nNA,2\n")
    every: list[dict[str, Any]] = [
        {},
        {"text": ["code"]},
        {"missing": []},
        {"text": ["code"], "missing": []},
    ]
    for options in every:
        direct = load(path, **options)
        for _ in range(2):
            found = load(path, home=home, convert_from=0, **options)
            assert same_table(found, direct)
    assert len(kept(home)) == 4
    path.write_text("code,n\n008,1\nNA,2\n")
    assert load(path, home=home, convert_from=0)["code"][0] == 8


def test_damaged_conversion_is_made_again(tmp_path: Path, home: Home) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table().to_csv(index=False))
    direct = load(path, home=home, convert_from=0)
    (converted,) = kept(home)
    whole = converted.read_bytes()
    for place in range(4, len(whole), len(whole) // 25):
        converted.chmod(0o644)
        converted.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert same_table(load(path, home=home, convert_from=0), direct), place
    converted.chmod(0o644)
    converted.write_bytes(whole[:100])
    assert same_table(load(path, home=home, convert_from=0), direct)
    assert kept(home) == [converted]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_home_is_no_error(tmp_path: Path, home: Home) -> None:
    home.folder.mkdir()
    home.folder.chmod(0o555)
    path = tmp_path / "a.csv"
    path.write_text(table().to_csv(index=False))
    assert same_table(load(path, home=home, convert_from=0), load(path))


def test_home_that_cannot_hold_it_is_no_error(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.folder.mkdir()
    (home.folder / "derived").write_text("in the way")
    path = tmp_path / "a.csv"
    path.write_text(table().to_csv(index=False))
    assert same_table(load(path, home=home, convert_from=0), load(path))


@pytest.mark.slow
def test_many_processes_convert_at_once(tmp_path: Path, home: Home) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table(5_000).to_csv(index=False))
    code = (
        "import sys; from pathlib import Path\n"
        "from cellfolio.formats.loading import load; from cellfolio.storage.home import Home\n"
        "for _ in range(3):\n"
        "    found = load(sys.argv[1], home=Home(Path(sys.argv[2])), convert_from=0)\n"
        "    assert found['area'].sum() == float(sys.argv[3])\n"
    )
    total = repr(float(load(path)["area"].sum()))
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(home.folder), total])
        for _ in range(4)
    ]
    assert [run.wait() for run in runs] == [0] * 4
    assert len(kept(home)) == 1


def test_column_that_is_not_there(tmp_path: Path, home: Home) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    for _ in range(2):
        with pytest.raises(InvalidArgument, match="no column 'c'"):
            load(path, home=home, convert_from=0, columns=["c"])
        with pytest.raises(InvalidArgument, match="'a' more than once"):
            load(path, home=home, convert_from=0, columns=["a", "b", "a"])
        load(path, home=home, convert_from=0)


def test_same_table_sees_every_difference() -> None:
    one = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", np.nan], "c": [1, 2]})
    assert same_table(one, one.copy())
    for other in (
        one.assign(a=[np.nextafter(1, 2), np.nan]),
        one.assign(a=[1.0, 2.0]),
        one.assign(b=["x", "y"]),
        one.assign(b=[np.nan, "x"]),
        one.assign(c=[1.0, 2.0]),
        one[["b", "a", "c"]],
        one.head(1),
    ):
        assert not same_table(one, other)
