"""Where the pages of a TIFF file lie: read once, then kept, so that any plane is one request.

The pages of a TIFF file are a linked list, and each says where its strips or tiles are. Walking
it in a remote file takes a round trip for each page. A `PageIndex` is the whole list as a value.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.formats.images.malformed import Malformed

_MAGIC = b"cfpages\x01"
_HEAD = struct.Struct("<8s32sI")


@dataclass(frozen=True, slots=True)
class PageLayout:
    """What pages that look alike have in common.

    Attributes
    ----------
    height, width : int
        Pixels.
    samples : int
        Numbers for each pixel: 1, or 3 for RGB.
    separate : bool
        Whether each sample has segments of its own.
    dtype : str
        Of numpy, with the byte order of the file.
    compression, predictor, photometric : int
        Numbers of the TIFF tags 259, 317 and 262.
    segment : tuple of int
        Height and width of a strip or tile.
    tiled : bool
        Tiles are always whole; the last strip may be lower.
    reduced : bool
        Whether the page is a smaller version of another.
    jpeg_tables : str
        Hexadecimal.
    """

    height: int
    width: int
    samples: int
    separate: bool
    dtype: str
    compression: int
    predictor: int
    photometric: int
    segment: tuple[int, int]
    tiled: bool
    reduced: bool
    jpeg_tables: str = ""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of segments."""
        return -(-self.height // self.segment[0]), -(-self.width // self.segment[1])

    @property
    def segments(self) -> int:
        """Number of strips or tiles."""
        return self.grid[0] * self.grid[1] * (self.samples if self.separate else 1)

    @property
    def segment_samples(self) -> int:
        """Numbers for each pixel in a segment."""
        return 1 if self.separate else self.samples

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of a decoded segment."""
        return self.segment[1] * self.segment_samples * np.dtype(self.dtype).itemsize

    @property
    def shape(self) -> tuple[int, int, int]:
        """Samples, height and width."""
        return self.samples, self.height, self.width

    def looks_like(self, other: PageLayout) -> bool:
        """Whether two pages can be planes of one image."""
        alike = np.dtype(self.dtype).newbyteorder("=") == np.dtype(other.dtype).newbyteorder("=")
        return alike and self.shape == other.shape


@dataclass(frozen=True, slots=True)
class PageIndex:
    """All pages of a file.

    Attributes
    ----------
    size : int
        Bytes of the file.
    description : str
        Of its first page: OME-XML, or what ImageJ and other programs write there.
    layouts : tuple of PageLayout
    kinds : array of shape (pages,), int64
        Which layout each page has.
    starts : array of shape (pages + 1,), int64
        Where each page's segments begin in the next two.
    offsets, counts : array of shape (segments,), int64
        Byte at which each strip or tile begins, and its number of bytes.
    e_tag : str
        Of the object that it was read from; empty for a file on this machine.
    """

    size: int
    description: str
    layouts: tuple[PageLayout, ...]
    kinds: NDArray[np.int64]
    starts: NDArray[np.int64]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]
    e_tag: str = ""

    def __len__(self) -> int:
        return len(self.kinds)

    def layout(self, page: int) -> PageLayout:
        """Return how a page looks."""
        return self.layouts[int(self.kinds[page])]

    def segments(self, page: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the segments of a page begin, and their bytes."""
        inside = slice(self.starts[page], self.starts[page + 1])
        return self.offsets[inside], self.counts[inside]

    def repeated(self, times: int) -> PageIndex:
        """Return `times` pages that follow the only one without gaps, as ImageJ writes large files.

        Raises
        ------
        Malformed
            If the page is compressed or has gaps, or the file is too short.
        """
        layout = self.layout(0)
        adjacent = np.all(self.offsets[1:] == self.offsets[:-1] + self.counts[:-1])
        if len(self) != 1 or layout.compression != 1 or not adjacent:
            raise Malformed(f"it says that it has {times} pages, and it has {len(self)}")
        step = int(self.counts.sum())
        end = int(self.offsets[0]) + step * times
        if end > self.size:
            raise Malformed(
                f"{times} pages need {end} bytes, and it has {self.size}; it may be cut off"
            )
        shifts = step * np.arange(times, dtype=np.int64)[:, None]
        return PageIndex(
            self.size,
            self.description,
            self.layouts,
            np.zeros(times, np.int64),
            np.arange(times + 1, dtype=np.int64) * len(self.offsets),
            (self.offsets + shifts).ravel(),
            np.tile(self.counts, times),
        )

    def to_bytes(self) -> bytes:
        """Return the index in the form that is kept: see `from_bytes`."""
        head = json.dumps(
            {
                "size": self.size,
                "e_tag": self.e_tag,
                "description": self.description,
                "layouts": [asdict(layout) for layout in self.layouts],
                "pages": len(self),
                "segments": len(self.offsets),
            }
        ).encode()
        arrays = (self.kinds, self.starts, self.offsets, self.counts)
        body = head + b"".join(array.astype("<i8").tobytes() for array in arrays)
        return _HEAD.pack(_MAGIC, hashlib.sha256(body).digest(), len(head)) + body

    @classmethod
    def from_bytes(cls, data: bytes) -> PageIndex:
        """Read what `to_bytes` returned.

        Raises
        ------
        Malformed
            If not every byte is as it was written.
        """
        if len(data) < _HEAD.size:
            raise Malformed("the index is cut off")
        magic, digest, length = _HEAD.unpack_from(data)
        body = data[_HEAD.size :]
        if magic != _MAGIC or hashlib.sha256(body).digest() != digest:
            raise Malformed("the index is damaged, or of another version")
        head: dict[str, Any] = json.loads(body[:length])
        layouts = tuple(
            PageLayout(**{**one, "segment": tuple(one["segment"])}) for one in head["layouts"]
        )
        numbers = np.frombuffer(body, "<i8", offset=length).astype(np.int64)
        pages, segments = head["pages"], head["segments"]
        kinds, starts, offsets, counts = np.split(numbers, np.cumsum([pages, pages + 1, segments]))
        arrays = (kinds, starts, offsets, counts)
        return cls(head["size"], head["description"], layouts, *arrays, e_tag=head["e_tag"])


def index_of(
    size: int, description: str, pages: Sequence[tuple[PageLayout, Any, Any]]
) -> PageIndex:
    """Return the index of pages, each given as its layout, offsets and byte counts."""
    known: dict[PageLayout, int] = {}
    kinds = [known.setdefault(layout, len(known)) for layout, _, _ in pages]
    lengths = [len(offsets) for _, offsets, _ in pages]
    return PageIndex(
        size,
        description,
        tuple(known),
        np.array(kinds, np.int64),
        np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
        np.concatenate([np.asarray(offsets, np.int64) for _, offsets, _ in pages]),
        np.concatenate([np.asarray(counts, np.int64) for _, _, counts in pages]),
    )
