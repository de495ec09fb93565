"""Files that commands write for ``-o``: checked before the work, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cellfolio.cli.command import Function

if TYPE_CHECKING:
    from anndata import AnnData

PICTURES = (".png", ".svg", ".pdf")
"""Suffixes of pictures."""

out_option = click.option(
    "-o", "--out", metavar="FILE", type=click.Path(path_type=Path), help="File to write."
)

FILE = click.Path(path_type=Path, dir_okay=False)
figure_option = click.option(
    "--figure", metavar="FILE", type=FILE, help="Draw it (.png, .svg, .pdf)."
)


def output_file(about: str, *, required: bool = False) -> Callable[[Function], Function]:
    """Return ``-o/--output`` for a file; `about` is its help."""
    return click.option("-o", "--output", metavar="FILE", type=FILE, required=required, help=about)


def output_folder(about: str) -> Callable[[Function], Function]:
    """Return ``-o/--output`` for a folder, which is required; `about` is its help."""
    kind = click.Path(path_type=Path, file_okay=False)
    return click.option("-o", "--output", metavar="FOLDER", type=kind, required=True, help=about)


def check_files(tables: Sequence[Path | None], figure: Path | None = None) -> None:
    """Refuse what cannot be written, before anything is read."""
    from cellfolio.formats.saving import check_table_name
    from cellfolio.imaging.saving import check_picture_path

    for table in tables:
        if table is not None:
            check_table_name(table)
    if figure is not None:
        check_picture_path(figure)


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


def write_expression(found: AnnData, out: Path) -> None:
    """Write expression as .h5ad, or as a table, whole or not at all."""
    from cellfolio.formats.saving import write_table
    from cellfolio.storage.disk import writing

    if out.suffix != ".h5ad":
        write_table(found.to_df().rename_axis("cell_label").reset_index(), out)
        return
    with writing(out, ".h5ad") as unfinished:
        found.write_h5ad(unfinished)
