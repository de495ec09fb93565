"""Image volumes in NIfTI files, read slice by slice."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from cellfolio.errors import BrokenFile
from cellfolio.formats.format import Source
from cellfolio.formats.streams import BLOCK, allowed_size, empty, faults_named
from cellfolio.package.sizes import format_size

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_TO_MM = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class VoxelData:
    """The voxels of a file; indexing reads only what is asked for.

    Of a compressed file, all that comes before is read, too. The file is open only meanwhile.

    Attributes
    ----------
    source : Source
    shape : tuple of int
    stored : dtype
        In the file.
    offset : int
        Bytes before the first voxel.
    slope, inter : float
        A voxel is ``slope * stored + inter``.
    dtype : dtype
        In memory: float where the file scales its numbers.
    """

    source: Source
    shape: tuple[int, ...]
    stored: np.dtype[Any]
    offset: int
    slope: float
    inter: float

    @property
    def dtype(self) -> np.dtype[Any]:  # noqa: D102 - an attribute
        if (self.slope, self.inter) == (1.0, 0.0):
            return self.stored
        found: np.dtype[Any] = self[tuple(slice(0, 1) for _ in self.shape)].dtype
        return found

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @contextmanager
    def _proxy(self) -> Iterator[tuple[Any, IO[bytes]]]:
        from nibabel.arrayproxy import ArrayProxy

        known = (self.shape, self.stored, self.offset, self.slope, self.inter)
        with faults_named(self.source, "nifti"), _stream(self.source) as stream:
            yield ArrayProxy(stream, known, mmap=False), stream

    def __getitem__(self, index: Any) -> Any:
        with self._proxy() as (proxy, _):
            return proxy[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        import numpy as np

        with self._proxy() as (proxy, stream):
            found = np.asarray(proxy, dtype=dtype)
            while stream.read(BLOCK):  # the checksum stands at the end
                pass
            return found

    def __repr__(self) -> str:
        return f"VoxelData({' × '.join(map(str, self.shape))}, {self.dtype})"


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A volume with its place in space.

    Attributes
    ----------
    data : VoxelData
        Axes in the order of the file: x, y, z and perhaps time.
    spacing : tuple of float
        Size of a voxel along x, y and z, in mm.
    orientation : str
        Where the three axes lead to, such as ``RAS``: right, anterior, superior; ``???`` if the
        file does not tell.
    affine : ndarray of float64, shape (4, 4)
        From places of voxels to mm.
    notes : tuple of str
        What the file does not tell, and what is taken instead.
    """

    data: VoxelData
    spacing: tuple[float, ...]
    orientation: str
    affine: npt.NDArray[np.float64]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.data.shape))
        spacing = " × ".join(f"{one:g}" for one in self.spacing)
        return f"Volume({shape}, {self.data.dtype}, {spacing} mm, {self.orientation})"

    def slice(self, axis: int, place: int) -> npt.NDArray[Any]:
        """Read one slice.

        Parameters
        ----------
        axis : int
            0 for x, 1 for y, 2 for z.
        place : int
            Voxel along it; from the end if negative.

        Returns
        -------
        ndarray
            Of the other axes, in their order.

        Raises
        ------
        BrokenFile
            If the file is damaged there.
        """
        import numpy as np

        index = [slice(None)] * self.data.ndim
        index[axis] = place  # type: ignore[call-overload]
        return np.asarray(self.data[tuple(index)])


def read_nifti(source: Source, *, max_bytes: int | None = None) -> Volume:
    """Open a NIfTI volume; its voxels are read when they are looked at.

    Parameters
    ----------
    source : Source
    max_bytes : int, optional
        Most bytes that the voxels of a compressed file may have.

    Returns
    -------
    Volume

    Raises
    ------
    BrokenFile
        If the header is broken, or the file cannot hold the voxels that it tells of.

    References
    ----------
    NIfTI-1 and -2: https://nifti.nimh.nih.gov
    """
    if not source.path.stat().st_size:
        raise empty(source, "nifti")
    with faults_named(source, "nifti"):
        header, flat = _header(source)
        slope, inter = header.get_slope_inter()
        data = VoxelData(
            source,
            tuple(int(one) for one in header.get_data_shape()),
            header.get_data_dtype(),
            int(header.get_data_offset()),
            1.0 if slope is None else float(slope),
            0.0 if inter is None else float(inter),
        )
        _check_room(data, max_bytes)
        return _placed(header, data, flat)


def _placed(header: Any, data: VoxelData, flat: str) -> Volume:
    """Return the volume with its place in space, as far as the header tells it."""
    import nibabel as nib
    import numpy as np

    notes: list[str] = []
    if len(data.shape) < 3:
        raise BrokenFile(
            data.source.name, "nifti", f"expected at least 3 axes, found {len(data.shape)}"
        )
    unit = header.get_xyzt_units()[0]
    if unit == "unknown":
        notes.append("the unit of its spacing is not told; mm are taken")
    sizes = [float(one) for one in header.get_zooms()[:3]]
    notes += [f"the spacing along {axis} is 0 in the file; 1 is taken" for axis in flat]
    told = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    if not told:
        notes.append("its place in space is not told (no sform, no qform); directions are unknown")
        affine = np.diag([*sizes, 1.0])
    elif not _invertible(affine[:3, :3]):
        notes.append("its place in space makes no sense; directions are unknown")
        affine, told = np.diag([*sizes, 1.0]), False
    to_mm = _TO_MM[unit]
    return Volume(
        data,
        tuple(one * to_mm for one in sizes),
        "".join(one or "?" for one in nib.aff2axcodes(affine)) if told else "???",
        affine * np.array([[to_mm]] * 3 + [[1.0]]),
        tuple(notes),
    )


def _invertible(turn: npt.NDArray[np.float64]) -> bool:
    """Whether axes lead to three directions, whatever their unit."""
    import numpy as np

    lengths = np.linalg.norm(turn, axis=0)
    if not np.isfinite(turn).all() or not lengths.all():
        return False
    return bool(abs(np.linalg.det(turn / lengths)) > 1e-6)


def _check_room(data: VoxelData, max_bytes: int | None) -> None:
    source = data.source
    size = source.path.stat().st_size
    needed = math.prod(data.shape) * data.stored.itemsize
    if _zipped(source):
        allowed = allowed_size(size, max_bytes)
        if needed > allowed:
            raise BrokenFile(
                source.name,
                "nifti",
                f"its voxels take {format_size(needed)}, {format_size(allowed)} are allowed",
                hint="if that is right, allow more with max_bytes=",
            )
    elif data.offset + needed > size:
        raise BrokenFile(
            source.name,
            "nifti",
            f"it is cut off: expected {data.offset + needed} bytes, found {size}",
            hint="get the file again",
        )


def _zipped(source: Source) -> bool:
    with source.path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _stream(source: Source) -> Any:
    """Open a file by its content: nibabel goes by the name, and blobs have none."""
    return gzip.open(source.path) if _zipped(source) else source.path.open("rb")


def _header(source: Source) -> tuple[Any, str]:
    """Return the header, and the axes whose spacing is 0 in the file: it is set to 1."""
    import nibabel as nib

    with _stream(source) as stream:
        # Of both kinds, the size of the header stands first.
        first = stream.read(4)
        sizes_told = {int.from_bytes(first, "little"), int.from_bytes(first, "big")}
        if sizes_told.isdisjoint((348, 540)):  # nibabel would go on, and warn of what it finds
            raise ValueError("it does not begin as NIfTI does, with 348 or 540")
        stream.seek(0)
        kind: Any = nib.Nifti2Header if 540 in sizes_told else nib.Nifti1Header
        header = kind.from_fileobj(stream, check=False)
    sizes = header["pixdim"]
    flat = "".join(axis for number, axis in enumerate("xyz", start=1) if sizes[number] == 0)
    for axis in flat:
        sizes["xyz".index(axis) + 1] = 1
    header.check_fix()  # the rest; this would mend the spacing too, and log it
    return header, flat
