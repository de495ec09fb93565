"""Wells with the same perturbation, over all plates, to be seen side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cellfolio.errors import CellfolioError, InvalidArgument, NotFound
from cellfolio.metadata.columns import PREFIX, as_text
from cellfolio.package.nearest import suggest
from cellfolio.registries.plates import Well
from cellfolio.workflows.plate_views.plates import Plates
from cellfolio.workflows.plate_views.values import (
    annotation_table,
    negative_controls,
    perturbation_column,
)

if TYPE_CHECKING:
    import pandas as pd

MOST_PLATES = 60
"""Plates that are looked at."""


@dataclass(frozen=True, slots=True)
class PlateReplicates:
    """The wells of a plate with a perturbation.

    Attributes
    ----------
    plate : str
    wells : tuple of Well
    with_images : frozenset of Well
        Those of which there is an image.
    controls : tuple of Well
        Negative controls with an image, to compare with.
    """

    plate: str
    wells: tuple[Well, ...]
    with_images: frozenset[Well]
    controls: tuple[Well, ...]


@dataclass(frozen=True, slots=True)
class Replicates:
    """The wells with a perturbation.

    Attributes
    ----------
    column : str
        That tells the perturbation, without ``Metadata_``.
    perturbation : str
    plates : tuple of PlateReplicates
    known : tuple of (str, int)
        Perturbations that there are, with the number of their wells, the most common first.
    left_out : int
        Plates that were not looked at.
    troubles : tuple of (str, str)
        Plates that could not be read, and why.
    """

    column: str
    perturbation: str
    plates: tuple[PlateReplicates, ...]
    known: tuple[tuple[str, int], ...]
    left_out: int = 0
    troubles: tuple[tuple[str, str], ...] = ()


def find_replicates(plates: Plates, perturbation: str | None, by: str | None = None) -> Replicates:
    """Return the wells with a perturbation.

    Parameters
    ----------
    plates : Plates
    perturbation : str or None
        As the column has it; by default the most common that is no negative control.
    by : str, optional
        Column that tells perturbations, with or without ``Metadata_``; by default one that does.

    Raises
    ------
    NotFound
        If there is no such perturbation.
    InvalidArgument
        If no column tells perturbations.
    """
    looked_at = plates.summaries[:MOST_PLATES]
    told: dict[str, pd.DataFrame] = {}
    troubles: list[tuple[str, str]] = []
    for one in looked_at:
        try:
            table = annotation_table(plates, one.name)
        except CellfolioError as error:
            troubles.append((one.name, error.message))
            continue
        if table is not None:
            told[one.name] = table
    columns = {plate: _column(table, by) for plate, table in told.items()}
    named = {plate: column for plate, column in columns.items() if column is not None}
    if not named:
        raise InvalidArgument(
            f"no column {by!r} tells what is in the wells"
            if by is not None
            else "nothing tells which perturbation is in which well",
            hint="plate maps and the metadata of profiles do",
        )
    counts = Counter(
        value for plate, column in named.items() for value in _texts(told[plate], column)
    )
    chosen = perturbation if perturbation is not None else _usual(told, named, counts)
    if chosen not in counts:
        raise NotFound(f"no well has {chosen!r}", hint=suggest(chosen, list(counts)))
    column = Counter(named.values()).most_common(1)[0][0]
    known = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return Replicates(
        column.removeprefix("Image_").removeprefix(PREFIX), chosen,
        tuple(_rows(plates, told, named, chosen)), tuple(known),
        len(plates.summaries) - len(looked_at), tuple(troubles),
    )  # fmt: skip


def _column(table: pd.DataFrame, by: str | None) -> str | None:
    if by is None:
        return perturbation_column(table)
    names = (by, f"{PREFIX}{by}", f"Image_{PREFIX}{by}")
    return next((name for name in names if name in table), None)


def _texts(table: pd.DataFrame, column: str) -> list[str]:
    return [text for text in map(as_text, table[column].tolist()) if text is not None]


def _usual(told: dict[str, pd.DataFrame], named: dict[str, str], counts: Counter[str]) -> str:
    controls = {
        text
        for plate, column in named.items()
        for text in _texts(told[plate].loc[list(negative_controls(told[plate]))], column)
    }
    others = sorted(counts, key=lambda one: (-counts[one], one))
    return next((one for one in others if one not in controls), others[0])


def _rows(
    plates: Plates, told: dict[str, pd.DataFrame], named: dict[str, str], chosen: str
) -> Iterator[PlateReplicates]:
    for plate, column in named.items():
        table = told[plate]
        same = [as_text(one) == chosen for one in table[column].tolist()]
        wells = tuple(sorted(set(table.index[same])))
        if not wells:
            continue
        try:
            imaged = {site.well for site in plates.sites(plate)}
        except CellfolioError:
            imaged = set()
        controls = sorted((negative_controls(table) - set(wells)) & imaged)
        yield PlateReplicates(plate, wells, frozenset(imaged.intersection(wells)), tuple(controls))
