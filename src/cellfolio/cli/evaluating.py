"""The commands that evaluate profiles: replicating, matching, map."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command
from cellfolio.cli.text import columns, paint, plural, printable

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.evaluation import Matching, Null, Replicability, Retrieval
    from cellfolio.workflows.evaluating import Plates, Reading

_ROWS = 8
_FILE = click.Path(path_type=Path, dir_okay=False)
_SHARED = {
    "inputs": "name and digest of each file",
    "not_in_all": "features that some file lacks, which are left out",
    "incomplete": "features left out by --drop-missing",
    "rows": "the table, each row an object; empty with --output",
    "output": "the file that was written, or null",
    "figure": "the picture that was written, or null",
}
_LIMITS = {
    "score": "share of them that are beyond the limits",
    "limits": "lower and upper; null where an end does not count",
    "null": "number of correlations by chance",
}


def reading_options(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Add which rows and features are used, and what is written."""

    @click.option("--only", metavar="QUERY", help="Rows to use: \"Metadata_pert_type == 'trt'\".")
    @click.option(
        "--drop-missing", is_flag=True, help="Leave out features with missing or infinite values."
    )
    @click.option(
        "-o",
        "--output",
        metavar="FILE",
        type=_FILE,
        help="Write the table, and a record"
        " of how it was made beside it (.csv, .csv.gz, .tsv, .parquet, .json).",
    )
    @click.option("--figure", metavar="FILE", type=_FILE, help="Draw it (.png, .svg, .pdf).")
    @functools.wraps(function)
    def reading(only: str | None, drop_missing: bool, **rest: Any) -> Answer:
        from cellfolio.workflows.evaluating import Reading

        _check(rest["output"], rest["figure"])
        return function(reading=Reading(only, drop_missing), **rest)

    return reading


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
        **_SHARED,
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
    return _answer(found, found.table, shown, plates, (output, figure), (told, facts, lines))


@command(
    "matching",
    fields={
        "pairs": "pairs of perturbations with a target in common",
        **_LIMITS,
        "targets": "targets of the first, of the second, and those compared",
        **_SHARED,
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
    return _answer(found, found.table, shown, plates, (output, figure), (told, facts, lines))


@command(
    "map",
    fields={
        "groups": "how many there are",
        "mean": "mean over the groups of mean average precision",
        "retrieved": "share of groups that are significant",
        "level": "corrected p-values below it are significant",
        "profiles": "profiles with an average precision",
        "left_out": "profiles without, or of no group",
        **_SHARED,
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
@click.option("--scores", metavar="FILE", type=_FILE, help="Write average precision by profile.")
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

    _check(scores, None)
    told = {**how, "reading": reading}
    pairs = {
        name: how.pop(name)
        for name in ("pos_sameby", "pos_diffby", "neg_sameby", "neg_diffby", "labels")
    }
    similarity, only = how.pop("similarity"), how.pop("score_only")
    made, found, plates = retrieving(
        profiles, PairRule(**pairs), similarity, Scoring(only=only, **how), reading=reading
    )
    used = len(made) - found.left_out
    facts = {
        "groups": len(found.table),
        "mean": found.mean,
        "retrieved": found.retrieved,
        "level": found.level,
        "profiles": used,
        "left_out": found.left_out,
    }
    if scores is not None:
        write_result(made, scores, plates, {"parameters": told})
    hits = int(found.table["significant"].sum())
    lines = [
        ("  retrieved", f"{hits:,} of {plural(len(found.table), 'group')} ({found.retrieved:.1%})"
         f", corrected p < {found.level:g}"),
        ("  mean of mAP", f"{found.mean:.3f}"),
    ]  # fmt: skip
    if found.left_out:
        lines.append(("  without score", plural(found.left_out, "profile")))
    shown = found.table.sort_values("mean_average_precision", ascending=False)
    return _answer(found, found.table, shown, plates, (output, figure), (told, facts, lines))


def _one_or_two(text: str) -> str | tuple[str, str]:
    from cellfolio.errors import InvalidArgument

    names = text.split(",")
    if len(names) > 2 or not all(names):
        raise InvalidArgument(f"expected a column, or two with a comma between, found {text!r}")
    return (names[0], names[1]) if len(names) == 2 else names[0]


def _check(output: Path | None, figure: Path | None) -> None:
    """Refuse what cannot be written, before anything is read."""
    from cellfolio.formats.saving import check_table_name
    from cellfolio.imaging.saving import check_picture_path

    if output is not None:
        check_table_name(output)
    if figure is not None:
        check_picture_path(figure)


def _limits(found: Replicability | Matching) -> dict[str, Any]:
    from cellfolio.formats.saving import plain

    return {"score": found.score, "limits": plain(list(found.limits)), "null": len(found.null)}


def _limit_lines(found: Replicability | Matching) -> Iterator[tuple[str, str]]:
    low, high = found.limits
    ends = [f"below {low:.3f}"] if low > -1 else []
    ends += [f"above {high:.3f}"] if high <= 1 else []
    yield "  beyond chance", f"{' or '.join(ends)} ({len(found.null):,} correlations by chance)"


def _answer(
    found: Replicability | Matching | Retrieval,
    table: pd.DataFrame,
    shown: pd.DataFrame,
    plates: Plates,
    files: tuple[Path | None, Path | None],
    told: tuple[dict[str, Any], dict[str, Any], Sequence[tuple[str, str]]],
) -> Answer:
    """Write what was asked for, and make the answer."""
    from cellfolio.imaging.saving import save_figure
    from cellfolio.workflows.evaluating import draw, write_result

    output, figure = files
    parameters, facts, lines = told
    if output is not None:
        write_result(table, output, plates, {"parameters": parameters, "found": facts})
    if figure is not None:
        save_figure(draw(found), figure)
    return Answer(
        lambda: _document(table, plates, files, facts),
        _lines(shown, plates, files, lines),
    )


def _document(
    table: pd.DataFrame,
    plates: Plates,
    files: tuple[Path | None, Path | None],
    facts: dict[str, Any],
) -> dict[str, Any]:
    from cellfolio.formats.saving import plain_records

    output, figure = files
    return {
        **facts,
        "inputs": [{"name": name, "digest": digest} for name, digest in plates.inputs],
        "not_in_all": plates.not_in_all,
        "incomplete": plates.incomplete,
        "rows": plain_records(table) if output is None else [],
        "output": None if output is None else str(output),
        "figure": None if figure is None else str(figure),
    }


def _lines(
    shown: pd.DataFrame,
    plates: Plates,
    files: tuple[Path | None, Path | None],
    lines: Sequence[tuple[str, str]],
) -> Iterator[str]:
    from cellfolio.cli.tables import table_lines

    names = [name for name, _ in plates.inputs]
    title = names[0] + (f" and {plural(len(names) - 1, 'more file')}" if len(names) > 1 else "")
    yield paint(printable(title), "bold")
    rows = list(lines)
    if plates.not_in_all:
        rows.append(("  left out", f"{plates.not_in_all:,} features that some file lacks"))
    if plates.incomplete:
        rows.append(("  left out", f"{plates.incomplete:,} features with missing values"))
    yield from columns(rows, "<<")
    written = [one for one in files if one is not None]
    for path in written:
        yield f"→ {printable(path)}"
    if files[0] is None:
        yield ""
        yield from table_lines(shown, _ROWS)
