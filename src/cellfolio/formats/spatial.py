"""An image, the objects in it and what was measured of them, as one folder: SpatialData."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.extras import importing
from cellfolio.formats.images.image import Image
from cellfolio.storage.disk import writing

if TYPE_CHECKING:
    from anndata import AnnData

_REGION, _INSTANCE = "region", "instance_id"
"""Columns that tell in which label image an object is, and its pixel value there."""
NUMBERS = ("Metadata_{kind}_Number_Object_Number", "Metadata_ObjectNumber",
           "Metadata_{kind}_ObjectNumber", "ObjectNumber", "Metadata_label", "label")  # fmt: skip
"""Columns of a table that tell an object's number, the best first."""


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """What belongs together.

    Attributes
    ----------
    images : mapping of str to Image
    labels : mapping of str to Image
        By kind of object, such as ``cells``; 0 is background.
    table : AnnData or None
        A row for each object.
    described : str
        Kind of object that the table is about.
    """

    images: Mapping[str, Image]
    labels: Mapping[str, Image] = field(default_factory=dict)
    table: AnnData | None = None
    described: str = ""


def write_spatialdata(site: Site, path: Path) -> None:
    """Write images, labels and a table as a SpatialData folder, whole or not at all.

    Parameters
    ----------
    site : Site
        Where the size of pixels is known, all lie in µm in the coordinate system ``global``.
    path : Path
        A folder that does not exist.

    Raises
    ------
    InvalidArgument
        If something is at `path`, an image has time or depth, or the table does not tell which
        object each row is, or names some that are not there.
    LibraryMissing
        If spatialdata is not installed.
    """
    if path.exists():
        raise InvalidArgument(f"{path} exists", hint="remove it, or write to another folder")
    labels = {name: _labels(name, image) for name, image in site.labels.items()}
    table = None if site.table is None else _annotating(site, labels)
    with writing(path, ".zarr") as unfinished, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries under it, about each other
        with importing("spatialdata", extra="spatial", what="writing SpatialData"):
            made = _assemble(site, labels, table)
        made.write(unfinished)


def _assemble(site: Site, labels: Mapping[str, NDArray[Any]], table: AnnData | None) -> Any:
    import spatialdata
    from spatialdata.models import Image2DModel, Labels2DModel, TableModel

    images = {}
    for name, image in site.images.items():
        pixels = _plane(name, image).read()
        images[name] = Image2DModel.parse(
            pixels[None] if pixels.ndim == 2 else pixels,
            dims=("c", "y", "x"),
            c_coords=list(image.channels) or None,
            transformations={"global": _scale(image)},
        )
    masks = {
        name: Labels2DModel.parse(
            one, dims=("y", "x"), transformations={"global": _scale(_sized(site, name))}
        )
        for name, one in labels.items()
    }
    tables = {}
    if table is not None:
        tables["table"] = TableModel.parse(
            table, region=site.described, region_key=_REGION, instance_key=_INSTANCE
        )
    return spatialdata.SpatialData(images=images, labels=masks, tables=tables)


def _scale(image: Image) -> Any:
    from spatialdata.transformations import Identity, Scale

    size = image.pixel_size
    if size.x is None or size.y is None:
        return Identity()
    return Scale([size.y, size.x], axes=("y", "x"))


def _sized(site: Site, name: str) -> Image:
    """Return what tells the size of pixels of labels: they are of an image as large as they are."""
    labels = site.labels[name]
    if labels.pixel_size.known:
        return labels
    same = (one for one in site.images.values() if one.shape[-2:] == labels.shape[-2:])
    return next(same, labels)


def _plane(name: str, image: Image) -> Image:
    if set(image.lead) - {"C"} or image.axes[-2:] != "YX":
        raise InvalidArgument(
            f"{name} has axes {image.axes}; SpatialData is written of planes: C, Y and X",
            hint="write one plane of it as .ome.tiff, and name that",
        )
    return image


def _labels(name: str, image: Image) -> NDArray[Any]:
    if image.axes != "YX" or image.dtype.kind not in "iu":
        raise InvalidArgument(
            f"the labels {name} have axes {image.axes} and type {image.dtype}; "
            "expected one plane of whole numbers"
        )
    return image.read()


def object_column(columns: Sequence[str], kind: str) -> str:
    """Return which column tells an object's number.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> object_column(["Metadata_Well", "Metadata_Cells_Number_Object_Number"], "cells")
    'Metadata_Cells_Number_Object_Number'
    """
    for pattern in NUMBERS:
        name = pattern.format(kind=kind.capitalize())
        if name in columns:
            return name
    wanted = " or ".join(one.format(kind=kind.capitalize()) for one in NUMBERS)
    raise InvalidArgument(
        f"the table does not tell which object each row is: expected a column {wanted}"
    )


def _annotating(site: Site, labels: Mapping[str, NDArray[Any]]) -> AnnData:
    """Return the table with what SpatialData finds objects by."""
    import pandas as pd

    if site.table is None or site.described not in labels:
        raise InvalidArgument(
            "a table of objects is given without the label image in which they are",
            hint="name the label image, too, such as A01_1_cells.tiff",
        )
    table = site.table.copy()
    column = object_column(list(map(str, table.obs.columns)), site.described)
    numbers = table.obs[column].astype(np.int64).to_numpy()
    there = np.unique(labels[site.described])
    strange = sorted(set(numbers.tolist()) - set(there[there > 0].tolist()))
    if strange or len(set(numbers.tolist())) < len(numbers):
        found = f"object {strange[0]} is not in them" if strange else "an object is there twice"
        raise InvalidArgument(
            f"the table is not of the labels {site.described}: {found}",
            hint="name the table of this site alone",
        )
    table.obs[_REGION] = pd.Categorical([site.described] * len(numbers))
    table.obs[_INSTANCE] = numbers
    return table
