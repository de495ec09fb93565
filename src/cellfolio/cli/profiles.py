"""Commands for single steps of profiles: annotate, normalize, select-features, consensus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.text import columns, paint, plural, printable
from cellfolio.cli.writing import output_file

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.profiles import Selection
    from cellfolio.workflows.profile_steps import Annotated

Function = TypeVar("Function", bound=Callable[..., Any])

_SHOWN = 8
_METHODS = (  # as in recipes; those are not imported for `--help`
    "standardize",
    "robustize",
    "mad_robustize",
    "spherize",
    "inverse_normal",
    "elbow_spherize",
)
_KINDS = ("ZCA-cor", "PCA-cor", "ZCA", "PCA")
_USUAL = ("frequency_threshold", "correlation_threshold", "drop_missing", "blocklist")
_WRITTEN = {
    "profiles": "number of profiles that were written",
    "features": "number of features that were written",
    "output": "the file that was written",
}
_output = output_file(
    "Where to write (.csv, .csv.gz, .tsv, .parquet, .json, .h5ad).", required=True
)


def _reference(function: Function) -> Function:
    return click.option(
        "--reference",
        metavar="QUERY",
        help="Profiles to learn from, such as \"Metadata_control_type == 'negcon'\".",
    )(function)


def _loaded(profiles: str, output: Path) -> pd.DataFrame:
    from cellfolio.formats.saving import check_table_name
    from cellfolio.storage.home import Home
    from cellfolio.workflows.profile_steps import load_profiles

    check_table_name(output)  # before anything is fetched
    return load_profiles(profiles, Home(), progress=terminal_progress())


def _written(table: pd.DataFrame, output: Path, features: int | None = None) -> dict[str, Any]:
    """Write profiles, and return what is told of them."""
    from cellfolio.formats.saving import write_table
    from cellfolio.profiles import split_features

    if features is None:
        features = len(split_features(list(table.columns)).features)
    write_table(table, output)
    return {"profiles": len(table), "features": features, "output": str(output)}


def _facts(document: Mapping[str, Any], *more: tuple[str, str]) -> Iterator[str]:
    told = f"{plural(document['profiles'], 'profile')}, {plural(document['features'], 'feature')}"
    yield told
    yield from columns(list(more), "<<")
    yield f"→ {printable(document['output'])}"


@command(
    "annotate",
    fields={
        **_WRITTEN,
        "given": "number of profiles before",
        "left_out": "wells that no plate map has, each with its plate",
        "without_external": "profiles that --external tells nothing of, or null",
    },
)
@click.argument("profiles")
@click.option(
    "--plate-map",
    "plate_maps",
    required=True,
    multiple=True,
    metavar="FILE",
    help="What is in each well; can be repeated, with --barcodes.",
)
@click.option("--barcodes", metavar="FILE", help="Which plate has which map: barcode_platemap.csv.")
@click.option("--external", metavar="FILE", help="What is known of each perturbation.")
@click.option(
    "--on", "external_on", metavar="COLUMN", help="Column that --external and the plate map share."
)
@click.option("--well", default="Metadata_Well", show_default=True, metavar="COLUMN")
@click.option("--position", default="well_position", show_default=True, metavar="COLUMN")
@_output
def annotate_command(profiles: str, output: Path, **side: Any) -> Answer:
    """Add to profiles what was in their wells.

    PROFILES and the other tables are files, or PACKAGE/PATH. Wells that no plate map has are left
    out, and told.
    """
    from cellfolio.formats.saving import check_table_name
    from cellfolio.storage.home import Home
    from cellfolio.workflows.profile_steps import SideTables, annotate_named

    check_table_name(output)
    found = annotate_named(profiles, SideTables(**side), Home(), progress=terminal_progress())
    document = {
        **_written(found.table, output),
        "given": found.rows,
        "left_out": list(found.left_out),
        "without_external": found.without_external,
    }
    return Answer(lambda: document, _annotated_lines(document, found))


def _annotated_lines(document: Mapping[str, Any], found: Annotated) -> Iterator[str]:
    more = []
    if found.left_out:
        shown = ", ".join(found.left_out[:_SHOWN])
        rest = " …" if len(found.left_out) > _SHOWN else ""
        count = plural(len(found.left_out), "well")
        more.append(("  left out", printable(f"{count} that no plate map has: {shown}{rest}")))
    if found.without_external:
        more.append(
            ("  external", f"nothing is known of {plural(found.without_external, 'profile')}")
        )
    yield from _facts(document, *more)


@command(
    "normalize",
    fields={
        **_WRITTEN,
        "method": "how they were normalized, with its parameters",
        "reference": "the query that named the profiles to learn from, or null for all",
        "by": "columns whose values were normalized each by themselves",
        "missing": "number of values that are missing or infinite",
    },
)
@click.argument("profiles")
@click.option("--method", type=click.Choice(_METHODS), default="standardize", show_default=True)
@_reference
@click.option(
    "--by", multiple=True, metavar="COLUMN", help="Each group by itself, such as Metadata_Plate."
)
@click.option("--epsilon", type=float, help="Of mad_robustize and spherize.")
@click.option("--kind", type=click.Choice(_KINDS), help="Of spherize; by default ZCA-cor.")
@click.option("--image-features", is_flag=True, help="Image_… are features, too.")
@_output
def normalize_command(profiles: str, output: Path, **how: Any) -> Answer:
    """Make features of different scales comparable.

    PROFILES is a table with a row for each well or perturbation (.csv, .csv.gz, .parquet, .h5ad),
    or PACKAGE/PATH.
    """
    import numpy as np

    from cellfolio.profiles import normalize
    from cellfolio.profiles.tables import open_table
    from cellfolio.workflows.profile_steps import find_method

    method = find_method(how["method"], epsilon=how["epsilon"], kind=how["kind"])
    table = _loaded(profiles, output)
    by, reference, images = list(how["by"]), how["reference"], how["image_features"]
    found = normalize(table, method, reference=reference, by=by or None, image_features=images)
    values = open_table(found, image_features=images).values()
    document = {
        **_written(found, output, len(values)),
        "method": repr(method),
        "reference": reference,
        "by": by,
        "missing": int((~np.isfinite(values)).sum()),
    }
    more = [("  method", printable(repr(method)))]
    if reference:
        more.append(("  reference", printable(reference)))
    if document["missing"]:
        more.append(("  missing", f"{plural(document['missing'], 'value')}, or infinite"))
    return Answer(lambda: document, _facts(document, *more))


@command(
    "select-features",
    fields={
        **_WRITTEN,
        "given": "number of features before",
        "dropped": "the features that went: objects with feature, operation and reason",
    },
)
@click.argument("profiles")
@click.option(
    "--operation",
    "operations",
    multiple=True,
    metavar="NAME[=LIMIT]",
    help="In this order; can be repeated: variance_threshold, frequency_threshold, "
    "correlation_threshold, drop_missing, blocklist, drop_outliers, noise_removal. "
    f"By default {', '.join(_USUAL)}.",
)
@click.option(
    "--replicates", multiple=True, metavar="COLUMN", help="What tells replicates; noise_removal."
)
@_reference
@click.option(
    "--parity",
    type=click.Choice(["cpjump1-2021"]),
    help="What was done then: each operation looks at all features; by default with the limits "
    "of that time.",
)
@click.option("--image-features", is_flag=True, help="Image_… are features, too.")
@_output
def select_features_command(profiles: str, output: Path, **how: Any) -> Answer:
    """Drop features that say nothing, or what others say.

    PROFILES is a table of normalized profiles (.csv, .csv.gz, .parquet, .h5ad), or PACKAGE/PATH.
    """
    from cellfolio.profiles import CPJUMP1_2021, feature_select
    from cellfolio.workflows.profile_steps import find_operations

    parity = how["parity"] or ""
    usual = CPJUMP1_2021 if parity else find_operations(_USUAL, ())
    operations = find_operations(how["operations"], how["replicates"]) or usual
    table = _loaded(profiles, output)
    selection = feature_select(
        table,
        operations,
        reference=how["reference"],
        image_features=how["image_features"],
        parity=parity,
    )
    document = {
        **_written(selection.profiles, output, len(selection.features)),
        "given": len(selection.features) + len(selection.dropped),
        "dropped": [
            {"feature": one.feature, "operation": repr(one.operation), "reason": one.reason}
            for one in selection.dropped
        ],
    }
    return Answer(lambda: document, _selected_lines(document, selection))


def _selected_lines(document: Mapping[str, Any], selection: Selection[Any]) -> Iterator[str]:
    yield paint(f"{plural(document['given'], 'feature')} were given", "dim")
    counts = Counter(type(one.operation).__name__ for one in selection.dropped)
    yield from _facts(
        document, *((f"  {name}", f"dropped {count:,}") for name, count in counts.items())
    )


@command(
    "consensus",
    fields={**_WRITTEN, "given": "number of profiles before", "by": "what replicates share"},
)
@click.argument("profiles")
@click.option("--by", required=True, multiple=True, metavar="COLUMN", help="What replicates share.")
@click.option(
    "--method", type=click.Choice(["median", "mean", "modz"]), default="median", show_default=True
)
@_output
def consensus_command(profiles: str, output: Path, by: tuple[str, ...], method: Any) -> Answer:
    """Make one profile of all replicates.

    PROFILES is a table with a row for each replicate (.csv, .csv.gz, .parquet, .h5ad), or
    PACKAGE/PATH.
    """
    from cellfolio.profiles import Modz, consensus

    table = _loaded(profiles, output)
    found = consensus(table, list(by), Modz() if method == "modz" else method)
    document = {**_written(found, output), "given": len(table), "by": list(by)}
    more = [("  of", f"{plural(len(table), 'profile')}, {method}")]
    return Answer(lambda: document, _facts(document, *more))
