"""Tables of Rosetta profiles: whose rows they are, one row for each perturbation, genes named.

Functions take a table and return another; what they are given is never changed. Metadata come
first, in the order of the file; features follow, in the order of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.rosetta.sets import NEGCON, RosettaSet, is_feature

PERTURBATION = "Metadata_perturbation"
GROUP = "Metadata_group"
MECHANISM = "Metadata_mechanism"
TARGET = "Metadata_gene_target"
REPLICATES = "Metadata_replicates"
ADDED = (PERTURBATION, GROUP, MECHANISM, TARGET, REPLICATES)
"""Columns that are added, in this order."""


def feature_columns(table: pd.DataFrame, modality: str) -> list[str]:
    """Return the names of the features, in the order of the table.

    Examples
    --------
    >>> table = pd.DataFrame(columns=["Metadata_Plate", "Nuclei_Area", "Cells_Area", "note"])
    >>> feature_columns(table, "morphology")
    ['Nuclei_Area', 'Cells_Area']
    """
    return [name for name in table.columns if is_feature(name, modality)]


def metadata_columns(table: pd.DataFrame, modality: str) -> list[str]:
    """Return the names of all other columns, in the order of the table."""
    return [name for name in table.columns if not is_feature(name, modality)]


def identify(table: pd.DataFrame, data_set: RosettaSet, modality: str) -> pd.DataFrame:
    """Put what the wells are in front: perturbation, group, annotations.

    ``Metadata_perturbation`` is the same in both modalities (see `RosettaSet.perturbation`), and
    missing where the key is. ``Metadata_group`` stays together in cross-validation.
    ``Metadata_mechanism`` is the mechanism of action in lower case, ``Metadata_gene_target`` the
    target as it is written; both only where the data set has them.

    Parameters
    ----------
    table : DataFrame
        With the key column of the modality.
    data_set : RosettaSet
    modality : {'morphology', 'expression'}

    Returns
    -------
    DataFrame
    """
    side = data_set.side(modality)
    keys = table[side.key]
    names = {key: data_set.perturbation(str(key)) for key in keys.dropna().unique()}
    groups = {name: data_set.group(name) for name in names.values()}
    perturbation = keys.map(names).astype(object)
    added = {PERTURBATION: perturbation, GROUP: perturbation.map(groups).astype(object)}
    if side.mechanism in table:
        added[MECHANISM] = table[side.mechanism].map(str.lower, na_action="ignore").astype(object)
    if side.target in table:
        added[TARGET] = table[side.target]
    metadata = [name for name in metadata_columns(table, modality) if name not in ADDED]
    rest = metadata + feature_columns(table, modality)
    return pd.concat([pd.DataFrame(added, index=table.index), table[rest]], axis=1)


def average(table: pd.DataFrame, modality: str, kept: Sequence[str] = ()) -> pd.DataFrame:
    """Return one row for each perturbation, sorted: the mean over its wells.

    Missing values do not count; wells without perturbation are left out. Metadata never multiply
    rows: a column stays if no perturbation but the negative controls has two values of it. Those
    of `kept`, and those that were added, stay in any case with their first value.
    ``Metadata_replicates`` is the number of wells.

    Parameters
    ----------
    table : DataFrame
        As `identify` returns it.
    modality : {'morphology', 'expression'}
    kept : sequence of str

    Returns
    -------
    DataFrame
    """
    features = feature_columns(table, modality)
    wells = table.groupby(PERTURBATION, sort=True)
    means = wells[features].mean()
    metadata = [name for name in metadata_columns(table, modality) if name != PERTURBATION]
    different = conflicts(table, metadata)
    stays = [name for name in metadata if name in kept or name in ADDED or name not in different]
    first = wells[stays].first()
    first = first.where(first.notna(), np.nan)  # not None for missing texts
    loose = [name for name in stays if name not in (*kept, *ADDED)]
    if NEGCON in first.index:
        controls = table[table[PERTURBATION] == NEGCON]
        several = [name for name in loose if controls[name].nunique() > 1]
        first = first.astype(dict.fromkeys(several, object))
        first.loc[NEGCON, several] = np.nan
    counts = wells.size().rename(REPLICATES)
    joined = pd.concat([first, counts, means], axis=1).reset_index()
    added = [name for name in ADDED if name in joined]
    rest = [name for name in joined.columns if name not in added]
    return joined[added + rest]


def conflicts(table: pd.DataFrame, names: Sequence[str]) -> dict[str, int]:
    """Return for how many perturbations, controls aside, a column has several values."""
    treated = table[table[PERTURBATION] != NEGCON]
    several = (treated.groupby(PERTURBATION)[list(names)].nunique() > 1).sum()
    return {str(name): int(count) for name, count in several.items() if count}


def mechanisms(*tables: pd.DataFrame) -> pd.Series[str]:
    """Return the mechanism of action by perturbation: of the first table that has one.

    Give morphology before expression, as the authors of the data do.

    Parameters
    ----------
    *tables : DataFrame
        As `identify` or `average` return them.

    Examples
    --------
    >>> one = pd.DataFrame({PERTURBATION: ["a", "b"], MECHANISM: ["cdk inhibitor", None]})
    >>> other = pd.DataFrame({PERTURBATION: ["b", "a"], MECHANISM: ["hsp inhibitor", "x"]})
    >>> mechanisms(one, other).to_dict()
    {'a': 'cdk inhibitor', 'b': 'hsp inhibitor'}
    """
    empty = pd.DataFrame({PERTURBATION: [], MECHANISM: []}, dtype=object)
    parts = [table[[PERTURBATION, MECHANISM]] for table in tables if MECHANISM in table]
    known = pd.concat([empty, *parts]).dropna()
    result: pd.Series[str] = known.groupby(PERTURBATION)[MECHANISM].first()
    return result


def name_genes(
    table: pd.DataFrame, symbols: pd.DataFrame, column: str = "symbol"
) -> tuple[pd.DataFrame, list[str]]:
    """Call expression features by their genes.

    Parameters
    ----------
    table : DataFrame
    symbols : DataFrame
        With ``probe_id``, `column`, and perhaps ``entrezgene``, as the authors' ``idmap.xlsx``.
    column : str

    Returns
    -------
    DataFrame
        A probe without a gene keeps its name. Where several probes have one gene, its name is
        followed by that of the probe.
    list of str
        What was ambiguous, for people.

    Raises
    ------
    InvalidArgument
        If a column is missing, or a probe is there twice.
    """
    missing = [name for name in ("probe_id", column) if name not in symbols]
    if missing:
        raise InvalidArgument(
            f"the table of symbols has no column {missing[0]!r}; it has "
            f"{', '.join(map(str, symbols.columns))}"
        )
    probes = feature_columns(table, "expression")
    known = symbols[symbols["probe_id"].isin(probes)]
    if known["probe_id"].duplicated().any():
        twice = known["probe_id"][known["probe_id"].duplicated()].iloc[0]
        raise InvalidArgument(f"the table of symbols has probe {twice!r} more than once")
    genes = known.dropna(subset=[column]).set_index("probe_id")[column].astype(str)
    twice = genes[genes.duplicated(keep=False)]
    names = {
        probe: f"{gene} ({probe})" if probe in twice.index else gene
        for probe, gene in genes.items()
    }
    told = _ambiguous(twice, "symbol")
    if "entrezgene" in known:
        entrez = known.dropna(subset=["entrezgene"]).set_index("probe_id")["entrezgene"]
        told += _ambiguous(entrez[entrez.duplicated(keep=False)], "Entrez gene")
    without = [probe for probe in probes if probe not in genes.index]
    if without:
        told.append(f"{len(without)} probes have no symbol, such as {without[0]}")
    return table.rename(columns=names), told


def _ambiguous(twice: pd.Series[Any], what: str) -> list[str]:
    return [
        f"{what} {value:.12g} has probes {', '.join(probes)}"
        if isinstance(value, float)
        else f"{what} {value} has probes {', '.join(probes)}"
        for value, probes in twice.groupby(twice).groups.items()
    ]
