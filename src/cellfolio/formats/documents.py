"""Documents: JSON, lines of JSON, text."""

from __future__ import annotations

import codecs
import json
from typing import Any

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.format import COMPRESSIONS, Source
from cellfolio.formats.streams import read_all


def read_json(source: Source, *, max_bytes: int | None = None) -> Any:
    """Read a JSON document.

    Parameters
    ----------
    source : Source
    max_bytes : int, optional
        Most bytes inside a compressed file.

    Returns
    -------
    dict, list, str, float, int, bool or None

    Raises
    ------
    BrokenFile
        Naming line and column.
    """
    return _parsed(source, "json", _decoded(source, "json", "utf-8", max_bytes))


def read_jsonl(source: Source, *, max_bytes: int | None = None) -> list[Any]:
    """Read lines of JSON; blank lines are skipped.

    Parameters
    ----------
    source : Source
    max_bytes : int, optional
        Most bytes inside a compressed file.

    Returns
    -------
    list

    Raises
    ------
    BrokenFile
        Naming the line.
    """
    # Not splitlines(): a JSON text may hold U+2028 and others that it takes for ends of lines.
    lines = _decoded(source, "jsonl", "utf-8", max_bytes).split("\n")
    return [
        _parsed(source, "jsonl", line, number)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


def read_text(source: Source, *, encoding: str = "utf-8", max_bytes: int | None = None) -> str:
    """Read text, such as a README; a file without any bytes is an empty text.

    Parameters
    ----------
    source : Source
    encoding : str
    max_bytes : int, optional
        Most bytes inside a compressed file.

    Raises
    ------
    BrokenFile
        If it is not text in that encoding.
    """
    if not source.path.stat().st_size and not source.name.lower().endswith(tuple(COMPRESSIONS)):
        return ""
    return _decoded(source, "text", encoding, max_bytes)


def _decoded(source: Source, format_name: str, encoding: str, max_bytes: int | None) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise InvalidArgument(f"there is no encoding {encoding!r}") from None
    data = read_all(source, format_name, max_bytes)
    if b"\0" in data and not name.startswith(("utf-16", "utf-32")):
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise BrokenFile(
            source.name,
            format_name,
            f"line {line} has a NUL byte, so it is no text",
            hint="if it is UTF-16, say encoding='utf-16'" if format_name == "text" else "",
        )
    try:
        return data.decode("utf-8-sig" if name == "utf-8" else name)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BrokenFile(
            source.name,
            format_name,
            f"line {line} is not {encoding} (byte {data[error.start]:#04x})",
            hint="name its encoding, such as encoding='latin-1'" if format_name == "text" else "",
        ) from None


def _parsed(source: Source, format_name: str, text: str, line: int | None = None) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {line or error.lineno}, column {error.colno}"
        raise BrokenFile(source.name, format_name, f"{where}: {error.msg}") from None
    except RecursionError:
        raise BrokenFile(source.name, format_name, "it is nested too deep") from None
    except ValueError as error:  # an integer of thousands of digits
        raise BrokenFile(source.name, format_name, str(error)) from None
