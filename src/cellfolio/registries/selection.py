"""Which images of a plate are asked for: by well, site and channel. Pure values; no network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Literal

from cellfolio.errors import InvalidArgument
from cellfolio.registries.plates import (
    MAX_SITE,
    PLATE_384,
    ImageName,
    PlateFormat,
    Well,
    parse_wells,
    split_words,
)

_RANGE = re.compile(r"([0-9]{1,9})(?:\s*-\s*([0-9]{1,9}))?")
_CHANNEL_NUMBER = re.compile(r"(?:ch)?0*([0-9]{1,2})")
_ALL_DYES = "fluorescence"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of CPJUMP1.

    Attributes
    ----------
    number : int
        As in the image's name.
    name : str
        What it shows, as in the columns of ``load_data.csv``.
    dye : str or None
        As the microscope calls it; None for brightfield.
    kind : {'fluorescence', 'brightfield'}
    """

    number: int
    name: str
    dye: str | None
    kind: Literal["fluorescence", "brightfield"]


CPJUMP1_CHANNELS = (
    Channel(1, "Mito", "Alexa 647", "fluorescence"),
    Channel(2, "AGP", "Alexa 568", "fluorescence"),
    Channel(3, "RNA", "Alexa 488 long", "fluorescence"),
    Channel(4, "ER", "Alexa 488", "fluorescence"),
    Channel(5, "DNA", "Hoechst 33342", "fluorescence"),
    Channel(6, "HighZBF", None, "brightfield"),
    Channel(7, "LowZBF", None, "brightfield"),
    Channel(8, "Brightfield", None, "brightfield"),
)
"""Names of 1 to 8: the ``FileName_Orig…`` columns of the data set's ``load_data.csv``."""


def parse_channel(word: str, channels: Sequence[Channel] = CPJUMP1_CHANNELS) -> Channel:
    """Read a channel's number, name or dye; case, spaces and hyphens do not matter.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> parse_channel("dna").number, parse_channel("ch05").name, parse_channel("alexa-488").name
    (5, 'DNA', 'ER')
    """
    plain = _plain(word)
    numbered = _CHANNEL_NUMBER.fullmatch(plain)
    for channel in channels:
        names = (channel.name, channel.dye or channel.name)
        if plain in map(_plain, names) or (numbered and int(numbered[1]) == channel.number):
            return channel
    choices = "; ".join(
        f"{one.number} {one.name}" + (f" ({one.dye})" if one.dye else "") for one in channels
    )
    raise InvalidArgument(
        f"{word!r} is not a channel",
        hint=f"use a number, name or dye of these, or '{_ALL_DYES}': {choices}",
    )


def _plain(word: str) -> str:
    return re.sub(r"[\s_-]+", "", word).casefold()


def parse_channels(
    words: str | Iterable[str], channels: Sequence[Channel] = CPJUMP1_CHANNELS
) -> tuple[Channel, ...]:
    """Read channels with commas between; ``1-5`` and ``fluorescence`` stand for several.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> [channel.number for channel in parse_channels("DNA,er,7-8")]
    [4, 5, 7, 8]
    >>> [channel.name for channel in parse_channels("fluorescence")]
    ['Mito', 'AGP', 'RNA', 'ER', 'DNA']
    """
    found: set[int] = set()
    for word in split_words(words):
        if word.casefold() == _ALL_DYES:
            found.update(one.number for one in channels if one.kind == _ALL_DYES)
        elif _RANGE.fullmatch(word):
            largest = max(one.number for one in channels)
            asked = _numbers(word, "channels", largest)
            found.update(parse_channel(str(number), channels).number for number in asked)
        else:
            found.add(parse_channel(word, channels).number)
    return tuple(channel for channel in channels if channel.number in found)


def parse_sites(words: str | Iterable[str]) -> tuple[int, ...]:
    """Read sites and ranges of them, with commas between.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> parse_sites("1-3,9")
    (1, 2, 3, 9)
    """
    return tuple(sorted({n for word in split_words(words) for n in _numbers(word, "sites")}))


def _numbers(word: str, what: str, largest: int = MAX_SITE) -> range:
    found = _RANGE.fullmatch(word)
    if found is not None:
        first, last = int(found[1]), int(found[2] or found[1])
        if 1 <= first <= last <= largest:
            return range(first, last + 1)
    raise InvalidArgument(
        f"{word!r} names no {what}; expected a number from 1 to {largest}, or a range such as 1-4"
    )


@dataclass(frozen=True, slots=True)
class Grid:
    """The images that a complete plate has: one for each well, site and channel.

    Attributes
    ----------
    shape : PlateFormat
    sites, channels : tuple of int
    """

    shape: PlateFormat
    sites: tuple[int, ...]
    channels: tuple[int, ...]


@dataclass(frozen=True)
class Selection:
    """Images of one plate. An empty tuple stands for all.

    Attributes
    ----------
    plate : str
        Barcode, or the whole name of the folder of one of its measurements.
    batch : str or None
        None where the barcode tells it.
    wells : tuple of Well
    sites, channels : tuple of int
    """

    plate: str
    batch: str | None = None
    wells: tuple[Well, ...] = ()
    sites: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()

    @property
    def whole_plate(self) -> bool:
        """Whether everything is asked for."""
        return not (self.wells or self.sites or self.channels)

    @cached_property
    def _well_set(self) -> frozenset[Well]:
        return frozenset(self.wells)

    def matches(self, image: ImageName) -> bool:
        """Whether an image is asked for.

        Examples
        --------
        >>> asked = parse_selection("BR00116991", wells="A01", channels="DNA")
        >>> asked.matches(ImageName(1, 1, 3, 1, 5)), asked.matches(ImageName(1, 1, 3, 1, 4))
        (True, False)
        """
        return (
            (not self.wells or image.well in self._well_set)
            and (not self.sites or image.site in self.sites)
            and (not self.channels or image.channel in self.channels)
        )

    def expected(self, grid: Grid) -> tuple[ImageName, ...]:
        """Return the images asked for, of a complete plate, in order.

        Sites and channels that are asked for by number are expected even if the grid has none.

        Examples
        --------
        >>> grid = Grid(PLATE_384, sites=(1, 2), channels=(1, 5))
        >>> [str(image) for image in parse_selection("P", wells="B3", sites="2").expected(grid)]
        ['r02c03f02p01-ch1sk1fk1fl1.tiff', 'r02c03f02p01-ch5sk1fk1fl1.tiff']
        """
        wells = self.wells or tuple(grid.shape.wells())
        sites, channels = self.sites or grid.sites, self.channels or grid.channels
        return tuple(
            ImageName(well.row, well.column, site, 1, channel)
            for well, site, channel in product(wells, sites, channels)
        )


def parse_selection(
    plate: str,
    *,
    batch: str | None = None,
    wells: str | Iterable[str] = (),
    sites: str | Iterable[str] = (),
    channels: str | Iterable[str] = (),
    shape: PlateFormat = PLATE_384,
) -> Selection:
    """Read a selection from a user's words.

    Parameters
    ----------
    plate : str
        Barcode, or the whole name of a measurement's folder.
    batch : str, optional
    wells, sites, channels : str or iterable of str, optional
        See `cellfolio.registries.plates.parse_wells`, `parse_sites`, `parse_channels`; nothing
        stands for all.
    shape : PlateFormat
        The plate that the wells have to be on.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> parse_selection("BR00116991", wells="a1", sites="1-2", channels="DNA,ER").channels
    (4, 5)
    """
    for what, name in (("plate", plate), ("batch", batch)):
        if name is not None and (not name.strip() or "/" in name):
            raise InvalidArgument(f"{name!r} is not the name of a {what}; expected no '/' in it")
    return Selection(
        plate.strip(),
        None if batch is None else batch.strip(),
        parse_wells(wells, shape),
        parse_sites(sites),
        tuple(channel.number for channel in parse_channels(channels)),
    )
