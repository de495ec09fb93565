"""The command about the quality of plates."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.text import columns, paint, plural, printable
from cellfolio.cli.writing import output_folder

if TYPE_CHECKING:
    from cellfolio.evaluation.quality import PlateQuality
    from cellfolio.evaluation.site_quality import SiteQuality
    from cellfolio.workflows.quality import QualityPage

_SHOWN = 5
FIELDS = {
    "plates": "the plates; each with `plate`, `page` and `pictures` (files), `wells`, `stages` "
    "(features of each table), `controls`, `median_objects` (or null), `missing` (share of the "
    "values), `control_spread` (by that of all wells, median of the features, or null), "
    "`perturbations` (those with replicates), `replicating` and `threshold` (or null), "
    "`positions` (each with `of`, and the share of the variance that `row`, `column` and `edge` "
    "explain, or null) and `flags` (each with `well` and `reason`); all of these are null without "
    "profiles; and `sites`, null without images (with `count`, `flagged`, `median_objects`, and "
    "`flags`, each with `well`, `site`, `kind` and `reason`)",
}
_OF_PROFILES = (
    "wells", "stages", "controls", "median_objects", "missing", "control_spread", "perturbations",
    "replicating", "threshold", "positions", "flags",
)  # fmt: skip


@command("quality", fields=FIELDS)
@click.argument("profiles", nargs=-1, metavar="[PROFILES...]")
@output_folder("Folder for the pages and pictures.")
@click.option("--reference", metavar="QUERY", help="Which wells are negative controls.")
@click.option(
    "--perturbation",
    multiple=True,
    metavar="COLUMN",
    help="Column that tells which wells are replicates; can be repeated.",
)
@click.option("--well", default="Metadata_Well", metavar="COLUMN", help="By default Metadata_Well.")
@click.option("--count", metavar="COLUMN", help="Column with the number of objects.")
@click.option(
    "--images",
    metavar="TABLE",
    help="Table of the plates' images, a row for each site, or PACKAGE/PATH.",
)
def quality_command(
    profiles: tuple[str, ...], output: Path, images: str | None, **design: Any
) -> Answer:
    """Write a page about the quality of each plate, with pictures.

    PROFILES are tables with a row for each well, in the order in which they were made: such as
    annotated, normalized, selected (.csv, .csv.gz, .parquet, .h5ad); or PACKAGE/PATH. One is
    enough. Plates are told by Metadata_Plate.

    With --images, the page also tells which sites are out of focus, saturated, empty or have few
    cells; without PROFILES, it tells of nothing else.

    A QUERY is such as "Metadata_control_type == 'negcon'".
    """
    from cellfolio.evaluation.quality import PlateDesign
    from cellfolio.workflows.quality import quality

    pages = quality(
        profiles, output, PlateDesign(**design), images=images, progress=terminal_progress()
    )
    return Answer(lambda: {"plates": [_document(page) for page in pages]}, _lines(pages))


def _document(page: QualityPage) -> dict[str, Any]:
    from cellfolio.formats.saving import plain

    document = {
        "plate": page.plate,
        "page": str(page.path),
        "pictures": [str(path) for path in page.pictures],
        **(dict.fromkeys(_OF_PROFILES) if page.quality is None else _of_profiles(page.quality)),
        "sites": None if page.sites is None else _of_sites(page.sites),
    }
    found_plain: dict[str, Any] = plain(document)
    return found_plain


def _of_profiles(found: PlateQuality) -> dict[str, Any]:
    from dataclasses import asdict

    replicates = found.replicates
    told = (
        len(found.wells),
        found.stages,
        found.control_count,
        found.median_objects,
        found.missing,
        found.median_spread,
        None if replicates is None else len(replicates.perturbations),
        None if replicates is None else replicates.agreeing,
        None if replicates is None else replicates.threshold,
        [
            {"of": one.of, "row": one.row, "column": one.column, "edge": one.edge}
            for one in found.positions
        ],
        [asdict(flag) for flag in found.flags],
    )
    return dict(zip(_OF_PROFILES, told, strict=True))


def _of_sites(found: SiteQuality) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "count": len(found.sites),
        "flagged": int(found.sites["flagged"].sum()),
        "median_objects": float(found.sites["objects"].median()),
        "flags": [asdict(flag) for flag in found.flags],
    }


def _lines(pages: tuple[QualityPage, ...]) -> Iterator[str]:
    for page in pages:
        yield paint(printable(page.plate), "bold")
        facts = [] if page.quality is None else list(_facts(page.quality))
        if page.sites is not None:
            flagged = int(page.sites.sites["flagged"].sum())
            facts.append(("  sites", f"{len(page.sites.sites):,}, {flagged:,} to look at"))
        yield from columns(facts, "<<")
        told = (
            [] if page.quality is None else [(one.well, one.reason) for one in page.quality.flags]
        )
        if page.sites is not None:
            told += [
                (f"{one.well} site {one.site}", f"{one.kind}, {one.reason}")
                for one in page.sites.flags
            ]
        for where, reason in told[:_SHOWN]:
            yield f"  {printable(where)}: {printable(reason)}"
        if len(told) > _SHOWN:
            yield f"  … {len(told) - _SHOWN:,} more in the page"
        yield f"→ {printable(page.path)}"


def _facts(found: PlateQuality) -> Iterator[tuple[str, str]]:
    yield "  wells", f"{len(found.wells):,}, {len(found.flagged):,} to look at"
    if isfinite(found.median_objects):
        yield "  objects", f"{found.median_objects:,.0f} by well, median"
    yield "  features", " → ".join(f"{count:,}" for count in found.stages.values())
    yield "  missing", f"{found.missing:.2%} of the values"
    if found.control_count:
        wide = f"their spread {found.median_spread:.2f} of that of all wells"
        yield "  controls", f"{plural(found.control_count, 'well')}, {wide}"
    if found.replicates is not None and len(found.replicates.perturbations):
        of = plural(len(found.replicates.perturbations), "perturbation")
        yield "  replicating", f"{found.replicates.agreeing:,} of {of}"
    elif found.replicates is not None:
        yield "  replicating", "no perturbation has two wells"
    for one in found.positions:
        shares = (("row", one.row), ("column", one.column), ("edge", one.edge))
        told = [f"{name} {max(share, 0):.0%}" for name, share in shares if isfinite(share)]
        yield f"  {one.of}", f"explained by {', '.join(told)}" if told else "too few wells"
