"""Tables of image files, as CellProfiler's LoadData reads them. Pure functions of tables.

``load_data.csv`` has a row for each site, and for each channel the columns ``FileName_Orig…`` and
``PathName_Orig…``, or ``URL_Orig…`` for both; ``load_data_with_illum.csv`` has ``…_Illum…`` too,
with the illumination functions. Its other columns begin with ``Metadata_``: plate, well, site, and
what the microscope noted: ``Metadata_PositionX`` and ``…Y`` of the site in its well in metres
(Y upwards), ``Metadata_ImageResolutionX`` and ``…Y``, the metres of a pixel.

References
----------
``load_data_csv/`` and ``Image.csv`` of CPJUMP1; help of CellProfiler's module LoadData.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.columns import PLATE, PREFIX, SITE, WELL, as_text
from cellfolio.registries.plates import ImageName, Well, match_image_name, parse_well
from cellfolio.registries.selection import CPJUMP1_CHANNELS, Channel

if TYPE_CHECKING:
    import pandas as pd

CHANNEL, FILE, FOLDER, KIND = PREFIX + "Channel", "FileName", "PathName", "Kind"
"""Columns of a table of image files, besides plate, well and site."""
_PLACE = re.compile(r"(FileName|PathName|URL)_(Orig|Illum)(.+)")


def image_files(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each file that a LoadData table names.

    Parameters
    ----------
    table : pandas.DataFrame
        ``load_data.csv`` or ``load_data_with_illum.csv``.

    Returns
    -------
    pandas.DataFrame
        ``Metadata_Plate``, ``Metadata_Well`` (as ``A01``), ``Metadata_Site``,
        ``Metadata_Channel``, ``Kind`` (``Orig`` or ``Illum``), ``FileName``, ``PathName`` (of its
        folder; missing where the table does not tell), then its other ``Metadata_…`` columns.
        Sorted by plate, well and site; channels as in `table`. What has no file has no row.

    Raises
    ------
    InvalidArgument
        If it has no file names, or does not tell the well or the site.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"FileName_OrigDNA": ["r02c01f03p01-ch5sk1fk1fl1.tiff"],
    ...     "PathName_OrigDNA": ["/images"], "Metadata_Plate": ["P1"], "Metadata_Well": ["b1"],
    ...     "Metadata_Site": [3]})
    >>> print(*image_files(table).iloc[0])
    P1 B01 3 DNA Orig r02c01f03p01-ch5sk1fk1fl1.tiff /images
    """
    import pandas as pd

    keys = _keys(table)
    places = [found for column in table if (found := _PLACE.fullmatch(str(column)))]
    files = list(dict.fromkeys((found[2], found[3]) for found in places if found[1] != "PathName"))
    if not files:
        raise InvalidArgument(
            "a LoadData table has columns FileName_Orig…; found "
            + ", ".join(map(str, table.columns[:8]))
        )
    others = [one for one in table if str(one).startswith(PREFIX) and one not in keys]
    rest = table[others].reset_index(drop=True)
    parts = []
    for kind, channel in files:
        names, folders = _places(table, f"_{kind}{channel}")
        part = keys.copy()
        part[CHANNEL], part[KIND], part[FILE], part[FOLDER] = channel, kind, names, folders
        parts.append(pd.concat([part, rest], axis=1))
    all_rows = pd.concat(parts, ignore_index=True)
    return sorted_by_site(all_rows[all_rows[FILE].notna()])


def sorted_by_site(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the order of plate, well and site; those of one site as they were."""
    wells = {text: parse_well(text) for text in table[WELL].unique()}
    keys = zip(table[PLATE].map(str), table[WELL].map(wells), table[SITE], strict=True)
    order = list(keys)
    return table.iloc[sorted(range(len(order)), key=order.__getitem__)].reset_index(drop=True)


def _keys(table: pd.DataFrame) -> pd.DataFrame:
    """Return plate, well and site of each row."""
    import pandas as pd

    def column(*names: str) -> pd.Series:
        for name in names:
            if PREFIX + name in table:
                return table[PREFIX + name]
        raise InvalidArgument(
            f"a LoadData table has a column {' or '.join(PREFIX + name for name in names)}; found "
            + ", ".join(map(str, table.columns[:8]))
        )

    if WELL in table:
        named = {text: str(parse_well(str(text))) for text in table[WELL].unique()}
        wells = [named[text] for text in table[WELL]]
    else:
        pairs = zip(column("Row"), column("Col", "Column"), strict=True)
        wells = [str(parse_well(f"({as_text(row)}, {as_text(number)})")) for row, number in pairs]
    sites = column("Site", "FieldID")
    try:
        numbers = [int(as_text(site) or "") for site in sites]
    except ValueError:
        raise InvalidArgument(f"{sites.name} has values that are no numbers of sites") from None
    plates = [as_text(plate) for plate in column("Plate")]
    return pd.DataFrame({PLATE: plates, WELL: wells, SITE: numbers})


def _places(table: pd.DataFrame, ending: str) -> tuple[list[str | None], list[str | None]]:
    """Return name and folder of the file in each row."""
    name, folder, url = (f"{what}{ending}" for what in ("FileName", "PathName", "URL"))
    if name in table:
        names = [as_text(one) for one in table[name]]
        known = folder in table
        return names, [as_text(one) for one in table[folder]] if known else [None] * len(names)
    split = [unquote(as_text(one) or "").rpartition("/") for one in table[url]]
    return [last or None for _, _, last in split], [first or None for first, _, _ in split]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A row of a table whose file is called otherwise than its metadata.

    Attributes
    ----------
    row : int
        Number in the table of image files, from 0.
    name : str
    what : {'name', 'well', 'site', 'channel'}
        What does not fit; ``name`` if it is no name of a plate image.
    told, named : str
        What the metadata and what the name tells.

    Examples
    --------
    >>> print(Contradiction(3, "r01c01f01p01-ch5sk1fk1fl1.tiff", "well", "B01", "A01"))
    row 3: r01c01f01p01-ch5sk1fk1fl1.tiff is of well A01, and the table says B01
    """

    row: int
    name: str
    what: str
    told: str
    named: str

    def __str__(self) -> str:
        if self.what == "name":
            return f"row {self.row}: {self.name} is not the name of a plate image"
        return (
            f"row {self.row}: {self.name} is of {self.what} {self.named}, and the table says "
            f"{self.told}"
        )


def contradictions(
    files: pd.DataFrame, channels: Sequence[Channel] = CPJUMP1_CHANNELS
) -> tuple[Contradiction, ...]:
    """Return what is wrong in a table of image files: rows whose name tells something else.

    Parameters
    ----------
    files : pandas.DataFrame
        See `image_files`; illumination functions are passed over.
    channels : sequence of Channel
        What the numbers in names stand for. Channels that have other names are not compared.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"FileName_OrigDNA": ["r02c01f03p01-ch4sk1fk1fl1.tiff"],
    ...     "Metadata_Plate": ["P1"], "Metadata_Well": ["B01"], "Metadata_Site": [2]})
    >>> [one.what for one in contradictions(image_files(table))]
    ['site', 'channel']
    """
    numbers = {channel.name: channel.number for channel in channels}
    found = []
    columns = (files[one] for one in (WELL, SITE, CHANNEL, KIND, FILE))
    for row, (well, site, channel, kind, name) in enumerate(zip(*columns, strict=True)):
        if kind != "Orig":
            continue
        image = match_image_name(name)
        if image is None:
            found.append(Contradiction(row, name, "name", "", ""))
            continue
        said = {"well": (well, str(image.well)), "site": (site, image.site)}
        if channel in numbers:
            said["channel"] = (numbers[channel], image.channel)
        found += [
            Contradiction(row, name, what, str(told), str(named))
            for what, (told, named) in said.items()
            if told != named
        ]
    return tuple(found)


def load_data_table(
    names: Iterable[str],
    plate: str,
    folder: str,
    channels: Sequence[Channel] = CPJUMP1_CHANNELS,
) -> pd.DataFrame:
    """Build a LoadData table of image files by their names.

    Parameters
    ----------
    names : iterable of str
        Of files; those that are no plate images are left out.
    plate : str
        Barcode.
    folder : str
        Where CellProfiler will find them.
    channels : sequence of Channel
        What the numbers in names stand for.

    Returns
    -------
    pandas.DataFrame
        A row for each well and site, and plane or time point where there are several. A missing
        file is a missing value.

    Raises
    ------
    InvalidArgument
        If there are no images, an image is there twice (``ch1`` and ``ch01``), or its channel has
        no name.

    Examples
    --------
    >>> table = load_data_table(["r01c02f01p01-ch5sk1fk1fl1.tiff"], "BR1", "/images")
    >>> table.columns.tolist()[:3], table["Metadata_Well"].tolist()
    (['FileName_OrigDNA', 'PathName_OrigDNA', 'Metadata_Plate'], ['A02'])
    """
    import pandas as pd

    images = _by_image(names)
    known = {channel.number: channel.name for channel in channels}
    strange = sorted({image.channel for image in images} - known.keys())
    if strange:
        raise InvalidArgument(f"channels {strange} are none of {sorted(known)}")
    used = sorted({image.channel for image in images})
    groups: dict[tuple[Well, int, int, int], dict[int, str]] = {}
    for image in sorted(images):
        at = (image.well, image.site, image.plane, image.sk)
        groups.setdefault(at, {})[image.channel] = images[image]
    columns: dict[str, list[object]] = {}
    for number in used:
        columns[f"FileName_Orig{known[number]}"] = [row.get(number) for row in groups.values()]
        columns[f"PathName_Orig{known[number]}"] = [
            folder if number in row else None for row in groups.values()
        ]
    told = {
        "Plate": [plate] * len(groups),
        "Well": [str(well) for well, *_ in groups],
        "Site": [site for _, site, *_ in groups],
        "Row": [well.row for well, *_ in groups],
        "Col": [well.column for well, *_ in groups],
        "FieldID": [site for _, site, *_ in groups],
        "PlaneID": [plane for *_, plane, _ in groups],
        "TimepointID": [time for *_, time in groups],
    }
    return pd.DataFrame(columns | {PREFIX + name: values for name, values in told.items()})


def _by_image(names: Iterable[str]) -> dict[ImageName, str]:
    images: dict[ImageName, str] = {}
    for name in names:
        image = match_image_name(name)
        if image is None:
            continue
        if image in images and images[image] != name:
            raise InvalidArgument(f"{images[image]} and {name} are one image")
        images[image] = name
    if not images:
        raise InvalidArgument(
            "none of the files is a plate image; expected names such as "
            "r01c01f01p01-ch1sk1fk1fl1.tiff"
        )
    return images
