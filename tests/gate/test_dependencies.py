"""Libraries: what is imported is asked for, what is asked for is used, nothing is too much."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest
from packaging.utils import canonicalize_name

from docs.make_size_table import (
    FOR_DEVELOPERS,
    HEAVY,
    LARGEST,
    PAGE,
    REASONS,
    closure,
    extras,
    requirements,
)
from tests.docs.pages import ROOT

BROUGHT = {"botocore"}
"""Libraries that are parts of one that is asked for: boto3."""
OF_TYPES = {"_typeshed"}
"""Modules that only type checkers have."""


def imported() -> Iterator[tuple[str, str]]:
    """Yield each library that the sources import by name, and a file that does."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names | OF_TYPES | {"cellfolio"}:
                    yield top, str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def used() -> dict[str, str]:
    """Libraries as pip calls them, with a file that imports each."""
    known = packages_distributions()
    return {
        canonicalize_name(name): path for top, path in imported() for name in known.get(top, [top])
    }


def asked_for(names: tuple[str | None, ...]) -> set[str]:
    return {canonicalize_name(one.name) for name in names for one in requirements(name)}


def test_every_library_that_is_imported_is_asked_for(used: dict[str, str]) -> None:
    everything = asked_for((None, *extras())) | BROUGHT
    assert {name: path for name, path in used.items() if name not in everything} == {}


def test_every_library_of_the_default_install_is_used(used: dict[str, str]) -> None:
    assert asked_for((None,)) - {*used} == set()


def test_the_default_install_is_no_larger_than_its_reasons() -> None:
    installed = closure(requirements()).values()
    heavy = {one.name for one in installed if one.size >= HEAVY}
    assert heavy <= {*REASONS}, "say in docs/make_size_table.py what it is for, or make it an extra"
    assert sum(one.size for one in installed) < LARGEST


def test_the_pages_name_every_heavy_library_and_every_extra() -> None:
    size = PAGE.read_text(encoding="utf-8")
    guide = (ROOT / "docs/guide/installing.md").read_text(encoding="utf-8")
    assert [name for name in REASONS if f"\n| {name} " not in size] == []
    for extra in extras():
        assert f"\n| `{extra}` |" in guide
        row = next(line for line in size.splitlines() if line.startswith(f"| `{extra}` |"))
        assert all(one.name in row for one in requirements(extra))
    assert not {*FOR_DEVELOPERS} & {*extras()}
