"""The sites that a folder or package has images of, and the labels of their objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.formats.images.opening import names_image
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.registries.gallery import IMAGE_FOLDER, parse_plate_folder
from cellfolio.registries.plates import ImageName, Well, match_image_name
from cellfolio.storage.home import Home
from cellfolio.workflows.opening import is_path, open_package

_SITE = re.compile(r"r(\d{2,3})c(\d{2,3})f(\d{2,3})", re.IGNORECASE)
"""As images are called, anywhere in the path of a file of labels."""


@dataclass(frozen=True, slots=True)
class PlateSite:
    """A site of a plate, with its images.

    Attributes
    ----------
    plate : str
    well : Well
    site : int
    images : mapping of ImageName to Path or Entry
    """

    plate: str
    well: Well
    site: int
    images: Mapping[ImageName, Path | Entry]

    @property
    def key(self) -> str:
        """Plate, well and site, as a path."""
        return f"{self.plate}/{self.well}/{self.site}"


def list_sources(where: Package | Path | str, home: Home) -> list[tuple[str, Path | Entry]]:
    """Return the files of a folder or package, with their paths in it, sorted.

    Raises
    ------
    NotFound, InvalidReference
    """
    if isinstance(where, Package):
        return [(one.logical_key, one) for one in where.walk()]
    local = Path(where).expanduser()
    if isinstance(where, Path) or is_path(where) or local.exists():
        if not local.is_dir():
            raise NotFound(f"there is no folder {local}")
        paths = sorted(one for one in local.rglob("*") if one.is_file())
        return [(one.absolute().as_posix(), one) for one in paths]
    opened = open_package(where, home)
    package = opened.package.subset(opened.path) if opened.path else opened.package
    return [(one.logical_key, one) for one in package.walk()]


def find_sites(
    where: Package | Path | str, home: Home, *, plate: str | None = None
) -> list[PlateSite]:
    """Return the sites that have images in a folder, the folders below it, or a package.

    Images are called as the Opera Phenix calls them. The plate is the folder that they are in, or
    the one above if that is ``Images``; of a name as the microscope gives it, the barcode.

    Parameters
    ----------
    where : Package, Path or str
    home : Home
    plate : str, optional
        The plate of all images, whatever their folders are called.

    Returns
    -------
    list of PlateSite
        By plate, well and site.

    Raises
    ------
    NotFound, InvalidReference
    InvalidArgument
        If there are no images, or an image is there twice.
    """
    found: dict[tuple[str, Well, int], dict[ImageName, Path | Entry]] = {}
    for path, source in list_sources(where, home):
        folders, _, file = path.rpartition("/")
        name = match_image_name(file)
        if name is None:
            continue
        at = (plate or _plate_of(folders), name.well, name.site)
        images = found.setdefault(at, {})
        if name in images:
            raise InvalidArgument(
                f"{name} of plate {at[0]} is there twice: {images[name]} and {path}",
                hint="name the folder that has one of them",
            )
        images[name] = source
    if not found:
        raise InvalidArgument(
            f"{_title(where)} has no images of a plate, such as r01c01f01p01-ch1sk1fk1fl1.tiff"
        )
    return [PlateSite(*at, images) for at, images in sorted(found.items(), key=lambda one: one[0])]


def _plate_of(folders: str) -> str:
    parts = [one for one in folders.split("/") if one and one.lower() != IMAGE_FOLDER.lower()]
    return parse_plate_folder(parts[-1]).barcode if parts else "plate"


def _title(where: Package | Path | str) -> str:
    return where.title if isinstance(where, Package) else str(where)


@dataclass(frozen=True)
class SiteLabels:
    """Files of labels: an image for each site that tells the object of each pixel.

    Attributes
    ----------
    title : str
        Of the folder or package.
    files : mapping
        Files by row, column and site, with their paths.
    """

    title: str
    files: Mapping[tuple[int, int, int], tuple[tuple[str, Path | Entry], ...]]

    def of(self, site: PlateSite) -> Path | Entry:
        """Return the labels of a site.

        Raises
        ------
        NotFound
            If there are none.
        InvalidArgument
            If there are several.
        """
        found = self.files.get((site.well.row, site.well.column, site.site), ())
        if len(found) > 1:
            parts = [one for one in found if site.plate in re.split(r"[/_.]", one[0])]
            found = tuple(parts) or found
        if not found:
            raise NotFound(f"{self.title} has no labels of {site.key}")
        if len(found) > 1:
            shown = ", ".join(path.rpartition("/")[2] for path, _ in found[:4])
            raise InvalidArgument(
                f"{self.title} has {len(found)} files with labels of {site.key}: {shown}",
                hint="name the kind of objects that is wanted, as files are called: Nuclei",
            )
        return found[0][1]


def find_labels(where: Package | Path | str, home: Home, *, objects: str = "") -> SiteLabels:
    """Return the images of labels of a folder or package.

    The path of each has the site as images have it, ``r04c14f05``, in its name or in that of a
    folder. Where several plates have the same site, the path has the plate, too.

    Parameters
    ----------
    where : Package, Path or str
    home : Home
    objects : str
        The kind of objects, such as ``Nuclei``: how names of files begin, upper or lower case, or
        a word of them.

    Raises
    ------
    NotFound, InvalidReference
    InvalidArgument
        If there are none.
    """
    found: dict[tuple[int, int, int], list[tuple[str, Path | Entry]]] = {}
    for path, source in list_sources(where, home):
        places = _SITE.findall(path)
        if not names_image(path) or not places or not _is_kind(path, objects):
            continue
        row, column, site = map(int, places[-1])
        found.setdefault((row, column, site), []).append((path, source))
    if not found:
        kind = f" of {objects}" if objects else ""
        raise InvalidArgument(
            f"{_title(where)} has no images of labels{kind} with a site in their path",
            hint="call them as images are called: r04c14f05_Nuclei.tiff, r04c14f05/Nuclei.tiff",
        )
    return SiteLabels(_title(where), {at: tuple(files) for at, files in found.items()})


def _is_kind(path: str, objects: str) -> bool:
    words = re.split(r"[^a-z0-9]+", path.rpartition("/")[2].lower())
    return not objects or objects.lower() in words
