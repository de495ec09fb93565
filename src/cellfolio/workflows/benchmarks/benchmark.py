"""What a benchmark is: keys of its configuration, and a function that gives findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cellfolio.errors import EntryNotFound
from cellfolio.storage.home import Home
from cellfolio.workflows.evaluating import Plates, Reading, read_plates
from cellfolio.workflows.pages import Fact, Section


@dataclass(frozen=True, slots=True)
class Place:
    """Where inputs are looked for.

    Attributes
    ----------
    root : Path
        Paths are below it: the folder of the configuration.
    home : Home
        Packages are read with it.
    """

    root: Path
    home: Home

    def read(self, words: Sequence[str], *, drop_missing: bool = False) -> Plates:
        """Read profiles: paths, patterns of paths (``plates/*.csv``), or ``PACKAGE@REV/PATH``.

        Raises
        ------
        InvalidArgument, EntryNotFound, BrokenFile, UnknownFormat
        """
        found = [one for word in words for one in self._find(word)]
        plates = read_plates(
            [path for _, path in found], Reading(drop_missing=drop_missing), home=self.home
        )
        digests = [digest for _, digest in plates.inputs]
        names = [name for name, _ in found]
        return Plates(
            plates.table, tuple(zip(names, digests, strict=True)), plates.not_in_all,
            plates.incomplete,
        )  # fmt: skip

    def _find(self, word: str) -> list[tuple[str, str]]:
        """Return the name of each file that a word means, and what it is opened by."""
        path = self.root / Path(word).expanduser()
        if path.exists():
            return [(word, str(path))]
        if "*" not in word:
            # A relative path that is not there may still be a file of a package.
            return [(word, word)]
        below = Path(word).expanduser()
        if below.is_absolute():
            root, pattern = Path(below.anchor), below.relative_to(below.anchor).as_posix()
        else:
            root, pattern = self.root, word
        paths = sorted(root.glob(pattern))
        if not paths:
            raise EntryNotFound(f"no file is meant by {word}", hint=f"it is looked for in {root}")
        names = [
            str(one) if below.is_absolute() else one.relative_to(root).as_posix() for one in paths
        ]
        return [(name, str(one)) for name, one in zip(names, paths, strict=True)]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a benchmark found.

    Attributes
    ----------
    parameters : mapping
        All of them, defaults too, as JSON can hold them.
    inputs : tuple of (str, str)
        Name and digest of each file.
    tables : mapping of str to DataFrame
        By the names of their files; ``scores`` is the first, and is shown.
    facts : tuple of Fact
    sections : tuple of Section
    notes : tuple of str
        What a reader should know, such as features that were left out.
    shown : tuple of str
        Columns of ``scores`` that a terminal shows.
    """

    parameters: Mapping[str, Any]
    inputs: tuple[tuple[str, str], ...]
    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    facts: tuple[Fact, ...] = field(repr=False)
    sections: tuple[Section, ...] = field(repr=False)
    notes: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark by its name.

    Attributes
    ----------
    name, title, about : str
    keys : mapping of str to mapping of str to str
        Keys of its configuration and what they should be, by table; those of the document itself
        under ''.
    run : callable
        Takes the checked document and a `Place`; returns `Findings`.
    """

    name: str
    title: str
    about: str
    keys: Mapping[str, Mapping[str, str]]
    run: Callable[[Mapping[str, Any], Place], Findings]


def notes_of(plates: Sequence[Plates]) -> tuple[str, ...]:
    """Return what was left out when files were read."""
    lost = sum(one.not_in_all for one in plates)
    incomplete = sum(one.incomplete for one in plates)
    found = []
    if lost:
        found.append(f"{lost:,} features that some file of a group lacks were left out")
    if incomplete:
        found.append(f"{incomplete:,} features with missing values were left out")
    return tuple(found)
