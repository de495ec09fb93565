"""Tables looked at in parts: every format, here and far away, asked with SQL."""

from __future__ import annotations

import gzip
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cellfolio.errors import BrokenFile, InvalidArgument, ObjectNotFound
from cellfolio.metadata.conditions import parse_conditions
from cellfolio.metadata.row_order import Sorting
from cellfolio.metadata.sql import Limits, run_sql
from cellfolio.package.digests import digest_of
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.workflows import table_opening, table_views
from cellfolio.workflows.kept import Kept
from cellfolio.workflows.table_views import Found, Sought, TableViews
from tests.servers.faults import FaultProxy
from tests.servers.seaweed import SeaweedServer

WELLS = pd.DataFrame({"well": ["A01", "A02", "B01"], "gene": ["TTN", None, "MYH6"], "n": [3, 4, 5]})


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """A package with the same table in each format."""
    folder = tmp_path / "files"
    folder.mkdir()
    WELLS.to_csv(folder / "wells.csv", index=False)
    WELLS.to_csv(folder / "wells.tsv.gz", index=False, sep="\t")
    WELLS.to_parquet(folder / "wells.parquet")
    WELLS.to_json(folder / "wells.jsonl", orient="records", lines=True)
    with closing(sqlite3.connect(folder / "wells.sqlite")) as database, database:
        WELLS.to_sql("wells", database, index=False)
        pd.DataFrame({"plate": ["P1"]}).to_sql("plates", database, index=False)
    database.close()
    (folder / "wells.gct").write_text(
        "#1.3\n2\t2\t1\t1\nid\tgene\ts1\ts2\ndose\tna\t1\t2\nr1\tTTN\t0.5\t1\nr2\tMYH6\t2\t3\n"
    )
    (folder / "broken.csv").write_text("a,b\n1\n")
    return _package(folder)


def _package(folder: Path) -> Package:
    return Package.of(
        [Entry(path.name, path.as_uri(), path.stat().st_size) for path in folder.iterdir()]
    )


def _all(found: Found) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = found.read(range(len(found.table.rows.schema))).to_pylist()
    return rows


@pytest.mark.parametrize(
    "key", ["wells.csv", "wells.tsv.gz", "wells.parquet", "wells.jsonl", "wells.sqlite"]
)
@pytest.mark.parametrize("small", [0, 10**9], ids=["converted", "in memory"])
def test_every_format_is_the_same_table(
    package: Package, home: Home, key: str, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_opening, "SMALL", small)
    views = TableViews(home)
    part = "wells" if key.endswith("sqlite") else ""
    found = views.find(package, package.entry(key), part, Sought())
    assert found.count == 3
    assert _all(found) == WELLS.replace({np.nan: None}).to_dict("records")
    sought = Sought(where=parse_conditions(["n>3"]), sort=(Sorting("n", falling=True),))
    fewer = views.find(package, package.entry(key), part, sought)
    assert [row["well"] for row in _all(fewer)] == ["B01", "A02"]
    assert fewer.read([0], first=1, count=5).to_pydict() == {"well": ["A02"]}
    asked = Sought("select gene, n * 2 as twice from this where n = 5", (), ())
    assert _all(views.find(package, package.entry(key), part, asked)) == [
        {"gene": "MYH6", "twice": 10}
    ]


def test_matrix_of_gct_has_what_is_known_of_its_rows(package: Package, home: Home) -> None:
    found = TableViews(home).find(package, package.entry("wells.gct"), "", Sought())
    assert _all(found) == [
        {"id": "r1", "gene": "TTN", "s1": 0.5, "s2": 1.0},
        {"id": "r2", "gene": "MYH6", "s1": 2.0, "s2": 3.0},
    ]


def test_tables_of_a_database_are_told_and_bounded(
    package: Package, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = TableViews(home)
    opened = views.open(package, package.entry("wells.sqlite"))
    assert (opened.parts, opened.part, opened.note) == (("plates", "wells"), "plates", "")
    monkeypatch.setattr(table_opening, "CELLS", 6)
    fewer = TableViews(home).open(package, package.entry("wells.sqlite"), "wells")
    assert fewer.rows.count == 2
    assert fewer.note == "The first 2 of 3 rows."
    with pytest.raises(InvalidArgument, match="no table 'nothing'"):
        views.open(package, package.entry("wells.sqlite"), "nothing")


def test_other_tables_of_the_package_are_asked_and_nothing_else(
    package: Package, home: Home, tmp_path: Path
) -> None:
    views = TableViews(home)
    entry = package.entry("wells.csv")
    joined = Sought(
        'select a.well, p.plate, e.size from this a, "wells.sqlite/plates" p, entries e '
        "where a.n = 3 and e.logical_key = 'wells.csv'"
    )
    assert _all(views.find(package, entry, "", joined)) == [
        {"well": "A01", "plate": "P1", "size": entry.size}
    ]
    before = sorted(tmp_path.rglob("*"))
    secret = tmp_path / "secret.csv"
    secret.write_text("x\n1\n")
    for statement in (
        f"select * from read_csv('{secret}')",
        f"select * from '{secret}'",
        f"select * from read_parquet('{tmp_path}/files/wells.parquet')",
        "select * from glob('/*')",
        f"copy this to '{tmp_path}/out.csv'",
        f"attach '{tmp_path}/files/wells.sqlite' as x",
        "pragma database_list",
        "set enable_external_access = true",
        "create table x as select 1",
        "insert into this values (1)",
        "select 1; select 2",
        "select * from nothing",
        "install httpfs",
    ):
        with pytest.raises(InvalidArgument) as told:
            views.find(package, entry, "", Sought(statement))
        assert "--" not in told.value.hint, "hints of the command line are of no use here"
    assert sorted(tmp_path.rglob("*")) == sorted([*before, secret])


def test_statements_are_bounded_in_time_and_rows(
    package: Package, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = package.entry("wells.csv")
    views = TableViews(home, Limits(memory=300_000_000, seconds=0.5, rows=11))
    monkeypatch.setattr(table_views, "ROWS", 10)
    found = views.find(package, entry, "", Sought("select * from range(100000) r(n)"))
    assert found.count == 10
    assert "the first 10" in found.table.note
    started = time.monotonic()
    with pytest.raises(InvalidArgument, match="ended after"):
        views.find(package, entry, "", Sought("select count(*) from range(1e11::bigint) a(x) "
                                              "where sin(x) > 2"))  # fmt: skip
    assert time.monotonic() - started < 15
    with pytest.raises(InvalidArgument, match="memory"):
        TableViews(home, Limits(memory=50_000_000, seconds=60)).find(
            package, entry, "", Sought("select list(x) from range(1e9::bigint) a(x)")
        )


def test_broken_files_are_named(package: Package, home: Home, tmp_path: Path) -> None:
    views = TableViews(home)
    with pytest.raises(BrokenFile, match=r"broken\.csv"):
        views.open(package, package.entry("broken.csv"))
    entry = package.entry("wells.tsv.gz")
    (tmp_path / "files" / "wells.tsv.gz").unlink()
    with pytest.raises(ObjectNotFound):
        views.open(package, entry)


def test_file_that_changes_is_opened_again(package: Package, home: Home, tmp_path: Path) -> None:
    views = TableViews(home)
    assert views.open(package, package.entry("wells.csv")).rows.count == 3
    (tmp_path / "files" / "wells.csv").write_text("well\nA01\n")
    assert views.open(package, package.entry("wells.csv")).rows.count == 1


def test_too_large_a_file_shows_its_first_rows(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    text = "a,b\n" + "".join(f"{at},x{at}\n" for at in range(5_000))
    (folder / "x.csv.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "x.csv").write_text(text)
    package = _package(folder)
    monkeypatch.setattr(table_opening, "CONVERTED", 100)
    monkeypatch.setattr(table_opening, "HEAD", 1_000)
    for key in ("x.csv", "x.csv.gz"):
        opened = TableViews(home).open(package, package.entry(key))
        assert 50 < opened.rows.count < 200, key
        assert opened.rows.read([1], slice(3, 4)).to_pydict() == {"b": ["x3"]}
        assert "Only the first" in opened.note


def test_compressed_bomb_is_refused(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_opening, "INSIDE", 3_000_000)
    folder = tmp_path / "files"
    folder.mkdir()
    with gzip.open(folder / "bomb.csv.gz", "wb", compresslevel=1) as file:
        file.write(b"a\n")
        for _ in range(30):
            file.write(b"1" * (1 << 20))
    package = _package(folder)
    for small in (0, 10**9):
        monkeypatch.setattr(table_opening, "SMALL", small)
        with pytest.raises(BrokenFile, match="are inside"):
            TableViews(home).open(package, package.entry("bomb.csv.gz"))


@pytest.fixture
def watched(
    fault_proxy: FaultProxy, s3_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> FaultProxy:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    return fault_proxy


@pytest.fixture
def put(s3: SeaweedServer, bucket: str) -> Callable[[str, bytes], Entry]:
    def put(key: str, data: bytes) -> Entry:
        s3.client().put_object(Bucket=bucket, Key=key, Body=data)
        return Entry(key, f"s3://{bucket}/{key}", len(data), digest_of(data))

    return put


def test_far_tables_are_read_in_parts(
    tmp_path: Path,
    home: Home,
    watched: FaultProxy,
    put: Callable[[str, bytes], Entry],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(0).normal(size=(20_000, 40))
    table = pa.table({f"f{at}": values[:, at] for at in range(40)})
    pq.write_table(table, tmp_path / "cells.parquet", row_group_size=2_000)
    cells = put("cells.parquet", (tmp_path / "cells.parquet").read_bytes())
    text = "a,b\n" + "".join(f"{at},x{at}\n" for at in range(5_000))
    far, near = put("far.csv", text.encode()), put("near.csv", WELLS.to_csv(index=False).encode())
    package = Package.of([cells, far, near])
    views = TableViews(home)
    found = views.find(package, cells, "", Sought())
    assert found.read([7], 15_000, 3).column(0).to_pylist() == values[15_000:15_003, 7].tolist()
    best = views.find(package, cells, "", Sought(sort=(Sorting("f3", falling=True),)))
    assert best.read([3], 0, 1).column(0).to_pylist() == [values[:, 3].max()]
    largest = views.find(package, cells, "", Sought("select max(f5) as most from this"))
    assert largest.read([0]).to_pydict() == {"most": [values[:, 5].max()]}
    assert not list(home.blobs.held([])), "nothing was fetched"
    assert _all(views.find(package, near, "", Sought()))[2]["gene"] == "MYH6"
    monkeypatch.setattr(table_opening, "FETCHED", 100)
    monkeypatch.setattr(table_opening, "HEAD", 1_000)
    opened = views.open(package, far)
    assert 50 < opened.rows.count < 200
    with pytest.raises(InvalidArgument, match="not on this machine"):
        views.find(package, cells, "", Sought('select * from "far.csv"'))


def test_few_statements_run_at_once(
    package: Package, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def counted(*args: Any) -> pd.DataFrame:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        found = run_sql(*args)
        with lock:
            running -= 1
        return found

    monkeypatch.setattr(table_views, "run_sql", counted)
    views, entry = TableViews(home), package.entry("wells.csv")

    def ask(number: int) -> int:
        sought = Sought(f"select {number} + n as x from this where n = 3")
        return int(views.find(package, entry, "", sought).read([0]).column(0)[0].as_py())

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(ask, range(6))) == [3, 4, 5, 6, 7, 8]
    assert 1 <= most <= table_views.AT_ONCE


def test_one_thread_makes_a_value_and_others_wait() -> None:
    made: list[int] = []
    kept: Kept[str, int] = Kept(10, lambda value: value)
    begin = threading.Barrier(8)

    def make() -> int:
        time.sleep(0.05)
        made.append(1)
        return 5

    def ask() -> None:
        begin.wait()
        assert kept.get("a", make) == 5

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert made == [1]
    assert kept.get("b", lambda: 9) == 9
    assert kept.get("a", lambda: 7) == 7, "there was no room for both"
    with pytest.raises(ZeroDivisionError):
        kept.get("c", lambda: 1 // 0)
    assert kept.get("c", lambda: 2) == 2
