"""The plates of places that were asked for, opened once; and pictures that were made of them."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.contrast import Contrast, Percentile
from cellfolio.registries.plates import Well, parse_well
from cellfolio.web.places import Place
from cellfolio.web.shelf import Shelf
from cellfolio.workflows.plate_views.pictures import PictureOptions, PlatePicture, plate_picture
from cellfolio.workflows.plate_views.plates import Plates
from cellfolio.workflows.plate_views.thumbnails import ThumbnailStore

_MOST_OPENED = 8
_MOST_PICTURES = 32
"""Pictures of plates that stay in memory, half a megabyte each."""
_PATIENCE = 1.5
"""Seconds after which a picture of a plate shows the wells that there are so far."""
CONTRASTS: dict[str, Contrast | None] = {
    "usual": None,
    "strong": Percentile(20, 99.5),
    "faint": Percentile(5, 98),
    "full": Percentile(0, 100),
}
"""What black and white may be, by what addresses call it."""


@dataclass(frozen=True)
class PlateShelf:
    """What is kept for a portal.

    Attributes
    ----------
    store : ThumbnailStore
    """

    store: ThumbnailStore
    _opened: OrderedDict[tuple[str, str], Plates] = field(default_factory=OrderedDict)
    _pictures: OrderedDict[tuple[object, ...], PlatePicture] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plates(self, place: Place) -> Plates:
        """Return the plates of a place; what was read of them is kept."""
        known = (f"{place.shown.name} {place.package.top_hash}", place.key)
        with self._lock:
            found = self._opened.get(known)
            if found is None:
                _ = place.found  # what is not there is told
                found = Plates(place.package, place.home, place.key, place.shown.name)
                self._opened[known] = found
            self._opened.move_to_end(known)
            while len(self._opened) > _MOST_OPENED:
                self._opened.popitem(last=False)
        return found

    def picture(self, place: Place, plate: str, options: PictureOptions) -> PlatePicture:
        """Return the picture of a plate: of the wells that can be read in a second or two."""
        known = (place.shown.name, place.package.top_hash, place.key, plate, options)
        with self._lock:
            if known in self._pictures:
                self._pictures.move_to_end(known)
                return self._pictures[known]
        made = plate_picture(self.plates(place), plate, self.store, options, seconds=_PATIENCE)
        if not (made.failures or made.waiting):
            with self._lock:
                self._pictures[known] = made
                while len(self._pictures) > _MOST_PICTURES:
                    self._pictures.popitem(last=False)
        return made


_SHELVES: weakref.WeakKeyDictionary[Shelf, PlateShelf] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


def plate_shelf(place: Place) -> PlateShelf:
    """Return what is kept of plates for the portal that a place is of."""
    with _LOCK:
        found = _SHELVES.get(place.shelf)
        if found is None:
            found = _SHELVES[place.shelf] = PlateShelf(ThumbnailStore(place.home))
    return found


def choose_plate(plates: Plates, asked: str | None) -> str:
    """Return the plate that is asked for, or the only one.

    Raises
    ------
    NotFound
        If there is none of that name.
    InvalidArgument
        If none is named, and there are several.
    """
    if asked is not None:
        return plates.find(asked).name
    names = [one.name for one in plates.summaries]
    if len(names) != 1:
        told = f"{len(names):,} plates" if names else "no plates"
        raise InvalidArgument(
            f"there are {told} here, and the address names none", hint="add ?plate=NAME to it"
        )
    return names[0]


def choose_well(asked: str | None) -> Well:
    """Return the well that an address names.

    Raises
    ------
    InvalidArgument
    """
    if not asked:
        raise InvalidArgument("the address names no well", hint="add ?well=A01 to it")
    return parse_well(asked)
