"""Profiles as they were read become profiles to work with, and a report of what was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.metadata.rosetta.sets import FOLDERS, NEGCON, RosettaSet
from cellfolio.metadata.rosetta.tables import (
    PERTURBATION,
    average,
    conflicts,
    feature_columns,
    identify,
    metadata_columns,
    name_genes,
)
from cellfolio.metadata.rosetta.values import (
    FILLS,
    Dropped,
    choose_features,
    fill_missing,
    standardize,
    without_infinite,
)

LEVELS = ("replicate", "treatment")


@dataclass(frozen=True, slots=True)
class ProfileOptions:
    """What is done to profiles when they are loaded.

    Attributes
    ----------
    features : sequence of str or None
        Those wanted, in this order; only they are read. None for all.
    standardize : bool
        Per plate, over all of its wells: less the mean, over the standard deviation.
    fill : {'none', 'plate_median'}
        What becomes of missing values.
    parity : {'published'} or None
        As the published code does it: missing values are interpolated down the rows of the file,
        and features of expression are never left out.
    symbols : DataFrame or None
        Table of ``probe_id`` and ``symbol``, to call expression features by their genes; `rosetta`
        also takes the path of one.
    """

    features: Sequence[str] | None = None
    standardize: bool = False
    fill: str = "none"
    parity: str | None = None
    symbols: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class ProfilesReport:
    """What was loaded, and what was done to it.

    Attributes
    ----------
    data_set, modality, level, variant : str
    file, digest : str
        The digest is empty where none is known.
    rows, plates, perturbations, controls, without_key : int
        Of the file: wells; their plates; perturbations, controls aside; wells of negative
        controls; wells that no perturbation is named for.
    expected_rows, expected_perturbations, expected_features : int or None
        As published.
    features, values, missing, infinite : int
        Features and values that are left; missing ones among them; infinite values of the file,
        which count as missing.
    dropped : tuple of Dropped
    notes : tuple of str
        What else a user should know.
    """

    data_set: str
    modality: str
    level: str
    variant: str
    rows: int
    plates: int
    perturbations: int
    controls: int
    without_key: int
    expected_rows: int | None
    expected_perturbations: int | None
    expected_features: int | None
    features: int
    values: int
    missing: int
    infinite: int = 0
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()
    file: str = ""
    digest: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Profiles:
    """A table of profiles and what is to be said of it.

    Attributes
    ----------
    table : DataFrame
        Metadata first, then features.
    report : ProfilesReport
    """

    table: pd.DataFrame
    report: ProfilesReport


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which file of a data set.

    Attributes
    ----------
    data_set : RosettaSet
    modality, level : str
    variant : str or None
        None for the default of the modality.
    """

    data_set: RosettaSet
    modality: str
    level: str
    variant: str | None

    @property
    def file(self) -> str:
        """Its path in the folder of the data set, without suffix."""
        name = self.data_set.side(self.modality).file(self.variant)
        return f"{FOLDERS[self.modality]}/{name}"

    @property
    def form(self) -> str:
        """The variant, or the default one."""
        return self.variant or next(iter(self.data_set.side(self.modality).files))

    @property
    def label(self) -> str:
        """What it is, for messages."""
        return f"{self.modality} profiles of {self.data_set.name}"


def check_request(wanted: Wanted, options: ProfileOptions) -> None:
    """Refuse what cannot be, before anything is read.

    Raises
    ------
    InvalidArgument
    """
    wanted.data_set.side(wanted.modality).file(wanted.variant)
    for what, found, known in (
        ("level", wanted.level, LEVELS),
        ("fill", options.fill, FILLS[:2]),
        ("parity", options.parity, (None, "published")),
    ):
        if found not in known:
            shown = ", ".join(map(str, known))
            raise InvalidArgument(f"expected {what} to be one of {shown}, found {found!r}")
    if options.parity and options.fill != "none":
        raise InvalidArgument("parity='published' has its own way to fill missing values")
    if options.symbols is not None and wanted.modality != "expression":
        raise InvalidArgument("only features of expression have gene symbols")


def make_profiles(
    table: pd.DataFrame, wanted: Wanted, options: ProfileOptions, file: str, digest: str = ""
) -> Profiles:
    """Make profiles of a table as it is in the file.

    Parameters
    ----------
    table : DataFrame
    wanted : Wanted
    options : ProfileOptions
    file, digest : str
        For messages and the report.

    Raises
    ------
    InvalidArgument
    BrokenFile
        If a column is missing, or a feature is no number.
    """
    check_request(wanted, options)
    if not len(table):
        return _without_rows(table, wanted, file, digest)
    _check_columns(table, wanted, file)
    metadata = table[metadata_columns(table, wanted.modality)]
    wells = identify(metadata, wanted.data_set, wanted.modality)
    result, infinite, dropped = _clean(wells, table, wanted, options)
    notes = [f"{file}: {note}" for note in _notes(wells, wanted, dropped)]
    if wanted.level == "treatment":
        result = average(result, wanted.modality, _annotations(wells, wanted))
    report = _report(result, wells, wanted)
    if options.symbols is not None:
        result, told = name_genes(result, options.symbols)
        notes += told
    return Profiles(
        result,
        replace(
            report,
            infinite=infinite,
            dropped=tuple(dropped),
            notes=tuple(notes),
            file=file,
            digest=digest,
        ),
    )


def _check_columns(table: pd.DataFrame, wanted: Wanted, file: str) -> None:
    side = wanted.data_set.side(wanted.modality)
    for name in (side.key, side.plate):
        if name not in table:
            there = metadata_columns(table, wanted.modality)
            shown = ", ".join(there[:12]) + (", …" if len(there) > 12 else "") or "none"
            reason = f"expected a column {name!r}; found {len(there)} of metadata: {shown}"
            raise BrokenFile(file, wanted.label, reason)
    for name in feature_columns(table, wanted.modality):
        if not pd.api.types.is_numeric_dtype(table[name]):
            numbers = pd.to_numeric(table[name], errors="coerce")
            wrong = table[name][numbers.isna() & table[name].notna()]
            shown = repr(wrong.iloc[0]) if len(wrong) else str(table[name].dtype)
            raise BrokenFile(file, wanted.label, f"expected numbers in {name!r}, found {shown}")


def _clean(
    wells: pd.DataFrame, table: pd.DataFrame, wanted: Wanted, options: ProfileOptions
) -> tuple[pd.DataFrame, int, list[Dropped]]:
    """Leave out, fill and standardise, in the order of the published code.

    In parity with it, features of expression are never left out, and filled just once. Returned
    with the table: how many values were infinite, and what was left out.
    """
    names = feature_columns(table, wanted.modality)
    plates = table[wanted.data_set.side(wanted.modality).plate].tolist()
    fill = "rows" if options.parity else options.fill
    choosy = wanted.modality == "morphology" or options.parity is None
    values, infinite = without_infinite(table[names].to_numpy(np.float64))
    dropped: list[Dropped] = []
    for standardized in (False, True) if options.standardize else (False,):
        if standardized:
            values = standardize(values, plates)
        if choosy:
            keep, left_out = choose_features(values, names, spread=not standardized)
            dropped += left_out
            values = values[:, keep] if left_out else values
            names = [name for name, kept in zip(names, keep, strict=True) if kept]
        if choosy or not standardized:
            values = fill_missing(values, fill, plates)
    features = pd.DataFrame(values, index=table.index, columns=names)
    return pd.concat([wells, features], axis=1), infinite, dropped


def _without_rows(table: pd.DataFrame, wanted: Wanted, file: str, digest: str) -> Profiles:
    names = feature_columns(table, wanted.modality)
    columns = [PERTURBATION, *metadata_columns(table, wanted.modality), *names]
    empty = table.reindex(columns=columns).astype(dict.fromkeys(names, np.float64))
    note = f"{file} has a header and no rows"
    report = replace(_report(empty, empty, wanted), file=file, digest=digest, notes=(note,))
    return Profiles(empty, report)


def _annotations(wells: pd.DataFrame, wanted: Wanted) -> list[str]:
    side = wanted.data_set.side(wanted.modality)
    return [name for name in (side.key, side.mechanism, side.target) if name in wells]


def _notes(wells: pd.DataFrame, wanted: Wanted, dropped: Sequence[Dropped]) -> list[str]:
    side = wanted.data_set.side(wanted.modality)
    notes = []
    if dropped:
        some = ", ".join(one.feature for one in dropped[:3]) + (", …" if len(dropped) > 3 else "")
        notes.append(f"{len(dropped)} features left out: {some}")
    without = int(wells[PERTURBATION].isna().sum())
    if without:
        notes.append(f"{without} wells have no {side.key}")
    notes += [
        f"no column {name!r} of annotations"
        for name in (side.mechanism, side.target)
        if name and name not in wells
    ]
    if wanted.level == "treatment":
        annotations = [name for name in _annotations(wells, wanted) if name != side.key]
        notes += [
            f"{count} perturbations have several values of {name!r}; the first is kept"
            for name, count in conflicts(wells, annotations).items()
        ]
    return notes


def _report(table: pd.DataFrame, wells: pd.DataFrame, wanted: Wanted) -> ProfilesReport:
    side = wanted.data_set.side(wanted.modality)
    names = feature_columns(table, wanted.modality)
    named = wells[PERTURBATION]
    controls = int((named == NEGCON).sum())
    whole = wanted.form[:5] != "level"  # rows of other levels of L1000 were not published
    return ProfilesReport(
        data_set=wanted.data_set.name,
        modality=wanted.modality,
        level=wanted.level,
        variant=wanted.form,
        rows=len(wells),
        plates=int(wells[side.plate].nunique()) if side.plate in wells else 0,
        perturbations=int(named.nunique()) - bool(controls),
        controls=controls,
        without_key=int(named.isna().sum()),
        expected_rows=side.rows if whole else None,
        expected_perturbations=side.perturbations if whole else None,
        expected_features=side.features.get(wanted.form),
        features=len(names),
        values=len(names) * len(table),
        missing=int(table[names].isna().to_numpy().sum()),
    )
