"""Text, JSON, notebooks, pictures and bytes, by HTTP and in a browser."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import struct
import zlib
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from cellfolio.errors import BrokenFile
from cellfolio.web.notebooks import read_notebook
from cellfolio.web.picture_kinds import PIXELS, find_picture
from cellfolio.web.serving import Portal
from tests.web.conftest import OpenPortal
from tests.web.dialogs import note_dialogs
from tests.web.everybody import serious_findings

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def png(width: int, height: int, *, rows: int | None = None) -> bytes:
    """Return a white picture, or the beginning of one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = zlib.compress((b"\0" + b"\xff" * width) * (height if rows is None else rows))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", data) + chunk(b"IEND", b"")


SVG = (
    '<?xml version="1.0"?><!-- x --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd">'
    '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10" onload="alert(1)">'
    "<script>alert(1)</script><rect width='20' height='10' fill='teal'/></svg>"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    return folder


def _page(client: httpx.Client, portal: Portal, key: str, **query: str) -> str:
    answer = client.get(f"{portal.url}/{quote(key)}", params=query)
    assert answer.status_code == 200, "a page that shows what is wrong is a page"
    return answer.text


def _api(portal: Portal, operation: str, key: str) -> str:
    return portal.url.replace("/package/", f"/api/{operation}/") + "/" + quote(key)


def test_code_is_coloured_and_escaped(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    (folder / "run.py").write_text(f"def f():\n    return '{EVIL}'  # \u202e\n")
    (folder / "conf.yaml").write_text("a: 1\n")
    (folder / "page.html").write_text(EVIL)
    portal = open_portal(folder)
    shown = _page(client, portal, "run.py")
    assert '<span class="hl-k">def</span>' in shown
    assert "&lt;script&gt;" in shown
    assert EVIL not in shown
    assert "\u202e" not in shown
    assert "hl-nt" in _page(client, portal, "conf.yaml")
    assert "<img src=x" not in _page(client, portal, "page.html")


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_long_text_is_had_in_parts(
    open_portal: OpenPortal, client: httpx.Client, folder: Path, compress: object
) -> None:
    text = "".join(f"{at} é\n" for at in range(60_000))
    suffix = {gzip.compress: ".gz", bz2.compress: ".bz2", lzma.compress: ".xz"}.get(compress, "")  # type: ignore[call-overload]
    (folder / f"x.txt{suffix}").write_bytes(compress(text.encode()))  # type: ignore[operator]
    portal = open_portal(folder)
    found, parts = {"end": 0, "more": True}, []
    while found["more"]:
        asked = {"first": found["end"], "count": 100_003}
        found = client.get(_api(portal, "text", f"x.txt{suffix}"), params=asked).json()
        assert len(found["text"].encode()) <= 100_003
        assert found["text"].endswith("\n")
        parts.append(found["text"])
    assert len(parts) > 3
    assert "".join(parts) == text


@pytest.mark.slow
def test_more_of_a_text_is_shown_when_asked_for(
    open_portal: OpenPortal, tab: Page, folder: Path
) -> None:
    (folder / "x.log").write_text("".join(f"line {at}\n" for at in range(50_000)))
    tab.goto(f"{open_portal(folder).url}/x.log")
    expect(tab.locator("pre")).to_have_count(1)
    tab.get_by_role("button", name="More").click()
    expect(tab.locator("pre")).to_have_count(2)
    tab.get_by_role("button", name="More").click()
    expect(tab.locator("pre").last).to_contain_text("line 49999")
    expect(tab.get_by_role("button", name="More")).to_have_count(0)


def test_text_of_other_encodings(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    (folder / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    (folder / "wide.txt").write_bytes("café".encode("utf-16"))
    (folder / "binary.txt").write_bytes(b"a\0b")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "line.txt").write_text("é" * 200_000)
    portal = open_portal(folder)
    for key, words in {
        "latin.txt": "shown as Latin-1", "wide.txt": "café", "binary.txt": "it is no text",
        "empty.txt": "The file is empty",
    }.items():  # fmt: skip
        assert words in _page(client, portal, key), key
    found = client.get(_api(portal, "text", "line.txt"), params={"count": 1001}).json()
    assert found["text"] == "é" * 500, "no character is cut"


def test_damaged_and_bombs_of_text_are_bounded(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    whole = gzip.compress(b"line\n" * 100_000)
    (folder / "cut.txt.gz").write_bytes(whole[: len(whole) // 2])
    (folder / "bad.txt.gz").write_bytes(b"\x1f\x8b\x08" + b"x" * 50)
    (folder / "bomb.txt.gz").write_bytes(gzip.compress(b"0" * 100_000_000, 9))
    portal = open_portal(folder)
    assert "cannot be read" in _page(client, portal, "bad.txt.gz")
    cut = client.get(_api(portal, "text", "cut.txt.gz"), params={"first": 200_000}).json()
    assert "cut off" in cut["note"]
    bomb = _api(portal, "text", "bomb.txt.gz")
    assert len(client.get(bomb).json()["text"]) <= 256 * 1024
    answer = client.get(bomb, params={"first": 90_000_000})
    assert answer.status_code == 400
    assert "can be shown" in answer.json()["error"]


def test_json_is_a_tree_that_unfolds(open_portal: OpenPortal, tab: Page, folder: Path) -> None:
    deep = {"a/b": {f"k{at}": {"x": [at, None, True, EVIL]} for at in range(500)}, EVIL: 1}
    (folder / "x.json").write_text(json.dumps(deep))
    dialogs = note_dialogs(tab)
    tab.goto(f"{open_portal(folder).url}/x.json")
    expect(tab.locator(".json")).to_contain_text("500 fields")
    expect(tab.locator(".json")).to_contain_text("<script>alert(1)</script>")
    tab.locator("summary", has_text="a/b").click()
    expect(tab.locator("summary", has_text="k199")).to_be_visible()
    tab.locator("summary", has_text="k7 ").first.focus()
    tab.locator("summary").filter(has_text="k7").first.press("Enter")
    tab.locator("summary").filter(has_text="x").nth(1)
    tab.get_by_role("button", name="300 more").click()
    expect(tab.locator("summary", has_text="k399")).to_be_visible()
    assert tab.locator("#content script, #content img").count() == 0
    assert not dialogs


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 1_000_000, "nested too deep"),
        ('{"a":' * 1_000_000, "nested too deep"),
        ('{"a": 1,}', "line 1"),
        ("", "it is empty"),
        ("9" * 10_000, "digits"),
        ('"' + "x" * 40_000_000 + '"', "shown as a tree"),
    ],
)
def test_hostile_json_says_what_is_wrong(
    open_portal: OpenPortal, client: httpx.Client, folder: Path, text: str, words: str
) -> None:
    (folder / "x.json").write_text(text)
    portal = open_portal(folder)
    assert words in _page(client, portal, "x.json")
    part = portal.url.replace("/package/", "/part/json/") + "/x.json"
    assert words in client.get(part).text


def test_json_of_one_value_and_wrong_places(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    (folder / "x.json").write_text(json.dumps(EVIL))
    portal = open_portal(folder)
    assert "&lt;script&gt;" in _page(client, portal, "x.json")
    part = portal.url.replace("/package/", "/part/json/") + "/x.json"
    for at in ("/a", "/0/b", "//"):
        assert "failed" in client.get(part, params={"at": at}).text
    assert client.get(part, params={"first": "-1"}).status_code == 400


def _book(*outputs: object, markdown: str = "# Title") -> dict[str, object]:
    return {
        "nbformat": 4,
        "metadata": {"kernelspec": {"language": "python"}},
        "cells": [
            {"cell_type": "markdown", "source": [markdown]},
            {"cell_type": "code", "execution_count": 3, "source": "x = 1", "outputs": outputs},
        ],
    }


def _data(media: str, data: object) -> dict[str, object]:
    return {"output_type": "display_data", "data": {media: data, "text/plain": "plain"}}


def test_notebook_is_shown_as_it_was_saved(
    open_portal: OpenPortal, tab: Page, folder: Path
) -> None:
    picture = base64.b64encode(png(30, 20)).decode()
    book = _book(
        {"output_type": "stream", "name": "stdout", "text": ["hello ", "there"]},
        _data("image/png", picture),
        _data("text/html", f"<table><tr><td onclick='alert(1)'>cell</td></tr></table>{EVIL}"),
        _data("application/javascript", "alert(1)"),
        _data("image/svg+xml", SVG),
        {"output_type": "error", "traceback": ["\x1b[0;31mValueError\x1b[0m: no"]},
        markdown=f"# Title\n\n{EVIL} [x](javascript:alert(1))",
    )
    (folder / "book.ipynb").write_text(json.dumps(book))
    dialogs = note_dialogs(tab)
    tab.goto(f"{open_portal(folder).url}/book.ipynb")
    shown = tab.locator(".notebook")
    for words in ("Title", "[3]", "hello there", "cell", "ValueError: no", "plain"):
        expect(shown).to_contain_text(words)
    assert tab.locator(".notebook .picture img").count() == 2
    wide = tab.locator(".notebook .picture img").first.evaluate("one => one.naturalWidth")
    assert wide == 30
    assert tab.locator(".notebook script, .notebook [onclick]").count() == 0
    assert tab.locator(".notebook .output td").text_content() == "cell"
    assert not dialogs


@pytest.mark.parametrize(
    "book",
    [
        [], 1, None, {}, {"cells": 5}, {"worksheets": [], "nbformat": 3},
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_told(book: object) -> None:
    with pytest.raises(BrokenFile, match="version 4"):
        read_notebook(book, "x.ipynb")


def test_odd_notebooks_are_shown_as_far_as_they_go() -> None:
    book = _book(
        None, 5, {"output_type": "stream"}, {"output_type": "error", "traceback": 5},
        _data("image/png", "no base64!"), _data("image/png", base64.b64encode(b"GIF").decode()),
        _data("image/png", base64.b64encode(png(100_000, 100_000, rows=0)).decode()),
        {"output_type": "display_data", "data": 5}, _data("text/plain", {"a": 1}),
    )  # fmt: skip
    book["cells"] += [None, {}, {"cell_type": "code", "outputs": 5, "source": 5}]  # type: ignore[operator]
    found = read_notebook(json.loads(json.dumps(book)), "x.ipynb")
    outputs = found.cells[1].outputs
    assert [one.text for one in outputs if "picture" in one.text] == [
        "(a picture that cannot be shown)"
    ] * 3
    assert not any(one.kind == "picture" for one in outputs)


def test_pictures_are_what_their_bytes_say(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    (folder / "a.png").write_bytes(png(3, 2))
    (folder / "b.png").write_bytes(b"GIF89a" + struct.pack("<HH", 3, 2) + b"\0" * 20)
    (folder / "c.svg").write_text(SVG)
    (folder / "d.png").write_text("<html><script>alert(1)</script></html>")
    (folder / "e.svg").write_text("<html><svg></svg></html>")
    (folder / "f.svg").write_text('<!DOCTYPE svg [<!ENTITY a "x">]><svg>&a;</svg>')
    (folder / "g.png").write_bytes(png(100_000, 100_000, rows=0))
    portal = open_portal(folder)
    found = {key.name: client.get(_api(portal, "inline", key.name)) for key in folder.iterdir()}
    kinds = {name: one.headers["content-type"] for name, one in found.items()}
    assert kinds["a.png"] == "image/png"
    assert kinds["b.png"] == "image/gif", "whatever its name says"
    assert kinds["c.svg"].startswith("image/svg+xml")
    for name in "abc":
        policy = next(one for key, one in found.items() if key[0] == name).headers
        assert policy["content-security-policy"].startswith("sandbox;")
        assert "script" not in policy["content-security-policy"]
        assert policy["x-content-type-options"] == "nosniff"
    for name, words in {
        "d.png": "none of PNG", "e.svg": "none of PNG", "f.svg": "entities", "g.png": "100,000 ×",
    }.items():  # fmt: skip
        assert found[name].status_code == 422
        assert words in found[name].json()["error"]
        assert words in _page(client, portal, name, **{"as": "picture"})


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8X",
        b"RIFF\0\0\0\0WEBPVP8L", b"RIFF\0\0\0\0WEBPxxxx", png(0, 5, rows=0),
        b"GIF89a" + struct.pack("<HH", 65535, 65535), b"<!--" * 30_000, b"<!---->" * 30_000,
        b"<?xml" * 9_000, b"\xff\xfe<\0s\0v\0g\0>\0", b"<svgx>",
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenFile):
        find_picture(data, "x.png")


def test_sizes_of_pictures_are_read() -> None:
    assert find_picture(png(7, 5), "x").width == 7
    lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", (6) | (4 << 14))
    assert find_picture(lossless, "x").height == 5
    extended = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + b"\x06\0\0\x04\0\0"
    assert (find_picture(extended, "x").width, find_picture(extended, "x").height) == (7, 5)
    assert PIXELS < 7 * 2**24


def test_svg_is_a_picture_in_which_nothing_runs(
    open_portal: OpenPortal, tab: Page, folder: Path
) -> None:
    (folder / "c.svg").write_text(SVG)
    portal = open_portal(folder)
    dialogs = note_dialogs(tab)
    tab.goto(f"{portal.url}/c.svg")
    picture = tab.locator(".picture img")
    expect(picture).to_be_visible()
    assert picture.evaluate("one => one.naturalWidth") == 20
    assert not dialogs


@pytest.mark.slow
def test_svg_opened_by_itself_runs_nothing(
    open_portal: OpenPortal,
    browser: Browser,
    folder: Path,
) -> None:
    (folder / "c.svg").write_text(SVG)
    portal = open_portal(folder)
    context = browser.new_context()
    page = context.new_page()
    dialogs = note_dialogs(page)
    page.goto(_api(portal, "inline", "c.svg"))
    page.wait_for_timeout(200)
    assert page.locator("rect").count() == 1
    assert not dialogs
    context.close()


@pytest.mark.slow
def test_bytes_are_paged(open_portal: OpenPortal, tab: Page, folder: Path) -> None:
    (folder / "x.bin").write_bytes(bytes(range(256)) * 20)
    tab.goto(f"{open_portal(folder).url}/x.bin")
    expect(tab.locator(".bytes-facts")).to_contain_text("5,120 bytes")
    tab.get_by_role("link", name="Next").click()
    expect(tab.locator("pre.octets")).to_contain_text("00000400  00 01 02")
    tab.get_by_label("From byte").fill("0x1010")
    tab.get_by_role("button", name="Show").click()
    expect(tab.locator("pre.octets")).to_contain_text("00001010  10 11 12")
    assert "at=0x1010" in tab.url
    tab.get_by_role("link", name="End").wait_for(state="detached")


def test_wrong_places_of_bytes_are_told(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    (folder / "x.bin").write_bytes(b"abc")
    (folder / "empty.bin").write_bytes(b"")
    portal = open_portal(folder)
    for at in ("9", "-1", "x", "0xzz", "9" * 400):
        shown = _page(client, portal, "x.bin", **{"as": "bytes", "at": at})
        assert "expected" in shown, at
    assert "0 bytes" in _page(client, portal, "empty.bin")


def test_markdown_file_is_rendered(open_portal: OpenPortal, tab: Page, folder: Path) -> None:
    (folder / "docs").mkdir()
    (folder / "a b.csv").write_text("a\n1\n")
    (folder / "p.png").write_bytes(png(8, 8))
    (folder / "docs" / "x.md").write_text(
        f"# Title\n\n[data](<../a b.csv>) ![p](../p.png) ![far](https://evil.example/x.png)\n\n{EVIL}"
    )
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(f"{open_portal(folder).url}/docs/x.md")
    expect(tab.locator(".markdown h1")).to_have_text("Title")
    assert tab.locator(".markdown img").evaluate("one => one.naturalWidth") == 8
    expect(tab.get_by_role("link", name="far ↗")).to_have_attribute("rel", "noopener noreferrer")
    assert not [one for one in asked if "evil" in one]
    tab.get_by_role("link", name="data", exact=True).click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("a b.csv")


def test_real_documents(open_portal: OpenPortal, client: httpx.Client, shared: Path) -> None:
    portal = open_portal(shared / "data" / "aics" / "cardio")
    shown = _page(client, portal, "readmes/structure_scores.md")
    assert '<div class="markdown">' in shown
    assert 'class="json"' in _page(client, portal, "datasets.json")


@pytest.mark.slow
def test_documents_can_be_used_by_everybody(
    open_portal: OpenPortal, tab: Page, folder: Path
) -> None:
    (folder / "x.md").write_text("# A\n\n|a|\n|-|\n|1|\n\n```python\nx = 1  # y\n```\n")
    (folder / "x.py").write_text('"""Doc."""\nclass A:\n    x = 1.5  # number\n')
    (folder / "x.json").write_text('{"a": [1, null, "x"], "b": {}}')
    (folder / "x.ipynb").write_text(json.dumps(_book({"output_type": "stream", "text": "hi"})))
    (folder / "x.svg").write_text(SVG)
    (folder / "x.bin").write_bytes(b"abc")
    (folder / "x.csv").write_text("well,area (µm)\nA01,1.5\nA02,\n")
    portal = open_portal(folder)
    tab.set_viewport_size({"width": 390, "height": 800})
    for key in ("x.md", "x.py", "x.json", "x.ipynb", "x.svg", "x.bin", "x.csv?summary=well"):
        tab.goto(f"{portal.url}/{key}")
        tab.wait_for_load_state("networkidle")
        assert not serious_findings(tab), key
        wide = tab.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, (key, wide)
