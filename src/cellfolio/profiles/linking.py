"""Linking: the nucleus, the cytoplasm and the outline of a cell become one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument

if TYPE_CHECKING:
    import pyarrow as pa

OBJECT = "ObjectNumber"
"""Column with the number of an object in its image, in tables of CellProfiler."""
PARENT = "Parent_"
"""How columns begin that name objects of another table: ``Parent_Nuclei``."""
_SAME = "Number_Object_Number"
"""The number of an object once more."""
_NUMBERS = "Metadata_ObjectNumber"

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Linked:
    """Objects of an image, a row for each cell.

    Attributes
    ----------
    table : pyarrow.Table
        See `joined_names`.
    base : str
        Compartment of which a row is a cell.
    left_out : int
        Rows of it without a partner in each other compartment.
    """

    table: pa.Table
    base: str
    left_out: int


def link_compartments(tables: Mapping[str, pa.Table]) -> Linked:
    """Join the tables of the objects of one image by the columns that name parents.

    A cell is a row of the table that names, itself or through others, its parents in all others:
    of CellProfiler's usual tables that of the cytoplasm, which has ``Parent_Cells`` and
    ``Parent_Nuclei``. A row whose parent is 0 (CellProfiler's word for none), missing, or not
    there is left out and counted. Objects that no row names, such as nuclei without a cell, are
    no cells. A parent may have several children: then it is in several rows.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
        By compartment. Each has ``ObjectNumber``; names are those that CellProfiler writes.

    Returns
    -------
    Linked
        Rows have the order of the table that they come from.

    Raises
    ------
    InvalidArgument
        If a number is there twice in a table, or the tables cannot be linked.

    Examples
    --------
    >>> import pyarrow as pa
    >>> nuclei = pa.table({"ObjectNumber": [1, 2], "AreaShape_Area": [30.0, 40.0]})
    >>> cells = pa.table({"ObjectNumber": [1, 2], "Parent_Nuclei": [2, 0], "Area": [90.0, 80.0]})
    >>> found = link_compartments({"Cells": cells, "Nuclei": nuclei})
    >>> found.table.select(["Cells_Area", "Nuclei_AreaShape_Area"]).to_pylist(), found.left_out
    ([{'Cells_Area': 90.0, 'Nuclei_AreaShape_Area': 40.0}], 1)
    """
    steps = find_steps({name: table.column_names for name, table in tables.items()})
    base = next(iter(steps)) if steps else next(iter(tables))
    rows, kept = _find_rows(tables, base, steps)
    made: dict[str, pa.ChunkedArray] = {}
    for name, table in tables.items():
        taken = _taken(table, rows[name])
        for column, new in joined_names({name: table.column_names}, base)[name].items():
            made[new] = taken.column(column)
        if name == base:
            made[_NUMBERS] = taken.column(OBJECT)
    import pyarrow as pa

    return Linked(pa.table(made), base, len(tables[base]) - kept)


def joined_names(
    columns: Mapping[str, Sequence[str]], base: str = ""
) -> dict[str, dict[str, str]]:
    """Return what the columns of each compartment are called in the joined table.

    As in the joined tables of CytoTable, features begin with their compartment and keys with
    ``Metadata_``; the number of an object and that of the base's are called
    ``Metadata_Cells_Number_Object_Number`` and ``Metadata_ObjectNumber``.

    Examples
    --------
    >>> joined_names({"Cells": ["ObjectNumber", "Parent_Nuclei", "AreaShape_Area"]})["Cells"]
    {'ObjectNumber': 'Metadata_Cells_Number_Object_Number', 'Parent_Nuclei': \
'Metadata_Cells_Parent_Nuclei', 'AreaShape_Area': 'Cells_AreaShape_Area'}
    """
