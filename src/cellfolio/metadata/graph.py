"""Records and what is related to them, in either direction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cellfolio.errors import NotFound
from cellfolio.metadata.kinds import find_kind
from cellfolio.metadata.links import BACK, FORTH, Links, Numbers
from cellfolio.metadata.records import Records
from cellfolio.metadata.shelves import Shelf

if TYPE_CHECKING:
    import pandas as pd

_TELLERS = {FORTH: "first", BACK: "second", FORTH | BACK: "both"}


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """A record that names another.

    Attributes
    ----------
    kind, name : str
        The record that says so.
    other_kind, other_name : str
        The one that it names.
    """

    kind: str
    name: str
    other_kind: str
    other_name: str


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something in the metadata that is not as it should be.

    Attributes
    ----------
    kind, name : str
        The record.
    about : str
        Which sort of problem: ``no info``, ``unreadable``, ``bad link``, ``contradiction``,
        ``no row``.
    what : str
        What is wrong with it, for people.
    """

    kind: str
    name: str
    about: str
    what: str


class RecordGraph:
    """The records of a package, and their links, the same in both directions.

    ``graph.fovs`` and ``graph["fovs"]`` are the records of a kind, ``graph["fovs/fov_00dd"]`` is
    one of them; both complete on tab. Iteration gives the names of the kinds.

    Attributes
    ----------
    shelves : sequence of Shelf
        The records by kind. Their numbers for `Links` count through all of them.
    dangling : tuple of Link
        Links to records that do not exist.
    problems : tuple of Problem
    title : str
        What they are the records of, for messages.
    through : int or None
        Which shelf's records also relate what they are related to: the rows of a table, whose
        files belong together.
    """

    def __init__(
        self,
        shelves: Sequence[Shelf],
        links: Links,
        *,
        dangling: Iterable[Link] = (),
        problems: Iterable[Problem] = (),
        title: str = "",
        through: int | None = None,
    ) -> None:
        self.shelves = tuple(shelves)
        self._links = links
        self._starts: Numbers = np.cumsum([0, *(len(shelf.names) for shelf in shelves)])
        self.through = through
        self.title = title
        self.dangling = tuple(sorted(set(dangling)))
        self.problems = tuple(sorted(set(problems)))

    def with_problems(self, problems: Iterable[Problem]) -> RecordGraph:
        """Return the graph with other problems."""
        return RecordGraph(
            self.shelves,
            self._links,
            dangling=self.dangling,
            problems=problems,
            title=self.title,
            through=self.through,
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the kinds."""
        return tuple(shelf.kind.name for shelf in self.shelves)

    def __iter__(self) -> Iterator[str]:
        return iter(self.kinds)

    def __len__(self) -> int:
        return len(self.shelves)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self._find(word) is not None

    def __getitem__(self, word: str) -> Any:
        kind, _, name = word.partition("/")
        records = self.records(kind)
        return records[name] if name else records

    def __getattr__(self, word: str) -> Records:
        if word.startswith("_") or word == "shelves":  # which copies do not have yet
            raise AttributeError(word)
        if word not in self:
            raise AttributeError(f"no kind of records is called {word!r}; {self.told_kinds}")
        return self.records(word)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *filter(str.isidentifier, self.kinds)]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.kinds)

    def records(self, kind: str) -> Records:
        """Return the records of a kind.

        Parameters
        ----------
        kind : str
            Its name, singular, or name in SCHEMA (``cell_segmentations``).

        Raises
        ------
        NotFound
        """
        at = self.number_of(kind)
        return Records(self, at, np.arange(len(self.shelves[at].names)))

    def links(self) -> pd.DataFrame:
        """Return all links as a table, each pair of records once.

        Returns
        -------
        pandas.DataFrame
            With ``kind``, ``name``, ``other_kind``, ``other_name``, and ``told_by``: which of the
            two names the other, ``first``, ``second`` or ``both``.
        """
        import pandas as pd

        columns = {}
        kinds = np.array(self.kinds, object)
        names = np.array([name for shelf in self.shelves for name in shelf.names], object)
        for side, numbers in (("", self._links.low), ("other_", self._links.high)):
            at = np.searchsorted(self._starts, numbers, side="right") - 1
            columns[f"{side}kind"] = kinds[at].tolist()
            columns[f"{side}name"] = names[numbers].tolist()
        columns["told_by"] = [_TELLERS[said] for said in self._links.said.tolist()]
        return pd.DataFrame(columns)

    def report(self) -> pd.DataFrame:
        """Return what is wrong as a table: dangling links, and problems.

        Returns
        -------
        pandas.DataFrame
            With ``kind``, ``name``, ``about``, ``what``.
        """
        import pandas as pd

        rows = [
            (one.kind, one.name, "dangling", f"{one.other_kind}/{one.other_name} is not there")
            for one in self.dangling
        ]
        rows += [(one.kind, one.name, one.about, one.what) for one in self.problems]
        return pd.DataFrame(rows, columns=["kind", "name", "about", "what"])

    @property
    def link_count(self) -> int:
        """Number of pairs of records of which one names the other."""
        return len(self._links)

    @property
    def told_kinds(self) -> str:
        """Which kinds there are, for messages."""
        return f"there are {', '.join(self.kinds)}"

    def number_of(self, word: str) -> int:
        """Return the number of a kind.

        Raises
        ------
        NotFound
        """
        at = self._find(word)
        if at is None:
            raise NotFound(f"{self.title} has no kind of records {word!r}", hint=self.told_kinds)
        return at

    def _find(self, word: str) -> int | None:
        found = find_kind((shelf.kind for shelf in self.shelves), word)
        return None if found is None else self.kinds.index(found.name)

    def related_positions(self, at: int, positions: Numbers, wanted: int) -> Numbers:
        """Return positions, among a wanted kind, of what is related to records of a kind."""
        numbers = positions + self._starts[at]
        found = self._links.of_any(numbers)
        if self.through is not None and self.through != wanted:
            beyond = self._links.of_any(self._of_kind(found, self.through))
            found = np.setdiff1d(np.union1d(found, beyond), numbers)
        inside: Numbers = self._of_kind(found, wanted) - self._starts[wanted]
        return inside

    def names_related(self, at: int, position: int, wanted: int) -> list[str]:
        """Return names, among a wanted kind, of what is related to a record."""
        names = self.shelves[wanted].names
        if self.through in (None, wanted):
            found = self._of_kind(self._links.of(position + int(self._starts[at])), wanted)
            return [names[one] for one in (found - self._starts[wanted]).tolist()]
        return [
            names[one] for one in self.related_positions(at, np.array([position]), wanted).tolist()
        ]

    def _of_kind(self, numbers: Numbers, at: int) -> Numbers:
        """Return those of numbers in order that are of a kind."""
        low, high = np.searchsorted(numbers, self._starts[at : at + 2])
        return numbers[low:high]

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(shelf.names):,} {shelf.kind.name}" for shelf in self.shelves)
        return f"RecordGraph({self.title}: {counts or 'nothing'})"
