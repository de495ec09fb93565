"""One record, and several of one kind; what is related to them comes from their graph."""

from __future__ import annotations

import copy
import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.metadata.conditions import Condition, find_values, parse_conditions
from cellfolio.metadata.links import Numbers
from cellfolio.metadata.shelves import Shelf
from cellfolio.package.entry import Entry
from cellfolio.package.keys import identifier

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.metadata.graph import RecordGraph

_IMAGE = re.compile(r"/image(?:/load)?(?:\.[\w.]+)?$")
_IMAGE_SUFFIXES = (".tiff", ".tif", ".png", ".jpg", ".jpeg")
_SHOWN = 6
_SHOWN_ROWS = 20


class Records(Sequence["Record"]):
    """Records of one kind, in a stable order: a part of a graph, or all of that kind.

    Numbers and slices select by position, names by name. ``records.wells``, for the name of any
    kind, gives all that is related to any of them; other attributes are names of records.

    Parameters
    ----------
    graph : RecordGraph
    at : int
        Number of the kind.
    positions : array of int64
        Which of them.
    """

    def __init__(self, graph: RecordGraph, at: int, positions: Numbers) -> None:
        self.graph = graph
        self.at = at
        self.positions = positions

    @property
    def kind(self) -> str:
        """Name of their kind."""
        return self.graph.kinds[self.at]

    @property
    def names(self) -> list[str]:
        """Their names."""
        names = self._shelf.names
        return [names[position] for position in self.positions.tolist()]

    @property
    def _shelf(self) -> Shelf:
        return self.graph.shelves[self.at]

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {name: number for number, name in enumerate(self.names)}

    @overload
    def __getitem__(self, key: int | str) -> Record: ...
    @overload
    def __getitem__(self, key: slice) -> Records: ...
    def __getitem__(self, key: int | str | slice) -> Record | Records:
        if isinstance(key, slice):
            return Records(self.graph, self.at, self.positions[key])
        if isinstance(key, str):
            if key not in self._places:
                raise self._absent(key)
            key = self._places[key]
        try:
            return Record(self.graph, self.at, int(self.positions[operator.index(key)]))
        except IndexError:
            raise IndexError(f"no number {key} of {len(self)} {self.kind}") from None

    def _absent(self, name: str) -> NotFound:
        names = [one for one in self.names if name in one] or self.names
        more = " …" if len(names) > _SHOWN else ""
        return NotFound(
            f"{self.graph.title} has no record {self.kind}/{name}",
            hint=f"there are {', '.join(names[:_SHOWN]) or 'none of this kind'}{more}",
        )

    def __getattr__(self, word: str) -> Any:
        if word.startswith("__") or "graph" not in self.__dict__:
            raise AttributeError(word)
        if word in self.graph:
            return self.related(word)
        found = [name for name in self.names if identifier(name) == word]
        if len(found) != 1:
            raise AttributeError(f"{self.kind}: no record and no kind is called {word!r}")
        return self[found[0]]

    def __dir__(self) -> list[str]:
        words = map(identifier, (*self.graph.kinds, *self.names))
        return [*super().__dir__(), *filter(str.isidentifier, words)]

    def _ipython_key_completions_(self) -> list[str]:
        return self.names

    def __len__(self) -> int:
        return len(self.positions)

    def __iter__(self) -> Iterator[Record]:
        return (Record(self.graph, self.at, one) for one in self.positions.tolist())

    def __contains__(self, one: object) -> bool:
        return one in self._places if isinstance(one, str) else super().__contains__(one)

    def related(self, kind: str) -> Records:
        """Return the records of a kind that are related to any of these, in order, each once.

        Raises
        ------
        NotFound
            If there is no such kind.
        """
        wanted = self.graph.number_of(kind)
        return Records(
            self.graph, wanted, self.graph.related_positions(self.at, self.positions, wanted)
        )

    def where(self, *conditions: str | Condition) -> Records:
        """Return those for which all conditions hold.

        Parameters
        ----------
        *conditions : str or Condition
            Such as ``passage>=36`` or ``channels.dye_name=EGFP`` (see
            `cellfolio.metadata.conditions`). A field is an attribute, or a kind, for the names of
            related records.

        Raises
        ------
        InvalidArgument
            If that is no condition, or no record has such an attribute.
        """
        positions = self.positions
        for condition in parse_conditions(conditions):
            values = self._values(condition.field, positions)
            held = [condition.holds(one) for one in values]
            positions = positions[np.array(held, dtype=bool)]
        return Records(self.graph, self.at, positions)

    def _values(self, field: str, positions: Numbers) -> Sequence[Sequence[Any]]:
        """Return what each of some records has in a field, which may be several values."""
        attributes = self._shelf.attributes
        listed = positions.tolist()
        if field in self.graph and (self.graph.through is None or field not in attributes):
            wanted = self.graph.number_of(field)
            return [self.graph.names_related(self.at, one, wanted) for one in listed]
        # The name of an attribute may have dots itself; the longest fits best.
        parts = field.split(".")
        for cut in range(len(parts), 0, -1):
            first = ".".join(parts[:cut])
            if first in attributes:
                values = self._shelf.values(first, listed)
                return [find_values(value, ".".join(parts[cut:])) for value in values]
        raise InvalidArgument(
            f"no record of {self.kind} has an attribute {field!r}",
            hint=f"they have {', '.join(map(str, attributes)) or 'none'}",
        )

    def table(self) -> pd.DataFrame:
        """Return them as a table, one row a record; its index is their names.

        Scalars are typed, lists and objects stay what they are. For each kind that any is related
        to there is a column with lists of names, whichever of the two told of it.
        """
        frame = self._shelf.frame(self.positions.tolist())
        for number, kind in enumerate(self.graph.kinds):
            if kind in frame.columns or self.graph.through not in (None, number):
                continue
            names = [self.graph.names_related(self.at, at, number) for at in self.positions]
            if any(names):
                frame[kind] = names
        return frame

    def __repr__(self) -> str:
        shown = ", ".join(self.names[:3]) + (", …" if len(self) > 3 else "")
        return f"Records({len(self):,} {self.kind}: {shown})"

    def _repr_html_(self) -> str:
        from html import escape

        table: str = self[:_SHOWN_ROWS].table().to_html(max_cols=12, notebook=True)
        return f"<p>{len(self):,} {escape(self.kind)}</p>{table}"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: a line, plate, well, field of view, segmentation; or a row, a file.

    ``record["passage"]`` is what its info document says; ``record.fovs``, for the name of any
    kind, gives the records that are related to it, and ``record.well`` the only one of a kind.

    Attributes
    ----------
    graph : RecordGraph
    at : int
        Number of its kind.
    position : int
        Among all of its kind.
    """

    graph: RecordGraph
    at: int
    position: int

    @property
    def kind(self) -> str:
        """Name of its kind."""
        return self.graph.kinds[self.at]

    @property
    def name(self) -> str:
        """Its name."""
        return self.graph.shelves[self.at].names[self.position]

    @property
    def _info(self) -> Mapping[str, Any]:
        return self.graph.shelves[self.at].info(self.position)

    @property
    def info(self) -> dict[str, Any]:
        """A copy of its info document; empty where there is none that can be read."""
        return copy.deepcopy(dict(self._info))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Its files in the package."""
        return self.graph.shelves[self.at].entries(self.position)

    @property
    def image_entry(self) -> Entry | None:
        """Its image, if it has one."""
        named = [one for one in self.entries if _IMAGE.search(one.logical_key)]
        images = [one for one in self.entries if one.name.lower().endswith(_IMAGE_SUFFIXES)]
        return next(iter((*named, *images)), None)

    def __getitem__(self, attribute: str) -> Any:
        found = self._info
        if attribute not in found:
            raise NotFound(
                f"{self.kind}/{self.name} has no attribute {attribute!r}",
                hint=f"it has {', '.join(found) or 'none'}",
            )
        return copy.deepcopy(found[attribute])

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._info)

    def related(self, kind: str) -> Records:
        """Return the records of a kind that are related to this one, in order."""
        return Records(self.graph, self.at, np.array([self.position])).related(kind)

    def __getattr__(self, word: str) -> Any:
        if word.startswith("_") or word in Record.__slots__:  # which copies do not have yet
            raise AttributeError(word)
        if word not in self.graph:
            raise AttributeError(f"a record has no {word!r}; {self.graph.told_kinds}")
        found = self.related(word)
        if word != self.graph.shelves[found.at].kind.one:
            return found
        if len(found) != 1:
            told = ", ".join(found.names[:_SHOWN]) or "none"
            raise NotFound(
                f"{self.kind}/{self.name} has {len(found)} {found.kind}, not one: {told}",
                hint=f"use .{found.kind}",
            )
        return found[0]

    def __dir__(self) -> list[str]:
        ones = [shelf.kind.one for shelf in self.graph.shelves]
        return [*object.__dir__(self), *filter(str.isidentifier, (*self.graph.kinds, *ones))]

    def __repr__(self) -> str:
        related = [self.related(kind) for kind in self.graph.kinds]
        told = ", ".join(f"{len(one)} {one.kind}" for one in related if len(one))
        return f"Record({self.kind}/{self.name}: {told or 'related to nothing'})"
