"""The sites of a well, or of a plate, as one image, put where the microscope took them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.formats.format import Source
from cellfolio.formats.images.image import Image
from cellfolio.formats.loading import load as load_source
from cellfolio.metadata.columns import SITE, WELL
from cellfolio.metadata.load_data import CHANNEL, FILE, FOLDER, KIND
from cellfolio.metadata.load_data import image_files as files_of_table
from cellfolio.metadata.phenix_index import read_phenix_index
from cellfolio.metadata.positions import pixel_size_of, site_positions
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.registries.plates import Well, parse_well, parse_wells
from cellfolio.storage.home import Home
from cellfolio.storage.workers import at_once
from cellfolio.workflows.opening import fetch_entry, is_path, open_package
from cellfolio.workflows.plate_files import read_table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Plane = Callable[[str, str | None], "Image"]


def image_files(
    what: Package | Path | str, key: str | None = None, *, home: Home | None = None
) -> pd.DataFrame:
    r"""Return a table with a row for each image file that a table or an index names.

    Parameters
    ----------
    what : Package or path
        A ``load_data.csv`` (also ``.csv.gz`` or ``.parquet``, and with illumination functions) or
        an ``Index.idx.xml`` of the Opera Phenix; or a package that has it.
    key : str, optional
        Logical key of a file of the package.
    home : Home, optional

    Returns
    -------
    pandas.DataFrame
        ``Metadata_Plate``, ``Metadata_Well``, ``Metadata_Site``, ``Metadata_Channel``, ``Kind``
        (``Orig`` or ``Illum``), ``FileName``, ``PathName``, and what else is told of each.

    Raises
    ------
    InvalidArgument, BrokenFile, NotFound

    Examples
    --------
    >>> import tempfile, cellfolio
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "load_data.csv")
    ...     _ = path.write_text("FileName_OrigDNA,Metadata_Plate,Metadata_Well,Metadata_Site\n"
    ...         "r01c02f03p01-ch5sk1fk1fl1.tiff,BR1,A02,3\n")
    ...     print(*cellfolio.image_files(path).iloc[0, :5])
    BR1 A02 3 DNA Orig
    """
    source = _source(what, key, home or Home())
    if source.name.lower().endswith(".xml"):
        return read_phenix_index(load_source(source, declared="text"), name=source.name)
    return files_of_table(read_table(source))


def _source(what: Package | Path | str, key: str | None, home: Home) -> Source:
    if isinstance(what, Package):
        if key is None:
            raise InvalidArgument(f"{what.title} has many files; name one")
        entry = what.entry(key)
        return Source(fetch_entry(entry, home), key, entry.digest, home)
    path = Path(what).expanduser()
    return Source(path, path.name, home=home)


def stitch(
    files: pd.DataFrame,
    images: Package | Path | str | None = None,
    *,
    channel: str,
    wells: str | Iterable[str] = (),
    smaller: int = 1,
    overlap: Literal["last", "mean"] = "last",
    home: Home | None = None,
) -> Image:
    """Return the sites of wells as one image: each where the microscope took it.

    Where sites overlap, the one of the higher number covers the other. Several wells stand in
    their rows and columns of the plate, close together. A whole plate:

    ::

        files = cellfolio.image_files("load_data.csv.gz")
        plate = cellfolio.stitch(files, "Images", channel="DNA", smaller=8)

    Parameters
    ----------
    files : pandas.DataFrame
        See `image_files`; with positions and the size of a pixel.
    images : Package, Path or str, optional
        Package or folder with the files; by default ``PathName`` of the table is the folder.
    channel : str
        As the table calls it.
    wells : str or iterable of str
        Such as ``A01-B03``; by default all of the table.
    smaller : int
        Pixels in a row of a square that becomes one, their mean.
    overlap : {'last', 'mean'}
    home : Home, optional

    Returns
    -------
    Image
        With the axes Y and X, and the size of its pixels.

    Raises
    ------
    InvalidArgument
        If the table has no such channel or well, no positions, or an image is of another size.
    NotFound, BrokenFile
    """
    from cellfolio.formats.images import PixelSize, image_of
    from cellfolio.imaging.stitching import place_wells
    from cellfolio.imaging.stitching import stitch as put_together

    rows = _chosen(files, channel, wells)
    mosaics = _well_mosaics(rows, _opener(images, home or Home()), overlap, smaller)
    pixel = pixel_size_of(rows)
    names = sorted(map(parse_well, rows[WELL].unique()))
    plane: NDArray[np.generic]
    if len(names) == 1:
        plane = next(mosaics)[1]
    else:
        made = list(mosaics)
        tile = tuple(max(one.shape[axis] for _, one in made) for axis in (0, 1))
        layout = place_wells(names, (tile[0], tile[1]), gap=max(1, tile[0] // 40))
        plane = put_together(layout, made)
    size = PixelSize(*(round(one * 1e6 * smaller, 9) for one in pixel))
    title = " ".join(map(str, names)) if len(names) < 4 else f"{names[0]} to {names[-1]}"
    return image_of(plane, "YX", channels=(channel,), pixel_size=size, name=title)


def image_files_named(table: str, home: Home) -> tuple[pd.DataFrame, Package | None]:
    """Return what `image_files` reads, and the package that has it.

    Parameters
    ----------
    table : str
        Path of what `image_files` reads, or ``PACKAGE/PATH``.
    home : Home

    Raises
    ------
    InvalidArgument, NotFound, BrokenFile
    """
    if is_path(table) or Path(table).exists():
        return image_files(table, home=home), None
    opened = open_package(table, home)
    if not opened.path:
        raise InvalidArgument(f"{table} is a package; name the table in it, behind a /")
    return image_files(opened.package, opened.path, home=home), opened.package


def stitch_named(table: str, images: str | None, *, home: Home, **how: Any) -> Image:
    """Put sites together by names: see `stitch`, whose other options `how` has.

    Parameters
    ----------
    table : str
        Path of what `image_files` reads, or ``PACKAGE/PATH``.
    images : str, optional
        Folder, URI, or package. By default the package that has the table, else what the table
        says.
    home : Home
    **how
        Options of `stitch`.

    Raises
    ------
    InvalidArgument, NotFound, BrokenFile
    """
    files, package = image_files_named(table, home)
    place: Package | str | None = images or package
    if images is not None and not Path(images).exists() and "://" not in images:
        found = open_package(images, home)
        place = found.package.subset(found.path) if found.path else found.package
    return stitch(files, place, home=home, **how)


def _chosen(files: pd.DataFrame, channel: str, wells: str | Iterable[str]) -> pd.DataFrame:
    original = files[files[KIND] == "Orig"]
    channels = original[CHANNEL].unique()
    if channel not in channels:
        raise InvalidArgument(f"the table has no channel {channel!r}; it has {', '.join(channels)}")
    rows = original[original[CHANNEL] == channel]
    wanted = {str(well) for well in parse_wells(wells)}
    missing = sorted(wanted - set(rows[WELL]))
    if missing:
        raise InvalidArgument(f"the table has no images of {', '.join(missing[:5])}")
    return rows[rows[WELL].isin(wanted)] if wanted else rows


def _well_mosaics(
    rows: pd.DataFrame, opened: Plane, overlap: Literal["last", "mean"], smaller: int
) -> Iterator[tuple[Well, NDArray[np.generic]]]:
    """Yield each well as one array, the sites of one well in memory at a time."""
    from cellfolio.imaging.stitching import place_sites, shrink
    from cellfolio.imaging.stitching import stitch as put_together

    pixel = pixel_size_of(rows)
    positions = site_positions(rows)
    for name in map(str, rows[WELL].unique()):
        of_well = rows[rows[WELL] == name]
        if of_well[SITE].duplicated().any():
            raise InvalidArgument(
                f"{name} has several images of a site; expected one",
                hint="keep one plane and time: files[files['Metadata_PlaneID'] == 1]",
            )
        places = zip(of_well[SITE], of_well[FILE], of_well[FOLDER], strict=True)
        sites = {site: opened(file, folder) for site, file, folder in sorted(places)}
        shapes = {image.shape for image in sites.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise InvalidArgument(f"the sites of {name} differ in shape: {sorted(shapes)}")
        found = {site: positions[name, site] for site in sites if (name, site) in positions}
        if len(found) < len(sites):
            raise InvalidArgument(f"{len(sites) - len(found)} sites of {name} have no position")
        height, width = shapes.pop()
        layout = place_sites(found, pixel, (height, width))
        tiles = zip(sites, at_once(lambda image: image.read(), sites.values()), strict=True)
        yield parse_well(name), shrink(put_together(layout, tiles, overlap=overlap), smaller)


def _opener(images: Package | Path | str | None, home: Home) -> Plane:
    """Return what opens the image of a file's name and folder."""
    from cellfolio.formats.images.opening import open_image

    if isinstance(images, Package):
        entries: dict[str, list[Entry]] = {}
        for entry in images.walk():
            entries.setdefault(entry.name, []).append(entry)

        def from_package(file: str, folder: str | None) -> Image:
            called = entries.get(file, [])
            if len(called) != 1:
                raise NotFound(
                    f"{images.title} has {len(called) or 'no'} files {file}; expected one",
                    hint="name the part with the images of one plate: package.subset(…)",
                )
            return open_image(called[0], home=home)

        return from_package

    def from_folder(file: str, folder: str | None) -> Image:
        place = str(images) if images is not None else folder
        return open_image(f"{place.rstrip('/')}/{file}" if place else file, home=home)

    return from_folder
