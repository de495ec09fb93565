"""The command that draws profiles as points."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.text import plural, printable
from cellfolio.cli.writing import output_file

if TYPE_CHECKING:
    from cellfolio.profiles.embedding import Embedding

FIELDS = {
    "method": "pca or umap",
    "rows": "number of profiles",
    "features": "number of features that were used",
    "explained": "share of the variance that each component has; empty for umap",
    "left_out": "features with missing values, or the same everywhere",
    "output": "the picture that was written",
}


@command("embed", fields=FIELDS)
@click.argument("profiles")
@output_file("Where to draw (.png, .svg, .pdf).", required=True)
@click.option(
    "--color", required=True, metavar="COLUMN", help="Column of metadata to colour points by."
)
@click.option(
    "--method",
    type=click.Choice(["pca", "umap"]),
    default="pca",
    help="By default pca; umap needs umap-learn.",
)
def embed_command(profiles: str, output: Path, color: str, method: Any) -> Answer:
    """Draw profiles as points, similar ones near each other.

    PROFILES is a table with a row for each well or perturbation, normalized (.csv, .csv.gz,
    .parquet, .h5ad), or PACKAGE/PATH. Every feature counts the same.
    """
    from cellfolio.workflows.embedding import write_embedding

    found = write_embedding(profiles, output, color, method, progress=terminal_progress())
    return Answer(lambda: _document(found, output), _lines(found, output))


def _document(found: Embedding, output: Path) -> dict[str, Any]:
    return {
        "method": found.method,
        "rows": len(found.places),
        "features": len(found.features),
        "explained": list(found.explained),
        "left_out": list(found.left_out),
        "output": str(output),
    }


def _lines(found: Embedding, output: Path) -> Iterator[str]:
    yield f"{plural(len(found.places), 'profile')}, {plural(len(found.features), 'feature')}"
    if found.left_out:
        yield f"left out: {plural(len(found.left_out), 'feature')} with missing values or no spread"
    if found.explained:
        yield ", ".join(found.labels)
    yield f"→ {printable(output)}"
