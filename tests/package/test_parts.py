"""Short names for parts of a package."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import EntryNotFound
from cellfolio.package.entry import LISTED, Entry
from cellfolio.package.package import Package
from cellfolio.package.parts import spell_out
from cellfolio.package.patterns import is_glob, key_matcher
from tests.package.strategies import keys


def listed(key: str, name: str) -> Entry:
    return Entry(key, "file:///x", meta={"user_meta": {LISTED: name}})


ATLAS = Package.of(
    [
        listed("metadata/WMB-10X/2/gene.csv", "WMB-10X/gene"),
        listed("metadata/WMB-10X/2/views/cells.csv", "WMB-10X/cells"),
        listed("expression_matrices/WMB-10X/1/WMB-10X-raw.h5ad", "WMB-10X/WMB-10X/raw"),
        listed("expression_matrices/WMB-10X/1/WMB-10X-log2.h5ad", "WMB-10X/WMB-10X/log2"),
        listed("metadata/Other/2/gene.csv", "Other/gene"),
    ]
)


@pytest.mark.parametrize(
    ("pattern", "keys"),
    [
        ("metadata", ("metadata",)),
        ("WMB-10X", ("expression_matrices/WMB-10X/", "metadata/WMB-10X/")),
        ("metadata/WMB-10X", ("metadata/WMB-10X",)),
        ("WMB-10X/gene", ("metadata/WMB-10X/2/gene.csv",)),
        ("WMB-10X/WMB-10X/raw", ("expression_matrices/WMB-10X/1/WMB-10X-raw.h5ad",)),
        ("views/cells.csv", ("metadata/WMB-10X/2/views/cells.csv",)),
        ("gene.csv", ("metadata/Other/2/gene.csv", "metadata/WMB-10X/2/gene.csv")),
        ("**/gene.csv", ("**/gene.csv",)),
        ("nothing", ("nothing",)),
    ],
)
def test_names_are_spelled_out(pattern: str, keys: tuple[str, ...]) -> None:
    assert spell_out(ATLAS, (pattern,)) == keys


def test_a_name_for_several_files_is_refused_with_the_choices() -> None:
    with pytest.raises(EntryNotFound, match="WMB-10X/WMB-10X/log2, WMB-10X/WMB-10X/raw"):
        spell_out(ATLAS, ("WMB-10X/WMB-10X",))


@given(st.lists(keys, min_size=1, unique=True), st.data())
def test_the_last_components_of_any_key_name_it(names: list[str], data: st.DataObject) -> None:
    package = Package.of([Entry(key, "file:///x") for key in _free_of_folders(names)])
    key = data.draw(st.sampled_from([package.rows.key(i) for i in range(len(package.rows))]))
    parts = key.split("/")
    short = "/".join(parts[data.draw(st.integers(0, len(parts) - 1)) :])
    asked = key_matcher(spell_out(package, (short,)))
    named = [other for other in map(package.rows.key, range(len(package.rows))) if asked(other)]
    assert key in named or short in package or is_glob(short)


def _free_of_folders(names: list[str]) -> list[str]:
    """Leave out keys that are folders of other keys."""
    return [one for one in names if not any(other.startswith(one + "/") for other in names)]
