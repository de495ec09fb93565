"""What the commands that work on sites of plates share: which sites, and where their images are."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer

if TYPE_CHECKING:
    from cellfolio.workflows.measuring.running import MeasureInputs

_WHAT = click.argument("what", metavar="IMAGES")
_PLACES = (
    click.option("--images", metavar="PLACE", help="Where the images are that a table names."),
    click.option(
        "--labels",
        metavar="PLACE",
        help="Label images that were made elsewhere; by default cells are found.",
    ),
    click.option(
        "--illumination", metavar="PLACE", help="Illumination functions: PLATE_IllumDNA.npy."
    ),
)
_SITES = (
    click.option(
        "--plate", default="", metavar="NAME", help="Name of the plate, if files do not tell it."
    ),
    click.option("--well", metavar="WELLS", help="Wells: A01, A01,B02, A01-B03 (a rectangle), A."),
    click.option("--site", metavar="SITES", help="Sites: 1, or 1,3-5."),
    click.option("--shard", metavar="I/N", help="Only every N-th site from the I-th on."),
)


def site_options(*, channels: str) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Add the images, and which sites; the function gets a `MeasureInputs` and a `Shard`.

    Parameters
    ----------
    channels : str
        What the help says of ``--channels``.
    """
    which = click.option("--channels", default="", metavar="NAMES", help=channels)

    def add(function: Callable[..., Answer]) -> Callable[..., Answer]:
        @functools.wraps(function)
        def of_sites(shard: str | None, **words: Any) -> Answer:
            from cellfolio.workflows.measuring.shards import Shard

            part = None if shard is None else Shard.parse(shard)
            return function(inputs=_take_inputs(words), shard=part, **words)

        added: Callable[..., Answer] = of_sites
        for option in reversed((_WHAT, *_PLACES, which, *_SITES)):
            added = option(added)
        return added

    return add


def _take_inputs(words: dict[str, Any]) -> MeasureInputs:
    """Take what the options say out of the words of a command."""
    from cellfolio.workflows.measuring.running import MeasureInputs

    select = {name: words.pop(name) for name in ("well", "site")}
    names = ("what", "images", "labels", "illumination", "channels", "plate")
    return MeasureInputs(
        **{name: words.pop(name) for name in names},
        select={name: word for name, word in select.items() if word},
    )
