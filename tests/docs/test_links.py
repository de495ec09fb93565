"""What pages point to exists."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, page_id, pages, prose

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(r"`((?:[\w.-]+/)+[\w.*-]*|[\w-]+\.(?:py|md|toml))(?:::(\w+))?`")


def anchors(page: Path) -> set[str]:
    """Return the anchors that headings of a page have on GitHub."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in _HEADING.findall(prose(page))
    }


@pytest.mark.parametrize("page", pages(), ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(prose(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_can_be_reached() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in _LINK.findall(prose(page)))
        waiting += [(page.parent / link).resolve() for link in links if link and "://" not in link]
    fragments = {page for page in pages() if re.fullmatch(r"\d{4}\.\w+\.md", page.name)}
    assert set(pages()) - fragments <= reached


def named_in_architecture() -> list[tuple[str, str]]:
    """Return paths, each with the test in it or an empty text."""
    return _PATH.findall((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))


def test_architecture_names_enough() -> None:
    found = named_in_architecture()
    assert len(found) > 25
    assert len([test for _, test in found if test]) > 7


@pytest.mark.parametrize(("path", "test"), named_in_architecture())
def test_what_architecture_names_exists(path: str, test: str) -> None:
    places = [ROOT / path, ROOT / "src/cellfolio" / path]
    place = next((one for one in places if one.exists()), None)
    assert place is not None, path
    if test:
        tree = ast.parse(place.read_text(encoding="utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert test in functions, f"{path} has no {test}"


def test_every_invariant_names_a_test() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = text.split("## What must always hold")[1].split("\n## ")[0]
    invariants = re.split(r"^\d+\. ", section, flags=re.MULTILINE)[1:]
    assert len(invariants) >= 8
    assert all("`tests/" in one for one in invariants)


def test_files_name_no_place_of_one_machine() -> None:
    places = [f"/{name}/" for name in ("work", "root")]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a checkout of git")
    found = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if not path.is_file():
            continue
        text = path.read_bytes().decode(errors="replace")
        found += [f"{name}: {place}" for place in places if re.search(rf"(?<![\w.]){place}", text)]
    assert found == []
