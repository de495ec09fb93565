"""The documentation as a site: every page is in it, all links resolve, nothing is remote."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from docs import site_pages
from tests.docs.pages import ROOT

LOADING = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}
"""What makes a browser load something by itself, and the attribute that says where it is."""
MOST_BYTES = 30_000_000
"""Of the whole site."""


@dataclass
class Read(HTMLParser):
    """What a page of HTML has: anchors, links, what it loads."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare to parse."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in LOADING and values.get(LOADING[tag]):
            self.loaded.append(values[LOADING[tag]])
        if tag == "img":
            self.pictures.append(values["src"])


@cache
def read(page: Path) -> Read:
    found = Read()
    found.feed(page.read_text(encoding="utf-8"))
    return found


# Without building it


def test_every_page_is_in_the_sidebar_once() -> None:
    listed = [name for names in site_pages.SIDEBAR.values() for name in names]
    pages = [place[:-3] for place in site_pages.pages().values() if place.endswith(".md")]
    folders = tuple(name[:-1] for name in listed if name.endswith("*"))
    missing = [name for name in pages if name not in listed and not name.startswith(folders)]
    assert missing == ["index"], "put it into SIDEBAR of docs/site_pages.py"
    assert len(listed) == len(set(listed))
    assert [name for name in listed if name[-1] != "*" and name not in pages] == []


PLACES = {"docs/guide/a.md": "guide/a.md", "docs/index.md": "index.md", **site_pages.OUTSIDE}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("README.md", "[a](docs/guide/a.md#b-c)", "[a](guide/a.md#b-c)"),
        ("docs/guide/a.md", "[a](../../README.md#set-up)", "[a](../overview.md#set-up)"),
        ("docs/guide/a.md", "[a](../index.md), [b](#b)", "[a](../index.md), [b](#b)"),
        ("ARCHITECTURE.md", "[a](docs/index.md)", "[a](../index.md)"),
        ("changes/README.md", "[a](../CONTRIBUTING.md)", "[a](contributing.md)"),
        ("docs/index.md", "[a](https://a.org/README.md)", "[a](https://a.org/README.md)"),
        ("docs/index.md", "[a](../unknown.md)", "[a](../unknown.md)"),
        ("docs/index.md", "```\n[a](../README.md)\n```", "```\n[a](../README.md)\n```"),
    ],
)
def test_links_lead_where_the_site_has_the_page(name: str, text: str, expected: str) -> None:
    assert site_pages.relinked(text, name, PLACES) == f"{expected}\n"


def test_laying_out_again_touches_only_what_changed(tmp_path: Path) -> None:
    site_pages.lay_out(tmp_path)
    first = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.md")}
    (tmp_path / "guide/old.md").write_text("# A page that is no more\n")
    (tmp_path / "glossary.md").write_text("# Another\n")
    site_pages.lay_out(tmp_path)
    second = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.md")}
    changed = {path.name for path in first if second.get(path) != first[path]}
    assert changed == {"glossary.md"}
    assert set(second) == set(first)
    assert len(first) > 50


# Built


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("furo", reason="needs pip install '.[docs]'")
    folder = tmp_path_factory.mktemp("built") / "site"
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "docs", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder


def built_pages(site: Path) -> Iterator[Path]:
    return (page for page in sorted(site.rglob("*.html")) if ".doctrees" not in page.parts)


@pytest.mark.slow
def test_every_page_is_in_the_site(site: Path) -> None:
    places: Mapping[str, str] = site_pages.pages()
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= set(places)
    for name, place in places.items():
        if place.endswith(".md"):
            page = site / place.replace(".md", ".html")
            heading = (ROOT / name).read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
            assert page.is_file(), name
            assert heading.replace("`", "") in unescape(page.read_text(encoding="utf-8")), name


@pytest.mark.slow
def test_every_link_leads_somewhere(site: Path) -> None:
    wrong, followed = [], 0
    for page in built_pages(site):
        found = read(page)
        for link in (*found.links, *found.loaded):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            followed += 1
            if not target.is_file() or (
                parts.fragment
                and target.suffix == ".html"
                and unquote(parts.fragment) not in read(target).anchors
            ):
                wrong.append(f"{page.relative_to(site)}: {link}")
    assert wrong == []
    assert followed > 3000


@pytest.mark.slow
def test_pictures_are_there(site: Path) -> None:
    places = site_pages.pages()
    pictures = [ROOT / name for name in places if name.endswith(site_pages.PICTURES)]
    shown = {
        (page.parent / unquote(source)).resolve()
        for page in built_pages(site)
        for source in read(page).pictures
        if not source.startswith("data:")
    }
    assert len(pictures) > 5
    assert all(path.is_file() for path in shown)
    contents = {path.read_bytes() for path in shown}
    assert [path.name for path in pictures if path.read_bytes() not in contents] == []


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    found = [
        f"{page.relative_to(site)}: {one}"
        for page in built_pages(site)
        for one in read(page).loaded
        if urlsplit(one).netloc
    ]
    assert found == []
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert [text for text in styles if "url(http" in text or "url(//" in text] == []


@pytest.mark.slow
def test_it_can_be_searched_and_is_not_large(site: Path) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert '"guide/getting-data"' in index
    assert "checkout" in index
    files = [path for path in site.rglob("*") if path.is_file() and ".doctrees" not in path.parts]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
