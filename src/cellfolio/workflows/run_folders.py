"""Folders that a run wrote: what it was, with what, and what it made, by its record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from cellfolio.errors import BrokenFile, NotFound
from cellfolio.formats.loading import load
from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder

RECORDS = ("experiment.json", "record.json", "run.json", "measured.json", "featurized.json")
"""Names of the files that tell of runs, the first that is there."""
_FORMS = {
    "cellfolio experiment": "Experiment from images to profiles",
    "cellfolio evaluation": "Evaluation",
    "cellfolio run": "Profiles of a recipe",
    "cellfolio profiles": "Profiles of a plate",
    "cellfolio measuring": "Measuring of plates",
    "cellfolio featurizing": "Deep features of plates",
}
"""What the form of a record begins with, and what the run is called."""
QUALITY = "Quality of plates"
_TABLES = (".parquet", ".csv", ".csv.gz", ".tsv")
_PICTURES = (".png", ".svg")
_LARGEST = 16_000_000
"""Bytes of a record that are read."""
_LISTED = 400
"""Of each kind of file, of parameters and of inputs."""
LOOKED_AT = 20_000
"""Files of a folder that are looked at."""


@dataclass(frozen=True, slots=True)
class RunPart:
    """A plate, or something else that a run did on its own.

    Attributes
    ----------
    name, told : str
    failure : str
        Empty if all went well.
    """

    name: str
    told: str
    failure: str = ""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run was, and what it made.

    Attributes
    ----------
    kind, title : str
    record : str
        Key of the record; empty of pages of quality, which have none.
    facts, parameters, inputs : tuple of (str, str)
        Name and value; of inputs, name and digest.
    notes : tuple of str
    parts : tuple of RunPart
    tables, pictures, pages : tuple of str
        Keys. Of files that are there in several formats, one.
    more : int
        Files, parameters and inputs that are not told.
    """

    kind: str
    title: str
    record: str
    facts: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    parts: tuple[RunPart, ...]
    tables: tuple[str, ...]
    pictures: tuple[str, ...]
    pages: tuple[str, ...]
    more: int


def record_of(folder: Folder) -> Entry | None:
    """Return the file of a folder that tells of a run."""
    files = {one.name: one for one in folder.files}
    return next((files[name] for name in RECORDS if name in files), None)


def find_runs(folder: Folder, limit: int = 200) -> list[str]:
    """Return the folders with a record in and below a folder; of nested ones, the outer ones."""
    found: list[str] = []
    for entry in islice(folder.walk(), LOOKED_AT):
        place, _, name = entry.logical_key.rpartition("/")
        if name in RECORDS and not any(place.startswith(f"{one}/") for one in found):
            found = [one for one in found if not one.startswith(f"{place}/")]
            if place not in found:
                found.append(place)
        if len(found) >= limit:
            break
    return found


def summarize_run(folder: Folder, document: Mapping[str, Any] | None, record: str) -> RunSummary:
    """Return what a run was, by its record and the files of its folder.

    Parameters
    ----------
    folder : Folder
    document : mapping or None
        The record; None of a folder that has none.
    record : str
        Its key.

    Raises
    ------
    NotFound
        If the folder is not of a run.
    """
    tables, pictures, pages = _files(folder)
    if document is None:
        if not pages:
            raise NotFound(
                f"{folder.key or 'this package'} has no record of a run and no pages",
                hint=f"a run writes {', '.join(RECORDS)}; look at the folder as files",
            )
        more = _left_out(tables, pictures, pages)
        files = _first(tables), _first(pictures), _first(pages)
        return RunSummary(QUALITY, _name(folder), "", (), (), (), (), (), *files, more)
    parameters = list(_flat(_mapping(document, "parameters", "options", "recipe", "network")))
    inputs = list(_inputs(document))
    parts = list(_parts(document))
    return RunSummary(
        _kind(document),
        _text(document.get("benchmark")) or _name(folder),
        record,
        tuple(_facts(document)),
        tuple(parameters[:_LISTED]),
        tuple(inputs[:_LISTED]),
        tuple(_text(one) for one in _list(document.get("notes")) + _list(document.get("problems"))),
        tuple(parts[:_LISTED]),
        _first(tables),
        _first(pictures),
        _first(pages),
        _left_out(tables, pictures, pages, parameters, inputs, parts),
    )


def _left_out(*lists: Sequence[object]) -> int:
    return sum(max(0, len(one) - _LISTED) for one in lists)


def read_record(entry: Entry, source: Any) -> dict[str, Any]:
    """Read a record.

    Raises
    ------
    BrokenFile
        If it is no document, or larger than a record is.
    """
    if entry.size is not None and entry.size > _LARGEST:
        raise BrokenFile(entry.logical_key, "json", "it is too large to be the record of a run")
    found = load(source, declared="json")
    if not isinstance(found, dict):
        raise BrokenFile(entry.logical_key, "json", "expected an object, as records are")
    return found


def _kind(document: Mapping[str, Any]) -> str:
    form = _text(document.get("form"))
    return next((name for start, name in _FORMS.items() if form.startswith(start)), "Run")


def _name(folder: Folder) -> str:
    return folder.key.rpartition("/")[2] or "package"


def _facts(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    beside = _mapping(document, "not_compared")
    for name in ("form", "version"):
        if name in document:
            yield name, _text(document[name])
    for name in ("started", "finished", "measured", "cpu_seconds"):
        if name in beside:
            value = beside[name]
            told = f"{value:.1f}" if isinstance(value, float) else _text(value)
            yield name.replace("_", " "), told
    for name in ("features", "channels"):
        if isinstance(document.get(name), int | str | list):
            yield name, _value(document[name])
    libraries = _mapping(document, "libraries")
    if libraries:
        yield "libraries", ", ".join(f"{key} {_text(value)}" for key, value in libraries.items())


def _inputs(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in _list(document.get("inputs")):
        if isinstance(one, dict):
            yield _text(one.get("name")), _text(one.get("digest"))
    yield from _flat(_mapping(document, "input"))
    files = _mapping(document, "files")
    told: dict[str, str] = {}
    for facts in files.values():
        if isinstance(facts, dict):
            told.update((str(k), _text(v)) for k, v in _mapping(facts, "made_of").items())
    yield from told.items()


def _parts(document: Mapping[str, Any]) -> Iterator[RunPart]:
    for one in _list(document.get("parts")):
        if isinstance(one, dict):
            failure = one.get("failure")
            message = failure.get("message") if isinstance(failure, dict) else failure
            count = len(_list(one.get("files")))
            yield RunPart(_text(one.get("name")), f"{count} files", _text(message))
    for name, told in _mapping(document, "plates").items():
        if isinstance(told, dict):
            failed = _mapping(told, "failed")
            words = [f"{_text(v)} {k}" for k, v in told.items() if isinstance(v, int)]
            lines = [f"{site}: {_text(why)}" for site, why in failed.items()]
            yield RunPart(str(name), ", ".join(words), "; ".join(lines))
    if _text(document.get("form")).startswith("cellfolio profiles"):
        for name, facts in _mapping(document, "files").items():
            if isinstance(facts, dict):
                rows, features = (_text(facts.get(one)) for one in ("rows", "features"))
                yield RunPart(str(name), f"{_text(facts.get('step'))}: {rows} × {features}")


def _files(folder: Folder) -> tuple[list[str], list[str], list[str]]:
    """Return tables, pictures and pages, each once whatever its formats are."""
    tables: dict[str, str] = {}
    pictures: dict[str, str] = {}
    pages: list[str] = []
    for entry in islice(folder.walk(), LOOKED_AT):
        key, lower = entry.logical_key, entry.logical_key.lower()
        for suffixes, found in ((_TABLES, tables), (_PICTURES, pictures)):
            ending = next((one for one in suffixes if lower.endswith(one)), None)
            stem = key[: -len(ending)] if ending else ""
            if ending and (
                stem not in found or suffixes.index(ending) < suffixes.index(_ending(found[stem]))
            ):
                found[stem] = key
        if lower.endswith((".html", ".htm")):
            pages.append(key)
    return list(tables.values()), list(pictures.values()), pages


def _ending(key: str) -> str:
    lower = key.lower()
    return next(one for one in (*_TABLES, *_PICTURES) if lower.endswith(one))


def _first(keys: list[str]) -> tuple[str, ...]:
    return tuple(keys[:_LISTED])


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield name and value of what is nested, such as ``site.threshold``."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif value not in ("", None, [], {}):
        yield name, _value(value)


def _value(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return ", ".join(_text(one) for one in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _mapping(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return what is told under some names, together; what is no object is left out."""
    found: dict[str, Any] = {}
    for name in names:
        value = document.get(name)
        if isinstance(value, dict):
            found.update(value)
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return "" if value is None else str(value)
