"""Pictures of the cells and wells that rows of a table are of, out of the images of a package."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cellfolio.errors import EntryNotFound, InvalidArgument, NotFound
from cellfolio.package.package import Package
from cellfolio.registries.plates import parse_well
from cellfolio.storage.home import Home
from cellfolio.workflows.measuring.channels import ChannelNames
from cellfolio.workflows.measuring.sites import SiteImages, find_sites
from cellfolio.workflows.places import find_places

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cellfolio.imaging.colours import Colour
    from cellfolio.imaging.contrast import Fixed

FOLDER = "images"
"""What folders with the images of plates are called."""
_COLUMNS = {
    "plate": ("Metadata_Plate", "Image_Metadata_Plate", "plate", "Plate"),
    "well": ("Metadata_Well", "Image_Metadata_Well", "well", "Well"),
    "site": ("Metadata_Site", "Image_Metadata_Site", "site", "Site"),
    "x": (
        "Nuclei_Location_Center_X", "Metadata_Nuclei_Location_Center_X",
        "Cells_Location_Center_X", "Metadata_Cells_Location_Center_X", "Location_Center_X",
    ),
    "y": (
        "Nuclei_Location_Center_Y", "Metadata_Nuclei_Location_Center_Y",
        "Cells_Location_Center_Y", "Metadata_Cells_Location_Center_Y", "Location_Center_Y",
    ),
}  # fmt: skip
_SUFFIXES = (".tif", ".tiff", ".png", ".jp2")
_WHOLE = 256
"""Pixels of the longer side of a picture of a whole site."""
_HELD = 6
"""Sites whose pixels are kept for further crops."""


@dataclass(frozen=True, slots=True)
class Spot:
    """What a row is of.

    Attributes
    ----------
    plate, well : str
    site : int or None
        None for a whole well.
    x, y : float or None
        Centre of the cell in pixels of the site; None for a whole site.
    """

    plate: str
    well: str
    site: int | None = None
    x: float | None = None
    y: float | None = None


def spot_columns(names: Sequence[str]) -> dict[str, str]:
    """Return the columns that tell what rows are of, by what they tell.

    Examples
    --------
    >>> spot_columns(["Metadata_Plate", "Metadata_Well", "Cells_Area"])
    {'plate': 'Metadata_Plate', 'well': 'Metadata_Well'}
    """
    known = set(names)
    found = {
        what: next(name for name in tried if name in known)
        for what, tried in _COLUMNS.items()
        if known.intersection(tried)
    }
    if "x" not in found or "y" not in found:
        found = {what: name for what, name in found.items() if what not in ("x", "y")}
    return found


def spots_of(rows: pd.DataFrame, columns: Mapping[str, str]) -> list[Spot | None]:
    """Return what rows are of; None of one that does not tell its well."""
    import pandas as pd

    if "well" not in columns:
        return [None] * len(rows)

    def told(row: Mapping[Any, Any], what: str) -> Any:
        value = row[columns[what]] if what in columns else None
        return None if value is None or pd.isna(value) else value

    found: list[Spot | None] = []
    for row in rows.to_dict("records"):
        well, plate = told(row, "well"), told(row, "plate")
        site, x, y = told(row, "site"), told(row, "x"), told(row, "y")
        try:
            number = None if site is None else int(site)
            name = str(parse_well(str(well)))
        except (ValueError, InvalidArgument):
            found.append(None)
            continue
        place = (None, None) if site is None or x is None or y is None else (float(x), float(y))
        found.append(Spot("" if plate is None else str(plate), name, number, *place))
    return found


def image_folders(package: Package, near: str) -> list[str]:
    """Return the folders of a package that have images of plates, the nearest to a file first."""
    found: dict[str, None] = {}
    for entry in package.walk():
        if not entry.logical_key.lower().endswith(_SUFFIXES):
            continue
        parts = entry.logical_key.split("/")
        at = next((n for n, one in enumerate(parts[:-1]) if one.casefold() == FOLDER), None)
        if at is not None:
            found["/".join(parts[: at + 1])] = None

    def shared(folder: str) -> int:
        pairs = zip(folder.split("/"), near.split("/"), strict=False)
        return next((n for n, (one, other) in enumerate(pairs) if one != other), 0)

    return sorted(found, key=lambda folder: (-shared(folder), folder))


@dataclass
class CropImages:
    """The images of the sites of a package; safe for several threads.

    Attributes
    ----------
    home : Home
    folder : str
        Where in the package they are.
    sites : mapping
        By plate, well and number of the site.
    """

    home: Home
    folder: str
    sites: Mapping[tuple[str, str, int], SiteImages] = field(repr=False)
    _read: OrderedDict[Any, _Pixels] = field(default_factory=OrderedDict, repr=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, package: Package, folder: str, home: Home) -> CropImages:
        """Find the images of a folder of a package; no pixels are read.

        Raises
        ------
        NotFound
            If there are none of a plate.
        InvalidArgument
            If two plates have sites in common.
        """
        inside = package.subset(folder) if folder else package
        sites = find_sites(find_places(inside, home), None, ChannelNames(), home=home)
        return cls(home, folder, {(one.plate, str(one.well), one.number): one for one in sites})

    def find(self, spot: Spot) -> SiteImages | None:
        """Return the site that has a spot: of a whole well, its first."""
        if spot.site is not None:
            return self.sites.get((spot.plate, spot.well, spot.site))
        numbers = [
            number for plate, well, number in self.sites if (plate, well) == (spot.plate, spot.well)
        ]
        return self.sites[spot.plate, spot.well, min(numbers)] if numbers else None

    def crop(self, spot: Spot, size: int) -> npt.NDArray[np.uint8]:
        """Return a picture around a spot, its channels in colours; of a well, the whole site.

        Parameters
        ----------
        spot : Spot
        size : int
            Pixels of the site that a side has; what lies outside of the image is black.

        Returns
        -------
        array of uint8, shape (rows, columns, 3)

        Raises
        ------
        NotFound
            If there is no image of it.
        BrokenFile, TransferError
        """
        import numpy as np

        from cellfolio.imaging.composite import blend
        from cellfolio.imaging.scaling import fit_zoom, zoom_pixels

        site = self.find(spot)
        if site is None:
            raise NotFound(f"there is no image of {spot.plate} {spot.well} site {spot.site or 1}")
        pixels = self._pixels(site)
        if spot.x is None or spot.y is None:
            zoom = min(1.0, fit_zoom(pixels.planes[0].shape, _WHOLE))
            planes = [zoom_pixels(plane, zoom) for plane in pixels.planes]
        else:
            corner = round(spot.y) - size // 2, round(spot.x) - size // 2
            planes = [_cut(plane, corner, size) for plane in pixels.planes]
        light = [
            one.apply(np.asarray(plane)) for one, plane in zip(pixels.limits, planes, strict=True)
        ]
        return blend(light, pixels.colours)

    def _pixels(self, site: SiteImages) -> _Pixels:
        with self._lock:
            found = self._read.get(site.order)
            if found is not None:
                self._read.move_to_end(site.order)
                return found
        found = _read_site(site, self.home)
        with self._lock:
            self._read[site.order] = found
            while len(self._read) > _HELD:
                self._read.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True)
class _Pixels:
    planes: tuple[npt.NDArray[Any], ...]
    limits: tuple[Fixed, ...]
    colours: tuple[Colour, ...]


def _read_site(site: SiteImages, home: Home) -> _Pixels:
    """Read the channels that a composite is made of, the contrast of each over the whole site."""
    from cellfolio.formats.images.opening import open_image
    from cellfolio.imaging.choosing import leave_out
    from cellfolio.imaging.colours import colours_of, parse_colour
    from cellfolio.imaging.contrast import Percentile
    from cellfolio.imaging.options import ViewOptions

    names = tuple(name for name, _ in site.parts)
    left_out = leave_out(names, ViewOptions(style="composite"))
    shown = [(name, part) for name, part in site.parts if name not in left_out]
    planes = []
    for _, part in shown:
        image = open_image(part.source, home=home)
        if part.channel and "C" in image.axes:
            image = image.select(c=part.channel)
        planes.append(image.select(**{axis.lower(): 0 for axis in image.lead}).read())
    if len({plane.shape for plane in planes}) != 1:
        raise EntryNotFound(f"the channels of {site} are not all of one size")
    limits = tuple(Percentile(5, 99.9).limits(plane) for plane in planes)
    colours = tuple(parse_colour(one) for one in colours_of([name for name, _ in shown]))
    return _Pixels(tuple(planes), limits, colours)


def _cut(plane: npt.NDArray[Any], corner: tuple[int, int], size: int) -> npt.NDArray[Any]:
    """Return a square of a plane; what lies outside of it is 0."""
    import numpy as np

    found = np.zeros((size, size), dtype=plane.dtype)
    (top, left), (height, width) = corner, plane.shape
    rows = slice(max(0, top), max(0, min(height, top + size)))
    columns = slice(max(0, left), max(0, min(width, left + size)))
    part = plane[rows, columns]
    if part.size:
        down, across = rows.start - top, columns.start - left
        found[down : down + part.shape[0], across : across + part.shape[1]] = part
    return found
