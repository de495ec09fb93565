"""Catalogues that users add: from folders, the web and buckets, with and without a network."""

from __future__ import annotations

import http.server
import json
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from cellfolio.errors import InvalidArgument, ObjectNotFound
from cellfolio.registries.catalogue import (
    VARIABLE,
    builtin_catalogue,
    load_catalogue,
    user_catalogues,
)
from cellfolio.registries.registry import OfflineWarning
from cellfolio.storage.home import Home
from cellfolio.storage.places import Place, parse_uri
from tests.servers.faults import Answer, FaultProxy
from tests.servers.seaweed import SeaweedServer

PILOT = 'version = 1\n[[data_set]]\nname = "lab/pilot"\ntitle = "Pilot"\naddress = "s3://screens"\n'
OURS_REPLACED = PILOT.replace("lab/pilot", "abc/atlas")


@pytest.fixture(autouse=True)
def _no_catalogue_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_without_any_there_are_ours_only(home: Home) -> None:
    assert load_catalogue(home) == builtin_catalogue()
    assert not home.folder.exists()


def test_catalogues_of_the_home_and_of_the_environment(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home.folder / "catalogues"
    folder.mkdir(parents=True)
    (folder / "b.toml").write_text(PILOT.replace("Pilot", "home b"))
    (folder / "a.toml").write_text(f"{PILOT.replace('Pilot', 'home a')}\n{OURS_REPLACED[12:]}")
    (folder / ".#a.toml").write_text("an editor's")
    (folder / "README.md").write_text("not a catalogue")
    assert load_catalogue(home).find("lab/pilot").title == "home b"
    assert load_catalogue(home).find("abc/atlas").title == "Pilot"
    assert load_catalogue(home).find("cpjump1/images").files

    (tmp_path / "one.json").write_text(
        json.dumps({"version": 1, "data_set": [{**plain(PILOT), "listing": "l.tsv"}]})
    )
    (tmp_path / "l.tsv").write_bytes(b"beside")
    (tmp_path / "two.toml").write_text(PILOT.replace("lab/pilot", "lab/other"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, f"one.json\n {(tmp_path / 'two.toml').as_uri()}")
    found = load_catalogue(home)
    assert found.find("lab/pilot").title == "Pilot"
    assert found.find("lab/other").source == str(tmp_path / "two.toml")
    monkeypatch.chdir("/")
    assert found.find("lab/pilot").data_file("l.tsv") == b"beside"
    with pytest.raises(ObjectNotFound, match=r"none\.tsv, beside a catalogue, does not exist"):
        found.find("lab/pilot").data_file("none.tsv")


def plain(text: str) -> dict[str, str]:
    """Return the fields of a catalogue of one data set, as text."""
    return dict(re.findall(r'^(\w+) = "(.*)"$', text, re.MULTILINE))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version = 2", "mine.toml: expected 'version = 1', found 2"),
        (b"\xff\xfe", "mine.toml is not UTF-8"),
        (None, "mine.toml does not exist"),
    ],
)
def test_a_broken_catalogue_is_an_error_that_names_it(
    content: bytes | None, message: str, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(InvalidArgument, match=message):
        load_catalogue(home)


def test_a_folder_is_no_catalogue(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(InvalidArgument, match="cannot be read"):
        load_catalogue(home)


def test_an_address_of_no_known_kind_names_the_variable(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "gopher://host/lab.toml")
    with pytest.raises(InvalidArgument, match=f"{VARIABLE}: .*gopher"):
        load_catalogue(home)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path, Callable[[], None]]]:
    """A web server over a folder: its address, the folder, and what stops it."""
    folder = tmp_path / "web"
    folder.mkdir()
    handler = partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    yield f"http://127.0.0.1:{server.server_port}", folder, stop
    if thread.is_alive():
        stop()


def test_a_catalogue_on_the_web_works_offline_once_it_was_seen(
    web: tuple[str, Path, Callable[[], None]], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder, stop = web
    (folder / "lab.toml").write_text(f'{PILOT}listing = "l.tsv"')
    (folder / "l.tsv").write_bytes(b"beside")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv(VARIABLE, f"{address}/lab.toml")
    online = load_catalogue(home).find("lab/pilot")
    assert online.data_file("l.tsv") == b"beside"

    (folder / "lab.toml").write_text(f'{PILOT.replace("Pilot", "Second")}listing = "l.tsv"')
    assert load_catalogue(home).find("lab/pilot").title == "Second"

    stop()
    with pytest.warns(OfflineWarning, match=r"offline: http://\S+/lab\.toml"):
        offline = load_catalogue(Home(home.folder)).find("lab/pilot")
    assert offline.title == "Second"
    with pytest.warns(OfflineWarning, match=r"offline: http://\S+/l\.tsv"):
        assert offline.data_file("l.tsv") == b"beside"


def test_a_busy_server_is_asked_but_once_where_something_was_seen(
    web: tuple[str, Path, Callable[[], None]], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder, _ = web
    (folder / "lab.toml").write_text(PILOT)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FaultProxy(address) as proxy:
        monkeypatch.setenv(VARIABLE, f"{proxy.endpoint}/lab.toml")
        load_catalogue(home)
        proxy.add(Answer(status=503))
        with pytest.warns(OfflineWarning):
            assert load_catalogue(home).find("lab/pilot").title == "Pilot"
        assert proxy.count("GET", "/lab.toml") == 2


def test_bad_text_on_the_web_is_an_error_and_spoils_nothing(
    web: tuple[str, Path, Callable[[], None]], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder, stop = web
    (folder / "lab.toml").write_text(PILOT)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv(VARIABLE, f"{address}/lab.toml")
    load_catalogue(home)
    (folder / "lab.toml").write_text("<html>Please sign in</html>")
    with pytest.raises(InvalidArgument, match=rf"{address}/lab\.toml cannot be read as TOML"):
        load_catalogue(home)
    (folder / "lab.toml").unlink()
    with pytest.raises(ObjectNotFound, match=rf"{address}/lab\.toml does not exist") as caught:
        load_catalogue(home)
    assert VARIABLE in caught.value.hint
    stop()
    with pytest.warns(OfflineWarning):
        assert load_catalogue(home).find("lab/pilot").title == "Pilot"


def test_a_url_that_was_never_seen_is_left_out_with_a_warning(
    web: tuple[str, Path, Callable[[], None]], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder, stop = web
    (folder / "lab.toml").write_text(PILOT)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv(VARIABLE, f"{address}/lab.toml")
    load_catalogue(home)
    stop()
    (kept,) = (home.folder / "catalogues/.seen").iterdir()
    kept.write_bytes(b"damaged")
    with pytest.warns(OfflineWarning, match=r"lab\.toml is left out"):
        found = load_catalogue(home)
    assert found == builtin_catalogue()


def test_a_catalogue_in_a_bucket(
    bucket: str,
    s3: SeaweedServer,
    s3_env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    home: Home,
) -> None:
    folder = f"s3://{bucket}/shelf"
    home.remotes.put(parse_uri(f"{folder}/lab.toml"), OURS_REPLACED.encode())
    home.remotes.put(parse_uri(f"{folder}/l.tsv"), b"beside")
    home.remotes.put(Place(f"s3://{bucket}", "l.tsv"), b"elsewhere")
    monkeypatch.setenv(VARIABLE, f"{folder}/lab.toml")
    with warnings.catch_warnings(record=True) as warned:
        one = user_catalogues(home).find("abc/atlas")
    assert warned == []
    assert one.source == f"{folder}/lab.toml"
    assert one.data_file("l.tsv") == b"beside"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.warns(OfflineWarning):
        assert user_catalogues(Home(home.folder)).find("abc/atlas").title == "Pilot"
