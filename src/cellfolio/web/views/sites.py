"""Sites side by side, seen alike: the same part, channels and contrast."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.web.images import desk_of, site_link
from cellfolio.web.places import Place, read_place
from cellfolio.web.previews.image import SCRIPTS, STYLES
from cellfolio.web.rendering import page
from cellfolio.web.views.view import View
from cellfolio.workflows.shown_images.finding import Asked
from cellfolio.workflows.shown_images.index import Site

MOST = 6
"""Images that are shown at a time."""
LISTED = 48
"""Sites on a page to choose from."""


def show_sites(request: Request) -> Response:
    """Return the page of images side by side, or of all sites to choose from."""
    place = read_place(request)
    keys = request.query_params.getlist("image")[:MOST]
    if not keys:
        return _choose(request, place)
    images = [_image(request, place, key) for key in keys]
    return page(request, "sites.html", place=place, images=images, scripts=SCRIPTS, styles=STYLES)


def _image(request: Request, place: Place, key: str) -> dict[str, str]:
    try:
        name = desk_of(request).open(place.package, key, Asked()).files.name
    except Exception:  # Rule: the viewer tells what is wrong, beside the images that are right.
        name = key.rpartition("/")[2]
    return {"name": name, "info": place.link("api/image", key), "page": place.link("image", key)}


def _choose(request: Request, place: Place) -> Response:
    below = f"{place.key}/" if place.key else ""
    index = desk_of(request).index(place.package, place.key)
    inside = sorted(site for site in index.sites if f"{site[0]}/".startswith(below))
    start = _start(request)
    sites = [_site(place, site, index.sites[site][0]) for site in inside[start : start + LISTED]]
    after = start + LISTED if start + LISTED < len(inside) else None
    return page(
        request,
        "sites_choice.html",
        place=place,
        sites=sites,
        count=len(inside),
        most=MOST,
        start=start,
        before=max(0, start - LISTED) if start else None,
        after=after,
        styles=STYLES,
    )


def _site(place: Place, site: Site, key: str) -> dict[str, str]:
    folder, well, number = site
    return {
        "key": key,
        "name": f"{folder.rpartition('/')[2]} {well} site {number}".strip(),
        "page": site_link(place, site),
        "picture": place.link("api/picture", key, size=240),
    }


def _start(request: Request) -> int:
    text = request.query_params.get("start", "0")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


VIEWS = (View("/sites/{reference:path}", show_sites),)
