"""Images of places: what an address asks for, and the addresses that a viewer goes on with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.web.operations import Parameter, Values
from cellfolio.web.places import Place
from cellfolio.web.static_files import FOREVER
from cellfolio.workflows.shown_images.desk import ImageDesk
from cellfolio.workflows.shown_images.facts import label_facts
from cellfolio.workflows.shown_images.finding import Asked, neighbours
from cellfolio.workflows.shown_images.index import Site
from cellfolio.workflows.shown_images.opening import OpenedImage

WHICH = (
    Parameter("well", "Well of a site below a folder, such as `A01`.", default=""),
    Parameter("site", "Number of the site; by default the first of the well.", int, lowest=0),
    Parameter("plate", "Folder of the plate, where several have that well.", default=""),
    Parameter("alone", "Open a file by itself, though it is one channel of a site.", bool, False),
    Parameter("series", "Which image of an OME-TIFF with several.", int, 0, lowest=0),
)
"""Parameters that tell which image of a place is meant."""
LABELS = Parameter("labels", "Keys of label images to lie over it; by default those found.",
                   several=True)  # fmt: skip
TABLE = Parameter("table", "Key of the table of objects; by default looked for.", default="")
TAG = Parameter("v", "Content that is expected; where it is, the answer may be kept.", default="")


def desk_of(request: Request) -> ImageDesk:
    """Return where the portal's images are read."""
    found: ImageDesk = request.app.state.images
    return found


def asked_of(values: Values) -> Asked:
    """Return which image the parameters of a request mean."""
    return Asked(**{one.name: values[one.name] for one in WHICH})


def open_asked(request: Request, place: Place, asked: Asked) -> OpenedImage:
    """Open the image of a place that is asked for."""
    return desk_of(request).open(place.package, place.key, asked)


def query_of(asked: Asked) -> dict[str, object]:
    """Return the parameters that mean an image; those with their defaults are left out."""
    plain = Asked()
    return {
        one.name: str(value).lower() if one.kind is bool else value
        for one in WHICH
        if (value := getattr(asked, one.name)) != getattr(plain, one.name)
    }


@dataclass(frozen=True, slots=True, eq=False)
class Addressed:
    """An image and its place.

    Attributes
    ----------
    place : Place
    asked : Asked
    opened : OpenedImage
    """

    place: Place
    asked: Asked
    opened: OpenedImage

    @property
    def planes(self) -> str:
        """Address of its planes, to which numbers are added."""
        return self.place.link("api/plane", None, v=self.opened.tag, **query_of(self.asked))

    def labels(
        self, desk: ImageDesk, named: Iterable[str], table: str = ""
    ) -> list[dict[str, Any]]:
        """Return the label images that lie over it, and where their objects are told of."""
        keys = list(named)
        key = self.opened.files.key
        if not keys:
            keys = list(desk.find_labels(self.place.package, key).values())
        return [
            {
                "key": one.key,
                "name": one.name,
                "kind": one.kind,
                "colour": one.colour,
                "shown": one.shown,
                "planes": self._label_planes(one.key, one.channel),
                "objects": self._objects(one.key, table),
            }
            for one in label_facts(self.opened, keys)
        ]

    def _label_planes(self, key: str, channel: int) -> str:
        tag = self.place.package.top_hash[:20]
        if not key:
            return f"{self.planes}&kind=labels&c={channel}"
        return self.place.link("api/plane", key, kind="labels", alone="true", v=tag)

    def _objects(self, key: str, table: str) -> str:
        if not key:
            return ""
        told = {"labels": key, "table": table or None, **query_of(self.asked)}
        return self.place.link("api/object", None, **told)

    def site(self, desk: ImageDesk) -> dict[str, Any] | None:
        """Return where on a plate it is, and the pages of the sites beside it."""
        site = self.opened.files.site
        if site is None:
            return None
        before, after = self.beside(desk)
        return {
            "plate": site[0].rpartition("/")[2],
            "well": str(site[1]),
            "site": site[2],
            "previous": before,
            "next": after,
        }

    def beside(self, desk: ImageDesk) -> tuple[str | None, str | None]:
        """Return the pages of the sites before and after it in its folder."""
        site = self.opened.files.site
        if site is None:
            return None, None
        index = desk.index(self.place.package, site[0])
        if site not in index.sites:
            return None, None
        before, after = neighbours(index, site)
        return (
            None if before is None else site_link(self.place, before),
            None if after is None else site_link(self.place, after),
        )


def site_link(place: Place, site: Site, view: str = "image") -> str:
    """Return the address of a view of a site of the same package."""
    folder, well, number = site
    return place.link(view, folder, well=str(well), site=number)


def keep(request: Request, place: Place, tag: str, version: str, answer: Response) -> Response:
    """Say how long an answer may be kept; where the browser has it, send nothing.

    Rule: an answer whose address names its content, or a revision, never changes.
    """
    query = str(sorted(request.query_params.multi_items()))
    told = hashlib.sha256(f"{tag} {request.url.path} {query}".encode()).hexdigest()[:24]
    fixed = (version != "" and version == tag) or _is_fixed(place)
    headers = {"etag": f'"{told}"', "cache-control": FOREVER if fixed else "private, no-cache"}
    answer.headers.update(headers)
    if headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return answer


def _is_fixed(place: Place) -> bool:
    named = place.revision
    whole = place.package.top_hash
    return place.shown.kind != "folder" and bool(named) and whole.startswith(str(named))
