"""The portal's own scripts and styles: kept by browsers as long as they are the same."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from cellfolio.web.static_files import read_version
from tests.web.conftest import OpenPortal


def test_files_that_a_page_names_may_be_kept(open_portal: OpenPortal, client: httpx.Client) -> None:
    portal = open_portal()
    page = client.get(portal.url).text
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(named) > 4
    for one in named:
        answer = client.get(httpx.URL(portal.url).join(one))
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert answer.headers["content-security-policy"]
    assert client.get(httpx.URL(portal.url).join("/static/other/portal.js")).status_code == 404


def test_version_is_another_when_a_name_or_text_is(tmp_path: Path) -> None:
    versions = set()
    for number, (name, text) in enumerate([("a.js", "1"), ("a.js", "2"), ("b/a.js", "1")]):
        path = tmp_path / str(number) / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
        versions.add(read_version(tmp_path / str(number)))
    assert len(versions) == 3
    again = tmp_path / "again"
    again.mkdir()
    (again / "a.js").write_text("1")
    assert read_version(again) in versions
