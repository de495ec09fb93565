"""Who may ask the portal for what."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from cellfolio.storage.home import Home
from cellfolio.web.access import HEADERS, Access, access_of, find_refusal
from cellfolio.web.serving import Portal, ServeOptions
from tests.web.conftest import OpenPortal


@pytest.fixture
def plates(tmp_path: Path) -> Path:
    folder = tmp_path / "plates"
    folder.mkdir()
    (folder / "wells.csv").write_text("well,count\nA01,3\n")
    (folder / "README.md").write_text("# Plates\n")
    return folder


def test_answers_carry_the_policy(
    open_portal: OpenPortal, client: httpx.Client, plates: Path
) -> None:
    portal = open_portal(plates)
    for url in (portal.url, portal.url + "/wells.csv", portal.url + "/nothing"):
        found = client.get(url).headers
        assert {name: found[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_other_hosts_get_nothing(
    open_portal: OpenPortal, client: httpx.Client, plates: Path, host: str
) -> None:
    answer = client.get(open_portal(plates).url, headers={"host": host})
    assert answer.status_code in (400, 421)
    assert "wells" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_only_reading_is_answered(
    open_portal: OpenPortal, client: httpx.Client, plates: Path, method: str
) -> None:
    assert client.request(method, open_portal(plates).url).status_code == 405


def test_pages_of_others_change_nothing() -> None:
    access = access_of("127.0.0.1")
    own = {"host": "127.0.0.1:8765", "origin": "http://127.0.0.1:8765"}
    assert find_refusal(access, "POST", "/x", own) is None
    for other in ({"origin": "http://evil.example"}, {"origin": "null"}):
        refusal = find_refusal(access, "POST", "/x", {**own, **other})
        assert refusal is not None
        assert refusal.status == 403
    crossing = {"host": "localhost", "sec-fetch-site": "cross-site"}
    assert find_refusal(access, "POST", "/x", crossing) is not None


def test_token_is_asked_for_where_others_can_reach(plates: Path, client: httpx.Client) -> None:
    portal = Portal([str(plates)], Home(), ServeOptions("0.0.0.0", 0)).start()
    try:
        url = portal.url.replace("0.0.0.0", "127.0.0.1")
        bare = url.partition("?")[0]
        assert client.get(bare).status_code == 401
        assert client.get(bare + "?token=wrong").status_code == 401
        answer = client.get(url)
        assert answer.status_code == 303
        assert "token" not in answer.headers["location"]
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert client.get(bare).status_code == 200, "the cookie was kept"
        client.cookies.clear()
        token = url.partition("token=")[2]
        assert client.get(bare, headers={"authorization": f"Bearer {token}"}).status_code == 200
    finally:
        portal.stop()


def test_token_is_never_guessed_by_its_start() -> None:
    access = Access(frozenset({"box"}), "secret")
    for tried in ("", "s", "secre", "secret2"):
        assert find_refusal(access, "GET", f"/?token={tried}", {"host": "box"}) is not None
    assert find_refusal(access, "GET", "/?token=secret", {"host": "box"}) is None
