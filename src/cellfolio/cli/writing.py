"""Files that commands write for ``-o``: checked before the work, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

PICTURES = (".png", ".svg", ".pdf")
"""Suffixes of pictures."""

out_option = click.option(
    "-o", "--out", metavar="FILE", type=click.Path(path_type=Path), help="File to write."
)


def check_out(out: Path | None, suffixes: Sequence[str]) -> None:
    """Refuse, before anything is fetched, a file that cannot be written.

    Raises
    ------
    InvalidArgument
    """
    from cellfolio.errors import InvalidArgument

    if out is None:
        return
    if out.suffix not in suffixes:
        raise InvalidArgument(f"-o: expected one of {', '.join(suffixes)}, found {out.name!r}")
    if not out.parent.is_dir():
        raise InvalidArgument(f"-o: there is no folder {out.parent}")


def write_table(table: pd.DataFrame, out: Path) -> None:
    """Write a table with its index as .csv or .parquet, whole or not at all."""
    from io import BytesIO

    from cellfolio.storage.disk import write_atomically

    kept = table.reset_index()
    if out.suffix == ".csv":
        write_atomically(out, kept.to_csv(index=False).encode())
        return
    written = BytesIO()
    kept.to_parquet(written, index=False)
    write_atomically(out, written.getvalue())


def write_expression(found: AnnData, out: Path) -> None:
    """Write expression as .h5ad, or as a table, whole or not at all."""
    import uuid

    if out.suffix != ".h5ad":
        write_table(found.to_df().rename_axis("cell_label"), out)
        return
    unfinished = out.with_name(f".{uuid.uuid4().hex}.h5ad")
    try:
        found.write_h5ad(unfinished)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
