"""Finding what a portal shows: by words, by facets, by what is on this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cellfolio.errors import CellfolioError
from cellfolio.package.extent import Held
from cellfolio.package.package import Package
from cellfolio.registries.catalogue import load_catalogue
from cellfolio.registries.data_sets import DataSet
from cellfolio.web.shelf import Shelf, Shown
from cellfolio.workflows.holdings import Holdings
from cellfolio.workflows.opening import list_packages, seen_package
from cellfolio.workflows.searching.cards import (
    LOCAL,
    NAMED,
    Card,
    card_of_data_set,
    card_of_package,
    merge_cards,
)
from cellfolio.workflows.searching.facets import Choice, Chosen, Facet, count_choices, narrow
from cellfolio.workflows.searching.matching import Match, Searcher

_FRESH = 5.0
"""Seconds for which packages are not looked at again."""


@dataclass(frozen=True, slots=True)
class Result:
    """A package or data set that was found.

    Attributes
    ----------
    match : Match
    held : Held or None
        How much of it is here; None if it was never seen on this machine, or is still added up.
    adding : bool
        Whether that is still added up.
    """

    match: Match
    held: Held | None
    adding: bool

    @property
    def card(self) -> Card:
        """What is known of it."""
        return self.match.card


@dataclass(frozen=True, slots=True)
class Results:
    """What a search found.

    Attributes
    ----------
    results : tuple of Result
        In the order of names; what is on this machine comes first. Those that were to be shown.
    facets : list of (Facet, list of Choice)
        What it can be narrowed down by.
    unread, too_large : tuple of str
        See `cellfolio.workflows.searching.matching.Matches`.
    unopened : tuple of str
        Packages of this machine that cannot be opened.
    total : int
        How many were found, shown or not.
    """

    results: tuple[Result, ...]
    facets: Sequence[tuple[Facet, Sequence[Choice]]]
    unread: tuple[str, ...]
    too_large: tuple[str, ...]
    unopened: tuple[str, ...]
    total: int

    @property
    def settled(self) -> bool:
        """Whether asking again would find the same."""
        return not self.unread and not any(one.adding for one in self.results)


class Finder:
    """Finds what a portal shows; safe for several threads.

    Parameters
    ----------
    shelf : Shelf
    holdings : Holdings
    """

    def __init__(self, shelf: Shelf, holdings: Holdings) -> None:
        self._shelf = shelf
        self._holdings = holdings
        self._searcher = Searcher()
        self._cards: tuple[Card, ...] = ()
        self._unopened: tuple[str, ...] = ()
        self._since = float("-inf")
        self._lock = threading.Lock()

    def find(
        self, words: str, chosen: Chosen, *, here: bool = False, shown: slice = slice(None)
    ) -> Results:
        """Return what has the words and the values chosen.

        Parameters
        ----------
        words : str
        chosen : mapping of str to sequence of str
            Values by facet.
        here : bool
            Only that of which something is on this machine.
        shown : slice
            Which of them, in their order, to return: what is here of thousands takes long to tell.
        """
        cards, unopened = self._all_cards()
        searched = self._searcher.search(cards, words)
        matches = list(searched.matches)
        if here:
            matches = [one for one in matches if self._is_here(one)]
        facets = count_choices([one.card for one in matches], chosen)
        left = {card.name for card in narrow([one.card for one in matches], chosen)}
        matches = [one for one in matches if one.card.name in left]
        matches.sort(key=lambda one: (one.card.package is None, one.card.name))
        return Results(
            tuple(map(self._result, matches[shown])),
            facets,
            searched.unread,
            searched.too_large,
            unopened,
            len(matches),
        )

    def add_up(self, results: Results) -> None:
        """Begin to add up what is here of large packages."""
        for one in results.results:
            if one.adding and one.card.package is not None:
                self._holdings.begin(one.card.package)

    def _is_here(self, match: Match) -> bool:
        held = self._result(match).held
        return held is not None and held.files > 0

    def _result(self, match: Match) -> Result:
        package = match.card.package
        if package is None:
            return Result(match, None, adding=False)
        held = self._holdings.held(package, package)
        return Result(match, held, adding=held is None and self._holdings.fits(package))

    def _all_cards(self) -> tuple[tuple[Card, ...], tuple[str, ...]]:
        with self._lock:
            if time.monotonic() - self._since > _FRESH:
                self._unopened = ()
                self._cards = merge_cards(self._gather())
                self._since = time.monotonic()
            return self._cards, self._unopened

    def _gather(self) -> Iterator[Card]:
        """Yield all cards; of one name, what tells most of it comes first."""
        shelf = self._shelf
        for shown in shelf.told:
            yield self._card_of_shown(shown, NAMED)
        told = {shown.name for shown in shelf.told}
        for name in list_packages(None, shelf.home):
            if name not in told:
                yield self._card_of_shown(Shown(name, name, "package"), LOCAL)
        for data_set in load_catalogue(shelf.home).data_sets:
            seen = _seen(data_set, shelf)
            card = card_of_data_set(data_set)
            yield card
            if seen is not None:
                of_seen = card_of_package(data_set.name, seen, card.sources[0])
                yield of_seen

    def _card_of_shown(self, shown: Shown, source: str) -> Card:
        try:
            package = self._shelf.open(shown).package
        except CellfolioError as error:
            self._unopened = (*self._unopened, shown.name)
            return Card(
                name=shown.name,
                description=error.message,
                sources=(source,),
                searched=shown.name.casefold(),
            )
        return card_of_package(shown.name, package, source)


def _seen(data_set: DataSet, shelf: Shelf) -> Package | None:
    with suppress(CellfolioError):  # what was kept may be damaged; opening it mends that
        return seen_package(data_set, shelf.home)
    return None
