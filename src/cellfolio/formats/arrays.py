"""Arrays of numpy. Pickled objects are never read: they can run any code."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cellfolio.errors import BrokenFile
from cellfolio.formats.format import Source
from cellfolio.formats.streams import allowed_size, empty, faults_named
from cellfolio.package.sizes import format_size

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_PICKLED = "it has Python objects, and pickled data are refused: reading them can run any code"


def read_npy(source: Source, *, lazy: bool = False) -> npt.NDArray[Any]:
    """Read an array.

    Parameters
    ----------
    source : Source
    lazy : bool
        Return a `numpy.memmap`, which reads what is looked at.

    Returns
    -------
    ndarray
        Read-only if lazy.

    Raises
    ------
    BrokenFile
        If it is cut off, or has Python objects.
    """
    import numpy as np

    if not source.path.stat().st_size:
        raise empty(source, "npy")
    with faults_named(source, "npy"):
        kind, needed = _header(source)
        if kind.hasobject:
            raise BrokenFile(source.name, "npy", _PICKLED, hint="ask its maker for plain arrays")
        found = source.path.stat().st_size
        if found < needed:
            raise BrokenFile(
                source.name,
                "npy",
                f"it is cut off: expected {needed} bytes, found {found}",
                hint="get the file again",
            )
        mode: Any = "r" if lazy else None
        array: npt.NDArray[Any] = np.load(source.path, mmap_mode=mode, allow_pickle=False)
        return array


def _header(source: Source) -> tuple[np.dtype[Any], int]:
    """Return the type of an array, and the bytes that its file must have."""
    import math

    import numpy as np

    with source.path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        # Versions 2 and 3 differ in the encoding of names only.
        if version == (1, 0):
            shape, _, kind = np.lib.format.read_array_header_1_0(file)
        else:
            shape, _, kind = np.lib.format.read_array_header_2_0(file)
        return kind, file.tell() + math.prod(shape) * kind.itemsize


def read_npz(source: Source, *, max_bytes: int | None = None) -> Mapping[str, npt.NDArray[Any]]:
    """Read arrays by name.

    Parameters
    ----------
    source : Source
    max_bytes : int, optional
        Most bytes that all arrays may have; by default 1 GiB, or 100 times the file's size.

    Returns
    -------
    mapping of str to ndarray

    Raises
    ------
    BrokenFile
        If it is cut off or damaged, has Python objects, or is too much.
    """
    import numpy as np

    size = source.path.stat().st_size
    if not size:
        raise empty(source, "npz")
    allowed = allowed_size(size, max_bytes)
    try:
        with faults_named(source, "npz"):
            with zipfile.ZipFile(source.path) as archive:
                inside = sum(one.file_size for one in archive.infolist())
            if inside > allowed:
                raise BrokenFile(
                    source.name,
                    "npz",
                    f"{format_size(inside)} are inside, {format_size(allowed)} are allowed",
                    hint="if that is right, allow more with max_bytes=",
                )
            with np.load(source.path, allow_pickle=False) as arrays:
                return MappingProxyType({name: np.asarray(arrays[name]) for name in arrays})
    except BrokenFile as error:
        if "allow_pickle" in error.reason:
            raise BrokenFile(
                source.name, "npz", _PICKLED, hint="ask its maker for plain arrays"
            ) from None
        raise
