"""What the documentation site is made of: its pages, their places, the sidebar.

The pages are those of the repository, as they are. Some lie outside ``docs``; in the site they have
a place beside the others, and links to them lead there.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONT = "index.md"
"""The page that has the sidebar."""
OUTSIDE: Mapping[str, str] = {
    "README.md": "overview.md",
    "ARCHITECTURE.md": "project/architecture.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "benchmarks/README.md": "project/benchmarks.md",
    "benchmarks/growth.png": "project/growth.png",
    "changes/README.md": "project/changes.md",
    "LICENSE": "project/LICENSE",
}
"""Files outside ``docs`` and where they are in the site."""
PICTURES = (".png", ".jpg", ".svg")
TITLES: Mapping[str, str] = {
    "overview": "What it is, and how to set it up",
    "project/benchmarks": "How fast it is",
}
"""What pages are called in the sidebar, if not by their headings."""
SIDEBAR: Mapping[str, tuple[str, ...]] = {
    "Start": ("overview", "tour", "guide/installing"),
    "Tutorials": (
        "tutorials/five-systems",
        "tutorials/cardiomyocytes",
        "tutorials/cell-line",
        "tutorials/rosetta",
        "tutorials/cpjump1",
        "tutorials/brain-atlas",
    ),
    "How to get and keep": (
        "guide/catalogue",
        "guide/getting-data",
        "guide/verifying",
        "guide/mirror",
        "guide/firewall",
        "guide/shared-store",
        "guide/mending",
    ),
    "How to open, look and ask": (
        "guide/opening",
        "guide/converting",
        "guide/images",
        "guide/looking",
        "guide/plates",
        "guide/querying",
        "guide/records",
        "guide/rosetta",
        "guide/portal",
    ),
    "How to measure and profile": (
        "guide/measuring",
        "guide/deep-features",
        "guide/profiles",
        "guide/profiling-recipes",
        "guide/aggregating-cells",
        "guide/single-cells",
        "guide/quality",
    ),
    "How to evaluate": ("guide/replicability", "guide/prediction", "guide/benchmarks"),
    "How to publish": ("guide/publishing",),
    "How to automate": (
        "guide/experiment",
        "guide/cluster",
        "guide/scripting",
        "guide/python",
    ),
    "How to move from other tools": (
        "guide/moving",
        "guide/abc-atlas",
        "guide/from-pycytominer",
    ),
    "Reference": (
        "reference/cli",
        "reference/python",
        "reference/recipe",
        "reference/errors",
        "reference/environment",
        "reference/store",
        "reference/size",
        "reference/cellprofiler",
        "reference/cp_measure",
        "reference/pycytominer",
        "reference/copairs",
    ),
    "Explanation": (
        "explanation/packages",
        "explanation/verified",
        "explanation/formats",
        "explanation/fidelity",
        "project/benchmarks",
        "project/architecture",
        "decisions/*",
    ),
    "Glossary": ("glossary",),
    "Contributing": (
        "project/contributing",
        "project/security",
        "project/changelog",
        "project/changes",
    ),
}
"""Pages by subject, in the order of the sidebar; ``*`` stands for all of a folder."""

_FENCE = re.compile(r" *```")
_LINK = re.compile(r"\]\((?!\w+:|#)(?P<path>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def pages(root: Path = ROOT) -> dict[str, str]:
    """Return every file of the site: where it is in the repository, and where in the site."""
    inside = (path for path in (root / "docs").rglob("*") if path.suffix in {".md", *PICTURES})
    names = sorted(path.relative_to(root).as_posix() for path in inside)
    return {**{name: name.removeprefix("docs/") for name in names}, **OUTSIDE}


def relinked(text: str, name: str, places: Mapping[str, str]) -> str:
    """Return the text of a page with its links as they must be where the site has it.

    Parameters
    ----------
    text : str
    name : str
        Where the page is in the repository.
    places : mapping of str to str
        All files of the site; see `pages`.
    """
    here = posixpath.dirname(places[name])

    def link(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), found["path"]))
        if target not in places:
            return found[0]
        return f"]({posixpath.relpath(places[target], here)}{found['anchor'] or ''})"

    lines, in_block = [], False
    for line in text.splitlines():
        is_fence = _FENCE.match(line) is not None
        in_block ^= is_fence
        lines.append(line if in_block or is_fence else _LINK.sub(link, line))
    return "\n".join(lines) + "\n"


def sidebar() -> str:
    """Return the directives that make the sidebar."""
    return "\n".join(_contents())


def _contents() -> Iterator[str]:
    for caption, names in SIDEBAR.items():
        yield f"\n```{{toctree}}\n:hidden:\n:glob:\n:caption: {caption}\n"
        yield from (f"{TITLES[name]} <{name}>" if name in TITLES else name for name in names)
        yield "```"


def lay_out(folder: Path, root: Path = ROOT) -> None:
    """Put the files of the site into a folder, where Sphinx reads them.

    Files that did not change stay untouched, so that only the others are built again.
    """
    places = pages(root)
    for name, place in places.items():
        source, target = root / name, folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix != ".md":
            shutil.copy2(source, target)
            continue
        text = relinked(source.read_text(encoding="utf-8"), name, places)
        text += sidebar() + "\n" if place == FRONT else ""
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
    for old in [path for path in folder.rglob("*") if path.is_file()]:
        if old.relative_to(folder).as_posix() not in places.values():
            old.unlink()
