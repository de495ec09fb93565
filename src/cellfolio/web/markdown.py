"""Markdown as harmless HTML: what a README may show, and what it may not do.

Rule 1: of the HTML that a text brings, or makes, only what is listed here is left: no script,
style, form, frame or handler of events.
Rule 2: a link leads into the package, to a heading of the same text, or by http, https or mailto to
where it says; nothing else. One that leads to no file of the package is plain text.
Rule 3: no picture of elsewhere is loaded: it would tell its server who reads. Such a picture is a
link.
Rule 4: names and classes begin with ours, so that no text can pass for a part of the page.

HTML is cleaned twice: first so that what finds its links reads sound HTML only, and once more
after that, so that nothing rests on how links were found.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable, Sequence
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from markupsafe import Markup

from cellfolio.package.html import visible_text
from cellfolio.package.sizes import format_size
from cellfolio.web.highlighting import CLASS, highlighted
from cellfolio.web.places import Place

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LONGEST = 128 * 1024
"""Characters that are rendered; what follows is cut off, and said to be. The worst text of this
length takes seconds."""
DEEPEST = 100
"""Elements within each other; the time that a parser of HTML takes grows with their square."""
STYLE = "markdown.css"
"""File of ``static/`` that pages with rendered text need."""
ID = "text-"
"""What identifiers in a text begin with."""
Resolve = Callable[[str], str | None]
"""From where a text points to, the address of a page of ours; None if there is nothing."""

_SCHEMES = frozenset({"http", "https", "mailto"})
_CELL = {"align", "colspan", "rowspan"}
_ATTRIBUTES: dict[str, set[str]] = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "p": {"align"}, "div": {"align", "class"}, "pre": {"tabindex"}, "code": set(),
    "span": {"class"}, "ol": {"start"}, "details": {"open"}, "td": _CELL, "th": _CELL,
    **{f"h{level}": {"id", "align"} for level in range(1, 7)},
}  # fmt: skip
_ELEMENTS = frozenset(_ATTRIBUTES) | {
    "abbr", "b", "blockquote", "br", "caption", "cite", "dd", "del", "dfn", "dl", "dt", "em", "hr",
    "i", "ins", "kbd", "li", "mark", "q", "s", "samp", "small", "strong", "sub", "summary", "sup",
    "table", "tbody", "tfoot", "thead", "tr", "u", "ul", "var", "wbr",
}  # fmt: skip
_GONE = frozenset({"script", "style", "iframe", "object", "template", "noscript", "svg", "math"})
"""Elements that go with all that is in them; others leave their text."""
_CLASS = re.compile(rf"{CLASS}[\w-]*")
_TAG = re.compile(r"<(/?)([A-Za-z][\w:-]*)")
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
     "wbr")
)  # fmt: skip
_ENDED_BY_NEXT = frozenset(("dd", "dt", "li", "p", "td", "th", "tr"))
"""Elements of which one ends the one before."""
_OWN = re.compile(r"/(?![/\\])")
"""How an address of this portal begins; ``//`` begins one of elsewhere."""


def render_markdown(text: str, resolve: Resolve, picture: Resolve | None = None) -> Markup:
    r"""Return Markdown as HTML.

    Parameters
    ----------
    text : str
        CommonMark with tables and strikethrough. Code is coloured by classes; pages need `STYLE`.
    resolve : callable
        Given what a relative link says, such as ``../a%20b.csv#top``, returns the address of a
        page of ours, or None.
    picture : callable, optional
        The same for pictures, whose bytes the address has; without it, pictures are links.

    Examples
    --------
    >>> render_markdown("[x](javascript:alert(1)) *y*", lambda target: None)
    Markup('<div class="markdown">\n<p>[x](javascript:alert(1)) <em>y</em></p>\n</div>')
    """
    made = str(_parser().render(text[:LONGEST].removeprefix("\ufeff")))
    left = len(text) - LONGEST
    note = f'<p class="hint">… and {format_size(left)} more.</p>\n' if left > 0 else ""
    shown = _harmless(made, resolve, picture or _nothing)
    return Markup(f'<div class="markdown">\n{shown}{note}</div>')


def markdown_at(place: Place, text: str) -> Markup:
    """Return Markdown of a file, or of a folder's README, whose links lead into its package.

    Parameters
    ----------
    place : Place
        Where the text is: a file, or the folder it is about.
    text : str
    """
    return render_markdown(
        text, _resolving(place, "package"), _resolving(place, "api/inline", files=True)
    )


def clean_html(text: str) -> Markup:
    """Return of HTML what is harmless; links and pictures lead nowhere but to the outside."""
    return Markup(f'<div class="markdown">{_harmless(text[:LONGEST], _nothing, _nothing)}</div>')


def _nothing(target: str) -> str | None:
    return None


def _resolving(place: Place, view: str, *, files: bool = False) -> Resolve:
    def resolve(target: str) -> str | None:
        key = key_of(place.key if _is_folder(place) else posixpath.dirname(place.key), target)
        if key is None or (files and not key):
            return None
        try:
            return place.link(view, key) if not key or key in place.package else None
        except ValueError:  # a key that no package can have
            return None

    return resolve


def _is_folder(place: Place) -> bool:
    from cellfolio.package.entry import Entry

    return not place.key or not isinstance(place.found, Entry)


def key_of(folder: str, target: str) -> str | None:
    """Return the logical key that a relative link means; None if it leads out of the package.

    Parameters
    ----------
    folder : str
        Key of the folder that the text is in.
    target : str
        A path; one that starts with ``/`` starts from the package.

    Examples
    --------
    >>> key_of("docs", "../data/a%20b.csv?raw=1#top"), key_of("", "../x"), key_of("a", "/b/")
    ('data/a b.csv', None, 'b')
    """
    path = unquote(urlsplit(target).path)
    joined = path.lstrip("/") if path.startswith("/") else posixpath.join(folder, path)
    key = posixpath.normpath(joined)
    if key == ".." or key.startswith("../") or "\0" in key:
        return None
    return "" if key == "." else key


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": True, "highlight": _coloured})
    made.enable(["table", "strikethrough"])
    made.core.ruler.push("cellfolio", lambda state: _finish(state.tokens))
    return made


def _coloured(code: str, name: str, attributes: str) -> str:
    return f'<pre tabindex="0"><code>{highlighted(code, name)}</code></pre>'


def _finish(tokens: Sequence[Token]) -> None:
    """Name headings, and say without styles how cells are aligned."""
    taken: dict[str, int] = {}
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _apart(slug_of(tokens[at + 1].content), taken))
        style = token.attrs.pop("style", None)
        if isinstance(style, str) and style.startswith("text-align:"):
            token.attrSet("align", style.removeprefix("text-align:"))


def slug_of(heading: str) -> str:
    """Return what links to a heading call it, as GitHub does.

    Examples
    --------
    >>> slug_of("What's in `data/` & why?")
    'whats-in-data--why'
    """
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _apart(slug: str, taken: dict[str, int]) -> str:
    taken[slug] = taken.get(slug, -1) + 1
    return slug if not taken[slug] else f"{slug}-{taken[slug]}"


def _harmless(text: str, resolve: Resolve, picture: Resolve) -> str:
    sound = _clean(_shallow(text), _allowed_at_first)
    made = _clean(_Rewriting(resolve, picture).rewrite(sound), _allowed_at_last)
    return "".join(map(_visible_lines, re.split(r"([\t\r])", made)))


def _visible_lines(text: str) -> str:
    return text if text in ("\t", "\r") else visible_text(text)


def _shallow(text: str) -> str:
    """Return HTML in which tags that lie too deep are text."""
    within: list[str] = []

    def kept(match: re.Match[str]) -> str:
        closing, name = match[1], match[2].lower()
        if closing:
            if name in within:
                del within[len(within) - 1 - within[::-1].index(name) :]
        elif within[-1:] == [name] and name in _ENDED_BY_NEXT:
            pass
        elif name not in _VOID:
            if len(within) >= DEEPEST:
                return f"&lt;{match[2]}"
            within.append(name)
        return match[0]

    return _TAG.sub(kept, text)


class _Rewriting(HTMLParser):
    """Lets links and pictures lead where they may; what it makes is cleaned after it."""

    def __init__(self, resolve: Resolve, picture: Resolve) -> None:
        super().__init__(convert_charrefs=False)
        self._resolve = resolve
        self._picture = picture
        self._made: list[str] = []

    def rewrite(self, text: str) -> str:
        self.feed(text)
        self.close()
        return "".join(self._made)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "img":
            self._show_picture(facts)
            return
        if tag == "a" and "href" in facts:
            found = _target(facts.pop("href"), self._resolve)
            facts |= {"title": "not in this package"} if found is None else {"href": found}
        self._made.append(_tag(tag, facts))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def _show_picture(self, facts: dict[str, str]) -> None:
        source, alt = facts.pop("src", ""), facts.get("alt", "")
        if _is_relative(source):
            found = self._picture(source) if source else None
            if found is not None:
                self._made.append(_tag("img", {**facts, "src": found}))
            else:
                self._made.append(html.escape(alt or posixpath.basename(source)))
            return
        words = html.escape(alt or "picture elsewhere")
        link = _target(source, _nothing)
        self._made.append(words if link is None else f"{_tag('a', {'href': link})}{words} ↗</a>")

    def handle_endtag(self, tag: str) -> None:
        if tag != "img":
            self._made.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._made.append(data)

    def handle_entityref(self, name: str) -> None:
        self._made.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._made.append(f"&#{name};")


def _tag(name: str, facts: dict[str, str]) -> str:
    told = "".join(f' {one}="{html.escape(value)}"' for one, value in facts.items())
    return f"<{name}{told}>"


def _target(link: str, resolve: Resolve) -> str | None:
    """Return where a link may lead."""
    link = link.strip()
    if link.startswith("#"):
        return f"#{ID}{link[1:].lower()}" if link != "#" else link
    if not _is_relative(link):
        return link if urlsplit(link).scheme in _SCHEMES else None
    return resolve(link)


def _is_relative(link: str) -> bool:
    try:
        parts = urlsplit(link.strip())
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc and not link.startswith(("//", "\\"))


def _clean(text: str, allowed: Callable[[str, str, str], str | None]) -> str:
    import nh3

    return nh3.clean(
        text,
        tags=set(_ELEMENTS),
        clean_content_tags=set(_GONE),
        attributes=_ATTRIBUTES,
        attribute_filter=allowed,
        url_schemes=set(_SCHEMES),
        link_rel="noopener noreferrer",
        strip_comments=True,
    )


def _allowed_at_first(element: str, attribute: str, value: str) -> str | None:
    if attribute == "class":
        return " ".join(one for one in value.split() if _CLASS.fullmatch(one)) or None
    return value


def _allowed_at_last(element: str, attribute: str, value: str) -> str | None:
    """Return what an attribute may be, whatever was done before."""
    if attribute == "id":
        return ID + value
    if attribute == "src":
        return value if _OWN.match(value) else None
    return _allowed_at_first(element, attribute, value)
