"""Recipes in TOML: our own form. ``docs/reference/recipe.md`` tells every key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.package.nearest import suggest_or_list
from cellfolio.workflows.profiling.recipe import (
    FORMATS,
    LEVELS,
    PARITIES,
    AggregateStep,
    AnnotateStep,
    ConsensusStep,
    Inputs,
    NormalizeStep,
    Outputs,
    PageStep,
    Recipe,
    SelectStep,
    plan_stages,
)
from cellfolio.workflows.toml_keys import (
    ANY,
    FLAG,
    NUMBER,
    TABLE,
    TABLES,
    TEXT,
    TEXTS,
    check_keys,
    choose,
    read_toml,
)

if TYPE_CHECKING:
    from cellfolio.profiles import Modz, Normalization, Operation
    from cellfolio.profiles.aggregating import Average

KEYS: Mapping[str, Mapping[str, str]] = {
    "": {
        "parity": TEXT,
        "input": TABLE,
        "aggregate": TABLE,
        "annotate": TABLE,
        "normalize": TABLES,
        "feature_select": TABLES,
        "consensus": TABLES,
        "quality": TABLE,
        "output": TABLE,
    },
    "input": {
        "cells": TEXT,
        "profiles": TEXT,
        "plates": TEXTS,
        "features": TEXTS,
        "keep_going": FLAG,
    },
    "aggregate": {"method": TEXT, "by": TEXTS, "count_objects": FLAG},
    "annotate": {
        "plate_map": TEXT,
        "barcodes": TEXT,
        "position": TEXT,
        "well": TEXT,
        "external": TEXT,
        "external_on": TEXT,
    },
    "normalize": {
        "name": TEXT,
        "method": TEXT,
        "reference": TEXT,
        "by": TEXTS,
        "epsilon": NUMBER,
        "kind": TEXT,
        "center": FLAG,
    },
    "feature_select": {"operations": ANY, "level": TEXT, "of": TEXTS, "reference": TEXT},
    "consensus": {"by": TEXTS, "of": TEXTS, "method": TEXT, "level": TEXT},
    "quality": {
        "page": FLAG,
        "perturbation": TEXTS,
        "reference": TEXT,
        "well": TEXT,
        "count": TEXT,
    },
    "output": {"formats": TEXTS, "number_format": TEXT},
}
"""Every key of a recipe, and what it should be; those of the document itself under ''."""

METHODS = {
    "standardize": "Standardize",
    "robustize": "Robustize",
    "mad_robustize": "RobustMad",
    "spherize": "Spherize",
    "inverse_normal": "InverseNormal",
    "elbow_spherize": "ElbowSpherize",
}
"""Every way to normalize, and its class in `cellfolio.profiles`."""
OPERATIONS = {
    "variance_threshold": "VarianceThreshold",
    "frequency_threshold": "FrequencyThreshold",
    "correlation_threshold": "CorrelationThreshold",
    "drop_missing": "DropMissing",
    "blocklist": "Blocklist",
    "drop_outliers": "DropOutliers",
    "noise_removal": "NoiseRemoval",
}
"""Every operation of a selection, and its class in `cellfolio.profiles`."""
_NUMBER_FORMAT = re.compile(r"%\.([1-9]|1[0-7])[gef]")


def read_recipe(path: Path | str) -> Recipe:
    """Read a recipe in TOML.

    Parameters
    ----------
    path : path
        Paths in the recipe are below its folder.

    Returns
    -------
    Recipe

    Raises
    ------
    InvalidArgument
        If it cannot be read, a key is not known, or a value is impossible.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "recipe.toml")
    ...     _ = file.write_text('''
    ... [input]
    ... profiles = "{plate}.csv"
    ... [[normalize]]
    ... method = "mad_robustize"
    ... ''')
    ...     [stage.name for stage in read_recipe(file).stages]
    ['normalized']
    """
    path = Path(path)
    document = read_toml(path, "recipe")
    try:
        return parse_recipe(document, path.resolve().parent)
    except InvalidArgument as error:
        raise InvalidArgument(f"{path.name}: {error.message}", hint=error.hint) from None


def parse_recipe(document: Mapping[str, Any], root: Path) -> Recipe:
    """Make a recipe of what a TOML document says.

    Raises
    ------
    InvalidArgument
    """
    check_keys(document, KEYS[""], "the recipe")
    for name, known in KEYS.items():
        parts = document.get(name, []) if name else []
        for part in parts if isinstance(parts, list) else [parts]:
            check_keys(part, known, f"[{name}]")
    inputs = _inputs(document.get("input"))
    aggregate = document.get("aggregate", {} if inputs.single_cells else None)
    if aggregate is not None and not inputs.single_cells:
        raise InvalidArgument(
            "[aggregate] needs single cells, and the input is profiles of wells",
            hint="name the single cells with `cells` in [input], or leave [aggregate] out",
        )
    parity = document.get("parity", "")
    choose("parity", parity, PARITIES)
    stages = plan_stages(
        None if aggregate is None else _aggregate(aggregate),
        _annotate(document["annotate"]) if "annotate" in document else None,
        tuple(_normalize(one) for one in document.get("normalize", ())),
        tuple(_select(one) for one in document.get("feature_select", ())),
        tuple(_consensus(one) for one in document.get("consensus", ())),
    )
    page = _page(document.get("quality", {}))
    return Recipe(inputs, root, stages, _outputs(document.get("output", {})), parity, page)


def _inputs(part: Mapping[str, Any] | None) -> Inputs:
    part = part or {}
    if ("cells" in part) == ("profiles" in part):
        raise InvalidArgument(
            "[input] should name either single cells or profiles of wells",
            hint='such as cells = "{batch}/{plate}.sqlite", or profiles = "{plate}.csv.gz"',
        )
    pattern = str(part.get("cells", part.get("profiles")))
    plates, features = tuple(part.get("plates", ())), tuple(part.get("features", ()))
    return Inputs(pattern, "cells" in part, plates, features, bool(part.get("keep_going", False)))


def _tuples(part: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(one) if isinstance(one, list) else one for key, one in part.items()}


def _aggregate(part: Mapping[str, Any]) -> AggregateStep:
    choose("method of [aggregate]", part.get("method", "median"), ("median", "mean"))
    return AggregateStep(**_tuples(part))


def _annotate(part: Mapping[str, Any]) -> AnnotateStep:
    if "plate_map" not in part:
        raise InvalidArgument("[annotate] should name the plate_map")
    if bool(part.get("external")) != bool(part.get("external_on")):
        raise InvalidArgument("external and external_on of [annotate] are only of use together")
    if "{plate_map}" in part["plate_map"] and not part.get("barcodes"):
        raise InvalidArgument(
            "plate_map of [annotate] has {plate_map} in it, and no barcodes tell what that is",
            hint='such as barcodes = "metadata/platemaps/{batch}/barcode_platemap.csv"',
        )
    return AnnotateStep(**part)


_KNOBS: tuple[str, ...] = ("epsilon", "kind", "center")


def _normalize(part: Mapping[str, Any]) -> NormalizeStep:
    rest = _tuples(part)
    method = rest.pop("method", "standardize")
    own: dict[str, Any] = {
        key: rest.pop(key) for key in ("epsilon", "kind", "center") if key in rest
    }
    return NormalizeStep(make_normalization(method, own), **rest)


def make_normalization(method: str, knobs: Mapping[str, Any]) -> Normalization:
    """Return a way to normalize by its name.

    Raises
    ------
    InvalidArgument
    """
    choose("method of [[normalize]]", method, tuple(METHODS))
    made: Normalization = _make(METHODS[method], method, knobs)
    return made


def make_operation(name: str, knobs: Mapping[str, Any]) -> Operation:
    """Return an operation of feature selection by its name.

    Raises
    ------
    InvalidArgument
    """
    choose("an operation of [[feature_select]]", name, tuple(OPERATIONS))
    made: Operation = _make(OPERATIONS[name], name, _tuples(knobs))
    return made


def _make(kind: str, name: str, knobs: Mapping[str, Any]) -> Any:
    from cellfolio import profiles

    made = getattr(profiles, kind)
    own = {one.name: one for one in fields(made)}
    for key in knobs:
        if key not in own:
            raise InvalidArgument(f"{name} has no knob {key!r}", hint=suggest_or_list(key, own))
    for one in own.values():
        if one.default is MISSING and one.name not in knobs:
            raise InvalidArgument(f"{name} needs {one.name!r}")
    try:
        return made(**knobs)
    except TypeError as error:  # such as a text where a number belongs
        raise InvalidArgument(f"{name} cannot be used with {dict(knobs)}: {error}") from None


def _select(part: Mapping[str, Any]) -> SelectStep:
    operations = part.get("operations", [])
    if not operations:
        raise InvalidArgument(
            "[[feature_select]] should have operations", hint=f"there are {', '.join(OPERATIONS)}"
        )
    choose("level of [[feature_select]]", part.get("level", "plate"), LEVELS)
    rest = _tuples({key: one for key, one in part.items() if key != "operations"})
    return SelectStep(tuple(map(_operation, operations)), **rest)


def _operation(found: object) -> Operation:
    if isinstance(found, str):
        return make_operation(found, {})
    if isinstance(found, dict) and isinstance(found.get("name"), str):
        return make_operation(found["name"], {k: one for k, one in found.items() if k != "name"})
    raise InvalidArgument(
        f"an operation should be a name or a table with a name, found {found!r}",
        hint='such as { name = "correlation_threshold", maximum = 0.9 }',
    )


def _consensus(part: Mapping[str, Any]) -> ConsensusStep:
    for key in ("by", "of"):
        if not part.get(key):
            raise InvalidArgument(f"[[consensus]] should tell {key!r}")
    choose("level of [[consensus]]", part.get("level", "batch"), LEVELS)
    method = part.get("method", "median")
    choose("method of [[consensus]]", method, ("median", "mean", "modz"))
    return ConsensusStep(**{**_tuples(part), "method": _combining(method)})


def _combining(method: str) -> Modz | Average:
    from cellfolio.profiles import Modz

    if method == "modz":
        return Modz()
    return "mean" if method == "mean" else "median"


def _page(part: Mapping[str, Any]) -> PageStep | None:
    told = {key: one for key, one in _tuples(part).items() if key != "page"}
    if part.get("page", True):
        return PageStep(**told)
    if told:
        raise InvalidArgument(
            "[quality] says that there is no page, and what should be on it",
            hint=f"leave out page = false, or {', '.join(told)}",
        )
    return None


def _outputs(part: Mapping[str, Any]) -> Outputs:
    outputs = Outputs(**_tuples(part))
    if not outputs.formats:
        raise InvalidArgument("formats of [output] should name at least one")
    for one in outputs.formats:
        choose("formats of [output]", one, FORMATS)
    if outputs.number_format and not _NUMBER_FORMAT.fullmatch(outputs.number_format):
        raise InvalidArgument(
            f"number_format of [output] should be such as '%.5g', found {outputs.number_format!r}"
        )
    return outputs
