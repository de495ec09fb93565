"""The commands that measure images: measure, warmup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.engines import engine_options
from cellfolio.cli.failures import DIFFERENT
from cellfolio.cli.sites import site_options
from cellfolio.cli.text import columns, paint, plural, printable
from cellfolio.cli.writing import output_folder

if TYPE_CHECKING:
    from cellfolio.workflows.measuring.records import SiteRecord
    from cellfolio.workflows.measuring.running import MeasuredRun, MeasureInputs
    from cellfolio.workflows.measuring.settings import MeasureOptions
    from cellfolio.workflows.measuring.shards import Shard

_TOLD = 10
"""Sites that failed, and are told of one by one."""
_PLATE, _EXPERIMENT = "a plate", "an experiment of 51 plates"
FIELDS = {
    "output": "the folder",
    "dry_run": "whether nothing was written",
    "shard": "the part of the sites that was asked for (`1/8`), or null",
    "plates": "by name: sites, cells, failed",
    "measured": "number of sites that were measured now",
    "up_to_date": "number of sites that were measured before",
    "waiting": "with --dry-run, sites that would be measured, and why",
    "failed": "sites that could not be measured: plate, well, site, and the failure (error, "
    "message, hint)",
    "missing_shards": "shards that have not done all of their sites",
    "cpu_seconds": "of all sites, and per site (the median), per plate of 384 wells with 9 sites "
    "each, and per experiment of 51 such plates; null where nothing was measured",
}


@command("measure", fields=FIELDS)
@output_folder("Where the tables go.")
@site_options(channels="Those to measure: DNA,ER or DNA=5,ER=4; by default all there are.")
@click.option(
    "--groups", metavar="NAMES", default="", help="Features: Intensity,AreaShape; or all."
)
@click.option("--nuclei", metavar="CHANNEL", default="DNA", show_default=True, help="Found in it.")
@click.option("--cells", metavar="CHANNEL", default="RNA", show_default=True, help="Found in it.")
@click.option(
    "--cell-threshold", type=click.FloatRange(0, 1), help="Of cells; by default found in each site."
)
@click.option("--float32", is_flag=True, help="Features with 32 bits: half of the room.")
@click.option("--outlines", is_flag=True, help="Draw each site with its cells outlined.")
@click.option("--save-labels", is_flag=True, help="Keep the labels of nuclei, cells, cytoplasm.")
@engine_options()
@click.option("-n", "--dry-run", is_flag=True, help="Tell what would be measured, and why.")
def measure_command(
    inputs: MeasureInputs, shard: Shard | None, output: Path, dry_run: bool, **how: Any
) -> Answer:
    """Measure every cell of every site of plates, from the images.

    IMAGES is a folder or a package with images of plates, or a load_data table or Index.idx.xml
    that names them. Nuclei, cells and cytoplasm are found and measured as the CellProfiler
    pipeline of CPJUMP1 does, and 'profile' and 'aggregate' read what is written. Sites that were
    measured before are left as they are, if images and settings are the same; a run that was
    stopped goes on. A site that fails is recorded, the others go on, and the exit code is 1.

    For a cluster, run '--shard 1/8' to '--shard 8/8' on a common folder, then once without.
    """
    from cellfolio.workflows.measuring.running import measure_plates, plan_measurement

    workers, options = how["workers"], _options(how)
    if dry_run:
        run = plan_measurement(inputs, output, options, shard=shard)
    else:
        progress = terminal_progress()
        run = measure_plates(
            inputs, output, options, shard=shard, workers=workers, progress=progress
        )
    return Answer(
        lambda: _document(run, dry_run=dry_run),
        _planned_lines(run) if dry_run else _lines(run),
        code=DIFFERENT if run.failed else 0,
    )


def _options(how: dict[str, Any]) -> MeasureOptions:
    from cellfolio.registries.plates import split_words
    from cellfolio.workflows.measuring.settings import MeasureOptions, named_settings

    groups = tuple(split_words(how["groups"])) if how["groups"] else ()
    return MeasureOptions(
        *named_settings(groups, how["nuclei"], how["cells"], how["cell_threshold"]),
        "float32" if how["float32"] else "float64",
        how["outlines"],
        how["save_labels"],
    )


def _document(run: MeasuredRun, *, dry_run: bool) -> dict[str, Any]:
    from cellfolio.workflows.experiment.cost import SCALES

    seconds = run.seconds_per_site
    cost = None
    if seconds is not None:
        cost = {
            "all": sum(one.seconds for one in run.records),
            "site": seconds,
            "plate": seconds * SCALES[_PLATE],
            "experiment": seconds * SCALES[_EXPERIMENT],
        }
    return {
        "output": str(run.output),
        "dry_run": dry_run,
        "shard": None if run.shard is None else str(run.shard),
        "plates": {
            name: {
                "sites": len(records),
                "cells": sum(one.cells for one in records),
                "failed": sum(one.failure is not None for one in records),
            }
            for name, records in run.plates.items()
        },
        "measured": run.made,
        "up_to_date": len(run.records) - run.made,
        "waiting": [{"site": site, "why": why} for site, why in run.waiting],
        "failed": [
            {
                "plate": one.plate,
                "well": one.well,
                "site": one.site,
                "failure": None if one.failure is None else asdict(one.failure),
            }
            for one in run.failed
        ],
        "missing_shards": [str(shard) for shard in run.missing_shards],
        "cpu_seconds": cost,
    }


def _lines(run: MeasuredRun) -> Iterator[str]:
    rows = [("plate", "sites", "cells", "failed")]
    for name, records in run.plates.items():
        failed = sum(one.failure is not None for one in records)
        cells = sum(one.cells for one in records)
        rows.append((printable(name), f"{len(records):,}", f"{cells:,}", str(failed)))
    for number, line in enumerate(columns(rows, "<>>>")):
        yield paint(line, "bold") if number == 0 else line
    yield from _failure_lines(run.failed)
    kept = len(run.records) - run.made
    yield f"{plural(run.made, 'site')} measured, {kept:,} up to date, in {printable(run.output)}"
    yield from _cost_lines(run)
    yield from _shard_lines(run)


def _failure_lines(failed: tuple[SiteRecord, ...]) -> Iterator[str]:
    for one in failed[:_TOLD]:
        assert one.failure is not None
        told = f"{one.plate} {one.well} site {one.site} failed: {one.failure.message}"
        yield paint(printable(told), "bold")
        if one.failure.hint:
            yield f"  hint: {printable(one.failure.hint)}"
    if len(failed) > _TOLD:
        yield f"… and {len(failed) - _TOLD:,} more: see --json"


def _cost_lines(run: MeasuredRun) -> Iterator[str]:
    seconds = run.seconds_per_site
    if seconds is None or not run.made:
        return
    from cellfolio.workflows.experiment.cost import SCALES, amount

    plate, experiment = (amount(seconds * SCALES[it] / 3600) for it in (_PLATE, _EXPERIMENT))
    yield (
        f"{amount(seconds)} CPU seconds per site: {plate} CPU hours for a plate of 384 wells with "
        f"9 sites each, {experiment} for {_EXPERIMENT}"
    )


def _shard_lines(run: MeasuredRun) -> Iterator[str]:
    if run.shard is not None:
        yield f"shard {run.shard} is done; when all are, run it without --shard"
    if run.missing_shards:
        names = ", ".join(map(str, run.missing_shards))
        yield f"shards that have not done all of their sites: {names}"


def _planned_lines(run: MeasuredRun) -> Iterator[str]:
    for why in dict.fromkeys(why for _, why in run.waiting):
        sites = [site for site, one in run.waiting if one == why]
        told = printable(sites[0]) if len(sites) == 1 else plural(len(sites), "site")
        yield f"{told}: {printable(why)}"
    yield (f"{plural(len(run.waiting), 'site')} would be measured, {len(run.records):,} up to date")
    yield from _shard_lines(run)


@command(
    "warmup",
    fields={
        "folder": "where compiled functions are kept",
        "cpu_seconds": "that the first site took, with compiling or loading them",
        "cpu_seconds_again": "that the same site took then",
    },
)
def warmup_command() -> Answer:
    """Compile what measures images once, so that later runs begin at once.

    Every later run of this installation finds it on disk, in all its processes. Without this, the
    first site that is measured does it.
    """
    from cellfolio.workflows.measuring.warming import warm_up

    found = warm_up()
    document = {
        "folder": str(found.folder),
        "cpu_seconds": found.seconds,
        "cpu_seconds_again": found.again,
    }
    return Answer(
        lambda: document,
        [
            f"compiled and loaded in {found.seconds:.1f} CPU seconds; a small site takes "
            f"{found.again:.2f} now",
            f"kept in {printable(found.folder)}",
        ],
    )
