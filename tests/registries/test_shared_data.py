"""Real images and tables, published to a real server and fetched back."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfolio.storage.home import Home
from cellfolio.workflows import verbs
from cellfolio.workflows.publishing import Label

FOLDERS = {
    "cpjump1/example_images/DMSO": 8,
    "cpjump1/metadata": 20,
    "aics": 30,
    "cellprofiler_golden/dexamethasone_r01c21f05": 8,
    "abc_atlas": 10,
    "misc": 40,
}


@pytest.mark.parametrize(("name", "at_least"), FOLDERS.items(), ids=FOLDERS)
def test_real_folder_there_and_back(
    shared: Path, s3_env: dict[str, str], bucket: str, tmp_path: Path, name: str, at_least: int
) -> None:
    source = shared / "data" / name
    author = Home(tmp_path / "author")
    label = Label(message=f"from {name}", meta={"source": name})
    built = verbs.build(source, "real/data", label, home=author)
    pushed = verbs.push("real/data", f"s3://{bucket}", home=author)
    assert pushed.package.top_hash == built.package.top_hash

    reader = Home(tmp_path / "reader")
    got = verbs.get(f"s3://{bucket}/real/data", tmp_path / "out", home=reader)
    assert got.package.meta == {"source": name}
    assert got.files >= at_least
    expected = {p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file()}
    assert {entry.logical_key for entry in got.package.walk()} == expected
    for key in expected:
        assert (tmp_path / "out" / key).read_bytes() == (source / key).read_bytes(), key
    assert verbs.verify(tmp_path / "out", home=reader).right == len(expected)
