"""The configuration of an experiment: one document in TOML, parsed at the edge."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from cellfolio.errors import InvalidArgument
from cellfolio.package.keys import check_key, check_package_name
from cellfolio.workflows.experiment.cost import PRICE, Price
from cellfolio.workflows.measuring.settings import MeasureOptions, named_settings
from cellfolio.workflows.opening import is_path, names_package
from cellfolio.workflows.profiling.toml_recipe import KEYS as RECIPE_KEYS
from cellfolio.workflows.toml_keys import (
    FLAG,
    NUMBER,
    TABLE,
    TABLES,
    TEXT,
    TEXTS,
    check_keys,
    read_toml,
)

KEYS: Mapping[str, Mapping[str, str]] = {
    "": {
        "output": TEXT,
        "images": TABLE,
        "measure": TABLE,
        "profile": TABLE,
        "evaluate": TABLES,
        "package": TABLE,
        "cost": TABLE,
    },
    "images": {
        "from": TEXT,
        "files": TEXTS,
        "path": TEXT,
        "images": TEXT,
        "labels": TEXT,
        "illumination": TEXT,
        "channels": TEXT,
        "plate": TEXT,
        "well": TEXT,
        "site": TEXT,
    },
    "measure": {
        "groups": TEXTS,
        "nuclei": TEXT,
        "cells": TEXT,
        "cell_threshold": NUMBER,
        "float32": FLAG,
        "outlines": FLAG,
        "save_labels": FLAG,
    },
    "package": {"name": TEXT, "message": TEXT, "meta": TABLE, "push": TEXT},
    "cost": {"price": NUMBER, "currency": TEXT},
}
"""Every key, and what it should be; those of the document itself under ''. ``[profile]`` has those
of a recipe without ``[input]``, ``[[evaluate]]`` a ``name`` and those of a benchmark."""
_PLACES = ("path", "images", "labels", "illumination")


@dataclass(frozen=True, slots=True)
class ImagesPart:
    """Where images are, and which of them are measured.

    Attributes
    ----------
    origin : str
        A package, or the absolute path of a folder.
    packaged : bool
        Whether it is a package, which is got first.
    files : tuple of str
        What is got of a package; all if empty.
    path, images, labels, illumination : str
        Below the origin: what is measured (a folder, or a table of images), and see
        `MeasureInputs`.
    channels, plate : str
    select : mapping of str to str
        ``well`` and ``site``.
    """

    origin: str
    packaged: bool
    files: tuple[str, ...]
    path: str
    images: str
    labels: str
    illumination: str
    channels: str
    plate: str
    select: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PackagePart:
    """What the package of an experiment is called, and where it is pushed; nowhere if empty."""

    name: str
    message: str
    meta: Mapping[str, Any]
    push: str


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment: what is done with its images.

    Attributes
    ----------
    output : Path
        Folder of the run.
    images : ImagesPart
    measure : MeasureOptions
    profile : mapping or None
        A recipe without its input; None for no profiles.
    evaluate : tuple of (str, mapping)
        Name and configuration of each benchmark.
    package : PackagePart or None
    price : Price
    document : mapping
        All of it, as it was written.
    sha256 : str
        Of the file.
    """

    output: Path
    images: ImagesPart
    measure: MeasureOptions
    profile: Mapping[str, Any] | None
    evaluate: tuple[tuple[str, Mapping[str, Any]], ...]
    package: PackagePart | None
    price: Price
    document: Mapping[str, Any]
    sha256: str


def example() -> str:
    """Return a configuration to be edited: that of the demonstration's experiment."""
    return files(__package__).joinpath("example.toml").read_text(encoding="utf-8")


def read_experiment(path: Path) -> Experiment:
    """Read the configuration of an experiment.

    Parameters
    ----------
    path : Path
        Paths in it are below its folder.

    Raises
    ------
    NotFound
    InvalidArgument
        If it cannot be read, or a key or value is impossible; it is named.
    """
    document = read_toml(path, "configuration")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        return parse_experiment(document, path.resolve(), digest)
    except InvalidArgument as error:
        raise InvalidArgument(f"{path.name}: {error.message}", hint=error.hint) from None


def parse_experiment(document: Mapping[str, Any], path: Path, digest: str = "") -> Experiment:
    """Make an experiment of what a TOML document says.

    Parameters
    ----------
    document : mapping
    path : Path
        Of the document, absolute.
    digest : str
        Of the document, SHA-256.

    Raises
    ------
    InvalidArgument
    """
    for name, known in KEYS.items():
        part = document.get(name, {}) if name else document
        if isinstance(part, dict):
            check_keys(part, known, f"[{name}]" if name else "the configuration")
    output = path.parent / document.get("output", f"{path.stem}-run")
    if "{" in str(output):
        raise InvalidArgument(f"output should have no {{ in its path, found {str(output)!r}")
    profile = document.get("profile")
    evaluations = tuple(_evaluations(document.get("evaluate", ()), output))
    if profile is not None:
        _check_profile(profile, output)
    elif evaluations:
        raise InvalidArgument(
            "[[evaluate]] looks at profiles, and there is no [profile]", hint="add [profile]"
        )
    cost = document.get("cost", {})
    return Experiment(
        output,
        _images(document.get("images"), path.parent),
        _measure(document.get("measure", {})),
        profile,
        evaluations,
        _package(document.get("package")),
        Price(cost.get("price", PRICE), cost.get("currency", "USD")),
        document,
        digest,
    )


def _images(part: Mapping[str, Any] | None, root: Path) -> ImagesPart:
    if not part or "from" not in part:
        raise InvalidArgument(
            "[images] should tell from where", hint='such as from = "lab/screen", or a folder'
        )
    word = part["from"]
    folder = root / Path(word).expanduser()
    packaged = not is_path(word) and not folder.exists() and names_package(word)
    for key in _PLACES:
        if part.get(key) and not _inside(part[key]):
            raise InvalidArgument(
                f"{key} of [images] should be below from, found {part[key]!r}",
                hint='such as "plates/2020_11_04"',
            )
    if part.get("files") and not packaged:
        raise InvalidArgument(
            "files of [images] are got of a package, and from is a folder",
            hint="path tells what of a folder is measured",
        )
    return ImagesPart(
        origin=word if packaged else str(folder),
        packaged=packaged,
        files=tuple(part.get("files", ())),
        select={key: part[key] for key in ("well", "site") if key in part},
        **{key: part.get(key, "") for key in (*_PLACES, "channels", "plate")},
    )


def _inside(path: str) -> bool:
    try:
        check_key(path.rstrip("/"))
    except InvalidArgument:
        return False
    return True


def _measure(part: Mapping[str, Any]) -> MeasureOptions:
    threshold = part.get("cell_threshold")
    return MeasureOptions(
        *named_settings(
            part.get("groups", ()),
            part.get("nuclei", "DNA"),
            part.get("cells", "RNA"),
            None if threshold is None else float(threshold),
        ),
        "float32" if part.get("float32") else "float64",
        part.get("outlines", False),
        part.get("save_labels", False),
    )


def _check_profile(part: Mapping[str, Any], root: Path) -> None:
    from cellfolio.workflows.profiling.toml_recipe import parse_recipe

    known = {key: kind for key, kind in RECIPE_KEYS[""].items() if key != "input"}
    check_keys(part, known, "[profile]")
    parse_recipe({**part, "input": {"cells": "{plate}"}}, root)


def _evaluations(parts: Any, root: Path) -> Any:
    from cellfolio.workflows.benchmarks.known import parse_configuration

    seen: set[str] = set()
    for part in parts:
        name = part.get("name")
        if not isinstance(name, str) or not name or not _inside(name) or "/" in name:
            raise InvalidArgument(
                f"[[evaluate]] should have a name for its folder, found {name!r}",
                hint='such as name = "replicating"',
            )
        if name in seen:
            raise InvalidArgument(f"two of [[evaluate]] are called {name!r}")
        seen.add(name)
        document = {key: value for key, value in part.items() if key != "name"}
        try:
            parse_configuration(document, root)
        except InvalidArgument as error:
            raise InvalidArgument(f"[[evaluate]] {name}: {error}", hint=error.hint) from None
        yield name, document


def _package(part: Mapping[str, Any] | None) -> PackagePart | None:
    if part is None:
        return None
    if "name" not in part:
        raise InvalidArgument(
            "[package] should have a name", hint='such as name = "lab/pilot-profiles"'
        )
    check_package_name(part["name"])
    return PackagePart(
        part["name"], part.get("message", ""), part.get("meta", {}), part.get("push", "")
    )
