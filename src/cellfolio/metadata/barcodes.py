"""Plates by barcode: which plate map one has, and what is known of it. Pure functions of tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.metadata.columns import BARCODE_NAMES, MAP_NAMES, as_text, called, prefixed, some_of

if TYPE_CHECKING:
    import pandas as pd


def find_plate_map(table: pd.DataFrame, barcode: str) -> str | None:
    """Return the name of a plate's map, or None if the table does not know the plate.

    Parameters
    ----------
    table : pandas.DataFrame
        ``barcode_platemap.csv``: ``Assay_Plate_Barcode`` and ``Plate_Map_Name``.
    barcode : str

    Raises
    ------
    InvalidArgument
        If it is no such table, or tells two maps for the plate.
    """
    barcodes, names = (called(table, one) for one in (BARCODE_NAMES, MAP_NAMES))
    if not barcodes or not names:
        raise InvalidArgument(
            "a table of barcodes has the columns Assay_Plate_Barcode and Plate_Map_Name; found "
            + ", ".join(map(str, table.columns[:8]))
        )
    told = table.loc[[as_text(one) == barcode for one in table[barcodes[0]]], names[0]]
    found = list(dict.fromkeys(filter(None, map(as_text, told))))
    if len(found) > 1:
        raise InvalidArgument(f"plate {barcode} has {len(found)} plate maps: {', '.join(found)}")
    return found[0] if found else None


def barcodes_of(table: pd.DataFrame) -> list[str]:
    """Return the barcodes of a table that has them, in order; none if it has no such column."""
    columns = called(table, BARCODE_NAMES)
    return list(filter(None, map(as_text, table[columns[0]]))) if columns else []


def unknown_plate(barcode: str, known: Iterable[str]) -> NotFound:
    """Return the error for a barcode that is in no table, with the nearest that are."""
    from difflib import get_close_matches

    listed = list(dict.fromkeys(known))
    close = get_close_matches(barcode.upper(), listed, n=3, cutoff=0.75)
    hint = f"did you mean {' or '.join(close)}?" if close else f"they have {some_of(listed)}"
    return NotFound(
        f"no table of barcodes has the plate {barcode!r}; they have {len(listed)} others", hint=hint
    )


def plate_facts(tables: Iterable[pd.DataFrame], barcode: str, batch: str) -> dict[str, Any]:
    """Return what tables of the experiment tell of a plate, such as cell type and time.

    Parameters
    ----------
    tables : iterable of pandas.DataFrame
        With a column of barcodes, and maybe one called ``Batch``; others tell nothing. What the
        first tells is kept.
    barcode, batch : str

    Returns
    -------
    dict of str to value
        By the name of the column, with the prefix ``Metadata_``.
    """
    facts: dict[str, Any] = {}
    for table in tables:
        barcodes = called(table, BARCODE_NAMES)
        if not barcodes:
            continue
        keep = [as_text(one) == barcode for one in table[barcodes[0]]]
        batches = called(table, frozenset(("batch",)))
        if batches:
            told = [as_text(one) for one in table[batches[0]]]
            keep = [here and one == batch for here, one in zip(keep, told, strict=True)]
        rows = table.loc[keep]
        maps = called(table, MAP_NAMES)
        if len(rows) == 1:
            known = rows.drop(columns=[*barcodes, *batches, *maps]).iloc[0]
            for column, value in known.items():
                facts.setdefault(prefixed(str(column)), value)
    return facts
