"""Linking: the nucleus, the cytoplasm and the outline of a cell become one row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
AGAIN = "Number_Object_Number"
"""The same once more, in tables of some versions."""
METADATA = "Metadata_"

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
    parents = {name: _parents(table.column_names) for name, table in tables.items()}
    steps = find_steps(parents)
    rows = _find_rows(tables, steps)
    base = steps[0].child if steps else next(iter(tables))
    columns: list[pa.ChunkedArray] = [tables[base].column(OBJECT).take(rows[base])]
    names = [METADATA + OBJECT]
    for name, table in tables.items():
        own = table.drop_columns([AGAIN]) if AGAIN in table.column_names else table
        columns += _taken(own, rows[name]).columns
        names += joined_names(name, own.column_names).values()
    import pyarrow as pa

    return Linked(pa.table(columns, names=names), base, len(tables[base]) - len(rows[base]))


def joined_names(compartment: str, columns: Iterable[str]) -> dict[str, str]:
    """Return what the columns of a compartment are called in the joined table.

    As in joined tables of CytoTable, features begin with their compartment, and keys with
    ``Metadata_``. The number of an object is there once.

    Examples
    --------
    >>> joined_names("Cells", ["ObjectNumber", "Parent_Nuclei", "Area", "Number_Object_Number"])
    {'ObjectNumber': 'Metadata_Cells_Number_Object_Number', 'Parent_Nuclei': \
'Metadata_Cells_Parent_Nuclei', 'Area': 'Cells_Area'}
    """
    found = {name: f"{compartment}_{name}" for name in columns if name != AGAIN}
    for name in found:
        if name == OBJECT:
            found[name] = f"{METADATA}{compartment}_{AGAIN}"
        elif name.startswith(PARENT):
            found[name] = f"{METADATA}{compartment}_{name}"
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """How from rows of a compartment those of another are found.

    Attributes
    ----------
    child, parent : str
        The child has a column ``Parent_`` and the parent's name.
    """

    child: str
    parent: str


def find_steps(parents: Mapping[str, Collection[str]]) -> tuple[Step, ...]:
    """Return how rows of one compartment lead to those of all others.

    Parameters
    ----------
    parents : mapping of str to collection of str
        The compartments whose objects each names as parents.

    Returns
    -------
    tuple of Step
        The first begins with the base; of a single compartment there is none.

    Raises
    ------
    InvalidArgument
        If no compartment leads to all others.

    Examples
    --------
    >>> find_steps({"Cells": ["Nuclei"], "Cytoplasm": ["Cells"], "Nuclei": []})
    (Step(child='Cytoplasm', parent='Cells'), Step(child='Cells', parent='Nuclei'))
    """
    for base in parents:
        found: list[Step] = []
        reached = [base]
        for child in reached:  # grows: the nearest come first
            for parent in parents:
                if parent in parents[child] and parent not in reached:
                    reached.append(parent)
                    found.append(Step(child, parent))
        if len(reached) == len(parents):
            return tuple(found)
    names = ", ".join(parents)
    raise InvalidArgument(
        f"{names} cannot be linked: none names its parents in all others, itself or through "
        "others, as Cytoplasm does with Parent_Cells and Parent_Nuclei",
        hint="name the compartments that belong together",
    )


def _parents(columns: Sequence[str]) -> set[str]:
    return {name.removeprefix(PARENT) for name in columns if name.startswith(PARENT)}


def _find_rows(tables: Mapping[str, pa.Table], steps: Sequence[Step]) -> dict[str, Numbers]:
    """Return the row of each cell in each compartment."""
    numbers = {name: _numbers(table, OBJECT) for name, table in tables.items()}
    for name, some in numbers.items():
        ordered = np.sort(some)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        if len(twice):
            raise InvalidArgument(f"{name} has object {twice[0]} more than once")
    base = steps[0].child if steps else next(iter(tables))
    rows = {base: np.arange(len(numbers[base]))}
    for step in steps:
        wanted = _numbers(tables[step.child], PARENT + step.parent)[rows[step.child]]
        wanted = np.where(rows[step.child] < 0, 0, wanted)
        rows[step.parent] = _places(numbers[step.parent], wanted)
    whole = np.all([some >= 0 for some in rows.values()], axis=0)
    return {name: some[whole] for name, some in rows.items()}


def _places(numbers: Numbers, wanted: Numbers) -> Numbers:
    """Return where numbers are, -1 for those that are not there."""
    if not len(numbers):
        return np.full(len(wanted), -1)
    order = np.argsort(numbers, kind="stable")
    at = order[np.minimum(np.searchsorted(numbers[order], wanted), len(numbers) - 1)]
    found: Numbers = np.where((numbers[at] == wanted) & (wanted > 0), at, -1)
    return found


def _numbers(table: pa.Table, column: str) -> Numbers:
    """Return a column of keys; missing ones are 0."""
    found = table.column(column).to_numpy().astype(np.float64)
    found = np.nan_to_num(found, nan=0)
    if not np.array_equal(found, np.floor(found)) or (len(found) and found.min() < 0):
        raise InvalidArgument(f"{column} should hold whole numbers from 0")
    whole: Numbers = found.astype(np.int64)
    return whole


def _taken(table: pa.Table, rows: Numbers) -> pa.Table:
    """Return some rows; if they are all, in their order, nothing is copied."""
    if np.array_equal(rows, np.arange(len(table))):
        return table
    return table.take(rows)
