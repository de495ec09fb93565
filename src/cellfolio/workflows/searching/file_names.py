"""Names of files of packages, found fast: the names of a package are one text, searched in C."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from cellfolio.package.package import Package

_BETWEEN = "\0"
"""What stands between two names: no logical key has it."""
MOST = 1_000
"""Files that are counted; there may be more."""
_SECONDS = 0.25
"""Seconds that one package may take to be searched."""


@dataclass(frozen=True, slots=True)
class FileMatches:
    """Files whose logical keys have all words.

    Attributes
    ----------
    keys : tuple of str
        The first of them.
    count : int
    more : bool
        Whether there may be more than were counted.
    """

    keys: tuple[str, ...] = ()
    count: int = 0
    more: bool = False


class FileNames:
    """The logical keys of a package, ready to be searched.

    Parameters
    ----------
    package : Package
    """

    def __init__(self, package: Package) -> None:
        self._rows = package.rows
        keys = self._rows.keys(0, len(self._rows))
        self._text = _BETWEEN + _BETWEEN.join(keys).casefold() + _BETWEEN

    def find(self, words: Sequence[str], shown: int = 5) -> FileMatches:
        """Return the files in whose logical keys all words occur, whatever their case.

        Parameters
        ----------
        words : sequence of str
            Without difference of case (`str.casefold`); at least one.
        shown : int
            Logical keys that are returned.
        """
        longest, *others = sorted(words, key=len, reverse=True)
        text, until = self._text, time.monotonic() + _SECONDS
        found: list[int] = []
        at = index = tried = 0
        while len(found) < MOST:
            hit = text.find(longest, at)
            if hit < 0:
                return self._matches(found, shown)
            end = text.find(_BETWEEN, hit + len(longest))
            index += text.count(_BETWEEN, at, hit)
            if all(text.find(word, text.rfind(_BETWEEN, 0, hit), end) >= 0 for word in others):
                found.append(index - 1)
            at = end
            tried += 1
            if tried % 1_000 == 0 and time.monotonic() > until:
                break
        return self._matches(found, shown, more=True)

    def _matches(self, found: list[int], shown: int, *, more: bool = False) -> FileMatches:
        keys = tuple(self._rows.key(index) for index in found[:shown])
        return FileMatches(keys, len(found), more)
