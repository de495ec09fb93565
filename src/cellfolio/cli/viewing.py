"""The command that shows images: view."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command
from cellfolio.cli.text import columns, paint, printable

if TYPE_CHECKING:
    from cellfolio.imaging.contrast import Contrast
    from cellfolio.imaging.options import ViewOptions
    from cellfolio.imaging.picture import Picture
    from cellfolio.workflows.finding_images import FoundImage

FIELDS = {
    "images": "each with `name`, `axes`, `shape`, `dtype`, `channels`, and `pixel_size`: µm by x, "
    "y and z, null where it is not known",
    "picture": "path of the picture, or null if none was asked for; then all below is null",
    "width": "of the picture, in pixels",
    "height": "of the picture, in pixels",
    "zoom": "pixels of the picture along an edge of a pixel of the image",
    "channels": "what is shown, each with `name`, `colour` and `limits`: the values that are black "
    "and white, one pair for all images or one for each",
    "scale_bar": "its length in µm, or null if there is none",
    "notes": "what a reader should know: wells without an image, channels left out",
}


_LOOK = (
    click.option("--channels", metavar="NAMES", help="Channels, in order: DNA,ER or 0,2."),
    click.option("--z", type=int, metavar="NUMBER", help="One depth, counted from 0."),
    click.option("--t", type=int, metavar="NUMBER", help="One time, counted from 0."),
    click.option(
        "--project",
        type=click.Choice(["max", "mean", "sum"]),
        help="How depths become one plane; by default max.",
    ),
    click.option(
        "--style",
        type=click.Choice(["panels", "composite", "plate"]),
        help="Channels side by side, or as one in colour; or wells where they are.",
    ),
    click.option("--contrast", metavar="LOW,HIGH", help="Percentiles that are black and white."),
    click.option("--range", "limits", metavar="LOW,HIGH", help="Values that are black and white."),
    click.option(
        "--each/--together",
        default=None,
        help="Contrast of each image on its own, or one for all.",
    ),
    click.option("--colours", metavar="COLOURS", help="Of the channels: magenta,#00ff00,cyan."),
    click.option("--fill", is_flag=True, help="Tint objects of overlays, in place of outlines."),
    click.option("--outline-colour", metavar="COLOURS", help="Of the overlays, in their order."),
    click.option(
        "--scale-bar/--no-scale-bar",
        default=None,
        help="By default drawn where the pixel size is known.",
    ),
    click.option(
        "--pixel-size", type=float, metavar="UM", help="In µm, if the images do not tell."
    ),
    click.option("--size", type=int, metavar="PIXELS", help="Longest side of an image as shown."),
)
"""What of the images is shown, and how."""


def _look_options(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Add the options of `_LOOK`."""
    for option in reversed(_LOOK):
        function = option(function)
    return function


@command("view", fields=FIELDS)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@_look_options
@click.option(
    "--overlay",
    multiple=True,
    metavar="SEG",
    help="Segmentation to draw over the image: a file as IMAGE, or one of its channels; can be "
    "repeated.",
)
@click.option(
    "--info",
    metavar="JSON",
    help="Info document of the image; channels it does not use are left out.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Save the picture: .png, .svg or .pdf.",
)
def view_command(
    images: Sequence[str],
    overlay: Sequence[str],
    info: str | None,
    output: Path | None,
    **look: Any,
) -> Answer:
    """Make a picture of images, or show it in the terminal.

    IMAGE is a file, an OME-Zarr, a URI, or a file of a package as 'show' names it. Files that an
    Opera Phenix named, or a folder of them, are put together by site; several images are shown
    side by side. Without -o, the terminal shows a preview if it can. Only the planes that are
    shown are read, also from a bucket.
    """
    from cellfolio.imaging.saving import check_picture_path
    from cellfolio.storage.home import Home
    from cellfolio.workflows import viewing
    from cellfolio.workflows.finding_images import find_images

    options = _read_options(look)
    if output is not None:
        check_picture_path(output)
    home = Home()
    found = find_images(images, home)
    if info is not None:
        found = viewing.name_channels(found, viewing.read_info(info, home))
    picture = None
    if output is not None or _previews():
        overlays = viewing.find_overlays(overlay, found, home)
        picture = viewing.view_found(found, options, overlays)
        for note in picture.notes:
            warnings.warn(note, stacklevel=2)
    if output is not None and picture is not None:
        picture.save(output)
    return Answer(lambda: _document(found, picture, output), _lines(found, picture, output))


def _previews() -> bool:
    """Whether somebody watches a terminal that can show something."""
    import os

    from cellfolio.cli.preview import choose_way

    as_json = click.get_current_context().meta["as_json"]
    return not as_json and sys.stdout.isatty() and choose_way(os.environ) is not None


def _read_options(look: dict[str, Any]) -> ViewOptions:
    from cellfolio.imaging.options import ViewOptions

    return ViewOptions(
        channels=_words(look["channels"]),
        z=look["z"],
        t=look["t"] or 0,
        project=look["project"],
        style=look["style"],
        contrast=_contrast(look["contrast"], look["limits"]),
        each=look["each"],
        colours=_words(look["colours"]),
        outline_colours=_words(look["outline_colour"]),
        fill=look["fill"],
        scale_bar=look["scale_bar"],
        pixel_size=look["pixel_size"],
        size=look["size"],
    )


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, (text or "").split(","))))


def _contrast(percentiles: str | None, limits: str | None) -> Contrast | None:
    from cellfolio.errors import InvalidArgument
    from cellfolio.imaging.contrast import Fixed, Percentile

    if percentiles is not None and limits is not None:
        raise InvalidArgument("--contrast and --range both say what is black and white; use one")
    if limits is not None:
        return Fixed(*_pair("--range", limits))
    return None if percentiles is None else Percentile(*_pair("--contrast", percentiles))


def _pair(option: str, text: str) -> tuple[float, float]:
    from cellfolio.errors import InvalidArgument

    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise InvalidArgument(f"{option} {text!r}: expected two numbers, as 100,4000") from None
    return low, high


def _document(
    found: Sequence[FoundImage], picture: Picture | None, output: Path | None
) -> dict[str, Any]:
    document: dict[str, Any] = dict.fromkeys(FIELDS)
    document["images"] = [_image_document(one) for one in found]
    if picture is None:
        return document
    height, width, _ = picture.pixels.shape
    bar = picture.scale_bar
    return document | {
        "picture": str(output),
        "width": width,
        "height": height,
        "zoom": picture.zoom,
        "channels": [
            {
                "name": one.name,
                "colour": one.colour,
                "limits": [[limits.low, limits.high] for limits in one.limits],
            }
            for one in picture.channels
        ],
        "scale_bar": None if bar is None else bar.micrometres,
        "notes": list(picture.notes),
    }


def _image_document(found: FoundImage) -> dict[str, Any]:
    image = found.image
    size = image.pixel_size
    return {
        "name": image.name,
        "axes": image.axes,
        "shape": list(image.shape),
        "dtype": str(image.dtype),
        "channels": list(image.channels),
        "pixel_size": {"x": size.x, "y": size.y, "z": size.z},
    }


def _lines(
    found: Sequence[FoundImage], picture: Picture | None, output: Path | None
) -> Iterator[str]:
    from cellfolio.cli.preview import preview_lines

    if picture is not None and output is None:
        yield from preview_lines(picture)
    for facts, alike in groupby(found, _facts):
        yield paint(_names([one.image.name for one in alike]), "bold")
        yield from columns(facts, "<<")
    if output is not None and picture is not None:
        height, width, _ = picture.pixels.shape
        yield f"{printable(output)}: {width} × {height} pixels"
    elif picture is None:
        yield paint("-o FILE.png saves a picture", "dim")


_MOST = 4
"""Images whose names are told."""


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST
    shown = names if more <= 1 else names[:_MOST]
    return printable(", ".join(shown)) + (f" and {more} more" if more > 1 else "")


def _facts(found: FoundImage) -> list[tuple[str, str]]:
    image = found.image
    sizes = " × ".join(f"{a} {n}" for a, n in zip(image.axes, image.shape, strict=True))
    rows = [("  axes", f"{sizes}, {image.dtype}")]
    if image.channels:
        rows.append(("  channels", printable(", ".join(image.channels))))
    size = image.pixel_size
    known = [f"{axis} {n:g} µm" for axis, n in (("x", size.x), ("y", size.y), ("z", size.z)) if n]
    if known:
        rows.append(("  pixel size", ", ".join(known)))
    return rows
