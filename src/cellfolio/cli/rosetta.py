"""Command that loads profiles of the Rosetta data sets."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.text import columns, paint, plural, printable

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.metadata.rosetta.profiles import Profiles, ProfilesReport

SHOWN = 5
"""Rows, and features that were left out, that are shown."""
REPORT_FIELDS = {
    "data_set": "short name of the data set",
    "modality": "morphology or expression",
    "level": "replicate or treatment",
    "variant": "which of the files of the modality",
    "file": "logical key or name of the file",
    "digest": "its digest; empty where none is known",
    "rows": "wells in the file",
    "plates": "their plates",
    "perturbations": "their perturbations, controls aside",
    "controls": "wells of negative controls",
    "without_key": "wells that no perturbation is named for",
    "expected_rows": "wells, as published; null where that is not known",
    "expected_perturbations": "perturbations, as published; or null",
    "expected_features": "features, as published; or null",
    "features": "features that are left",
    "values": "their values in the table",
    "missing": "missing ones among them",
    "infinite": "infinite values in the file, which count as missing",
    "dropped": "features that were left out; each with `feature` and `reason`",
    "notes": "what else there is to know",
    "shape": "rows and columns of the table",
    "keys": "`Metadata_perturbation` of the first rows",
    "output": "the file that was written, or null",
}


def options_of_profiles(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Add what is done to the values; the function gets it as keywords of `ProfileOptions`."""

    @click.option(
        "--feature",
        "features",
        multiple=True,
        metavar="NAME",
        help="Only this one; can be repeated.",
    )
    @click.option("--standardize", is_flag=True, help="Per plate: z-scores over all its wells.")
    @click.option(
        "--fill",
        type=click.Choice(["none", "plate_median"]),
        default="none",
        help="What becomes of missing values.",
    )
    @click.option(
        "--parity",
        type=click.Choice(["published"]),
        help="Fill and leave out as the published code does.",
    )
    @click.option("--symbols", metavar="FILE", help="Table of probe_id and symbol, for genes.")
    @functools.wraps(function)
    def with_options(
        features: tuple[str, ...],
        standardize: bool,
        fill: str,
        parity: str | None,
        symbols: str | None,
        **rest: Any,
    ) -> Answer:
        options = {
            "features": features or None,
            "standardize": standardize,
            "fill": fill,
            "parity": parity,
            "symbols": symbols,
        }
        return function(options=options, **rest)

    return with_options


@command("rosetta", fields=REPORT_FIELDS)
@click.argument("data_set")
@click.option("--source", metavar="PACKAGE|FOLDER", help="Where its files are; a file will do.")
@click.option(
    "--modality",
    type=click.Choice(["morphology", "expression"]),
    default="morphology",
    help="By default morphology.",
)
@click.option(
    "--level",
    type=click.Choice(["replicate", "treatment"]),
    default="replicate",
    help="One row for each well (the default), or for each perturbation.",
)
@click.option("--variant", metavar="NAME", help="Which file; by default the first there is.")
@options_of_profiles
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the table: .csv, .csv.gz or .parquet; and what was done, to FILE.json.",
)
def rosetta_command(data_set: str, options: dict[str, Any], **how: Any) -> Answer:
    """Load profiles of a Rosetta data set, by well or perturbation.

    DATA_SET is CDRP, CDRP-bio, LUAD, TA-ORF or LINCS. Its files come from the catalogue's address,
    or from --source: a package, the folder of the data set or one above it, or one file. Without
    -o, says what was loaded.
    """
    from cellfolio.formats.saving import check_table_name
    from cellfolio.metadata.rosetta.profiles import ProfileOptions, Wanted
    from cellfolio.metadata.rosetta.sets import find_set
    from cellfolio.workflows.rosetta import (
        read_profiles,
        read_symbols,
        write_profiles,
    )

    wanted = Wanted(find_set(data_set), how["modality"], how["level"], how["variant"])
    if how["output"] is not None:
        check_table_name(how["output"])
    if options["symbols"] is not None:
        options["symbols"] = read_symbols(options["symbols"])
    found = read_profiles(
        wanted, how["source"], ProfileOptions(**options), progress=terminal_progress()
    )
    if how["output"] is not None:
        write_profiles(found, how["output"])
    return Answer(lambda: _document(found, how["output"]), _lines(found, how["output"]))


def _document(found: Profiles, output: Path | None) -> dict[str, Any]:
    keys = found.table["Metadata_perturbation"].head(SHOWN).tolist()
    return {
        **found.report.document(),
        "shape": list(found.table.shape),
        "keys": [key if isinstance(key, str) else None for key in keys],
        "output": None if output is None else str(output),
    }


def _lines(found: Profiles, output: Path | None) -> Iterator[str]:
    report, table = found.report, found.table
    yield paint(f"{report.data_set}, {report.modality}, {report.variant}", "bold")
    yield from columns(_facts(report, table), "<<")
    for note in report.notes:
        yield f"  note: {printable(note)}"
    if output is not None:
        yield f"→ {printable(output)}: {len(table):,} rows, {table.shape[1]:,} columns"
    elif len(table):
        yield ""
        yield from _first_rows(table)


def _facts(report: ProfilesReport, table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    yield "  file", printable(report.file)
    yield "  wells", f"{report.rows:,}{_published(report.expected_rows)}"
    yield "  plates", f"{report.plates:,}"
    yield "  perturbations", f"{report.perturbations:,}{_published(report.expected_perturbations)}"
    yield "  controls", plural(report.controls, "well")
    yield "  features", f"{report.features:,}{_published(report.expected_features)}"
    share = report.missing / report.values if report.values else 0
    infinite = f"; {report.infinite:,} of the file were infinite" if report.infinite else ""
    yield "  missing", f"{report.missing:,} of {report.values:,} values ({share:.2%}){infinite}"
    for number, one in enumerate(report.dropped[:SHOWN]):
        yield "" if number else "  left out", f"{printable(one.feature)}: {one.reason}"
    if len(report.dropped) > SHOWN:
        yield "", f"… and {len(report.dropped) - SHOWN:,} more"
    if report.level == "treatment":
        yield "  table", f"{len(table):,} perturbations, controls as one"


def _published(number: int | None) -> str:
    return "" if number is None else f" (published: {number:,})"


def _first_rows(table: pd.DataFrame) -> Iterator[str]:
    """Show the metadata that tell most, of the first rows."""
    names = [name for name in table.columns if name.startswith("Metadata_")][:3]
    rows = [tuple(names)]
    first = table[names].head(SHOWN).astype(object).fillna("")
    rows += [tuple(map(printable, row)) for row in first.itertuples(index=False)]
    yield from columns(rows, "<" * len(names))
    if len(table) > SHOWN:
        yield f"… {len(table) - SHOWN:,} more rows"
