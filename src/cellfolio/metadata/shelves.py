"""What a graph needs to know of the records of one kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cellfolio.metadata.json_columns import frame_of
from cellfolio.metadata.kinds import Kind
from cellfolio.package.entry import Entry

if TYPE_CHECKING:
    import pandas as pd


class Shelf(Protocol):
    """The records of one kind, by position."""

    @property
    def kind(self) -> Kind:
        """Their kind."""

    @property
    def names(self) -> Sequence[str]:
        """Their names, each once."""

    @property
    def attributes(self) -> Collection[str]:
        """What may be known of them."""

    def info(self, position: int) -> Mapping[str, Any]:
        """Return what is known of one; the caller does not change it."""

    def values(self, attribute: str, positions: Sequence[int]) -> Sequence[Any]:
        """Return one attribute of some; None where it is not known."""

    def entries(self, position: int) -> tuple[Entry, ...]:
        """Return the files of one."""

    def frame(self, positions: Sequence[int]) -> pd.DataFrame:
        """Return what is known of some, a row each."""


@dataclass(frozen=True, slots=True)
class DocumentShelf:
    """Records that have a document and files each.

    Attributes
    ----------
    kind : Kind
    names : tuple of str
    documents : tuple of mapping
    files : tuple of tuple of Entry
    hidden : frozenset of str
        What is no column of the table: the lists of links.
    """

    kind: Kind
    names: tuple[str, ...]
    documents: tuple[Mapping[str, Any], ...]
    files: tuple[tuple[Entry, ...], ...]
    hidden: frozenset[str] = frozenset()

    @property
    def attributes(self) -> Collection[str]:
        """The attributes of all documents."""
        return dict.fromkeys(key for document in self.documents for key in document).keys()

    def info(self, position: int) -> Mapping[str, Any]:
        """Return the document of one."""
        return self.documents[position]

    def values(self, attribute: str, positions: Sequence[int]) -> Sequence[Any]:
        """Return one attribute of some documents."""
        return [self.documents[position].get(attribute) for position in positions]

    def entries(self, position: int) -> tuple[Entry, ...]:
        """Return the files of one."""
        return self.files[position]

    def frame(self, positions: Sequence[int]) -> pd.DataFrame:
        """Return documents as a table, without the lists of links."""
        rows = [self.documents[position] for position in positions]
        return frame_of(rows, [self.names[position] for position in positions], self.hidden)
