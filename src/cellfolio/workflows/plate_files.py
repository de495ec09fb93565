"""The files of an experiment that tell of its plates, in a folder or a package.

::

    …/platemaps/<batch>/barcode_platemap.csv      which plate map each plate has
    …/platemaps/<batch>/platemap/<name>.txt       which perturbation is in each well
    …/external_metadata/*.tsv                     what is known of each perturbation
    …/experiment/*.csv, …/experiment*.tsv         what is known of each plate

so in CPJUMP1 and in the workspaces of the Cell Painting Gallery. Whatever is above does not
matter, so the folder or package may hold much else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from cellfolio.errors import InvalidArgument, InvalidReference, NotFound, PackageNotFound
from cellfolio.formats.format import Source
from cellfolio.formats.loading import load as load_source
from cellfolio.metadata.columns import plain_numbers
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.registries.gallery import GalleryLayout
from cellfolio.storage.home import Home
from cellfolio.workflows.opening import fetch_entry, find_data_set, is_path
from cellfolio.workflows.places import Places, find_places, places_of_name

if TYPE_CHECKING:
    import pandas as pd

_TABLE = r"\.(?:csv|tsv|txt|tab)(?:\.gz)?|\.parquet"
_BARCODES = re.compile(rf"barcode_platemap(?:{_TABLE})", re.IGNORECASE)
_EXTERNAL = "external_metadata"
_EXPERIMENT = re.compile(rf"(?:.*/)?experiment(?:/[^/]*|[^/]*)(?:{_TABLE})")
"""Not ``Experiment.csv``, which CellProfiler writes for every image set."""
_IS_TABLE = re.compile(rf".*(?:{_TABLE})", re.IGNORECASE)
_DELIMITED = re.compile(r"\.(?P<suffix>csv|tsv|txt|tab)(?P<compressed>\.gz)?$", re.IGNORECASE)


@dataclass(frozen=True)
class PlateFiles:
    """Files, and which of them tell of plates.

    Attributes
    ----------
    places : Places
    home : Home
        Files of a package are fetched into it when they are read.
    """

    places: Places
    home: Home

    @property
    def title(self) -> str:
        """What the folder or package is called."""
        return self.places.title

    @property
    def keys(self) -> tuple[str, ...]:
        """Paths with ``/`` between folders, sorted."""
        return self.places.keys

    def read(self, key: str) -> pd.DataFrame:
        """Read a table; a column is of numbers only if nothing else is in it (``007`` is a name).

        Raises
        ------
        BrokenFile, UnknownFormat, TransferIncomplete
        """
        found = self.places.locate(key)
        if isinstance(found, Entry):
            path = fetch_entry(found, self.home)
            return read_table(Source(path, key, found.digest, self.home))
        return read_table(Source(Path(found), key, home=self.home))

    def barcode_tables(self) -> dict[str, str]:
        """Return the key of each batch's table of barcodes, by the batch's name."""
        found: dict[str, str] = {}
        for key in self.keys:
            path = PurePosixPath(key)
            if _BARCODES.fullmatch(path.name):
                batch = path.parent.name
                if batch in found:
                    raise InvalidArgument(
                        f"two batches are called {batch!r}: {found[batch]} and {key}",
                        hint="name the folder that has one of them",
                    )
                found[batch] = key
        return found

    def plate_map(self, barcodes: str, name: str) -> str:
        """Return the key of a plate map that a table of barcodes names.

        Raises
        ------
        NotFound
        """
        folder = PurePosixPath(barcodes).parent
        places = [(folder / "platemap").as_posix(), folder.as_posix()]
        for place in places:
            for key in self.keys:
                path = PurePosixPath(key)
                if path.parent.as_posix() == place and _stem(path.name) == _stem(name):
                    return key
        raise NotFound(
            f"{barcodes} names the plate map {name!r}, which is not in {places[0]}",
            hint="get the file, or check the name",
        )

    def external(self, near: str) -> tuple[str, ...]:
        """Return the keys of tables of perturbations; those nearest to a file."""
        found = [
            key
            for key in self.keys
            if PurePosixPath(key).parent.name == _EXTERNAL and _IS_TABLE.fullmatch(key)
        ]
        return _nearest(found, near)

    def experiment(self, near: str) -> tuple[str, ...]:
        """Return the keys of tables that may tell of plates; those nearest to a file."""
        return _nearest([key for key in self.keys if _EXPERIMENT.fullmatch(key)], near)

    def find(self, name: str) -> str:
        """Return the key that a user calls by its end.

        Raises
        ------
        NotFound, InvalidArgument
        """
        found = [key for key in self.keys if key == name or key.endswith("/" + name)]
        if not found:
            raise NotFound(f"{self.title} has no file {name!r}")
        if len(found) > 1:
            raise InvalidArgument(f"{name!r} may be {' or '.join(found[:5])}")
        return found[0]


def _stem(name: str) -> str:
    """Return a name without the suffix of a table, if it has one."""
    return re.sub(rf"(?:{_TABLE})$", "", name, flags=re.IGNORECASE)


def _nearest(keys: list[str], near: str) -> tuple[str, ...]:
    parts = PurePosixPath(near).parts

    def shared(key: str) -> int:
        pairs = zip(PurePosixPath(key).parts, parts, strict=False)
        return next((at for at, (a, b) in enumerate(pairs) if a != b), 0)

    most = max(map(shared, keys), default=0)
    return tuple(key for key in keys if shared(key) == most)


def find_files(source: Package | Path | str, home: Home) -> PlateFiles:
    """Return the files of a folder or package; of a file, those beside it, too.

    Of a folder on this machine, only what is read is looked at; nothing is hashed.

    Parameters
    ----------
    source : Package, Path or str
        A package, a folder, a file, or ``PACKAGE[/PATH]``.
    home : Home

    Raises
    ------
    NotFound, InvalidArgument
    """
    if isinstance(source, str) and not _is_here(source):
        places = _of_name(source, home)
    else:
        places = find_places(source, home)
    if places.package is not None:
        return PlateFiles(replace(places, title=places.package.title), home)
    local = Path(places.title).expanduser()
    return PlateFiles(replace(places, title=str(local.parent if places.file else local)), home)


def _is_here(name: str) -> bool:
    return is_path(name) and Path(name).expanduser().exists()


def _of_name(name: str, home: Home) -> Places:
    try:
        return places_of_name(_metadata_address(name, home), home)
    except (InvalidReference, PackageNotFound) as error:
        if Path(name).exists():
            error.hint = f"what is on this machine is written as a path: ./{name}"
        raise


def _metadata_address(name: str, home: Home) -> str:
    """Return where a data set of the Cell Painting Gallery keeps its plate maps, or the name.

    Its images are many, and opened by plate; the metadata of all plates lies beside them.
    """
    data_set = find_data_set(name, home)
    address = name if data_set is None else data_set.address
    if not address.startswith("cpg+"):
        return name
    root = address.removeprefix("cpg+").partition("#")[0]
    return f"listing+{GalleryLayout(root).metadata().uri}"


def read_table(source: Source) -> pd.DataFrame:
    """Read a table, whatever stands between its fields.

    Raises
    ------
    InvalidArgument
        If the file is something else.
    BrokenFile, UnknownFormat
    """
    options = _how_delimited(source)
    table = load_source(source, **options)
    if not hasattr(table, "columns"):
        raise InvalidArgument(f"{source.name} is no table", hint="export it as CSV")
    if not options:  # Parquet has types of its own
        return cast("pd.DataFrame", table)
    texts: pd.DataFrame = load_source(source, text=list(table.columns), **options)
    return plain_numbers(texts)


def _how_delimited(source: Source) -> dict[str, Any]:
    """Return the options to read delimited text with; none for another format."""
    found = _DELIMITED.search(source.name)
    if found is None:
        return {}
    if found["compressed"]:
        return {"declared": "csv" if found["suffix"].lower() == "csv" else "tsv"}
    with source.path.open("rb") as file:
        line = file.readline(1 << 16).decode("utf-8", "replace")
    delimiter = max("\t;,", key=line.count)
    if delimiter == "\t":
        return {"declared": "tsv"}
    return {"declared": "csv"} | ({"delimiter": ";"} if delimiter == ";" else {})
