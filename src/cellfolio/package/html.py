"""A package in a notebook: a small tree to unfold, as HTML without scripts.

Rule 1: every text that comes from a manifest is escaped, and so is shown as it is.
Rule 2: the page stays small however large the package is: see `CHILDREN`, `DEPTH` and `ROWS`.
Rule 3: no colours of its own but transparent grey, so that dark and light notebooks both suit.
"""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.package.package import Package
from cellfolio.package.sizes import format_size

CHILDREN = 20
"""Files and folders shown of one folder."""
DEPTH = 4
"""Folders that can be unfolded within each other."""
ROWS = 400
"""Lines of a page, about."""
_TEXT = 120
"""Characters of a name or value that are shown."""

_GREY = "opacity:.65"
_RULE = "1px solid rgba(128,128,128,.35)"
_LINE = "display:flex;gap:1.5em;padding:.1em 0"
_NAME = "flex:1;min-width:0;overflow-wrap:anywhere"
_SIZE = "font-variant-numeric:tabular-nums;white-space:nowrap;opacity:.65"


def folder_html(folder: Folder) -> str:
    """Return a folder of a package, or the whole package, as HTML.

    Parameters
    ----------
    folder : Folder
        A `Package` is one.

    Examples
    --------
    >>> from cellfolio.package.entry import Entry
    >>> from cellfolio.package.package import Package
    >>> "&lt;b&gt;.csv" in folder_html(Package.of([Entry("<b>.csv", "file:///x", 3)]))
    True
    """
    budget = _Budget(ROWS)
    tree = "".join(_children_html(folder, DEPTH, budget))
    return (
        f'<div style="max-width:56em;border:{_RULE};border-radius:6px;padding:.6em .9em;'
        f'line-height:1.45">{_head(folder)}'
        f'<div style="border-top:{_RULE};margin-top:.5em;padding-top:.4em">{tree}</div></div>'
    )


def first_children(folder: Folder, limit: int | None = None) -> Iterator[Folder | Entry]:
    """Yield the first files and folders directly in a folder, by name.

    Examples
    --------
    >>> from cellfolio.package.entry import Entry
    >>> from cellfolio.package.package import Package
    >>> package = Package.of([Entry(key, "file:///x") for key in ("a/b", "c", "d")])
    >>> list(first_children(package, 2))
    [Folder('a', 1 files), Entry('c', unknown size, no digest)]
    """
    before = ""
    for name in islice(folder, limit):
        # A manifest may have a file and a folder of one name; the file comes first.
        yield folder[f"{name}/" if name == before else name]
        before = name


class _Budget:
    """Lines that may still be written."""

    def __init__(self, lines: int) -> None:
        self._left = lines

    def take(self, wanted: int) -> int:
        """Return how many of the lines wanted may be written."""
        taken = min(wanted, self._left)
        self._left -= taken
        return taken


def _head(folder: Folder) -> str:
    if not isinstance(folder, Package):
        return f"<div><b>{_text(folder.key)}</b> {_counts(folder)}</div>"
    lines = [
        f"<div><b>{_text(folder.name or 'package')}</b> "
        f'<code title="{html.escape(folder.top_hash)}">{folder.top_hash[:12]}</code> '
        f"{_counts(folder)}</div>"
    ]
    if folder.message:
        lines.append(f'<div style="white-space:pre-line">{_text(folder.message, 400)}</div>')
    if folder.meta:
        lines.append(_meta_html(folder.meta))
    return "".join(lines)


def _counts(folder: Folder) -> str:
    files = f"{folder.file_count:,} file{'' if folder.file_count == 1 else 's'}"
    return f'<span style="{_GREY}">{files}, {format_size(folder.size)}</span>'


def _meta_html(meta: Any) -> str:
    pairs = list(meta.items()) if isinstance(meta, Mapping) else [("", meta)]
    shown = "".join(
        f'<div style="{_LINE}"><span style="{_GREY};min-width:10em">{_text(key)}</span>'
        f'<span style="{_NAME}">{_text(_value(value), 400)}</span></div>'
        for key, value in pairs[:CHILDREN]
    )
    return f"<details><summary>metadata</summary>{shown}{_more(len(pairs))}</details>"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _children_html(folder: Folder, depth: int, budget: _Budget) -> Iterator[str]:
    # A folder's own lines are counted before those of the folders in it.
    shown = budget.take(min(len(folder), CHILDREN))
    for child in first_children(folder, shown):
        yield _child_html(child, depth, budget)
    yield _more(len(folder), shown)


def _child_html(child: Folder | Entry, depth: int, budget: _Budget) -> str:
    if isinstance(child, Entry):
        return _line(_text(child.name), _size(child.size))
    name = _text(child.key.rpartition("/")[2] + "/")
    if depth <= 1:
        return _line(name, _counts(child))
    inside = "".join(_children_html(child, depth - 1, budget))
    return (
        f"<details><summary>{name} {_counts(child)}</summary>"
        f'<div style="margin-left:.35em;padding-left:1em;border-left:{_RULE}">{inside}</div>'
        "</details>"
    )


def _line(name: str, size: str) -> str:
    return (
        f'<div style="{_LINE}"><span style="{_NAME}">{name}</span>'
        f'<span style="{_SIZE}">{size}</span></div>'
    )


def _size(size: int | None) -> str:
    return "?" if size is None else format_size(size)


def _more(total: int, shown: int = CHILDREN) -> str:
    left = total - shown
    return f'<div style="{_GREY}">… and {left:,} more</div>' if left > 0 else ""


def _text(text: object, limit: int = _TEXT) -> str:
    """Return text to show: escaped, cut, and unable to turn the line around or hide in it."""
    whole = str(text)
    cut = whole if len(whole) <= limit else f"{whole[: limit - 1]}…"
    return html.escape(visible_text(cut))


def visible_text(text: str) -> str:
    r"""Return text that cannot turn a line around or hide in it; it is still to be escaped.

    Examples
    --------
    >>> visible_text("taxol\u202e")
    'taxol\\u202e'
    """
    return text if text.isprintable() else "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs"):
        return char
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")
