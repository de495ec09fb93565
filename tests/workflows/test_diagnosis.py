"""What is wrong with an installation, a store or the way to data is found, and told how to mend."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cellfolio.cli.main import run
from cellfolio.registries.catalogue import user_catalogues
from cellfolio.storage.home import Home
from cellfolio.workflows import diagnosis, verbs
from cellfolio.workflows.diagnosis import Finding, check_network, diagnose
from tests.servers.seaweed import SeaweedServer


def _found(home: Home, subject: str) -> list[Finding]:
    return [one for one in diagnose(home, network=False) if one.subject == subject]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a package of one file."""
    folder = tmp_path / "plates"
    folder.mkdir()
    (folder / "wells.csv").write_text("well,count\nA01,3\n")
    home = Home(tmp_path / "home")
    verbs.build(folder, "lab/plates", home=home)
    return home


def test_nothing_is_wrong_with_this_installation(home: Home) -> None:
    wrong = [one for one in diagnose(home, network=False) if one.state == "bad"]
    assert not wrong
    (store,) = _found(home, "store")
    assert store.told == "1 files"


def test_damaged_index_is_found_and_not_touched(home: Home) -> None:
    path = home.blobs.folder / "index.sqlite"
    home.blobs.index.close()
    path.write_bytes(b"not a database at all" * 400)
    before = path.read_bytes()
    (store,) = _found(Home(home.folder), "store")
    assert store.state == "bad"
    assert str(path) in store.mend
    assert path.read_bytes() == before
    path.unlink()
    package = verbs.open("lab/plates", home=Home(home.folder))
    assert package.entry("wells.csv").load().shape == (1, 2)


def test_unfinished_files_are_told(home: Home) -> None:
    (home.blobs.scratch() / "half").write_bytes(bytes(1500))
    assert any("1.5 kB" in one.told for one in _found(home, "store"))


def test_home_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (found, *_) = _found(Home(tmp_path / "file" / "home"), "home")
    assert found.state == "bad"
    assert "CELLFOLIO_HOME" in found.mend


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_home_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    (found, *_) = _found(Home(tmp_path / "home"), "home")
    assert found.state == "note"
    tmp_path.chmod(0o755)


def test_little_room(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "free_space", lambda folder: 5_000_000)
    (disk, *_) = _found(home, "disk")
    assert (disk.state, disk.told) == ("bad", "5.0 MB are free")


def test_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLFOLIO_HOEM", "/data")
    monkeypatch.setenv("CELLFOLIO_MIRROR", "s3://allencell=file:///data/allencell")
    assert [one.state for one in _found(home, "environment")] == ["note"]
    assert "/data/allencell" in _found(home, "mirror")[0].told
    monkeypatch.setenv("CELLFOLIO_MIRROR", "nowhere")
    assert [one.state for one in _found(home, "environment")] == ["note", "bad"]


def test_catalogue_that_cannot_be_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLFOLIO_CATALOGUE", str(home.folder / "none.toml"))
    (found,) = _found(home, "catalogue")
    assert found.state == "bad"
    assert "none.toml" in found.told


def test_libraries_of_other_versions(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["numpy>=99", "no-such-library>=1", "polars>=99; extra == 'polars'", "click>=8"]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: asked)
    wrong = _found(home, "libraries")
    assert [one.state for one in wrong] == ["bad", "bad"]
    assert "expected >=99" in wrong[0].told
    assert _found(home, "extra polars")[0].state == "note"


def test_network(s3: SeaweedServer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers and what does not, by a real server and a port that nobody listens to."""
    bucket = "answering"
    s3.create_bucket(bucket)
    path = home.folder / "catalogues"
    path.mkdir()
    (path / "own.toml").write_text(
        "version = 1\n[[data_set]]\n"
        f'name = "lab/here"\ntitle = "Here"\naddress = "s3://{bucket}"\n[[data_set]]\n'
        'name = "lab/gone"\ntitle = "Gone"\naddress = "http://127.0.0.1:9/x.csv"\n'
    )
    monkeypatch.setattr(diagnosis, "load_catalogue", user_catalogues)
    for name, value in s3.env().items():
        monkeypatch.setenv(name, value)
    states = {one.subject: one for one in check_network(home)}
    assert states[f"network s3://{bucket}"].state == "good"
    gone = states["network http://127.0.0.1:9"]
    assert gone.state == "bad"
    assert "mirror" in gone.mend


def test_command(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLFOLIO_HOME", str(home.folder))
    assert run(["doctor", "--offline"]) == 0
    assert "Nothing is wrong." in capsys.readouterr().out
    with closing(sqlite3.connect(home.folder / "store" / "index.sqlite")) as connection, connection:
        connection.execute("drop table blob")
    assert run(["doctor", "--offline"]) == 1
    assert "1 thing to mend." in capsys.readouterr().out
