"""Lines of the table: what was done, what it gave, what was found wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    Attributes
    ----------
    work, measured : str
    wrong : Counter of str
        What was found wrong, and how often.
    """

    work: str
    measured: str
    wrong: Counter[str] = field(default_factory=Counter)


def table(rows: Iterable[Row]) -> str:
    """Return rows as Markdown."""
    lines = ["| work | measured | wrong |", "|---|---|---|"]
    for row in rows:
        wrong = "; ".join(f"{times} × {what}" for what, times in row.wrong.most_common())
        lines.append(f"| {row.work} | {row.measured} | {wrong or 'nothing'} |")
    return "\n".join(lines) + "\n"
