"""The table that a benchmark prints and writes into ``benchmarks/README.md``."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.measure import Figures
from tests.servers.seaweed import SeaweedServer

B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; without a target it is there to compare."""

    work: str
    ours: Figures
    other: str
    others: Figures | None
    target: str
    result: str
    met: bool


@dataclass(frozen=True, slots=True)
class Options:
    """What a benchmark was asked for."""

    rounds: int
    only: str
    quick: bool


def read_options(about: str | None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    return Options(**vars(parser.parse_args()))


def run_parts(
    parts: Sequence[Callable[[B], list[Line]]], bench: B, options: Options, name: str
) -> None:
    """Measure, print, and write the table unless only a part or little data was asked for."""
    lines: list[Line] = []
    for part in parts:
        if options.only in part.__name__:
            found = part(bench)
            print(table(found), flush=True)
            lines += found
    if not options.quick and not options.only:
        write_page(lines, options, name)


def run_in_scratch(
    parts: Sequence[Callable[[B], list[Line]]],
    bench: Callable[[Path, Options], B],
    name: str,
    about: str | None,
) -> None:
    """Make a scratch folder, then do what `run_parts` does."""
    options = read_options(about)
    with tempfile.TemporaryDirectory(prefix="cellfolio-bench-") as scratch:
        run_parts(parts, bench(Path(scratch), options), options, name)


def run_on_server(
    parts: Sequence[Callable[[B], list[Line]]],
    bench: Callable[[SeaweedServer, Path, Options], B],
    name: str,
    about: str | None,
) -> None:
    """Start an S3 server and a scratch folder, then do what `run_parts` does."""
    options = read_options(about)
    with (
        tempfile.TemporaryDirectory(prefix="cellfolio-bench-") as scratch,
        SeaweedServer(memory_limit="1GiB") as server,
    ):
        os.environ.update(server.env())
        run_parts(parts, bench(server, Path(scratch), options), options, name)


def table(lines: list[Line]) -> str:
    """Return the lines as Markdown."""
    rows = [
        "| work | cellfolio: wall s / CPU s / MB | peer | its wall s / CPU s / MB "
        "| target | measured | met |",
        "|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        met = ("yes" if line.met else "**no**") if line.target else ""
        rows.append(
            f"| {line.work} | {_shown(line.ours)} | {line.other} | {_shown(line.others)} "
            f"| {line.target} | {line.result} | {met} |"
        )
    return "\n".join(rows) + "\n"


def _shown(figures: Figures | None) -> str:
    if figures is None or not figures.wall:
        return ""
    return f"{figures.wall:.3g} / {figures.cpu:.3g} / {figures.memory:.0f}"


def write_page(lines: list[Line], options: Options, name: str) -> None:
    """Write the table between the marks of its name."""
    head = (
        f"Medians of {options.rounds} rounds in turn; Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, SeaweedFS on loopback, all files in {tempfile.gettempdir()}. "
        f"Remade by `TMPDIR=/dev/shm python -m benchmarks.{name}`.\n\n"
    )
    write_section(name, head + table(lines))


def write_section(name: str, text: str) -> None:
    """Write text into ``benchmarks/README.md``, between the marks of a name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = Path(__file__).with_name("README.md")
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    page.write_text(f"{before}{begin}\n{text}{end}{rest.partition(end)[2]}", encoding="utf-8")
