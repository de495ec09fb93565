"""Files of one format as files of another; the suffix of the output tells which."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.opening import names_image
from cellfolio.storage.disk import writing
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress

if TYPE_CHECKING:
    from cellfolio.formats.images.image import Image

TABLES = (".csv", ".csv.gz", ".tsv", ".parquet", ".json")
IMAGES = (".ome.tiff", ".ome.tif", ".ome.zarr")
SPATIAL = ".spatialdata.zarr"
SUFFIXES = (*IMAGES, *TABLES, ".h5ad", ".gct", ".h5mu", SPATIAL)
"""Of what can be written."""
_NAMED = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_-]*)=(?P<word>.+)", re.DOTALL)

Where = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class _Given:
    """A file that a user named, and what it is called in the output."""

    word: str | Path
    name: str

    @property
    def is_image(self) -> bool:
        return names_image(str(self.word).rstrip("/"))

    @property
    def file_name(self) -> str:
        return str(self.word).replace("\\", "/").rstrip("/").rpartition("/")[2]


def convert(
    sources: Where | Sequence[Where],
    output: Where,
    *,
    by: str | None = None,
    progress: Progress | None = None,
    home: Home | None = None,
) -> Path:
    r"""Write a file in another format, which the suffix of the output tells.

    Images become OME-TIFF and OME-Zarr; tables, AnnData and matrices become each other; several of
    them become MuData; images, labels and a table become SpatialData.

    Parameters
    ----------
    sources : path or sequence of paths
        Files, or ``PACKAGE/PATH``. ``NAME=FILE`` names a modality of MuData, or an image or label
        image of SpatialData.
    output : path
        ``.ome.tiff``, ``.ome.zarr``, ``.csv``, ``.csv.gz``, ``.tsv``, ``.parquet``, ``.json``,
        ``.h5ad``, ``.gct``, ``.h5mu`` or ``.spatialdata.zarr``. A file is replaced, a folder is
        not.
    by : str, optional
        For MuData: the column that tells which rows of the modalities are the same thing.
    progress : callable, optional
    home : Home, optional

    Returns
    -------
    Path
        `output`.

    Warns
    -----
    NotKeptWarning
        If the format has no place for something that the file has.

    Raises
    ------
    InvalidArgument
        If it cannot become that.
    NotFound, BrokenFile, UnknownFormat, TransferIncomplete

    Examples
    --------
    >>> import tempfile, cellfolio
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "wells.csv")
    ...     _ = path.write_text("Metadata_Well,Cells_Count\nA01,3\n")
    ...     made = cellfolio.convert(path, Path(folder, "wells.h5ad"))
    ...     cellfolio.load(made).obs["Metadata_Well"].tolist()
    ['A01']
    """
    path = Path(output)
    given = [
        _given(one) for one in ([sources] if isinstance(sources, (str, PathLike)) else sources)
    ]
    suffix = check_output(path)
    if by is not None and suffix != ".h5mu":
        raise InvalidArgument(f"a column that rows share is for .h5mu; the output is {suffix}")
    _writer(suffix)(given, path, by=by, home=home or Home(), progress=progress)
    return path


def check_output(path: Path) -> str:
    """Return the suffix that tells the format of an output.

    Raises
    ------
    InvalidArgument
        If nothing is written by such a name, or its folder is not there.
    """
    name = path.name.lower()
    found = max((one for one in SUFFIXES if name.endswith(one)), key=len, default=None)
    if found is None:
        raise InvalidArgument(
            f"what {path.name!r} should become is not told: its suffix should be one of "
            f"{', '.join(SUFFIXES)}"
        )
    if not path.absolute().parent.is_dir():
        raise InvalidArgument(
            f"there is no folder {path.parent} to write {path.name} to", hint="make it first"
        )
    return found


def _writer(suffix: str) -> Callable[..., None]:
    if suffix in IMAGES:
        return partial(_write_image, suffix)
    if suffix == ".h5mu":
        return _write_modalities
    return _write_spatial if suffix == SPATIAL else partial(_write_matrix, suffix)


def _given(word: Where) -> _Given:
    text = fspath(word)
    found = None if isinstance(word, Path) or Path(text).exists() else _NAMED.fullmatch(text)
    kept: str | Path = word if isinstance(word, Path) else text
    if found is not None:
        return _Given(found["word"], found["name"])
    return _Given(kept, _stem(text.replace("\\", "/").rstrip("/").rpartition("/")[2]))


def _stem(name: str) -> str:
    """Return a name without suffix, of letters that all formats take."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name.partition(".")[0]) or "data"


def _only(given: Sequence[_Given], suffix: str) -> _Given:
    if len(given) != 1:
        raise InvalidArgument(
            f"{len(given)} files cannot become one {suffix}",
            hint="several tables become .h5mu; an image, labels and a table .spatialdata.zarr",
        )
    return given[0]


# Images


def _write_image(suffix: str, given: Sequence[_Given], path: Path, *, home: Home, **_: Any) -> None:
    from cellfolio.formats.images.writing import write_ome_tiff, write_ome_zarr

    for one in given:
        _check_image(one, suffix)
    image = _image([one.word for one in given], home)
    write: Callable[..., None] = write_ome_zarr if suffix == ".ome.zarr" else write_ome_tiff
    if suffix == ".ome.zarr" and path.exists():
        raise InvalidArgument(f"{path} exists", hint="remove it, or write to another folder")
    write(path, image.read(), image.axes, channels=image.channels, pixel_size=image.pixel_size)


def _check_image(one: _Given, suffix: str) -> None:
    if not one.is_image and not Path(one.word).is_dir() and Path(one.file_name).suffix:
        raise InvalidArgument(
            f"{one.file_name} is no image, and cannot become {suffix}",
            hint=f"it may become {', '.join((*TABLES, '.h5ad', '.gct'))}",
        )


def _image(words: Sequence[str | Path], home: Home) -> Image:
    from cellfolio.workflows.finding_images import find_images

    found = find_images(words, home)
    if len(found) != 1:
        named = ", ".join(one.image.name for one in found[:4]) or "nothing"
        raise InvalidArgument(
            f"{len(found)} images cannot become one: {named}",
            hint="name one image, or the channels of one site",
        )
    return found[0].image


# Tables, AnnData, matrices


def _read(one: _Given, suffix: str, home: Home, progress: Progress | None) -> Any:
    from cellfolio.formats.loading import load as load_source
    from cellfolio.workflows.loading import named_source

    if one.is_image:
        raise InvalidArgument(
            f"{one.file_name} is an image, and cannot become {suffix}",
            hint=f"it may become {', '.join(IMAGES)}; `cellfolio measure` makes tables of images",
        )
    return load_source(named_source(one.word, home, progress=progress))


def _write_matrix(
    suffix: str,
    given: Sequence[_Given],
    path: Path,
    *,
    home: Home,
    progress: Progress | None,
    by: str | None,
) -> None:
    from cellfolio.formats.gct_writing import write_gct
    from cellfolio.formats.saving import write_table
    from cellfolio.formats.tabular import as_anndata, as_frame, as_matrix

    one = _only(given, suffix)
    found, name = _read(one, suffix, home, progress), one.file_name
    if suffix == ".h5ad":
        data = as_anndata(found, name)
        with writing(path, suffix) as unfinished:
            data.write_h5ad(unfinished, compression="gzip")
    elif suffix == ".gct":
        matrix = as_matrix(found, name)
        with writing(path, suffix) as unfinished:
            write_gct(matrix, unfinished)
    else:
        write_table(as_frame(found, name), path)


def _write_modalities(
    given: Sequence[_Given], path: Path, *, by: str | None, home: Home, progress: Progress | None
) -> None:
    from cellfolio.formats.multimodal import named_rows, write_h5mu
    from cellfolio.formats.tabular import as_anndata

    names = [one.name for one in given]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidArgument(
            f"two modalities are called {twice[0]!r}", hint="name them: morphology=FILE"
        )
    modalities = {}
    for one in given:
        found = _read(one, ".h5mu", home, progress)
        data = as_anndata(found, one.file_name, keys=() if by is None else (by,))
        counted = list(data.obs_names) == [str(at) for at in range(data.n_obs)]
        if by is None and counted:
            raise InvalidArgument(
                f"rows of {one.file_name} have no names by which they are found in other files",
                hint="name the column that the files share (--by COLUMN)",
            )
        modalities[one.name] = named_rows(data, by, one.file_name)
    write_h5mu(modalities, path)


# An image with its objects


def _write_spatial(
    given: Sequence[_Given], path: Path, *, home: Home, progress: Progress | None, **_: Any
) -> None:
    from cellfolio.formats.spatial import Site, write_spatialdata
    from cellfolio.formats.tabular import as_anndata

    labels = [one for one in given if one.is_image and _is_labels(one)]
    images = [one for one in given if one.is_image and one not in labels]
    tables = [one for one in given if not one.is_image]
    if not images or len(tables) > 1:
        raise InvalidArgument(
            f"SpatialData is made of an image, labels and at most one table; found "
            f"{len(images)} images, {len(labels)} label images and {len(tables)} tables",
            hint="label images are those whose names tell: cells, nuclei, labels, mask",
        )
    image = _image([one.word for one in images], home)
    masks = {_kind(one): _image([one.word], home) for one in labels}
    table = None
    if tables:
        table = as_anndata(_read(tables[0], SPATIAL, home, progress), tables[0].file_name)
    # The channels of a site are files whose names tell it, so that the image has a better one.
    name = images[0].name if len(images) == 1 else _stem(image.name)
    write_spatialdata(Site({name: image}, masks, table, _described(masks)), path)


def _is_labels(one: _Given) -> bool:
    from cellfolio.workflows.shown_images.index import is_label_image

    return is_label_image(one.file_name)


def _kind(one: _Given) -> str:
    from cellfolio.workflows.shown_images.index import labels_kind

    return labels_kind(one.file_name)


def _described(masks: Mapping[str, Image]) -> str:
    """Return which objects a table is about: whole cells, where there are some."""
    return "cells" if "cells" in masks else next(iter(masks), "")
