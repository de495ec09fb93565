"""Tables of the Allen Brain Cell Atlas joined to its cells: taxonomy, coordinates, parcellation.

Rule 1: every cell stays, in its order; what does not join is told, with the reason, and has
missing values.
Rule 2: what is said of a cluster or a structure is stored once, as categories: a column of four
million cells takes four to eight MB.

References
----------
The atlas's notebooks "MERFISH tutorial" and "Clustering and taxonomy", whose names of columns
these are: ``parcellation_structure``, ``class_color``, ``x_ccf`` and so on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.package.nearest import suggest_or_list

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

COLOUR = "_color"
"""End of a column's name that has the colours of another one."""
CLUSTER, PARCELLATION = "cluster_alias", "parcellation_index"
"""Columns that join."""


@dataclass(frozen=True, slots=True, eq=False)
class Unjoined:
    """Cells that something is not known of, for one reason.

    Attributes
    ----------
    reason : str
    cells : Index
        Their labels.
    """

    reason: str
    cells: pd.Index

    def __repr__(self) -> str:
        return f"Unjoined({self.reason!r}, {len(self.cells)} cells)"


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Cells with what was joined to them.

    Attributes
    ----------
    table : DataFrame
        Indexed as the cells that came in.
    unjoined : tuple of Unjoined
    """

    table: pd.DataFrame
    unjoined: tuple[Unjoined, ...]


def join_clusters(
    cells: pd.DataFrame, names: pd.DataFrame, colours: pd.DataFrame | None = None
) -> Joined:
    """Join class, subclass, supertype, cluster and neurotransmitter to cells.

    Parameters
    ----------
    cells : DataFrame
        With `CLUSTER`.
    names, colours : DataFrame
        With `CLUSTER` and a column for each level, as ``…_membership_pivoted`` and
        ``…_membership_color`` have them.

    Raises
    ------
    InvalidArgument
        If a column is missing, a cluster stands twice, or cells have these columns already.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({"cluster_alias": [7, 9]}, index=["a", "b"])
    >>> joined = join_clusters(cells, pd.DataFrame({"cluster_alias": [7], "class": ["01 IT-ET"]}))
    >>> joined.table["class"].tolist(), joined.unjoined
    (['01 IT-ET', nan], (Unjoined('cluster_alias 9 is not in the taxonomy', 1 cells),))
    """
    tables = [_keyed(names, CLUSTER)]
    if colours is not None:
        tables.append(_keyed(colours, CLUSTER))
    return _join(cells, CLUSTER, tables, "the taxonomy")


def join_parcellation(
    cells: pd.DataFrame, acronyms: pd.DataFrame, colours: pd.DataFrame | None = None
) -> Joined:
    """Join division, structure and substructure to cells.

    Parameters
    ----------
    cells : DataFrame
        With `PARCELLATION`.
    acronyms, colours : DataFrame
        With `PARCELLATION` and a column for each level, as
        ``parcellation_to_parcellation_term_membership_acronym`` and ``…_color`` have them. In the
        result, their names start with ``parcellation_``.

    Raises
    ------
    InvalidArgument
        See `join_clusters`.
    """
    given = [acronyms] if colours is None else [acronyms, colours]
    tables = [_keyed(one, PARCELLATION).add_prefix("parcellation_") for one in given]
    return _join(cells, PARCELLATION, tables, "the parcellation")


def join_coordinates(cells: pd.DataFrame, coordinates: pd.DataFrame, space: str) -> Joined:
    """Join places of cells in another space: ``x_ccf``, ``y_ccf``, ``z_ccf``.

    Parameters
    ----------
    cells : DataFrame
        Indexed by cell label.
    coordinates : DataFrame
        Indexed by cell label, with ``x``, ``y``, ``z`` and perhaps `PARCELLATION`, which is joined
        where cells do not have it yet.
    space : str
        ``ccf`` or ``reconstructed``.

    Raises
    ------
    InvalidArgument
        See `join_clusters`.
    """
    import numpy as np

    if not coordinates.index.is_unique:
        raise _repeated(coordinates.index, "cell_label")
    named = coordinates.rename(columns={axis: f"{axis}_{space}" for axis in "xyz"})
    if PARCELLATION in cells.columns:
        named = named.drop(columns=PARCELLATION, errors="ignore")
    _check_new(cells, named.columns)
    places = named.index.get_indexer(cells.index)
    table = _attach(cells, places, named)
    lost = cells.index[np.flatnonzero(places < 0)]
    reason = f"no {space} coordinates"
    return Joined(table, (Unjoined(reason, lost),) if len(lost) else ())


def pivot_terms(
    membership: pd.DataFrame, terms: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Make the tables that `join_clusters` takes of one with a line for each cluster and level.

    Parameters
    ----------
    membership : DataFrame
        ``cluster_to_cluster_annotation_membership`` of a taxonomy.
    terms : DataFrame, optional
        ``cluster_annotation_term``, whose colours are used if `membership` has none.

    Returns
    -------
    names, colours : DataFrame
        The latter None if there are none.

    Raises
    ------
    InvalidArgument
        If a column is missing.
    """
    level, name, colour = (
        "cluster_annotation_term_set_name",
        "cluster_annotation_term_name",
        "color_hex_triplet",
    )
    _check_columns(membership, (CLUSTER, level, name))
    label = "cluster_annotation_term_label"
    if colour not in membership.columns and terms is not None and label in membership.columns:
        _check_columns(terms, ("label", colour))
        known = terms.drop_duplicates("label").set_index("label")[colour]
        membership = membership.assign(**{colour: membership[label].map(known)})
    lines = membership.drop_duplicates([CLUSTER, level])
    names = lines.pivot(index=CLUSTER, columns=level, values=name).reset_index()
    names.columns.name = None
    if colour not in lines.columns:
        return names, None
    colours = lines.pivot(index=CLUSTER, columns=level, values=colour).add_suffix(COLOUR)
    colours.columns.name = None
    return names, colours.reset_index()


def choose_cells(table: pd.DataFrame, only: Mapping[str, str | Sequence[str]]) -> pd.DataFrame:
    """Return the cells that have one of the values given, in each of the columns given.

    Parameters
    ----------
    table : DataFrame
    only : mapping of str to str or sequence of str
        Column → values, as text.

    Raises
    ------
    InvalidArgument
        If there is no such column, or none of its cells has such a value.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"class": ["01 IT-ET", "30 Astro"], "x": [1, 2]})
    >>> choose_cells(table, {"class": "30 Astro", "x": ["1", "2"]})["x"].tolist()
    [2]
    """
    import numpy as np

    kept: npt.NDArray[np.bool_] = np.ones(len(table), dtype=bool)
    for column, wanted in only.items():
        if column not in table.columns:
            raise InvalidArgument(
                f"the cells have no column {column!r}",
                hint=suggest_or_list(column, map(str, table)),
            )
        values = [wanted] if isinstance(wanted, str) else list(wanted)
        kept &= _has_one_of(table[column], values)
    return table[kept]


def colours_of(table: pd.DataFrame, column: str) -> dict[str, str]:
    """Return the colour of each value of a column, of those that the table has any for.

    Examples
    --------
    >>> import pandas as pd
    >>> colours_of(pd.DataFrame({"class": ["a", "b"], "class_color": ["#FF0000", None]}), "class")
    {'a': '#FF0000'}
    """
    named = f"{column}{COLOUR}"
    if named not in table.columns or column not in table.columns:
        return {}
    pairs = table[[column, named]].drop_duplicates().dropna()
    return {str(value): str(colour) for value, colour in pairs.to_numpy().tolist()}


def _has_one_of(column: pd.Series[Any], wanted: list[str]) -> npt.NDArray[np.bool_]:
    import numpy as np
    import pandas as pd

    codes, known = pd.factorize(column)
    texts = [str(one) for one in known]
    asked = set(wanted)
    # 7.0 stands for 7 where a column has missing values.
    fitting = np.array(
        [text in asked or text.removesuffix(".0") in asked for text in texts] + [False], dtype=bool
    )
    missing = [one for one in wanted if one not in texts and f"{one}.0" not in texts]
    if missing:
        raise InvalidArgument(
            f"no cell has {missing[0]!r} in column {column.name!r}",
            hint=suggest_or_list(missing[0], sorted(texts)),
        )
    found: npt.NDArray[np.bool_] = fitting[codes]
    return found


def _keyed(table: pd.DataFrame, key: str) -> pd.DataFrame:
    _check_columns(table, (key,))
    if not table[key].is_unique:
        raise _repeated(table[key], key)
    return table.set_index(key)


def _join(cells: pd.DataFrame, key: str, tables: list[pd.DataFrame], what: str) -> Joined:
    import pandas as pd

    _check_columns(cells, (key,))
    unjoined: list[Unjoined] = []
    joined = cells
    for number, table in enumerate(tables):
        _check_new(joined, table.columns)
        places = table.index.get_indexer(pd.Index(cells[key]))
        joined = _attach(joined, places, table)
        if number == 0:  # colours are less important than names
            lost = cells[places < 0]
            empty = lost[key].isna().to_numpy()
            if empty.any():
                unjoined.append(Unjoined(f"no {key}", lost.index[empty]))
            if not empty.all():
                values = sorted(set(lost[key].dropna().tolist()))
                shown = ", ".join(f"{value:g}" for value in values[:3])
                shown += f" and {len(values) - 3} more" if len(values) > 3 else ""
                reason = f"{key} {shown} is not in {what}"
                unjoined.append(Unjoined(reason, lost.index[~empty]))
    return Joined(joined, tuple(unjoined))


def _attach(cells: pd.DataFrame, places: npt.NDArray[np.intp], table: pd.DataFrame) -> pd.DataFrame:
    """Return cells with the columns of a table, at these places of it; -1 for none."""
    import numpy as np
    import pandas as pd

    added: dict[str, Any] = {}
    for name in table.columns:
        column = table[name]
        if not pd.api.types.is_numeric_dtype(column):
            added[str(name)] = _as_categories(column, places)
        elif (places < 0).any():
            padded = np.append(column.to_numpy(dtype=np.float64), np.nan)
            added[str(name)] = padded[places]
        else:
            added[str(name)] = column.to_numpy()[places]
    return pd.concat([cells, pd.DataFrame(added, index=cells.index)], axis=1)


def _as_categories(column: pd.Series[Any], places: npt.NDArray[np.intp]) -> pd.Categorical:
    import numpy as np
    import pandas as pd

    values = pd.Categorical(column)
    codes = np.append(values.codes, -1)[places]
    return pd.Categorical.from_codes(codes, categories=values.categories)


def _check_columns(table: pd.DataFrame, names: Sequence[str]) -> None:
    lacking = [name for name in names if name not in table.columns]
    if lacking:
        raise InvalidArgument(
            f"a table lacks {', '.join(lacking)}; it has {', '.join(map(str, table.columns))}"
        )


def _check_new(cells: pd.DataFrame, names: pd.Index) -> None:
    both = [str(name) for name in names if name in cells.columns]
    if both:
        raise InvalidArgument(
            f"the cells have {', '.join(both)} already",
            hint="join the table cell_metadata, not one that is joined",
        )


def _repeated(values: pd.Series[Any] | pd.Index, key: str) -> InvalidArgument:
    import pandas as pd

    twice = pd.Index(values)
    return InvalidArgument(
        f"{key} {twice[twice.duplicated()][0]} stands twice in a table that should have each once"
    )
