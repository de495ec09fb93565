"""What the page about a plate's quality says of its images."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.site_quality import SiteQuality, SiteRules, site_quality
from cellfolio.formats.format import Source
from cellfolio.formats.loading import load
from cellfolio.registries.plates import Well, parse_well
from cellfolio.workflows.loading import source_digest
from cellfolio.workflows.pages import Fact, PagePicture, Section

if TYPE_CHECKING:
    import pandas as pd

PLATE = "Metadata_Plate"
_ROWS = 40
"""Flagged sites that are listed."""


@dataclass(frozen=True, slots=True)
class SiteContent:
    """What a page says of the images of a plate.

    Attributes
    ----------
    quality : SiteQuality
    rules : SiteRules
    file : str
        Name of the table.
    digest : str
    """

    quality: SiteQuality
    rules: SiteRules
    file: str
    digest: str

    def facts(self) -> list[Fact]:
        """Return the numbers at the head of the page."""
        sites = self.quality.sites
        flagged = int(sites["flagged"].sum())
        facts = [
            Fact("sites", f"{len(sites):,}"),
            Fact("sites to look at", f"{flagged:,}", warn=flagged > 0),
        ]
        median = sites["objects"].median()
        if math.isfinite(median):
            facts.append(Fact("objects by site", f"{median:,.0f}", "median"))
        return facts

    def sections(self) -> list[Section]:
        """Return the parts of the page."""
        flags = self.quality.flags
        rows = tuple((one.well, one.site, one.kind, one.reason) for one in flags[:_ROWS])
        told = "" if flags else "There is none."
        if len(flags) > _ROWS:
            told = f"{len(flags) - _ROWS:,} more are not shown."
        header = ("well", "site", "what", "why") if rows else ()
        return [
            Section("Sites to look at", self._rules(), header=header, rows=rows, more=told),
            Section(
                "Images",
                "Objects and flagged sites by well, and how sharp the images are.",
                tuple(self._pictures()),
            ),
        ]

    def origin(self) -> Section:
        """Return how this was made, for a page that tells of nothing else."""
        from importlib.metadata import version

        rows = [(f"input {self.file}", self.digest)]
        rows += [(name, json.dumps(value)) for name, value in asdict(self.rules).items()]
        return Section(
            "How this was made",
            "The same inputs and settings give the same page.",
            header=("", ""),
            rows=(*rows, ("cellfolio", version("cellfolio"))),
        )

    def _rules(self) -> str:
        rules = self.rules
        return (
            f"Sites whose power spectrum falls {rules.focus_z:g} robust standard deviations, and "
            f"{rules.focus_drop:g}, steeper than in the plate's median, in any channel; with more "
            f"than {rules.most_maximal:g}% of the pixels at a channel's greatest value; without "
            f"cells, with fewer than {rules.least_objects:,}, or so few that the square root lies "
            f"{rules.count_z:g} robust standard deviations below the median; and those that could "
            "not be measured."
        )

    def _pictures(self) -> Iterator[PagePicture]:
        from cellfolio.imaging.plate_map import draw_plate
        from cellfolio.imaging.site_figures import draw_slopes

        wells = self.quality.wells
        places = _places(wells)
        counts = dict(zip(places, wells["objects"].tolist(), strict=False))
        if any(map(math.isfinite, counts.values())):
            figure = draw_plate(counts, title="Objects", label="objects of all sites")
            yield PagePicture.of(
                "site-objects", figure, "Plate map of the number of objects",
                "Objects of all sites of each well.",
            )  # fmt: skip
        flagged = dict(zip(places, map(_share, wells["flagged"], wells["sites"]), strict=False))
        if any(flagged.values()):
            figure = draw_plate(flagged, title="Sites to look at", label="sites to look at")
            yield PagePicture.of(
                "site-flags", figure, "Plate map of the number of flagged sites",
                "Flagged sites of each well; wells without are white.",
            )  # fmt: skip
        if len(self.quality.slopes.columns):
            yield PagePicture.of(
                "site-focus", draw_slopes(self.quality), "Slopes of power spectra by channel",
                "A dot for each site; lines are limits, and red dots are out of focus.",
            )  # fmt: skip


def read_sites(source: Source, rules: SiteRules | None = None) -> dict[str, SiteContent]:
    """Read a table of images, and look at the sites of each plate.

    Parameters
    ----------
    source : Source
        See `cellfolio.evaluation.site_quality`; plates are told by ``Metadata_Plate``, and without
        it all sites are of one, with the name of the file.
    rules : SiteRules, optional

    Returns
    -------
    dict of str to SiteContent
        By plate, in the order of the table.

    Raises
    ------
    InvalidArgument
        If it is no table, has no rows, or is not of sites.
    ObjectNotFound, BrokenFile, UnknownFormat
    """
    import pandas as pd

    rules = rules or SiteRules()
    table, name = load(source), source.name.rpartition("/")[2]
    if not isinstance(table, pd.DataFrame) or table.empty:
        raise InvalidArgument(f"{name} should be a table of images, with a row for each site")
    digest = str(source_digest(source))
    column = next((one for one in (PLATE, f"Image_{PLATE}") if one in table), None)
    plates = {name.partition(".")[0]: table}
    if column is not None:
        names = table[column].astype(str)
        plates = {name: table[names == name] for name in dict.fromkeys(names)}
    found = {}
    for plate, own in plates.items():
        try:
            quality = site_quality(own.reset_index(drop=True), rules)
        except InvalidArgument as error:
            raise InvalidArgument(f"{plate}: {error}", hint=error.hint) from error
        found[plate] = SiteContent(quality, rules, name, digest)
    return found


def _share(flagged: int, sites: int) -> str | None:
    return f"{flagged} of {sites}" if flagged else None


def _places(wells: pd.DataFrame) -> list[Well]:
    """Return the place of each well; none if their names are no places."""
    try:
        return [parse_well(name) for name in wells["well"]]
    except InvalidArgument:
        return []
