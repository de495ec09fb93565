"""The pages of the documentation and their code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RUN = ("sh", "console", "python", "pycon")
"""Languages of blocks that run."""
READ = ("json", "toml", "yaml")
"""Languages of blocks that are parsed, or written to a file."""
PLAIN = ("", "text")
"""Pictures, layouts and what a program pasted."""

_FENCE = re.compile(r" *```(?P<language>\S*)\s*")
_DIRECTIVE = re.compile(
    r" *<!-- test: (?:not run, because (?P<reason>.+)|save as (?P<file>\S+)) -->\s*"
)


@dataclass(frozen=True, slots=True)
class Block:
    """A code block.

    Attributes
    ----------
    line : int
        Of its fence, counted from 1.
    language, text : str
    reason : str
        Why it is not run; empty where it is.
    file : str
        Where the page's later blocks find it; empty for nowhere.
    """

    line: int
    language: str
    text: str
    reason: str = ""
    file: str = ""


def pages() -> list[Path]:
    """Return every page, by path."""
    top = sorted(ROOT.glob("*.md"))
    return [
        *top,
        *(path for name in ("changes", "docs") for path in sorted((ROOT / name).rglob("*.md"))),
    ]


def page_id(page: Path) -> str:
    """Return a page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """Return the code blocks of a page; a comment just above one is its directive."""
    return list(_blocks(page.read_text(encoding="utf-8").splitlines()))


def _blocks(lines: list[str]) -> Iterator[Block]:
    opened: tuple[int, str] | None = None
    inside: list[str] = []
    for number, line in enumerate(lines, start=1):
        fence = _FENCE.fullmatch(line)
        if opened is None and fence is not None:
            opened, inside = (number, fence["language"]), []
        elif opened is not None and fence is not None:
            found = _DIRECTIVE.fullmatch(lines[opened[0] - 2]) if opened[0] > 1 else None
            reason, file = (found["reason"], found["file"]) if found else (None, None)
            yield Block(*opened, "\n".join(inside) + "\n", reason or "", file or "")
            opened = None
        elif opened is not None:
            inside.append(line)
    if opened is not None:
        raise ValueError(f"the block in line {opened[0]} has no end")


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    kept, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if _FENCE.fullmatch(line):
            inside = not inside
        elif not inside:
            kept.append(line)
    return "\n".join(kept)
