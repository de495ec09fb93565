"""Which illumination functions the images of a plate are divided by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cellfolio.errors import NotFound
from cellfolio.workflows.measuring.sites import ImagePart, SiteImages
from cellfolio.workflows.places import Places

_NAME = re.compile(r"(?:(?P<plate>.+)_)?Illum(?P<channel>[A-Za-z][A-Za-z0-9]*)\.npy")


@dataclass(frozen=True)
class PlateIllumination:
    """Illumination functions by plate and channel: ``<plate>_IllumDNA.npy``, ``IllumDNA.npy``.

    Attributes
    ----------
    title : str
        What the user calls the folder or package.
    keys : mapping
        Keys by plate, which is empty if the name does not tell it, and channel.
    places : Places
    """

    title: str
    keys: Mapping[tuple[str, str], str]
    places: Places

    @classmethod
    def of(cls, places: Places) -> PlateIllumination:
        """Find the functions of a folder or package.

        Raises
        ------
        NotFound
            If there is none.
        """
        found = {}
        for key in places.keys:
            named = _NAME.fullmatch(key.rpartition("/")[2])
            if named is not None:
                found[named["plate"] or "", named["channel"]] = key
        if not found:
            raise NotFound(
                f"{places.title} has no illumination functions",
                hint="expected names such as BR00116991_IllumDNA.npy or IllumDNA.npy",
            )
        return cls(places.title, found, places)

    def add_to(self, site: SiteImages) -> SiteImages:
        """Return a site with the functions of its channels; it has a problem if one is missing."""
        found, missing = {}, []
        for channel, _ in site.parts:
            key = self.keys.get((site.plate, channel)) or self.keys.get(("", channel))
            if key is None:
                missing.append(channel)
            else:
                found[channel] = ImagePart(f"illumination:{key}", self.places.locate(key))
        lacks = ""
        if missing:
            lacks = f"{self.title} has no illumination function of {', '.join(missing)}"
        return replace(
            site,
            illumination=tuple(sorted(found.items())),
            problem="; ".join(filter(None, (site.problem, lacks))),
        )
