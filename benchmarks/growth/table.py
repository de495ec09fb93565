"""The table of growth in ``benchmarks/README.md``."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable

from benchmarks.growth.curves import Curve, Growth
from benchmarks.report import write_section


def table(curves: Iterable[Curve]) -> str:
    """Return curves as Markdown, one line each."""
    rows = [
        "| work | sizes | constant: CPU s | largest: CPU s / MB | exponent (range) "
        "| MB more per million | target | met |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for curve in curves:
        first, second, last = curve.points[0], curve.points[1], curve.largest
        rows.append(
            f"| {curve.subject}: {curve.work} | {second.n:,} … {last.n:,} | {first.cpu:.2g} "
            f"| {last.cpu:.3g} / {last.memory:.0f} | {shown(curve.growth)} "
            f"| {curve.memory_per_million:,.0f} | ≤ {curve.limit:g} "
            f"| {'yes' if curve.met else '**no**'} |"
        )
    return "\n".join(rows) + "\n"


def shown(growth: Growth) -> str:
    """Return an exponent with its range.

    Examples
    --------
    >>> shown(Growth(1.0, 0.98, 1.04)), shown(Growth())
    ('1.00 (0.98 … 1.04)', 'constant')
    """
    if growth.exponent is None:
        return "constant but for one size" if growth.above else "constant"
    if growth.least is None:
        return f"{growth.exponent:.2f}"
    return f"{growth.exponent:.2f} ({growth.least:.2f} … {growth.most:.2f})"


def write_table(curves: Iterable[Curve]) -> None:
    """Write the table between its marks."""
    head = (
        f"Python {platform.python_version()}, {os.cpu_count()} cores, SeaweedFS on loopback, all "
        "files in /dev/shm. Remade by `TMPDIR=/dev/shm python -m benchmarks.growth`.\n\n"
    )
    write_section("growth", head + table(curves))
