"""Genes by symbol or identifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cellfolio.errors import EntryNotFound
from cellfolio.package.nearest import suggest_or_list

_TOLD = 5
"""Unknown names that a message has."""


@dataclass(frozen=True, slots=True)
class Gene:
    """One gene.

    Attributes
    ----------
    name : str
        As it was asked for; with the identifier behind it where that name is of several genes.
    identifier : str
        Such as ``ENSMUSG00000051951``.
    symbol : str
        Such as ``Xkr4``; empty if it is not known.
    """

    name: str
    identifier: str
    symbol: str


def find_genes(words: Sequence[str], known: Mapping[str, str]) -> list[Gene]:
    """Return the genes of these names, each once, in the order asked.

    Parameters
    ----------
    words : sequence of str
        Identifiers and symbols. A symbol may be of several genes; all of them are returned.
    known : mapping of str to str
        Identifier → symbol.

    Raises
    ------
    EntryNotFound
        Naming all that are unknown, and the nearest of the names that there are.

    Examples
    --------
    >>> known = {"ENSMUSG1": "Xkr4", "ENSMUSG2": "Ptp4a1", "ENSMUSG3": "Ptp4a1"}
    >>> [gene.name for gene in find_genes(["Ptp4a1", "ENSMUSG1"], known)]
    ['Ptp4a1 ENSMUSG2', 'Ptp4a1 ENSMUSG3', 'ENSMUSG1']
    """
    of_symbol: dict[str, list[str]] = {}
    for identifier, symbol in known.items():
        of_symbol.setdefault(symbol, []).append(identifier)
    found: dict[str, Gene] = {}
    unknown: list[str] = []
    for word in words:
        identifiers = [word] if word in known else of_symbol.get(word, [])
        if not identifiers:
            unknown.append(word)
        for one in identifiers:
            name = word if len(identifiers) == 1 else f"{word} {one}"
            found.setdefault(one, Gene(name, one, known[one]))
    if unknown:
        raise _unknown(unknown, (*of_symbol, *known))
    return list(found.values())


def _unknown(words: Sequence[str], names: Iterable[str]) -> EntryNotFound:
    listed = [name for name in names if name]
    shown = ", ".join(words[:_TOLD]) + (f" and {len(words) - _TOLD} more" * (len(words) > _TOLD))
    return EntryNotFound(
        f"no gene is called {shown}",
        hint="; ".join(f"{word}: {suggest_or_list(word, listed)}" for word in words[:_TOLD]),
    )
