"""A page about the quality of each plate, with pictures."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.quality import PlateDesign, PlateQuality, QualityRules, plate_quality
from cellfolio.evaluation.site_quality import SiteQuality
from cellfolio.formats.format import Source
from cellfolio.formats.loading import load as load_source
from cellfolio.profiles.tables import open_table
from cellfolio.registries.plates import Well, parse_well
from cellfolio.storage.disk import write_atomically
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.loading import named_source, source_digest
from cellfolio.workflows.pages import Fact, Section, pictures_of, render_page, write_pictures
from cellfolio.workflows.plates import column_of
from cellfolio.workflows.quality_page import PageContent
from cellfolio.workflows.site_quality import SiteContent, read_sites

PLATES = ("Metadata_Plate", "Image_Metadata_Plate")
"""Columns that tell plates: the first that is there."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 80


@dataclass(frozen=True)
class QualityPage:
    """A page that was written.

    Attributes
    ----------
    plate : str
    path : Path
        The page, which needs no other file.
    pictures : tuple of Path
        The pictures in it, as PNG and SVG.
    quality : PlateQuality or None
        What it tells of the profiles; None without them.
    sites : SiteQuality or None
        What it tells of the images; None without a table of them.
    """

    plate: str
    path: Path
    pictures: tuple[Path, ...] = field(repr=False)
    quality: PlateQuality | None
    sites: SiteQuality | None = None


def quality(
    profiles: Sequence[Path | str] | Path | str,
    output: Path | str,
    design: PlateDesign | None = None,
    rules: QualityRules | None = None,
    images: Path | str | None = None,
    *,
    progress: Progress | None = None,
    home: Home | None = None,
) -> tuple[QualityPage, ...]:
    r"""Write a page about the quality of each plate, with pictures.

    Parameters
    ----------
    profiles : path or str, or sequence of them
        Tables of profiles, a row for each well, in the order in which they were made: such as
        annotated, normalized, selected. One is enough. Each is a file, or ``PACKAGE/PATH``. Plates
        are told by ``Metadata_Plate``.
    output : path
        Folder for ``<plate>.html`` and a folder ``<plate>`` of pictures; made if it is not there.
    design : PlateDesign, optional
        Which wells are controls and replicates. Columns may be named without ``Metadata_``.
    rules : QualityRules, optional
        When a well is flagged.
    images : path, optional
        Table of the plates' images, a row for each site, as it is written when plates are
        measured, or ``PACKAGE/PATH``; see `cellfolio.evaluation.site_quality`. Without profiles,
        pages tell of it only.
    progress : callable, optional
    home : Home, optional

    Returns
    -------
    tuple of QualityPage
        By plate, in the order of the first table.

    Raises
    ------
    InvalidArgument
        See `cellfolio.evaluation.plate_quality`.
    ObjectNotFound, EntryNotFound, TransferIncomplete, BrokenFile, UnknownFormat

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "profiles.csv")
    ...     rows = [f"P7,A{column:02},{100 + column % 3},{column}\n" for column in range(1, 7)]
    ...     head = "Metadata_Plate,Metadata_Well,Metadata_Object_Count,Cells_A\n"
    ...     _ = path.write_text(head + "".join(rows))
    ...     pages = quality(path, Path(folder, "pages"))
    ...     sorted(one.name for one in Path(folder, "pages").iterdir())
    ['P7', 'P7.html']
    """
    words = [profiles] if isinstance(profiles, (str, Path)) else list(profiles)
    home = home or Home()
    sites = {} if images is None else read_sites(named_source(images, home, progress=progress))
    if not words and not sites:
        raise InvalidArgument("expected at least one table of profiles, or of images, found none")
    if not words:
        return tuple(write_site_page(plate, one, Path(output)) for plate, one in sites.items())
    stages = _stage_names([named_source(word, home, progress=progress) for word in words])
    tables = {name: load_source(source) for name, source in stages.items()}
    inputs = {name: str(source_digest(source)) for name, source in stages.items()}
    design = with_columns(design or PlateDesign(), list(tables.values()))
    shown = next(iter(stages)).rpartition("/")[2]
    plates = {name: _by_plate(table, shown) for name, table in tables.items()}
    first = next(iter(plates.values()))
    for name, found in plates.items():
        if set(found) != set(first):
            odd = sorted(set(found) ^ set(first))
            raise InvalidArgument(
                f"{name} should have the plates of {next(iter(plates))}; {len(odd)} are only in "
                f"one of them, such as {odd[0]}"
            )
    pages = []
    for plate in first:
        own = {name: found[plate] for name, found in plates.items()}
        if sites and plate not in sites:
            raise InvalidArgument(f"{images} has no images of the plate {plate}")
        try:
            page = write_quality_page(
                plate, own, Path(output), design, rules, inputs=inputs, sites=sites.get(plate)
            )
            pages.append(page)
        except InvalidArgument as error:
            raise InvalidArgument(f"{plate}: {error}", hint=error.hint) from error
    return tuple(pages)


def write_quality_page(
    plate: str,
    stages: Mapping[str, object],
    folder: Path,
    design: PlateDesign | None = None,
    rules: QualityRules | None = None,
    *,
    inputs: Mapping[str, str] | None = None,
    sites: SiteContent | None = None,
) -> QualityPage:
    """Write the page of one plate, and its pictures.

    Parameters
    ----------
    plate : str
        What the plate is called; characters that are no good in names of files become ``_``.
    stages : mapping of str to table
        As for `cellfolio.evaluation.plate_quality`.
    folder : Path
        Made if it is not there.
    design : PlateDesign, optional
    rules : QualityRules, optional
    inputs : mapping of str to str, optional
        Digest of each file that the tables are from, by its name; told in the page.
    sites : SiteContent, optional
        What is known of the plate's images.

    Returns
    -------
    QualityPage

    Raises
    ------
    InvalidArgument
    """
    design, rules = design or PlateDesign(), rules or QualityRules()
    wells = _places(next(iter(stages.values())), design.well) if stages else {}
    places = {name: (well.row, well.column) for name, well in wells.items()}
    found = plate_quality(stages, design, rules, places=places or None)
    content = PageContent(
        plate, found, design, rules, tuple(wells[name] for name in found.wells["well"] if wells),
        {**(inputs or {}), **({} if sites is None else {sites.file: sites.digest})},
    )  # fmt: skip
    sections, facts = content.sections(), content.facts()
    if sites is not None:
        sections[1:1] = sites.sections()
        facts += sites.facts()
    about = f"of profiles: {' → '.join(found.stages)}"
    path, pictures = _write_page(plate, about, facts, sections, folder)
    return QualityPage(plate, path, pictures, found, None if sites is None else sites.quality)


def write_site_page(plate: str, sites: SiteContent, folder: Path) -> QualityPage:
    """Write the page of a plate of which only the images are known.

    Parameters
    ----------
    plate : str
    sites : SiteContent
    folder : Path
        Made if it is not there.
    """
    sections = [*sites.sections(), sites.origin()]
    path, pictures = _write_page(plate, "by its images", sites.facts(), sections, folder)
    return QualityPage(plate, path, pictures, None, sites.quality)


def _write_page(
    plate: str, about: str, facts: Sequence[Fact], sections: Sequence[Section], folder: Path
) -> tuple[Path, tuple[Path, ...]]:
    name = file_name(plate)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = write_pictures(pictures_of(sections), folder / name)
    page = folder / f"{name}.html"
    text = render_page(plate, "quality", f"Quality of a plate {about}.", facts, sections)
    write_atomically(page, text.encode("utf-8"))
    return page, pictures


def file_name(plate: str) -> str:
    """Return a name of a file for a plate: one of the same name only for the same plate.

    Examples
    --------
    >>> file_name("BR00116991")
    'BR00116991'
    >>> file_name("../../etc")
    '_.._etc-74ccf3c5'
    """
    plain = _UNSAFE.sub("_", plate).lstrip(".-")[:_LONGEST] or "plate"
    if plain == plate:
        return plate
    return f"{plain}-{hashlib.sha256(plate.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _stage_names(sources: Sequence[Source]) -> dict[str, Source]:
    """Return the tables by name: that of the file, or all of its path, or both."""
    ways: tuple[Callable[[Source], str], ...] = (
        lambda one: one.name.rpartition("/")[2],
        lambda one: one.name,
        lambda one: str(one.path),
    )
    for way in ways:  # the same name may be in several folders
        found = {way(source): source for source in sources}
        if len(found) == len(sources):
            return found
    raise InvalidArgument("a table of profiles is named twice")


def with_columns(design: PlateDesign, tables: Sequence[Any]) -> PlateDesign:
    """Return the design with columns as the tables call them."""
    known = dict.fromkeys(name for table in tables for name in open_table(table).columns())
    columns = pd.DataFrame(columns=list(known))
    count = design.count if design.count is None else column_of(columns, design.count)
    return replace(
        design,
        perturbation=tuple(column_of(columns, name) for name in design.perturbation),
        count=count,
        well=column_of(columns, design.well),
    )


def _by_plate(table: Any, file: str) -> dict[str, Any]:
    """Return the rows of each plate; all of them under the file's name if no column tells it."""
    opened = open_table(table)
    metadata = opened.columns()
    column = next((name for name in PLATES if name in metadata), None)
    if column is None:
        return {file.partition(".")[0]: table}
    names = metadata[column].astype(str)
    rows = {name: np.flatnonzero(names == name) for name in dict.fromkeys(names)}
    if len(rows) == 1:
        return dict.fromkeys(rows, table)
    return {name: opened.taking(some, metadata.iloc[some]) for name, some in rows.items()}


def _places(table: Any, column: str) -> dict[str, Well]:
    """Return the place of each well; empty if names of wells are no places."""
    metadata = open_table(table).columns()
    if column not in metadata:
        return {}
    try:
        return {str(name): parse_well(str(name)) for name in metadata[column]}
    except InvalidArgument:
        return {}
