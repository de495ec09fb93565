"""An image with named axes whose pixels are read when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.channels import check_names, name_by_number, read_channel_info
from cellfolio.formats.images.picking import Pick, Picked, pick
from cellfolio.formats.images.pixel_size import PixelSize
from cellfolio.formats.images.planes import Box, Planes
from cellfolio.package.sizes import format_size

if TYPE_CHECKING:
    import dask.array
    import xarray


@dataclass(frozen=True, eq=False, slots=True)
class Image:
    """A lazy image: a value that knows its shape and reads only the planes asked for.

    Attributes
    ----------
    planes : Planes
        Where its pixels come from.
    numbers : array of int64
        Number of each plane there, with an axis for each of `lead`.
    rows, columns : Picked
        Which pixels of the planes.
    dtype : numpy.dtype
    lead : str
        Those of T, C and Z that it has.
    channels : tuple of str
        Their names, in the order of C. Without C, the name of the one channel, or none.
    pixel_size : PixelSize
        In µm.
    name : str

    Examples
    --------
    >>> from cellfolio.formats.images import image_of
    >>> image = image_of(np.zeros((2, 3, 4, 5), np.uint16), "CZYX", channels=("DNA", "ER"))
    >>> image
    Image(C 2 × Z 3 × Y 4 × X 5, uint16, channels DNA, ER)
    >>> image.select(c="ER", z=slice(0, 2)).shape
    (2, 4, 5)
    >>> image["DNA", 0].read().shape
    (4, 5)
    """

    planes: Planes
    numbers: NDArray[np.int64]
    rows: Picked
    columns: Picked
    dtype: np.dtype[Any]
    lead: str
    channels: tuple[str, ...] = ()
    pixel_size: PixelSize = field(default_factory=PixelSize)
    name: str = ""

    @property
    def axes(self) -> str:
        """The axes that it has, in order."""
        return self.lead + "Y" * (not self.rows.single) + "X" * (not self.columns.single)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        inner = tuple(len(one) for one in (self.rows, self.columns) if not one.single)
        return (*self.numbers.shape, *inner)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.axes)

    @property
    def size(self) -> int:
        """Number of pixels."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory once it is read."""
        return self.size * self.dtype.itemsize

    # Choosing

    def select(
        self,
        *,
        t: Pick = None,
        c: Pick = None,
        z: Pick = None,
        y: Pick = None,
        x: Pick = None,
    ) -> Image:
        """Return a part of the image; nothing is read.

        Parameters
        ----------
        t, c, z, y, x : int, slice, str or sequence, optional
            A number drops the axis; a slice, or a sequence of numbers, keeps it. Channels are
            also called by name. An axis that the image has not may be given as 0, or a channel
            by the name of the only one.

        Raises
        ------
        InvalidArgument
            If the image has no such axis, number or channel.

        Examples
        --------
        >>> from cellfolio.formats.images import image_of
        >>> image = image_of(np.arange(24).reshape(2, 3, 4), "CYX", channels=("DNA", "ER"))
        >>> image.select(c=["ER", "DNA"], y=0).read()[:, 0]
        array([12,  0])
        """
        asked = {"T": t, "C": c, "Z": z}
        numbers, lead, channels = self.numbers, "", self.channels
        depth: float | None = 1.0
        for axis in "TCZ":
            at = len(lead)
            length = numbers.shape[at] if axis in self.lead else None
            chosen = pick(axis, asked[axis], length, channels if axis == "C" else ())
            if axis == "C" and length is not None:
                channels = tuple(channels[one] for one in chosen.positions) if channels else ()
            if axis == "Z":
                depth = chosen.step
            if length is not None:
                numbers = numbers.take(chosen.positions, axis=at)
                numbers = numbers.squeeze(axis=at) if chosen.single else numbers
                lead += "" if chosen.single else axis
        rows, columns = self.rows.narrowed("Y", y), self.columns.narrowed("X", x)
        before = self.rows.step, self.columns.step
        across, down = (
            None if not (new and old) else new / old
            for new, old in zip((columns.step, rows.step), before[::-1], strict=True)
        )
        return replace(
            self,
            numbers=numbers,
            lead=lead,
            channels=channels,
            rows=rows,
            columns=columns,
            pixel_size=self.pixel_size.times(across, down, depth),
        )

    def __getitem__(self, key: Any) -> Image:
        """Select by position, in the order of the axes; channels also by name."""
        keys = key if isinstance(key, tuple) else (key,)
        if len(keys) == 1 and isinstance(keys[0], str):
            return self.select(c=keys[0])
        if Ellipsis in [one for one in keys if one is Ellipsis]:
            at = next(number for number, one in enumerate(keys) if one is Ellipsis)
            fill = (slice(None),) * (self.ndim - len(keys) + 1)
            keys = keys[:at] + fill + keys[at + 1 :]
        if len(keys) > self.ndim:
            raise InvalidArgument(f"{len(keys)} indices for the {self.ndim} axes {self.axes}")
        pairs = zip(self.axes.lower(), keys, strict=False)
        return self.select(**{axis: one for axis, one in pairs if one != slice(None)})

    def plane(self, *, t: int = 0, c: int | str = 0, z: int = 0) -> NDArray[Any]:
        """Read one plane.

        Returns
        -------
        array of shape (Y, X)

        Raises
        ------
        InvalidArgument
            If there is no such plane.
        BrokenFile, TransferError
            See `read`.
        """
        return self.select(t=t, c=c, z=z).read()

    # Reading

    def read(self) -> NDArray[Any]:
        """Read all pixels.

        Returns
        -------
        array of shape `shape` and type `dtype`

        Raises
        ------
        BrokenFile
            If the bytes are not what the file says.
        TransferError
            If they cannot be had.
        """
        rows, columns = self.rows, self.columns
        box = Box(rows.first, rows.last + 1, columns.first, columns.last + 1)
        if not self.numbers.size or not len(rows) or not len(columns):
            return np.empty(self.shape, self.dtype)
        found = self.planes.read(self.numbers.ravel().tolist(), box)
        found = rows.of(found, 1)
        found = columns.of(found, 2)
        return found.reshape(self.shape).astype(self.dtype, copy=False)

    def __array__(
        self,
        dtype: Any = None,
        copy: bool | None = None,
    ) -> NDArray[Any]:
        if copy is False:
            raise ValueError("the pixels of an image cannot be had without reading them")
        return self.read().astype(dtype or self.dtype, copy=False)

    def to_dask(self) -> dask.array.Array:
        """Return a dask array, one chunk for each plane; nothing is read.

        Raises
        ------
        CellfolioError
            If dask is not installed.
        """
        from cellfolio.formats.images.arrays import dask_array

        return dask_array(self)

    def to_xarray(self) -> xarray.DataArray:
        """Return an xarray with channel names and positions in µm.

        Pixels are read at once, unless dask is installed.

        Raises
        ------
        CellfolioError
            If xarray is not installed.
        """
        from cellfolio.formats.images.arrays import data_array

        return data_array(self)

    # Channels

    def renaming(self, channels: Sequence[str]) -> Image:
        """Return the image with other names of channels.

        Raises
        ------
        InvalidArgument
            If there are not as many names as channels, or two are the same.
        """
        return replace(self, channels=check_names(channels, self._channel_count))

    def with_channel_defs(self, numbers: Mapping[str, int]) -> Image:
        """Return the image with names from a ``channel_defs.json`` of the Allen Institute.

        Parameters
        ----------
        numbers : mapping of str to int
            Number of each channel, counted from 0; others keep their names.

        Raises
        ------
        InvalidArgument
            If a number is none of a channel, or given twice.
        """
        return self.renaming(name_by_number(numbers, self._known_channels))

    def drop_unused(self, info: Mapping[str, Any]) -> Image:
        """Return the channels that an info document of the Allen Institute marks as used.

        Parameters
        ----------
        info : mapping
            Its ``channels`` has an object for each channel, with ``dye_name``, its name, and
            ``use``. Channels imaged twice have a second object whose name ends in ``_2`` and
            whose ``use`` is false.

        Raises
        ------
        InvalidArgument
            If the document does not tell of as many channels as the image has.

        Examples
        --------
        >>> from cellfolio.formats.images import image_of
        >>> image = image_of(np.zeros((3, 4, 5)), "CYX")
        >>> dyes = (("DNA", True), ("EGFP", True), ("EGFP_2", False))
        >>> info = {"channels": [{"dye_name": name, "use": use} for name, use in dyes]}
        >>> image.drop_unused(info).channels
        ('DNA', 'EGFP')
        """
        told = read_channel_info(info, self._channel_count)
        named = replace(self, channels=tuple(one.name for one in told))
        if "C" not in self.lead:
            return named
        return named.select(c=[number for number, one in enumerate(told) if one.used])

    @property
    def _channel_count(self) -> int:
        return self.numbers.shape[self.lead.index("C")] if "C" in self.lead else 1

    @property
    def _known_channels(self) -> tuple[str, ...]:
        return self.channels or tuple(f"channel {n}" for n in range(self._channel_count))

    # Showing

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a single pixel has no length")
        return self.shape[0]

    def __repr__(self) -> str:
        parts = [_sizes(self), str(self.dtype)]
        if self.channels:
            parts.append(f"channel{'s' * (len(self.channels) > 1)} {', '.join(self.channels)}")
        return f"Image({', '.join(parts)})"

    def _repr_html_(self) -> str:
        from html import escape

        facts = {
            "axes": _sizes(self),
            "pixels": f"{self.dtype}, {format_size(self.nbytes)}",
            "channels": ", ".join(self.channels),
            "pixel size": _told_size(self.pixel_size),
        }
        rows = "".join(
            f'<tr><td style="text-align:left;opacity:.65">{key}</td>'
            f'<td style="text-align:left">{escape(value[:400])}</td></tr>'
            for key, value in facts.items()
            if value
        )
        return f"<table><caption>{escape(self.name[:120]) or 'image'}</caption>{rows}</table>"


def _sizes(image: Image) -> str:
    pairs = zip(image.axes, image.shape, strict=True)
    return " × ".join(f"{axis} {size}" for axis, size in pairs) or "a pixel"


def _told_size(size: PixelSize) -> str:
    known = [(axis, length) for axis, length in (("x", size.x), ("y", size.y), ("z", size.z))]
    return ", ".join(f"{axis} {length:g} µm" for axis, length in known if length is not None)
