"""Cells of the Allen Brain Cell Atlas with all that is known of them, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.loading import load
from cellfolio.metadata.atlas import (
    CLUSTER,
    PARCELLATION,
    Joined,
    Unjoined,
    choose_cells,
    colours_of,
    join_clusters,
    join_coordinates,
    join_parcellation,
    pivot_terms,
)
from cellfolio.package.entry import Entry
from cellfolio.package.nearest import suggest_or_list
from cellfolio.package.package import Package
from cellfolio.registries.abc.contents import release_of
from cellfolio.registries.abc.release import Release
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.getting import fetch_entries
from cellfolio.workflows.opening import open_package

if TYPE_CHECKING:
    import pandas as pd

DATASET = "abc/atlas"
LABEL = "cell_label"
METADATA = "metadata"
_CELLS = "cell_metadata"
_TAXONOMIES = {
    "WMB-": "WMB-taxonomy",
    "MERFISH-": "WMB-taxonomy",
    "Zhuang-": "WMB-taxonomy",
    "WHB-": "WHB-taxonomy",
    "SEAAD": "SEAAD-taxonomy",
}
"""Start of a directory's name → the taxonomy that its clusters are of."""
_PARCELLATION = "Allen-CCF-2020"
_TERMS = "parcellation_to_parcellation_term_membership"
_MEMBERSHIP = "cluster_to_cluster_annotation_membership"
_SPACES = {"ccf": "ccf_coordinates", "reconstructed": "reconstructed_coordinates"}


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read.

    Attributes
    ----------
    home : Home
    progress : callable or None
    confirm : callable or None
        Told before more than 10 GB are fetched; may raise.
    """

    home: Home
    progress: Progress | None = None
    confirm: Callable[[str], None] | None = None


@dataclass(slots=True)
class Atlas:
    """A release of the atlas, open for reading; notes what was read.

    Attributes
    ----------
    package : Package
    release : Release
    reading : Reading
    read : dict of str to str
        Logical key → digest of the files that were read.
    """

    package: Package
    release: Release
    reading: Reading
    read: dict[str, str] = field(default_factory=dict)

    def entry(self, directory: str, name: str, kind: str) -> Entry:
        """Return the file of that name.

        Raises
        ------
        EntryNotFound
        """
        return self.package.entry(self.release.find(directory, name, kind).relative_path)

    def sources(self, entries: Sequence[Entry]) -> list[Source]:
        """Fetch files that are not here, together."""
        reading = self.reading
        paths = fetch_entries(
            entries, reading.home, progress=reading.progress, confirm=reading.confirm
        )
        self.read |= {entry.logical_key: str(entry.digest or "") for entry in entries}
        return [
            Source(path, entry.logical_key, entry.digest, reading.home)
            for path, entry in zip(paths, entries, strict=True)
        ]

    def has(self, directory: str, name: str) -> bool:
        """Whether there is such a table."""
        listed = (METADATA, directory, name)
        return any((f.kind, f.directory, f.stem) == listed for f in self.release.files)

    def table(
        self, directory: str, name: str, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Read a table; labels of cells are text.

        Raises
        ------
        EntryNotFound, BrokenFile, InvalidArgument
        """
        (source,) = self.sources([self.entry(directory, name, METADATA)])
        text: dict[str, Any] = {"text": (LABEL,)} if source.name.endswith(".csv") else {}
        found: pd.DataFrame = load(source, columns=columns, **text)
        return found.set_index(LABEL) if LABEL in found.columns else found

    def table_if_any(self, directory: str, name: str) -> pd.DataFrame | None:
        """Read a table that some taxonomies do not have."""
        return self.table(directory, name) if self.has(directory, name) else None


def open_atlas(dataset: str | Package, reading: Reading) -> Atlas:
    """Open a release of the atlas.

    Parameters
    ----------
    dataset : str or Package
        ``abc/atlas`` for the latest release, ``abc/atlas@20250531``, a folder with its files, or
        a package.
    reading : Reading

    Raises
    ------
    InvalidArgument
        If it is not of the atlas.
    PackageNotFound, RevisionNotFound, ServerUnreachable
    """
    package = (
        open_package(dataset, reading.home, progress=reading.progress).package
        if isinstance(dataset, str)
        else dataset
    )
    return Atlas(package, release_of(package), reading)


def directories_of(atlas: Atlas) -> list[str]:
    """Return the directories that have cells, sorted."""
    return [one for one in atlas.release.directories if atlas.has(one, _CELLS)]


@dataclass(frozen=True, slots=True, eq=False)
class AtlasCells:
    """Cells with what is known of them.

    Attributes
    ----------
    directory : str
    table : DataFrame
        Indexed by ``cell_label``.
    unjoined : tuple of Unjoined
        Cells of the whole directory that something is not known of, by reason.
    sources : mapping of str to str
        Logical key → digest of the files that this was made of.
    """

    directory: str
    table: pd.DataFrame
    unjoined: tuple[Unjoined, ...]
    sources: Mapping[str, str]

    def colours(self, column: str) -> dict[str, str]:
        """Return the atlas's own colour of each value of a column; empty where it has none."""
        return colours_of(self.table, column)

    def __repr__(self) -> str:
        lost = "".join(f"; {len(one.cells):,}: {one.reason}" for one in self.unjoined)
        return (
            f"AtlasCells({self.directory}, {len(self.table):,} cells × "
            f"{self.table.shape[1]} columns{lost})"
        )


def atlas_cells(
    directory: str,
    *,
    dataset: str | Package = DATASET,
    columns: Sequence[str] | None = None,
    only: Mapping[str, str | Sequence[str]] | None = None,
    progress: Progress | None = None,
    confirm: Callable[[str], None] | None = None,
    home: Home | None = None,
) -> AtlasCells:
    """Return cells of the Allen Brain Cell Atlas, joined with taxonomy, places and parcellation.

    Parameters
    ----------
    directory : str
        Such as ``MERFISH-C57BL6J-638850``, ``WMB-10X`` or ``Zhuang-ABCA-1``.
    dataset : str or Package
        ``abc/atlas`` for the latest release, ``abc/atlas@20250531``, or a folder with its files.
    columns : sequence of str, optional
        Columns of the result; by default all. Of ``cell_metadata``, only these are read.
    only : mapping of str to str or sequence of str, optional
        Column → values: only cells that have one of them, in each of these columns.
    progress : callable, optional
    confirm : callable, optional
        Told before more than 10 GB are fetched; may raise. By default, a warning is given.
    home : Home, optional

    Returns
    -------
    AtlasCells
        With the columns of ``cell_metadata``; ``dataset_label``; ``class``, ``subclass``,
        ``supertype``, ``cluster``, ``neurotransmitter``, and their colours (``class_color``);
        ``x_ccf``, ``y_ccf``, ``z_ccf`` and ``x_reconstructed`` … where there are any;
        ``parcellation_division``, ``…_structure``, ``…_substructure`` and their colours.

    Raises
    ------
    EntryNotFound
        If the release has no such directory, or no cells in it.
    InvalidArgument
        If a column or value is unknown.
    BrokenFile, TransferIncomplete
    """
    atlas = open_atlas(dataset, Reading(home or Home(), progress, confirm))
    wanted = None if columns is None else [*columns, *(only or ())]
    joined = _join_all(atlas, directory, wanted)
    chosen = choose_cells(joined.table, only or {})
    if columns is not None:
        unknown = [name for name in columns if name not in chosen.columns]
        if unknown:
            raise InvalidArgument(
                f"the cells of {directory} have no column {unknown[0]!r}",
                hint=suggest_or_list(unknown[0], map(str, joined.table.columns)),
            )
        chosen = chosen[list(columns)]
    return AtlasCells(directory, chosen, joined.unjoined, atlas.read)


def _join_all(atlas: Atlas, directory: str, wanted: Sequence[str] | None) -> Joined:
    """Join what has to be read for the columns that are wanted, and no more."""
    table = _cell_metadata(atlas, directory, wanted)
    rest = None if wanted is None else [name for name in wanted if name not in table.columns]
    unjoined: tuple[Unjoined, ...] = ()
    for step in (_with_clusters, _with_coordinates, _with_parcellation):
        joined = step(atlas, directory, table, rest)
        table, unjoined = joined.table, unjoined + joined.unjoined
    return Joined(table, unjoined)


def _cell_metadata(atlas: Atlas, directory: str, wanted: Sequence[str] | None) -> pd.DataFrame:
    if wanted is None:
        table = atlas.table(directory, _CELLS)
    else:
        keys = ("feature_matrix_label", "dataset_label", CLUSTER, PARCELLATION)
        there = _header(atlas, directory)
        needed = (LABEL, *keys, *wanted)
        table = atlas.table(directory, _CELLS, [name for name in there if name in needed])
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise InvalidArgument(f"{_CELLS} of {directory} has {LABEL} {twice} twice")
    if "feature_matrix_label" in table.columns and "dataset_label" not in table.columns:
        table["dataset_label"] = directory  # older releases have it in WMB-10X only
    return table


def _header(atlas: Atlas, directory: str) -> list[str]:
    from cellfolio.formats.header import read_header
    from cellfolio.formats.rows import Dialect

    (source,) = atlas.sources([atlas.entry(directory, _CELLS, METADATA)])
    return [name[0] for name in read_header(source, Dialect("csv", ","), None)]


def _with_clusters(
    atlas: Atlas, directory: str, table: pd.DataFrame, rest: Sequence[str] | None
) -> Joined:
    found = (one for start, one in _TAXONOMIES.items() if directory.startswith(start))
    taxonomy = next(found, None)
    others = (PARCELLATION.partition("_")[0], *(f"_{space}" for space in _SPACES))
    needed = rest is None or not all(any(part in name for part in others) for name in rest)
    if not needed or taxonomy is None or CLUSTER not in table.columns:
        return Joined(table, ())
    if atlas.has(taxonomy, f"{_MEMBERSHIP}_pivoted"):
        names = atlas.table(taxonomy, f"{_MEMBERSHIP}_pivoted")
        return join_clusters(table, names, atlas.table_if_any(taxonomy, f"{_MEMBERSHIP}_color"))
    terms = atlas.table_if_any(taxonomy, "cluster_annotation_term")
    return join_clusters(table, *pivot_terms(atlas.table(taxonomy, _MEMBERSHIP), terms))


def _with_coordinates(
    atlas: Atlas, directory: str, table: pd.DataFrame, rest: Sequence[str] | None
) -> Joined:
    unjoined: tuple[Unjoined, ...] = ()
    for space, name in _SPACES.items():
        # Either table has the parcellation; the first one that is there is taken.
        ends = (f"_{space}",) if PARCELLATION in table.columns else (f"_{space}", "parcellation")
        needed = rest is None or any(one in name for name in rest for one in ends)
        if needed and atlas.has(f"{directory}-CCF", name):
            found = join_coordinates(table, atlas.table(f"{directory}-CCF", name), space)
            table, unjoined = found.table, unjoined + found.unjoined
    return Joined(table, unjoined)


def _with_parcellation(
    atlas: Atlas, directory: str, table: pd.DataFrame, rest: Sequence[str] | None
) -> Joined:
    needed = rest is None or any(name.startswith("parcellation_") for name in rest)
    acronyms = f"{_TERMS}_acronym"
    if not needed or PARCELLATION not in table.columns or not atlas.has(_PARCELLATION, acronyms):
        return Joined(table, ())
    return join_parcellation(
        table,
        atlas.table(_PARCELLATION, acronyms),
        atlas.table_if_any(_PARCELLATION, f"{_TERMS}_color"),
    )
