"""The commands that predict: predict, mechanism."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command
from cellfolio.cli.text import columns, paint, plural, printable
from cellfolio.cli.writing import FILE, check_files, figure_option, output_file

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.evaluation import Mechanisms, Neighbours, Prediction
    from cellfolio.workflows.predicting import Modalities

_ROWS = 8
_SHARED = {
    "inputs": "name and digest of each file",
    "paired": "rows that are used: of both files, or of the one",
    "lost": "rows without a partner: `side`, `reason`, `rows`",
    "dropped": "features left out by --drop-unusable",
    "rows": "the table, each row an object; empty with --output",
    "output": "the file that was written, or null",
    "figure": "the picture that was written, or null",
}
_output = output_file(
    "Write the table, and a record of how it was made, with the folds, beside it (.csv, .csv.gz, "
    ".tsv, .parquet, .json)."
)
_drop = click.option(
    "--drop-unusable", is_flag=True, help="Leave out features that are constant or miss values."
)


@command(
    "predict",
    fields={
        "targets": "how many there are",
        "features": "how many they are predicted from",
        "threshold": "t99: the 99th percentile of the scores of shuffled targets",
        "margin": "by how much a predictable target exceeds it",
        "predictable": "number of predictable targets",
        "median": "median score of all targets",
        **_SHARED,
    },
)
@click.argument("features")
@click.argument("targets")
@click.option("--by", metavar="COLUMN", required=True, help="Column of both that pairs their rows.")
@click.option(
    "--group", metavar="COLUMN",
    help="Rows that stay together, such as doses of a compound; by default each is by itself.",
)  # fmt: skip
@click.option(
    "--model",
    type=click.Choice(["lasso", "ridge", "network"]),
    default="lasso",
    show_default=True,
    help="The network needs scikit-learn.",
)
@click.option("--folds", default=5, show_default=True, help="Of the outer cross-validation.")
@click.option("--margin", default=0.2, show_default=True, help="Above the threshold.")
@click.option("--seed", default=0, show_default=True, help="Of the shuffling.")
@click.option(
    "--scaling",
    type=click.Choice(["training", "published"]),
    default="training",
    show_default=True,
    help="Standardize by training rows; or by all, as was published.",
)
@_drop
@click.option(
    "--associations", metavar="FILE", type=FILE, help="Write which features tell each target."
)
@_output
@figure_option
def predict_command(features: str, targets: str, **how: Any) -> Answer:
    """Predict one modality from the other, each target by itself.

    FEATURES and TARGETS are tables, as files or PACKAGE/PATH, with one row for each perturbation:
    morphology and expression, or the other way round. A target is predictable if its R², the median
    over folds of rows held out, exceeds what shuffled targets reach by a margin.
    """
    from cellfolio.evaluation import Validation
    from cellfolio.formats.saving import write_table
    from cellfolio.workflows.predicting import draw_prediction, predict_modality, read_modalities

    output, figure, others = how.pop("output"), how.pop("figure"), how.pop("associations")
    check_files((output, others), figure)
    both = read_modalities((features, targets), how["by"], drop_unusable=how["drop_unusable"])
    validation = Validation(how["folds"], how["margin"], how["seed"], how["scaling"])
    top = None if others is None else 10
    found, told = predict_modality(both, how["model"], validation, group=how["group"], top=top)
    facts = _prediction_facts(found, both)
    if told is not None:
        write_table(told, others)
    shown = found.scores.sort_values("score", ascending=False)
    lines = [
        ("  rows", f"{len(found.folds):,} in {found.folds['fold'].nunique()} folds"),
        ("  features", f"{facts['features']:,}"),
        ("  median R²", f"{facts['median']:.3f}"),
        ("  by chance", f"{found.threshold:.3f}, the 99th percentile of shuffled targets"),
        ("  predictable", f"{facts['predictable']:,} of {plural(facts['targets'], 'target')}, "
         f"above {found.threshold + found.margin:.3f}"),
    ]  # fmt: skip
    picture = None if figure is None else draw_prediction(found)
    tables = found.scores, shown, found.folds
    written = [one for one in (others,) if one is not None]
    return _answer(both, tables, (output, figure, picture), (how, facts, lines), written)


def _prediction_facts(found: Prediction, both: Modalities) -> dict[str, Any]:
    return {
        "targets": len(found.scores),
        "features": both.tables["first"].shape[1],
        "threshold": found.threshold,
        "margin": found.margin,
        "predictable": len(found.predictable),
        "median": float(found.scores["score"].median()),
    }


@command(
    "mechanism",
    fields={
        "approach": "the one that is drawn, and whose labels are listed",
        "macro_f1": "by approach: mean over folds; empty for neighbours",
        "accuracy": "by approach: mean over folds; for neighbours, of all rows",
        "accuracy_of_possible": "of rows that have an allowed neighbour of their label; or null",
        "labels": "how many mechanisms there are",
        "left_out": "mechanisms of too few groups",
        **_SHARED,
    },
)
@click.argument("profiles")
@click.argument("other", required=False)
@click.option("--by", metavar="COLUMN", required=True, help="Column that names the rows.")
@click.option("--label", metavar="COLUMN", required=True, help="Column of the mechanism.")
@click.option(
    "--group", metavar="COLUMN", required=True, help="Rows that stay together: the compound."
)
@click.option(
    "--classifier",
    type=click.Choice(["logistic", "network", "nearest"]),
    default="logistic",
    show_default=True,
    help="The first two need scikit-learn.",
)
@click.option(
    "--apart", metavar="COLUMN", multiple=True,
    help="For nearest: no neighbour of the same value, such as the batch, besides the group.",
)  # fmt: skip
@click.option("--folds", default=5, show_default=True, help="Of the outer cross-validation.")
@click.option("--least", default=5, show_default=True, help="Groups that a mechanism has at least.")
@click.option("--approach", metavar="NAME", help="Which to show and draw; by default the best.")
@_drop
@_output
@figure_option
def mechanism_command(profiles: str, other: str | None, **how: Any) -> Answer:
    """Tell the mechanism of action from profiles of one modality or two.

    PROFILES and OTHER are tables, as files or PACKAGE/PATH, with one row for each perturbation. Of
    two, each is taken by itself (first, second), and both together: early (features side by side),
    late (mean of probabilities) and joint (common components).
    """
    from cellfolio.evaluation import Design
    from cellfolio.workflows.predicting import (
        classify_mechanisms,
        nearest_mechanisms,
        read_modalities,
    )

    output, figure = how.pop("output"), how.pop("figure")
    check_files((output,), figure)
    words = [one for one in (profiles, other) if one is not None]
    both = read_modalities(words, how["by"], drop_unusable=how["drop_unusable"])
    if how["classifier"] == "nearest":
        apart = (how["group"], *how["apart"])
        near = nearest_mechanisms(both, how["label"], apart, least=how["least"])
        return _nearest_answer(near, both, how, (output, figure))
    design = Design(how["folds"], least=how["least"])
    found = classify_mechanisms(both, how["label"], how["group"], how["classifier"], design)
    return _classified_answer(found, both, how, (output, figure))


def _classified_answer(
    found: Mechanisms, both: Modalities, how: dict[str, Any], files: tuple[Path | None, Path | None]
) -> Answer:
    from cellfolio.errors import InvalidArgument
    from cellfolio.workflows.predicting import draw_mechanisms

    means = found.scores.groupby("approach", sort=False)[["macro_f1", "accuracy"]].mean()
    approach = how["approach"] or str(means["macro_f1"].idxmax())
    if approach not in means.index:
        names = ", ".join(means.index)
        raise InvalidArgument(f"--approach should be one of {names}, found {approach!r}")
    facts = {
        "approach": approach,
        "macro_f1": means["macro_f1"].to_dict(),
        "accuracy": means["accuracy"].to_dict(),
        "accuracy_of_possible": None,
        "labels": int(found.predictions["label"].nunique()),
        "left_out": found.left_out["label"].tolist(),
    }
    spread = found.scores.groupby("approach")["macro_f1"].std()
    lines = [
        (f"  {name}", f"macro F1 {row.macro_f1:.3f} ± {spread.loc[str(name)]:.3f}, "
         f"accuracy {row.accuracy:.3f}")
        for name, row in means.iterrows()
    ]  # fmt: skip
    lines.insert(0, ("  mechanisms", _counted(facts, len(found.predictions))))
    picture = None if files[1] is None else draw_mechanisms(found, approach)
    tables = found.predictions, found.labels(approach), None
    return _answer(both, tables, (*files, picture), (how, facts, lines))


def _nearest_answer(
    found: Neighbours, both: Modalities, how: dict[str, Any], files: tuple[Path | None, Path | None]
) -> Answer:
    from cellfolio.evaluation.agreement import by_label, confusion
    from cellfolio.imaging.confusion import draw_confusion

    known = found.table.dropna(subset=["predicted"])
    counts = confusion(known["label"], known["predicted"])
    facts = {
        "approach": "nearest",
        "macro_f1": {},
        "accuracy": {"nearest": found.accuracy},
        "accuracy_of_possible": found.accuracy_of_possible,
        "labels": int(found.table["label"].nunique()),
        "left_out": [],
    }
    possible = int(found.table["possible"].sum())
    lines = [
        ("  mechanisms", _counted(facts, len(found.table))),
        ("  right", f"{found.accuracy:.3f} of all rows"),
        ("  of possible", f"{found.accuracy_of_possible:.3f} of {plural(possible, 'row')} that "
         "have an allowed neighbour of their mechanism"),
    ]  # fmt: skip
    title = f"nearest neighbour: {found.accuracy:.3f} right"
    picture = None if files[1] is None else draw_confusion(counts, title)
    return _answer(
        both, (found.table, by_label(counts), None), (*files, picture), (how, facts, lines)
    )


def _counted(facts: dict[str, Any], rows: int) -> str:
    few = len(facts["left_out"])
    left = f"; {few:,} of too few groups left out" if few else ""
    return f"{facts['labels']:,}, of {plural(rows, 'row')}{left}"


def _answer(
    both: Modalities,
    tables: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None],
    files: tuple[Path | None, Path | None, Any],
    told: tuple[dict[str, Any], dict[str, Any], Sequence[tuple[str, str]]],
    written: Sequence[Path] = (),
) -> Answer:
    """Write what was asked for, and make the answer.

    `tables` are the one that is written, the one that is shown, and folds for the record.
    """
    from cellfolio.formats.saving import plain_records
    from cellfolio.imaging.saving import save_figure
    from cellfolio.workflows.evaluating import write_result

    table, shown, folds = tables
    output, figure, picture = files
    parameters, facts, lines = told
    facts = {
        **facts,
        "inputs": [{"name": name, "digest": digest} for name, digest in both.plates.inputs],
        "paired": len(both.metadata),
        "lost": plain_records(both.lost),
        "dropped": list(both.dropped),
    }
    if output is not None:
        record = {"parameters": parameters, "found": facts}
        if folds is not None:
            record["folds"] = {"rows": plain_records(folds)}
        write_result(table, output, both.plates, record)
    if figure is not None:
        save_figure(picture, figure)
    document = {
        **facts,
        "rows": [] if output is not None else plain_records(table),
        "output": None if output is None else str(output),
        "figure": None if figure is None else str(figure),
    }
    paths = [one for one in (output, figure, *written) if one is not None]
    return Answer(lambda: document, _lines(both, shown, lines, paths))


def _lines(
    both: Modalities,
    shown: pd.DataFrame,
    lines: Sequence[tuple[str, str]],
    written: Sequence[Path],
) -> Iterator[str]:
    from cellfolio.cli.tables import table_lines

    yield paint(printable(" → ".join(name for name, _ in both.plates.inputs)), "bold")
    rows = list(lines)
    for row in both.lost.itertuples():
        rows.append(("  not paired", f"{row.rows:,} of the {row.side}: {row.reason}"))
    if both.dropped:
        rows.append(("  left out", plural(len(both.dropped), "feature") + " that cannot be used"))
    yield from columns(rows, "<<")
    for path in written:
        yield f"→ {printable(path)}"
    yield ""
    yield from table_lines(shown, _ROWS)
