"""Which cards have the words that somebody types, and which files of their packages."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from cellfolio.workflows.preparing import Prepared
from cellfolio.workflows.searching.cards import Card
from cellfolio.workflows.searching.file_names import FileMatches, FileNames

MOST_WORDS = 12
"""Words that are looked for."""
_WAITED = 0.3
"""Seconds for which a search waits for names of files that are still being read."""
NO_FILES = FileMatches()


@dataclass(frozen=True, slots=True)
class Match:
    """A card that has the words.

    Attributes
    ----------
    card : Card
    files : FileMatches
        Files of its package that have them.
    """

    card: Card
    files: FileMatches = NO_FILES


@dataclass(frozen=True, slots=True)
class Matches:
    """What a search found.

    Attributes
    ----------
    matches : tuple of Match
    unread : tuple of str
        Names of packages whose file names are still being read: ask again.
    too_large : tuple of str
        Names of packages that have too many files for their names to be searched.
    """

    matches: tuple[Match, ...]
    unread: tuple[str, ...] = ()
    too_large: tuple[str, ...] = ()


class Searcher:
    """Searches cards and the names of files of their packages; safe for several threads."""

    def __init__(self) -> None:
        self._names: Prepared[FileNames] = Prepared(FileNames)

    def search(self, cards: Iterable[Card], words: str) -> Matches:
        """Return the cards in which all words occur.

        A word may occur in the text of a card or in the name of a file, but all that the text does
        not have must occur in one name.

        Parameters
        ----------
        cards : iterable of Card
        words : str
            Separated by white space; case does not matter. No words find everything.
        """
        wanted = tuple(dict.fromkeys(words.casefold().split()))[:MOST_WORDS]
        listed = list(cards)
        if not wanted:
            return Matches(tuple(map(Match, listed)))
        until = time.monotonic() + _WAITED
        found: list[Match] = []
        unread: list[str] = []
        too_large: list[str] = []
        for card in listed:
            missing = [word for word in wanted if word not in card.searched]
            names = self._names_of(card, until)
            if names is not None:
                files = names.find(missing or wanted)
                if files.count or not missing:
                    found.append(Match(card, files))
                continue
            if not missing:
                found.append(Match(card))
            if card.package is not None:
                fits = self._names.fits(card.package)
                (unread if fits else too_large).append(card.name)
        return Matches(tuple(found), tuple(unread), tuple(too_large))

    def _names_of(self, card: Card, until: float) -> FileNames | None:
        if card.package is None:
            return None
        return self._names.get(card.package, seconds=max(0.0, until - time.monotonic()))
