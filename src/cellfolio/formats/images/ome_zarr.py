"""OME-Zarr, versions 0.4 (Zarr 2) and 0.5 (Zarr 3): only the chunks asked for are read.

References
----------
Next-generation file format specification (ngff.openmicroscopy.org), 0.4 and 0.5:
``multiscales``, ``axes``, ``coordinateTransformations`` and ``omero``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import BrokenFile, CellfolioError
from cellfolio.formats.images.building import lazy_image, without_single_axes
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.malformed import Malformed, naming
from cellfolio.formats.images.pixel_size import PixelSize, micrometres
from cellfolio.formats.images.planes import Box
from cellfolio.storage.places import parse_uri
from cellfolio.storage.remote import Remotes
from cellfolio.storage.trouble import translate_error

FORMAT = "OME-Zarr"
MAX_CHUNK = 2**32
"""Decoded bytes of a chunk."""
_MAX_SIDE = 2**31


class ZarrPlanes:
    """Planes of a Zarr array, numbered in the order of its first axes.

    Parameters
    ----------
    array : zarr.Array
    order : sequence of int
        Which of its axes are T, C, Z, Y and X, as far as it has them.
    name : str
        What the user calls it.
    """

    def __init__(self, array: Any, order: Sequence[int], name: str) -> None:
        self._array = array
        self._order = tuple(order)
        self._name = name

    @property
    def piece_bytes(self) -> int:
        """Decoded bytes of a chunk."""
        return int(np.prod(self._array.chunks, dtype=np.int64)) * int(self._array.dtype.itemsize)

    def read(self, numbers: Sequence[int], box: Box) -> NDArray[Any]:
        """See `Planes.read`."""
        lead = tuple(self._array.shape[axis] for axis in self._order[:-2])
        inner = (slice(box.top, box.bottom), slice(box.left, box.right))
        at = np.unravel_index(np.asarray(numbers, np.intp), lead) if lead else ()
        unique = [np.unique(one) for one in at]
        count = int(np.prod([len(one) for one in unique], dtype=np.int64))
        if count <= 2 * len(numbers):  # a whole block at once, chunks in parallel
            found = self._select((*unique, *inner)).reshape(count, *box.shape)
            where = [np.searchsorted(u, one) for u, one in zip(unique, at, strict=True)]
            sizes = tuple(len(one) for one in unique)
            rows = np.ravel_multi_index(where, sizes) if lead else np.zeros(len(numbers), np.intp)
            taken: NDArray[Any] = found[rows]
            return taken
        planes = [
            self._select((*(one[n : n + 1] for one in at), *inner)) for n in range(len(numbers))
        ]
        return np.concatenate([plane.reshape(1, *box.shape) for plane in planes])

    def _select(self, wanted: tuple[Any, ...]) -> NDArray[Any]:
        """Return what is wanted along the axes in our order, as they are in it."""
        selection: list[Any] = [None] * len(wanted)
        for axis, one in zip(self._order, wanted, strict=True):
            selection[axis] = one
        with _reading(self._name):
            found: NDArray[Any] = self._array.oindex[tuple(selection)]
        return found.transpose(self._order)


def open_ome_zarr(where: Path | str, remotes: Remotes, *, level: int = 0) -> Image:
    """Open one resolution of an OME-Zarr image.

    Parameters
    ----------
    where : Path or str
        Folder, or URI of a prefix.
    remotes : Remotes
    level : int
        0 is the highest resolution.

    Raises
    ------
    BrokenFile
        If it is not what the format says, or has no such level.
    TransferError
        If it cannot be reached.
    """
    name = str(where)
    with _reading(name):
        group = _open_group(where, remotes)
        told = dict(group.attrs)
    with naming(name, FORMAT):
        settings = _settings(told)
        scales = _first(settings, "multiscales")
        dataset = _level(scales, level)
        with _reading(name):
            array = group[_text(dataset, "path")]
        axes, units = _axes(scales, array)
        order = [axes.index(axis) for axis in "TCZYX" if axis in axes]
        _check_array(array)
        shape = [array.shape[axis] for axis in order]
        image = lazy_image(
            ZarrPlanes(array, order, name),
            "".join(axes[axis] for axis in order),
            shape,
            array.dtype,
            channels=_channels(settings, shape[order.index(axes.index("C"))] if "C" in axes else 1),
            pixel_size=_pixel_size(scales, dataset, axes, units),
            name=name.rstrip("/").rpartition("/")[2],
        )
    return without_single_axes(image)


def count_levels(where: Path | str, remotes: Remotes) -> int:
    """Return how many resolutions an OME-Zarr image has.

    Raises
    ------
    BrokenFile, TransferError
        See `open_ome_zarr`.
    """
    name = str(where)
    with _reading(name):
        told = dict(_open_group(where, remotes).attrs)
    with naming(name, FORMAT):
        scales = _first(_settings(told), "multiscales")
        _level(scales, 0)
        return len(scales["datasets"])


def _open_group(where: Path | str, remotes: Remotes) -> Any:
    import zarr
    from zarr.storage import LocalStore, ObjectStore

    if isinstance(where, Path):
        return zarr.open_group(LocalStore(where, read_only=True), mode="r")
    there = remotes.locate(parse_uri(where))
    store = ObjectStore(remotes.store(there.root), read_only=True)
    return zarr.open_group(store, path=there.path, mode="r")


class _reading:  # noqa: N801 - used as a function
    """Turns errors of zarr, of its codecs and of the store into ours."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, CellfolioError) or not isinstance(error, Exception):
            return
        if type(error).__module__.startswith("obstore"):
            raise translate_error(error, parse_uri(self._name)) from error
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise BrokenFile(self._name, FORMAT, reason) from error


def _settings(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    found = attributes.get("ome", attributes)
    if not isinstance(found, Mapping):
        raise Malformed("its attribute 'ome' is no object")
    if "plate" in found or "well" in found:
        raise Malformed("it is a plate; name one of its images, such as A/1/0")
    return found


def _level(scales: Mapping[str, Any], level: int) -> Mapping[str, Any]:
    datasets = scales.get("datasets")
    if not isinstance(datasets, list) or not datasets:
        raise Malformed("it has no datasets")
    if not 0 <= level < len(datasets):
        raise Malformed(f"it has {len(datasets)} levels, so no level {level}")
    return _object(datasets[level], "datasets")


def _axes(scales: Mapping[str, Any], array: Any) -> tuple[str, list[str | None]]:
    listed = scales.get("axes")
    if not isinstance(listed, list):
        raise Malformed("it does not tell its axes, as versions before 0.3 did not")
    told = [one if isinstance(one, Mapping) else {"name": one} for one in listed]
    axes = "".join(str(one.get("name")).upper()[:1] for one in told)
    if len(set(axes)) != len(axes) or not {"Y", "X"} <= set(axes) <= set("TCZYX"):
        raise Malformed(f"its axes are {axes!r}; expected Y and X, and some of T, C and Z")
    if array.ndim != len(axes):
        raise Malformed(f"its axes are {axes!r}, and its array has {array.ndim} dimensions")
    return axes, [one.get("unit") for one in told]


def _check_array(array: Any) -> None:
    inner = np.prod(array.chunks, dtype=object) * array.dtype.itemsize
    if inner > MAX_CHUNK or not all(0 < side < _MAX_SIDE for side in array.shape):
        raise Malformed(f"it has shape {array.shape} in chunks of {array.chunks}; too large")
    if array.dtype.kind not in "iufb":
        raise Malformed(f"its pixels are of type {array.dtype}")


def _channels(settings: Mapping[str, Any], count: int) -> tuple[str, ...]:
    omero = settings.get("omero")
    listed = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(listed, list) or not listed:
        return ()
    if len(listed) != count:
        raise Malformed(f"it tells of {len(listed)} channels, and has {count}")
    labels = [one.get("label") if isinstance(one, Mapping) else None for one in listed]
    return tuple(str(label or f"channel {n}") for n, label in enumerate(labels))


def _pixel_size(
    scales: Mapping[str, Any], dataset: Mapping[str, Any], axes: str, units: Sequence[str | None]
) -> PixelSize:
    found = {}
    for axis, unit in zip(axes, units, strict=True):
        scale: float | None = 1.0
        for told in (scales, dataset):
            for one in told.get("coordinateTransformations") or ():
                step = one.get("scale") if isinstance(one, Mapping) else None
                if isinstance(step, list) and len(step) == len(axes) and scale is not None:
                    scale *= float(step[axes.index(axis)])
        found[axis] = None if unit is None else micrometres(scale, unit)
    return PixelSize(found.get("X"), found.get("Y"), found.get("Z"))


def _first(told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    listed = told.get(key)
    if not isinstance(listed, list) or not listed:
        raise Malformed(f"it has no {key!r} in its attributes")
    return _object(listed[0], key)


def _object(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Malformed(f"its {key!r} is no list of objects")
    return value


def _text(told: Mapping[str, Any], key: str) -> str:
    found = told.get(key)
    if not isinstance(found, str) or ".." in found.split("/"):
        raise Malformed(f"its {key!r} is {found!r}")
    return found
