"""What has to be decoded at once to have any pixel of an image."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from cellfolio.formats.images.planes import Planes


@runtime_checkable
class Pieced(Protocol):
    """Planes that are decoded in pieces: strips, tiles or chunks."""

    @property
    def piece_bytes(self) -> int:
        """Decoded bytes of the largest piece."""


def largest_piece(planes: Planes) -> int:
    """Return how many bytes have to be decoded at once; 0 for planes that are in memory."""
    return planes.piece_bytes if isinstance(planes, Pieced) else 0
