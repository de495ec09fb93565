"""Loading Rosetta profiles by the name of their data set, of a package or of a folder."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cellfolio.errors import BrokenFile, EntryNotFound
from cellfolio.extras import importing
from cellfolio.formats.format import Source
from cellfolio.formats.header import read_header
from cellfolio.formats.loading import load
from cellfolio.formats.options import check_columns, take_options
from cellfolio.formats.parquet import column_names
from cellfolio.formats.rows import Dialect
from cellfolio.formats.saving import write_table
from cellfolio.metadata.rosetta.profiles import (
    ProfileOptions,
    Profiles,
    Wanted,
    check_request,
    make_profiles,
)
from cellfolio.metadata.rosetta.sets import FOLDERS, find_set, is_feature
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.loading import entry_source
from cellfolio.workflows.opening import is_path, open_package

SUFFIXES = (".csv.gz", ".csv", ".parquet")
"""Of files that are read, the first that is there; and of those that can be written."""


class RosettaWarning(UserWarning):
    """Something about loaded profiles that a user should know."""


def rosetta(
    data_set: str,
    *,
    modality: str = "morphology",
    level: str = "replicate",
    variant: str | None = None,
    source: Package | Path | str | None = None,
    home: Home | None = None,
    **options: Any,
) -> pd.DataFrame:
    r"""Load profiles of a Rosetta data set: morphology or expression, by well or by perturbation.

    Metadata come first, features follow, each in the order of the file. In front is
    ``Metadata_perturbation``, which pairs the modalities: doses are compared as numbers, compounds
    without their batch, and negative controls are called ``negcon``. See the guide.

    Parameters
    ----------
    data_set : str
        ``CDRP``, ``CDRP-bio``, ``LUAD``, ``TA-ORF`` or ``LINCS``, or the name of the catalogue.
    modality : {'morphology', 'expression'}
    level : {'replicate', 'treatment'}
        One row for each well; or the mean over the wells of each perturbation.
    variant : str, optional
        ``augmented`` (the default), ``normalized`` or ``normalized_variable_selected`` for
        morphology; ``replicate_level`` (the default) and what the data set has, such as ``pclfc``
        of CDRP or ``level_3`` of LINCS, for expression.
    source : Package, path or str, optional
        A package, its name, a folder or one file; by default the data set of the catalogue.
    home : Home, optional
    **options
        See `ProfileOptions`: ``features``, ``standardize``, ``fill``, ``parity``, ``symbols``.

    Raises
    ------
    InvalidArgument
        If an argument or a feature is not known.
    EntryNotFound
        If the source does not have the file.
    BrokenFile
        If the file lacks a column of its data set, or a feature is no number.

    Warns
    -----
    RosettaWarning
        If the file has no rows, or something was left out.

    Examples
    --------
    >>> import tempfile, cellfolio
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "replicate_level_l1k.csv")
    ...     _ = path.write_text("allele,det_plate,1_at\nKRAS_WT.o,P1,2\nKRAS_WT.o,P1,4\n")
    ...     table = cellfolio.rosetta("LUAD", modality="expression", level="treatment", source=path)
    >>> table[["Metadata_perturbation", "Metadata_replicates", "1_at"]].values.tolist()
    [['KRAS_WT.o', 2, 3.0]]
    """
    if isinstance(options.get("symbols"), str | Path):
        options["symbols"] = read_symbols(options["symbols"])
    found = read_profiles(
        Wanted(find_set(data_set), modality, level, variant),
        source,
        take_options(ProfileOptions, "rosetta", options),
        home=home,
    )
    for note in found.report.notes:
        warnings.warn(note, RosettaWarning, stacklevel=2)
    return found.table


def read_profiles(
    wanted: Wanted,
    source: Package | Path | str | None = None,
    options: ProfileOptions | None = None,
    *,
    home: Home | None = None,
    progress: Progress | None = None,
) -> Profiles:
    """Load profiles with a report of what was done (see `rosetta`).

    Parameters
    ----------
    wanted : Wanted
    source : Package, path or str, optional
    options : ProfileOptions, optional
    home : Home, optional
    progress : callable, optional

    Raises
    ------
    InvalidArgument, EntryNotFound, BrokenFile
    """
    options = options or ProfileOptions()
    check_request(wanted, options)
    file = _find_file(wanted, source, home or Home(), progress)
    table = _read(file, wanted, options.features)
    return make_profiles(table, wanted, options, file.name, str(file.digest or ""))


def _find_file(
    wanted: Wanted,
    source: Package | Path | str | None,
    home: Home,
    progress: Progress | None,
) -> Source:
    """Return the file: of a package, fetched if it is not here, or of this disk."""
    if isinstance(source, str) and (is_path(source) or Path(source).exists()):
        source = Path(source).expanduser()
    if isinstance(source, Path):
        if source.is_file():
            return Source(source, source.name, home=home)
        if not source.is_dir():
            raise EntryNotFound(f"no folder or file {source}")
        names = [name for name in _names(wanted) if (source / name).is_file()]
        if not names:
            raise _not_there(wanted, str(source), _below(source))
        return Source(source / names[0], names[0], home=home)
    if not isinstance(source, Package):
        name = source or f"rosetta/{wanted.data_set.folder}"
        source = open_package(name, home, progress=progress).package
    keys = [name for name in _names(wanted) if name in source]
    if not keys:
        raise _not_there(wanted, source.title, [entry.logical_key for entry in source.walk()])
    return entry_source(source.entry(keys[0]), home, source, progress=progress)


def _names(wanted: Wanted) -> list[str]:
    """Return the names that the file may have: in the data set's folder, or in one above."""
    folder = f"{wanted.data_set.folder}/"
    places = ("", folder, f"preprocessed_data/{folder}")
    return [place + wanted.file + suffix for place in places for suffix in SUFFIXES]


def _below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*"))


def _not_there(wanted: Wanted, place: str, found: Iterable[str]) -> EntryNotFound:
    kinds = (f"{FOLDERS[wanted.modality]}/", f"/{FOLDERS[wanted.modality]}/")
    like = [name for name in found if any(kind in f"/{name}" for kind in kinds)]
    shown = ", ".join(like[:8]) or f"nothing in {FOLDERS[wanted.modality]}/"
    return EntryNotFound(
        f"{place} has no {wanted.label}: expected {wanted.file}{SUFFIXES[0]}, found {shown}",
        hint=f"its files are in the folder {wanted.data_set.folder}; name it, or one above",
    )


def _read(file: Source, wanted: Wanted, features: Sequence[str] | None) -> pd.DataFrame:
    """Read the columns that are wanted."""
    columns: list[str] | None = None
    if features is not None:
        there = _column_names(file)
        check_columns(file, features, [one for one in there if is_feature(one, wanted.modality)])
        columns = [one for one in there if not is_feature(one, wanted.modality)] + list(features)
    options: dict[str, Any] = {} if columns is None else {"columns": columns}
    table: pd.DataFrame = load(file, **options)
    return table


def _column_names(file: Source) -> Sequence[str]:
    if file.name.endswith(".parquet"):
        return column_names(file)
    return [name for (name,) in read_header(file, Dialect("csv", ","), None)]


def read_symbols(path: Path | str) -> pd.DataFrame:
    """Read a table of probes and genes: any table, or a spreadsheet such as ``idmap.xlsx``.

    Raises
    ------
    BrokenFile, UnknownFormat, ObjectNotFound
    LibraryMissing
        If it is a spreadsheet, and openpyxl is not installed.
    """
    path = Path(path).expanduser()
    if path.suffix != ".xlsx" or not path.is_file():
        table: pd.DataFrame = load(path)
        return table
    what = f"{path} is a spreadsheet and"
    with importing("openpyxl", extra="excel", what=what, instead="save it as CSV"):
        import openpyxl  # noqa: F401  pandas reads spreadsheets with it
    try:
        return pd.read_excel(path)
    except Exception as error:  # a spreadsheet can be broken in many ways
        raise BrokenFile(path, "xlsx", str(error)) from None


def write_profiles(profiles: Profiles, path: Path) -> None:
    """Write a table, and beside it, with ``.json`` added, what was done to make it.

    Both appear under their names when they are whole.

    Parameters
    ----------
    profiles : Profiles
    path : Path
        See `cellfolio.formats.saving.write_table`.

    Raises
    ------
    InvalidArgument
    """
    from importlib.metadata import version

    write_table(profiles.table, path)
    told = {"cellfolio": version("cellfolio"), **profiles.report.document()}
    path.with_name(f"{path.name}.json").write_text(json.dumps(told, indent=2), encoding="utf-8")
