"""Images by what a user calls them: files, folders, URIs, files of packages, sites of plates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cellfolio.errors import InvalidArgument, InvalidReference, NotFound, ObjectNotFound
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.opening import ImageSource, open_image
from cellfolio.formats.images.site import open_site
from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.registries.plates import ImageName, match_image_name
from cellfolio.storage.home import Home
from cellfolio.storage.workers import at_once
from cellfolio.workflows.opening import open_package
from cellfolio.workflows.systems import is_address

Viewable = str | Path | Entry | Image
"""What can be looked at; a text is a path, a URI, or a file or folder of a package."""


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image that a user named.

    Attributes
    ----------
    image : Image
    site : ImageName or None
        Where on a plate it is, if its name tells.
    """

    image: Image
    site: ImageName | None = None


def find_images(words: Iterable[Viewable], home: Home) -> list[FoundImage]:
    """Open the images that a user names; no pixels are read.

    Files that an Opera Phenix named are put together: all of a site are one image. Of a folder,
    these files are taken.

    Parameters
    ----------
    words : iterable of str, Path, Entry or Image
    home : Home

    Returns
    -------
    list of FoundImage
        In the order in which they were named.

    Raises
    ------
    ObjectNotFound, EntryNotFound, PackageNotFound
        If there is nothing of that name.
    UnknownFormat, BrokenFile
    InvalidArgument
        If a folder has no images of a plate, or a site lacks some.
    """
    groups: dict[object, list[ImageSource]] = {}
    found: list[FoundImage | object] = []
    for source in (one for word in words for one in find_sources(word, home)):
        if isinstance(source, Image):
            found.append(FoundImage(source))
            continue
        group = _group(source)
        if group not in groups:
            found.append(group)
        groups.setdefault(group, []).append(source)
    opened = dict(zip(groups, at_once(lambda one: _open(one, home), groups.values()), strict=True))
    return [one if isinstance(one, FoundImage) else opened[one] for one in found]


def find_sources(word: Viewable, home: Home) -> Sequence[ImageSource | Image]:
    """Return the files that a user's word stands for."""
    if isinstance(word, (Entry, Image)):
        return [word]
    path = Path(word).expanduser()
    if path.exists():
        is_store = path.name.endswith(".zarr") or (path / ".zattrs").exists()
        return _of_plate(sorted(path.iterdir()), word) if path.is_dir() and not is_store else [path]
    if isinstance(word, Path):
        raise ObjectNotFound(f"{word} does not exist")
    try:
        opened = open_package(word, home)
    except InvalidReference as error:
        if "://" in word and not is_address(word):
            return [word]
        raise ObjectNotFound(
            f"{word} does not exist, and names no file of a package", hint=str(error)
        ) from None
    except NotFound:
        # Rule: what a URI names is first a package's, if there is such a package, then an object.
        if "://" in word and not is_address(word):
            return [word]
        raise
    part = opened.package[opened.path] if opened.path else opened.package
    return [part] if isinstance(part, Entry) else _of_package(part, word)


def _of_package(folder: Folder, word: str) -> list[ImageSource]:
    """Return the images of a folder of a package: a Zarr store, or those of a plate."""
    if folder.key.rstrip("/").endswith(".zarr"):
        return [zarr_place(folder)]
    return _of_plate(folder.files, word)


def zarr_place(folder: Folder) -> str:
    """Return where an OME-Zarr of a package is, if its files lie together."""
    places = {
        entry.physical_key.removesuffix(entry.logical_key.removeprefix(folder.key).lstrip("/"))
        for entry in folder.walk()
    }
    if len(places) != 1:
        raise InvalidArgument(
            f"the files of {folder.key} do not lie together, so that it cannot be opened as it is",
            hint="get it into a folder with `cellfolio get`, and view that",
        )
    return places.pop().rstrip("/")


def _of_plate(files: Iterable[Path | Entry], word: object) -> list[ImageSource]:
    found: list[ImageSource] = [one for one in files if match_image_name(one.name)]
    if not found:
        raise InvalidArgument(
            f"the folder {word} has no images of a plate, such as r01c01f01p01-ch1sk1fk1fl1.tiff",
            hint="name the images to view",
        )
    return found


def _name(source: ImageSource) -> str:
    text = source.logical_key if isinstance(source, Entry) else str(source)
    return text.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _group(source: ImageSource) -> object:
    """Return what the files of one image have in common."""
    text = source.logical_key if isinstance(source, Entry) else str(source)
    name = match_image_name(_name(source))
    if name is None:
        return text
    return text.replace("\\", "/").rpartition("/")[0], name.row, name.column, name.site


def _open(sources: Sequence[ImageSource], home: Home) -> FoundImage:
    name = match_image_name(_name(sources[0]))
    if name is None:
        image = open_image(sources[0], home=home)
        return FoundImage(replace(image, name=_name(sources[0])))
    site = open_site(sources, home=home)
    return FoundImage(replace(site, name=f"{name.well} site {name.site}"), name)


def tell_apart(found: Sequence[FoundImage]) -> Iterator[Image]:
    """Yield images with a number after names that are the same."""
    names = [one.image.name for one in found]
    for number, one in enumerate(found):
        same = names[:number].count(names[number]) + 1
        alone = names.count(names[number]) == 1
        name = names[number] if alone else f"{names[number]} ({same})"
        yield replace(one.image, name=name)
