"""Volumes that were opened, and are kept while their slices are looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

from cellfolio.formats.format import Source
from cellfolio.formats.volumes import Volume
from cellfolio.web.at_hand import source_at_hand
from cellfolio.web.background import Background, Standing
from cellfolio.web.places import Place
from cellfolio.web.point_shelf import Kept, identity_of
from cellfolio.workflows.volumes import open_volume, unpack

_VOLUMES = 2
"""Volumes that are kept, each of up to 256 MB."""


@dataclass
class VolumeShelf:
    """Volumes by file, and those that are being unpacked."""

    background: Background = field(default_factory=Background)
    _kept: Kept = field(default_factory=lambda: Kept(_VOLUMES))

    def open(self, place: Place) -> Volume | Standing:
        """Return a volume, or how far its unpacking is; whoever asks first begins it.

        Raises
        ------
        BrokenFile
        EntryNotFound, ObjectNotFound, TransferIncomplete
        """
        source = source_at_hand(place)
        key = identity_of(source)
        volume = self._kept.get(key, lambda: _Opened.of(source)).volume
        if volume is None:
            standing = self.background.ask(key, lambda: unpack(source))
            if standing.state != "done":
                return standing
            self._kept.forget(key)
            volume = self._kept.get(key, lambda: _Opened.of(source)).volume
        return volume or Standing("failed", 0.0, None, f"{source.name} could not be unpacked")


@dataclass(frozen=True, slots=True)
class _Opened:
    volume: Volume | None

    @classmethod
    def of(cls, source: Source) -> _Opened:
        return cls(open_volume(source))
