"""Searching cards and names of files, and narrowing down."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.registries.catalogue import builtin_catalogue
from cellfolio.workflows.preparing import Prepared
from cellfolio.workflows.searching.cards import Card, card_of_data_set, card_of_package
from cellfolio.workflows.searching.facets import FACETS, count_choices, narrow
from cellfolio.workflows.searching.file_names import FileNames
from cellfolio.workflows.searching.matching import Searcher

NAMES = st.text("abAB./-é ", min_size=1, max_size=8).filter(
    lambda key: (
        not key.startswith("/")
        and not key.endswith("/")
        and "//" not in key
        and not {".", ".."} & set(key.split("/"))
    )
)


def package_of(*keys: str, meta: dict[str, object] | None = None) -> Package:
    return Package.of([Entry(key, "file:///x", 3) for key in keys], meta=meta)


@given(st.sets(NAMES, max_size=12), st.lists(st.text("abé./", min_size=1), min_size=1))
def test_file_names_are_found_as_a_plain_search_finds_them(
    keys: set[str], words: list[str]
) -> None:
    package = package_of(*keys)
    wanted = [word.casefold() for word in words]
    expected = [
        entry.logical_key
        for entry in package.walk()
        if all(word in entry.logical_key.casefold() for word in wanted)
    ]
    found = FileNames(package).find(wanted, shown=100)
    assert list(found.keys) == expected
    assert (found.count, found.more) == (len(expected), False)


def test_common_words_are_counted_up_to_a_bound() -> None:
    package = package_of(*(f"plate/{number:05d}.tiff" for number in range(3_000)))
    found = FileNames(package).find(["plate"])
    assert (len(found.keys), found.count, found.more) == (5, 1_000, True)


def search(cards: list[Card], words: str) -> list[str]:
    searcher = Searcher()
    for _ in range(100):
        found = searcher.search(cards, words)
        if not found.unread:
            return [match.card.name for match in found.matches]
        time.sleep(0.01)
    raise AssertionError("names are still being read")


def test_words_may_be_in_text_or_together_in_one_name() -> None:
    screen = card_of_package("lab/screen", package_of("p1/a.tiff", "p2/b.csv"), "here")
    other = card_of_package("lab/other", package_of("x.csv", meta={"assay": "MERFISH"}), "here")
    cards = [screen, other, card_of_data_set(builtin_catalogue().find("abc/atlas"))]
    assert search(cards, "SCREEN") == ["lab/screen"]
    assert search(cards, "lab tiff p1") == ["lab/screen"]
    assert search(cards, "lab tiff p2") == [], "no one file has both"
    assert search(cards, "merfish") == ["lab/other", "abc/atlas"]
    assert search(cards, "") == ["lab/screen", "lab/other", "abc/atlas"]


def test_metadata_tells_what_a_package_is_of() -> None:
    meta = {"Species": ["mouse"], "Metadata_cell_line": "U2OS", "title": "Screen", "modality": 3}
    card = card_of_package("lab/screen", package_of("a.h5ad", meta=dict(meta)), "here")
    assert (card.title, card.organisms, card.cell_lines) == ("Screen", ("mouse",), ("U2OS",))
    assert card.modalities == ("3",), "as the authors say"
    assert card_of_package("lab/x", package_of("a.h5ad"), "here").modalities == ("expression",)


def test_facets_narrow_down_together_and_count_what_each_choice_would_leave() -> None:
    cards = [
        Card(name="a/1", modalities=("images",), organisms=("human",), size=5),
        Card(name="a/2", modalities=("images", "expression"), organisms=("mouse",), size=5),
        Card(name="a/3", modalities=("expression",), organisms=("mouse",)),
    ]
    chosen = {"modality": ["images"], "organism": ["mouse"]}
    assert [card.name for card in narrow(cards, chosen)] == ["a/2"]
    counted = {facet.name: choices for facet, choices in count_choices(cards, chosen)}
    assert {one.value: one.count for one in counted["modality"]} == {"expression": 2, "images": 1}
    assert {one.value: one.count for one in counted["organism"]} == {"human": 1, "mouse": 1}
    assert [one.value for one in counted["size"]] == ["under 1 GB"]
    for facet in FACETS:
        for choice in dict(count_choices(cards, {}))[facet]:
            assert choice.count == len(narrow(cards, {facet.name: [choice.value]}))


def test_a_choice_that_nothing_has_any_more_can_be_undone() -> None:
    counted = dict(count_choices([], {"organism": ["yeast"]}))
    (choice,) = counted[FACETS[1]]
    assert (choice.value, choice.count, choice.chosen) == ("yeast", 0, True)


class TestPrepared:
    def test_is_made_once_and_the_least_used_go(self) -> None:
        made: list[str] = []

        def make(package: Package) -> str:
            made.append(package.top_hash)
            return package.top_hash

        prepared = Prepared(make, most_rows=2)
        one, other, third = (package_of(key) for key in "abc")
        for package in (one, one, other, one, third, one):
            assert prepared.get(package, seconds=30) == package.top_hash
        assert made == [one.top_hash, other.top_hash, third.top_hash]
        assert prepared.ready(other) is None
        assert prepared.ready(one) == one.top_hash

    def test_too_large_is_not_begun(self) -> None:
        prepared: Prepared[int] = Prepared(len, most_rows=1)
        assert prepared.get(package_of("a", "b"), seconds=30) is None

    def test_what_fails_does_not_end_the_others(self) -> None:
        def make(package: Package) -> str:
            raise ZeroDivisionError(package.top_hash)

        prepared = Prepared(make)
        for key in "ab":
            with pytest.raises(Exception, match="cannot be read"):
                prepared.get(package_of(key), seconds=30)
