"""Markdown: what it shows, and what it cannot do."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest

from cellfolio.web.markdown import DEEPEST, LONGEST, key_of, render_markdown


def _there(target: str) -> str | None:
    return None if "missing" in target else f"/package/a/b/{target}"


def _picture(target: str) -> str | None:
    return None if "missing" in target else f"/api/inline/a/b/{target}"


def _shown(text: str) -> str:
    return str(render_markdown(text, _there, _picture))


class _Elements(HTMLParser):
    """Every element of HTML, with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_tables_code_and_headings() -> None:
    shown = _shown("# Cells & wells\n\n|a|b|\n|-|-:|\n|1|2|\n\n```python\nx = 'y'\n```\n~~z~~")
    assert '<h1 id="text-cells--wells">' in shown
    assert '<td align="right">2</td>' in shown
    assert '<span class="hl-s1">&#39;y&#39;</span>' in shown or "hl-s1" in shown
    assert "<del>z</del>" in shown or "<s>z</s>" in shown
    assert "style=" not in shown


def test_links_lead_into_the_package_or_out() -> None:
    shown = _shown("[in](<a b.csv>) [out](https://x.org/y) [gone](missing.csv) [top](#Top)")
    assert '<a href="/package/a/b/a%20b.csv" rel="noopener noreferrer">in</a>' in shown
    assert '<a href="https://x.org/y" rel="noopener noreferrer">out</a>' in shown
    assert '<a title="not in this package" rel="noopener noreferrer">gone</a>' in shown
    assert 'href="#text-top"' in shown


def test_pictures_are_of_the_package_or_links() -> None:
    shown = _shown("![p](p.png) ![far](https://x.org/y.png) ![none](missing.png) ![](//x.org/z)")
    pictures = [facts for tag, facts in _Elements(shown).found if tag == "img"]
    assert pictures == [{"src": "/api/inline/a/b/p.png", "alt": "p"}]
    assert '<a href="https://x.org/y.png" rel="noopener noreferrer">far ↗</a>' in shown
    assert "x.org/z" not in shown


def test_without_pictures_they_are_words() -> None:
    assert "<img" not in render_markdown("![p](p.png)", _there)


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='java&#10;script:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScript&colon;alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "[x][y]\n\n[y]: javascript:alert(1)",
    "![x](data:image/svg+xml,<svg/onload=alert(1)>)",
    "![x](javascript:alert(1))",
    "<img src='//evil.example/x.png'>",
    "<img src='\\\\evil.example/x.png'>",
    "<img srcset='https://evil.example/x.png 2x'>",
    "<form action='https://evil.example'><button>x</button><input name=q></form>",
    "<style>body{display:none}</style>",
    "<p style='position:fixed' class='failed' id='theme' hx-get='/x' onclick='x'>x</p>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<!--><script>alert(1)</script>-->",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    '```python"><script>alert(1)</script>\nx\n```',
    "<details open ontoggle=alert(1)>x</details>",
    "<object data='x'></object><embed src='x'><video src='x' onerror=alert(1)></video>",
    "|a|\n|-|\n|<img src=x onerror=alert(1)>|",
    "# <img src=x onerror=alert(1)> x",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
)
_HARMLESS = {
    "a": {"href", "title", "rel"}, "img": {"src", "alt", "title", "width", "height"},
    "p": set(), "div": {"class"}, "pre": {"tabindex"}, "code": set(), "span": {"class"},
    "details": {"open"}, "table": set(), "thead": set(), "tbody": set(), "tr": set(),
    "th": set(), "td": set(), "h1": {"id"}, "h2": {"id"},
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_harmless(text: str) -> None:
    shown = render_markdown(text, lambda target: f"/package/{target}", _picture)
    for tag, facts in _Elements(shown).found:
        assert set(facts) <= _HARMLESS[tag], shown
        assert (facts.get("href") or "/package/").startswith(("/package/", "https://", "#text-")), (
            shown
        )
        assert (facts.get("src") or "/api/inline/").startswith("/api/inline/"), shown
        assert (facts.get("id") or "text-").startswith("text-")
        assert all(one.startswith("hl-") or one == "markdown" for one in
                   (facts.get("class") or "markdown").split())  # fmt: skip


def test_text_cannot_be_turned_around() -> None:
    for text in ("a\u202eb", "a&#x202e;b", "[a\u202eb](x)", "`a\u202eb`"):
        assert "\u202e" not in _shown(text)
    assert "\t" in _shown("```\na\tb\n```"), "tabs of code stay"


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("a.csv", "docs/a.csv"), ("../a", "a"), ("../../a", None), ("..", ""), ("/x/../y", "y"),
        ("%2e%2e/%2e%2e/etc/passwd", None), ("a%00b", None), ("a#b", "docs/a"), ("?x", "docs"),
        ("/../../x", None),
    ],
)  # fmt: skip
def test_no_link_leaves_the_package(target: str, key: str | None) -> None:
    assert key_of("docs", target) == key


def test_deep_and_long_text_is_bounded() -> None:
    for part in ("<div>", "<!--", "<b><p>", "> ", "- "):
        started = time.monotonic()
        shown = render_markdown(part * LONGEST, _there)
        assert time.monotonic() - started < 20, part
        assert "more.</p>" in shown
    assert str(render_markdown("<div>" * 3 * DEEPEST, _there)).count("<div>") <= DEEPEST
