"""A file that is not whole is refused, or gives the same as the whole one."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import Any

import pytest

from cellfolio.errors import BrokenFile
from cellfolio.formats.loading import load
from tests.formats.samples import SAMPLES, Sample, content, equal

CUTS = 60
"""Places where each file is cut."""


def attempt(path: Path) -> tuple[Any, BrokenFile | None]:
    """Read all of a file; return its content, or the one error that it may raise."""
    try:
        return content(load(path)), None
    except BrokenFile as error:
        return None, error


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_valid_file_reads_the_same_twice(sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / sample.name
    sample.write(path)
    assert equal(content(load(path)), content(load(path)))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_cut_file_is_broken_or_equal(sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / sample.name
    sample.write(path)
    data, whole = path.read_bytes(), content(load(path))
    cut = tmp_path / "cut" / sample.name
    cut.parent.mkdir()
    places = {0, 1, 2, 8, 100, len(data) // 2, len(data) - 9, len(data) - 1}
    places |= set(random.Random(sample.name).choices(range(len(data)), k=CUTS))
    refused = 0
    for place in sorted(one for one in places if 0 <= one < len(data)):
        cut.write_bytes(data[:place])
        found, error = attempt(cut)
        if error is not None:
            refused += 1
            assert (error.path, bool(error.format), bool(error.reason)) == (sample.name, True, True)
        elif sample.ends:
            assert equal(found, whole), place
        else:  # plain text has no end mark: what is read are the first rows
            shown = whole.head(max(len(found) - 1, 0))
            assert found.empty or found.iloc[:-1].to_csv() == shown.to_csv(), place
    assert refused > 5


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_empty_file_is_broken(sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / sample.name
    path.touch()
    with pytest.raises(BrokenFile, match="empty"):
        load(path)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
@pytest.mark.parametrize("other", SAMPLES, ids=lambda sample: sample.name)
def test_wrong_suffix_is_never_misread(sample: Sample, other: Sample, tmp_path: Path) -> None:
    true = tmp_path / "true" / sample.name
    true.parent.mkdir()
    sample.write(true)
    path = tmp_path / other.name
    path.write_bytes(true.read_bytes())
    found, error = attempt(path)
    if error is not None:
        return
    kinds = (sample.name.split(".")[1], other.name.split(".")[1])
    if kinds[1] == "md" or kinds == ("md", "csv"):
        return  # any text is text, or a table of one column
    assert kinds[0] == kinds[1]
    assert equal(found, content(load(true)))


@pytest.mark.slow
def test_damaged_byte_gives_no_bare_error(tmp_path: Path) -> None:
    for sample in SAMPLES:
        path = tmp_path / sample.name
        sample.write(path)
        data = path.read_bytes()
        for place in random.Random(1).choices(range(len(data)), k=15):
            path.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
            attempt(path)


def test_what_bytes_look_like_is_told(tmp_path: Path) -> None:
    for name, data, told in (
        ("a.parquet", gzip.compress(b"a,b\n1,2\n"), "bytes look like text"),
        ("b.parquet", b"a,b\n1,2\n", "bytes look like text"),
        ("c.csv", b"PAR1\x00\x00", "bytes look like parquet"),
        ("d.nii.gz", b"\x89PNG\r\n\x1a\n" + bytes(20), "bytes look like png"),
        ("e.csv.gz", b"a,b\n1,2\n", "its bytes are no gz data"),
        ("f.h5ad", b"SQLite format 3\x00" + bytes(100), "bytes look like sqlite"),
        ("g.npy", bytes(50), "bytes look like no known format"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(BrokenFile, match=told):
            load(path)
