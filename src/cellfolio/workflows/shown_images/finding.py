"""Which files an image of a package is made of, by what an address names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cellfolio.errors import EntryNotFound, InvalidArgument
from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.package.package import Package
from cellfolio.registries.plates import Well, match_image_name, parse_well
from cellfolio.workflows.finding_images import zarr_place
from cellfolio.workflows.measuring.labels import site_of
from cellfolio.workflows.shown_images.index import ImageIndex, Site, site_of_image

MOST_KEYS = 1_000_000
"""Files of a folder that are looked at to find what belongs together."""
_ZARR_FILES = (".zattrs", "zarr.json")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which image of a file, folder or package.

    Attributes
    ----------
    well, plate : str
        Of a site in a folder; empty for any.
    site : int or None
        Its number; None for the first.
    alone : bool
        Whether a file is opened by itself, though it is one channel of a site.
    series : int
        Which image of an OME-TIFF with several.
    """

    well: str = ""
    site: int | None = None
    plate: str = ""
    alone: bool = False
    series: int = 0


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The files of an image.

    Attributes
    ----------
    key : str
        Of the first file, or of the folder of an OME-Zarr.
    name : str
    entries : tuple of Entry
        One, or all of a site; none for an OME-Zarr.
    store : str
        Where an OME-Zarr is.
    site : Site or None
    """

    key: str
    name: str
    entries: tuple[Entry, ...] = ()
    store: str = ""
    site: Site | None = None


def is_zarr(folder: Folder) -> bool:
    """Whether a folder is an OME-Zarr image."""
    is_named = folder.key.endswith(".zarr")
    return is_named and any(name in folder for name in _ZARR_FILES)


def keys_below(package: Package, folder: str = "") -> list[str]:
    """Return the keys of all files in a folder and below; none if they are too many."""
    rows = package.rows
    start, stop = rows.folder(f"{folder}/") if folder else (0, len(rows))
    return [rows.key(number) for number in range(start, stop)] if stop - start <= MOST_KEYS else []


def folder_of(package: Package, key: str) -> str:
    """Return the folder that a key names, or that the file is in which it names."""
    return key.rpartition("/")[0] if package.rows.find(key) is not None else key.strip("/")


def may_be_labels(keys: Sequence[str], key: str) -> list[str]:
    """Return the few keys among which the labels of an image are, by quick comparisons.

    Label images have the well and site in their path, or are near and called as the image is.
    """
    site = site_of(key)
    above = key.rpartition("/")[0].rpartition("/")[0]
    near = f"{above}/" if above else ""
    if site is None:
        return [one for one in keys if one.startswith(near)]
    well, number = site
    words = (f"r{well.row:02}c{well.column:02}f{number:02}", str(well))
    first, second, third, fourth = (word for one in words for word in (one.lower(), one.upper()))
    # Four comparisons written out take a third of the time of a loop, for each of many files.
    return [one for one in keys if first in one or third in one or second in one or fourth in one]


def find_files(package: Package, key: str, asked: Asked, index: ImageIndex) -> ImageFiles:
    """Return the files of the image that is asked for.

    Parameters
    ----------
    package : Package
    key : str
        Of a file, of a folder that has sites or is an OME-Zarr, or empty.
    asked : Asked
    index : ImageIndex

    Raises
    ------
    EntryNotFound
        If there is no such file, folder, well or site.
    InvalidArgument
        If a folder has several sites and none is asked for.
    """
    found = package[key] if key else package
    if isinstance(found, Folder):
        if is_zarr(found) and not asked.well:
            return ImageFiles(found.key, found.key.rpartition("/")[2], store=zarr_place(found))
        return _of_site(package, _choose_site(found, asked, index), index)
    site = site_of_image(found.logical_key)
    is_channel = match_image_name(found.name) is not None
    if site is not None and site in index.sites and is_channel and not asked.alone:
        return _of_site(package, site, index)
    return ImageFiles(found.logical_key, found.name, (found,), site=site)


def _choose_site(folder: Folder, asked: Asked, index: ImageIndex) -> Site:
    if asked.well:
        sites = index.find_site(folder.key, parse_well(asked.well), asked.site, asked.plate)
        wanted = f"{asked.well}" + (f" site {asked.site}" if asked.site is not None else "")
        if not sites:
            raise EntryNotFound(f"{folder.key or 'the package'} has no images of {wanted}")
        plates = {site[0] for site in sites}
        if len(plates) > 1:
            raise InvalidArgument(
                f"{len(plates)} folders have images of {wanted}: {', '.join(sorted(plates)[:5])}",
                hint="name the plate with plate=, or its folder",
            )
        return min(sites, key=lambda site: site[2])
    below = f"{folder.key}/" if folder.key else ""
    inside = [site for site in index.sites if f"{site[0]}/".startswith(below)]
    if len(inside) == 1:
        return inside[0]
    raise InvalidArgument(
        f"{folder.key or 'the package'} is a folder with images of {len(inside)} sites; "
        "expected one image",
        hint="name a file, or a site with well= and site=" if inside else "name a file",
    )


def _of_site(package: Package, site: Site, index: ImageIndex) -> ImageFiles:
    folder, well, number = site
    entries = tuple(package.entry(key) for key in index.sites[site])
    plate = folder.rpartition("/")[2]
    name = f"{plate} {well} site {number}" if plate else f"{well} site {number}"
    return ImageFiles(entries[0].logical_key, name, entries, site=site)


def neighbours(index: ImageIndex, site: Site) -> tuple[Site | None, Site | None]:
    """Return the sites before and after one in its folder, by well and number."""
    inside = sorted((one for one in index.sites if one[0] == site[0]), key=_order)
    at = inside.index(site)
    return (inside[at - 1] if at else None, inside[at + 1] if at + 1 < len(inside) else None)


def _order(site: Site) -> tuple[Well, int]:
    return site[1], site[2]
