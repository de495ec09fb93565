"""What a plate's files were made of, and so which of them have to be made again.

A file is up to date if its record tells what would be recorded now, and its bytes are those that
were written. Times are told beside, and never compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cellfolio.storage.disk import sha256_of, write_atomically
from cellfolio.workflows.profiling.recipe import AggregateStep, Recipe, Stage

RECORD = "record.json"
_FORM = "cellfolio profiles 2"
_METHODS = 1
"""Raised when a step gives other numbers than before, so that its files are made again."""
_EXACT = "parquet"


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides the bytes of a file.

    Attributes
    ----------
    step : str
    parameters : mapping
    made_of : mapping of str to str
        Digests of input files by name; keys of stages by the plate.
    number_format : str
    version : str
        Of the code.
    """

    step: str
    parameters: Mapping[str, Any]
    made_of: Mapping[str, str]
    number_format: str
    version: str

    @property
    def key(self) -> str:
        """A digest of all but the number format: of the table itself."""
        told = {**asdict(self), "number_format": ""}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def differs(self, recorded: Mapping[str, Any]) -> str:
        """Tell what is different from a record; empty if nothing is."""
        now = json.loads(json.dumps(asdict(self)))
        for name in ("version", "step", "number_format"):
            if recorded.get(name) != now[name]:
                return f"the {name.replace('_', ' ')} changed"
        for name, what in (("parameters", "in the recipe"), ("made_of", "")):
            then = recorded.get(name, {})
            for key in sorted({*then, *now[name]}):
                if then.get(key) != now[name].get(key):
                    return f"{key} changed {what}".strip()
        return ""


@dataclass
class PlateRecord:
    """The record of a plate's folder.

    Attributes
    ----------
    folder : Path
    files : dict
        Facts, size and digest of each file by its name.
    times : dict
    looks : dict
        How inputs looked, and their digests: they need not be read again.
    problems : list of str
    """

    folder: Path
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    times: dict[str, Any] = field(default_factory=dict)
    looks: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> PlateRecord:
        """Read the record of a folder; one that is not there, or not ours, is empty."""
        try:
            found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            if found["form"] != _FORM:
                return cls(folder)
            beside = found["not_compared"]
            return cls(folder, found["files"], beside["times"], beside["looks"], found["problems"])
        except (OSError, ValueError, KeyError, TypeError):
            return cls(folder)

    def write(self) -> None:
        """Write it, whole or not at all."""
        document = {
            "form": _FORM,
            "files": dict(sorted(self.files.items())),
            "problems": self.problems,
            "not_compared": {"times": self.times, "looks": self.looks},
        }
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        write_atomically(self.folder / RECORD, text.encode())

    def outdated(self, name: str, facts: Facts) -> str:
        """Tell why a file has to be made; empty if it is up to date."""
        recorded, path = self.files.get(name), self.folder / name
        if recorded is None:
            return "it was not made yet"
        if not path.is_file():
            return "it is not there"
        why = facts.differs(recorded)
        if why:
            return why
        beside = {self.folder / other: digest for other, digest in recorded["pictures"].items()}
        if not all(one.is_file() for one in beside):
            return "a picture of it is not there"
        same = path.stat().st_size == recorded["size"] and all(
            sha256_of(one).value == digest
            for one, digest in {path: recorded["sha256"], **beside}.items()
        )
        return "" if same else "it was changed after it was made"

    def add(
        self, name: str, facts: Facts, shape: tuple[int, int], pictures: Iterable[Path] = ()
    ) -> None:
        """Record a file that was just written, and the pictures that belong to it."""
        path = self.folder / name
        self.files[name] = {
            **json.loads(json.dumps(asdict(facts))),
            "rows": shape[0],
            "features": shape[1],
            "size": path.stat().st_size,
            "sha256": sha256_of(path).value,
            "pictures": {
                one.relative_to(self.folder).as_posix(): sha256_of(one).value for one in pictures
            },
        }


def file_names(recipe: Recipe, stage: Stage, stem: str) -> dict[str, str]:
    """Return the names of a stage's files, each with its number format.

    Aggregated cells are always kept as Parquet, too: they took longest, and the next steps start
    from all their digits.
    """
    formats = dict.fromkeys(recipe.outputs.formats)
    if isinstance(stage.step, AggregateStep):
        formats[_EXACT] = None
    base = "_".join(filter(None, (stem, stage.name)))
    return {
        f"{base}.{one}": recipe.outputs.number_format if one.startswith("csv") else ""
        for one in formats
    }


def exact_name(stem: str) -> str:
    """Return the name of the table of aggregated cells that later steps start from."""
    return f"{stem}.{_EXACT}"


def stage_facts(recipe: Recipe, stage: Stage, made_of: Mapping[str, str]) -> Facts:
    """Return what decides the table of a stage."""
    step = stage.step
    parameters = {key: _plain(one) for key, one in _values(step).items() if key not in _NAMES}
    if recipe.parity:
        parameters["parity"] = recipe.parity
    if recipe.inputs.features:
        parameters["features"] = list(recipe.inputs.features)
    if isinstance(step, AggregateStep) and recipe.inputs.keep_going:
        parameters["keep_going"] = True
    kind = type(step).__name__.removesuffix("Step").lower()
    return Facts(kind, parameters, made_of, "", code_version())


def code_version() -> str:
    """Return what tells the code that made a file."""
    return f"{version('cellfolio')}+{_METHODS}"


_NAMES = frozenset(("name", "of", "plate_map", "barcodes", "external"))
"""What tells where something is, and not what is done: the digests tell that."""


def _values(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        own = {name: _plain(one) for name, one in _values(value).items()}
        return {"is": type(value).__name__, **own}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
