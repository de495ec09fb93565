"""Genes × cells out of the expression matrices of the Allen Brain Cell Atlas."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import EntryNotFound, InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.gene_columns import GeneColumns, places_of
from cellfolio.metadata.genes import Gene, find_genes
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.atlas import DATASET, Atlas, Reading, open_atlas

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from anndata import AnnData

MATRICES = ("log2", "raw")
_KIND = "expression_matrices"
_MATRIX, _DIRECTORY = "feature_matrix_label", "dataset_label"
_GENE_COLUMNS = ["gene_identifier", "gene_symbol"]


class MissingValuesWarning(UserWarning):
    """Cells or genes that were asked for are in no file; their values are missing."""


@dataclass(frozen=True, slots=True)
class _Matrix:
    """A file, and the places in the result of what it has."""

    source: Source
    names: Mapping[str, str]
    """Identifier → symbol, in the order of the file."""
    targets: npt.NDArray[np.int64]
    dtype: np.dtype[Any]


def genes(
    cells: pd.DataFrame,
    genes: Sequence[str],
    *,
    dataset: str | Package = DATASET,
    matrix: str = "log2",
    progress: Progress | None = None,
    confirm: Callable[[str], None] | None = None,
    home: Home | None = None,
) -> AnnData:
    """Return the expression of some genes in some cells of the Allen Brain Cell Atlas.

    The files that have these cells are fetched and checked if they are not here; of each, only
    these genes are read, in little memory.

    Parameters
    ----------
    cells : DataFrame
        Indexed by cell label, with ``feature_matrix_label`` and ``dataset_label``: the table
        ``cell_metadata`` of the atlas, or `atlas_cells(…).table`.
    genes : sequence of str
        Symbols or identifiers.
    dataset : str or Package
        ``abc/atlas`` for the latest release, ``abc/atlas@20250531``, or a folder with its files.
    matrix : {'log2', 'raw'}
    progress : callable, optional
    confirm : callable, optional
        Told before more than 10 GB are fetched; may raise. By default, a warning is given.
    home : Home, optional

    Returns
    -------
    AnnData, cells × genes
        ``obs`` is `cells`, in its order. ``var`` is named as the genes were asked for, with
        ``gene_symbol`` and ``gene_identifier``; a symbol of several genes gives all of them.
        Values have the type of the files, and floats where some are missing (NaN): of cells in no
        file, and genes that a file does not have. ``uns["cellfolio"]`` has the digests of the
        files. `to_df()` makes a table of it.

    Raises
    ------
    InvalidArgument
        If a column is missing, labels repeat, or there are no cells or genes.
    EntryNotFound
        If a gene is unknown, or the release does not have a matrix that `cells` names.
    BrokenFile, TransferIncomplete, NotEnoughSpace

    Warns
    -----
    MissingValuesWarning
    """
    _check(cells, genes, matrix)
    atlas = open_atlas(dataset, Reading(home or Home(), progress, confirm))
    members = dict(_files(atlas, cells, matrix))
    known = _known(atlas, members)
    if known is not None:
        find_genes(genes, known)  # before gigabytes are fetched for a name that is wrong
    entries = [atlas.package.entry(key) for key in members]
    matrices = [
        _open(source, cells.index, at)
        for source, at in zip(atlas.sources(entries), members.values(), strict=True)
    ]
    found = find_genes(genes, {**(known or {}), **_merged(matrices)})
    values = _gather(matrices, len(cells), found)
    _tell_missing(matrices, cells.index, found)
    return _as_anndata(values, cells, found, _sources(atlas, matrix, members))


def _check(cells: pd.DataFrame, genes: Sequence[str], matrix: str) -> None:
    if matrix not in MATRICES:
        raise InvalidArgument(f"matrix should be one of {MATRICES}, found {matrix!r}")
    if isinstance(genes, str) or not len(genes):
        raise InvalidArgument(f"expected a list of genes, found {genes!r}")
    if not len(cells):
        raise InvalidArgument("there are no cells in the table")
    if _MATRIX not in cells.columns:
        raise InvalidArgument(
            f"the cells lack {_MATRIX}; they have {', '.join(map(str, cells.columns))}",
            hint="use the table cell_metadata, or cellfolio.atlas_cells",
        )
    if not cells.index.is_unique:
        raise InvalidArgument(
            f"cell {cells.index[cells.index.duplicated()][0]} is in the table twice"
        )


def _files(
    atlas: Atlas, cells: pd.DataFrame, matrix: str
) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """Yield the logical key of each file, and which of the cells it should have."""
    import numpy as np
    import pandas as pd

    labels = [cells[_MATRIX].astype(object).to_numpy()]
    if _DIRECTORY in cells.columns:
        labels.append(cells[_DIRECTORY].astype(object).to_numpy())
    for names, members in pd.Series(np.arange(len(cells))).groupby(labels, sort=True):
        stem, *rest = (str(name) for name in names)
        directory = rest[0] if rest else _directory_of(atlas, stem)
        key = atlas.release.find(directory, f"{stem}/{matrix}", _KIND).relative_path
        yield key, members.to_numpy()


def _directory_of(atlas: Atlas, stem: str) -> str:
    files = [f for f in atlas.release.files if (f.kind, f.stem) == (_KIND, stem)]
    directories = sorted({file.directory for file in files})
    if len(directories) != 1:
        raise EntryNotFound(
            f"{_MATRIX} {stem!r} is in {len(directories)} directories of the release, and the "
            f"cells have no {_DIRECTORY}",
            hint=f"add a column {_DIRECTORY} with the name of the directory",
        )
    return directories[0]


def _known(atlas: Atlas, members: Mapping[str, object]) -> dict[str, str] | None:
    """Return the genes of the tables beside the matrices; None if one is missing."""
    known: dict[str, str] = {}
    for directory in sorted({key.split("/")[-3] for key in members}):
        # WMB-10Xv2 and WMB-10Xv3 share the table of WMB-10X.
        near = [
            one
            for one in atlas.release.directories
            if directory.startswith(one) and atlas.has(one, "gene")
        ]
        if not near:
            return None
        table = atlas.table(max(near, key=len), "gene", _GENE_COLUMNS)
        known |= dict(zip(*(table[name].astype(str) for name in _GENE_COLUMNS), strict=True))
    return known


def _open(source: Source, cells: pd.Index, members: npt.NDArray[np.int64]) -> _Matrix:
    import numpy as np
    import pandas as pd

    with GeneColumns(source) as file:
        places = cells[members].get_indexer(pd.Index(file.index("obs")))
        identifiers = file.index("var")
        symbols = file.column("var", "gene_symbol") or [""] * len(identifiers)
        return _Matrix(
            source,
            dict(zip(identifiers, symbols, strict=True)),
            np.where(places >= 0, members[places], -1),
            file.dtype,
        )


def _merged(matrices: Sequence[_Matrix]) -> dict[str, str]:
    return {name: symbol for one in matrices for name, symbol in one.names.items()}


def _gather(matrices: Sequence[_Matrix], count: int, found: Sequence[Gene]) -> npt.NDArray[Any]:
    import numpy as np

    columns = [places_of(list(one.names), [gene.identifier for gene in found]) for one in matrices]
    dtype = np.result_type(*(one.dtype for one in matrices)) if matrices else np.dtype("f4")
    held = sum(int((one.targets >= 0).sum()) for one in matrices)
    if held < count or any((one < 0).any() for one in columns):
        dtype = np.result_type(dtype, np.float32)  # whole numbers have no NaN
    missing = np.nan if dtype.kind == "f" else 0
    values = np.full((count, len(found)), missing, dtype=dtype)
    for one, places in zip(matrices, columns, strict=True):
        with GeneColumns(one.source) as file:
            file.fill(values, one.targets, places)
    return values


def _tell_missing(matrices: Sequence[_Matrix], cells: pd.Index, found: Sequence[Gene]) -> None:
    import numpy as np

    held = np.zeros(len(cells), dtype=bool)
    for one in matrices:
        held[one.targets[one.targets >= 0]] = True
        lacking = [gene.name for gene in found if gene.identifier not in one.names]
        if lacking:
            _warn(f"{one.source.name} does not have {', '.join(lacking[:5])}")
    if not held.all():
        lost = cells[~held]
        shown = ", ".join(map(str, lost[:3])) + (" …" if len(lost) > 3 else "")
        _warn(f"{len(lost):,} of {len(cells):,} cells are in no file: {shown}")


def _warn(what: str) -> None:
    warnings.warn(MissingValuesWarning(f"{what}; these values are missing"), stacklevel=4)


def _sources(atlas: Atlas, matrix: str, members: Mapping[str, object]) -> dict[str, Any]:
    from importlib.metadata import version

    import numpy as np

    keys = sorted(members)
    return {
        "version": version("cellfolio"),
        "top_hash": atlas.package.top_hash,
        "release": atlas.release.version,
        "matrix": matrix,
        "files": np.array(keys),
        "digests": np.array([atlas.read[key] for key in keys]),
    }


def _as_anndata(
    values: npt.NDArray[Any], cells: pd.DataFrame, found: Sequence[Gene], made_of: dict[str, Any]
) -> AnnData:
    import anndata
    import pandas as pd

    var = pd.DataFrame(
        {
            "gene_symbol": [gene.symbol for gene in found],
            "gene_identifier": [gene.identifier for gene in found],
        },
        index=pd.Index([gene.name for gene in found], name="gene"),
    )
    obs = cells.set_axis(cells.index.astype(str), axis=0)
    return anndata.AnnData(values, obs=obs, var=var, uns={"cellfolio": made_of})
