"""The command single-cells: what it prints, writes and refuses."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import cellfolio as library
from tests.cli.conftest import Cellfolio
from tests.cli.test_commands import check
from tests.formats.test_cellprofiler import write_site


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for at, well in enumerate(("A01", "A02", "B01"), 1):
        write_site(tmp_path / f"tree/P1-{well}-1", well, 1, cells=at)
    return tmp_path / "tree"


def test_cells_are_told_and_written(cellfolio: Cellfolio, tree: Path, tmp_path: Path) -> None:
    ran = cellfolio("single-cells", tree, "-o", "cells.parquet")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == ["3 sites, 6 cells, 3 features", "→ cells.parquet"]
    table = pq.read_table(tmp_path / "cells.parquet")
    assert table["Metadata_Well"].to_pylist() == ["A01", "A02", "A02", "B01", "B01", "B01"]
    record = json.loads(pq.read_metadata(tmp_path / "cells.parquet").metadata[b"cellfolio"])
    assert record["version"] == library.__version__
    image = tree / "P1-A01-1/Image.csv"
    assert (
        record["inputs"]["P1-A01-1/Image.csv"] == f"SHA256:{sha256(image.read_bytes()).hexdigest()}"
    )
    assert len(record["inputs"]) == 12
    again = cellfolio("single-cells", tree, "-o", "again.parquet", "--json")
    check(again, "single-cells")
    assert (again.document["cells"], again.document["inputs"]) == (6, 12)
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "cells.parquet").read_bytes()
    wells = library.aggregate_cells(library.open_cells(tmp_path / "cells.parquet"))
    direct = library.aggregate_cells(library.open_cells(tree))
    assert wells.equals(direct)


def test_what_is_broken_is_told(cellfolio: Cellfolio, tree: Path, tmp_path: Path) -> None:
    (tree / "P1-A02-1/Nuclei.csv").write_text("")
    ran = cellfolio("single-cells", tree, "-o", "cells.parquet")
    assert ran.code != 0
    assert "P1-A02-1/Nuclei.csv cannot be read as csv: it is empty" in ran.err
    assert "--keep-going" in ran.err
    (tmp_path / "cells.parquet").write_text("as it was")
    (tree / "P1-B01-1/Cells.csv").write_text("ImageNumber,ObjectNumber\n1\n")
    assert cellfolio("single-cells", tree, "-o", "cells.parquet").code != 0
    assert (tmp_path / "cells.parquet").read_text() == "as it was"
    assert [path.name for path in tmp_path.glob(".*")] == []
    ran = cellfolio("single-cells", tree, "-o", "cells.parquet", "--keep-going", "--json")
    assert [one["path"] for one in ran.document["problems"]][:2] == [
        "P1-A02-1/Nuclei.csv", "P1-B01-1/Cells.csv",
    ]  # fmt: skip
    assert ran.document["cells"] == 1


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_bytes(
    cellfolio: Cellfolio, tree: Path, tmp_path: Path
) -> None:
    (tree / "P1-A02-1/Nuclei.csv").write_text("ImageNumber,ObjectNumber\n1\n")
    options = ("--keep-going", "--json", "--workers")
    told = []
    for workers in ("1", "2", "5"):
        ran = cellfolio("single-cells", tree, "-o", f"{workers}.parquet", *options, workers)
        told.append({**ran.document, "output": ""})
    assert told[1:] == told[:1] * 2
    assert len(told[0]["problems"]) == 2
    first, *others = ((tmp_path / f"{one}.parquet").read_bytes() for one in (1, 2, 5))
    assert others == [first] * 2
    ran = cellfolio("single-cells", tree, "-o", "x.parquet", "--workers", "2")
    assert ran.code != 0
    assert "P1-A02-1/Nuclei.csv" in ran.err
    tables = []
    for workers in ("1", "2"):
        name = f"{workers}.csv"
        cellfolio("aggregate", tree, "-o", name, "--keep-going", "--workers", workers)
        tables.append((tmp_path / name).read_bytes())
    assert tables[0] == tables[1]


def test_cells_of_a_package(cellfolio: Cellfolio, tree: Path) -> None:
    assert cellfolio("build", tree.parent, "lab/screen").code == 0
    ran = cellfolio("single-cells", "lab/screen/tree", "-o", "cells.parquet", "--json")
    assert ran.document["cells"] == 6


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("tree", "-o", "cells.csv"), "written as .parquet"),
        (("tree", "-o", "absent/cells.parquet"), "there is no folder absent"),
        (("./absent", "-o", "cells.parquet"), "there is no file or folder"),
        (("tree",), "--output"),
    ],
)
def test_mistakes_are_told_in_a_line(
    cellfolio: Cellfolio, tree: Path, arguments: tuple[str, ...], told: str
) -> None:
    assert tree.is_dir()
    ran = cellfolio("single-cells", *arguments)
    assert ran.code != 0
    assert told in ran.err
    assert "Traceback" not in ran.err
