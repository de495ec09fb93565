"""Planes of a TIFF file: only the strips and tiles that are asked for are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.formats.images.decoding import decode_segment
from cellfolio.formats.images.malformed import naming
from cellfolio.formats.images.pages import PageIndex, PageLayout
from cellfolio.formats.images.planes import Box
from cellfolio.formats.images.ranged import Ranged
from cellfolio.formats.images.series import Series

_BATCH = 64 * 1024 * 1024
"""Bytes of the file that are in memory at once."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A strip or tile to read.

    Attributes
    ----------
    page, number : int
        Of its page, and within it.
    start, end : int
        Its bytes.
    """

    page: int
    number: int
    start: int
    end: int


class TiffPlanes:
    """Planes of one image of a TIFF file, numbered in the order T, C, Z.

    Parameters
    ----------
    source : Ranged
    series : Series
    """

    def __init__(self, source: Ranged, series: Series) -> None:
        self._source = source
        self._index: PageIndex = series.index
        self._dtype = series.dtype
        self._pages = series.pages.ravel()
        self._samples = series.samples.ravel()

    @property
    def piece_bytes(self) -> int:
        """Decoded bytes of the largest strip or tile of a plane."""
        used = set(self._index.kinds[self._pages].tolist())
        layouts: list[PageLayout] = [self._index.layouts[kind] for kind in used]
        return max(one.row_bytes * one.segment[0] for one in layouts)

    def read(self, numbers: Sequence[int], box: Box) -> NDArray[Any]:
        """See `Planes.read`."""
        out = np.empty((len(numbers), *box.shape), self._dtype)
        if not out.size:
            return out
        wanted: dict[int, list[tuple[int, int]]] = {}
        for row, number in enumerate(numbers):
            page, sample = int(self._pages[number]), int(self._samples[number])
            wanted.setdefault(page, []).append((row, sample))
        pieces = [
            piece
            for page, rows in wanted.items()
            for piece in self._pieces(page, {sample for _, sample in rows}, box)
        ]
        with naming(self._source.name, "TIFF"):
            for batch in _batches(pieces):
                data = self._source.read([(piece.start, piece.end) for piece in batch])
                for piece, bytes_ in zip(batch, data, strict=True):
                    self._place(out, piece, bytes_, wanted[piece.page], box)
        return out

    def _pieces(self, page: int, samples: set[int], box: Box) -> Iterator[_Piece]:
        """Yield the pieces of a page that a rectangle needs."""
        layout = self._index.layout(page)
        offsets, counts = self._index.segments(page)
        high, wide = layout.segment
        across = layout.grid[1]
        each = layout.grid[0] * across
        for plane in sorted(samples) if layout.separate else (0,):
            for row in range(box.top // high, -(-box.bottom // high)):
                for column in range(box.left // wide, -(-box.right // wide)):
                    number = plane * each + row * across + column
                    start = int(offsets[number])
                    yield _Piece(page, number, start, start + int(counts[number]))

    def _place(
        self,
        out: NDArray[Any],
        piece: _Piece,
        data: memoryview,
        rows: list[tuple[int, int]],
        box: Box,
    ) -> None:
        """Decode a piece and put what the rectangle has of it into the planes of its page."""
        layout = self._index.layout(piece.page)
        here = _extent(layout, piece.number)
        tile_rows = layout.segment[0] if layout.tiled else here.bottom - here.top
        pixels = decode_segment(data, layout, tile_rows)
        common = Box(
            max(here.top, box.top),
            min(here.bottom, box.bottom),
            max(here.left, box.left),
            min(here.right, box.right),
        )
        inside = pixels[
            common.top - here.top : common.bottom - here.top,
            common.left - here.left : common.right - here.left,
        ]
        plane = piece.number // (layout.grid[0] * layout.grid[1])
        for row, sample in rows:
            if layout.separate and sample != plane:
                continue
            out[
                row,
                common.top - box.top : common.bottom - box.top,
                common.left - box.left : common.right - box.left,
            ] = inside[:, :, 0 if layout.separate else sample]


def _extent(layout: PageLayout, number: int) -> Box:
    """Return the part of the page that a piece stands for."""
    row, column = divmod(number % (layout.grid[0] * layout.grid[1]), layout.grid[1])
    high, wide = layout.segment
    top, left = row * high, column * wide
    return Box(top, min(top + high, layout.height), left, min(left + wide, layout.width))


def _batches(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """Yield pieces in the order of the file, so many that their bytes fit into memory."""
    batch: list[_Piece] = []
    size = 0
    for piece in sorted(pieces, key=lambda one: one.start):
        if batch and size + piece.end - piece.start > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append(piece)
        size += piece.end - piece.start
    if batch:
        yield batch
