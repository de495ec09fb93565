"""A package as a tree of aligned lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cellfolio.cli.text import columns, plural, printable, size_text
from cellfolio.package.folder import Folder
from cellfolio.package.html import first_children


@dataclass(frozen=True, slots=True)
class TreeLimits:
    """How much of a tree is shown.

    Attributes
    ----------
    depth, children : int or None
        Folders within folders, and children of each folder; None for all.
    """

    depth: int | None = 2
    children: int | None = 20


def tree_lines(folder: Folder, limits: TreeLimits) -> Iterator[str]:
    """Yield the lines of a tree: name, number of files of a folder, size."""
    rows = list(_rows(folder, limits, ""))
    return columns(rows, "<>>") if rows else iter(())


def _rows(folder: Folder, limits: TreeLimits, indent: str) -> Iterator[tuple[str, str, str]]:
    total = len(folder)
    children = list(first_children(folder, limits.children))
    deeper = TreeLimits(None if limits.depth is None else limits.depth - 1, limits.children)
    for number, child in enumerate(children, start=1):
        last = number == total
        branch = indent + ("└─ " if last else "├─ ")
        if isinstance(child, Folder):
            name = printable(child.key.rpartition("/")[2])
            yield f"{branch}{name}/", plural(child.file_count, "file"), size_text(child.size)
            if deeper.depth is None or deeper.depth > 0:
                yield from _rows(child, deeper, indent + ("   " if last else "│  "))
        else:
            yield branch + printable(child.name), "", size_text(child.size)
    if total > len(children):
        yield f"{indent}└─ … and {total - len(children):,} more", "", ""
