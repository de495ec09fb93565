"""Which plates a package has, by plate maps, images and tables; and what is known of each."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import CellfolioError, NotFound
from cellfolio.metadata.barcodes import barcodes_of
from cellfolio.metadata.columns import PLATE
from cellfolio.package.entry import Entry
from cellfolio.package.nearest import suggest
from cellfolio.package.package import Package
from cellfolio.registries.plates import Well, match_image_name
from cellfolio.storage.home import Home
from cellfolio.workflows.measuring.channels import ChannelNames
from cellfolio.workflows.measuring.sites import STACK, SiteImages, find_sites
from cellfolio.workflows.mosaics import image_files
from cellfolio.workflows.places import Places, find_places
from cellfolio.workflows.plate_files import find_files
from cellfolio.workflows.plate_views.tables import FoundTables, PlateTable, find_plate_tables
from cellfolio.workflows.plates import PlateWells, plate_wells

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
_MOST_FEATURES = 3
_MOST_LISTS = 40
"""Tables of image files that are read, where names of files do not tell their wells."""


@dataclass(frozen=True, slots=True)
class PlateSummary:
    """A plate, and where it is told of.

    Attributes
    ----------
    name : str
    batches : tuple of str
        Those whose table of barcodes has it.
    tables : tuple of PlateTable
    images : int
        Files of images.
    wells : int
        Wells with images, by names of files.
    """

    name: str
    batches: tuple[str, ...] = ()
    tables: tuple[PlateTable, ...] = ()
    images: int = 0
    wells: int = 0


@dataclass(frozen=True, slots=True)
class _Images:
    """Where the images of a plate are: files, or a table that names them."""

    keys: tuple[str, ...] = ()
    table: str = ""
    wells: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The numbers of a plate's profiles.

    Attributes
    ----------
    names : tuple of str
    wells : tuple of Well
    values : array of shape (wells, features)
    """

    names: tuple[str, ...]
    wells: tuple[Well, ...]
    values: NDArray[np.float64]

    def rows_of(self, wells: Collection[Well]) -> NDArray[np.float64]:
        """Return the rows of some wells."""
        return self.values[[at for at, well in enumerate(self.wells) if well in wells]]


@dataclass(frozen=True)
class Plates:
    """The plates of a package, or of a folder of it; what is read is kept.

    Attributes
    ----------
    package : Package
    home : Home
    folder : str
        Logical key of a folder, or of a table; empty for all of it.
    title : str
        What it is called, which is a plate's name where no folder tells it.
    """

    package: Package
    home: Home
    folder: str = ""
    title: str = ""
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)
    _sites: dict[str, tuple[SiteImages, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _told: dict[str, pd.DataFrame | CellfolioError | None] = field(
        default_factory=dict, repr=False, compare=False
    )
    _features: OrderedDict[tuple[str, str], Features] = field(
        default_factory=OrderedDict, repr=False, compare=False
    )
    _wells: dict[str, PlateWells | CellfolioError | None] = field(
        default_factory=dict, repr=False, compare=False
    )

    @cached_property
    def _part(self) -> Package:
        return self.package.subset(self.folder) if self.folder else self.package

    @cached_property
    def found_tables(self) -> FoundTables:
        """The tables that tell of plates."""
        return find_plate_tables(self.package, self.home, self.folder)

    @cached_property
    def _places(self) -> Places:
        found = find_places(self._part, self.home)
        title = self.title.rpartition("/")[2]
        return Places(found.title, found.keys, found.locate, (title,), package=self._part)

    @cached_property
    def _images(self) -> Mapping[str, _Images]:
        keys: dict[str, dict[str, str]] = {}
        wells: dict[str, set[tuple[str, ...]]] = {}
        for key in self._places.keys:
            name = key.rpartition("/")[2]
            stack = STACK.fullmatch(name)
            image = None if stack else match_image_name(name)
            if stack is None and image is None:
                continue
            plate = self._places.plate(key)
            # Of copies of a plate in several folders, the first is shown.
            keys.setdefault(plate, {}).setdefault(name, key)
            well = stack.group("row", "column") if stack else (name[:3].lower(), name[3:6].lower())
            wells.setdefault(plate, set()).add(well)
        if keys:
            return {
                plate: _Images(tuple(found.values()), wells=len(wells[plate]))
                for plate, found in keys.items()
            }
        return dict(self._listed_images())

    def _listed_images(self) -> Iterator[tuple[str, _Images]]:
        """Yield plates of which tables name the images."""
        lists = [one for one in self.found_tables.tables if one.kind == "images"]
        for table in lists[:_MOST_LISTS]:
            for plate in table.plates:
                yield plate, _Images(table=table.keys[0])

    @cached_property
    def _barcodes(self) -> tuple[Mapping[str, tuple[str, ...]], str]:
        """Batches by plate, and why they are not known; or empty."""
        found: dict[str, tuple[str, ...]] = {}
        files = find_files(self._part, self.home)
        try:
            for batch, key in files.barcode_tables().items():
                for plate in barcodes_of(files.read(key)):
                    found[plate] = (*found.get(plate, ()), batch)
        except CellfolioError as error:
            return {}, f"plate maps are not used: {error.message}"
        return found, ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not looked into, and why, for people."""
        return tuple(filter(None, (self._barcodes[1], *self.found_tables.notes)))

    @cached_property
    def summaries(self) -> tuple[PlateSummary, ...]:
        """The plates, by name."""
        with self._lock:
            batches, _ = self._barcodes
            tables: dict[str, list[PlateTable]] = {}
            for table in self.found_tables.tables:
                for plate in table.plates:
                    tables.setdefault(plate, []).append(table)
            names = sorted({*batches, *tables, *self._images} - {""})
            return tuple(
                PlateSummary(
                    name,
                    batches.get(name, ()),
                    tuple(sorted(tables.get(name, ()), key=_rank)),
                    len(self._images[name].keys) if name in self._images else 0,
                    self._images[name].wells if name in self._images else 0,
                )
                for name in names
            )

    @cached_property
    def _by_name(self) -> Mapping[str, PlateSummary]:
        return {one.name: one for one in self.summaries}

    def find(self, name: str) -> PlateSummary:
        """Return a plate.

        Raises
        ------
        NotFound
        """
        found = self._by_name.get(name)
        if found is None:
            where = f"{self.package.title}/{self.folder}".rstrip("/")
            known = list(self._by_name)
            told = f"there are {', '.join(known[:6])}" + (" …" if len(known) > 6 else "")
            raise NotFound(
                f"{where} has no plate {name!r}",
                hint=suggest(name, known) or (told if known else "it has no plates"),
            )
        return found

    def table(self, plate: str, name: str) -> PlateTable:
        """Return a table of a plate by its name.

        Raises
        ------
        NotFound
        """
        tables = self.find(plate).tables
        for one in tables:
            if one.name == name:
                return one
        raise NotFound(
            f"{name!r} is no table of the plate {plate}",
            hint=suggest(name, [one.name for one in tables]),
        )

    def mapped(self, name: str) -> PlateWells | None:
        """Return what the plate map tells of a plate; None where there is none.

        Raises
        ------
        CellfolioError
            If it cannot be read, or does not fit what else is told.
        """
        summary = self.find(name)
        if not summary.batches:
            return None
        batch = summary.batches[0]
        return self._once(
            self._wells,
            name,
            lambda: plate_wells(self._part, name, batch=batch, home=self.home),
        )

    def told(self, name: str, read: Callable[[], pd.DataFrame | None]) -> pd.DataFrame | None:
        """Return what is told of each well, which is read once.

        Raises
        ------
        CellfolioError
            If it cannot be read.
        """
        return self._once(self._told, name, read)

    def features(self, name: str, table: PlateTable, read: Callable[[], Features]) -> Features:
        """Return the numbers of a table; those of the last plates that were asked for are kept."""
        known = (name, table.name)
        with self._lock:
            found = self._features.pop(known, None) or read()
            self._features[known] = found
            while len(self._features) > _MOST_FEATURES:
                self._features.popitem(last=False)
        return found

    def _once(
        self, kept: dict[str, T | CellfolioError | None], name: str, read: Callable[[], T | None]
    ) -> T | None:
        """Return what is kept, or read and keep it; so are errors."""
        with self._lock:
            if name not in kept:
                try:
                    kept[name] = read()
                except CellfolioError as error:
                    kept[name] = error
            found = kept[name]
        if isinstance(found, CellfolioError):
            raise found
        return found

    def sites(self, name: str) -> tuple[SiteImages, ...]:
        """Return the sites of a plate, by well and number; none where there are no images.

        Raises
        ------
        CellfolioError
            If the images contradict each other, or none of them opens.
        """
        self.find(name)
        images = self._images.get(name)
        if images is None:
            return ()
        with self._lock:
            if name not in self._sites:
                self._sites[name] = tuple(self._find_sites(name, images))
            return self._sites[name]

    def _find_sites(self, name: str, images: _Images) -> Iterator[SiteImages]:
        places = self._places
        keys = places.keys if images.table else images.keys
        chosen = Places(places.title, keys, places.locate, places.above, images.table, self._part)
        found = find_sites(chosen, None, ChannelNames(), home=self.home)
        return (one for one in found if one.plate == name)

    def sites_of(self, name: str, well: Well) -> tuple[SiteImages, ...]:
        """Return the sites of a well."""
        return tuple(one for one in self.sites(name) if one.well == well)

    def listed_files(self, name: str) -> pd.DataFrame | None:
        """Return the table that names a plate's images, where file names do not tell."""
        images = self._images.get(name)
        if images is None or not images.table:
            return None
        files = image_files(self._part, images.table, home=self.home)
        return files[files[PLATE] == name]


def _rank(table: PlateTable) -> tuple[int, int, str]:
    """Of tables of wells, the one with most columns comes first: it tells most."""
    order = ("wells", "sites", "objects", "images")
    return order.index(table.kind), -len(table.columns), table.name


def channels_of(sites: tuple[SiteImages, ...]) -> tuple[str, ...]:
    """Return the channels of sites, in the order in which they are seen first."""
    return tuple(dict.fromkeys(channel for site in sites for channel, _ in site.parts))


def part_entry(site: SiteImages, channel: str) -> Entry | None:
    """Return the file of a package that has a channel of a site."""
    part = dict(site.parts).get(channel)
    return part.source if part is not None and isinstance(part.source, Entry) else None
