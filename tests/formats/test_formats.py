"""Which format a file has, and how users add theirs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cellfolio.errors import (
    BrokenFile,
    FormatError,
    InvalidArgument,
    ObjectNotFound,
    UnknownFormat,
)
from cellfolio.formats.format import Format, Formats, Source
from cellfolio.formats.loading import load
from cellfolio.formats.standard import DEFAULT
from tests.formats.samples import SAMPLES, content, equal


def read_lif(source: Source, *, series: int = 0) -> tuple[str, int, bytes]:
    return source.name, series, source.path.read_bytes()


LIF = Format("lif", (".lif",), (b"\x70\x00",), read_lif, "name, series and bytes")


def test_every_format_has_a_sample_and_is_found_by_its_name() -> None:
    found = {DEFAULT.find(sample.name, b"").name for sample in SAMPLES}
    assert found == {one.name for one in DEFAULT} - {"tsv", "tiff"}
    assert all(one.about for one in DEFAULT)


def test_longest_suffix_decides() -> None:
    image = Format("ome-tiff", (".ome.tiff", ".ome.tif"), (b"II*\0",), read_lif)
    tiff = Format("tiff", (".tiff", ".tif"), (b"II*\0",), read_lif)
    formats = DEFAULT.adding(tiff, image)
    assert formats.find("a/B.OME.TIFF", b"II*\0").name == "ome-tiff"
    assert formats.find("a.tiff", b"II*\0").name == "tiff"
    assert formats.find("a.nii.gz", b"").name == "nifti"
    assert formats.find("a.csv.gz", b"").name == "csv"
    with pytest.raises(UnknownFormat):
        formats.find("a.gz", b"")


def test_added_format_comes_first_and_changes_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.lif"
    path.write_bytes(b"\x70\x00data")
    with pytest.raises(UnknownFormat, match=r"a\.lif cannot be opened: no format has its suffix"):
        load(path)
    formats = DEFAULT.adding(LIF)
    assert load(path, formats=formats, series=3) == ("a.lif", 3, b"\x70\x00data")
    assert "lif" not in {one.name for one in DEFAULT}
    mine = DEFAULT.adding(Format("mine", (".csv",), (), lambda source: source.name))
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    assert load(path, formats=mine) == "a.csv"
    assert load(path, loader=lambda source: source.path) == path


def test_users_loaders_keep_their_own_errors(tmp_path: Path) -> None:
    def fail(source: Source) -> None:
        raise ZeroDivisionError

    path = tmp_path / "a.lif"
    path.write_bytes(b"\x70\x00")
    with pytest.raises(ZeroDivisionError):
        load(path, loader=fail)
    with pytest.raises(InvalidArgument, match="has no option 'serie'; it has series") as seen:
        load(path, loader=read_lif, serie=1)
    assert seen.value.hint == "did you mean series?"


def test_format_without_suffix_is_known_by_its_bytes(tmp_path: Path) -> None:
    for sample in SAMPLES:
        path = tmp_path / sample.name
        sample.write(path)
        declared = DEFAULT.find(sample.name, b"")
        blob = path.rename(tmp_path / "0a1b2c")
        assert (
            equal(
                content(load(Source(blob, f"data/{sample.name}"))),
                content(load(blob, declared=declared.name)) if "." in sample.name else None,
            )
            or declared.name == "sqlite"
        )
        known = declared.name == "json" or declared.magic
        if known and declared.name not in ("h5ad", "gctx"):
            load(blob)
        else:  # values line by line start like JSON, and are none
            with pytest.raises(BrokenFile if declared.name == "jsonl" else UnknownFormat):
                load(blob)


def test_plugins_are_found_by_entry_points(tmp_path: Path) -> None:
    (tmp_path / "lifreader.py").write_text(
        "from cellfolio.formats.format import Format\n"
        "LIF = Format('lif', ('.lif',), (), lambda source: source.path.read_text())\n"
    )
    info = tmp_path / "lifreader-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lifreader\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[cellfolio.formats]\nlif = lifreader:LIF\n")
    (tmp_path / "a.lif").write_text("hello")
    (tmp_path / "a.json").write_text("1")
    code = (
        "import sys; from cellfolio.formats.loading import load\n"
        "assert load('a.json') == 1 and 'lifreader' not in sys.modules\n"
        "assert load('a.lif') == 'hello'\n"
        "assert load('a.json', declared='lif') == '1'\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFound, match="no file"):
        load(tmp_path / "a.csv")
    with pytest.raises(InvalidArgument, match="is not a file"):
        load(tmp_path)
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    with pytest.raises(UnknownFormat, match="no format is called 'xls'") as seen:
        load(path, declared="xls")
    assert "parquet" in seen.value.hint
    with pytest.raises(FormatError):
        load(path, declared="parquet")


def test_lfs_pointer_is_called_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "profiles.csv.gz"
    path.write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 5\n"
    )
    with pytest.raises(BrokenFile, match="Git-LFS pointer"):
        load(path)


def test_nothing_heavy_is_imported_to_decide() -> None:
    code = (
        "import sys; from cellfolio.formats.loading import load, DEFAULT\n"
        "DEFAULT.find('a.csv.gz', b'a,b')\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'h5py', 'anndata', 'scipy', 'nibabel'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_formats_are_values() -> None:
    assert Formats((LIF,)) == Formats().adding(LIF)
    assert hash(Formats((LIF,))) == hash(Formats().adding(LIF))
