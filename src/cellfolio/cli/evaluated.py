"""What the commands that evaluate profiles share: which rows, and an answer about a table."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer
from cellfolio.cli.text import columns, paint, plural, printable
from cellfolio.cli.writing import check_files, figure_option, output_file

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.evaluation import Matching, Replicability, Retrieval
    from cellfolio.workflows.evaluating import Plates

_ROWS = 8
SHARED = {
    "inputs": "name and digest of each file",
    "not_in_all": "features that some file lacks, which are left out",
    "incomplete": "features left out by --drop-missing",
    "rows": "the table, each row an object; empty with --output",
    "output": "the file that was written, or null",
    "figure": "the picture that was written, or null",
}


def reading_options(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Add which rows and features are used, and what is written."""

    @click.option("--only", metavar="QUERY", help="Rows to use: \"Metadata_pert_type == 'trt'\".")
    @click.option(
        "--drop-missing", is_flag=True, help="Leave out features with missing or infinite values."
    )
    @output_file(
        "Write the table, and a record of how it was made beside it (.csv, .csv.gz, .tsv, "
        ".parquet, .json)."
    )
    @figure_option
    @functools.wraps(function)
    def reading(only: str | None, drop_missing: bool, **rest: Any) -> Answer:
        from cellfolio.workflows.evaluating import Reading

        check_files((rest["output"],), rest["figure"])
        return function(reading=Reading(only, drop_missing), **rest)

    return reading


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a command found.

    Attributes
    ----------
    found : Replicability, Matching or Retrieval
        What is drawn.
    shown : DataFrame
        The table as people are shown it: the best first.
    plates : Plates
    told : mapping
        What the command was told.
    facts : mapping
        Fields of the document.
    lines : sequence of (str, str)
        The same for people.
    """

    found: Replicability | Matching | Retrieval
    shown: pd.DataFrame
    plates: Plates
    told: Mapping[str, Any]
    facts: Mapping[str, Any]
    lines: Sequence[tuple[str, str]]

    def answer(self, output: Path | None, figure: Path | None) -> Answer:
        """Write what was asked for, and make the answer."""
        from cellfolio.imaging.saving import save_figure
        from cellfolio.workflows.evaluating import draw, write_result

        if output is not None:
            record = {"parameters": self.told, "found": self.facts}
            write_result(self.found.table, output, self.plates, record)
        if figure is not None:
            save_figure(draw(self.found), figure)
        return Answer(lambda: self._document(output, figure), self._lines(output, figure))

    def _document(self, output: Path | None, figure: Path | None) -> dict[str, Any]:
        from cellfolio.formats.saving import plain_records

        plates = self.plates
        return {
            **self.facts,
            "inputs": [{"name": name, "digest": digest} for name, digest in plates.inputs],
            "not_in_all": plates.not_in_all,
            "incomplete": plates.incomplete,
            "rows": plain_records(self.found.table) if output is None else [],
            "output": None if output is None else str(output),
            "figure": None if figure is None else str(figure),
        }

    def _lines(self, output: Path | None, figure: Path | None) -> Iterator[str]:
        from cellfolio.cli.tables import table_lines

        plates = self.plates
        names = [name for name, _ in plates.inputs]
        others = plural(len(names) - 1, "more file")
        yield paint(printable(names[0] + (f" and {others}" if len(names) > 1 else "")), "bold")
        rows = list(self.lines)
        if plates.not_in_all:
            rows.append(("  left out", f"{plates.not_in_all:,} features that some file lacks"))
        if plates.incomplete:
            rows.append(("  left out", f"{plates.incomplete:,} features with missing values"))
        yield from columns(rows, "<<")
        for path in (output, figure):
            if path is not None:
                yield f"→ {printable(path)}"
        if output is None:
            yield ""
            yield from table_lines(self.shown, _ROWS)
