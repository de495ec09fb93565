"""The command that tells whether profiles find each other: map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command
from cellfolio.cli.evaluated import SHARED, Evaluated, reading_options
from cellfolio.cli.text import plural
from cellfolio.cli.writing import FILE, check_files

if TYPE_CHECKING:
    from cellfolio.evaluation import Retrieval
    from cellfolio.workflows.evaluating import Reading


@command(
    "map",
    fields={
        "groups": "how many there are",
        "mean": "mean over the groups of mean average precision",
        "retrieved": "share of groups that are significant",
        "level": "corrected p-values below it are significant",
        "profiles": "profiles with an average precision",
        "left_out": "profiles without, or of no group",
        **SHARED,
    },
)
@click.argument("profiles", nargs=-1, required=True)
@click.option("--pos-sameby", metavar="COLUMN", multiple=True, required=True,
              help="Positives are equal in it; this and the next may be repeated.")  # fmt: skip
@click.option("--pos-diffby", metavar="COLUMN", multiple=True, help="Positives differ in it.")
@click.option("--neg-sameby", metavar="COLUMN", multiple=True, help="Negatives are equal in it.")
@click.option("--neg-diffby", metavar="COLUMN", multiple=True, help="Negatives differ in it.")
@click.option("--labels", metavar="COLUMN", default="", help="One of these with several labels.")
@click.option(
    "--similarity",
    type=click.Choice(["cosine", "abs_cosine", "correlation", "euclidean"]),
    default="cosine",
    show_default=True,
    help="How alike profiles are.",
)
@click.option("--by", metavar="COLUMN", multiple=True, help="Groups, if not those of positives.")
@click.option("--score-only", metavar="QUERY", help="Profiles that are scored; all are ranked.")
@click.option(
    "--null",
    type=click.Choice(["paired", "copairs"]),
    default="paired",
    show_default=True,
    help="How chance is drawn: calibrated, or as copairs 0.5 does.",
)
@click.option("--draws", default=10_000, show_default=True, help="Draws of each null.")
@click.option("--seed", default=0, show_default=True, help="Of the random draws.")
@click.option("--level", default=0.05, show_default=True, help="Of corrected p-values.")
@click.option("--scores", metavar="FILE", type=FILE, help="Write average precision by profile.")
@reading_options
def map_command(
    profiles: tuple[str, ...],
    output: Path | None,
    figure: Path | None,
    scores: Path | None,
    reading: Reading,
    **how: Any,
) -> Answer:
    """Tell whether profiles find those they should: mean average precision.

    PROFILES are tables with one row for each well or perturbation. Each ranks its positives and
    negatives by similarity: replicates against controls of its plate, say.
    """
    from cellfolio.evaluation import PairRule
    from cellfolio.workflows.evaluating import Scoring, retrieving, write_result

    check_files((scores,))
    told = {**how, "reading": reading}
    pairs = {
        name: how.pop(name)
        for name in ("pos_sameby", "pos_diffby", "neg_sameby", "neg_diffby", "labels")
    }
    similarity, only = how.pop("similarity"), how.pop("score_only")
    made, found, plates = retrieving(
        profiles, PairRule(**pairs), similarity, Scoring(only=only, **how), reading=reading
    )
    facts = {
        "groups": len(found.table),
        "mean": found.mean,
        "retrieved": found.retrieved,
        "level": found.level,
        "profiles": len(made) - found.left_out,
        "left_out": found.left_out,
    }
    if scores is not None:
        write_result(made, scores, plates, {"parameters": told})
    shown = found.table.sort_values("mean_average_precision", ascending=False)
    return Evaluated(found, shown, plates, told, facts, _map_lines(found)).answer(output, figure)


def _map_lines(found: Retrieval) -> list[tuple[str, str]]:
    hits = int(found.table["significant"].sum())
    lines = [
        ("  retrieved", f"{hits:,} of {plural(len(found.table), 'group')} ({found.retrieved:.1%})"
         f", corrected p < {found.level:g}"),
        ("  mean of mAP", f"{found.mean:.3f}"),
    ]  # fmt: skip
    if found.left_out:
        lines.append(("  without score", plural(found.left_out, "profile")))
    return lines
