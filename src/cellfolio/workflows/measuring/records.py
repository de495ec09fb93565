"""What was measured of each site, of what, and how: so which of them have to be measured again.

::

    <output>/cells/<plate>/A01_1.parquet     a row for each cell
    <output>/images/<plate>.csv.gz           a row for each site
    <output>/labels/<plate>/, outlines/…     on request
    <output>/records/<plate>/A01_1.json      of what, and how

A record is written after the table of cells: where a run was killed between the two, the site is
measured again. Times are told beside, and never compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from math import isnan, nan
from pathlib import Path
from typing import Any

from cellfolio.storage.disk import write_atomically
from cellfolio.workflows.measuring.sites import SiteImages
from cellfolio.workflows.processes import Failure

_FORM = "cellfolio measured site 1"
_METHODS = 1
"""Raised when a site gives other numbers than before, so that it is measured again."""


@dataclass(frozen=True, slots=True)
class SitePaths:
    """Where what is known of a site is kept.

    Attributes
    ----------
    output : Path
    plate, name : str
        Of the folder of the plate, and of the files of the site.
    """

    output: Path
    plate: str
    name: str

    @classmethod
    def of(cls, output: Path, site: SiteImages) -> SitePaths:
        """Return the places of a site."""
        return cls(output, site.folder, site.name)

    @property
    def cells(self) -> Path:
        """The table of its cells."""
        return self.output / "cells" / self.plate / f"{self.name}.parquet"

    @property
    def record(self) -> Path:
        """Its record."""
        return self.output / "records" / self.plate / f"{self.name}.json"

    @property
    def outlines(self) -> Path:
        """The picture of its cells."""
        return self.output / "outlines" / self.plate / f"{self.name}.png"

    def labels(self, kind: str) -> Path:
        """Return the label image of a kind of objects."""
        return self.output / "labels" / self.plate / f"{self.name}_{kind}.tiff"


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What decides the bytes of a site's table.

    Attributes
    ----------
    settings : mapping
        See `MeasureOptions.deciding`.
    images, labels, illumination : mapping of str to str
        Keys of files by channel or kind.
    made_of : mapping of str to str
        Digest of each file by its key.
    version : str
        Of the code.
    """

    settings: Mapping[str, Any]
    images: Mapping[str, str]
    labels: Mapping[str, str]
    illumination: Mapping[str, str]
    made_of: Mapping[str, str]
    version: str = f"{version('cellfolio')}+{_METHODS}"

    def differs(self, recorded: Mapping[str, Any]) -> str:
        """Tell what is different from a record; empty if nothing is."""
        now = json.loads(json.dumps(asdict(self)))
        for name, what in _DECIDING.items():
            if recorded.get(name) != now[name]:
                return what
        for key, digest in now["made_of"].items():
            if recorded.get("made_of", {}).get(key) != digest:
                return f"{key} changed"
        return ""


_DECIDING = {
    "version": "the version changed",
    "settings": "the settings changed",
    "images": "its images are others",
    "labels": "its labels are others",
    "illumination": "its illumination functions are others",
}


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written: its size and digest."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """What is recorded of a site.

    Attributes
    ----------
    plate, well : str
    site, image_number : int
    facts : mapping
        See `SiteFacts`.
    image : mapping of str to float
        What was measured of the site as a whole; empty if it failed.
    table : Written or None
    failure : Failure or None
    seconds : float
        Of CPU. Not compared.
    looks : mapping of str to [str, str]
        How files looked, and their digests: they need not be read again. Not compared.
    """

    plate: str
    well: str
    site: int
    image_number: int
    facts: Mapping[str, Any] = field(repr=False)
    image: Mapping[str, float] = field(default_factory=dict, repr=False)
    table: Written | None = None
    failure: Failure | None = None
    seconds: float = 0.0
    looks: Mapping[str, list[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, path: Path) -> SiteRecord | None:
        """Read a record; None if it is not there, or not ours."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if found.pop("form") != _FORM:
                return None
            beside = found.pop("not_compared")
            table, failure = found.pop("table"), found.pop("failure")
            image = {key: nan if one is None else one for key, one in found.pop("image").items()}
            return cls(
                **found,
                image=image,
                table=None if table is None else Written(**table),
                failure=None if failure is None else Failure(**failure),
                seconds=beside["cpu_seconds"],
                looks=beside["looks"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        told = asdict(self)
        told["image"] = {key: None if isnan(one) else one for key, one in self.image.items()}
        beside = {"cpu_seconds": told.pop("seconds"), "looks": told.pop("looks")}
        document = {"form": _FORM, **told, "not_compared": beside}
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        write_atomically(path, text.encode())

    @property
    def cells(self) -> int:
        """Number of cells that were measured."""
        return int(self.image.get("Count_Cells", 0))
