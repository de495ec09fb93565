"""Which sites there are, and the images of each: by names of files, or by a table of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.errors import CellfolioError, InvalidArgument, NotFound
from cellfolio.formats.images.opening import ImageSource
from cellfolio.metadata.columns import PLATE, SITE, WELL
from cellfolio.metadata.load_data import CHANNEL, FILE, FOLDER, KIND
from cellfolio.registries.plates import Well, match_image_name, parse_well
from cellfolio.storage.home import Home
from cellfolio.workflows.measuring.channels import ChannelNames
from cellfolio.workflows.mosaics import image_files
from cellfolio.workflows.places import Places

if TYPE_CHECKING:
    import pandas as pd

STACK = re.compile(
    r"r(?P<row>[0-9]{2})c(?P<column>[0-9]{2})f(?P<site>[0-9]{2,3})(?:p[0-9]{2})?\.ome\.tiff?",
    re.ASCII | re.IGNORECASE,
)
"""All channels of a site in one file."""
_TABLE = re.compile(
    r"load_data(?:_with_illum)?\.(?:csv|csv\.gz|parquet)|index\.(?:idx\.)?xml", re.IGNORECASE
)
NUMBERED = re.compile(r"(ch?)([0-9]{1,3})")
"""A channel without a name: ``ch5`` by the name of its file, ``c5`` by its place in a file."""
_SAFE = re.compile(r"[^\w.+-]+")
MOST_SITES = 999
"""Of a well; `image_number` has three digits for it."""


@dataclass(frozen=True, slots=True)
class ImagePart:
    """Where the image of a channel is.

    Attributes
    ----------
    key : str
        What records call it: its path below the folder or package that the user named.
    source : str, Path or Entry
    channel : str
        Which of the channels in it; empty if it has one.
    """

    key: str
    source: ImageSource
    channel: str = ""


@dataclass(frozen=True, slots=True)
class SiteImages:
    """A site and its images.

    Attributes
    ----------
    plate : str
    well : Well
    number : int
        Of the site.
    parts : tuple of (str, ImagePart)
        By channel.
    illumination : tuple of (str, ImagePart)
        Functions that images are divided by, by channel.
    problem : str
        Why it cannot be measured; or empty.
    """

    plate: str
    well: Well
    number: int
    parts: tuple[tuple[str, ImagePart], ...] = ()
    illumination: tuple[tuple[str, ImagePart], ...] = ()
    problem: str = ""

    @property
    def name(self) -> str:
        """What files about it are called."""
        return f"{self.well}_{self.number}"

    @property
    def folder(self) -> str:
        """What folders of its plate are called."""
        return _SAFE.sub("-", self.plate).lstrip(".-") or "plate"

    @property
    def order(self) -> tuple[str, Well, int]:
        """What sites are sorted by: plate, well, number."""
        return self.plate, self.well, self.number

    @property
    def image_number(self) -> int:
        """A number that no other site of the plate has, whichever of them are measured."""
        return ((self.well.row - 1) * 48 + self.well.column - 1) * (MOST_SITES + 1) + self.number

    def all_parts(self, labels: Sequence[tuple[str, ImagePart]]) -> tuple[ImagePart, ...]:
        """Return all files that it is made of, with its labels by kind."""
        groups = (self.parts, self.illumination, labels)
        return tuple(part for group in groups for _, part in group)

    def __str__(self) -> str:
        return f"{self.plate} {self.well} site {self.number}"


@dataclass(frozen=True, slots=True)
class _Found:
    """An image file, or a channel in one, of a site."""

    site: SiteImages
    channel: str
    part: ImagePart
    illumination: bool = False
    problem: str = ""


def find_sites(
    places: Places,
    images: Places | None,
    names: ChannelNames,
    *,
    plate: str = "",
    home: Home,
) -> list[SiteImages]:
    """Return the sites of a folder, package or table, by plate, well and number.

    Parameters
    ----------
    places : Places
        Where images are, or the table that names them.
    images : Places, optional
        Where images are that a table names, if not where it says.
    names : ChannelNames
    plate : str
        Its name, if files do not tell it, or tell another.
    home : Home

    Raises
    ------
    NotFound
        If there is no image of a plate.
    InvalidArgument
        If a channel that is wanted is nowhere, or plates have sites in common.
    """
    table = places.file or ("" if _any_named(places) else _only_table(places))
    if places.file and not _is_table(places.file):
        raise InvalidArgument(
            f"{places.file} is no table of images", hint="name the folder with the images"
        )
    found = list(_of_table(places, table, images, home) if table else _of_names(places, home))
    there = list(dict.fromkeys(one.channel for one in found if not one.illumination))
    sites: dict[tuple[str, Well, int], list[_Found]] = {}
    for one in found:
        site = replace(one.site, plate=plate or one.site.plate)
        sites.setdefault(site.order, []).append(replace(one, site=site))
    made = [_put_together(group, names) for _, group in sorted(sites.items())]
    names.check_found((channel for one in made for channel, _ in one.parts), there)
    _check_folders(made)
    return list(_complete(made))


def _any_named(places: Places) -> bool:
    names = (key.rpartition("/")[2] for key in places.keys)
    return any(match_image_name(name) or STACK.fullmatch(name) for name in names)


def _is_table(key: str) -> bool:
    return key.lower().endswith((".csv", ".csv.gz", ".tsv", ".parquet", ".xml"))


def _only_table(places: Places) -> str:
    found = [key for key in places.keys if _TABLE.fullmatch(key.rpartition("/")[2])]
    if not found:
        raise NotFound(
            f"{places.title} has no images of a plate, such as r01c01f01p01-ch1sk1fk1fl1.tiff",
            hint="name a load_data table or an Index.idx.xml, with --images if they are elsewhere",
        )
    if len(found) > 1:
        raise InvalidArgument(
            f"{places.title} has several tables of images: {', '.join(found[:3])}",
            hint="name one of them",
        )
    return found[0]


def _of_names(places: Places, home: Home) -> Iterator[_Found]:
    stacks: list[tuple[SiteImages, str, ImageSource]] = []
    for key in places.keys:
        name = key.rpartition("/")[2]
        image, stack = match_image_name(name), STACK.fullmatch(name)
        if image is not None:
            site = SiteImages(places.plate(key), image.well, image.site)
            yield _Found(site, f"ch{image.channel}", ImagePart(key, places.locate(key)))
        elif stack is not None:
            well = Well(int(stack["row"]), int(stack["column"]))
            site = SiteImages(places.plate(key), well, int(stack["site"]))
            stacks.append((site, key, places.locate(key)))
    channels = _channels_of([source for *_, source in stacks], home)
    for site, key, source in stacks:
        for channel in channels:
            yield _Found(site, channel, ImagePart(key, source, channel))


def _channels_of(stacks: Sequence[ImageSource], home: Home) -> tuple[str, ...]:
    """Return the channels of the first file that opens; the others should have the same."""
    from cellfolio.formats.images import open_image

    trouble: CellfolioError | None = None
    for source in stacks:
        try:
            image = open_image(source, home=home)
        except CellfolioError as error:
            trouble = trouble or error
            continue
        count = image.shape[image.axes.index("C")] if "C" in image.axes else 1
        return image.channels or tuple(f"c{number}" for number in range(1, count + 1))
    if trouble is not None:
        raise trouble
    return ()


def _of_table(places: Places, key: str, images: Places | None, home: Home) -> Iterator[_Found]:
    files = _read_table(places, key, home)
    where = _locator(places, key, images)
    columns = [PLATE, WELL, SITE, CHANNEL, KIND, FILE, FOLDER]
    several = files.groupby([PLATE, WELL, SITE, FILE])[CHANNEL].transform("nunique") > 1
    rows = files[columns].itertuples(index=False, name=None)
    for row, shared in zip(rows, several, strict=True):
        plate, well, number, channel, kind, file, folder = row
        site = SiteImages(str(plate), parse_well(well), int(number))
        illumination = kind != "Orig"
        try:
            part = ImagePart(*where(file, folder), channel if shared else "")
        except CellfolioError as error:
            yield _Found(site, channel, ImagePart(file, file), illumination, str(error))
        else:
            yield _Found(site, channel, part, illumination)


def _read_table(places: Places, key: str, home: Home) -> pd.DataFrame:
    if places.package is not None:
        return image_files(places.package, key, home=home)
    source = places.locate(key)
    assert isinstance(source, Path)
    return image_files(source, home=home)


def _locator(
    places: Places, key: str, images: Places | None
) -> Callable[[str, str | None], tuple[str, ImageSource]]:
    """Return what finds the key and the file of a name and folder that a table tells."""
    there = images or (places if places.package is not None else None)
    table = places.locate(key)

    def within(file: str, folder: str | None) -> tuple[str, ImageSource]:
        assert there is not None
        found = there.find(file, folder)
        return found, there.locate(found)

    def beside(file: str, folder: str | None) -> tuple[str, ImageSource]:
        assert isinstance(table, Path)
        found = f"{folder.rstrip('/')}/{file}" if folder else file
        return found, found if "://" in found else table.parent / found

    return beside if there is None else within


def _put_together(group: Sequence[_Found], names: ChannelNames) -> SiteImages:
    """Make one site of the images that are of it."""
    site = group[0].site
    parts: dict[str, ImagePart] = {}
    functions: dict[str, ImagePart] = {}
    problems = []
    if not 1 <= site.number <= MOST_SITES:
        problems.append(f"its number should be from 1 to {MOST_SITES}")
    for one in group:
        name = names.named(one.channel)
        numbered = NUMBERED.fullmatch(one.channel)
        if numbered and (numbered[1] == "ch" or names.of):
            name = names.numbered(int(numbered[2]))
        if name is None:
            continue
        kept = functions if one.illumination else parts
        if one.problem:
            problems.append(one.problem)
        elif name in kept:
            problems.append(f"channel {name} has two images: {kept[name].key} and {one.part.key}")
        kept[name] = one.part
    return replace(
        site,
        parts=tuple(sorted(parts.items())),
        illumination=tuple(sorted(functions.items())),
        problem="; ".join(problems[:2]),
    )


def _complete(sites: Sequence[SiteImages]) -> Iterator[SiteImages]:
    """Tell of each site which channels it lacks that others of its plate have."""
    wanted: dict[str, set[str]] = {}
    for site in sites:
        wanted.setdefault(site.plate, set()).update(channel for channel, _ in site.parts)
    for site in sites:
        missing = sorted(wanted[site.plate].difference(channel for channel, _ in site.parts))
        lacks = f"there is no image of {', '.join(missing)}" if missing else ""
        yield replace(site, problem="; ".join(filter(None, (site.problem, lacks))))


def _check_folders(sites: Iterable[SiteImages]) -> None:
    """Refuse plates whose results would be in one folder."""
    plates: dict[str, str] = {}
    for site in sites:
        other = plates.setdefault(site.folder.casefold(), site.plate)
        if other != site.plate:
            raise InvalidArgument(f"plates {other!r} and {site.plate!r} would share a folder")
