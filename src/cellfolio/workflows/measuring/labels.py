"""Which label images a site has: by their names, and those of the folders that they are in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.registries.plates import Well, parse_well
from cellfolio.workflows.measuring.sites import ImagePart, SiteImages
from cellfolio.workflows.places import Places

NUCLEI, CELLS = "nuclei", "cells"
_KINDS = {
    NUCLEI: re.compile(r"(?<![a-z])nucle(?:i|us)(?![a-z])", re.IGNORECASE),
    CELLS: re.compile(r"(?<![a-z])cells?(?![a-z])", re.IGNORECASE),
}
_SUFFIX = re.compile(r"\.(?:tiff?|png|zarr)$", re.IGNORECASE)
_NUMBERED = re.compile(
    r"(?<![a-z0-9])r(?P<row>[0-9]{2})c(?P<column>[0-9]{2})f(?P<site>[0-9]{2,3})(?:p[0-9]{2})?"
    r"(?![a-z0-9])",
    re.ASCII | re.IGNORECASE,
)
_LETTERED = re.compile(
    r"(?<![A-Za-z0-9])(?P<well>[A-P][0-9]{2}|A[A-F][0-9]{2})[_-]+(?:site|s|f)?[_-]?"
    r"(?P<site>[0-9]{1,3})(?![0-9A-Za-z])",
    re.ASCII,
)


@dataclass(frozen=True)
class ReadyLabels:
    """Label images that were made elsewhere, by site.

    Attributes
    ----------
    title : str
        What the user calls the folder or package.
    keys : mapping
        Keys by well, number of the site, and kind.
    places : Places
    """

    title: str
    keys: Mapping[tuple[Well, int, str], tuple[str, ...]]
    places: Places

    @classmethod
    def of(cls, places: Places) -> ReadyLabels:
        """Find the label images of a folder or package.

        A name has ``nuclei`` or ``cells`` in it; it, or that of its folder, has the site as
        ``r02c03f01`` or ``B03_1``.

        Raises
        ------
        NotFound
            If there is none.
        """
        found: dict[tuple[Well, int, str], list[str]] = {}
        for key in places.keys:
            site, kind = site_of(key), kind_of(key)
            if site is not None and kind is not None:
                found.setdefault((*site, kind), []).append(key)
        if not any(kind == NUCLEI for _, _, kind in found):
            raise NotFound(
                f"{places.title} has no labels of nuclei",
                hint="expected names such as B03_1_nuclei.tiff or r02c03f01p01_nuclei.tiff",
            )
        return cls(places.title, {site: tuple(keys) for site, keys in found.items()}, places)

    def find(self, site: SiteImages) -> dict[str, ImagePart]:
        """Return the labels of a site: nuclei, and cells if there are some.

        Raises
        ------
        NotFound
            If there are none of nuclei.
        InvalidArgument
            If there are several, and the plate does not tell which.
        """
        found = {}
        for kind in _KINDS:
            keys = self.keys.get((site.well, site.number, kind), ())
            if len(keys) > 1:
                keys = tuple(key for key in keys if self.places.plate(key) == site.plate)
                if len(keys) != 1:
                    raise InvalidArgument(
                        f"{self.title} has {len(keys)} images of {kind} of this plate, well and "
                        "site; expected one"
                    )
            if keys:
                found[kind] = ImagePart(f"labels:{keys[0]}", self.places.locate(keys[0]))
        if NUCLEI not in found:
            raise NotFound(f"{self.title} has no labels of its nuclei")
        return found


def site_of(key: str) -> tuple[Well, int] | None:
    """Return the well and site that the name of a file, or of its folder, tells; None if none.

    Examples
    --------
    >>> site_of("labels/DMSO_r04c14f05/Cells_labels.tiff")
    (Well(row=4, column=14), 5)
    """
    for part in reversed(key.split("/")[-2:]):
        numbered, lettered = _NUMBERED.search(part), _LETTERED.search(part)
        if numbered is not None:
            well = Well(int(numbered["row"]), int(numbered["column"]))
            return well, int(numbered["site"])
        if lettered is not None:
            return parse_well(lettered["well"]), int(lettered["site"])
    return None


def kind_of(key: str) -> str | None:
    """Return which objects an image has by its name: 'nuclei' or 'cells'; None if none.

    Examples
    --------
    >>> kind_of("r02c03f01p01_nuclei.tiff"), kind_of("README.md")
    ('nuclei', None)
    """
    name = key.rpartition("/")[2]
    if not _SUFFIX.search(name):
        return None
    plain = name.replace("_", " ")
    found = [kind for kind, named in _KINDS.items() if named.search(plain)]
    return found[0] if len(found) == 1 else None
