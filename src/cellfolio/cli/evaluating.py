"""The commands that compare correlations of profiles with chance: replicating, matching."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command
from cellfolio.cli.evaluated import SHARED, Evaluated, reading_options
from cellfolio.cli.text import plural

if TYPE_CHECKING:
    from cellfolio.evaluation import Matching, Null, Replicability

_LIMITS = {
    "score": "share of them that are beyond the limits",
    "limits": "lower and upper; null where an end does not count",
    "null": "number of correlations by chance",
}


def null_options(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Add how chance is drawn and where it ends; the function gets a `Cutoff`."""

    @click.option("--draws", default=1_000, show_default=True, help="Draws of the null.")
    @click.option("--seed", default=0, show_default=True, help="Of the random draws.")
    @click.option("--percentile", default=95.0, show_default=True, help="Where the null ends.")
    @click.option(
        "--tail",
        type=click.Choice(["right", "left", "both"]),
        default="right",
        show_default=True,
        help="Which end of the null counts.",
    )
    @functools.wraps(function)
    def drawing(percentile: float, tail: str, **rest: Any) -> Answer:
        from cellfolio.evaluation import Cutoff

        return function(cutoff=Cutoff(percentile, tail), **rest)

    return drawing


@command(
    "replicating",
    fields={
        "perturbations": "how many there are",
        **_LIMITS,
        "pair_score": "share of the pairs of replicates that are beyond the limits",
        "single": "perturbations with one replicate, which count as not replicating",
        "without_perturbation": "rows without one; part of the null only",
        **SHARED,
    },
)
@click.argument("profiles", nargs=-1, required=True)
@click.option(
    "-p", "--perturbation", metavar="COLUMN", multiple=True, required=True,
    help="Column that names it; several, such as compound and dose, by repeating.",
)  # fmt: skip
@click.option(
    "--null",
    type=click.Choice(["groups", "pairs", "rosetta"]),
    default="groups",
    show_default=True,
    help="Medians of random groups; all pairs, exactly; or pairs of one row of each.",
)
@click.option("--size", type=int, help="Rows of a random group; by default the usual replicates.")
@click.option(
    "--statistic",
    type=click.Choice(["median", "mean"]),
    default="median",
    show_default=True,
    help="Of the correlations between replicates.",
)
@null_options
@reading_options
def replicating_command(
    profiles: tuple[str, ...],
    perturbation: tuple[str, ...],
    output: Path | None,
    figure: Path | None,
    **how: Any,
) -> Answer:
    """Tell how many perturbations look alike each time they are done.

    PROFILES are tables with one row for each well, such as those of several plates: paths, or
    files of a package (PACKAGE/PATH). The correlation between the replicates of a perturbation is
    compared with that of wells that are no replicates.
    """
    from cellfolio.evaluation import AllPairs, OneOfEach, SampledGroups
    from cellfolio.workflows.evaluating import replicating

    draws, seed, size, kind = (how.pop(name) for name in ("draws", "seed", "size", "null"))
    null: Null = AllPairs()
    if kind != "pairs":
        null = OneOfEach(seed) if kind == "rosetta" else SampledGroups(size, draws, seed)
    told = {"perturbation": perturbation, "null": kind, "draws": draws, "seed": seed, "size": size,
            **how}  # fmt: skip
    found, plates = replicating(profiles, perturbation, null, **how)
    single = int((found.table["replicates"] == 1).sum())
    facts = {
        "perturbations": len(found.table),
        **_limits(found),
        "pair_score": found.pair_score if single < len(found.table) else None,
        "single": single,
        "without_perturbation": found.without_perturbation,
    }
    hits = int(found.table["replicating"].sum())
    lines = [
        ("  replicating", f"{hits:,} of {plural(len(found.table), 'perturbation')}"
         f" ({found.score:.1%})"),
    ]  # fmt: skip
    if facts["pair_score"] is not None:
        lines.append(("  pairs", f"{found.pair_score:.1%} of the pairs of replicates are beyond "
                      "chance"))  # fmt: skip
    lines += _limit_lines(found)
    if single:
        lines.append(("  one replicate", f"{single:,}, which cannot replicate"))
    if found.without_perturbation:
        lines.append(("  no perturbation", plural(found.without_perturbation, "row")))
    shown = found.table.sort_values("correlation", ascending=False)
    return Evaluated(found, shown, plates, told, facts, lines).answer(output, figure)


@command(
    "matching",
    fields={
        "pairs": "pairs of perturbations with a target in common",
        **_LIMITS,
        "targets": "targets of the first, of the second, and those compared",
        **SHARED,
    },
)
@click.argument("profiles", nargs=-1, required=True)
@click.option(
    "-a", "--against", metavar="FILE", multiple=True,
    help="Profiles of another modality; by default PROFILES are compared with each other.",
)  # fmt: skip
@click.option("-p", "--perturbation", metavar="COLUMN[,COLUMN]", required=True,
              help="Column that names it; two if the modalities differ.")  # fmt: skip
@click.option("-t", "--target", metavar="COLUMN[,COLUMN]", required=True,
              help="Column with what it acts on; several with | between them.")  # fmt: skip
@click.option("--apart", is_flag=True, help="Keep pairs that share a target out of the null.")
@null_options
@reading_options
def matching_command(
    profiles: tuple[str, ...],
    against: tuple[str, ...],
    output: Path | None,
    figure: Path | None,
    **how: Any,
) -> Answer:
    """Tell how many perturbations of one target look alike.

    PROFILES are tables with one row for each well, such as those of compounds. With --against, such
    as knockouts of genes, each is compared with those of the other modality that have a target in
    common; without, with each other.
    """
    from cellfolio.evaluation import MatchedBy, SampledTargets
    from cellfolio.workflows.evaluating import matching

    names = {name: how.pop(name) for name in ("perturbation", "target")}
    drawn = {name: how.pop(name) for name in ("draws", "seed", "apart")}
    by = MatchedBy(**{name: _one_or_two(text) for name, text in names.items()})
    found, plates = matching((profiles, against), by, SampledTargets(**drawn), **how)
    facts = {"pairs": len(found.table), **_limits(found), "targets": list(found.targets)}
    hits = int(found.table["matching"].sum())
    lines = [
        ("  matching", f"{hits:,} of {plural(len(found.table), 'pair')} ({found.score:.1%})"),
        ("  targets", f"{found.targets[2]:,} of {found.targets[0]:,} and {found.targets[1]:,}"),
        *_limit_lines(found),
    ]
    order = ["target", "correlation", "matching", "first", "second"]
    shown = found.table.sort_values("correlation", ascending=False)[order]
    told = {**names, **drawn, **how}
    return Evaluated(found, shown, plates, told, facts, lines).answer(output, figure)


def _one_or_two(text: str) -> str | tuple[str, str]:
    from cellfolio.errors import InvalidArgument

    names = text.split(",")
    if len(names) > 2 or not all(names):
        raise InvalidArgument(f"expected a column, or two with a comma between, found {text!r}")
    return (names[0], names[1]) if len(names) == 2 else names[0]


def _limits(found: Replicability | Matching) -> dict[str, Any]:
    from cellfolio.formats.saving import plain

    return {"score": found.score, "limits": plain(list(found.limits)), "null": len(found.null)}


def _limit_lines(found: Replicability | Matching) -> Iterator[tuple[str, str]]:
    low, high = found.limits
    ends = [f"below {low:.3f}"] if low > -1 else []
    ends += [f"above {high:.3f}"] if high <= 1 else []
    yield "  beyond chance", f"{' or '.join(ends)} ({len(found.null):,} correlations by chance)"
