"""What a recipe reads: the plates there are, the files of one, and their digests."""

from __future__ import annotations

import glob
import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.formats.format import Source
from cellfolio.formats.loading import load as load_source
from cellfolio.metadata.barcodes import barcodes_of, find_plate_map, unknown_plate
from cellfolio.package.nearest import suggest_or_list
from cellfolio.storage.disk import sha256_of
from cellfolio.workflows.plate_files import read_table
from cellfolio.workflows.profiling.recipe import AnnotateStep, Inputs, Recipe

if TYPE_CHECKING:
    import pandas as pd

_FIELD = re.compile(r"\{(\w+)\}")
_IN_NAMES = ("plate", "batch")
_RACY = 2_000_000_000
"""Nanoseconds in which a file can change twice and look the same."""


@dataclass(frozen=True, slots=True, order=True)
class Plate:
    """A plate by its batch, which is empty where the recipe has none, and its name."""

    batch: str
    name: str

    def __str__(self) -> str:
        return f"{self.batch}/{self.name}" if self.batch else self.name

    def fill(self, pattern: str, **more: str) -> str:
        """Return a pattern with its fields filled in."""
        known = {"plate": self.name, "batch": self.batch, **more}
        return _FIELD.sub(lambda found: known.get(found[1], found[0]), pattern)


@dataclass(frozen=True, slots=True)
class PlateInputs:
    """The files that one plate is made of; None where a step does not need it."""

    source: Path
    plate_map: Path | None = None
    barcodes: Path | None = None
    external: Path | None = None


def find_plates(recipe: Recipe, wanted: tuple[str, ...] = ()) -> tuple[Plate, ...]:
    """Return the plates of a recipe, or those of them that are wanted, in order.

    Raises
    ------
    InvalidArgument
        If the pattern cannot be used, or there is no plate.
    NotFound
        If one that is named is not there.
    """
    found = tuple(sorted(set(_matching(recipe.inputs, recipe.root))))
    if recipe.inputs.plates:
        found = tuple(_named(recipe.inputs.plates, found, recipe.inputs.pattern))
    if wanted:
        return tuple(_named(wanted, found, recipe.inputs.pattern, listed=True))
    if not found:
        raise NotFound(
            f"nothing in {recipe.root} is called {recipe.inputs.pattern}",
            hint="paths of a recipe are below its folder",
        )
    return found


def _matching(inputs: Inputs, root: Path) -> Iterator[Plate]:
    names = _FIELD.findall(inputs.pattern)
    odd = [name for name in names if name not in _IN_NAMES]
    if odd or "plate" not in names:
        raise InvalidArgument(
            f"the path of the input should have {{plate}}, and maybe {{batch}} in it, found "
            f"{inputs.pattern!r}"
        )
    whole = re.compile(_expression(inputs.pattern))
    fixed = inputs.pattern.partition("{")[0]
    prefix = fixed[: fixed.rfind("/") + 1]
    base = root / prefix
    rest = _FIELD.sub("*", glob.escape(inputs.pattern[len(prefix) :]))
    for path in base.glob(rest) if base.is_dir() else ():
        match = whole.fullmatch(prefix + path.relative_to(base).as_posix())
        if match is not None:
            parts = match.groupdict()
            yield Plate(parts.get("batch", ""), parts["plate"])


def _expression(pattern: str) -> str:
    """Return the regular expression of a pattern; a field that is there again is the same."""
    parts, seen, end = [], set(), 0
    for found in _FIELD.finditer(pattern):
        parts.append(re.escape(pattern[end : found.start()]))
        name = found[1]
        parts.append(f"(?P={name})" if name in seen else rf"(?P<{name}>[^/.][^/]*)")
        seen.add(name)
        end = found.end()
    return "".join((*parts, re.escape(pattern[end:])))


def _named(
    names: tuple[str, ...], found: tuple[Plate, ...], pattern: str, *, listed: bool = False
) -> Iterator[Plate]:
    for name in dict.fromkeys(names):
        same = [plate for plate in found if name in (str(plate), plate.name)]
        if len(same) > 1:
            raise InvalidArgument(
                f"several batches have the plate {name!r}", hint=f"name it {same[0]} or {same[1]}"
            )
        if same:
            yield same[0]
        elif listed:
            raise NotFound(
                f"the recipe has no plate {name!r}", hint=suggest_or_list(name, map(str, found))
            )
        else:  # told of when its turn comes, so that the others go on
            batch, _, plate = name.rpartition("/")
            yield Plate(batch, plate)


def find_inputs(recipe: Recipe, plate: Plate) -> PlateInputs:
    """Return the files that a plate is made of.

    Raises
    ------
    NotFound
        If one is not there, or its barcode is in no table.
    """
    source = recipe.root / plate.fill(recipe.inputs.pattern)
    _check_there(source, "the input")
    for stage in recipe.stages:
        if isinstance(stage.step, AnnotateStep):
            return _annotations(recipe.root, plate, stage.step, source)
    return PlateInputs(source)


def _annotations(root: Path, plate: Plate, step: AnnotateStep, source: Path) -> PlateInputs:
    barcodes = external = None
    more: dict[str, str] = {}
    if step.barcodes:
        barcodes = root / plate.fill(step.barcodes)
        _check_there(barcodes, "the table of barcodes")
        table = read_table(Source(barcodes, barcodes.name))
        name = find_plate_map(table, plate.name)
        if name is None:
            raise unknown_plate(plate.name, barcodes_of(table))
        more["plate_map"] = name
    plate_map = root / plate.fill(step.plate_map, **more)
    _check_there(plate_map, "the plate map")
    if step.external:
        external = root / plate.fill(step.external, **more)
        _check_there(external, "the table of perturbations")
    return PlateInputs(source, plate_map, barcodes, external)


def _check_there(path: Path, what: str) -> None:
    if not path.exists():
        beside = sorted(one.name for one in path.parent.iterdir()) if path.parent.is_dir() else []
        raise NotFound(f"{what} is not there: {path}", hint=suggest_or_list(path.name, beside))


def read_metadata(path: Path) -> pd.DataFrame:
    """Read a plate map or a table of perturbations; ``007`` in it is a name."""
    return read_table(Source(path, path.name))


def read_profiles(path: Path) -> pd.DataFrame:
    """Read a profile for each well.

    Raises
    ------
    InvalidArgument
        If the file is no table.
    BrokenFile, UnknownFormat
    """
    import pandas as pd

    table = load_source(path)
    if not isinstance(table, pd.DataFrame):
        raise InvalidArgument(f"{path.name} is no table", hint="profiles are CSV or Parquet")
    return table


@dataclass
class Digests:
    """Digests of files and folders; one that looks as it did is not read again.

    Parameters
    ----------
    known : mapping of str to [str, str]
        How a path looked, and its digest then.
    """

    known: Mapping[str, list[str]]
    seen: dict[str, list[str]] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """Return the SHA-256 of a file; of a folder, that of the names and digests in it."""
        key = str(path)
        if key in self.seen:
            return self.seen[key][1]
        now = time.time_ns()
        files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        stats = [(one, one.stat()) for one in files]
        look = hashlib.sha256(
            repr([(str(one), stat.st_size, stat.st_mtime_ns) for one, stat in stats]).encode()
        ).hexdigest()
        if self.known.get(key, [""])[0] == look:
            digest = self.known[key][1]
        elif path.is_dir():
            lines = [
                f"{one.relative_to(path).as_posix()}\0{sha256_of(one).value}\n" for one in files
            ]
            digest = hashlib.sha256("".join(lines).encode()).hexdigest()
        else:
            digest = sha256_of(path).value
        settled = all(now - stat.st_mtime_ns > _RACY for _, stat in stats)
        self.seen[key] = [look if settled else "", digest]
        return digest
