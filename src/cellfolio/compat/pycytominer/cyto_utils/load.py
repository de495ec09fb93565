"""Tables from files, as the peer's functions take them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, TypeAlias, cast

import pandas as pd

from cellfolio.errors import InvalidArgument, ObjectNotFound
from cellfolio.formats.loading import load

ProfilesLike: TypeAlias = Any
"""A data frame, an AnnData, or the path of a file or folder of such."""

_DELIMITERS = "\t,;|"
_GZIP = b"\x1f\x8b"
_METADATA = "Metadata_"


def load_profiles(profiles: ProfilesLike) -> pd.DataFrame:
    """Return a data frame as it is; or one from a file.

    Files are CSV and its relatives, compressed or not, Parquet, ``.h5ad``, folders of Parquet,
    ``.zarr`` of AnnData, and folders of CytoTable with one table of profiles.

    Raises
    ------
    ObjectNotFound
        A FileNotFoundError.
    InvalidArgument, BrokenFile, UnknownFormat

    Examples
    --------
    >>> table = pd.DataFrame({"Cells_A": [1]})
    >>> load_profiles(table) is table
    True
    """
    if isinstance(profiles, pd.DataFrame):
        return profiles
    if all(hasattr(profiles, name) for name in ("X", "obs", "var")):
        return _of_anndata(profiles)
    path = Path(profiles)
    if not path.exists():
        raise ObjectNotFound(f"there is no file {path}")
    if path.is_dir():
        return _of_folder(path)
    if path.suffix in (".parquet", ".h5ad"):
        found = load(path)
        return found if isinstance(found, pd.DataFrame) else _of_anndata(found)
    return _of_text(path, infer_delim(path))


def load_platemap(
    platemap: ProfilesLike, add_metadata_id: bool = True, sep: str | None = None
) -> pd.DataFrame:
    """Return a plate map, with ``Metadata_`` before the names of its columns.

    Raises
    ------
    ObjectNotFound
        A FileNotFoundError.
    InvalidArgument, BrokenFile

    Examples
    --------
    >>> list(load_platemap(pd.DataFrame({"well_position": ["A01"]})))
    ['Metadata_well_position']
    """
    if isinstance(platemap, pd.DataFrame):
        table = platemap.copy()
    elif not Path(platemap).exists():
        raise ObjectNotFound(f"there is no file {platemap}")
    else:
        table = _of_text(Path(platemap), infer_delim(platemap) if sep is None else sep)
    if add_metadata_id:
        table.columns = pd.Index([_prefixed(name) for name in table.columns])
    return table


def infer_delim(file: Any) -> str:
    r"""Return what stands between the fields of a table: of its first line, the most common.

    Raises
    ------
    InvalidArgument
        If its first line has none.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "map.txt")
    ...     _ = path.write_text("well_position\tdrug\n")
    ...     infer_delim(path)
    '\t'
    """
    path = Path(file)
    with path.open("rb") as raw:
        packed = raw.read(2) == _GZIP
    with gzip.open(path) if packed else path.open("rb") as opened:
        line = opened.readline(1 << 20).decode("utf-8-sig", "replace")
    found = max(_DELIMITERS, key=line.count)
    if found not in line:
        raise InvalidArgument(f"the first line of {path} has no delimiter: {line.strip()[:60]!r}")
    return found


def _prefixed(name: Any) -> Any:
    if not isinstance(name, str) or name.startswith(_METADATA):
        return name
    return _METADATA + name


def _of_text(path: Path, delimiter: str) -> pd.DataFrame:
    return cast("pd.DataFrame", load(path, declared="csv", delimiter=delimiter))


def _of_anndata(data: Any) -> pd.DataFrame:
    found: pd.DataFrame = data.obs.join(data.to_df(), how="left")
    return found.reset_index(drop=True)


def _of_folder(path: Path) -> pd.DataFrame:
    if path.suffix == ".zarr":
        import anndata

        return _of_anndata(anndata.read_zarr(path))
    if any(path.glob("*.parquet")):
        return pd.read_parquet(path)
    roots = [
        folder for folder in (path / "profiles", path / "warehouse/profiles") if folder.is_dir()
    ]
    tables = [
        one for root in roots for one in sorted(root.iterdir()) if any(one.rglob("*.parquet"))
    ]
    if len(tables) != 1:
        raise InvalidArgument(
            f"the folder {path} should hold Parquet files, or one table of profiles of CytoTable, "
            f"found {len(tables)} tables",
            hint="name the folder of one table",
        )
    folders = {one.parent for one in tables[0].rglob("*.parquet")}
    return pd.concat([pd.read_parquet(one) for one in sorted(folders)], ignore_index=True)
