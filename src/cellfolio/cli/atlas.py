"""Commands for the Allen Brain Cell Atlas: cells, genes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, package_argument, terminal_progress
from cellfolio.cli.moving import confirmation
from cellfolio.cli.text import columns, paint, plural, printable
from cellfolio.cli.writing import PICTURES, check_out, out_option, write_expression, write_table

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from cellfolio.workflows.atlas import AtlasCells

_SHOWN = 20
"""Lines that people are shown."""

_directory = click.option(
    "--directory", metavar="NAME", help="Directory of the atlas, such as MERFISH-C57BL6J-638850."
)
_where = click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only cells with this value; a column named twice: either value.",
)
_yes = click.option("-y", "--yes", is_flag=True, help="Do not ask before a download of over 10 GB.")


@command(
    "cells",
    fields={
        "directory": "directory of the atlas",
        "cells": "number of cells chosen",
        "columns": "names of the columns known of them",
        "counts": "number of cells by value of the column of --colour, the most frequent first",
        "unjoined": "what is not known of cells of the directory; each with `reason`, `cells`",
        "sources": "digests of the files that were read, by logical key",
        "out": "file written, or null",
    },
)
@package_argument("dataset")
@_directory
@_where
@click.option(
    "--colour", "--color", metavar="COLUMN|GENE", default="class", help="By default: class."
)
@click.option(
    "--sides", metavar="X,Y", default="x,y", help="Columns of the places; by default x,y."
)
@out_option
@_yes
def cells_command(dataset: str, directory: str | None, yes: bool, **how: Any) -> Answer:
    """Show cells of the Allen Brain Cell Atlas with all that is known of them.

    DATASET is abc/atlas, a release of it (abc/atlas@20250531), or a folder with its files. With
    -o, they are written as .csv or .parquet, or drawn in their places (.png, .svg, .pdf).
    """
    from cellfolio.workflows.atlas import atlas_cells

    out: Path | None = how["out"]
    check_out(out, (".csv", ".parquet", *PICTURES))
    ask = confirmation(yes=yes)
    found = atlas_cells(
        _named(dataset, directory),
        dataset=dataset,
        where=_conditions(how["where"]),
        progress=terminal_progress(),
        confirm=ask,
    )
    if out is not None and out.suffix in PICTURES:
        _draw(found, dataset, out, how, ask)
    elif out is not None:
        write_table(found.table, out)
    counts = _counts(found.table, how["colour"])
    return Answer(
        lambda: {
            "directory": found.directory,
            "cells": len(found.table),
            "columns": list(map(str, found.table.columns)),
            "counts": counts,
            "unjoined": [{"reason": one.reason, "cells": len(one.cells)} for one in found.unjoined],
            "sources": dict(found.sources),
            "out": None if out is None else str(out),
        },
        _cells_lines(found, counts, how["colour"], out),
    )


def _draw(
    found: AtlasCells,
    dataset: str,
    out: Path,
    how: dict[str, Any],
    ask: Callable[[str], None] | None,
) -> None:
    from cellfolio.errors import InvalidArgument
    from cellfolio.imaging.saving import save_figure
    from cellfolio.workflows.atlas_pictures import draw_cells, sections_of

    x, comma, y = how["sides"].partition(",")
    if not comma:
        raise InvalidArgument(f"--sides: expected two columns, found {how['sides']!r}")
    sections = sections_of(found)
    if len(sections) > 1 and how["sides"] == "x,y":
        some = f"brain_section_label={sections[len(sections) // 2]}"
        warnings.warn(
            f"{plural(len(sections), 'section')} are drawn over each other; choose one with "
            f"--where {some}",
            stacklevel=2,
        )
    figure = draw_cells(
        found,
        how["colour"],
        sides=(x.strip(), y.strip()),
        dataset=dataset,
        progress=terminal_progress(),
        confirm=ask,
    )
    save_figure(figure, out)


def _counts(table: pd.DataFrame, column: str) -> dict[str, int]:
    import pandas as pd

    if column not in table.columns or pd.api.types.is_numeric_dtype(table[column]):
        return {}
    counts = table[column].value_counts()
    return {str(name): int(count) for name, count in counts.items() if count}


def _cells_lines(
    found: AtlasCells, counts: dict[str, int], colour: str, out: Path | None
) -> Iterator[str]:
    yield paint(f"{printable(found.directory)}: {plural(len(found.table), 'cell')}", "bold")
    if counts:
        yield f"by {printable(colour)}"
        rows = [(f"  {printable(name)}", f"{count:,}") for name, count in counts.items()]
        yield from columns(rows[:_SHOWN], "<>")
        if len(rows) > _SHOWN:
            yield paint(f"  … {len(rows) - _SHOWN:,} more", "dim")
    for one in found.unjoined:
        yield f"{plural(len(one.cells), 'cell')} of the directory: {printable(one.reason)}"
    if out is None:
        yield "columns: " + ", ".join(printable(name) for name in found.table.columns)
    else:
        yield f"written to {printable(out)}"


@command(
    "genes",
    fields={
        "cells": "number of cells",
        "matrix": "log2 or raw",
        "genes": "each with `name`, `symbol`, `identifier`, `mean`, `cells_with` (values above 0) "
        "and `missing` (cells without a value)",
        "files": "logical keys of the matrices that were read",
        "digests": "their digests, in that order",
        "out": "file written, or null",
    },
)
@package_argument("dataset")
@click.option("--gene", "words", multiple=True, required=True, metavar="NAME", help="Symbol or ID.")
@_directory
@click.option(
    "--cells",
    "listed",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Table of cells (.csv, .parquet), as the command 'cells' writes it.",
)
@_where
@click.option("--raw", is_flag=True, help="Counts, not log2 of them.")
@out_option
@_yes
def genes_command(dataset: str, words: Sequence[str], yes: bool, **how: Any) -> Answer:
    """Show some genes in cells of the Allen Brain Cell Atlas.

    DATASET is abc/atlas, a release of it (abc/atlas@20250531), or a folder with its files. The
    cells are those of --directory, or those of a table. With -o, the values are written as .h5ad,
    .csv or .parquet.
    """
    from cellfolio.workflows.expression import genes

    out: Path | None = how["out"]
    check_out(out, (".h5ad", ".csv", ".parquet"))
    found = genes(
        _asked_cells(dataset, how),
        list(words),
        dataset=dataset,
        matrix="raw" if how["raw"] else "log2",
        progress=terminal_progress(),
        confirm=confirmation(yes=yes),
    )
    if out is not None:
        write_expression(found, out)
    rows = _gene_rows(found)
    made_of = found.uns["cellfolio"]
    return Answer(
        lambda: {
            "cells": found.n_obs,
            "matrix": made_of["matrix"],
            "genes": rows,
            "files": made_of["files"].tolist(),
            "digests": made_of["digests"].tolist(),
            "out": None if out is None else str(out),
        },
        _genes_lines(rows, found.n_obs, made_of["matrix"], out),
    )


def _asked_cells(dataset: str, how: dict[str, Any]) -> pd.DataFrame:
    import cellfolio
    from cellfolio.metadata.atlas import choose_cells
    from cellfolio.workflows.atlas import LABEL, atlas_cells

    where = _conditions(how["where"])
    if how["listed"] is None:
        needed = [*where, "feature_matrix_label", "dataset_label"]
        return atlas_cells(
            _named(dataset, how["directory"]),
            dataset=dataset,
            columns=list(dict.fromkeys(needed)),
            where=where,
            progress=terminal_progress(),
        ).table
    path: Path = how["listed"]
    options: dict[str, Any] = {"text": (LABEL,)} if path.suffix == ".csv" else {}
    table: pd.DataFrame = cellfolio.load(path, **options)
    if LABEL not in table.columns:
        from cellfolio.errors import InvalidArgument

        raise InvalidArgument(f"{path} has no column {LABEL}")
    return choose_cells(table.set_index(LABEL), where)


def _gene_rows(found: AnnData) -> list[dict[str, Any]]:
    import numpy as np

    rows = []
    for number, (name, gene) in enumerate(found.var.iterrows()):
        values = found.X[:, number].astype(np.float64)
        known = values[np.isfinite(values)]
        rows.append(
            {
                "name": str(name),
                "symbol": gene["gene_symbol"],
                "identifier": gene["gene_identifier"],
                "mean": float(known.mean()) if len(known) else None,
                "cells_with": int((known > 0).sum()),
                "missing": int(len(values) - len(known)),
            }
        )
    return rows


def _genes_lines(
    rows: list[dict[str, Any]], count: int, matrix: str, out: Path | None
) -> Iterator[str]:
    yield paint(f"{plural(count, 'cell')}, {plural(len(rows), 'gene')}, {matrix}", "bold")
    lines = [("  gene", "identifier", "mean", "cells with it", "missing")]
    for one in rows:
        mean = "" if one["mean"] is None else f"{one['mean']:.3g}"
        numbers = f"{one['cells_with']:,}", f"{one['missing']:,}"
        lines.append((f"  {printable(one['name'])}", printable(one["identifier"]), mean, *numbers))
    yield from columns(lines, "<<>>>")
    if out is not None:
        yield f"written to {printable(out)}"


def _named(dataset: str, directory: str | None) -> str:
    """Return the directory that was named; else tell which there are."""
    from cellfolio.errors import InvalidArgument
    from cellfolio.storage.home import Home
    from cellfolio.workflows.atlas import Reading, directories_of, open_atlas

    if directory is not None:
        return directory
    found = directories_of(open_atlas(dataset, Reading(Home())))
    raise InvalidArgument(
        "name a directory of the atlas with --directory",
        hint="these have cells: " + ", ".join(found),
    )


def _conditions(words: Sequence[str]) -> dict[str, list[str]]:
    from cellfolio.errors import InvalidArgument

    found: dict[str, list[str]] = {}
    for word in words:
        column, equals, value = word.partition("=")
        if not equals or not column:
            raise InvalidArgument(f"--where: expected COLUMN=VALUE, found {word!r}")
        found.setdefault(column.strip(), []).append(value.strip())
    return found
