"""Facets: what a list can be narrowed down by, and how many each choice would leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cellfolio.workflows.searching.cards import Card

Chosen: TypeAlias = Mapping[str, Sequence[str]]
"""Values that were chosen, by the name of their facet."""

_SIZES = ((10**9, "under 1 GB"), (10**10, "1 to 10 GB"), (10**11, "10 to 100 GB"))
_LARGE, _UNKNOWN = "over 100 GB", "unknown"
SIZES = (*(label for _, label in _SIZES), _LARGE, _UNKNOWN)
"""Classes of size, ascending."""


def size_class(size: int | None) -> str:
    """Return the class of a size in bytes.

    Examples
    --------
    >>> size_class(3_000_000_000), size_class(None)
    ('1 to 10 GB', 'unknown')
    """
    if size is None:
        return _UNKNOWN
    return next((label for limit, label in _SIZES if size < limit), _LARGE)


@dataclass(frozen=True, slots=True)
class Facet:
    """Something that cards can be narrowed down by.

    Attributes
    ----------
    name : str
        As addresses have it.
    label : str
    values : callable
        Given a card, returns its values; a card may have several.
    order : tuple of str
        Values in their order, where it is not that of counts.
    """

    name: str
    label: str
    values: Callable[[Card], Sequence[str]]
    order: tuple[str, ...] = ()


FACETS = (
    Facet("modality", "Modality", lambda card: card.modalities),
    Facet("organism", "Organism", lambda card: card.organisms),
    Facet("cells", "Cell line", lambda card: card.cell_lines),
    Facet("size", "Size", lambda card: (size_class(card.size),), SIZES),
    Facet("source", "Source", lambda card: card.sources),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet.

    Attributes
    ----------
    value : str
    count : int
        Cards that have it, of those that the other facets leave.
    chosen : bool
    """

    value: str
    count: int
    chosen: bool


def narrow(cards: Iterable[Card], chosen: Chosen, *, but: str = "") -> list[Card]:
    """Return the cards that have any of the values chosen of each facet.

    Parameters
    ----------
    cards : iterable of Card
    chosen : mapping of str to sequence of str
        A facet of which nothing is chosen narrows nothing.
    but : str
        Name of a facet that does not count.

    Examples
    --------
    >>> cards = [Card(name="a/b", modalities=("images",)), Card(name="a/c", size=5)]
    >>> [card.name for card in narrow(cards, {"modality": ["images", "expression"]})]
    ['a/b']
    """
    wanted = [
        (facet, frozenset(chosen[facet.name]))
        for facet in FACETS
        if facet.name != but and chosen.get(facet.name)
    ]
    return [
        card
        for card in cards
        if all(not values.isdisjoint(facet.values(card)) for facet, values in wanted)
    ]


def count_choices(cards: Sequence[Card], chosen: Chosen) -> list[tuple[Facet, list[Choice]]]:
    """Return what can be chosen of each facet, the most frequent first.

    A value that was chosen stays, though no card may have it any more.
    """
    found = []
    for facet in FACETS:
        counts = Counter(
            value for card in narrow(cards, chosen, but=facet.name) for value in facet.values(card)
        )
        mine = frozenset(chosen.get(facet.name, ()))
        counts.update(dict.fromkeys(mine - counts.keys(), 0))
        order = facet.order.index if facet.order else None
        values = sorted(counts, key=lambda value: _rank(value, counts[value], order))
        found.append((facet, [Choice(one, counts[one], one in mine) for one in values]))
    return found


def _rank(value: str, count: int, order: Callable[[str], int] | None) -> tuple[int, str]:
    if order is None:
        return -count, value.casefold()
    try:
        return order(value), value
    except ValueError:  # an address may have any text
        return len(SIZES), value
