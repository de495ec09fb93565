"""Which images of a package belong together: channels of a site, and the labels of an image.

Rule 1: files that an Opera Phenix named are one image for each folder, well and site.
Rule 2: a label image is known by its name (``nuclei``, ``cells``, ``mask``, ``labels``), and
belongs to an image of the same well and site, or whose name is the same without such words.
Rule 3: of several labels of one kind, those count whose path has most in common with the image's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from cellfolio.registries.plates import Well, match_image_name
from cellfolio.workflows.measuring.labels import CELLS, NUCLEI, kind_of, site_of

CYTOPLASM, OBJECTS = "cytoplasm", "objects"
KINDS = (CELLS, CYTOPLASM, NUCLEI, OBJECTS)
"""Kinds of objects, in the order in which they are drawn."""
_SUFFIX = re.compile(r"\.(?:ome\.)?(?:tiff?|png|zarr)$", re.IGNORECASE)
_IMAGES = (".tif", ".tiff", ".png", ".zarr")
_STACK = re.compile(
    r"r(?P<row>[0-9]{2})c(?P<column>[0-9]{2})f(?P<site>[0-9]{2,3})(?:p[0-9]{2})?",
    re.ASCII | re.IGNORECASE,
)
"""All channels of a site in one file, without its suffix."""
_CYTOPLASM = re.compile(r"(?<![a-z])cytoplasm(?![a-z])", re.IGNORECASE)
_LABEL_WORDS = (
    r"masks?|labels?|seg(?:mentations?|mented)?|nucle(?:i|us)|cells?|cytoplasm|objects?|contours?"
)
_IS_LABELS = re.compile(rf"(?<![a-z])(?:{_LABEL_WORDS})(?![a-z])", re.IGNORECASE)
_SURELY = re.compile(r"(?<![a-z])(?:masks?|labels?|seg(?:mentations?|mented)?)(?![a-z])", re.I)
_LEFT_OUT = re.compile(rf"(?:(?<![a-z])(?:{_LABEL_WORDS}|img|images?)(?![a-z])|[\s_.-])+", re.I)

K = TypeVar("K")

Site = tuple[str, Well, int]
"""Folder, well and number of a site."""


@dataclass(frozen=True, slots=True)
class ImageIndex:
    """The images of a package, or of a folder of it.

    Attributes
    ----------
    sites : mapping of Site to tuple of str
        Keys of the images of each site, in their order.
    labels : mapping of str or (Well, int) to tuple of str
        Keys of label images, by well and site, or by what their name has besides words for labels.
    """

    sites: Mapping[Site, tuple[str, ...]]
    labels: Mapping[object, tuple[str, ...]]

    def find_site(self, folder: str, well: Well, number: int | None, plate: str = "") -> list[Site]:
        """Return the sites of a well below a folder, and of a plate if its name is given."""
        below = f"{folder}/" if folder else ""
        return [
            site
            for site in self.sites
            if site[1] == well
            and number in (None, site[2])
            and f"{site[0]}/".startswith(below)
            and (not plate or plate in site[0].split("/"))
        ]

    def find_labels(self, key: str) -> dict[str, str]:
        """Return the key of the label image of each kind that belongs to an image."""
        folder, _, name = key.rpartition("/")
        of_site = self.labels.get(site_of(key), ())
        if key in of_site or _is_surely_labels(name) or _is_surely_labels(_above(key)):
            return {}
        found = list(of_site)
        near = {folder, folder.rpartition("/")[0]}
        found += [
            one
            for one in self.labels.get(_rest_of(name), ())
            if {(above := one.rpartition("/")[0]), above.rpartition("/")[0]} & near
        ]
        best: dict[str, str] = {}
        for one in found:
            kind = labels_kind(one)
            if one != key and (kind not in best or _common(one, key) > _common(best[kind], key)):
                best[kind] = one
        return {kind: best[kind] for kind in KINDS if kind in best}


def index_images(keys: Iterable[str]) -> ImageIndex:
    """Find out which images belong together, by their keys alone.

    Examples
    --------
    >>> index = index_images(["a/img2d.tif", "a/mask2d.tif", "b/r01c02f03p01-ch1sk1fk1fl1.tiff"])
    >>> index.find_labels("a/img2d.tif"), list(index.sites)
    ({'objects': 'a/mask2d.tif'}, [('b', Well(row=1, column=2), 3)])
    """
    sites: dict[Site, list[str]] = {}
    labels: dict[object, list[str]] = {}
    for key in keys:
        if not key.lower().endswith(_IMAGES):
            continue
        site = site_of_image(key)
        if site is not None:
            sites.setdefault(site, []).append(key)
        elif is_label_image(key.rpartition("/")[2]) or is_label_image(_above(key)):
            place = site_of(key)
            labels.setdefault(_rest_of(key.rpartition("/")[2]), []).append(key)
            if place is not None:
                labels.setdefault(place, []).append(key)
    return ImageIndex(_frozen(sites), _frozen(labels))


def site_of_image(key: str) -> Site | None:
    """Return the site that an image is of, if its name tells; label images are of none.

    Examples
    --------
    >>> site_of_image("p/r01c02f03p01.ome.tiff")
    ('p', Well(row=1, column=2), 3)
    """
    folder, _, name = key.rpartition("/")
    found = match_image_name(name)
    if found is not None:
        return folder, found.well, found.site
    stack = _STACK.fullmatch(_SUFFIX.sub("", name))
    if stack is None or is_label_image(_above(key)):
        return None
    return folder, Well(int(stack["row"]), int(stack["column"])), int(stack["site"])


def is_label_image(name: str) -> bool:
    """Whether the name of a file or folder tells that there are objects, not light."""
    return _IS_LABELS.search(_SUFFIX.sub("", name).replace("_", " ")) is not None


def _is_surely_labels(name: str) -> bool:
    """Whether a name says so itself: "cells" and "nuclei" may also tell what an image shows."""
    return _SURELY.search(_SUFFIX.sub("", name).replace("_", " ")) is not None


def labels_kind(key: str) -> str:
    """Return which objects a label image has, by its name: one of `KINDS`.

    Examples
    --------
    >>> labels_kind("x/Cytoplasm_labels.tiff"), labels_kind("mask2d.tif")
    ('cytoplasm', 'objects')
    """
    name = key.rpartition("/")[2]
    if _CYTOPLASM.search(name.replace("_", " ")):
        return CYTOPLASM
    return kind_of(name if _SUFFIX.search(name) else f"{name}.tiff") or OBJECTS


def _above(key: str) -> str:
    return key.rpartition("/")[0].rpartition("/")[2]


def _rest_of(name: str) -> str:
    """Return what tells an image from others, without words for images and labels."""
    plain = _SUFFIX.sub("", name).replace("_", " ")
    # "img2d": the word may be followed by what tells images apart.
    plain = re.sub(r"^(?:img|image|mask|labels?)(?=[0-9])", "", plain, flags=re.IGNORECASE)
    return _LEFT_OUT.sub(" ", plain).strip().lower()


def _common(key: str, other: str) -> int:
    return len(set(key.split("/")) & set(other.split("/")))


def _frozen(found: Mapping[K, list[str]]) -> dict[K, tuple[str, ...]]:
    return {key: tuple(values) for key, values in found.items()}
