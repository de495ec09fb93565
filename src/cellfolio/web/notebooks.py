"""Notebooks: what is in a file of Jupyter, as much of it as may be shown.

References
----------
The notebook format, version 4: https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cellfolio.errors import BrokenFile
from cellfolio.web.picture_kinds import find_picture

CELLS = 300
"""Cells that are shown."""
TEXT = 30_000
"""Characters of an output that are shown."""
PICTURES = 24_000_000
"""Bytes of all pictures of a notebook."""
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/svg+xml")


@dataclass(frozen=True, slots=True)
class Output:
    """Something that a cell gave.

    Attributes
    ----------
    kind : str
        'text', 'error', 'html', 'markdown' or 'picture'.
    text : str
        Of a picture, its address with its bytes (RFC 2397).
    """

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell.

    Attributes
    ----------
    kind : str
        'markdown', 'code' or 'raw'.
    source : str
    number : int or None
        Of its execution.
    outputs : tuple of Output
    """

    kind: str
    source: str
    number: int | None = None
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True, slots=True)
class Notebook:
    """Cells, and the language of their code.

    Attributes
    ----------
    language : str
    cells : tuple of Cell
    more : int
        Cells that are left out.
    """

    language: str
    cells: tuple[Cell, ...]
    more: int = 0


def read_notebook(document: Any, name: str) -> Notebook:
    """Return a notebook.

    Parameters
    ----------
    document : object
        As parsed from JSON.
    name : str
        For messages.

    Raises
    ------
    BrokenFile
        If it is none of version 4.
    """
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        version = document.get("nbformat") if isinstance(document, dict) else None
        raise BrokenFile(
            name, "notebook", f"expected cells as version 4 has them, found version {version!r}",
            hint="it can be shown as a tree",
        )  # fmt: skip
    budget = [PICTURES]
    shown = tuple(_cell(one, budget) for one in cells[:CELLS] if isinstance(one, dict))
    return Notebook(_language(document), shown, max(0, len(cells) - CELLS))


def _language(document: Mapping[str, Any]) -> str:
    about = _within(document, "metadata")
    found = _within(about, "language_info").get("name") or _within(about, "kernelspec").get(
        "language"
    )
    return found if isinstance(found, str) else "python"


def _within(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _cell(cell: Mapping[str, Any], budget: list[int]) -> Cell:
    kind = cell.get("cell_type")
    source = _joined(cell.get("source"))
    if kind != "code":
        return Cell("markdown" if kind == "markdown" else "raw", source)
    number = cell.get("execution_count")
    outputs = cell.get("outputs")
    shown = [
        found
        for one in (outputs if isinstance(outputs, list) else [])
        if isinstance(one, dict)
        for found in _outputs(one, budget)
    ]
    return Cell("code", source, number if isinstance(number, int) else None, tuple(shown))


def _joined(text: Any) -> str:
    if isinstance(text, list):
        return "".join(one for one in text if isinstance(one, str))
    return text if isinstance(text, str) else ""


def _outputs(output: Mapping[str, Any], budget: list[int]) -> Iterator[Output]:
    match output.get("output_type"):
        case "stream":
            yield Output("text", _short(_joined(output.get("text"))))
        case "error":
            lines = output.get("traceback")
            told = "\n".join(map(str, lines)) if isinstance(lines, list) else ""
            yield Output("error", _short(told or str(output.get("evalue", ""))))
        case "display_data" | "execute_result":
            yield from _richest(_within(output, "data"), budget)


def _richest(data: Mapping[str, Any], budget: list[int]) -> Iterator[Output]:
    """Yield the best of the forms in which an output is given."""
    for media in _IMAGES:
        if media in data:
            found = _picture(_joined(data[media]), media, budget)
            if found is not None:
                yield found
                return
    for media, kind in (("text/html", "html"), ("text/markdown", "markdown")):
        if media in data:
            yield Output(kind, _joined(data[media]))
            return
    texts = (name for name in ("text/plain", "text/latex", "application/json") if name in data)
    name = next(texts, None)
    if name is not None:
        found_text = data[name]
        yield Output("text", _short(_joined(found_text) or str(found_text)))


def _picture(text: str, media: str, budget: list[int]) -> Output | None:
    """Return a picture that may be shown, by what its bytes are."""
    try:
        data = text.encode() if media == "image/svg+xml" else base64.b64decode(text, validate=False)
        found = find_picture(data, "picture")
    except (binascii.Error, ValueError, BrokenFile):
        return Output("text", "(a picture that cannot be shown)")
    budget[0] -= len(data)
    if budget[0] < 0:
        return Output("text", "(a picture; those before it fill the page)")
    return Output("picture", f"data:{found.media};base64,{base64.b64encode(data).decode()}")


def _short(text: str) -> str:
    plain = _ANSI.sub("", text)
    return (
        plain
        if len(plain) <= TEXT
        else f"{plain[:TEXT]}\n… and {len(plain) - TEXT:,} more characters"
    )
