"""Running a benchmark into a folder: tables, figures, a page, and a record that comes last.

::

    <folder>/tables/<name>.parquet, .csv
    <folder>/figures/<name>.png, .svg
    <folder>/report.html
    <folder>/record.json     digests of inputs and of the files above, parameters, versions, times

Rule 1: a folder is finished if its record is there. It is removed before other files are replaced,
and written when they are. All is made beside first, so that what fails changes nothing.
Rule 2: a file that was changed since, or that is not ours, is not replaced.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.formats.saving import plain, write_table
from cellfolio.storage.disk import sha256_of, write_atomically
from cellfolio.storage.home import Home
from cellfolio.workflows.benchmarks.benchmark import Findings, Place
from cellfolio.workflows.benchmarks.known import Configuration
from cellfolio.workflows.pages import (
    Fact,
    Section,
    pictures_of,
    render_page,
    write_pictures,
)
from cellfolio.workflows.processes import LOCK, alone_in

FORM = "cellfolio evaluation 1"
RECORD, PAGE = "record.json", "report.html"
TABLES, FIGURES = "tables", "figures"
_UNFINISHED = ".unfinished"
_MOST_INPUTS = 60
"""Inputs that are listed in the page."""
_LIBRARIES = ("numpy", "pandas", "scipy", "numba", "scikit-learn", "matplotlib")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A benchmark that was run.

    Attributes
    ----------
    benchmark : str
    folder : Path
    scores : DataFrame
        The first of its tables.
    shown : tuple of str
        Columns of it that a terminal shows.
    files : tuple of str
        All files of the folder, but for the record, relative to it.
    inputs : tuple of (str, str)
        Name and digest.
    notes : tuple of str
    facts : tuple of Fact
    """

    benchmark: str
    folder: Path
    scores: pd.DataFrame
    shown: tuple[str, ...]
    files: tuple[str, ...]
    inputs: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    facts: tuple[Fact, ...]


def evaluate(configuration: Configuration, folder: Path, *, home: Home | None = None) -> Evaluation:
    """Run a benchmark, and write what it found to a folder.

    Parameters
    ----------
    configuration : Configuration
        See `read_configuration`.
    folder : Path
        Made if it is not there; an earlier result of ours is replaced.
    home : Home, optional

    Raises
    ------
    InvalidArgument
        If the configuration is impossible, or the folder holds something else.
    EntryNotFound, BrokenFile, UnknownFormat
    StoreError
        If another run is at work in the folder.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    _check_folder(folder)
    benchmark = configuration.benchmark
    place = Place(configuration.root, home or Home())
    try:
        findings = benchmark.run(configuration.document, place)
    except InvalidArgument as error:
        if not configuration.name:
            raise
        raise InvalidArgument(f"{configuration.name}: {error.message}", hint=error.hint) from error
    folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder):
        earlier = _check_folder(folder)
        made = _make(configuration, findings, folder / _UNFINISHED)
        _put(folder, made, earlier)
        _record(configuration, findings, folder, made, started)
        shutil.rmtree(folder / _UNFINISHED, ignore_errors=True)
    (folder / LOCK).unlink(missing_ok=True)
    return Evaluation(
        benchmark.name, folder, findings.tables["scores"], findings.shown, made, findings.inputs,
        findings.notes, findings.facts,
    )  # fmt: skip


def _check_folder(folder: Path) -> tuple[str, ...]:
    """Return the files of an earlier result; refuse a folder that holds anything else of ours."""
    if folder.exists() and not folder.is_dir():
        raise InvalidArgument(f"{folder} is no folder", hint="name another one with -o")
    earlier = _earlier(folder)
    if earlier is None:
        there = {path.name for path in folder.iterdir()} if folder.exists() else set()
        if there and _UNFINISHED not in there and there != {LOCK}:
            raise InvalidArgument(
                f"{folder} is not empty and holds no result of an evaluation",
                hint="name another folder with -o; nothing was changed",
            )
        return ()
    changed = [
        name
        for name, digest in earlier.items()
        if (folder / name).is_file() and sha256_of(folder / name).value != digest
    ]
    if changed:
        raise InvalidArgument(
            f"{folder / changed[0]} was changed since it was written",
            hint="name another folder with -o, or remove it; nothing was changed",
        )
    return tuple(earlier)


def _earlier(folder: Path) -> Mapping[str, str] | None:
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if found["form"] != FORM:
            return None
        files = {str(name): str(digest) for name, digest in found["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    # Rule 2: a record that was tampered with does not make us remove other files.
    inside = all(Path(name).parts[0] in (TABLES, FIGURES, PAGE) for name in files)
    return files if inside and not any(".." in Path(name).parts for name in files) else None


def _make(configuration: Configuration, findings: Findings, folder: Path) -> tuple[str, ...]:
    """Make all files but the record in a folder; return their names, the page last."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / TABLES).mkdir(parents=True)
    names = []
    for name, table in findings.tables.items():
        for suffix in ("parquet", "csv"):
            names.append(f"{TABLES}/{name}.{suffix}")
            write_table(table, folder / names[-1])
    pictures = pictures_of(findings.sections)
    names += [f"{FIGURES}/{path.name}" for path in write_pictures(pictures, folder / FIGURES)]
    benchmark = configuration.benchmark
    sections = [*findings.sections, _origin(configuration, findings)]
    page = render_page(benchmark.title, "evaluation", benchmark.about, findings.facts, sections)
    (folder / PAGE).write_text(page, encoding="utf-8")
    return (*names, PAGE)


def _origin(configuration: Configuration, findings: Findings) -> Section:
    inputs = [(f"input {name}", digest) for name, digest in findings.inputs[:_MOST_INPUTS]]
    more = len(findings.inputs) - len(inputs)
    told = [
        (name, value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False))
        for name, value in findings.parameters.items()
        if name != "groups" and value not in ("", (), None)
    ]
    return Section(
        "How this was made",
        "The same inputs and parameters give the same tables, byte for byte. " + " ".join(
            f"{note}." for note in findings.notes
        ),
        header=("", ""),
        rows=(
            ("benchmark", configuration.benchmark.name), *told, *inputs,
            ("cellfolio", version("cellfolio")),
        ),
        more=f"{more:,} more inputs are in record.json." if more else "",
    )  # fmt: skip


def _put(folder: Path, made: tuple[str, ...], earlier: tuple[str, ...]) -> None:
    """Put files to their places; those of an earlier result that are not made now, are removed."""
    foreign = [name for name in made if (folder / name).exists() and name not in earlier]
    if earlier and foreign:
        raise InvalidArgument(
            f"{folder / foreign[0]} is in the way, and not of an earlier result",
            hint="move it away, or name another folder with -o; nothing was changed",
        )
    (folder / RECORD).unlink(missing_ok=True)
    for name in made:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / _UNFINISHED / name).replace(folder / name)
    for name in set(earlier) - set(made):
        (folder / name).unlink(missing_ok=True)


def _record(
    configuration: Configuration,
    findings: Findings,
    folder: Path,
    made: tuple[str, ...],
    started: str,
) -> None:
    document = {
        "form": FORM,
        "benchmark": configuration.benchmark.name,
        "parameters": plain(dict(findings.parameters)),
        "inputs": [{"name": name, "digest": digest} for name, digest in findings.inputs],
        "notes": list(findings.notes),
        "files": {name: sha256_of(folder / name).value for name in made},
        "version": version("cellfolio"),
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
        "not_compared": {
            "started": started,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    write_atomically(folder / RECORD, text.encode())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def summary(found: Evaluation) -> dict[str, Any]:
    """Return what was found and written, as JSON can hold it."""
    from cellfolio.formats.saving import plain_records

    return {
        "benchmark": found.benchmark,
        "folder": str(found.folder),
        "scores": plain_records(found.scores),
        "files": [*found.files, RECORD],
        "inputs": [{"name": name, "digest": digest} for name, digest in found.inputs],
        "notes": list(found.notes),
    }
