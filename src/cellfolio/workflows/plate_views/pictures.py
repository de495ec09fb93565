"""Pictures of plates: all wells, one site, replicates, with one contrast for a plate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.imaging.contrast import Contrast, Fixed
from cellfolio.imaging.sprites import (
    Layer,
    default_channels,
    make_layers,
    paint_grid,
    to_jpeg,
)
from cellfolio.package.nearest import suggest_or_list
from cellfolio.registries.plates import PlateFormat, Well
from cellfolio.workflows.measuring.sites import SiteImages
from cellfolio.workflows.plate_views.plates import Plates, channels_of
from cellfolio.workflows.plate_views.thumbnails import Thumbnails, ThumbnailStore
from cellfolio.workflows.plate_views.values import wells_of

WIDE = 1600
"""Pixels that a picture of a plate is wide, at most about."""
SIDES = (32, 48, 64, 96, 128, 192, 256)
"""Sides of wells in it, so that few sets of thumbnails are kept."""
GAP = 1
LARGEST = 1080
_SPREAD = 24
"""Sites that a plate's contrast is found of, where not all are read anyway."""
_SPREAD_SIDE = 256


@dataclass(frozen=True, slots=True)
class PlatePicture:
    """A picture of all wells of a plate.

    Attributes
    ----------
    jpeg : bytes
    layers : tuple of Layer
        How each channel is shown.
    shape : PlateFormat
    step : (int, int)
        Pixels from a well to the next below, and to the next beside it.
    sites : mapping of Well to int
        Which site of each well is shown.
    failures : tuple of (Well, str)
        Wells whose site could not be read, and why.
    waiting : int
        Wells whose site is not read yet.
    """

    jpeg: bytes
    layers: tuple[Layer, ...]
    shape: PlateFormat
    step: tuple[int, int]
    sites: Mapping[Well, int]
    failures: tuple[tuple[Well, str], ...]
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """What of a plate is shown, and how.

    Attributes
    ----------
    channels : tuple of str
        By default those of a composite.
    contrast : Contrast or None
    site : int
        Which site of each well; 0 for the first that is there.
    """

    channels: tuple[str, ...] = ()
    contrast: Contrast | None = None
    site: int = 0


def choose_channels(sites: Sequence[SiteImages], asked: Sequence[str]) -> tuple[str, ...]:
    """Return the channels that are shown.

    Raises
    ------
    InvalidArgument
        If the sites have no such channel.
    """
    known = channels_of(tuple(sites))
    for name in asked:
        if name not in known:
            raise InvalidArgument(
                f"the plate has no channel {name!r}", hint=suggest_or_list(name, known)
            )
    return tuple(dict.fromkeys(asked)) or default_channels(known)


def side_of(shape: PlateFormat) -> int:
    """Return how large a well is in a picture of a plate.

    Examples
    --------
    >>> from cellfolio.registries.plates import PLATE_384, PLATE_1536
    >>> side_of(PLATE_384), side_of(PLATE_1536)
    (64, 32)
    """
    return max(one for one in SIDES if one == SIDES[0] or one * shape.columns <= WIDE)


def one_site_each(sites: Sequence[SiteImages], number: int = 0) -> tuple[SiteImages, ...]:
    """Return a site for each well: that of a number, or the first."""
    found: dict[Well, SiteImages] = {}
    for one in sites:
        if number in (0, one.number):
            found.setdefault(one.well, one)
    return tuple(found.values())


def plate_picture(
    plates: Plates,
    name: str,
    store: ThumbnailStore,
    options: PictureOptions,
    *,
    seconds: float | None = None,
) -> PlatePicture:
    """Return a picture of a plate: a site of each well, all with one contrast.

    Parameters
    ----------
    plates : Plates
    name : str
        Of the plate.
    store : ThumbnailStore
    options : PictureOptions
    seconds : float, optional
        For which is waited; then a picture of the wells that were read is returned.

    Raises
    ------
    NotFound
        If the plate has no images, or none of that site.
    InvalidArgument
        If it has no such channel.
    CellfolioError
        If no image can be read.
    """
    sites = plates.sites(name)
    shown = one_site_each(sites, options.site)
    if not shown:
        lacks = f"no site {options.site}" if sites else "no images"
        raise NotFound(f"the plate {name} has {lacks}")
    channels = choose_channels(sites, options.channels)
    _, shape = wells_of(plates, name)
    found = store.get(shown, channels, side_of(shape), seconds=seconds)
    planes = _pixels(found)
    layers = make_layers(channels, planes, options.contrast)
    places = [(one.well.row - 1, one.well.column - 1) for one in shown]
    pixels = paint_grid(planes, layers, places, (shape.rows, shape.columns), gap=GAP)
    step = pixels.shape[0] // shape.rows, pixels.shape[1] // shape.columns
    failures = dict(pair for one in found.values() for pair in one.failures)
    waiting = {at for one in found.values() for at in one.waiting}
    return PlatePicture(
        to_jpeg(pixels), layers, shape, step, {one.well: one.number for one in shown},
        tuple((shown[at].well, why) for at, why in sorted(failures.items())), len(waiting),
    )  # fmt: skip


def _pixels(found: Mapping[str, Thumbnails]) -> dict[str, NDArray[np.float32]]:
    return {channel: one.planes for channel, one in found.items()}


def plate_limits(
    plates: Plates,
    name: str,
    store: ThumbnailStore,
    channels: Sequence[str],
    contrast: Contrast | None = None,
) -> dict[str, Fixed]:
    """Return the contrast of a plate's channels, found of sites that are spread over it."""
    sites = one_site_each(plates.sites(name))
    step = max(1, len(sites) // _SPREAD)
    found = store.get(sites[::step][:_SPREAD], channels, _SPREAD_SIDE)
    layers = make_layers(channels, _pixels(found), contrast)
    return {layer.name: layer.limits for layer in layers}


def site_picture(
    site: SiteImages,
    store: ThumbnailStore,
    channels: Sequence[str],
    limits: Mapping[str, Fixed],
    side: int,
) -> bytes:
    """Return a picture of one site as JPEG.

    Parameters
    ----------
    site : SiteImages
    store : ThumbnailStore
    channels : sequence of str
    limits : mapping of str to Fixed
        Of each channel; see `plate_limits`.
    side : int
        Longest side, in pixels; images are not enlarged.

    Raises
    ------
    InvalidArgument
        If it has none of the channels.
    CellfolioError
        If it cannot be read.
    """
    there = [one for one in channels if one in dict(site.parts)]
    found = store.get((site,), there, min(side, LARGEST))
    planes = _pixels(found)
    layers = make_layers(channels, planes, limits=limits)
    shown = [one for one in layers if one.name in planes]
    return to_jpeg(paint_grid(planes, shown, [(0, 0)], (1, 1), gap=0))
